import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, enrol } from '@tridcomm/client-node';
import type { AuthorityProcess } from './authority.ts';
import { readLog, type LogRead } from './broker-disk.ts';
import { BrokerProcess } from './broker-process.ts';
import { Child } from './child.ts';
import type { MemberProcess } from './member.ts';

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

/** Everything that runs: an authority, a broker and three members, each a process, in one folder that is gone at the end. */
export class Site {
  readonly folder: string;
  readonly broker: BrokerProcess;
  readonly authority: Child<AuthorityProcess>;
  /** 64 hex digits. */
  authorityId = '';
  alice!: Person;
  bob!: Person;
  carol!: Person;
  groupId16!: Uint8Array;
  readonly #members: readonly Child<MemberProcess>[];
  #admin: AdminClient | undefined;

  private constructor(folder: string) {
    this.folder = folder;
    const brokerFolder = join(folder, 'broker');
    mkdirSync(brokerFolder, { mode: 0o700 });
    this.broker = new BrokerProcess(brokerFolder);
    this.authority = new Child('authority.js');
    this.#members = Array.from({ length: 3 }, () => new Child<MemberProcess>('member.js'));
  }

  /** Starts all of it, does something with it, and ends it, whatever happens. */
  static async with(work: (site: Site) => Promise<void>): Promise<void> {
    const site = new Site(mkdtempSync(join(tmpdir(), 'tridcomm-demo-')));
    const atExit = (): void => site.#kill();
    process.on('exit', atExit);
    let isInterrupted = false;
    const interrupted = (signal: NodeJS.Signals): void => {
      isInterrupted = true;
      // Files of a process that is being killed may still come to be.
      void site.#close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
    };
    for (const signal of signals) process.on(signal, interrupted);
    try {
      await site.#start();
      await work(site);
    } catch (error) {
      // What fails then fails because of it, and the process is about to end.
      if (isInterrupted) await new Promise(() => undefined);
      throw error;
    } finally {
      await site.#close();
      process.off('exit', atExit);
      for (const signal of signals) process.off(signal, interrupted);
    }
  }

  get address(): string {
    return `tls://127.0.0.1:${this.broker.port}`;
  }

  /** The newest envelopes on the broker's disk. */
  async newestEnvelopes(count: number): Promise<LogRead> {
    return await readLog(this.broker.storeFolder, join(this.folder, 'copy'), count);
  }

  /** Has the authority do something, and waits until the broker has heard of it. */
  async order(op: string, args: Readonly<Record<string, unknown>> = {}): Promise<Readonly<Record<string, unknown>>> {
    const result = await this.#admin!.request(op, args);
    await this.authority.call('rest');
    return result;
  }

  async #start(): Promise<void> {
    const socket = join(this.folder, 'authority.sock');
    this.authorityId = await this.authority.call('listen', socket);
    this.#admin = await AdminClient.connect(socket);
    await this.#enrolBroker(socket);
    const [alice, bob, carol] = await Promise.all(
      ['alice', 'bob', 'carol'].map(async (name, i): Promise<Person> => {
        const directory = join(this.folder, name);
        const member = this.#members[i]!;
        return { name, directory, process: member, keyId: await member.call('enrol', directory, socket, name) };
      }),
    );
    Object.assign(this, { alice, bob, carol });
    await this.broker.start();
    await this.authority.call('brokerIs', this.address);
    await this.broker.event(0, ({ type }) => type === 'bundleTaken');
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

  /** A broker's certificate names where it is reached, so the authority has to be asked by somebody who may. */
  async #enrolBroker(socket: string): Promise<void> {
    const directory = join(this.folder, 'broker', 'identity');
    const { keyId32 } = await enrol(directory, socket, 'broker', { roles: ['broker'] });
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { certificate, ca } = await this.#admin!.request('tlsCertificate', {
      keyId: Buffer.from(keyId32).toString('hex'),
      publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
      names: ['127.0.0.1', 'localhost'],
    });
    const write = (name: string, text: unknown): void =>
      writeFileSync(join(directory, name), String(text), { mode: 0o600 });
    write('tls-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    write('tls-cert.pem', certificate);
    write('tls-ca.pem', ca);
  }

  #kill(): void {
    for (const one of [...this.#members, this.authority, this.broker]) one.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #close(): Promise<void> {
    const all = [...this.#members, this.authority, this.broker];
    for (const one of all) one.kill();
    this.#admin?.close();
    await Promise.all(all.map(async (one) => await one.ended()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
