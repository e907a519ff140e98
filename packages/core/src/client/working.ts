import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { ErrorCode } from '../codepoints/errors.gen.ts';
import { beginParsed, type Opened, type PendingOpen } from '../envelope/open.ts';
import { outwardCode, TridcommError } from '../errors.ts';
import type { Crew } from '../patterns/crew.ts';
import { decodePoolKeyinfo } from '../patterns/pool-stream.ts';
import {
  replyBytes,
  replyInput,
  replyKeyinfo,
  replyReservedBytes,
  replyStatus,
  type ReplyRecord,
  type ReplySource,
} from '../patterns/replies.ts';
import { refusal } from '../patterns/refusal.ts';
import { splitRuns } from '../patterns/split-runs.ts';
import { workOf, type Work } from '../patterns/work.ts';
import { encodeUtf8 } from '../topics/utf8.ts';
import { parseEnvelope, parseJob, type EnvelopeView, type JobView } from '../wire/envelope.ts';
import type { Carrier, Lease, WorkForm, WorkOutcome } from './carrier.ts';
import { crewOf, SenderRefusal } from './crew-of.ts';
import type { EventSink } from './event-sink.ts';
import type { Forwarding } from './forwarding.ts';
import { openForward } from './forwards-in.ts';
import type { Group } from './group.ts';
import type { GuardedCarrier } from './guarded-carrier.ts';
import type { ForwardTaker, HeldForwards } from './held-forwards.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import { mayBeAllowedLater, openSealed, storeAhead } from './open-steps.ts';
import type { Pools, WorkEpoch } from './pools.ts';
import { answerTagToSeal, viewToSeal } from './seal-view.ts';
import type { Sealers } from './sealers.ts';
import type { Published } from './sealing.ts';
import type { SendingParts } from './sending-parts.ts';
import { sendAll } from './sending.ts';
import type { RoutedDelivery, RouteHandler } from './route-delivery.ts';
import type { WorkDelivery, WorkHandler, WorkReply } from './work-delivery.ts';
import type { WorkRoute, WorkRoutes } from './work-routes.ts';

/** What of a delivery its replies are sealed with. */
interface Answerable {
  readonly front: Group;
  readonly epoch: WorkEpoch;
  readonly opened: Pick<Opened, 'sender' | 'keyinfo' | 'id32'>;
  /** Messages of a dealer, and no requests. */
  readonly isOfMessages: boolean;
}

/** How a unit of work came to the member. */
interface Arrival {
  readonly view: EnvelopeView | JobView;
  readonly front: Group;
  readonly topic: string;
  readonly handler: WorkHandler | undefined;
  readonly epoch: WorkEpoch;
  readonly lease: Lease;
  readonly nowMs: number;
}

/** The working side of a member: takes requests, jobs and messages, each once, and answers what is no job. */
export class Working {
  readonly #holdings: Holdings;
  readonly #carrier: Carrier;
  readonly #guarded: GuardedCarrier;
  readonly #events: EventSink;
  readonly #pools: Pools;
  readonly #routes: WorkRoutes | undefined;
  readonly #forwarding: Forwarding;
  readonly #heldForwards: HeldForwards;
  readonly #sealers: Sealers;
  readonly #crews = new WeakMap<WorkEpoch, Crew>();
  readonly #answerable = new WeakMap<WorkDelivery, Answerable>();
  readonly #settled = new WeakSet<Lease>();

  /** @param routes - undefined where the carrier brings no work */
  constructor(
    parts: SendingParts,
    guarded: GuardedCarrier,
    pools: Pools,
    routes: WorkRoutes | undefined,
    forwarding: Forwarding,
    heldForwards: HeldForwards,
  ) {
    this.#holdings = parts.holdings;
    this.#carrier = parts.carrier;
    this.#events = parts.events;
    this.#sealers = parts.sealers;
    this.#guarded = guarded;
    this.#pools = pools;
    this.#routes = routes;
    this.#forwarding = forwarding;
    this.#heldForwards = heldForwards;
  }

  /**
   * Takes a unit of work.
   *
   * @returns undefined where nobody does such work here; it was given back then
   * @throws TridcommError the refusal; the lease is the caller's to settle
   */
  take(bytes: Uint8Array, form: WorkForm, lease: Lease, nowMs: number): WorkDelivery | RoutedDelivery | undefined {
    const view = form === 'job' ? parseJob(bytes) : parseEnvelope(bytes);
    const route = this.#routes?.find(view, nowMs);
    if (route === undefined) {
      this.settle(lease, 'given back');
      return undefined;
    }
    return route.taker.kind === 'work'
      ? this.#work(view, route, route.taker.handler, lease, nowMs)
      : this.#route(bytes, view, route, route.taker.handler, lease, nowMs);
  }

  /**
   * Takes an envelope under an inbox tag of the member's.
   *
   * @throws TridcommError the refusal; what the forward brings is refused one by one, as an event
   * @spec patterns.41
   */
  takeForward(front: Group, view: EnvelopeView, nowMs: number): void {
    const taker: ForwardTaker = {
      take: (bytes, atMs) => this.#workForwarded(front, bytes, atMs),
      mayPass: ({ code }, bytes) => {
        const message = parseEnvelope(bytes);
        return code === 'E_EPOCH' ? this.#isAhead(front, message) : mayBeAllowedLater(code, front, message);
      },
    };
    this.#heldForwards.take(front, openForward(this.#holdings, front, 'message', view, nowMs), taker, nowMs);
  }

  #workForwarded(front: Group, bytes: Uint8Array, nowMs: number): void {
    const message = parseEnvelope(bytes);
    const route = this.#routes?.find(message, nowMs);
    if (route === undefined || route.front !== front || route.taker.kind !== 'work') return;
    this.#work(message, route, route.taker.handler, noLease(), nowMs);
  }

  /**
   * A router reads one pattern only, and not what is sealed: what it refuses for that is somebody's work all the same.
   *
   * @spec patterns.37
   */
  #route(
    envelope: Uint8Array,
    view: EnvelopeView | JobView,
    { front, topic }: WorkRoute,
    handler: RouteHandler | undefined,
    lease: Lease,
    nowMs: number,
  ): RoutedDelivery {
    if (!('body' in view) || view.header.patternKind !== patternKinds.routerDealer.message) {
      this.settle(lease, 'given back');
      throw refusal('E_ENCODING', 'no message of a dealer');
    }
    try {
      return this.#forwarding.take({ front, topic: topic.text, handler, envelope, lease, nowMs });
    } catch (error) {
      if (error instanceof TridcommError && error.code === 'E_AEAD') this.settle(lease, 'given back');
      throw error;
    }
  }

  /** @spec patterns.16, patterns.17, patterns.18, patterns.19, patterns.20 */
  #work(
    view: EnvelopeView | JobView,
    { front, topic }: WorkRoute,
    handler: WorkHandler | undefined,
    lease: Lease,
    nowMs: number,
  ): WorkDelivery {
    const epoch = this.#pools.workEpoch(front, view.header.epoch);
    const arrival: Arrival = { view, front, topic: topic.text, handler, epoch, lease, nowMs };
    const crew = this.#crewOf(front, epoch);
    let pending: PendingOpen;
    try {
      pending = beginParsed(crew, view, nowMs)!;
    } catch (error) {
      const known = error instanceof TridcommError && error.code === 'E_REPLAY' && crew.identify(view, nowMs);
      if (known === false || known === undefined) throw error;
      return this.#deliver(arrival, known.id32, [], 'again');
    }
    openSealed(this.#holdings, front, pending, view, nowMs);
    storeAhead(pending, epoch.open, view);
    const opened = pending.commit();
    const verdict = epoch.open.guard.mayBeAgain(view.header.bytes) ? 'redelivered' : 'new';
    return this.#deliver(arrival, opened.id32, workOf(opened, nowMs), verdict);
  }

  /** Whether the block or pool record that a unit needs may be on its way. */
  isAhead(bytes: Uint8Array, form: WorkForm, nowMs: number): boolean {
    const view = form === 'job' ? parseJob(bytes) : parseEnvelope(bytes);
    const { front, taker } = this.#routes?.find(view, nowMs) ?? {};
    if (front !== undefined && taker?.kind === 'route') return 'body' in view && this.#forwarding.isAhead(front, view);
    return front !== undefined && this.#isAhead(front, view);
  }

  /** Ends a lease, once. @spec delivery.29 */
  settle(lease: Lease, outcome: WorkOutcome): void {
    if (this.#settled.has(lease)) return;
    this.#settled.add(lease);
    this.#guarded.settle(lease, outcome);
  }

  /**
   * Seals replies to the requests or messages of a delivery, on a stream of our own for the pool stream that they came on.
   *
   * @throws TridcommError the refusal
   * @spec patterns.21, patterns.42, topics.13, principals.29, principals.31
   */
  reply(delivery: WorkDelivery, replies: readonly WorkReply[], nowMs: number): Published {
    const answerable = this.#answerable.get(delivery);
    if (answerable === undefined) throw new TridcommError('E_USAGE', 'no requests that were delivered to this member');
    const { front, epoch, opened, isOfMessages } = answerable;
    const view = viewToSeal(this.#holdings, front, nowMs);
    const { tag16, chain } = answerTagToSeal(this.#holdings, front, view, opened.sender.keyId32, nowMs);
    if (!epoch.open.isOpen) throw new TridcommError('E_EPOCH', 'epoch of the crew that is closed');
    const keyinfo = replyKeyinfo(this.#holdings.provider, decodePoolKeyinfo(opened.keyinfo).enc32);
    const patternKind = isOfMessages ? patternKinds.routerDealer.reply : patternKinds.reqRep.reply;
    let source: ReplySource | undefined;
    const sealer = this.#sealers.stream(`${front.id}/${hexOf(keyinfo)}/${hexOf(tag16)}`, epoch.open, () => {
      source = this.#crewOf(front, epoch).replySource(epoch.pool, opened);
      return { keySource: source.keySource, patternKind, topicTag16: tag16 };
    });
    // The sealer has what it derived.
    source?.keySource.sourceSecret32.fill(0);
    const { headSeq } = view.head;
    const runs = splitRuns(
      replies.map((reply) => recordOf(opened.id32, reply, isOfMessages)),
      replyBytes,
      isOfMessages ? { reservedBytes: replyReservedBytes() } : {},
    );
    const envelopes = runs.map((run) => {
      const unsigned = sealer.seal(replyInput(run, { keyinfo, headSeq, chain, timestampMs: nowMs }, isOfMessages));
      return unsigned.finish(this.#holdings.identity.key.sign(unsigned.signInput));
    });
    sendAll(this.#carrier, envelopes, runs);
    return { groupId16: front.groupId16, epoch: epoch.open.number, headSeq, envelopes };
  }

  #isAhead(front: Group, { header: { epoch } }: EnvelopeView | JobView): boolean {
    const crew = this.#pools.crewOf(front);
    if (crew === undefined) return false;
    if (epoch > crew.newestEpoch) return true;
    return crew.epoch(epoch) !== undefined && this.#pools.record(front, epoch) === undefined;
  }

  #deliver(
    { view, front, topic, handler, epoch, lease, nowMs }: Arrival,
    id32: Uint8Array,
    works: readonly Work[],
    verdict: WorkDelivery['verdict'],
  ): WorkDelivery {
    const { header, keyinfo } = view;
    const sender = this.#holdings.trust.principalBySenderId(header.senderId)!;
    const kind = kindOf(header.patternKind);
    const delivery: WorkDelivery = {
      kind,
      topic,
      sender,
      works,
      verdict,
      timestampMs: header.timestampMs,
      id32,
      leaf: 'leaf' in view ? view.leaf : undefined,
      lease,
      stale: !front.isFresh(nowMs),
      groupId16: front.groupId16,
      epoch: epoch.open.number,
    };
    const opened = { sender: sender.key, keyinfo, id32 };
    if (kind !== 'job') this.#answerable.set(delivery, { front, epoch, opened, isOfMessages: kind === 'message' });
    this.#events.emit({ type: 'work', delivery });
    this.#events.handle(handler, delivery);
    return delivery;
  }

  #crewOf(front: Group, epoch: WorkEpoch): Crew {
    const held = this.#crews.get(epoch);
    if (held !== undefined) return held;
    const crew = crewOf(this.#holdings.provider, this.#pools, front, epoch);
    this.#crews.set(epoch, crew);
    return crew;
  }
}

/**
 * What becomes of the lease of a unit that was refused: it is done where every member of the crew refuses it alike, and goes to another where
 * that may be otherwise.
 *
 * @param error - as `Client.leased` threw it
 */
export function refusedOutcome(error: TridcommError): WorkOutcome {
  return refusedByAll.has(error.code) && !(error instanceof SenderRefusal) ? 'done' : 'given back';
}

function kindOf(patternKind: number): WorkDelivery['kind'] {
  if (patternKind === patternKinds.routerDealer.message) return 'message';
  return patternKind === patternKinds.reqRep.request ? 'request' : 'job';
}

/**
 * Whether a refusal follows from the unit and what was seen of it, and says nothing of how this member fares: given back at once, it goes to the
 * others, and the next may have its place here. What is refused for a view that is stale or a disk that is full is better held a moment, as
 * the next would be refused, too.
 *
 * @param error - as `Client.leased` threw it
 */
export function isOfUnit({ code }: TridcommError): boolean {
  return code === 'E_EPOCH' || code === 'E_TOO_OLD' || code === 'E_REPLAY';
}

function recordOf(id32: Uint8Array, reply: WorkReply, isOfMessages: boolean): ReplyRecord {
  const { leaf, index, status } = reply;
  // Field by field: a spread with fields behind it costs 1.4 µs, and there is one for each answer.
  if (status === 'final') return { id32, leaf, index, status: replyStatus.final, body: reply.body };
  if (status === 'in progress') return { id32, leaf, index, status: replyStatus.inProgress, body: nothing };
  if (status === 'news') {
    if (!isOfMessages) throw new TridcommError('E_USAGE', 'news of what is no message of a dealer');
    return { id32, leaf, index, status: replyStatus.inProgress, body: reply.body };
  }
  // That its time was over is the one refusal that who asked is told of by its own name (patterns.20).
  const code = reply.code === 'E_EXPIRED' ? reply.code : (outwardCode(reply.code) ?? 'E_REFUSED');
  return { id32, leaf, index, status: replyStatus.refused, body: encodeUtf8(code) };
}

/** Refusals that follow from the bytes, the keys of the pool and the clock alone, but for a {@link SenderRefusal}. */
const refusedByAll: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'E_LENGTH',
  'E_ENCODING',
  'E_VERSION',
  'E_EXT',
  'E_EXPIRED',
  'E_KEY',
  'E_SIG',
  'E_PROOF',
  'E_COMMIT',
  'E_AEAD',
]);
const nothing = new Uint8Array(0);
/** Of what a router forwarded: it has the lease of the broker, and nothing comes of ours. */
const noLease = (): Lease => ({ settle: () => undefined });
