import {
  addressTypes,
  parseEnvelope,
  patternKinds,
  TridcommError,
  type CryptoProvider,
  type EnvelopeView,
  type PrincipalRecord,
  type RandomSource,
  type TopicMatch,
  type Trust,
} from '@tridcomm/core';
import {
  type AddressedObject,
  decodePrincipalRecord,
  hexOf,
  isForOne,
  type JudgedBundle,
  limits,
  objectKinds,
  parseObject,
  RelayState,
  type Takes,
  unitsOf,
  WorkQueues,
} from '@tridcomm/core/internal';
import { durabilities, principalRoles } from '@tridcomm/core/link';
import type { EnvelopeLog } from '../store/envelope-log.ts';
import type { Answer } from './answers.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { newCounters, type Counters } from './counters.ts';
import type { BrokerEvent } from './events.ts';
import type { LiveMessage, PeerSink } from './outbox.ts';
import { defaultPrincipalLimits, Quotas, type PrincipalLimits } from './quotas.ts';
import type { Sub } from './sub.ts';
import { SubIndex } from './sub-index.ts';
import { Verifier } from './verifier.ts';
import { Watches } from './watches.ts';

/** What a broker engine is made of. */
export interface BrokerEngineOptions {
  readonly provider: CryptoProvider;
  readonly authorityId32: Uint8Array;
  readonly random: RandomSource;
  readonly now: () => number;
  /** Does work soon, outside of the call, when what came in this turn has been taken. */
  readonly defer: (work: () => void) => void;
  readonly store?: {
    readonly log: EnvelopeLog;
    /** Whether what it has taken outlives power. */ readonly isDurable: boolean;
  };
  /** Keeps objects of the authority for the next life; resolves when they outlive power. */
  readonly keep?: (objects: readonly AddressedObject[], nowMs: number) => Promise<void>;
  readonly principalLimits?: Partial<PrincipalLimits>;
  /**
   * Bytes of live envelopes that wait for one link; 1,048,576 or more, default 4 MiB. With as many bytes of work leased to it, a link gets
   * no more work.
   */
  readonly mostQueuedBytes?: number;
  /** Gets every decision. It must not throw. */
  readonly onEvent?: (event: BrokerEvent) => void;
}

/** An envelope that waits for the log. */
interface Appending {
  readonly connection: Connection;
  readonly view: EnvelopeView;
  readonly bytes: Uint8Array;
  readonly answer: Answer | undefined;
  /** Whether nobody has got it yet: delivery waits for the disk. */
  readonly isDurable: boolean;
  /** What its answer still waits for: the log, and its signature where that is verified. */
  waitsFor: number;
}

interface WaitingBundle {
  readonly connection: Connection;
  readonly bundle: Uint8Array;
  readonly answer: Answer;
}

/** A bundle that was judged and is being kept. */
interface Keeping {
  readonly judged: JudgedBundle;
  readonly sinceMs: number;
  isCommitted: boolean;
}

/**
 * A broker without sockets, timers and clocks: who connects, what it is given, and what it gives to whom.
 *
 * It sees header, tags and sizes; it has no key that opens anything.
 *
 * @spec delivery.1, delivery.3, delivery.4, delivery.6, delivery.7, delivery.8, delivery.10, delivery.11, delivery.18, delivery.21, delivery.28, link.22
 */
export class BrokerEngine implements ConnectionHost {
  readonly counters: Counters = newCounters();
  readonly mostQueuedBytes: number;
  readonly work: WorkQueues;
  readonly log: EnvelopeLog | undefined;
  readonly watches: Watches<Connection> = new Watches();
  readonly #options: BrokerEngineOptions;
  readonly #state: RelayState;
  readonly #quotas: Quotas;
  readonly #connections = new Set<Connection>();
  readonly #routes = new SubIndex<Sub>();
  readonly #verifier = new Verifier();
  readonly #toFlush = new Set<Connection>();
  #toAppend: Appending[] = [];
  #appending = 0;
  #bundles: WaitingBundle[] = [];
  #keeping: Keeping | undefined;
  /** Something counts that the next life does not know: the next bundle keeps everything. */
  #isBehind = false;
  #isTurnWanted = false;
  #lastNumber = 0;
  #stamp = 0;
  #chances: Uint8Array = new Uint8Array(0);
  #chancesLeft = 0;
  /** Where the check of one link after the other stands. */
  #round: Iterator<Connection> | undefined;
  #drained: (() => void) | undefined;

  constructor(options: BrokerEngineOptions) {
    const { provider, authorityId32, store, principalLimits, mostQueuedBytes = defaultQueuedBytes } = options;
    this.#options = options;
    this.log = store?.log;
    this.mostQueuedBytes = mostQueuedBytes;
    this.work = new WorkQueues({
      mostBytes: limits.workBytes,
      mostSenderBytes: limits.workBytes,
      mostTotalBytes: 4 * limits.workBytes,
      mostLeasedBytes: mostQueuedBytes,
      onDropped: (why, _tag, sender) => this.emit({ type: 'workDropped', why, keyId: sender }),
    });
    this.#quotas = new Quotas({ ...defaultPrincipalLimits, ...principalLimits });
    this.#state = new RelayState({
      provider,
      authorityId32,
      onAuthorityRecord: (record) => this.#takeRecordOfLink(record),
    });
  }

  /** What is believed of the authority; links take it, and add what their peers show. */
  get trust(): Trust {
    return this.#state.trust;
  }

  /** Links that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Subs of all links. */
  get subCount(): number {
    let count = 0;
    for (const { subs, works } of this.#connections) count += subs.size + works.count;
    return count;
  }

  /** Bytes of live envelopes that wait for links. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const { outbox } of this.#connections) bytes += outbox.queuedBytes;
    return bytes;
  }

  /** The authority records after a serial, for the peer of a link. */
  readonly authorityRecords: (afterSerial: number) => readonly Uint8Array[] = (afterSerial) =>
    // The chain is kept whole, so a record's place is its serial.
    this.#state.authorityRecords.slice(afterSerial);

  /** @param serial - of the record of the principal */
  readonly isRevoked: (keyId32: Uint8Array, serial: number) => boolean = (keyId32, serial) =>
    this.#state.isRevoked(keyId32, serial);

  /** Takes what an earlier life kept. @param nowMs - when it was kept @returns how many objects no longer hold */
  restore(objects: readonly AddressedObject[], nowMs: number): number {
    return this.#state.restore(objects, nowMs);
  }

  /** Everything that is retained of the authority, for {@link BrokerEngineOptions.keep}. */
  objects(): readonly AddressedObject[] {
    return this.#state.objects(this.now());
  }

  /**
   * Takes a link that is open. One that may not be is ended at once.
   *
   * @param peer - whose link it is
   * @param creditBytes - of its hello
   * @returns undefined where it was ended
   */
  connect(peer: PrincipalRecord, creditBytes: number, sink: PeerSink): Connection | undefined {
    const nowMs = this.now();
    const { keyId32 } = peer.key;
    const keyId = hexOf(keyId32);
    const quota = this.#quotas.of(keyId, nowMs);
    const number = ++this.#lastNumber;
    try {
      if (this.#drained !== undefined) throw new TridcommError('E_CLOSED', 'broker that is ending');
      this.#checkPrincipal(peer, nowMs);
      quota.addConnection();
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      this.emit({ type: 'refused', what: 'link', link: number, keyId, code: error.code, retryMs: busyRetryMs });
      sink.close(error, busyRetryMs);
      return undefined;
    }
    const connection = new Connection(this, sink, number, peer, quota, creditBytes);
    this.#connections.add(connection);
    return connection;
  }

  /** Lets time count: to be called every half a second or more often. */
  tick(): void {
    const nowMs = this.now();
    const keeping = this.#keeping;
    if (keeping !== undefined && nowMs - keeping.sinceMs >= mostKeepingMs) this.#commit(keeping);
    for (const connection of this.#connections) {
      if (connection.outbox.waitingAddresses > 0) this.wantFlush(connection);
    }
    this.#checkAll(nowMs, ({ notAfterMs }) => nowMs > notAfterMs + limits.skewMs);
    this.work.hold(() => this.#checkSome(nowMs), nowMs);
    this.work.tick(nowMs);
    this.#quotas.forget(nowMs);
  }

  /** Takes nothing more, answers what was taken, and ends all links. */
  async drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
      this.#wantTurn();
    });
  }

  /** @internal */
  now(): number {
    return this.#options.now();
  }

  /** @internal */
  publish(connection: Connection, envelope: Uint8Array, durability: number, answer: Answer | undefined): void {
    const nowMs = this.now();
    this.#checkTaking();
    const isDurable = durability === durabilities.disk;
    if (durability > durabilities.disk || (isDurable && this.#options.store?.isDurable !== true)) {
      throw new TridcommError('E_POLICY', `durability ${durability}`);
    }
    connection.quota.takeEnvelope(envelope.length, nowMs);
    const bytes = unpinned(envelope);
    const view = parseEnvelope(bytes);
    const groupId16 = this.#state.checkEnvelope(connection, view, nowMs);
    const { count } = view.header;
    const isWork = isForOne(view);
    if (isWork && isDurable) throw new TridcommError('E_POLICY', 'work of durability disk');
    connection.quota.takeMessages(count, nowMs);
    if (isWork) {
      const units = unitsOf(this.#options.provider, view, bytes);
      this.work.offer(hexOf(view.header.topicTag), connection.keyId, units, nowMs);
    }
    this.counters.envelopesTaken++;
    this.counters.messagesTaken += count;
    this.counters.envelopeBytesTaken += bytes.length;
    const appending = { connection, view, bytes, answer, isDurable, waitsFor: 1 };
    if (isDurable) {
      this.#verifyLater(appending, groupId16, () => this.#store(appending));
      return;
    }
    if (!isWork) this.#deliver(view, { type: 'envelope', durability: 0, envelope: bytes });
    // One of 64 that nobody can foresee: it is on its way already, but who sent a forgery sends no second one.
    if (this.#draws()) {
      appending.waitsFor++;
      this.#verifyLater(appending, groupId16, () => this.#settleOne(appending));
    }
    if (isWork || durability === durabilities.none || this.log === undefined) this.#settleOne(appending);
    else this.#store(appending);
  }

  /** @internal */
  takeBundle(connection: Connection, bundle: Uint8Array, answer: Answer): void {
    this.#checkTaking();
    if ((this.#recordOf(connection.peer).roles & principalRoles.authority) === 0) {
      throw new TridcommError('E_POLICY', 'bundle of a principal without the role authority');
    }
    this.#bundles.push({ connection, bundle, answer });
    this.#nextBundle();
  }

  /** @internal */
  maySubscribe(connection: Connection, match: TopicMatch): boolean {
    return this.#state.maySubscribe(connection, match, this.now());
  }

  /** @internal */
  takesOf(connection: Connection, match: TopicMatch): Takes | undefined {
    return this.#state.takesOf(connection, match, this.now());
  }

  /** @internal */
  addRoute(sub: Sub): void {
    this.#routes.add(sub.match, sub);
  }

  /** @internal */
  deleteRoute(sub: Sub): void {
    this.#routes.delete(sub.match, sub);
  }

  /** @internal */
  retained(address16: Uint8Array): readonly Uint8Array[] {
    return this.#state.retained(address16, this.now());
  }

  /** @internal */
  wantFlush(connection: Connection): void {
    this.#toFlush.add(connection);
    this.#wantTurn();
  }

  /** @internal */
  ended(connection: Connection): void {
    this.#connections.delete(connection);
    this.#toFlush.delete(connection);
    connection.quota.connections--;
  }

  /** @internal */
  defer(work: () => void): void {
    this.#options.defer(work);
  }

  /** @internal */
  emit(event: BrokerEvent): void {
    this.#options.onEvent?.(event);
  }

  #wantTurn(): void {
    if (this.#isTurnWanted) return;
    this.#isTurnWanted = true;
    this.#options.defer(() => {
      this.#isTurnWanted = false;
      this.#turn();
    });
  }

  /** What is done once for everything that came in; a mistake of ours in one part does not keep the others from it. */
  #turn(): void {
    // What was delivered already goes first: a forgery behind it, which ends its link, does not take its answer away.
    this.#guarded('append', () => this.#append());
    this.#guarded('verify', () => this.#verifier.run());
    this.#guarded('append', () => this.#append());
    let left = mostFlushedInTurn;
    for (const connection of this.#toFlush) {
      if (left-- === 0) break;
      this.#toFlush.delete(connection);
      this.#guarded('flush', () => connection.flush());
    }
    if (this.#verifier.count + this.#toFlush.size > 0) this.#wantTurn();
    if (this.#drained !== undefined) this.#finish(this.#drained);
  }

  #guarded(where: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#internal(where, error);
    }
  }

  /** Something that an answer waited for is there. */
  #settleOne(appending: Appending): void {
    if (--appending.waitsFor === 0) appending.connection.settle(appending.answer);
  }

  /** Lets an envelope wait for the log. */
  #store(appending: Appending): void {
    this.#toAppend.push(appending);
    this.#wantTurn();
  }

  /** @param verified - what follows where the signature is good @spec delivery.7 */
  #verifyLater(appending: Appending, groupId16: Uint8Array, verified: () => void): void {
    const run = (): void => {
      if (this.#verify(appending, groupId16)) verified();
    };
    this.#verifier.add({ bytes: appending.bytes.length, run });
    this.#wantTurn();
  }

  /** One append for all that came in a turn. @spec delivery.3 */
  #append(): void {
    const appended = this.#toAppend;
    if (appended.length === 0 || this.log === undefined) return;
    this.#toAppend = [];
    this.#appending++;
    // What asked for memory is acknowledged when the log has it in its memory, and rejected where the log did not take it.
    const taken = (): void => {
      for (const one of appended) if (!one.isDurable) this.#settleOne(one);
    };
    this.log
      .append(
        appended.map(({ bytes }) => bytes),
        taken,
      )
      .then(
        (first) => {
          this.counters.envelopesStored += appended.length;
          for (const [i, one] of appended.entries()) this.#appended(one, first + i);
        },
        (error: unknown) => this.#notAppended(appended, error),
      )
      .catch((error: unknown) => this.#internal('append', error))
      .finally(() => {
        this.#appending--;
        this.#wantTurn();
      });
  }

  #appended(appending: Appending, position: number): void {
    const { view, bytes, isDurable } = appending;
    if (isDurable) {
      this.#deliver(view, { type: 'envelope', durability: 0, envelope: bytes });
      this.#settleOne(appending);
    }
    this.#routes.visit(view, (sub) => {
      if (sub.isStored) sub.connection.offer(sub, position, bytes);
    });
  }

  #notAppended(appended: readonly Appending[], error: unknown): void {
    const refusal = refusalOf(error);
    this.emit({ type: 'logFailed', what: 'append', code: refusal.code });
    // One that the log had taken before it failed was acknowledged, as it asked for no more; this does nothing to it.
    for (const { connection, answer } of appended) connection.settle(answer, refusal, logRetryMs);
  }

  /** Gives an envelope to every link that has a live sub for it, once. */
  #deliver(view: EnvelopeView, message: LiveMessage): void {
    const stamp = ++this.#stamp;
    const isForward = view.header.patternKind === patternKinds.routerDealer.forward;
    this.#routes.visit(view, ({ isStored, connection }) => {
      if (isStored || connection.stamp === stamp) return;
      connection.stamp = stamp;
      connection.deliver(message, isForward);
    });
  }

  /** @returns whether it is what it says; where not, it was refused */
  #verify({ connection, view, answer, isDurable }: Appending, groupId16: Uint8Array): boolean {
    // What nobody has got, nobody misses; one that was delivered is verified although its sender is gone, so that a forgery is told of.
    if (!connection.isOpen && isDurable) return false;
    const { publicKey32 } = connection.peer.key;
    this.counters.signaturesVerified++;
    try {
      this.#state.verifyEnvelope(connection, publicKey32, view, groupId16, this.now());
      return true;
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      this.emit({ type: 'refused', what: 'envelope', ...connection.names, code: error.code, retryMs: 0 });
      connection.settle(answer, error);
      // An epoch that is gone is no forgery.
      if (error.code !== 'E_EPOCH') connection.end(error);
      return false;
    }
  }

  /** Whether an envelope is one of those that are verified: one of 64 that nobody can foresee. */
  #draws(): boolean {
    if (this.#chancesLeft === 0) {
      this.#chances = this.#options.random(chancesAtOnce);
      this.#chancesLeft = chancesAtOnce;
    }
    return (this.#chances[--this.#chancesLeft]! & 0x3f) === 0;
  }

  #nextBundle(): void {
    const next = this.#keeping === undefined ? this.#bundles.shift() : undefined;
    if (next === undefined) return;
    const { connection, bundle, answer } = next;
    const nowMs = this.now();
    let judged: JudgedBundle;
    try {
      judged = this.#state.judge(bundle, nowMs);
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      this.emit({ type: 'refused', what: 'bundle', ...connection.names, code: error.code, retryMs: 0 });
      connection.settle(answer, error);
      this.#nextBundle();
      return;
    }
    const keeping = { judged, sinceMs: nowMs, isCommitted: false };
    const taken = (error?: TridcommError): void => {
      this.#keeping = undefined;
      this.#commit(keeping);
      const { names } = connection;
      this.emit({ type: 'bundleTaken', ...names, objects: judged.objects.length, bytes: bundle.length });
      // What counts and is not kept the next life does not have: an authority that hears no brings all of it again.
      connection.settle(answer, error, logRetryMs);
      this.#nextBundle();
    };
    const { keep } = this.#options;
    const objects = this.#isBehind ? [...this.objects(), ...judged.objects] : judged.objects;
    if (keep === undefined || objects.length === 0) {
      taken();
      return;
    }
    this.#keeping = keeping;
    keep(objects, nowMs)
      .then(
        () => void (this.#isBehind = false),
        (error: unknown) => this.#notKept(error),
      )
      .then(taken)
      .catch((error: unknown) => this.#internal('bundle', error));
  }

  /** Makes a bundle count. @spec principals.28, principals.37, principals.38 */
  #commit(keeping: Keeping): void {
    // Kept first and then acted on; but who is revoked does not go on because a disk is slow, or full.
    if (keeping.isCommitted) return;
    keeping.isCommitted = true;
    const nowMs = this.now();
    const { judged } = keeping;
    judged.commit(nowMs);
    const isForAll = judged.objects.some(({ type }) => typesThatBind.has(type));
    const renewed = isForAll ? [] : judged.objects.filter(({ type }) => type === addressTypes.principalRecord);
    const keyIds = new Set(renewed.map(({ bytes }) => this.#subjectOf(bytes)));
    this.#checkAll(nowMs, (connection) => isForAll || keyIds.has(connection.keyId));
    for (const object of judged.objects) this.#push(object);
  }

  /** Of a principal record that was verified: the key id in hex. */
  #subjectOf(bytes: Uint8Array): string {
    const { provider } = this.#options;
    const record = decodePrincipalRecord(provider, parseObject(provider, bytes, objectKinds.principalRecord));
    return hexOf(record.key.keyId32);
  }

  #notKept(error: unknown): TridcommError {
    this.#isBehind = true;
    const refusal = refusalOf(error);
    this.emit({ type: 'notKept', code: refusal.code });
    return refusal;
  }

  /** An authority record that came by a link: who was valid by the one before may not be any more. */
  #takeRecordOfLink(record: AddressedObject): void {
    this.#checkAll(this.now(), () => true);
    this.#push(record);
    this.#options.keep?.([record], this.now()).catch((error: unknown) => this.#notKept(error));
  }

  #push({ address16, bytes }: AddressedObject): void {
    const name = hexOf(address16);
    for (const connection of this.watches.watchersOf(name)) connection.push(name, address16, bytes);
  }

  #checkAll(nowMs: number, isMeant: (connection: Connection) => boolean): void {
    // What one loses must not go to another that loses its right with it.
    this.work.hold(() => {
      for (const connection of this.#connections) if (isMeant(connection)) this.#check(connection, nowMs);
    }, nowMs);
  }

  /** Checks a part of the links: what a time limit of an entry or of an issuer ends. */
  #checkSome(nowMs: number): void {
    for (let left = Math.ceil(this.#connections.size / ticksOfRound); left > 0; left--) {
      this.#round ??= this.#connections.values();
      const next = this.#round.next();
      if (next.done === true) {
        this.#round = undefined;
        return;
      }
      this.#check(next.value, nowMs);
    }
  }

  /** Ends what a link may not have any more. @spec delivery.11, link.22 */
  #check(connection: Connection, nowMs: number): void {
    connection.notAfterMs = this.#recordOf(connection.peer).notAfterMs;
    try {
      this.#checkPrincipal(connection.peer, nowMs);
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      connection.end(error);
      return;
    }
    for (const sub of connection.subs.values()) {
      if (this.#state.maySubscribe(connection, sub.match, nowMs)) continue;
      connection.endSub(sub, new TridcommError('E_POLICY', 'sub that the lists no longer allow'));
    }
    for (const { number, match, work } of connection.works.values()) {
      const takes = this.#state.takesOf(connection, match, nowMs);
      if (takes !== undefined) this.work.setTakes(work, takes, nowMs);
      else connection.endWork(number, new TridcommError('E_POLICY', 'work that the lists no longer allow'));
    }
  }

  /** @throws TridcommError `E_REVOKED`, `E_EXPIRED` */
  #checkPrincipal(peer: PrincipalRecord, nowMs: number): void {
    const record = this.#recordOf(peer);
    if (this.#state.isRevoked(record.key.keyId32, record.serial)) throw new TridcommError('E_REVOKED');
    this.trust.checkPrincipalNow(record, nowMs);
  }

  /** The newest record of a peer: its authority may have renewed it since the link was opened. */
  #recordOf(peer: PrincipalRecord): PrincipalRecord {
    return this.trust.principal(peer.key.keyId32) ?? peer;
  }

  #checkTaking(): void {
    if (this.#drained !== undefined) throw new TridcommError('E_CLOSED', 'broker that is ending');
  }

  /** Ends all links when nothing waits for an answer any more. */
  #finish(drained: () => void): void {
    const isBusy = this.#verifier.count + this.#toAppend.length + this.#appending + this.#bundles.length > 0;
    if (isBusy || this.#keeping !== undefined || this.#toFlush.size > 0) return;
    for (const connection of this.#connections) connection.end();
    drained();
  }

  #internal(where: string, error: unknown): void {
    this.emit({ type: 'internalError', where, name: error instanceof Error ? error.name : typeof error });
  }
}

/** What a disk throws that is no refusal is our mistake, or its. */
function refusalOf(error: unknown): TridcommError {
  return error instanceof TridcommError ? error : new TridcommError('E_INTERNAL', undefined, { cause: error });
}

/** An envelope that does not keep much more than itself alive: it may be a view of all that came with it. */
function unpinned(envelope: Uint8Array): Uint8Array {
  return envelope.buffer.byteLength > mostPinned * envelope.length ? new Uint8Array(envelope) : envelope;
}

/** Objects that say what anybody may do. */
const typesThatBind: ReadonlySet<number> = new Set([
  addressTypes.authorityRecord,
  addressTypes.policy,
  addressTypes.edgeList,
  addressTypes.revocationList,
]);
/** Links that are served before others have a turn. */
const mostFlushedInTurn = 256;
const defaultQueuedBytes = 4 * 1024 * 1024;
const mostPinned = 4;
const chancesAtOnce = 1_024;
/** All links are checked again in so many ticks. */
const ticksOfRound = 20;
const mostKeepingMs = 500;
const busyRetryMs = 1_000;
/** A disk that failed is not repaired in a moment. */
const logRetryMs = 5_000;
