import { nodeProvider } from '@tridcomm/core/node';
import { TridcommError, type CryptoProvider, type ErrorCode } from '@tridcomm/core';
import { Authority } from '../../src/authority/authority.ts';
import type { GroupFields } from '../../src/authority/options.ts';
import type { Lease, WorkForm } from '../../src/client/carrier.ts';
import { Client } from '../../src/client/client.ts';
import type { ClientEvent, Delivery } from '../../src/client/events.ts';
import { Identity } from '../../src/client/identity.ts';
import type { ClientStore } from '../../src/client/store.ts';
import { decodeBundle, encodeBundle, type AddressedObject } from '../../src/keys/bundle.ts';
import { Relay, type RelayEvent, type RelayLink } from '../../src/relay/relay.ts';
import type { EnvelopeSource } from '../../src/replay/guard.ts';

export const startMs = 1_790_000_000_000;

/** Distinct bytes from a counter, hashed: a random source that repeats from run to run. */
export function seededRandom(provider: CryptoProvider, seed = 0): (length: number) => Uint8Array {
  let counter = 0;
  return (length) => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      counter++;
      const block = provider.sha256(Uint8Array.of(seed, counter & 0xff, (counter >> 8) & 0xff, counter >> 16));
      out.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return out;
  };
}

/** A member with the wire between it and the relay. */
export class Member {
  readonly name: string;
  readonly world: World;
  readonly identity: Identity;
  readonly store: ClientStore | undefined;
  readonly relay: Relay;
  readonly events: ClientEvent[] = [];
  readonly deliveries: Delivery[] = [];
  link!: RelayLink;
  client!: Client;
  /** What the wire lets through to the member. */
  lets: (what: 'envelope' | 'object', bytes: Uint8Array) => boolean = () => true;
  /** Units of work that came. */
  readonly units: { readonly bytes: Uint8Array; readonly form: WorkForm; readonly lease: Lease }[] = [];
  /** Envelopes that wait on the wire, while `holds`. */
  readonly held: Uint8Array[] = [];
  holds = false;
  isRunning = false;
  #lives = 0;

  constructor(
    world: World,
    name: string,
    identity: Identity,
    store: ClientStore | undefined,
    relay: Relay = world.relay,
  ) {
    this.world = world;
    this.relay = relay;
    this.name = name;
    this.identity = identity;
    this.store = store;
    this.begin();
  }

  get keyId32(): Uint8Array {
    return this.identity.key.keyId32;
  }

  /** A process starts: the first, or one after another. */
  begin(): void {
    const { world } = this;
    const isFirst = this.#lives++ === 0;
    this.isRunning = true;
    const identity =
      isFirst || this.store === undefined
        ? this.identity
        : Identity.restore(world.provider, world.random, this.store.get('identity')!);
    this.link = this.relay.attach(identity.key.keyId32, {
      envelope: (bytes) => {
        if (!this.lets('envelope', bytes)) return;
        if (this.holds) this.held.push(bytes);
        else receiver.envelope(bytes);
      },
      object: (address16, bytes) => {
        if (this.lets('object', bytes)) receiver.object(address16, bytes);
      },
      leased: (bytes, form, lease) => {
        this.units.push({ bytes, form, lease });
        if (this.lets('envelope', bytes)) receiver.leased(bytes, form, lease);
      },
    });
    this.client = new Client({
      provider: world.provider,
      random: world.random,
      authorityId32: world.authority.authorityId32,
      identity,
      carrier: this.link,
      startMs: isFirst ? startMs : world.nowMs,
      ...(this.store !== undefined && { store: this.store }),
      onEvent: (event) => {
        this.events.push(event);
        if (event.type === 'message') this.deliveries.push(event.delivery);
        if (event.type === 'keyRecord') world.authority.takeKeyRecord(event.bytes, world.nowMs);
      },
    });
    const receiver = this.client.receiver(() => world.nowMs);
    this.client.start(world.nowMs);
  }

  end(): void {
    this.isRunning = false;
    this.link.detach();
    this.client.stop();
  }

  subscribe(pattern: string, source: EnvelopeSource = 'live'): void {
    this.client.subscribe(pattern, this.world.nowMs, undefined, { source });
  }

  publish(topic: string, ...texts: readonly string[]): Uint8Array {
    return this.client.publish(topic, texts.map(encode), this.world.nowMs).envelopes[0]!;
  }

  /** Texts that were delivered since the last time. */
  texts(): string[] {
    return this.deliveries.splice(0).flatMap(({ messages }) => messages.map(({ payload }) => decode(payload)));
  }

  /** Codes that were refused since the last time. */
  refusals(): string[] {
    const refused = this.events
      .splice(0)
      .flatMap((event) => (event.type === 'refused' ? [`${event.what} ${event.error.code}`] : []));
    return refused;
  }

  /** Lets in what was held, in an order. */
  release(order: readonly number[] = [...this.held.keys()]): void {
    const held = this.held.splice(0);
    for (const i of order) {
      try {
        this.client.envelope(held[i]!, this.world.nowMs);
      } catch (error) {
        if (!(error instanceof TridcommError)) throw error;
        this.events.push({ type: 'refused', what: 'envelope', error });
      }
    }
  }

  view(groupId16: Uint8Array): ReturnType<Client['view']> {
    return this.client.view(groupId16, this.world.nowMs);
  }
}

/** One authority, one relay, members, and a clock that stands still until it is told. */
export class World {
  readonly provider: CryptoProvider;
  readonly random: (length: number) => Uint8Array;
  readonly authority: Authority;
  readonly relay: Relay;
  /** That the authority publishes to. */
  readonly relays: Relay[];
  readonly members: Member[] = [];
  readonly relayEvents: RelayEvent[] = [];
  /** Everything that the authority published. */
  readonly bundles: Uint8Array[] = [];
  nowMs = startMs;
  /** What of a bundle the hostile side lets through. */
  censor: (object: AddressedObject) => boolean = () => true;
  /** What it makes of the rest. */
  alter: (object: AddressedObject) => AddressedObject = (object) => object;

  constructor(provider: CryptoProvider = nodeProvider) {
    this.provider = provider;
    this.random = seededRandom(provider);
    const early: Uint8Array[] = [];
    let apply = (bundle: Uint8Array): void => void early.push(bundle);
    const publish = (bundle: Uint8Array): void => {
      this.bundles.push(bundle);
      apply(bundle);
    };
    this.authority = Authority.create({ provider, random: this.random, publish }, this.nowMs);
    this.relay = new Relay({
      provider,
      authorityId32: this.authority.authorityId32,
      now: () => this.nowMs,
      log: (event) => this.relayEvents.push(event),
    });
    apply = (bundle) => {
      const objects = decodeBundle(bundle).filter((object) => this.censor(object));
      const passed = encodeBundle(objects.map((object) => this.alter(object)));
      for (const relay of this.relays) relay.apply(passed);
    };
    this.relays = [this.relay];
    for (const bundle of early) apply(bundle);
  }

  /** A second broker, with everything that the authority published. */
  addRelay(): Relay {
    const { authorityId32 } = this.authority;
    const relay = new Relay({ provider: this.provider, authorityId32, now: () => this.nowMs });
    for (const bundle of this.bundles) relay.apply(bundle);
    this.relays.push(relay);
    return relay;
  }

  /** The same principal at another broker. */
  joinAt({ name, identity }: Member, relay: Relay): Member {
    const member = new Member(this, name, identity, undefined, relay);
    this.members.push(member);
    return member;
  }

  join(name: string, store?: ClientStore, relay?: Relay): Member {
    const identity = Identity.create(this.provider, this.random, this.nowMs);
    this.authority.issue(identity.key, { name }, this.nowMs);
    this.authority.takeKeyRecord(identity.keyRecord(this.authority.authorityId32, 1, this.nowMs), this.nowMs);
    const member = new Member(this, name, identity, store, relay);
    this.members.push(member);
    return member;
  }

  /** A group of one pattern. */
  group(
    pattern: string,
    write: readonly Member[],
    read: readonly Member[],
    fields: Partial<GroupFields> = {},
  ): Uint8Array {
    const groupId16 = this.authority.addGroup({ patterns: [pattern], ...fields }, this.nowMs);
    this.authority.grantAll(
      [
        ...write.map(({ keyId32 }) => ({ keyId32, action: 'publish' as const, pattern })),
        ...read.map(({ keyId32 }) => ({ keyId32, action: 'subscribe' as const, pattern })),
      ],
      this.nowMs,
    );
    return groupId16;
  }

  /** Lets time pass, as an authority and members that run do. */
  advance(ms: number, stepMs = 500): void {
    const untilMs = this.nowMs + ms;
    while (this.nowMs < untilMs) {
      this.nowMs = Math.min(untilMs, this.nowMs + stepMs);
      if (this.nowMs >= this.authority.nextTickMs(this.nowMs)) this.authority.tick(this.nowMs);
      for (const { client, isRunning } of this.members) if (isRunning) client.tick(this.nowMs);
      for (const relay of this.relays) relay.tick();
    }
  }
}

/** The code of what is thrown. */
export function codeOf(action: () => unknown): ErrorCode | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
  return undefined;
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
