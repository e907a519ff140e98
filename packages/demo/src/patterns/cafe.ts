import { join } from 'node:path';
import { FileStore } from '@tridcomm/client-node';
import type { Caller, Child } from '../network/child.ts';
import { Place } from '../network/place.ts';
import { KeyRing, sendersOn } from './key-ring.ts';
import type { Party } from './party.ts';
import type { Till } from './till.ts';
import type { Passed, Wiretap } from './wiretap.ts';

/** Somebody, and where the identity is. */
export interface Guest {
  readonly name: string;
  readonly directory: string;
  /** In hex. */
  keyId: string;
  process: Child<Party>;
}

/** Topics of a pool: alice and bob ask, wanda and willi work, and rita may route. */
export const brewTopic = 'kitchen/brew';
export const payTopic = 'kitchen/pay';
export const toastTopic = 'kitchen/toast';
export const washTopic = 'kitchen/wash';
export const orderTopic = 'kitchen/order';
/** Of a group for surveys: alice asks, the others answer. */
export const lateTopic = 'staff/late';
/** Of a bus of alice, wanda and willi. */
export const callTopic = 'floor/calls';

/** An authority, a broker with ears, a till, two who ask, one who routes and two who work. */
export class Cafe extends Place {
  readonly alice: Guest = this.#guest('alice');
  readonly bob: Guest = this.#guest('bob');
  readonly rita: Guest = this.#guest('rita');
  readonly wanda: Guest = this.#guest('wanda');
  readonly willi: Guest = this.#guest('willi');
  readonly till: Child<Till> = this.child('../patterns/till.js');
  tap!: Caller<Wiretap>;

  constructor(folder: string) {
    super(folder, new URL('wiretap.js', import.meta.url));
  }

  get guests(): readonly Guest[] {
    return [this.alice, this.bob, this.rita, this.wanda, this.willi];
  }

  get workers(): readonly [Guest, Guest] {
    return [this.wanda, this.willi];
  }

  get tillSocket(): string {
    return join(this.folder, 'till.sock');
  }

  /** Every key that somebody has on the disk. */
  keysOf({ directory }: Guest): KeyRing {
    const stores = this.guests.map((guest) => FileStore.look(guest.directory));
    return KeyRing.on(FileStore.look(directory), sendersOn(stores));
  }

  /** What passed the broker since a mark, without what the authority says. */
  async passed(mark: number): Promise<readonly Passed[]> {
    const passed = await this.tap.call('passed', mark);
    return passed.filter(({ type }) => type === 'envelope' || type === 'leased' || type === 'job');
  }

  /** The name that somebody has whose key id begins so; in hex. */
  nameOf(keyId: string): string {
    return this.guests.find((guest) => guest.keyId.startsWith(keyId))?.name ?? 'nobody';
  }

  /** `kill -9`, and somebody of that name comes again, with what is on the disk. */
  kill(guest: Guest): { readonly pid: number | undefined; readonly back: Promise<void> } {
    const killed = guest.process;
    killed.kill();
    const back = async (): Promise<void> => {
      await killed.ended();
      guest.process = this.child('../patterns/party.js');
      await guest.process.call('connect', guest.directory, this.address);
    };
    return { pid: killed.pid, back: back() };
  }

  protected override async enrol(socket: string): Promise<void> {
    await Promise.all([
      this.till.call('listen', join(this.folder, 'till'), this.tillSocket),
      ...this.guests.map(async (guest) => {
        guest.keyId = await guest.process.call('enrol', guest.directory, socket, guest.name);
      }),
    ]);
  }

  protected override async open(): Promise<void> {
    const { alice, bob, rita, wanda, willi } = this;
    this.tap = this.broker.caller<Wiretap>();
    const kitchen = [brewTopic, payTopic, toastTopic, washTopic, orderTopic];
    await this.#group('front', kitchen, [alice, bob], [wanda, willi]);
    await this.ask('grant', { keyId: rita.keyId, action: 'route', pattern: orderTopic, join: 'now' });
    await this.#group('survey', [lateTopic], [alice], [bob, wanda, willi]);
    await this.#group('bus', [callTopic], [alice, wanda, willi], [alice, wanda, willi]);
    await this.authority.call('rest');
    await Promise.all(
      this.guests.map(async ({ process, directory }) => await process.call('connect', directory, this.address)),
    );
  }

  async #group(
    purpose: string,
    topics: readonly string[],
    publish: readonly Guest[],
    subscribe: readonly Guest[],
  ): Promise<void> {
    await this.ask('addGroup', { purpose, patterns: topics });
    // Who hears of one topic of a group hears of all: they come in one grant.
    const pattern = `${topics[0]!.split('/')[0]}/**`;
    for (const { keyId } of publish) await this.ask('grant', { keyId, action: 'publish', pattern, join: 'now' });
    for (const { keyId } of subscribe) await this.ask('grant', { keyId, action: 'subscribe', pattern, join: 'now' });
  }

  #guest(name: string): Guest {
    return { name, directory: join(this.folder, name), keyId: '', process: this.child('../patterns/party.js') };
  }
}
