import { join } from 'node:path';
import { readLog, type LogRead } from './broker-disk.ts';
import type { Child } from './child.ts';
import type { MemberProcess } from './member.ts';
import { Place } from './place.ts';

/** A member, and where its identity is. */
export interface Person {
  readonly name: string;
  /** In hex. */
  readonly keyId: string;
  readonly directory: string;
  readonly process: Child<MemberProcess>;
}

/** Topics of one group. */
export const pattern = 'orders/**';
export const textTopic = 'orders/new';
export const fileTopic = 'orders/files';

/** Everything that runs: an authority, a broker and three members. */
export class Site extends Place {
  alice!: Person;
  bob!: Person;
  carol!: Person;
  groupId16!: Uint8Array;
  readonly #members = Array.from({ length: 3 }, () => this.child<MemberProcess>('member.js'));

  /** The newest envelopes on the broker's disk. */
  async newestEnvelopes(count: number): Promise<LogRead> {
    return await readLog(this.broker.storeFolder, join(this.folder, 'copy'), count);
  }

  protected override async enrol(socket: string): Promise<void> {
    const [alice, bob, carol] = await Promise.all(
      ['alice', 'bob', 'carol'].map(async (name, i): Promise<Person> => {
        const directory = join(this.folder, name);
        const member = this.#members[i]!;
        return { name, directory, process: member, keyId: await member.call('enrol', directory, socket, name) };
      }),
    );
    Object.assign(this, { alice, bob, carol });
  }

  protected override async open(): Promise<void> {
    const { groupId } = await this.order('addGroup', { patterns: [pattern] });
    this.groupId16 = Uint8Array.from(Buffer.from(String(groupId), 'hex'));
    for (const [action, people] of [
      ['publish', [this.alice, this.carol]],
      ['subscribe', [this.bob, this.carol]],
    ] as const) {
      for (const { keyId } of people) await this.order('grant', { keyId, action, pattern, join: 'now' });
    }
    await Promise.all(
      [this.alice, this.bob, this.carol].map(async (one) => await one.process.call('connect', this.address)),
    );
  }
}
