import { expect, vi } from 'vitest';
import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { uriNamesOf } from '@tridcomm/client-node/internal';
import { Authority, Identity, type ErrorCode } from '@tridcomm/core';
import { decodeBundle } from '@tridcomm/core/internal';
import {
  LinkEngine,
  linkModes,
  principalRoles,
  tlsExporterLabel,
  type LinkMessage,
  type LinkOptions,
} from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import { BrokerEngine, type BrokerEngineOptions } from '../../src/engine/broker-engine.ts';
import type { BrokerEvent } from '../../src/engine/events.ts';
import type { LinkDriver, LinkHost } from '../../src/listeners/link-driver.ts';
import type { Listener, ListenerHost } from '../../src/listeners/listener.ts';
import { Openings } from '../../src/listeners/openings.ts';
import { TestCa, type Credentials } from './certificates.ts';

export const provider = nodeProvider;
export const random = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));

/** Somebody with a record of the authority. */
export interface Person {
  readonly identity: Identity;
  readonly record: Uint8Array;
  readonly keyId: string;
}

/** One authority, one broker engine, real time and real sockets. */
export class World {
  readonly authority: Authority;
  readonly bundles: Uint8Array[] = [];
  readonly engine: BrokerEngine;
  readonly events: BrokerEvent[] = [];
  readonly broker: Person;
  readonly host: ListenerHost;
  readonly stalled = new Set<LinkDriver>();
  readonly partial = { bytes: 0 };
  readonly listeners: Listener[] = [];
  readonly ca: TestCa;
  readonly #timer: NodeJS.Timeout;

  private constructor(ca: TestCa, options: Partial<BrokerEngineOptions>, mostOpenings: number) {
    this.ca = ca;
    let apply = (bundle: Uint8Array): void => void this.bundles.push(bundle);
    this.authority = Authority.create({ provider, random, publish: (bundle) => apply(bundle) }, Date.now());
    this.engine = new BrokerEngine({
      provider,
      authorityId32: this.authority.authorityId32,
      random,
      now: Date.now,
      defer: (work) => void setImmediate(work),
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    apply = (bundle) => {
      this.bundles.push(bundle);
      this.engine.restore(decodeBundle(bundle), Date.now());
      this.engine.tick();
    };
    for (const bundle of this.bundles) this.engine.restore(decodeBundle(bundle), Date.now());
    this.broker = this.person('localhost', principalRoles.broker);
    const links: LinkHost = {
      engine: this.engine,
      provider,
      random,
      now: Date.now,
      key: this.broker.identity.key,
      principalRecord: () => this.broker.record,
      stalled: this.stalled,
      partial: this.partial,
      emit: (event) => this.events.push(event),
    };
    this.host = { links, openings: new Openings(mostOpenings), mostConnections: 10_000 };
    this.#timer = setInterval(() => this.engine.tick(), 200);
  }

  static async create(options: Partial<BrokerEngineOptions> = {}, mostOpenings = 1_000): Promise<World> {
    return new World(await TestCa.create(), options, mostOpenings);
  }

  person(name: string, roles: number = principalRoles.member): Person {
    const identity = Identity.create(provider, random, Date.now());
    const record = this.authority.issue(identity.key, { name, roles }, Date.now());
    return { identity, record, keyId: Buffer.from(identity.key.keyId32).toString('hex') };
  }

  /** Everybody may publish to and read everything. */
  group(pattern: string, people: readonly Person[]): Uint8Array {
    const groupId16 = this.authority.addGroup({ patterns: [pattern] }, Date.now());
    const grants = people.flatMap(({ identity }) =>
      (['publish', 'subscribe'] as const).map((action) => ({ keyId32: identity.key.keyId32, action, pattern })),
    );
    this.authority.grantAll(grants, Date.now());
    return groupId16;
  }

  async credentials(person: Person, isBroker = false): Promise<Credentials> {
    const usages = isBroker ? { usages: ['1.3.6.1.5.5.7.3.1'], dns: ['localhost'] } : {};
    return this.ca.issue({ uris: [`tdc:${person.keyId}`], ...usages });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const listener of this.listeners) await listener.close();
  }

  /** Waits until these are the refusals since the last time: the end of a socket is told to its two sides in any order. */
  async refused(codes: readonly ErrorCode[]): Promise<void> {
    const seen: ErrorCode[] = [];
    await vi.waitFor(() => {
      seen.push(...this.refusals());
      expect(seen).toEqual(codes);
    }, 10_000);
  }

  /** Codes of refused openings since the last time. */
  refusals(): ErrorCode[] {
    const codes = this.events.flatMap((event) => (event.type === 'openingRefused' ? [event.code] : []));
    this.events.splice(0);
    return codes;
  }

  /** What an initiator brings. */
  options(person: Person): Omit<LinkOptions, 'mode'> {
    const records = (after: number) => this.engine.authorityRecords(after);
    return {
      provider,
      random,
      now: Date.now,
      side: 'initiator',
      key: person.identity.key,
      principalRecord: person.record,
      trust: this.engine.trust,
      authorityRecords: records,
      expectedName: 'localhost',
      creditBytes: 1e9,
    };
  }
}

/** A client's end of a link, over anything that has bytes. */
export class TestLink {
  readonly engine: LinkEngine;
  readonly messages: LinkMessage[] = [];
  onMessage: (message: LinkMessage) => void = (message) => void this.messages.push(message);
  /** What ended it: the close of the broker, a refusal, or `cut`. */
  ended: string | undefined;
  readonly #write: (bytes: Uint8Array) => void;
  #wake: (() => void)[] = [];

  constructor(options: LinkOptions, write: (bytes: Uint8Array) => void) {
    this.#write = write;
    this.engine = new LinkEngine(options, (chunks) => {
      for (const chunk of chunks) this.#write(Uint8Array.from(chunk));
    });
  }

  start(): this {
    this.engine.start();
    return this;
  }

  receive(chunk: Uint8Array): void {
    if (this.ended !== undefined) return;
    try {
      this.engine.receive(chunk, (message) => {
        if (message.type === 'close') this.ended = message.code ?? 'orderly';
        else this.onMessage(message);
      });
    } catch (error) {
      this.ended = `refused ${(error as { code: string }).code}`;
    }
    this.#notify();
  }

  cut(): void {
    this.ended ??= 'cut';
    this.#notify();
  }

  async until(test: () => boolean): Promise<this> {
    const giveUpMs = Date.now() + 20_000;
    while (!test()) {
      if (Date.now() > giveUpMs) throw new Error(`waited in vain; ended: ${this.ended}`);
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        setTimeout(resolve, 50);
      });
    }
    return this;
  }

  /** Waits until it is open, or over. */
  async opened(): Promise<this> {
    return this.until(() => this.engine.state === 'open' || this.ended !== undefined);
  }

  /** Waits for the answer to a ping: what was sent before was handled. */
  async pinged(): Promise<this> {
    this.engine.send({ type: 'ping', answers: false, token: 7, timeMs: 0 });
    const isAnswer = (message: LinkMessage): boolean => message.type === 'ping' && message.answers;
    await this.until(() => this.messages.some(isAnswer) || this.ended !== undefined);
    this.messages.splice(this.messages.findIndex(isAnswer), 1);
    return this;
  }

  async over(): Promise<string> {
    await this.until(() => this.ended !== undefined);
    return this.ended!;
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Lays a link on a socket that is, or will be, connected. */
function onSocket(socket: Socket, options: LinkOptions): TestLink {
  const link = new TestLink(options, (bytes) => socket.write(bytes));
  socket.on('data', (chunk) => link.receive(chunk));
  socket.on('error', () => link.cut());
  socket.on('close', () => link.cut());
  return link;
}

export async function noiseLink(
  world: World,
  person: Person,
  to: number | string,
  more: Partial<LinkOptions> = {},
): Promise<TestLink & { readonly socket: Socket }> {
  const socket = typeof to === 'number' ? connectTcp(to, '127.0.0.1') : connectTcp(to);
  const link = onSocket(socket, { ...world.options(person), mode: linkModes.noise, ...more });
  await new Promise((resolve) => socket.once('connect', resolve));
  return Object.assign(await link.start().opened(), { socket });
}

/** A TLS connection: `secured`, or why not. */
export async function tlsSocket(port: number, options: ConnectionOptions): Promise<TLSSocket | string> {
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', minVersion: 'TLSv1.2', ...options });
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', (error: Error & { code?: string }) => resolve(error.code ?? error.message));
  });
}

export async function tlsLink(
  world: World,
  person: Person,
  port: number,
  credentials: Credentials,
  more: Partial<LinkOptions> = {},
): Promise<TestLink & { readonly socket: TLSSocket }> {
  const { ca, certificate, privateKey } = credentials;
  const socket = await tlsSocket(port, { ca, cert: certificate, key: privateKey });
  if (typeof socket === 'string') throw new Error(socket);
  const exporter32 = socket.exportKeyingMaterial(32, tlsExporterLabel, Buffer.alloc(0));
  const certificateNames = uriNamesOf(socket.getPeerX509Certificate()?.subjectAltName);
  const tls = { exporter32, certificateNames };
  const link = onSocket(socket, { ...world.options(person), mode: linkModes.tls, tls, ...more });
  return Object.assign(await link.start().opened(), { socket });
}

export async function wait(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until something holds. */
export async function eventually(test: () => boolean, withinMs = 20_000): Promise<void> {
  const giveUpMs = Date.now() + withinMs;
  while (!test()) {
    if (Date.now() > giveUpMs) throw new Error('waited in vain');
    await wait(20);
  }
}
