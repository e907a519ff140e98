import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AdminServer,
  AuthorityService,
  BrokerLink,
  connect,
  enrol,
  type BundleSink,
  type ClientStatus,
  type ConnectOptions,
  type Enrolled,
  type ServicePrincipal,
  type StreamTarget,
  type TridcommClient,
} from '@tridcomm/client-node';
import { createBroker, type Broker, type BrokerConfig } from '../../src/broker.ts';
import type { BrokerEvent } from '../../src/engine/events.ts';

/** Somebody who is enrolled: a directory with keys, a record and a certificate. */
export interface Member extends Enrolled {
  readonly directory: string;
  /** In hex, as events have it. */
  readonly keyId: string;
}

/** An authority as a service, a broker, and members with directories of their own: real files, sockets and time. */
export class Scene {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'tdc-e2e-'));
  readonly service: AuthorityService;
  readonly events: BrokerEvent[] = [];
  readonly statuses = new Map<TridcommClient, ClientStatus[]>();
  readonly brokerIdentity: string = join(this.folder, 'broker');
  readonly #adminSocket = join(this.folder, 'admin.sock');
  readonly #children = new Set<ChildProcess>();
  readonly #undo: (() => Promise<void>)[] = [];
  #tellAddress: (address: string) => void = () => {};

  private constructor() {
    const told = new Promise<string>((resolve) => (this.#tellAddress = resolve));
    this.service = AuthorityService.inMemory({
      connect: (self) => ({ sinks: [laterLink(self, told)], sources: [] }),
    });
  }

  static async create(): Promise<Scene> {
    const scene = new Scene();
    const server = await AdminServer.listen(scene.service, scene.#adminSocket, 'admin');
    scene.#undo.push(async () => server.close());
    await enrol(scene.brokerIdentity, scene.#adminSocket, 'localhost', { roles: ['broker'], tls: true });
    return scene;
  }

  get authorityId(): string {
    return Buffer.from(this.service.authorityId32).toString('hex');
  }

  async member(name: string): Promise<Member> {
    const directory = join(this.folder, name);
    const enrolled = await enrol(directory, this.#adminSocket, name, { tls: true });
    return { ...enrolled, directory, keyId: Buffer.from(enrolled.keyId32).toString('hex') };
  }

  /** A group for a pattern, which these may write and these read. */
  group(
    pattern: string,
    { write, read }: { readonly write: readonly Member[]; readonly read: readonly Member[] },
  ): void {
    this.service.perform((authority, nowMs) => {
      authority.addGroup({ patterns: [pattern] }, nowMs);
      const grants = (members: readonly Member[], action: 'publish' | 'subscribe') =>
        members.map(({ keyId32 }) => ({ keyId32, action, pattern, join: 'now' as const }));
      authority.grantAll([...grants(write, 'publish'), ...grants(read, 'subscribe')], nowMs);
    });
  }

  /** A broker in this process, on a local socket over which the authority leads it, and what else is said. */
  async broker(config: Partial<BrokerConfig> = {}): Promise<Broker> {
    const broker = await createBroker(
      {
        identity: this.brokerIdentity,
        limits: { principal: plenty },
        ...config,
        listeners: [{ type: 'unix', path: this.localSocket }, ...(config.listeners ?? [])],
      },
      { onEvent: (event) => this.events.push(event) },
    );
    this.#undo.push(async () => broker.close());
    this.lead();
    await until('the broker has the word of the authority', () =>
      this.events.some(({ type }) => type === 'bundleTaken'),
    );
    await this.service.rest();
    return broker;
  }

  get localSocket(): string {
    return join(this.folder, 'broker.sock');
  }

  get localAddress(): string {
    return `unix:${this.localSocket}`;
  }

  /** From now on the authority leads the broker at the local socket. */
  lead(): void {
    this.#tellAddress(this.localAddress);
  }

  /** A broker as a process of its own, from what the build made: `tridcomm-broker --config`. */
  async brokerProcess(config: object, env: Readonly<Record<string, string>> = {}): Promise<BrokerProcess> {
    const path = join(this.folder, 'broker.json');
    writeFileSync(
      path,
      JSON.stringify({
        identity: this.brokerIdentity,
        limits: { principal: plenty },
        ...config,
        listeners: [
          { type: 'unix', path: this.localSocket },
          ...((config as { listeners?: readonly unknown[] }).listeners ?? []),
        ],
      }),
    );
    const child = new BrokerProcess(this.start([built('broker/dist/bin.js'), '--config', path], env));
    await child.listening((config as { listeners?: readonly unknown[] }).listeners?.length ?? 0);
    return child;
  }

  /** Starts Node, in a process that ends with the scene at the latest. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn(process.execPath, [...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, XDG_RUNTIME_DIR: this.folder, NO_COLOR: '1', ...env },
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  async connect(
    member: Member,
    address: string | StreamTarget,
    options: Partial<ConnectOptions> = {},
  ): Promise<TridcommClient> {
    const client = await connect(address, { identity: member.directory, brokerName: 'localhost', ...options });
    const statuses: ClientStatus[] = [];
    client.addEventListener('status', ({ status }) => statuses.push(status));
    this.statuses.set(client, statuses);
    this.#undo.push(async () => client.close());
    await client.ready();
    return client;
  }

  async close(): Promise<void> {
    for (const step of this.#undo.splice(0).toReversed()) await step();
    await this.service.close();
    await Promise.all(
      Array.from(this.#children, async (child) => {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A broker in a process of its own. */
export class BrokerProcess {
  readonly child: ChildProcess;
  stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  /** Ports by listener, of those that have one. */
  get ports(): Readonly<Record<string, number>> {
    const listening = this.lines().filter(({ type }) => type === 'listening');
    return Object.fromEntries(listening.map(({ listener, port }) => [String(listener), Number(port)]));
  }

  /** What it has logged. */
  lines(): readonly Readonly<Record<string, unknown>>[] {
    const whole = this.stderr.split('\n').slice(0, -1);
    return whole
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  }

  /** @param others - listeners besides the local one */
  async listening(others: number): Promise<void> {
    const isThere = () => this.lines().filter(({ type }) => type === 'listening').length === 1 + others;
    await until('the broker listens', () => {
      if (this.child.exitCode !== null) throw new Error(`the broker ended: ${this.stderr}`);
      return isThere();
    });
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }
}

/** The file of a package that the build makes. */
export function built(path: string): string {
  const file = fileURLToPath(new URL(`../../../${path}`, import.meta.url));
  if (!existsSync(file)) throw new Error(`${path} is not built: npm run build`);
  return file;
}

/** Waits for something to be so. */
export async function until(what: string, test: () => boolean, withinMs = 30_000): Promise<void> {
  const giveUpMs = Date.now() + withinMs;
  while (!test()) {
    if (Date.now() > giveUpMs) throw new Error(`not so within ${withinMs} ms: ${what}`);
    await wait(10);
  }
}

export async function wait(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A link of the authority to a broker that is not there yet. */
function laterLink(self: ServicePrincipal, told: Promise<string>): BundleSink {
  let link: BrokerLink | undefined;
  return {
    name: 'broker',
    publish: async (bundle) => {
      link ??= new BrokerLink({ address: await told, brokerName: 'localhost' }, self);
      await link.publish(bundle);
    },
    close: async () => link?.close(),
  };
}

/** Quotas that no test meets by accident. */
const plenty = { messagesPerSecond: 1e9, envelopesPerSecond: 1e9, bytesPerSecond: 1e12 };
