import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  Client,
  TridcommError,
  type ClientEvent,
  type ClientOptions,
  type ClientStore,
  type Delivery,
  type Identity,
} from '@tridcomm/core';
import type { LinkMessage } from '@tridcomm/core/link';
import type { Link, LinkTarget, MemberOfLink } from '../links/link.ts';
import { authorityRecordsOf, names, ownRecordOf } from '../store/identity-store.ts';
import { Connection } from './connection.ts';
import { Credit } from './credit.ts';
import { HeldEnvelopes } from './held-envelopes.ts';
import { LinkCarrier, type AskerCarrier } from './link-carrier.ts';
import { LogReader } from './log-reader.ts';
import { MessageBatch, type Acknowledgement } from './message.ts';
import type { PublishOptions, SubscribeOptions } from './options.ts';
import type { Durability, Receipt } from './publish-outcome.ts';
import { payloadsOf } from './payloads.ts';
import { PeerTrust } from './peer-trust.ts';
import { Publisher } from './publisher.ts';
import { SealedIds } from './sealed-ids.ts';
import { StatusEvent, type ClientStatus } from './status.ts';
import { Subscription } from './subscription.ts';

/** What a client is made of. */
export interface ClientParts {
  readonly target: LinkTarget;
  readonly member: Omit<ClientOptions, 'carrier' | 'store' | 'onEvent'>;
  readonly ids: SealedIds;
  readonly store: ClientStore;
  readonly durability: Durability;
  readonly lingerMs: number;
  readonly windowBytes: number;
  readonly onKeyRecord: ((record: Uint8Array) => void | Promise<void>) | undefined;
  /** Called last when the client is closed. */
  readonly onClose: () => void;
}

/** What an `EventTarget` takes. */
type ListenerArguments = Parameters<EventTarget['addEventListener']>;
type ListenerOptions = ListenerArguments[2];
type RemovalArguments = Parameters<EventTarget['removeEventListener']>;

/** Events of a client, by name. */
export interface ClientEventMap {
  readonly status: StatusEvent;
}

/**
 * A member of groups, connected to a broker: made by `connect`.
 *
 * It keeps its link: when one is lost it opens another, asks for everything again, and sends once more what was not acknowledged. Tell it
 * by its `status` events.
 */
export class TridcommClient extends EventTarget implements AsyncDisposable {
  readonly #parts: ClientParts;
  readonly #connection: Connection;
  readonly #carrier: LinkCarrier;
  readonly #ownCarrier: AskerCarrier;
  readonly #client: Client;
  readonly #held: HeldEnvelopes<Uint8Array>;
  readonly #peers: PeerTrust;
  readonly #credit: Credit;
  readonly #publisher: Publisher;
  readonly #subscriptions = new Set<Subscription<unknown>>();
  readonly #readers = new Map<string | symbol, LogReader>();
  readonly #ticker: NodeJS.Timeout;
  #isSettling = false;
  #isClosed = false;
  /** Errors that were told, and thrown on from there. */
  readonly #told = new WeakSet<object>();
  /** What the hello of the link said. */
  #helloCreditBytes = 0;
  /** Of the envelope that is being opened: called when it is consumed; and by how many subscriptions it was taken. */
  #taken: { users: number; readonly consumed: () => void } | undefined;
  #nextKeyRecordMs = 0;

  /** @internal */
  constructor(parts: ClientParts) {
    super();
    this.#parts = parts;
    const { target, member, store, ids, lingerMs, windowBytes } = parts;
    this.#credit = new Credit(windowBytes);
    this.#held = new HeldEnvelopes(windowBytes / 4);
    this.#peers = new PeerTrust(member.provider, member.authorityId32, store, () => this.#client.trust.head);
    this.#carrier = new LinkCarrier((error) => this.#refused('watch', error));
    this.#ownCarrier = this.#carrier.join(
      {
        from: () => 0,
        object: (address16, object) => {
          this.#peers.see(address16, object, Date.now());
          receiver.object(address16, object);
        },
        stored: () => {},
        refused: (match, error) => this.#client.subscriptionRefused(match, error, Date.now()),
        dropped: () => {},
      },
      // What is sealed comes back from the call that seals it.
      () => {},
    );
    this.#client = new Client({ ...member, carrier: this.#ownCarrier, store, onEvent: (event) => this.#see(event) });
    const receiver = this.#client.receiver(() => Date.now());
    this.#connection = new Connection(target, () => this.#memberOfLink(), {
      onConnecting: (attempt) => this.#tell({ type: 'connecting', attempt }),
      onOpen: (link) => this.#opened(link),
      onMessage: (message) => this.#take(message),
      onDrain: () => this.#publisher.pump(),
      onLost: (error, retryInMs) => this.#lost(error, retryInMs),
      onClock: (skewMs) => this.#tell({ type: 'clock', skewMs }),
    });
    this.#publisher = new Publisher({
      seal: (topic, payloads) => {
        const { result, ids: sealedIds } = ids.of(() => this.#client.publish(topic, payloads, Date.now()));
        return { published: result, ids: sealedIds };
      },
      link: () => this.#connection.link,
      lingerMs,
    });
    this.#client.start(Date.now());
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  /** The name that the authority gave this client; undefined before its record has come. */
  get name(): string | undefined {
    return this.#client.trust.principal(this.#client.keyId32)?.name;
  }

  /** 32 bytes; not to be changed. */
  get keyId32(): Uint8Array {
    return this.#client.keyId32;
  }

  /** Whether there is a link now. */
  get isOpen(): boolean {
    return this.#connection.link !== undefined;
  }

  /** @internal Opens the first link. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    await this.#connection.start(signal);
  }

  override addEventListener<K extends keyof ClientEventMap>(
    type: K,
    listener: (event: ClientEventMap[K]) => void,
    options?: ListenerOptions,
  ): void;
  override addEventListener(...args: ListenerArguments): void;
  override addEventListener(type: string, listener: unknown, options?: ListenerOptions): void {
    super.addEventListener(type, listener as ListenerArguments[1], options);
  }

  override removeEventListener<K extends keyof ClientEventMap>(
    type: K,
    listener: (event: ClientEventMap[K]) => void,
    options?: RemovalArguments[2],
  ): void;
  override removeEventListener(...args: RemovalArguments): void;
  override removeEventListener(type: string, listener: unknown, options?: RemovalArguments[2]): void {
    super.removeEventListener(type, listener as RemovalArguments[1], options);
  }

  /**
   * Signs, seals and sends messages of one topic. What is given in one call, or in one turn, shares an envelope as far as it fits one, and
   * messages of one topic keep their order.
   *
   * While the client has no link it waits; with one, it waits up to 5 s for the right to publish, and then throws why not.
   *
   * @param data - text goes as UTF-8; an array is many messages. With a schema: values, which go as JSON, and an array is many of them
   * @returns resolves when the broker has the messages as the durability says. For `none` that is when they are handed to the socket: to await
   *   it is what keeps a fast sender from filling the memory
   * @throws TridcommError `E_USAGE` for what is no message, `E_POLICY` without the right to publish, or for a durability that there is not;
   *   `E_STALE` where the authority has not been heard of; `E_LIMIT` for a message above 960 KiB, and when too much waits; the broker's code
   *   where that does not take it; {@link UnacknowledgedError} where nobody knows; {@link SchemaError}; the reason of `signal`
   */
  async publish<S extends StandardSchemaV1>(
    topic: string,
    data: StandardSchemaV1.InferInput<S> | readonly StandardSchemaV1.InferInput<S>[],
    options: PublishOptions<S> & { readonly schema: S },
  ): Promise<Receipt>;
  async publish(
    topic: string,
    data: Uint8Array | string | readonly (Uint8Array | string)[],
    options?: PublishOptions,
  ): Promise<Receipt>;
  async publish(
    topic: string,
    data: unknown,
    { durability = this.#parts.durability, schema, signal }: PublishOptions<StandardSchemaV1 | undefined> = {},
  ): Promise<Receipt> {
    this.#checkOpen();
    checkDurability(durability);
    const payloads = payloadsOf(topic, data, schema);
    return this.#publisher.publish(topic, payloads instanceof Promise ? await payloads : payloads, durability, signal);
  }

  /**
   * Hears of the topics that a pattern matches, as far as this client may read them, now and later.
   *
   * @param pattern - literal segments, `*` for one, and `**` at the end for the rest
   * @throws TridcommError `E_ENCODING`, `E_LIMIT` for what is no pattern; `E_USAGE` for a place in the log that cannot be, and for a second reader
   *   from the cursor of one pattern; `E_CLOSED`
   */
  subscribe<S extends StandardSchemaV1>(
    pattern: string,
    options: SubscribeOptions<S> & { readonly schema: S },
  ): Subscription<StandardSchemaV1.InferOutput<S>>;
  subscribe(pattern: string, options?: SubscribeOptions): Subscription;
  subscribe(
    pattern: string,
    { schema, signal, from = 'live', onBatch }: SubscribeOptions<StandardSchemaV1 | undefined> = {},
  ): Subscription<unknown> {
    this.#checkOpen();
    let end = (): void => {};
    const subscription: Subscription<unknown> = new Subscription<unknown>({
      pattern,
      schema,
      onBatch,
      tell: (status) => this.#tell(status),
      onClose: () => {
        this.#subscriptions.delete(subscription);
        signal?.removeEventListener('abort', close);
        end();
      },
    });
    const close = () => subscription.close();
    end = from === 'live' ? this.#subscribeLive(subscription) : this.#subscribeLog(subscription, from);
    this.#subscriptions.add(subscription);
    if (signal?.aborted === true) subscription.close();
    else signal?.addEventListener('abort', close);
    return subscription;
  }

  /**
   * Waits until the broker has answered everything that this client asked of it so far: subscriptions are taken, and what the authority
   * says has come.
   *
   * @throws TridcommError `E_CLOSED` for a client that is closed meanwhile; the reason of `signal`
   */
  async ready({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#checkOpen();
    signal?.throwIfAborted();
    for (;;) {
      const isSettled = await this.#round();
      signal?.throwIfAborted();
      this.#checkOpen();
      if (isSettled) return;
      if (!this.isOpen) await this.#statusOf(['open', 'closed'], signal);
    }
  }

  /**
   * Ends the client: waits up to 5 s for what was published, ends the link in order, and lets the identity go. Loops over subscriptions end.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.isOpen) {
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), closeMs);
      await Promise.race([
        this.#publisher.rest(),
        new Promise<void>((resolve) => late.signal.addEventListener('abort', () => resolve())),
      ]);
      clearTimeout(timer);
    }
    this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #subscribeLive(subscription: Subscription<unknown>): () => void {
    const live = this.#client.subscribe(subscription.pattern, Date.now(), (delivery) => {
      const taken = this.#taken!;
      taken.users++;
      subscription.add(new MessageBatch(delivery, undefined), taken.consumed);
    });
    return () => {
      if (!this.#isClosed) live.close(Date.now());
    };
  }

  #subscribeLog(subscription: Subscription<unknown>, from: 'cursor' | number): () => void {
    const { pattern } = subscription;
    if (from !== 'cursor' && !(Number.isSafeInteger(from) && from >= 1)) {
      throw new TridcommError('E_USAGE', `from ${String(from)}: 'live', 'cursor' or a position from 1 on is taken`);
    }
    const cursorName = from === 'cursor' ? names.cursor + pattern : undefined;
    const key = cursorName ?? Symbol(pattern);
    if (this.#readers.has(key)) throw new TridcommError('E_USAGE', `second reader from the cursor of ${pattern}`);
    const { member, store } = this.#parts;
    const reader = new LogReader({
      member,
      store,
      link: this.#carrier,
      pattern,
      place: { begin: from === 'cursor' ? 1 : from, cursorName },
      onDelivery: (delivery: Delivery, acknowledgement: Acknowledgement, bytes: number) =>
        subscription.add(new MessageBatch(delivery, acknowledgement), () => this.#consumed(bytes)),
      onPassed: (bytes) => this.#consumed(bytes),
      onRefused: (error) => this.#refused('envelope', error),
      onKeyRecord: (bytes) => this.#keepKeyRecord(bytes),
      onStoreFailed: (error) => this.#failed(error),
    });
    this.#readers.set(key, reader);
    this.#settle();
    return () => {
      this.#readers.delete(key);
      reader.stop();
    };
  }

  /** What to bring to the next link. */
  #memberOfLink(): MemberOfLink {
    const { member, store } = this.#parts;
    const { provider, random, identity } = member;
    const { trust, keyId32 } = this.#client;
    const principalRecord = trust.principal(keyId32)?.object.bytes ?? ownRecordOf(store, keyId32);
    if (principalRecord === undefined) {
      throw new TridcommError('E_USAGE', 'no authority has issued a record for this identity: enrol it first');
    }
    this.#helloCreditBytes = this.#credit.begin();
    return {
      provider,
      random,
      now: () => Date.now(),
      key: identity.key,
      principalRecord,
      trust: this.#peers.trust,
      authorityRecords: (afterSerial) => authorityRecordsOf(store, afterSerial),
      isRevoked: (peerKeyId32, serial) => this.#peers.isRevoked(peerKeyId32, serial),
      creditBytes: this.#helloCreditBytes,
    };
  }

  #opened(link: Link): void {
    this.#carrier.opened(link);
    // What was consumed while the link was being opened.
    const { grantedBytes } = this.#credit;
    if (grantedBytes > this.#helloCreditBytes) link.send({ type: 'credit', bytes: grantedBytes });
    this.#guarded(() => this.#client.reconnected(Date.now()));
    for (const reader of this.#readers.values()) this.#guarded(() => reader.reconnected());
    this.#tell({ type: 'open', brokerName: link.peer.name });
    this.#publisher.opened();
    this.#settle();
  }

  #lost(error: TridcommError | undefined, retryInMs: number): void {
    this.#carrier.lost();
    this.#publisher.lost();
    this.#tell({ type: 'disconnected', error, retryInMs });
  }

  /** What it throws ends the link: it is the broker's mistake then. */
  #take(message: LinkMessage): void {
    switch (message.type) {
      case 'envelope':
        this.#takeEnvelope(message.envelope);
        break;
      case 'stored':
        this.#count(message.envelope.length + 8);
        if (!this.#carrier.stored(message.sub, message.position, message.envelope)) {
          this.#consumed(message.envelope.length + 8);
        }
        break;
      case 'object':
        this.#guarded(() => this.#carrier.object(message.address16, message.object));
        this.#retryHeld();
        break;
      case 'ack':
        this.#publisher.acknowledged(message.number);
        break;
      case 'reject':
        if (message.about === 'numbered') this.#publisher.rejected(message.number, message.code, message.retryMs);
        else this.#guarded(() => this.#carrier.rejected(message));
        break;
      default:
        throw new TridcommError('E_ENCODING', `${message.type} from a broker`);
    }
  }

  #takeEnvelope(envelope: Uint8Array): void {
    const { length } = envelope;
    this.#count(length);
    if (this.#open(envelope, false)) return;
    if (!this.#held.hold(envelope, length, performance.now())) this.#open(envelope, true);
  }

  /** Tries again what could not be opened when it came. */
  #retryHeld(): void {
    if (this.#held.isEmpty) return;
    this.#held.retry(performance.now(), (envelope, isLast) => this.#open(envelope, isLast));
  }

  /** @returns false where it makes sense to try again, which is not asked where `isLast` */
  #open(envelope: Uint8Array, isLast: boolean): boolean {
    const taken = {
      users: 1,
      consumed: () => {
        taken.users--;
        if (taken.users === 0) this.#consumed(envelope.length);
      },
    };
    this.#taken = taken;
    try {
      this.#client.envelope(envelope, Date.now());
    } catch (error) {
      if (!(error instanceof TridcommError)) this.#failed(error);
      else if (!isLast && passingCodes.has(error.code)) return false;
      else if (error.code !== 'E_CLOSED') this.#refused('envelope', error);
    } finally {
      this.#taken = undefined;
    }
    taken.consumed();
    return true;
  }

  /** @spec delivery.14 */
  #count(bytes: number): void {
    if (!this.#credit.received(bytes)) throw new TridcommError('E_LIMIT', 'more than the broker had credit for');
  }

  #consumed(bytes: number): void {
    const grantBytes = this.#credit.consumed(bytes);
    if (grantBytes !== undefined) this.#connection.link?.send({ type: 'credit', bytes: grantBytes });
  }

  #tick(): void {
    const nowMs = Date.now();
    this.#guarded(() => this.#client.tick(nowMs));
    for (const reader of this.#readers.values()) this.#guarded(() => reader.tick(nowMs));
    this.#retryHeld();
    this.#checkPeer(nowMs);
    this.#handInKeyRecord(nowMs);
  }

  /** @spec link.22 */
  #checkPeer(nowMs: number): void {
    const peer = this.#connection.link?.peer;
    if (peer === undefined) return;
    try {
      this.#peers.check(peer, nowMs);
    } catch (error) {
      this.#connection.drop(error as TridcommError);
    }
  }

  #see(event: ClientEvent): void {
    switch (event.type) {
      case 'gap':
      case 'filled': {
        const { topic, sender } = event.delivery;
        const { type, range } = event;
        this.#tell({ type, topic, sender: { name: sender.name, keyId32: sender.key.keyId32 }, range });
        break;
      }
      case 'view':
      case 'fresh':
      case 'stale':
      case 'fork':
        this.#tell(event);
        this.#publisher.changed();
        break;
      case 'refused':
        this.#refused(event.what, event.error, event.groupId16);
        break;
      case 'failed':
        this.#failed(event.error);
        break;
      case 'keyRecord':
        this.#keepKeyRecord(event.bytes);
        break;
      default:
      // Messages go to their subscriptions; that there is no link is told by the link; and a false number of a head is outvoted.
    }
  }

  #keepKeyRecord(bytes: Uint8Array): void {
    const { store, member } = this.#parts;
    // Its prekey first: who has the record would seal to a key that is lost otherwise.
    store.put(names.identity, (member.identity as Identity).export());
    store.put(names.keyRecord, bytes);
    this.#nextKeyRecordMs = 0;
  }

  /** Hands the newest key record in until that succeeds. */
  #handInKeyRecord(nowMs: number): void {
    const { store, onKeyRecord } = this.#parts;
    const bytes = store.get(names.keyRecord);
    if (bytes === undefined || nowMs < this.#nextKeyRecordMs) return;
    this.#nextKeyRecordMs = nowMs + keyRecordAgainMs;
    if (onKeyRecord === undefined) {
      this.#nextKeyRecordMs = Infinity;
      this.#tell({ type: 'keyRecord', bytes, error: undefined });
      return;
    }
    Promise.resolve()
      .then(() => onKeyRecord(bytes))
      .then(() => {
        if (!this.#isClosed && store.get(names.keyRecord) === bytes) store.delete(names.keyRecord);
      })
      .catch((error: unknown) => this.#tell({ type: 'keyRecord', bytes, error }));
  }

  #refused(
    what: Extract<ClientStatus, { readonly type: 'refused' }>['what'],
    error: TridcommError,
    groupId16?: Uint8Array,
  ): void {
    this.#tell({ type: 'refused', what, error, groupId16 });
  }

  /** Lets readers of the log begin when the answers to everything have come. */
  #settle(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    void (async () => {
      try {
        while (this.isOpen && !(await this.#round()));
      } finally {
        this.#isSettling = false;
      }
      // One that joined when the last answer was on its way.
      if (this.isOpen && !this.#carrier.isSettled) this.#settle();
    })();
  }

  /** Asks the broker for signs of life behind all questions. @returns whether its answers brought no more questions */
  async #round(): Promise<boolean> {
    this.#carrier.flush();
    const { asked } = this.#carrier;
    try {
      // What it sends for a question may come behind the answer to one ping, but not to the next.
      await this.#connection.ping();
      if (this.#carrier.asked === asked) await this.#connection.ping();
    } catch {
      return false;
    }
    if (this.#carrier.asked !== asked) return false;
    this.#carrier.settled();
    const nowMs = Date.now();
    for (const reader of this.#readers.values()) this.#guarded(() => reader.tick(nowMs));
    return this.#carrier.asked === asked;
  }

  async #statusOf(types: readonly ClientStatus['type'][], signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.removeEventListener('status', heard);
        signal?.removeEventListener('abort', aborted);
      };
      const heard = ({ status }: StatusEvent) => {
        if (!types.includes(status.type)) return;
        leave();
        resolve();
      };
      const aborted = () => {
        leave();
        reject(signal?.reason as Error);
      };
      this.addEventListener('status', heard);
      signal?.addEventListener('abort', aborted);
    });
  }

  /** What the store throws is told; it must not end a link, or a timer. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      if (error instanceof TridcommError && error.code === 'E_CLOSED') return;
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (typeof error === 'object' && error !== null) {
      if (this.#told.has(error)) return;
      this.#told.add(error);
    }
    this.#tell({ type: 'failed', what: 'store', error });
  }

  #tell(status: ClientStatus): void {
    this.dispatchEvent(new StatusEvent(status));
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new TridcommError('E_CLOSED', 'client that was closed');
  }

  #end(): void {
    clearInterval(this.#ticker);
    this.#publisher.close(new TridcommError('E_CLOSED', 'client that was closed'));
    this.#connection.close();
    this.#carrier.lost();
    for (const subscription of this.#subscriptions) subscription.close();
    this.#client.stop();
    this.#parts.onClose();
    this.#tell({ type: 'closed' });
  }
}

/** @spec delivery.5 */
function checkDurability(durability: string): void {
  if (durability === 'cluster') throw new TridcommError('E_POLICY', 'durability cluster: no broker has it yet');
  if (!['none', 'memory', 'disk'].includes(durability)) {
    throw new TridcommError('E_USAGE', `durability ${durability}: none, memory or disk is taken`);
  }
}

/** What a record or list that is on its way may change. */
const passingCodes: ReadonlySet<string> = new Set(['E_SENDER', 'E_POLICY']);
const tickMs = 500;
const closeMs = 5_000;
const keyRecordAgainMs = 60_000;
