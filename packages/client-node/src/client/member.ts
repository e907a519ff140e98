import { Client, TridcommError, type ClientEvent, type ClientOptions, type ClientStore } from '@tridcomm/core';
import type { LinkMessage } from '@tridcomm/core/link';
import type { ForeignCarrier } from '../carriers/foreign-carrier.ts';
import { mostRecordBytes, sealInParts } from '../carriers/seal-in-parts.ts';
import type { Link, LinkTarget, MemberOfLink } from '../links/link.ts';
import { authorityRecordsOf, names, ownRecordOf } from '../store/identity-store.ts';
import { Connection } from './connection.ts';
import { Incoming } from './incoming.ts';
import { IncomingWork } from './incoming-work.ts';
import { LinkCarrier, type AskerCarrier } from './link-carrier.ts';
import { LogReader } from './log-reader.ts';
import { MessageBatch } from './message.ts';
import { Patterns } from './patterns.ts';
import { PeerTrust } from './peer-trust.ts';
import { Publisher } from './publisher.ts';
import { Renewals, type AuthorityAccess } from './renewals.ts';
import type { SealedIds } from './sealed-ids.ts';
import type { ClientStatus } from './status.ts';

/** What a member is made of. */
export interface MemberParts {
  readonly target: LinkTarget | ForeignCarrier;
  readonly member: Omit<ClientOptions, 'carrier' | 'store' | 'onEvent'>;
  readonly ids: SealedIds;
  readonly store: ClientStore;
  readonly lingerMs: number;
  readonly windowBytes: number;
  readonly access: AuthorityAccess;
  readonly tell: (status: ClientStatus) => void;
}

/** Takes the batches of one subscription. @param consumed - to be called once, when it is done with the batch */
type BatchTaker = (batch: MessageBatch, consumed: () => void) => void;

/**
 * What a client does behind its back: keeps the link, takes what the authority says, and hands everything that comes to where it belongs.
 */
export class Member {
  readonly #parts: MemberParts;
  readonly #connection: Connection;
  readonly #carrier: LinkCarrier;
  readonly #client: Client;
  readonly #peers: PeerTrust;
  readonly #incoming: Incoming;
  readonly #incomingWork: IncomingWork;
  readonly #renewals: Renewals;
  readonly #readers = new Map<string | symbol, LogReader>();
  readonly #ticker: NodeJS.Timeout;
  /** The sending side. */
  readonly publisher: Publisher;
  /** Requests, jobs, messages of dealers, and surveys. */
  readonly patterns: Patterns;
  #isSettling = false;
  #isClosed = false;
  /** Errors that were told, and thrown on from there. */
  readonly #told = new WeakSet<object>();

  /** @throws TridcommError those of core's `Client` */
  constructor(parts: MemberParts) {
    const { target, member, store, ids, lingerMs, windowBytes, access, tell } = parts;
    this.#parts = parts;
    this.#incoming = new Incoming({
      windowBytes,
      client: () => this.#client,
      grant: (bytes) => this.#connection.link?.send({ type: 'credit', bytes }),
      onRefused: (error) => this.#refused('envelope', error),
      onFailed: (error) => this.#failed(error),
    });
    this.#incomingWork = new IncomingWork({
      mostHeldBytes: windowBytes / 4,
      client: () => this.#client,
      onRefused: (error) => this.#refused('envelope', error),
      onFailed: (error) => this.#failed(error),
    });
    this.#peers = new PeerTrust(member.provider, member.authorityId32, store, () => this.#client.trust.head);
    this.#carrier = new LinkCarrier(
      (error) => this.#refused('watch', error),
      (error) => this.#connection.drop(error),
    );
    const onEvent = (event: ClientEvent) => this.#see(event);
    this.#client = new Client({ ...member, carrier: this.#ownCarrier(), store, onEvent });
    const { identity } = member;
    const own = () => ownRecordOf(store, member.provider, identity.key.keyId32);
    this.#renewals = new Renewals({ identity, store, access, own, tell });
    this.#connection = new Connection(
      'open' in target ? { carrier: target, onRefused: (what, error) => this.#refused(what, error) } : target,
      () => this.#memberOfLink(),
      {
        onConnecting: (attempt) => tell({ type: 'connecting', attempt }),
        onOpen: (link) => this.#opened(link),
        onMessage: (message) => this.#take(message),
        onDrain: () => this.publisher.pump(),
        onLost: (error, retryInMs) => this.#lost(error, retryInMs),
        onClock: (skewMs) => tell({ type: 'clock', skewMs }),
      },
      member.random,
    );
    this.publisher = new Publisher({
      seal: (topic, payloads) =>
        sealInParts(this.#connection.link?.mostBytes, payloads, (part) => {
          const { result, ids: sealedIds } = ids.of(() => this.#client.publish(topic, part, Date.now()));
          return { envelopes: result.envelopes, ids: sealedIds };
        }),
      link: () => this.#connection.link,
      lingerMs,
    });
    this.patterns = new Patterns({
      client: () => this.#client,
      publisher: () => this.publisher,
      isOpen: () => this.isOpen,
      carrier: this.carrier,
      inParts: (items, seal) => sealInParts(this.#connection.link?.mostBytes, items, seal),
      mostItemBytes: () => mostRecordBytes(this.#connection.link?.mostBytes),
      use: () => this.#incoming.use(),
      isNews: () => this.#incoming.isDelivering,
      random: member.random,
      tell,
      tellUnsent: (error, groupId16, what = 'answer') => {
        if (error instanceof TridcommError && !endedCodes.has(error.code)) this.#refused(what, error, groupId16);
      },
    });
    this.#client.start(Date.now());
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  get client(): Client {
    return this.#client;
  }

  /** What stands in the place of a broker; undefined where it is one. */
  get carrier(): ForeignCarrier['kind'] | undefined {
    const { target } = this.#parts;
    return 'open' in target ? target.kind : undefined;
  }

  /** Whether there is a link now. */
  get isOpen(): boolean {
    return this.#connection.link !== undefined;
  }

  /** Opens the first link; others follow. @throws what `openLink` does */
  async start(signal: AbortSignal | undefined): Promise<void> {
    await this.#connection.start(signal);
  }

  /** @returns ends it */
  subscribeLive(pattern: string, take: BatchTaker): () => void {
    const live = this.#client.subscribe(pattern, Date.now(), (delivery) => {
      take(new MessageBatch(delivery, undefined), this.#incoming.use());
    });
    return () => {
      if (!this.#isClosed) live.close(Date.now());
    };
  }

  /**
   * @param from - a position, or where an earlier life was done
   * @returns ends it
   * @throws TridcommError `E_POLICY` on a carrier; `E_USAGE` for a second reader from one cursor
   * @spec bindings.13
   */
  subscribeLog(pattern: string, from: 'cursor' | number, take: BatchTaker): () => void {
    const { carrier } = this;
    if (carrier !== undefined) throw new TridcommError('E_POLICY', `from ${from}: ${carrier} gives no log to read`);
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
      onDelivery: (delivery, acknowledgement, bytes) =>
        take(new MessageBatch(delivery, acknowledgement), () => this.#incoming.consumed(bytes)),
      onPassed: (bytes) => this.#incoming.consumed(bytes),
      onRefused: (error) => this.#refused('envelope', error),
      onKeyRecord: (bytes) => this.#renewals.keep(bytes),
      onStoreFailed: (error) => this.#failed(error),
    });
    this.#readers.set(key, reader);
    this.#settle();
    return () => {
      this.#readers.delete(key);
      reader.stop();
    };
  }

  /**
   * Asks the broker for signs of life behind all questions.
   *
   * @returns whether its answers brought no more questions; false also where there is no link
   */
  async round(): Promise<boolean> {
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

  /** Ends everything. Readers have been ended before, each with its subscription. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#ticker);
    const error = new TridcommError('E_CLOSED', 'client that was closed');
    this.patterns.close(error);
    this.publisher.close(error);
    this.#connection.close();
    this.#carrier.lost();
    this.#incomingWork.lost();
    this.#renewals.close();
    this.#client.stop();
  }

  #ownCarrier(): AskerCarrier {
    let receive: ReturnType<Client['receiver']> | undefined;
    return this.#carrier.join(
      {
        from: () => 0,
        object: (address16, object) => {
          this.#peers.see(address16, object, Date.now());
          receive ??= this.#client.receiver(() => Date.now());
          receive.object(address16, object);
        },
        stored: () => {},
        refused: (match, error) => this.#client.subscriptionRefused(match, error, Date.now()),
        dropped: () => {},
        worker: {
          leased: (bytes, form, lease) => this.#guarded(() => this.#incomingWork.take(bytes, form, lease)),
          refused: (match, error) => this.#client.workRefused(match, error, Date.now()),
        },
      },
      // What is sealed comes back from the call that seals it.
      () => {},
    );
  }

  /** What to bring to the next link. */
  #memberOfLink(): MemberOfLink {
    const { member, store } = this.#parts;
    const { provider, random, identity } = member;
    const own = ownRecordOf(store, provider, identity.key.keyId32);
    if (own === undefined) {
      throw new TridcommError('E_USAGE', 'no authority has issued a record for this identity: enrol it first');
    }
    return {
      provider,
      random,
      now: () => Date.now(),
      key: identity.key,
      principalRecord: own.object.bytes,
      trust: this.#peers.trust,
      authorityRecords: (afterSerial) => authorityRecordsOf(store, afterSerial),
      isRevoked: (peerKeyId32, serial) => this.#peers.isRevoked(peerKeyId32, serial),
      creditBytes: this.#incoming.begin(),
    };
  }

  #opened(link: Link): void {
    this.#carrier.opened(link);
    this.#incoming.opened();
    this.#guarded(() => this.#client.reconnected(Date.now()));
    for (const reader of this.#readers.values()) this.#guarded(() => reader.reconnected());
    this.#parts.tell({ type: 'open', brokerName: link.peer?.name ?? this.carrier! });
    this.publisher.opened();
    this.patterns.opened();
    this.#settle();
  }

  #lost(error: TridcommError | undefined, retryInMs: number): void {
    this.#carrier.lost();
    this.#incomingWork.lost();
    this.patterns.lost();
    this.publisher.lost();
    this.#parts.tell({ type: 'disconnected', error, retryInMs });
  }

  /** What it throws ends the link: it is the broker's mistake then. */
  #take(message: LinkMessage): void {
    switch (message.type) {
      case 'envelope':
        this.#incoming.count(message.envelope.length);
        this.#incoming.take(message.envelope);
        break;
      case 'stored': {
        const bytes = message.envelope.length + 8;
        this.#incoming.count(bytes);
        if (!this.#carrier.stored(message.sub, message.position, message.envelope)) this.#incoming.consumed(bytes);
        break;
      }
      case 'object':
        this.#guarded(() => this.#carrier.object(message.address16, message.object));
        this.#incoming.retry();
        this.#incomingWork.retry();
        break;
      case 'leased':
      case 'job':
        this.#carrier.leased(message);
        break;
      case 'ack':
        this.publisher.acknowledged(message.number);
        break;
      case 'reject':
        if (message.about === 'numbered') this.publisher.rejected(message.number, message.code, message.retryMs);
        else {
          this.#carrier.checkReject(message);
          this.#guarded(() => this.#carrier.rejected(message));
        }
        break;
      case 'bundle':
      case 'watch':
      case 'sub':
      case 'unsub':
      case 'work':
      case 'settle':
      case 'credit':
      case 'ping':
      case 'close':
        // The link has dealt with those that there are.
        throw new TridcommError('E_INTERNAL', `${message.type} from a broker`);
    }
  }

  #tick(): void {
    const nowMs = Date.now();
    this.#guarded(() => this.#client.tick(nowMs));
    for (const reader of this.#readers.values()) this.#guarded(() => reader.tick(nowMs));
    this.#incoming.retry();
    this.#incomingWork.retry();
    this.#guarded(() => this.patterns.tick());
    this.#checkPeer(nowMs);
    this.#guarded(() => this.#renewals.tick(nowMs));
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
    const { tell } = this.#parts;
    switch (event.type) {
      case 'gap':
      case 'filled': {
        const { topic, sender } = event.delivery;
        const { type, range } = event;
        tell({ type, topic, sender: { name: sender.name, keyId32: sender.key.keyId32 }, range });
        break;
      }
      case 'view':
      case 'fresh':
      case 'stale':
      case 'fork':
        tell(event);
        this.publisher.changed();
        break;
      case 'pool':
        this.publisher.changed();
        break;
      case 'refused':
        this.#refused(event.what, event.error, event.groupId16);
        break;
      case 'failed':
        this.#failed(event.error);
        break;
      case 'keyRecord':
        this.#renewals.keep(event.bytes);
        break;
      case 'handlerFailed':
        tell({ type: 'failed', what: 'handler', error: event.error });
        break;
      case 'message':
      case 'work':
      case 'routed':
      case 'heard':
      case 'reply':
      case 'surveyReply':
      case 'surveyEnd':
      case 'carrierFailed':
      case 'falseHead':
        // Messages go to their subscriptions; that there is no link the link tells; and a false number of a head is outvoted.
        break;
    }
  }

  #refused(
    what: Extract<ClientStatus, { readonly type: 'refused' }>['what'],
    error: TridcommError,
    groupId16?: Uint8Array,
  ): void {
    this.#parts.tell({ type: 'refused', what, error, groupId16 });
  }

  /** Lets readers of the log begin when the answers to everything have come. */
  #settle(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    void (async () => {
      try {
        while (this.isOpen && !(await this.round()));
      } finally {
        this.#isSettling = false;
      }
      // One that joined when the last answer was on its way.
      if (this.isOpen && !this.#carrier.isSettled) this.#settle();
    })();
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
    this.#parts.tell({ type: 'failed', what: 'store', error });
  }
}

const tickMs = 500;
/** An answer that is of no use any more, or whose client has ended, is nothing to tell of. */
const endedCodes: ReadonlySet<string> = new Set(['E_EXPIRED', 'E_CLOSED']);
