import { TridcommError, type ErrorCode, type PrincipalRecord, type TopicMatch } from '@tridcomm/core';
import { hexOf, limits, type Takes, type Unit, type WorkQueues } from '@tridcomm/core/internal';
import type { LinkMessage } from '@tridcomm/core/link';
import type { EnvelopeLog } from '../store/envelope-log.ts';
import { Answers, type Answer } from './answers.ts';
import type { Counters } from './counters.ts';
import type { BrokerEvent, OfLink } from './events.ts';
import { LinkWorks, matchOfWork, type WorksHost } from './link-works.ts';
import { Outbox, type LiveMessage, type OutboxHost, type PeerSink } from './outbox.ts';
import { RateError, type PrincipalQuota } from './quotas.ts';
import { StoredPump, type PumpHost } from './stored-pump.ts';
import { Sub } from './sub.ts';
import type { Watch, Watches } from './watches.ts';

/** What a connection asks of its broker. */
export interface ConnectionHost {
  readonly log: EnvelopeLog | undefined;
  readonly counters: Counters;
  readonly mostQueuedBytes: number;
  readonly work: WorkQueues;
  readonly watches: Watches<Connection>;
  now(): number;
  /** Takes an envelope, and settles its answer when it has one. @throws TridcommError the refusal */
  publish(connection: Connection, envelope: Uint8Array, durability: number, answer: Answer | undefined): void;
  /** Takes a bundle, and settles its answer. @throws TridcommError the refusal */
  takeBundle(connection: Connection, bundle: Uint8Array, answer: Answer): void;
  maySubscribe(connection: Connection, match: TopicMatch): boolean;
  /** What a connection may take as work of an exact match; undefined for nothing. */
  takesOf(connection: Connection, match: TopicMatch): Takes | undefined;
  addRoute(sub: Sub): void;
  deleteRoute(sub: Sub): void;
  retained(address16: Uint8Array): readonly Uint8Array[];
  /** Calls {@link Connection.flush} at the end of the turn. */
  wantFlush(connection: Connection): void;
  ended(connection: Connection): void;
  defer(work: () => void): void;
  emit(event: BrokerEvent): void;
}

/**
 * The broker's side of one open link. What the peer does wrong is answered, or ends the link: nothing of it is thrown.
 *
 * @spec delivery.1, delivery.9, delivery.15, delivery.17, delivery.22
 */
export class Connection implements PumpHost, OutboxHost, WorksHost {
  /** Counts from 1 since the start of the broker. */
  readonly number: number;
  /** As it stood when the link was opened. */
  readonly peer: PrincipalRecord;
  readonly keyId32: Uint8Array;
  /** The same in hex. */
  readonly keyId: string;
  readonly quota: PrincipalQuota;
  /** Undefined until there was one: there may be very many links that only wait. */
  #subs: Map<number, Sub> | undefined;
  readonly works: LinkWorks;
  readonly answers: Answers = new Answers();
  readonly outbox: Outbox;
  /** When its principal's record ends, as far as was looked. */
  notAfterMs: number;
  /** The last envelope that was delivered to it live, so that each comes once. */
  stamp = 0;
  readonly #host: ConnectionHost;
  readonly #sink: PeerSink;
  readonly #watches: Watch<Connection>[] = [];
  #pump: StoredPump | undefined;
  #watchFrames = 0;
  #isOpen = true;
  #isEnding = false;
  #isReading = true;

  /** @param creditBytes - of the peer's hello */
  constructor(
    host: ConnectionHost,
    sink: PeerSink,
    number: number,
    peer: PrincipalRecord,
    quota: PrincipalQuota,
    creditBytes: number,
  ) {
    this.#host = host;
    this.#sink = sink;
    this.number = number;
    this.peer = peer;
    this.notAfterMs = peer.notAfterMs;
    this.keyId32 = peer.key.keyId32;
    this.keyId = hexOf(this.keyId32);
    this.quota = quota;
    this.works = new LinkWorks(host.work, this);
    this.outbox = new Outbox(this, creditBytes, host.mostQueuedBytes);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @internal Whether the transport has as much as it should be given at a time, or is gone. */
  get isFull(): boolean {
    return !this.#isOpen || this.#sink.isFull;
  }

  /** By their numbers. */
  get subs(): ReadonlyMap<number, Sub> {
    return this.#subs ?? noSubs;
  }

  /** For events. */
  get names(): OfLink {
    return { link: this.number, keyId: this.keyId };
  }

  /** Takes a message of the peer. */
  receive(message: LinkMessage): void {
    if (!this.#isOpen || (meteredTypes.has(message.type) && !this.#takeControl())) return;
    switch (message.type) {
      case 'envelope':
        this.#takeEnvelope(message.durability, message.envelope);
        break;
      case 'bundle':
        this.#takeBundle(message.bundle);
        break;
      case 'sub':
        this.#takeSub(message.sub, message.match, message.from);
        break;
      case 'unsub':
        this.#takeUnsub(message.sub);
        break;
      case 'work':
        this.#takeWork(message.work, message.match16, message.capacity);
        break;
      case 'settle':
        this.#takeSettle(message);
        break;
      case 'watch':
        this.#takeWatch(message.keeps, message.addresses);
        break;
      case 'credit':
        if (this.outbox.grant(message.bytes)) this.#host.wantFlush(this);
        else this.end(new TridcommError('E_ENCODING', `credit ${message.bytes}, lower than before`));
        break;
      case 'ping':
        if (message.answers) break;
        this.answers.ping(message.token);
        this.#host.wantFlush(this);
        break;
      case 'close':
        this.#ended('peer', message.code);
        break;
      case 'reject':
      case 'stored':
      case 'leased':
      case 'job':
      case 'object':
      case 'ack':
        // Chapter 04 lets no initiator send them.
        this.end(new TridcommError('E_ENCODING', `message ${message.type} for a broker`));
    }
    this.#updateReading();
  }

  /** The transport takes more. */
  drained(): void {
    this.#host.wantFlush(this);
  }

  /** The link ended below: the transport is gone, or the link refused what came. */
  lost(by: 'broker' | 'peer', code: ErrorCode): void {
    this.#ended(by, code);
  }

  /** Ends the link. Without an error the end is an orderly one. */
  end(error?: TridcommError, retryMs = 0): void {
    if (!this.#isOpen || this.#isEnding) return;
    this.#isEnding = true;
    // What was taken is said first: the peer takes the rest for lost.
    this.#answer();
    this.#ended('broker', error?.code);
    this.#sink.close(error, retryMs);
  }

  /** Gives it a live envelope; too many of them end it, but for forwards: those are dropped. @spec delivery.16 */
  deliver(message: LiveMessage, isForward: boolean): void {
    if (!this.#isOpen) return;
    const what = this.outbox.live(message, isForward);
    if (what === 'sent') this.#countDelivered(message.envelope.length);
    if (what !== 'full') return;
    if (isForward) {
      this.#host.counters.forwardsDropped++;
      return;
    }
    this.end(new TridcommError('E_LIMIT', 'live envelopes wait for a peer that takes none'), slowRetryMs);
  }

  /** Gives a stored sub of this link what was appended. */
  offer(sub: Sub, position: number, bytes: Uint8Array): void {
    this.#pump?.offer(sub, position, bytes);
  }

  /** Lets an object that it watches go out at the end of the turn. @param name - of the address, in hex */
  push(name: string, address16: Uint8Array, bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.outbox.mark(name, address16, bytes);
    this.#host.wantFlush(this);
  }

  /** Settles an answer that it waits for. */
  settle(answer: Answer | undefined, error?: TridcommError, retryMs = 0): void {
    if (answer === undefined || answer.state !== 'waits') return;
    answer.state = error === undefined ? 'taken' : 'refused';
    if (!this.#isOpen) return;
    if (error !== undefined) this.#reject('numbered', answer.number, error, retryMs);
    this.#host.wantFlush(this);
  }

  /** Ends a sub that the lists no longer allow, or that the log does not feed any more. @spec delivery.11 */
  endSub(sub: Sub, error: TridcommError, retryMs = 0): void {
    this.#dropSub(sub);
    this.#host.emit({ type: 'subEnded', ...this.names, sub: sub.number, code: error.code });
    this.#reject('sub', sub.number, error, retryMs);
  }

  /** Ends a work that the lists no longer allow. @spec delivery.11 */
  endWork(number: number, error: TridcommError): void {
    this.#dropWork(number);
    this.#host.emit({ type: 'subEnded', ...this.names, sub: number, code: error.code });
    this.#reject('sub', number, error, 0);
  }

  /** Sends what waits, as far as it goes. */
  flush(): void {
    if (!this.#isOpen) return;
    this.#answer();
    const nowMs = this.#host.now();
    // Where too much was fetched the rest waits for a later tick.
    while (this.quota.takesObjects(nowMs)) {
      const next = this.outbox.nextObject();
      if (next === undefined) break;
      const { address16, bytes } = next;
      for (const object of bytes === undefined ? this.#host.retained(address16) : [bytes]) {
        this.#sendObject(address16, object);
      }
    }
    this.outbox.flushLive((bytes) => this.#countDelivered(bytes));
    this.works.wake(nowMs);
    this.#pump?.resume();
    this.#updateReading();
  }

  /** @internal */
  sendLive(message: LiveMessage): void {
    this.#send(message);
  }

  /** @internal */
  sendUnit(work: number, lease: number, { type, bytes }: Unit): void {
    this.#host.counters.unitsLeased++;
    this.#send(type === 'job' ? { type, work, lease, job: bytes } : { type, work, lease, envelope: bytes });
  }

  /** @internal */
  canSend(bodyBytes: number): boolean {
    return this.#isOpen && this.outbox.canSend(bodyBytes);
  }

  /** @internal */
  sendStored(message: Extract<LinkMessage, { readonly type: 'stored' }>): void {
    const { length } = message.envelope;
    this.outbox.spend(8 + length);
    this.#countDelivered(length);
    this.#host.counters.storedDelivered++;
    this.#send(message);
  }

  /** @internal */
  readFailed(subs: readonly Sub[], error: TridcommError): void {
    this.#host.emit({ type: 'logFailed', what: 'read', code: error.code });
    for (const sub of subs) this.endSub(sub, error, failedRetryMs);
  }

  /** @internal */
  damaged(fromPosition: number, toPosition: number): void {
    this.#host.emit({ type: 'logDamaged', fromPosition, toPosition });
  }

  /** @internal */
  defer(work: () => void): void {
    this.#host.defer(work);
  }

  #answer(): void {
    for (const message of this.answers.take(this.#host.now())) {
      if (message.type === 'ack') this.#host.counters.acksSent++;
      this.#send(message);
    }
  }

  #takeEnvelope(durability: number, envelope: Uint8Array): void {
    const answer = durability === 0 ? undefined : this.answers.add(envelope.length);
    try {
      this.#host.publish(this, envelope, durability, answer);
    } catch (error) {
      this.#refuse('envelope', error, (refusal, retryMs) => this.settle(answer, refusal, retryMs));
      this.#takeControl();
    }
  }

  /** Takes a frame from what its principal may send; ends the link where that is too much. @returns whether it goes on @spec delivery.18 */
  #takeControl(): boolean {
    try {
      this.quota.takeControl(this.#host.now());
      return true;
    } catch (error) {
      if (!(error instanceof RateError)) throw error;
      this.end(error, error.retryMs);
      return false;
    }
  }

  #takeBundle(bundle: Uint8Array): void {
    const answer = this.answers.add(bundle.length);
    try {
      this.#host.takeBundle(this, bundle, answer);
    } catch (error) {
      this.#refuse('bundle', error, (refusal, retryMs) => this.settle(answer, refusal, retryMs));
    }
  }

  /** @spec delivery.9 */
  #takeSub(number: number, match: TopicMatch, from: number): void {
    if (this.subs.has(number) || this.works.has(number)) {
      // A reject would name the sub that is there, so there is nothing to say but the end.
      this.end(new TridcommError('E_ENCODING', `sub ${number} that is in use`));
      return;
    }
    try {
      this.#checkRoomForSub();
      if (from !== 0 && this.#host.log === undefined) throw new TridcommError('E_POLICY', 'stored sub without a log');
      if (!this.#host.maySubscribe(this, match)) throw new TridcommError('E_POLICY', 'sub that no edge entry allows');
      this.quota.addSub();
    } catch (error) {
      this.#refuse('sub', error, (refusal, retryMs) => this.#reject('sub', number, refusal, retryMs));
      return;
    }
    const own = { ...match, match16: new Uint8Array(match.match16) };
    const sub = new Sub(this, number, own, from);
    this.#subs ??= new Map();
    this.#subs.set(number, sub);
    this.#host.addRoute(sub);
    this.#host.emit({ type: 'subTaken', ...this.names, sub: number, stored: sub.isStored });
    if (sub.isStored) (this.#pump ??= new StoredPump(this.#host.log!, this)).add(sub);
  }

  #takeUnsub(number: number): void {
    const sub = this.subs.get(number);
    if (sub !== undefined) this.#dropSub(sub);
    else this.#dropWork(number);
  }

  /** @spec delivery.22 */
  #takeWork(number: number, match16: Uint8Array, capacity: number): void {
    const nowMs = this.#host.now();
    this.#orEnd(() => {
      if (this.subs.has(number)) throw new TridcommError('E_ENCODING', `work ${number}, which is a sub`);
      if (this.works.change(number, match16, capacity, nowMs)) return;
      const match = matchOfWork(match16);
      const takes = this.#host.takesOf(this, match);
      try {
        this.#checkRoomForSub();
        if (takes === undefined) throw new TridcommError('E_POLICY', 'work that no edge entry allows');
        this.quota.addSub();
      } catch (error) {
        this.#refuse('work', error, (refusal, retryMs) => this.#reject('sub', number, refusal, retryMs));
        return;
      }
      this.#host.emit({ type: 'workTaken', ...this.names, work: number });
      this.works.add(number, match, takes, capacity, nowMs);
    });
  }

  #takeSettle({ work, lease, isDone }: Extract<LinkMessage, { readonly type: 'settle' }>): void {
    this.#orEnd(() => {
      // One of a lease that is over means nothing, and may come any number of times.
      if (!this.works.settle(work, lease, isDone, this.#host.now())) this.#takeControl();
    });
  }

  #checkRoomForSub(): void {
    if (this.subs.size + this.works.count >= limits.subsPerLink) throw new TridcommError('E_LIMIT', 'subs of a link');
  }

  /** Does what a refusal of ends the link. */
  #orEnd(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      this.end(error);
    }
  }

  #takeWatch(keeps: boolean, addresses: readonly Uint8Array[]): void {
    const number = ++this.#watchFrames;
    const names = addresses.map(hexOf);
    const { watches } = this.#host;
    const news = new Set(keeps ? names.filter((name) => !watches.has(name, this)) : []);
    try {
      if (this.#watches.length + news.size > mostWatches) throw new TridcommError('E_LIMIT', 'watches of a link');
      if (this.outbox.waitingAddresses + names.length > mostWaitingAddresses) {
        throw new TridcommError('E_LIMIT', 'objects that wait for a link');
      }
    } catch (error) {
      this.#refuse('watch', error, (refusal, retryMs) => this.#reject('watch', number, refusal, retryMs));
      return;
    }
    for (const [i, name] of names.entries()) {
      this.outbox.mark(name, new Uint8Array(addresses[i]!));
    }
    for (const name of news) this.#watches.push(watches.add(name, this));
    this.#host.wantFlush(this);
  }

  /** Tells of a refusal, and lets it be answered. What is no refusal is a mistake of ours, and ends the link. */
  #refuse(
    what: 'envelope' | 'bundle' | 'sub' | 'work' | 'watch',
    error: unknown,
    answer: (refusal: TridcommError, retryMs: number) => void,
  ): void {
    if (!(error instanceof TridcommError)) throw error;
    const retryMs = error instanceof RateError ? error.retryMs : 0;
    this.#host.emit({ type: 'refused', what, ...this.names, code: error.code, retryMs });
    answer(error, retryMs);
  }

  #reject(about: 'numbered' | 'sub' | 'watch', number: number, error: TridcommError, retryMs: number): void {
    // What is for nobody else, such as a disk's trouble, is a refusal all the same.
    this.#send({ type: 'reject', about, number, code: error.outward ?? 'E_REFUSED', retryMs });
  }

  #sendObject(address16: Uint8Array, object: Uint8Array): void {
    if (!this.#send({ type: 'object', address16, object })) return;
    this.#host.counters.objectsDelivered++;
    this.quota.spendObject(object.length, this.#host.now());
  }

  /** What can't be sent is the business of this link alone: whoever caused it goes on. @returns whether it was sent */
  #send(message: LinkMessage): boolean {
    if (!this.#isOpen) return false;
    try {
      this.#sink.send(message);
      return true;
    } catch (error) {
      if (message.type === 'object' && error instanceof TridcommError && error.code === 'E_LIMIT') {
        this.#host.emit({ type: 'objectTooLarge', ...this.names, bytes: message.object.length });
      } else {
        this.#host.emit({
          type: 'internalError',
          where: 'send',
          name: error instanceof Error ? error.name : typeof error,
        });
        this.end(new TridcommError('E_INTERNAL', undefined, { cause: error }));
      }
      return false;
    }
  }

  #countDelivered(bytes: number): void {
    const { counters } = this.#host;
    counters.envelopesDelivered++;
    counters.envelopeBytesDelivered += bytes;
  }

  #dropSub(sub: Sub): void {
    if (this.#subs?.delete(sub.number) !== true) return;
    this.quota.subs--;
    this.#host.deleteRoute(sub);
    this.#pump?.delete(sub);
  }

  #dropWork(number: number): void {
    if (this.works.delete(number, this.#host.now())) this.quota.subs--;
  }

  /** While much waits for its answer nothing more is read. */
  #updateReading(): void {
    const isReading = this.answers.count < mostWaitingAnswers && this.answers.bytes < mostWaitingBytes;
    if (!this.#isOpen || isReading === this.#isReading) return;
    this.#isReading = isReading;
    this.#sink.setReading(isReading);
  }

  #ended(by: 'broker' | 'peer', code: ErrorCode | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const sub of this.subs.values()) this.#dropSub(sub);
    for (const { number } of this.works.values()) this.#dropWork(number);
    for (const watch of this.#watches.splice(0)) this.#host.watches.delete(watch, this);
    this.#pump?.end();
    this.outbox.clear();
    this.#host.emit({ type: 'linkEnded', ...this.names, by, code: code ?? 'none' });
    this.#host.ended(this);
  }
}

const noSubs: ReadonlyMap<number, Sub> = new Map();
/** Messages that cost nothing else. A settle does, where nothing comes of it. */
const meteredTypes: ReadonlySet<LinkMessage['type']> = new Set(['ping', 'sub', 'unsub', 'watch', 'work']);
/** Addresses that one link may watch. */
const mostWatches = 4_096;
/** As many as one link may watch, and as many again that it fetches. */
const mostWaitingAddresses = 2 * mostWatches;
/** Numbered frames and pings that may wait for their answer before no more is read. */
const mostWaitingAnswers = 1_024;
const mostWaitingBytes = 4 * 1024 * 1024;
/** A member that was too slow has to catch up with itself first. */
const slowRetryMs = 1_000;
/** A disk that failed is not repaired in a moment. */
const failedRetryMs = 5_000;
