import type { CarrierReceiver, Lease, WorkCarrier, WorkReceiver } from '../client/carrier.ts';
import { hexOf } from '../client/hex.ts';
import type { TridcommError } from '../errors.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import type { EnvelopeSource } from '../replay/guard.ts';
import { Taker, type Unit, type Work } from './work.ts';

/** A member's side of its link to a relay. */
export interface RelayLink extends WorkCarrier {
  /** @param source - a relay keeps no log: it takes every subscription for a live one */
  subscribe(match: TopicMatch, source?: EnvelopeSource): void;
  unsubscribe(match: TopicMatch, source?: EnvelopeSource): void;
  /** Whether the relay still serves it. */
  readonly isOpen: boolean;
  /** Ends the link: nothing is delivered any more. */
  detach(): void;
}

/** Where a relay delivers to: work only where there is a place for it. */
export type RelayReceiver = CarrierReceiver & Partial<Pick<WorkReceiver, 'leased'>>;

/** What a relay does for a link. */
export interface LinkHost {
  publish(link: Link, envelope: Uint8Array): void;
  subscribe(link: Link, match: TopicMatch): void;
  unsubscribe(link: Link, match: TopicMatch): void;
  work(link: Link, match: TopicMatch, capacity: number): void;
  endWork(link: Link, match: TopicMatch): void;
  watch(link: Link, address16: Uint8Array): void;
  fetch(link: Link, address16: Uint8Array): void;
  detach(link: Link): void;
}

/** Work that a link takes. */
export interface LinkWork {
  readonly match: TopicMatch;
  readonly work: Work;
}

/** A unit on its way to a link. */
export interface LeasedUnit {
  readonly unit: Unit;
  readonly work: Work;
  /** Of the lease, among those of the work. */
  readonly number: number;
  readonly lease: Lease;
}

/** The relay's side of a link. */
export class Link implements RelayLink {
  readonly keyId32: Uint8Array;
  /** The same in hex. */
  readonly keyId: string;
  readonly receiver: RelayReceiver;
  readonly subscriptions: Map<string, TopicMatch> = new Map();
  /** By the name of its match. */
  readonly works: Map<string, LinkWork> = new Map();
  readonly taker: Taker = new Taker(() => !this.isOpen);
  /** Addresses in hex. */
  readonly watches: Set<string> = new Set();
  /** Objects that are on their way to it. */
  waitingObjects = 0;
  readonly #host: LinkHost;
  /** What every call is answered with, once the link is over. */
  #ended: TridcommError | undefined;

  constructor(host: LinkHost, keyId32: Uint8Array, receiver: RelayReceiver) {
    this.#host = host;
    this.keyId32 = keyId32;
    this.keyId = hexOf(keyId32);
    this.receiver = receiver;
  }

  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Ends the link for a reason; the first one counts. */
  end(reason: TridcommError): void {
    this.#ended ??= reason;
  }

  publish(envelope: Uint8Array): void {
    this.#check();
    this.#host.publish(this, envelope);
  }

  subscribe(match: TopicMatch): void {
    this.#check();
    this.#host.subscribe(this, match);
  }

  unsubscribe(match: TopicMatch): void {
    this.#check();
    this.#host.unsubscribe(this, match);
  }

  work(match: TopicMatch, capacity: number): void {
    this.#check();
    this.#host.work(this, match, capacity);
  }

  endWork(match: TopicMatch): void {
    this.#check();
    this.#host.endWork(this, match);
  }

  watch(address16: Uint8Array): void {
    this.#check();
    this.#host.watch(this, address16);
  }

  fetch(address16: Uint8Array): void {
    this.#check();
    this.#host.fetch(this, address16);
  }

  detach(): void {
    this.#host.detach(this);
  }

  #check(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }
}
