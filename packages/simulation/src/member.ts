import type { CryptoProvider, Lease, WorkCarrier, WorkForm, WorkOutcome } from '@tridcomm/core';
import { Client, Identity, MemoryStore, type ClientEvent, type TopicMatch } from '@tridcomm/core/internal';
import { SimulatedLink, type LinkQuality, type ManualClock, type SeededRandom } from '@tridcomm/core/testing';
import type { Broker, BrokerLink } from './broker.ts';
import { hexOf } from './bytes.ts';
import type { MemberPlan } from './schedule.ts';

/** What a member asks of a broker, on its way. */
export type Request =
  | { readonly do: 'publish'; readonly envelope: Uint8Array }
  | { readonly do: 'work'; readonly match: TopicMatch; readonly capacity: number }
  | { readonly do: 'endWork'; readonly match: TopicMatch }
  | { readonly do: 'settle'; readonly lease: Lease; readonly outcome: WorkOutcome }
  | { readonly do: 'subscribe' | 'unsubscribe'; readonly match: TopicMatch }
  | { readonly do: 'watch' | 'fetch'; readonly address16: Uint8Array };

/** A unit of work that a broker gave, on its way or arrived. */
export interface LeasedParcel {
  readonly is: 'leased';
  readonly bytes: Uint8Array;
  readonly form: WorkForm;
  readonly lease: Lease;
}

/** What a broker sends a member, on its way. */
export type Parcel =
  | LeasedParcel
  | { readonly is: 'envelope'; readonly bytes: Uint8Array }
  | { readonly is: 'object'; readonly address16: Uint8Array; readonly bytes: Uint8Array };

/** What a member needs of the world. */
export interface MemberHost {
  readonly clock: ManualClock;
  readonly provider: CryptoProvider;
  readonly random: SeededRandom;
  readonly authorityId32: Uint8Array;
  readonly quality: LinkQuality;
  /** Patterns that a reader subscribes to. */
  readonly subscriptions: readonly string[];
  onEvent(event: ClientEvent): void;
  /** The client hands an envelope to the broker. */
  onPublished?(envelope: Uint8Array): void;
  /** Before the client gets it. */
  onParcel(parcel: Parcel): void;
  /** After the client got something, or time passed. */
  afterwards(): void;
  /** What a broker refused. */
  onBrokerRefusal(request: Request, error: unknown): void;
  /** What a client threw that is no refusal. */
  onBroken(error: unknown): void;
  /** A life has begun. */
  onStart?(client: Client): void;
  /** A unit of work has arrived. */
  onLeased?(parcel: LeasedParcel): void;
}

/** A member with everything round it: its machine, which may crash, its clock, and its connection, which may break. */
export class Member {
  readonly plan: MemberPlan;
  client: Client | undefined;
  /** Counts from 1. */
  life = 0;
  /** Where the machine started without a store: what is not younger is refused. */
  bootMs = 0;
  /** True time from which on it remembers: of its start without a store, or of its grants. */
  sinceMs = 0;
  /** What the clock has been set wrong by, beyond its skew. */
  jumpedMs = 0;
  hasJumped = false;
  readonly keyId32: Uint8Array;
  readonly #host: MemberHost;
  readonly #up: SimulatedLink<Request>;
  readonly #down: SimulatedLink<Parcel>;
  #identity: Identity;
  #store: MemoryStore | undefined;
  #link: BrokerLink | undefined;
  #matches: TopicMatch[] = [];
  readonly #works = new Map<string, { readonly match: TopicMatch; readonly capacity: number }>();
  readonly #watched = new Map<string, Uint8Array>();

  constructor(plan: MemberPlan, host: MemberHost) {
    this.plan = plan;
    this.#host = host;
    this.#identity = Identity.create(host.provider, host.random.bytes, this.localMs);
    this.keyId32 = this.#identity.key.keyId32;
    this.#up = new SimulatedLink(host.clock, host.random.fork(), host.quality, (request) => this.#ask(request));
    this.#down = new SimulatedLink(host.clock, host.random.fork(), host.quality, (parcel) => this.#take(parcel));
    if (plan.durable) this.#store = new MemoryStore();
  }

  get name(): string {
    return this.plan.name;
  }

  get identity(): Identity {
    return this.client?.identity ?? this.#identity;
  }

  /** Its clock. */
  get localMs(): number {
    return this.#host.clock.nowMs + this.plan.skewMs + this.jumpedMs;
  }

  get isDurable(): boolean {
    return this.#store !== undefined;
  }

  /** Names what it remembers: one thing for as long as its store lives. */
  get memory(): string {
    return this.isDurable ? 'store' : `life ${this.life}`;
  }

  get linkCounts(): { readonly lost: number; readonly duplicated: number; readonly reordered: number } {
    const [up, down] = [this.#up.counts, this.#down.counts];
    return {
      lost: up.lost + down.lost,
      duplicated: up.duplicated + down.duplicated,
      reordered: up.reordered + down.reordered,
    };
  }

  set quality(quality: LinkQuality) {
    this.#up.quality = quality;
    this.#down.quality = quality;
  }

  /** Begins a life. */
  start(): void {
    const { provider, random, authorityId32 } = this.#host;
    this.life++;
    if (!this.isDurable || this.life === 1) this.sinceMs = this.#host.clock.nowMs;
    if (this.life > 1) {
      const exported = this.#store?.get('identity') ?? this.#identity.export();
      this.#identity = Identity.restore(provider, random.bytes, exported);
      if (!this.isDurable) this.bootMs = this.localMs;
    }
    this.client = new Client({
      provider,
      random: random.bytes,
      authorityId32,
      identity: this.#identity,
      carrier: this.#carrier,
      startMs: this.life > 1 ? this.localMs : 0,
      ...(this.#store !== undefined && { store: this.#store }),
      onEvent: (event) => this.#host.onEvent(event),
    });
    this.#guard(() => {
      this.client!.start(this.localMs);
      if (this.plan.reads) {
        for (const pattern of this.#host.subscriptions) this.client!.subscribe(pattern, this.localMs);
      }
      this.#host.onStart?.(this.client!);
    });
  }

  /** Ends a life, as a crash does. @param isNoticed - whether the broker sees its link end */
  crash(keepsStore: boolean, isNoticed = true): void {
    this.#identity = this.identity;
    if (isNoticed) this.disconnect();
    this.client = undefined;
    this.#matches = [];
    this.#works.clear();
    this.#watched.clear();
    // Without its store it is a node that knows that it had a life before, and nothing of it.
    if (!keepsStore) this.#store = undefined;
  }

  connect(broker: Broker): void {
    this.disconnect();
    this.#link = broker.attach(this.keyId32, {
      envelope: (bytes) => this.#down.send({ is: 'envelope', bytes }),
      object: (address16, bytes) => this.#down.send({ is: 'object', address16, bytes }),
      leased: (bytes, form, lease) => this.#down.send({ is: 'leased', bytes, form, lease: this.#leaseOf(lease) }),
    });
    for (const address16 of this.#watched.values()) this.#up.send({ do: 'watch', address16 });
    for (const match of this.#matches) this.#up.send({ do: 'subscribe', match });
    for (const work of this.#works.values()) this.#up.send({ do: 'work', ...work });
  }

  /** Sends an envelope of its own once more. */
  repeat(envelope: Uint8Array): void {
    this.#up.send({ do: 'publish', envelope });
  }

  /** Loses what is under way. */
  disconnect(): void {
    this.#link?.detach();
    this.#link = undefined;
    this.#up.cut();
    this.#down.cut();
  }

  tick(): void {
    if (this.client === undefined) return;
    this.#guard(() => this.client?.tick(this.localMs));
  }

  /** Everything that it has written down. */
  *stolenBytes(): Generator<Uint8Array> {
    for (const [name, value] of this.#store?.entries('member/') ?? []) if (name !== '') yield value;
  }

  readonly #carrier: WorkCarrier = {
    publish: (envelope) => {
      this.#host.onPublished?.(envelope);
      this.#up.send({ do: 'publish', envelope });
    },
    subscribe: (match) => {
      this.#matches.push(match);
      this.#up.send({ do: 'subscribe', match });
    },
    unsubscribe: (match) => {
      this.#matches = this.#matches.filter((one) => one !== match);
      this.#up.send({ do: 'unsubscribe', match });
    },
    watch: (address16) => {
      this.#watched.set(hexOf(address16), address16);
      this.#up.send({ do: 'watch', address16 });
    },
    fetch: (address16) => this.#up.send({ do: 'fetch', address16 }),
    work: (match, capacity) => {
      this.#works.set(hexOf(match.match16), { match, capacity });
      this.#up.send({ do: 'work', match, capacity });
    },
    endWork: (match) => {
      this.#works.delete(hexOf(match.match16));
      this.#up.send({ do: 'endWork', match });
    },
  };

  /** A lease of the broker, at this end of the link that it came by. */
  #leaseOf(lease: Lease): Lease {
    const link = this.#link;
    return {
      settle: (outcome) => {
        if (link === this.#link) this.#up.send({ do: 'settle', lease, outcome });
      },
    };
  }

  /** A request has arrived at the broker. */
  #ask(request: Request): void {
    const link = this.#link;
    if (link === undefined) return;
    try {
      if (request.do === 'publish') link.publish(request.envelope);
      else if (request.do === 'work') link.work?.(request.match, request.capacity);
      else if (request.do === 'endWork') link.endWork?.(request.match);
      else if (request.do === 'settle') request.lease.settle(request.outcome);
      else if ('match' in request) link[request.do](request.match, 'live');
      else link[request.do](request.address16);
    } catch (error) {
      this.#host.onBrokerRefusal(request, error);
    }
  }

  /** A parcel has arrived at the member. */
  #take(parcel: Parcel): void {
    const { client } = this;
    if (client === undefined) return;
    this.#host.onParcel(parcel);
    this.#guard(() => {
      const receiver = client.receiver(() => this.localMs);
      if (parcel.is === 'envelope') receiver.envelope(parcel.bytes);
      else if (parcel.is === 'leased') this.#host.onLeased?.(parcel);
      else receiver.object(parcel.address16, parcel.bytes);
    });
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#host.onBroken(error);
    }
    this.#host.afterwards();
  }
}
