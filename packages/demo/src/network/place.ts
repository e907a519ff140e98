import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, enrol } from '@tridcomm/client-node';
import type { AuthorityProcess } from './authority.ts';
import { BrokerProcess } from './broker-process.ts';
import { Child } from './child.ts';

/** An authority, a broker, and what else is started there: each a process, in one folder that is gone at the end. */
export abstract class Place {
  readonly folder: string;
  readonly broker: BrokerProcess;
  readonly authority: Child<AuthorityProcess>;
  /** 64 hex digits. */
  authorityId = '';
  readonly #others: { kill(): void; ended(): Promise<void> }[] = [];
  #admin: AdminClient | undefined;
  #isOver = false;

  /** @param brokerModule - see {@link BrokerProcess} */
  constructor(folder: string, brokerModule?: URL) {
    this.folder = folder;
    const brokerFolder = join(folder, 'broker');
    mkdirSync(brokerFolder, { mode: 0o700 });
    this.broker = new BrokerProcess(brokerFolder, brokerModule);
    this.authority = new Child('authority.js');
  }

  /** Starts all of it, does something with it, and ends it, whatever happens. */
  static async with<P extends Place>(
    this: new (folder: string) => P,
    work: (place: P) => Promise<void>,
  ): Promise<void> {
    const place = new this(mkdtempSync(join(tmpdir(), 'tridcomm-demo-')));
    const atExit = (): void => place.#kill();
    process.on('exit', atExit);
    let isInterrupted = false;
    const interrupted = (signal: NodeJS.Signals): void => {
      isInterrupted = true;
      // Files of a process that is being killed may still come to be.
      void place.#close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
    };
    for (const signal of signals) process.on(signal, interrupted);
    try {
      await place.#start();
      await work(place);
    } catch (error) {
      // What fails then fails because of it, and the process is about to end.
      if (isInterrupted) await new Promise(() => undefined);
      throw error;
    } finally {
      await place.#close();
      process.off('exit', atExit);
      for (const signal of signals) process.off(signal, interrupted);
    }
  }

  get address(): string {
    return `tls://127.0.0.1:${this.broker.port}`;
  }

  /** Has the authority do something, and waits until the broker has heard of it. */
  async order(op: string, args: Readonly<Record<string, unknown>> = {}): Promise<Readonly<Record<string, unknown>>> {
    const result = await this.ask(op, args);
    await this.authority.call('rest');
    return result;
  }

  /** Has the authority do something. */
  protected async ask(op: string, args: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
    return await this.#admin!.request(op, args);
  }

  /** Enrols those who are there, while there is no broker yet. @param socket - of the authority */
  protected abstract enrol(socket: string): Promise<void>;

  /** Makes groups, grants rights, and connects: the broker runs. */
  protected abstract open(): Promise<void>;

  /** A process that ends with all the others. */
  protected child<T>(program: string): Child<T> {
    const child = new Child<T>(program);
    this.#others.push(child);
    if (this.#isOver) child.kill();
    return child;
  }

  async #start(): Promise<void> {
    const socket = join(this.folder, 'authority.sock');
    this.authorityId = await this.authority.call('listen', socket);
    this.#admin = await AdminClient.connect(socket);
    await this.#enrolBroker(socket);
    await this.enrol(socket);
    await this.broker.start();
    await this.authority.call('brokerIs', this.address);
    await this.broker.event(0, ({ type }) => type === 'bundleTaken');
    await this.open();
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

  get #all(): readonly { kill(): void; ended(): Promise<void> }[] {
    return [...this.#others, this.authority, this.broker];
  }

  #kill(): void {
    for (const one of this.#all) one.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #close(): Promise<void> {
    this.#isOver = true;
    for (const one of this.#all) one.kill();
    this.#admin?.close();
    await Promise.all(this.#all.map(async (one) => await one.ended()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
