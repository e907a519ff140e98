import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { lingerMs } from '@tridcomm/client-node/internal';
import { TridcommError, type CryptoProvider, type ErrorCode } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { parseConfig, type BrokerFile, type ListenerConfig, type StoreConfig } from './config.ts';
import { ControlFile } from './control-file.ts';
import { BrokerEngine } from './engine/broker-engine.ts';
import type { Counters } from './engine/counters.ts';
import type { BrokerEvent } from './engine/events.ts';
import { openIdentity, type BrokerIdentity, type OpenedIdentity } from './identity.ts';
import type { LinkDriver, LinkHost } from './listeners/link-driver.ts';
import { InProcessListener } from './listeners/in-process-listener.ts';
import type { Listener, ListenerHost } from './listeners/listener.ts';
import { listenNoise } from './listeners/noise-listener.ts';
import { Openings } from './listeners/openings.ts';
import { listenTls, type TlsFiles } from './listeners/tls-listener.ts';
import { listenWebSocket, type WebSocketTls } from './listeners/websocket-listener.ts';
import { Metrics, serveMetrics, type MetricsPage } from './metrics.ts';
import type { EnvelopeLog } from './store/envelope-log.ts';
import { MemoryLog } from './store/memory-log.ts';
import { nodeFiles } from './store/node-files.ts';
import { SegmentLog } from './store/segment-log.ts';

/** The same with every key but `type` optional, all the way down. */
type Loose<T> = T extends readonly (infer One)[]
  ? readonly Loose<One>[]
  : T extends object
    ? { readonly [K in keyof T as K extends 'type' ? K : never]: T[K] } & {
        readonly [K in keyof T as K extends 'type' ? never : K]?: Loose<T[K]> | undefined;
      }
    : T;

/** What a broker is made of: what its file says, or the identity at hand. What is left out is as in a file. */
export type BrokerConfig = Omit<Loose<BrokerFile>, 'identity' | 'listeners'> & {
  /** A directory, or who the broker is; that one needs the authority id too. */
  readonly identity: string | BrokerIdentity;
  readonly listeners: Loose<BrokerFile['listeners']>;
};

/** Adjusts what surrounds a broker. */
export interface BrokerSurroundings {
  /** Gets every decision; must not throw. */
  readonly onEvent?: (event: BrokerEvent) => void;
  /** Default that of `@tridcomm/core/node`. */
  readonly provider?: CryptoProvider;
}

/** Where a broker can be reached. */
export interface BrokerAddress {
  /** As events call it. */
  readonly listener: string;
  /** Of TCP. */
  readonly port: number | undefined;
}

/** A broker that runs. */
export interface Broker {
  /** In the order of the configuration. */
  readonly addresses: readonly BrokerAddress[];
  /** Of the page with metrics. */
  readonly metricsPort: number | undefined;
  readonly counters: Readonly<Counters>;
  /** In the text form of Prometheus. */
  metrics(): string;
  /** Reads the certificates of its listeners anew, for who connects from now on. What came of it is told by events. */
  readCertificates(): void;
  /**
   * Takes a member of the same process: hand this to `overStream` of the client. The link is one like all others, so member and broker show
   * each other who they are.
   *
   * @returns the member's end of a new connection
   * @throws TridcommError `E_CLOSED` when the broker is ending; `E_LIMIT` where there is no room for another
   */
  connectInProcess(): Duplex;
  /** Takes nothing more, answers what it took, ends all links in order, and lets go of everything. */
  close(): Promise<void>;
}

/**
 * Starts a broker.
 *
 * @throws TridcommError `E_USAGE` for a configuration, an identity or an address that cannot be; `E_TRANSPORT` for a disk that does not
 *   answer; what the log says of itself
 * @example
 * const broker = await createBroker({ identity: '/var/lib/broker', listeners: [{ type: 'noise' }] });
 */
export async function createBroker(config: BrokerConfig, surroundings: BrokerSurroundings = {}): Promise<Broker> {
  const { identity, ...rest } = config;
  const file = parseConfig(withoutUndefined({ ...rest, identity: typeof identity === 'string' ? identity : 'given' }));
  const broker = new RunningBroker(file, surroundings);
  try {
    await broker.start(identity);
  } catch (error) {
    await broker.close();
    throw error;
  }
  return broker;
}

class RunningBroker implements Broker {
  readonly #file: BrokerFile;
  readonly #provider: CryptoProvider;
  readonly #onEvent: BrokerSurroundings['onEvent'];
  readonly #metrics = new Metrics();
  readonly #openings: Openings;
  readonly #stalled = new Set<LinkDriver>();
  readonly #listeners: (Listener & Readable)[] = [];
  #inProcess: InProcessListener | undefined;
  #engine: BrokerEngine | undefined;
  #identity: BrokerIdentity | undefined;
  #opened: OpenedIdentity | undefined;
  #log: EnvelopeLog | undefined;
  #control: ControlFile | undefined;
  #page: MetricsPage | undefined;
  #timer: NodeJS.Timeout | undefined;
  #trimmedMs = Date.now();
  #keptRecord: Uint8Array | undefined;
  #closing: Promise<void> | undefined;

  constructor(file: BrokerFile, { provider = nodeProvider, onEvent }: BrokerSurroundings) {
    this.#file = file;
    this.#provider = provider;
    this.#onEvent = onEvent;
    this.#openings = new Openings(file.limits.openings);
  }

  get addresses(): readonly BrokerAddress[] {
    return this.#listeners.map(({ name, port }) => ({ listener: name, port }));
  }

  get metricsPort(): number | undefined {
    return this.#page?.port;
  }

  get counters(): Readonly<Counters> {
    return this.#engine!.counters;
  }

  connectInProcess(): Duplex {
    return this.#inProcess!.connect();
  }

  metrics(): string {
    return this.#metrics.text({ engine: this.#engine!, openings: this.#openings });
  }

  async start(identity: string | BrokerIdentity): Promise<void> {
    const { store, limits, listeners, metrics } = this.#file;
    if (typeof identity === 'string') this.#opened = openIdentity(identity, this.#provider, random);
    this.#identity = this.#opened ?? (identity as BrokerIdentity);
    const authorityId = this.#file.authorityId ?? this.#opened?.authorityId;
    if (authorityId === undefined || !/^[0-9a-f]{64}$/.test(authorityId)) {
      throw new TridcommError('E_USAGE', 'configuration: authorityId: absent, and the identity names none');
    }
    this.#log = await openLog(store);
    this.#engine = new BrokerEngine({
      provider: this.#provider,
      authorityId32: new Uint8Array(Buffer.from(authorityId, 'hex')),
      random,
      now: Date.now,
      defer: (work) => void setImmediate(() => this.#guarded(work)),
      ...(this.#log !== undefined && { store: { log: this.#log, isDurable: store.type === 'disk' } }),
      ...(store.type === 'disk' && { keep: async (objects, nowMs) => await this.#control?.keep(objects, nowMs) }),
      principalLimits: limits.principal,
      mostQueuedBytes: limits.queueBytes,
      onEvent: (event) => this.#emit(event),
    });
    if (store.type === 'disk') await this.#restore(this.#engine, store.folder);
    this.#timer = setInterval(() => this.#guarded(() => this.#tick()), tickMs);
    if (metrics !== undefined) this.#page = await serveMetrics(metrics.host, metrics.port, () => this.metrics());
    const host = this.#hostOf(this.#engine, this.#identity);
    this.#inProcess = new InProcessListener(host);
    for (const [i, listener] of listeners.entries()) {
      const taken = await listen(host, `${listener.type}-${i + 1}`, listener, identity);
      this.#listeners.push(taken);
      this.#emit({ type: 'listening', listener: taken.name, ...(taken.port !== undefined && { port: taken.port }) });
    }
  }

  readCertificates(): void {
    for (const { name, read } of this.#listeners) {
      if (read === undefined) continue;
      let code: ErrorCode | 'none' = 'none';
      try {
        read();
      } catch (error) {
        code = error instanceof TridcommError ? error.code : 'E_INTERNAL';
      }
      this.#emit({ type: 'certificatesRead', listener: name, code });
    }
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#emit({ type: 'draining' });
    const listeners = [...this.#listeners, ...(this.#inProcess === undefined ? [] : [this.#inProcess])];
    for (const listener of listeners) listener.stop();
    if (this.#engine !== undefined) await atMost(this.#engine.drain(), mostDrainingMs);
    // Links have sent their close, and have a moment to get it out.
    await Promise.all(listeners.map(async (listener) => await listener.close(lingerMs)));
    clearInterval(this.#timer);
    await this.#page?.close();
    await this.#log?.close();
    await this.#control?.close();
    this.#opened?.close();
    this.#emit({ type: 'stopped' });
  }

  /** @spec principals.28 */
  async #restore(engine: BrokerEngine, folder: string): Promise<void> {
    const { file, found } = await ControlFile.open(join(folder, 'control'), () => engine.objects());
    let objects = 0;
    let leftOut = 0;
    for (const kept of found.kept) {
      objects += kept.objects.length;
      leftOut += engine.restore(kept.objects, kept.keptMs);
    }
    this.#control = file;
    this.#emit({ type: 'restored', objects, leftOut, isDamaged: found.isDamaged });
  }

  #hostOf(engine: BrokerEngine, { key, principalRecord }: BrokerIdentity): ListenerHost {
    const links: LinkHost = {
      engine,
      provider: this.#provider,
      random,
      now: Date.now,
      key,
      principalRecord: () => engine.trust.principal(key.keyId32)?.object.bytes ?? principalRecord,
      stalled: this.#stalled,
      partial: { bytes: 0 },
      emit: (event) => this.#emit(event),
    };
    return { links, openings: this.#openings, mostConnections: this.#file.limits.connections };
  }

  #tick(): void {
    const engine = this.#engine!;
    const nowMs = Date.now();
    engine.tick();
    for (const driver of this.#stalled) driver.checkStalled(nowMs);
    this.#keepRecord(engine);
    if (nowMs - this.#trimmedMs < trimMs) return;
    this.#trimmedMs = nowMs;
    this.#log?.trim().catch((error: unknown) => {
      const code = error instanceof TridcommError ? error.code : 'E_INTERNAL';
      this.#emit({ type: 'logFailed', what: 'trim', code });
    });
  }

  /** The authority renews the broker's record as it does everybody's, by a bundle: the next life begins with it. */
  #keepRecord(engine: BrokerEngine): void {
    const newest = engine.trust.principal(this.#identity!.key.keyId32)?.object.bytes;
    if (newest === undefined || newest === this.#keptRecord) return;
    this.#keptRecord = newest;
    try {
      this.#opened?.keepRecord(newest);
    } catch {
      this.#emit({ type: 'notKept', code: 'E_TRANSPORT' });
    }
  }

  /** A mistake of ours in one thing that is due must not keep the others from it. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#emit({ type: 'internalError', where: 'turn', name: error instanceof Error ? error.name : typeof error });
    }
  }

  #emit(event: BrokerEvent): void {
    this.#metrics.note(event);
    this.#onEvent?.(event);
  }
}

async function openLog(store: StoreConfig): Promise<EnvelopeLog | undefined> {
  if (store.type === 'none') return undefined;
  const { maxBytes, maxAgeMs } = store;
  const retention = { ...(maxBytes !== undefined && { maxBytes }), ...(maxAgeMs !== undefined && { maxAgeMs }) };
  if (store.type === 'memory') return new MemoryLog({ now: Date.now, retention });
  try {
    mkdirSync(store.folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new TridcommError('E_USAGE', 'configuration: store.folder: cannot be made', { cause });
  }
  return await SegmentLog.open({ files: nodeFiles(join(store.folder, 'log')), now: Date.now, random, retention });
}

interface Readable {
  /** Reads the certificates anew; absent where there are none. @throws TridcommError `E_USAGE` */
  readonly read?: () => void;
}

async function listen(
  host: ListenerHost,
  name: string,
  listener: ListenerConfig,
  identity: string | BrokerIdentity,
): Promise<Listener & Readable> {
  if (listener.type === 'unix')
    return await listenNoise(host, name, { path: listener.path, isShared: listener.shared });
  const address = { host: listener.host, port: listener.port };
  if (listener.type === 'noise') return await listenNoise(host, name, address);
  const { certificate, privateKey } = listener;
  if (listener.type === 'websocket') {
    if (certificate === undefined || privateKey === undefined)
      return await listenWebSocket(host, name, { ...address, path: listener.path, tls: undefined });
    const tls = (): WebSocketTls => ({ certificate: pem(certificate), privateKey: pem(privateKey) });
    const taken = await listenWebSocket(host, name, { ...address, path: listener.path, tls: tls() });
    return { ...taken, read: () => taken.useCertificates(tls()) };
  }
  const file = (given: string | undefined, fallback: string): string => {
    if (given !== undefined) return pem(given);
    if (typeof identity === 'string') return pem(join(identity, fallback));
    throw new TridcommError('E_USAGE', `configuration: listener ${name}: ca, certificate and privateKey are needed`);
  };
  const files = (): TlsFiles => ({
    ca: file(listener.ca, 'tls-ca.pem'),
    certificate: file(certificate, 'tls-cert.pem'),
    privateKey: file(privateKey, 'tls-key.pem'),
  });
  const taken = await listenTls(host, name, { ...address, ...files() });
  return { ...taken, read: () => taken.useCertificates(files()) };
}

function pem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TridcommError('E_USAGE', `configuration: ${path} cannot be read`, { cause });
  }
}

function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

/** Keys that are there and undefined are as if they were not there. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  const given = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(given.map(([name, one]: [string, unknown]) => [name, withoutUndefined(one)]));
}

async function atMost(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}

const tickMs = 500;
const trimMs = 60_000;
const mostDrainingMs = 5_000;
