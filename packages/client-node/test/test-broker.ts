import { createServer, type Server, type Socket } from 'node:net';
import {
  addressOf,
  addressTypes,
  parseEnvelope,
  Relay,
  TridcommError,
  Trust,
  type Identity,
  type RelayLink,
  type TopicMatch,
} from '@tridcomm/core';
import { extensions } from '@tridcomm/core/internal';
import { LinkEngine, linkModes, matchKinds, type LinkMessage, type LinkOptions } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import type { WebSocket } from 'ws';
import { random } from '../src/client/random.ts';

/** One envelope that a test broker keeps. */
interface Logged {
  readonly position: number;
  readonly envelope: Uint8Array;
}

interface StoredSub {
  readonly number: number;
  readonly match: TopicMatch;
  next: number;
}

/** One connection of a test broker. */
export class TestLink {
  readonly engine: LinkEngine;
  readonly received: LinkMessage[] = [];
  readonly #broker: TestBroker;
  readonly #write: (chunks: readonly Uint8Array[]) => void;
  readonly end: () => void;
  relay: RelayLink | undefined;
  stored: StoredSub[] = [];
  live = new Map<number, TopicMatch>();
  numbered = 0;
  creditBytes = 0;
  sentBytes = 0;
  watches = 0;
  #waiting: Uint8Array[] = [];

  constructor(
    broker: TestBroker,
    options: LinkOptions,
    write: (chunks: readonly Uint8Array[]) => void,
    end: () => void,
  ) {
    this.#broker = broker;
    this.#write = write;
    this.end = end;
    this.engine = new LinkEngine(options, (chunks) => {
      if (!broker.isMute) this.#write(chunks);
    });
  }

  receive(chunk: Uint8Array): void {
    if (this.#broker.isMute) return;
    try {
      this.engine.receive(chunk, (message) => this.#take(message));
      if (this.engine.state === 'open' && this.relay === undefined) this.#opened();
    } catch (error) {
      this.#broker.errors.push(error);
      this.end();
    }
  }

  send(message: LinkMessage): void {
    if (this.engine.state === 'open') this.engine.send(message);
  }

  #opened(): void {
    this.creditBytes = this.engine.peerCreditBytes;
    this.relay = this.#broker.relay.attach(this.engine.peer!.key.keyId32, {
      envelope: (bytes) => this.#deliver(bytes),
      object: (address16, object) => {
        const send = () => this.send({ type: 'object', address16, object });
        if (this.#broker.objectDelayMs > 0) setTimeout(send, this.#broker.objectDelayMs);
        else if (this.#broker.answersPingsFirst) setImmediate(send);
        else send();
      },
    });
  }

  #deliver(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.flush();
  }

  /** Sends what there is credit for. */
  flush(): void {
    while (this.#waiting.length > 0 && this.sentBytes + this.#waiting[0]!.length <= this.creditBytes) {
      const envelope = this.#waiting.shift()!;
      this.sentBytes += envelope.length;
      this.send({ type: 'envelope', durability: 0, envelope });
    }
    for (const sub of this.stored) {
      for (const { position, envelope } of this.#broker.log) {
        if (position < sub.next || !matches(sub.match, envelope)) continue;
        if (this.sentBytes + envelope.length + 8 > this.creditBytes) break;
        this.sentBytes += envelope.length + 8;
        sub.next = position + 1;
        this.send({ type: 'stored', sub: sub.number, position, envelope });
      }
    }
  }

  #take(message: LinkMessage): void {
    if (this.relay === undefined) this.#opened();
    this.received.push(message);
    const relay = this.relay!;
    switch (message.type) {
      case 'watch':
        this.watches++;
        for (const address16 of message.addresses) {
          if (message.keeps) relay.watch(address16);
          else relay.fetch(address16);
        }
        break;
      case 'bundle': {
        const number = ++this.numbered;
        this.#refusable('numbered', number, () => {
          if (!this.#broker.takesBundles) throw new TridcommError('E_POLICY');
          this.#broker.apply(message.bundle);
          this.send({ type: 'ack', number });
        });
        break;
      }
      case 'sub':
        this.#refusable('sub', message.sub, () => {
          relay.subscribe(message.match, 'live');
          if (message.from === 0) {
            this.live.set(message.sub, message.match);
            return;
          }
          this.#unsubscribe(message.match);
          this.stored.push({ number: message.sub, match: message.match, next: message.from });
        });
        this.flush();
        break;
      case 'unsub':
        this.stored = this.stored.filter(({ number }) => number !== message.sub);
        this.#endLive(message.sub);
        break;
      case 'envelope':
        this.#published(message.durability, Uint8Array.from(message.envelope));
        break;
      case 'credit':
        this.creditBytes = message.bytes;
        this.flush();
        break;
      case 'ping':
        if (!message.answers) this.send({ ...message, answers: true, timeMs: Date.now() + this.#broker.clockAheadMs });
        break;
      case 'close':
        this.detach();
        this.end();
        break;
      case 'ack':
      case 'job':
      case 'leased':
      case 'object':
      case 'reject':
      case 'settle':
      case 'stored':
      case 'work':
        throw new TridcommError('E_ENCODING', message.type);
    }
  }

  #endLive(number: number): void {
    const match = this.live.get(number);
    this.live.delete(number);
    if (match !== undefined) this.#unsubscribe(match);
  }

  /** The relay knows a match once, however many subs ask for it. */
  #unsubscribe(match: TopicMatch): void {
    const isSame = (other: TopicMatch) => Buffer.compare(other.match16, match.match16) === 0;
    if (![...this.live.values()].some(isSame)) this.relay!.unsubscribe(match, 'live');
  }

  #published(durability: number, envelope: Uint8Array): void {
    const number = durability === 0 ? 0 : ++this.numbered;
    this.#refusable('numbered', number, () => {
      this.#broker.judge(durability, envelope);
      this.#broker.lastEnvelope = envelope;
      this.relay!.publish(envelope);
      if (durability === 0) return;
      const position = this.#broker.log.length + 1;
      this.#broker.log.push({ position, envelope });
      if (this.#broker.acknowledges) this.send({ type: 'ack', number });
      for (const link of this.#broker.links) link.flush();
    });
  }

  #refusable(about: 'sub' | 'numbered', number: number, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      const retryMs = error.code === 'E_LIMIT' ? this.#broker.retryMs : 0;
      if (number > 0) this.send({ type: 'reject', about, number, code: error.outward ?? 'E_REFUSED', retryMs });
    }
  }

  detach(): void {
    this.relay?.detach();
    this.#broker.links.delete(this);
  }
}

/** A broker of a few lines over real sockets: core's relay behind core's links, with a log in memory. */
export class TestBroker {
  readonly relay: Relay;
  readonly links = new Set<TestLink>();
  readonly log: Logged[] = [];
  readonly errors: unknown[] = [];
  /** What it refuses of envelopes besides what the relay does. */
  judge: (durability: number, envelope: Uint8Array) => void = () => {};
  isRevoked: (keyId32: Uint8Array) => boolean = () => false;
  acknowledges = true;
  /** It neither reads nor writes. */
  isMute = false;
  takesBundles = false;
  /** Objects come behind the answer to a ping that was sent after the question. */
  answersPingsFirst = false;
  /** What is asked for comes so late. */
  objectDelayMs = 0;
  lastEnvelope: Uint8Array | undefined;
  clockAheadMs = 0;
  retryMs = 0;
  readonly #identity: Identity;
  readonly #authorityId32: Uint8Array;
  readonly #trust: Trust;
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];
  /** Its newest record. */
  record: Uint8Array = new Uint8Array(0);

  constructor(authorityId32: Uint8Array, identity: Identity) {
    this.#identity = identity;
    this.#authorityId32 = authorityId32;
    this.relay = new Relay({ provider: nodeProvider, authorityId32, now: Date.now });
    this.#trust = new Trust({ provider: nodeProvider, authorityId32 });
  }

  get keyId32(): Uint8Array {
    return this.#identity.key.keyId32;
  }

  apply(bundle: Uint8Array): void {
    this.relay.apply(bundle);
    const records = this.#authorityRecords();
    if (this.#trust.authorityRecord === undefined) {
      for (const record of records) this.#trust.takeAuthorityRecord(record, Date.now());
    }
  }

  /** @returns the port, for TCP */
  async listen(where: string | number): Promise<number> {
    const server = createServer((socket) => this.serve(socket));
    this.#servers.push(server);
    await new Promise<void>((resolve) => {
      if (typeof where === 'string') server.listen(where, resolve);
      else server.listen(where, '127.0.0.1', resolve);
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** What a link of this broker is made with. */
  linkOptions(mode: number, tls?: LinkOptions['tls']): LinkOptions {
    return {
      provider: nodeProvider,
      random,
      now: Date.now,
      side: 'responder',
      mode,
      ...(tls !== undefined && { tls }),
      key: this.#identity.key,
      principalRecord: this.record,
      trust: this.#trust,
      isRevoked: (keyId32) => this.isRevoked(keyId32),
      authorityRecords: (after) => (after === 0 ? this.#authorityRecords() : []),
    };
  }

  /** A connection that is there. @param tls - of a link in T */
  serve(socket: Socket, tls?: LinkOptions['tls']): void {
    this.#sockets.add(socket);
    const link = new TestLink(
      this,
      this.linkOptions(tls === undefined ? linkModes.noise : linkModes.tls, tls),
      (chunks) => {
        for (const chunk of chunks) socket.write(chunk);
      },
      () => socket.end(),
    );
    this.links.add(link);
    socket.on('data', (chunk: Buffer) => link.receive(new Uint8Array(chunk)));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      link.detach();
    });
  }

  /** The same for a WebSocket. */
  serveWebSocket(socket: WebSocket): void {
    const link = new TestLink(
      this,
      this.linkOptions(linkModes.noise),
      (chunks) => {
        for (const chunk of chunks) socket.send(chunk);
      },
      () => socket.close(),
    );
    this.links.add(link);
    socket.on('message', (data: Buffer) => link.receive(new Uint8Array(data)));
    socket.on('error', () => {});
    socket.on('close', () => link.detach());
  }

  /** Breaks all connections, without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = this.#servers.splice(0).map(
      async (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
        }),
    );
    this.cut();
    await Promise.all(closed);
  }

  #authorityRecords(): Uint8Array[] {
    const address16 = addressOf(nodeProvider, this.#authorityId32, addressTypes.authorityRecord, new Uint8Array(0));
    return [...this.relay.retained(address16)];
  }
}

/** Whether an envelope is one that a match is about. */
function matches({ matchKind, level, match16 }: TopicMatch, envelope: Uint8Array): boolean {
  const view = parseEnvelope(envelope);
  if (matchKind === matchKinds.exact) return Buffer.compare(view.header.topicTag, match16) === 0;
  const chain = view.extensions.value(extensions.topicChain);
  return chain !== undefined && Buffer.compare(chain.subarray(16 * level, 16 * level + 16), match16) === 0;
}
