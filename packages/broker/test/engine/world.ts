import {
  Authority,
  Client,
  Identity,
  TridcommError,
  type ClientEvent,
  type Delivery,
  type ErrorCode,
  type Lease,
  type PrincipalRecord,
  type TopicMatch,
  type WorkCarrier,
} from '@tridcomm/core';
import { decodeBundle, decodePrincipalRecord, objectKinds, parseObject } from '@tridcomm/core/internal';
import { principalRoles, type LinkMessage } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import { SeededRandom } from '@tridcomm/core/testing';
import { BrokerEngine, type BrokerEngineOptions } from '../../src/engine/broker-engine.ts';
import type { Connection } from '../../src/engine/connection.ts';
import type { BrokerEvent } from '../../src/engine/events.ts';
import type { PeerSink } from '../../src/engine/outbox.ts';

export const startMs = 1_790_000_000_000;
export const provider = nodeProvider;

/** The other end of a link, with a transport that takes what the test lets it. */
export class Peer implements PeerSink {
  readonly world: World;
  readonly record: PrincipalRecord;
  /** What came, but for what a client took. */
  readonly messages: LinkMessage[] = [];
  isFull = false;
  isReading = true;
  closed: { readonly code: ErrorCode | undefined; readonly retryMs: number } | undefined;
  connection: Connection | undefined;
  /** What to do with a message, before it is noted. */
  onMessage: (message: LinkMessage) => void = () => undefined;

  constructor(world: World, record: PrincipalRecord, creditBytes = 1e9) {
    this.world = world;
    this.record = record;
    this.connection = world.engine.connect(record, creditBytes, this);
  }

  send(message: LinkMessage): void {
    if (this.closed !== undefined) throw new TridcommError('E_CLOSED');
    this.messages.push(message);
    this.onMessage(message);
  }

  close(error: TridcommError | undefined, retryMs: number): void {
    this.closed = { code: error?.code, retryMs };
  }

  setReading(isReading: boolean): void {
    this.isReading = isReading;
  }

  /** What a peer says, handed to the broker. */
  says(...messages: readonly LinkMessage[]): this {
    for (const message of messages) this.connection!.receive(message);
    return this;
  }

  publish(envelope: Uint8Array, durability = 0): this {
    return this.says({ type: 'envelope', durability, envelope });
  }

  /** The messages of a type since the last time. */
  take<T extends LinkMessage['type']>(type: T): Extract<LinkMessage, { type: T }>[] {
    const taken = this.messages.filter((message) => message.type === type);
    for (const message of taken) this.messages.splice(this.messages.indexOf(message), 1);
    return taken as Extract<LinkMessage, { type: T }>[];
  }
}

/** A member with a client of core behind its link. */
export class Member {
  readonly world: World;
  readonly name: string;
  readonly identity: Identity;
  readonly record: PrincipalRecord;
  readonly events: ClientEvent[] = [];
  readonly deliveries: Delivery[] = [];
  /** Envelopes that it sealed, and the durability that it sends them with. */
  readonly sealed: Uint8Array[] = [];
  durability = 0;
  /** Whether what it seals goes to the broker by itself. */
  sends = true;
  readonly peer: Peer;
  readonly client: Client;
  #subs = 0;
  readonly #numbers = new Map<string, number>();
  readonly #works = new Map<string, number>();
  readonly matches: TopicMatch[] = [];

  constructor(world: World, name: string, identity: Identity, record: PrincipalRecord) {
    this.world = world;
    this.name = name;
    this.identity = identity;
    this.record = record;
    this.peer = new Peer(world, record);
    this.peer.onMessage = (message) => {
      if (message.type === 'envelope') receiver.envelope(message.envelope);
      if (message.type === 'object') receiver.object(message.address16, message.object);
      if (message.type === 'leased') receiver.leased(message.envelope, 'envelope', this.#lease(message));
      if (message.type === 'job') receiver.leased(message.job, 'job', this.#lease(message));
    };
    const carrier: WorkCarrier = {
      publish: (envelope) => {
        this.sealed.push(envelope);
        if (this.sends) this.peer.publish(envelope, this.durability);
      },
      subscribe: (match) => {
        this.matches.push(match);
        const sub = ++this.#subs;
        this.#numbers.set(nameOf(match), sub);
        this.peer.says({ type: 'sub', sub, match, from: 0 });
      },
      unsubscribe: (match) => void this.peer.says({ type: 'unsub', sub: this.#numbers.get(nameOf(match))! }),
      work: (match, capacity) => {
        const work = this.#works.get(nameOf(match)) ?? ++this.#subs;
        this.#works.set(nameOf(match), work);
        this.peer.says({ type: 'work', work, match16: match.match16, capacity });
      },
      endWork: (match) => {
        const sub = this.#works.get(nameOf(match))!;
        this.#works.delete(nameOf(match));
        this.peer.says({ type: 'unsub', sub });
      },
      watch: (address16) => void this.peer.says({ type: 'watch', keeps: true, addresses: [address16] }),
      fetch: (address16) => void this.peer.says({ type: 'watch', keeps: false, addresses: [address16] }),
    };
    this.client = new Client({
      provider,
      random: world.random,
      authorityId32: world.authority.authorityId32,
      identity,
      startMs,
      carrier,
      onEvent: (event) => {
        this.events.push(event);
        if (event.type === 'message') this.deliveries.push(event.delivery);
        if (event.type === 'keyRecord') world.authority.takeKeyRecord(event.bytes, world.nowMs);
      },
    });
    const receiver = this.client.receiver(() => world.nowMs);
    this.client.start(world.nowMs);
  }

  get keyId32(): Uint8Array {
    return this.identity.key.keyId32;
  }

  /** Another link of the same principal, without a client. */
  link(creditBytes?: number): Peer {
    return new Peer(this.world, this.record, creditBytes);
  }

  subscribe(pattern: string): void {
    this.client.subscribe(pattern, this.world.nowMs);
  }

  /** Publishes; gives the envelope. */
  publish(topic: string, ...texts: readonly string[]): Uint8Array {
    const payloads = texts.map((text) => new TextEncoder().encode(text));
    return this.client.publish(topic, payloads, this.world.nowMs).envelopes[0]!;
  }

  /** Seals without sending. */
  seal(topic: string, ...texts: readonly string[]): Uint8Array {
    const { sends } = this;
    this.sends = false;
    const envelope = this.publish(topic, ...texts);
    this.sends = sends;
    return envelope;
  }

  #lease({ work, lease }: { readonly work: number; readonly lease: number }): Lease {
    return { settle: (outcome) => void this.peer.says({ type: 'settle', work, lease, isDone: outcome === 'done' }) };
  }

  texts(): string[] {
    return this.deliveries
      .splice(0)
      .flatMap(({ messages }) => messages.map(({ payload }) => new TextDecoder().decode(payload)));
  }
}

/** One authority, one broker engine, members, and a clock that stands still until it is told. */
export class World {
  readonly random: (length: number) => Uint8Array;
  readonly authority: Authority;
  readonly engine: BrokerEngine;
  readonly events: BrokerEvent[] = [];
  readonly members: Member[] = [];
  readonly bundles: Uint8Array[] = [];
  /** The link of the authority. */
  authorityPeer: Peer;
  nowMs = startMs;
  /** Whether bundles go to the broker by themselves. */
  publishes = true;
  #deferred: (() => void)[] = [];

  constructor(options: Partial<BrokerEngineOptions> = {}) {
    this.random = new SeededRandom(7).bytes;
    let apply = (bundle: Uint8Array): void => void this.bundles.push(bundle);
    this.authority = Authority.create(
      { provider, random: this.random, publish: (bundle) => apply(bundle) },
      this.nowMs,
    );
    this.engine = new BrokerEngine({
      provider,
      authorityId32: this.authority.authorityId32,
      random: this.random,
      now: () => this.nowMs,
      defer: (work) => this.#deferred.push(work),
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    const identity = Identity.create(provider, this.random, this.nowMs);
    const fields = { name: 'authority', roles: principalRoles.authority };
    // The link of the authority brings its records, as a real one does in its auth.
    const bytes = this.authority.issue(identity.key, fields, this.nowMs);
    const objects = this.bundles.flatMap((bundle) => decodeBundle(bundle));
    for (const object of objects) {
      if (isAuthorityRecord(object.bytes)) this.engine.trust.takeAuthorityRecord(object.bytes, this.nowMs);
    }
    this.engine.trust.takePrincipalRecord(bytes, this.nowMs);
    this.authorityPeer = this.openLink(bytes);
    apply = (bundle) => {
      this.bundles.push(bundle);
      if (this.publishes) this.authorityPeer.says({ type: 'bundle', bundle });
    };
    for (const bundle of this.bundles) this.authorityPeer.says({ type: 'bundle', bundle });
  }

  /** A link of who has this principal record. */
  openLink(bytes: Uint8Array, creditBytes?: number): Peer {
    const record = decodePrincipalRecord(provider, parseObject(provider, bytes, objectKinds.principalRecord));
    return new Peer(this, record, creditBytes);
  }

  join(name: string): Member {
    const identity = Identity.create(provider, this.random, this.nowMs);
    const bytes = this.authority.issue(identity.key, { name }, this.nowMs);
    const record = decodePrincipalRecord(provider, parseObject(provider, bytes, objectKinds.principalRecord));
    this.authority.takeKeyRecord(identity.keyRecord(this.authority.authorityId32, 1, this.nowMs), this.nowMs);
    const member = new Member(this, name, identity, record);
    this.members.push(member);
    return member;
  }

  group(pattern: string, write: readonly Member[], read: readonly Member[]): Uint8Array {
    const groupId16 = this.authority.addGroup({ patterns: [pattern] }, this.nowMs);
    this.authority.grantAll(
      [
        ...write.map(({ keyId32 }) => ({ keyId32, action: 'publish' as const, pattern })),
        ...read.map(({ keyId32 }) => ({ keyId32, action: 'subscribe' as const, pattern })),
      ],
      this.nowMs,
    );
    return groupId16;
  }

  /** Does one turn's deferred work. */
  turn(): void {
    for (const work of this.#deferred.splice(0)) work();
  }

  /** Lets everything settle that needs no time. */
  async settle(): Promise<void> {
    for (let i = 0; i < 50; i++) {
      this.turn();
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#deferred.length === 0 && i > 1) return;
    }
  }

  async advance(ms: number, stepMs = 500): Promise<void> {
    const untilMs = this.nowMs + ms;
    while (this.nowMs < untilMs) {
      this.nowMs = Math.min(untilMs, this.nowMs + stepMs);
      if (this.nowMs >= this.authority.nextTickMs(this.nowMs)) this.authority.tick(this.nowMs);
      for (const { client } of this.members) client.tick(this.nowMs);
      this.engine.tick();
      await this.settle();
    }
  }

  /** Codes of what the broker refused since the last time. */
  refusals(): string[] {
    const refused = this.events.flatMap((event) => (event.type === 'refused' ? [`${event.what} ${event.code}`] : []));
    this.events.splice(0);
    return refused;
  }
}

function isAuthorityRecord(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4)).toString() === 'TDOB' && bytes[5] === objectKinds.authorityRecord;
}

function nameOf({ matchKind, level, match16 }: TopicMatch): string {
  return `${matchKind}/${level}/${Buffer.from(match16).toString('hex')}`;
}
