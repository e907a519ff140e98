import { checkWidth, copyOf } from '../bytes/bytes.ts';
import { deriveHedgeSecret } from '../crypto/key-schedule.ts';
import type { ErrorCode } from '../codepoints/errors.gen.ts';
import { TridcommError } from '../errors.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import type { Taken, Trust } from '../keys/trust.ts';
import { isForward } from '../patterns/forwards.ts';
import type { RecordName } from '../patterns/work.ts';
import type { EnvelopeSource } from '../replay/guard.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import { Asking } from './asking.ts';
import { AnswerTags } from './answer-tags.ts';
import { bringsWork, type Lease, type WorkForm, type WorkOutcome, type WorkReceiver } from './carrier.ts';
import type { ClientOptions } from './client-options.ts';
import { ControlPlane, isOfGroup } from './control-plane.ts';
import { EventSink } from './event-sink.ts';
import type { Delivery, RefusedThing } from './events.ts';
import { Forwarding } from './forwarding.ts';
import { Freshness } from './freshness.ts';
import type { Group } from './group.ts';
import { GuardedCarrier } from './guarded-carrier.ts';
import { HeardReplies, type HeardSubscription } from './heard-replies.ts';
import { HeldForwards } from './held-forwards.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import { holdingsOf } from './holdings-of.ts';
import type { Identity } from './identity.ts';
import { InboxTags } from './inbox-tags.ts';
import { KeyRenewal } from './key-renewal.ts';
import { Opening, type UnroutedPlace } from './opening.ts';
import { PoolAsking, type DealFields, type JobFields, type Requested, type RequestFields } from './pool-asking.ts';
import type { ReplyHandler, SurveyHandlers } from './reply.ts';
import type { HeardHandler, HeardReply, RoutedDelivery, RouteHandler } from './route-delivery.ts';
import type { Routing } from './routing.ts';
import { RuleIndex } from './rule-index.ts';
import { Sealers } from './sealers.ts';
import { Sealing, type Published } from './sealing.ts';
import { bindStore } from './stored-floors.ts';
import { Subscriptions, type Subscription } from './subscriptions.ts';
import { Surveying, type Asked, type SurveyFields } from './surveying.ts';
import type { WorkDelivery, WorkHandler, WorkReply } from './work-delivery.ts';
import { WorkRoutes, type WorkSubscription, type WorkTaker } from './work-routes.ts';
import { refusedOutcome, Working } from './working.ts';

export type { ClientOptions } from './client-options.ts';
export type { Published } from './sealing.ts';
export type { Subscription } from './subscriptions.ts';

/**
 * A member of groups: takes what the authority says, goes over to newer views as a whole, seals, opens, and says what it missed.
 *
 * Sans-I/O: it acts inside calls only, has no clock but `nowMs`, and reaches the world by its carrier. Whoever drives it calls
 * {@link tick} about every second, and hands it everything that the carrier brings. After {@link stop} every call throws `E_CLOSED`.
 *
 * @example
 * const client = new Client({ provider, random, authorityId32, identity, carrier, startMs: now });
 * client.start(now);
 * client.subscribe('orders/**', now, (delivery) => { ... });
 * client.publish('orders/new', [payload], now);
 */
export class Client {
  readonly #identity: Identity;
  readonly #events: EventSink;
  readonly #holdings: Holdings;
  readonly #plane: ControlPlane;
  readonly #asking: Asking;
  readonly #subscriptions: Readonly<Record<EnvelopeSource, Subscriptions>>;
  readonly #rules = new RuleIndex();
  readonly #sealers: Sealers;
  readonly #sealing: Sealing;
  readonly #opening: Opening;
  readonly #answers: AnswerTags;
  readonly #poolAsking: PoolAsking;
  readonly #surveying: Surveying;
  /** Undefined where the carrier brings no work. */
  readonly #workRoutes: WorkRoutes | undefined;
  readonly #working: Working;
  readonly #forwarding: Forwarding;
  readonly #inboxes: InboxTags;
  readonly #heard: HeardReplies;
  readonly #heldForwards: HeldForwards;
  /** All that a broker is asked to match. */
  readonly #routings: readonly Routing[];
  readonly #renewal: KeyRenewal;
  readonly #freshness: Freshness;
  #isStarted = false;

  /** @throws TridcommError `E_USAGE` for options that do not hold what they should, and for the store of another principal or authority */
  constructor(options: ClientOptions) {
    const { provider, random, authorityId32, identity, store, localSecret32 } = options;
    this.#identity = identity;
    if (store !== undefined) bindStore(store, authorityId32, identity.key.keyId32);
    const holdings = holdingsOf(options);
    this.#holdings = holdings;
    this.#events = new EventSink(options.onEvent);
    const carrier = new GuardedCarrier(options.carrier, this.#events);
    this.#plane = new ControlPlane(holdings, this.#events, {
      groupAdded: (group) => this.#asking.watchGroup(group),
      groupChanged: (group) => this.#groupChanged(group),
      viewChanged: (group, nowMs) => this.#viewChanged(group, nowMs),
    });
    this.#asking = new Asking(holdings, carrier, this.#plane.groups, this.#plane.pools);
    const { groups, pools } = this.#plane;
    this.#subscriptions = {
      live: new Subscriptions('live', holdings, carrier, groups),
      log: new Subscriptions('log', holdings, carrier, groups),
    };
    const hedgeSecret32 = deriveHedgeSecret(provider, random(32), localSecret32);
    this.#sealers = new Sealers(holdings, hedgeSecret32);
    this.#sealing = new Sealing(holdings, options.carrier, this.#rules, this.#sealers);
    this.#answers = new AnswerTags(holdings, carrier, groups);
    const sending = { holdings, carrier: options.carrier, events: this.#events, sealers: this.#sealers, hedgeSecret32 };
    this.#heldForwards = new HeldForwards(this.#events);
    this.#poolAsking = new PoolAsking(sending, this.#rules, pools, this.#answers, this.#heldForwards);
    this.#surveying = new Surveying(sending, this.#sealing, this.#answers);
    this.#workRoutes = bringsWork(options.carrier)
      ? new WorkRoutes(holdings, carrier, options.carrier, groups)
      : undefined;
    this.#forwarding = new Forwarding(sending, pools, groups);
    this.#working = new Working(sending, carrier, pools, this.#workRoutes, this.#forwarding, this.#heldForwards);
    this.#inboxes = new InboxTags(holdings, carrier, groups, (group) => this.#workRoutes?.worksIn(group) === true);
    this.#heard = new HeardReplies(holdings, carrier, groups);
    this.#routings = [
      this.#answers.routing,
      this.#inboxes.routing,
      this.#heard.routing,
      ...Object.values(this.#subscriptions).map(({ routing }) => routing),
      ...(this.#workRoutes === undefined ? [] : [this.#workRoutes.routing]),
    ];
    this.#opening = new Opening(holdings, this.#events, this.#subscriptions, {
      unrouted: (view, bytes, nowMs) => this.#takeOwn(view, bytes, nowMs),
      placeOf: (view, nowMs) => this.#placeOf(view, nowMs),
      question: (delivery, group, suite) => this.#surveying.asked(delivery, group, suite),
    });
    this.#renewal = new KeyRenewal(holdings, this.#events);
    this.#freshness = new Freshness(this.#events);
    store?.put('identity', identity.export());
  }

  get keyId32(): Uint8Array {
    return this.#holdings.keyId32;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** What the member holds of chapter 07; to be read only. */
  get trust(): Trust {
    return this.#holdings.trust;
  }

  /** The groups that it knows of. */
  get groupIds(): Uint8Array[] {
    return Array.from(this.#plane.groups.values(), ({ groupId16 }) => groupId16);
  }

  /** Takes up what an earlier life stored, and asks the carrier for what it needs. */
  start(nowMs: number): void {
    this.#events.run(() => {
      this.#isStarted = true;
      this.#plane.takeStored(nowMs);
      this.#ask(nowMs);
    });
  }

  /**
   * Ends the client: overwrites the secrets that it holds, and takes no call any more. What is stored stays, and the identity is the
   * caller's.
   */
  stop(): void {
    this.#events.close();
    this.#isStarted = false;
    this.#poolAsking.stop();
    this.#surveying.stop();
    this.#sealers.stop();
    this.#plane.pools.stop();
    for (const group of this.#plane.groups.values()) group.stop();
    for (const psk32 of this.#holdings.psks.values()) psk32.fill(0);
    this.#holdings.psks.clear();
    for (const subscriptions of Object.values(this.#subscriptions)) subscriptions.stop();
    this.#answers.stop();
    this.#heldForwards.stop();
    this.#forwarding.stop();
    this.#inboxes.stop();
    this.#heard.stop();
    this.#workRoutes?.stop();
  }

  /**
   * The carrier has reached a broker that knows nothing of this member: all is watched and subscribed to anew.
   *
   * Whatever the carrier failed to take before is asked for by {@link tick} anyway.
   */
  reconnected(nowMs: number): void {
    this.#events.run(() => {
      this.#asking.renew();
      for (const routing of this.#routings) routing.renew();
      this.#ask(nowMs);
    });
  }

  /**
   * The secret of a group whose blocks are of kind 5.
   *
   * @param psk32 - 32 uniform bytes; copied
   */
  usePsk(groupId16: Uint8Array, psk32: Uint8Array, nowMs: number): void {
    checkWidth('psk32', psk32, 32);
    this.#events.run(() => {
      this.#holdings.psks.set(hexOf(groupId16), copyOf(psk32));
      const group = this.#plane.groups.get(hexOf(groupId16));
      if (group === undefined) return;
      // Its block may have come before.
      group.isMember = undefined;
      this.#fetchMissing(nowMs);
    });
  }

  /** A view of a group: its head's number, the epoch of its block, whether it is fresh; undefined before the first. */
  view(groupId16: Uint8Array, nowMs: number): { headSeq: number; epoch: number; fresh: boolean } | undefined {
    return this.#events.run(() => {
      const group = this.#plane.groups.get(hexOf(groupId16));
      if (group?.view === undefined) return undefined;
      const { head, block } = group.view;
      return { headSeq: head.headSeq, epoch: block.header.epoch, fresh: group.isFresh(nowMs) };
    });
  }

  /** Where a carrier delivers to: what is refused becomes an event, and the lease of work that is refused is settled. @param now - the clock */
  receiver(now: () => number): WorkReceiver {
    const guarded = (what: RefusedThing, take: () => unknown, groupId16?: () => Uint8Array | undefined) =>
      this.#events.run(() => {
        try {
          take();
        } catch (error) {
          this.#events.refused(what, error, groupId16?.());
        }
      });
    return {
      envelope: (bytes) => guarded('envelope', () => this.#opening.envelope(bytes, now())),
      stored: (bytes, position) => guarded('envelope', () => this.stored(bytes, position, now())),
      leased: (bytes, form, lease) =>
        guarded('envelope', () => {
          try {
            this.#working.take(bytes, form, lease, now());
          } catch (error) {
            this.#working.settle(lease, error instanceof TridcommError ? refusedOutcome(error) : 'given back');
            throw error;
          }
        }),
      object: (address16, bytes) => {
        const groupId16 = () => {
          const asked = this.#asking.find(address16);
          return asked !== undefined && isOfGroup(asked.type) ? asked.id.subarray(0, 16) : undefined;
        };
        guarded('object', () => this.objectAt(address16, bytes, now()), groupId16);
      },
    };
  }

  /**
   * Takes a retained object that arrived under an address that was asked for.
   *
   * @throws TridcommError as {@link object}; `E_BINDING` for an address that nobody asked for, and for an object that is of another
   */
  objectAt(address16: Uint8Array, bytes: Uint8Array, nowMs: number): Taken {
    return this.#events.run(() => {
      const asked = this.#asking.find(address16);
      if (asked === undefined) throw new TridcommError('E_BINDING', 'object under an address that nobody asked for');
      this.#asking.arrived(address16);
      const taken = this.#plane.take(asked.type, bytes, nowMs, asked);
      this.#ask(nowMs);
      return taken;
    });
  }

  /**
   * Takes a retained object.
   *
   * @param type - of its address
   * @param bytes - as received; not kept
   * @throws TridcommError of the first check that fails; nothing has changed then. `E_POLICY`, `E_EPOCH` also for a group head or block
   *   that was taken and shows a head that the member refuses to go over to
   */
  object(type: number, bytes: Uint8Array, nowMs: number): Taken {
    return this.#events.run(() => {
      const taken = this.#plane.take(type, bytes, nowMs);
      this.#ask(nowMs);
      return taken;
    });
  }

  /**
   * Takes the answer to a question of one's own for the newest head.
   *
   * @throws TridcommError as for heads; `E_SIG` for another nonce
   * @spec principals.33
   */
  headAnswer(bytes: Uint8Array, nonce32: Uint8Array, nowMs: number): Taken {
    return this.#events.run(() => this.#plane.takeHeadAnswer(bytes, nonce32, nowMs));
  }

  /**
   * Takes an envelope. A handler that throws becomes an event, and keeps nobody else from the delivery.
   *
   * @param bytes - as received; kept and viewed by what comes back
   * @returns undefined where the tag leads nowhere, or to a topic that no live subscription matches
   * @throws TridcommError the refusal
   * @spec envelope.27, topics.12
   */
  envelope(bytes: Uint8Array, nowMs: number): Delivery | undefined {
    return this.#events.run(() => this.#opening.envelope(bytes, nowMs));
  }

  /**
   * Takes an envelope out of a broker's log: as {@link envelope}, but how old it is does not count; its epoch and expiry do. In one life it
   * is accepted once, as news or out of the log. What an earlier life accepted is known by the position alone at which the reader starts:
   * the verdict says where that may be so.
   *
   * @param position - as the broker says, from 0 on
   * @returns undefined where no subscription to the log matches; nothing has changed then
   * @throws TridcommError the refusal; `E_USAGE` for a position that is no number
   * @spec delivery.12, storage.1, replay.29, replay.30
   */
  stored(bytes: Uint8Array, position: number, nowMs: number): Delivery | undefined {
    if (!Number.isSafeInteger(position) || position < 0) throw new TridcommError('E_USAGE', `position ${position}`);
    return this.#events.run(() => this.#opening.envelope(bytes, nowMs, position));
  }

  /**
   * Whether an envelope that was refused may open later, as what it takes may be on its way: the block of an epoch above all that are held
   * of its group, or of the front of a forward, the pool record for a reply that a router hears, a view that its sender had and the member has
   * not, or the record of a writer, responder or router that the member's view names.
   *
   * @param code - what it was refused with; any but `E_EPOCH`, `E_POLICY` and `E_SENDER` is for good
   * @param source - how it came
   * @returns false also after {@link stop}
   */
  mayOpenLater(code: ErrorCode, bytes: Uint8Array, nowMs: number, source: EnvelopeSource = 'live'): boolean {
    if (this.#events.isClosed) return false;
    return this.#events.run(() => this.#opening.mayOpenLater(code, bytes, nowMs, source));
  }

  /**
   * The group that has a rule for a topic, as the member knows it now; undefined where it knows none.
   *
   * @throws TridcommError `E_ENCODING`, `E_LIMIT` for what is no topic
   */
  groupOf(topic: string): Uint8Array | undefined {
    return this.#events.run(() => this.#sealing.groupOf(topic)?.groupId16);
  }

  /**
   * Makes sure that {@link publish} would seal for a topic now.
   *
   * @throws TridcommError what it would refuse with
   */
  checkPublish(topic: string, nowMs: number): void {
    this.#events.run(() => void this.#sealing.prepare(topic, nowMs));
  }

  /**
   * Seals messages for a topic and hands them to the carrier.
   *
   * @param topic - the group is the one that has a rule for it
   * @param payloads - 1 or more; not kept
   * @throws TridcommError `E_ENCODING`, `E_LIMIT` for a topic or payload that cannot be, `E_POLICY`, `E_STALE`, `E_EPOCH`, `E_FORK`, and what
   *   the carrier throws: of the first envelope as it is, of a later one as a `PublishError`, which says what went out
   * @spec patterns.1, patterns.2, principals.29, principals.31, principals.32, groups.25
   */
  publish(topic: string, payloads: readonly Uint8Array[], nowMs: number): Published {
    return this.#events.run(() => this.#sealing.publish(topic, payloads, nowMs));
  }

  /**
   * Makes sure that {@link request} and {@link push} would seal for a topic now.
   *
   * @throws TridcommError what they would refuse with
   */
  checkRequest(topic: string, nowMs: number): void {
    this.#events.run(() => void this.#poolAsking.prepare(topic, nowMs));
  }

  /**
   * Seals requests to the pool of a topic and hands them to the carrier. Who asks once more hands the same bytes to the carrier, while they
   * are fresh, or seals the same body with the same key anew.
   *
   * @param requests - 1 or more; not kept
   * @param onReply - called for what is heard of each, besides the event; it may be while the call is on its way
   * @throws TridcommError `E_EXPIRED` for a deadline that is over, `E_LIMIT` for more than 65,536 requests outstanding, and as {@link publish};
   *   none of them is outstanding then
   * @spec patterns.11, patterns.12, patterns.15, patterns.25
   */
  request(topic: string, requests: readonly RequestFields[], nowMs: number, onReply?: ReplyHandler): Requested {
    return this.#events.run(() => this.#poolAsking.request(topic, requests, nowMs, onReply));
  }

  /**
   * Makes sure that {@link deal} would seal for a topic now.
   *
   * @throws TridcommError what it would refuse with
   */
  checkDeal(topic: string, nowMs: number): void {
    this.#events.run(() => this.#poolAsking.checkDeal(topic, nowMs));
  }

  /**
   * Seals messages of a dealer to the pool of a topic and hands them to the carrier, those with other routing data in other envelopes. A router may
   * read the routing data and who sent them, and choose who works; without one, a broker does.
   *
   * @param messages - 1 or more; not kept
   * @param onReply - called for what is heard of each, besides the event: `news` as often as who works has something to say, until the answer came
   * @throws TridcommError `E_LIMIT` for routing data of more than 1,024 bytes, and as {@link request}; none of them is outstanding then
   * @spec patterns.36, patterns.42
   */
  deal(topic: string, messages: readonly DealFields[], nowMs: number, onReply?: ReplyHandler): Requested {
    return this.#events.run(() => this.#poolAsking.deal(topic, messages, nowMs, onReply));
  }

  /** Nothing is heard any more of these requests or messages. */
  cancel(names: readonly RecordName[]): void {
    this.#events.run(() => this.#poolAsking.cancel(names));
  }

  /**
   * Seals jobs for the pool of a topic and hands them to the carrier.
   *
   * @param jobs - 1 or more; not kept
   * @param options - `jobsPerLeaf`: a broker may give each so many to another worker; default all of an envelope to one
   * @throws TridcommError as {@link publish}
   * @spec patterns.11, patterns.12, patterns.15
   */
  push(
    topic: string,
    jobs: readonly JobFields[],
    nowMs: number,
    { jobsPerLeaf }: { readonly jobsPerLeaf?: number } = {},
  ): Requested {
    return this.#events.run(() => this.#poolAsking.push(topic, jobs, nowMs, jobsPerLeaf));
  }

  /**
   * Takes the requests, jobs and messages of a topic, in the pool that has such, now and later. What routers forward to this member comes here too,
   * and counts in no capacity.
   *
   * @param onWork - called for what came, besides the event
   * @param options - `capacity`: units that the broker may give at a time; where two tags of the topic count, as at the turn of a period, of each
   * @throws TridcommError `E_POLICY` where the carrier brings no work; `E_USAGE` for a topic whose work is taken, or routed, already; `E_ENCODING`, `E_LIMIT`
   */
  work(
    topic: string,
    nowMs: number,
    onWork: WorkHandler | undefined,
    { capacity }: { readonly capacity: number },
  ): WorkSubscription {
    return this.#events.run(() => this.#takeWork(topic, nowMs, { kind: 'work', handler: onWork }, capacity));
  }

  /**
   * Takes the messages of dealers on a topic to route them, by a right to `route`, in the pool that has such, now and later. Requests and jobs that
   * come the same way are given back. Who may work in the pool is given nothing to route: `refused` says so, with `E_POLICY`.
   *
   * @param onRouted - called for what came, besides the event
   * @param options - `capacity`: as of {@link work}
   * @throws TridcommError as {@link work}
   * @spec patterns.37, patterns.38, patterns.44
   */
  route(
    topic: string,
    nowMs: number,
    onRouted: RouteHandler | undefined,
    { capacity }: { readonly capacity: number },
  ): WorkSubscription {
    return this.#events.run(() => this.#takeWork(topic, nowMs, { kind: 'route', handler: onRouted }, capacity));
  }

  /**
   * Hands messages on to a member of the crew, byte for byte. Settles nothing: whoever routed them says when the broker may forget them. It may be by
   * another client of the same front than the one that they came by, so from broker to broker.
   *
   * @param delivery - as {@link route} brought it
   * @param workerKeyId32 - who is to work; whether there is such a member, nobody says
   * @throws TridcommError `E_POLICY` without a right to route, and as {@link publish}
   * @spec patterns.39
   */
  forward(
    delivery: Pick<RoutedDelivery, 'groupId16' | 'envelope'>,
    workerKeyId32: Uint8Array,
    nowMs: number,
  ): Published {
    return this.#events.run(() => this.#forwarding.forward(delivery, workerKeyId32, nowMs));
  }

  /**
   * Hears the replies to all dealers in the pool of a topic, to hand them on to another broker, by a right to `route`. A reply says no topic: who hears by
   * two topics of one pool gets each twice. Those that the member is not to forward are refused, as {@link envelope} refuses.
   *
   * @param onHeard - called for each, besides the event
   * @throws TridcommError `E_USAGE` for a topic that is heard by already; `E_ENCODING`, `E_LIMIT`
   * @spec patterns.43
   */
  hearReplies(topic: string, nowMs: number, onHeard?: HeardHandler): HeardSubscription {
    return this.#events.run(() => {
      const subscription = this.#heard.add(topic, onHeard, (atMs) => this.#askBroker(atMs));
      this.#askBroker(nowMs);
      return subscription;
    });
  }

  /**
   * Hands a reply on to the dealer that it is for, byte for byte.
   *
   * @param reply - as {@link hearReplies} brought it, to this client or to another of the same front; what it did not bring is checked here
   * @throws TridcommError `E_POLICY` without a right to route; the refusal of what is no reply to forward; and as {@link publish}
   * @spec patterns.39, patterns.43
   */
  forwardReply(reply: HeardReply, nowMs: number): Published {
    return this.#events.run(() => this.#forwarding.forwardReply(reply, nowMs));
  }

  /**
   * Takes a unit of work, as {@link envelope} does an envelope.
   *
   * @param lease - of the carrier; whoever gets the delivery settles it
   * @returns undefined where nobody does such work here; it was given back then
   * @throws TridcommError the refusal; the lease is still to be settled: see `refusedOutcome`
   * @spec envelope.27, patterns.16, patterns.17, patterns.18, patterns.19, patterns.37, patterns.38
   */
  leased(bytes: Uint8Array, form: WorkForm, lease: Lease, nowMs: number): WorkDelivery | RoutedDelivery | undefined {
    return this.#events.run(() => this.#working.take(bytes, form, lease, nowMs));
  }

  /**
   * Whether a unit of work that was refused with `E_EPOCH` may open later: the block or pool record of its epoch may be on its way.
   *
   * @throws TridcommError for what is no envelope, or no job
   */
  isWorkAhead(bytes: Uint8Array, form: WorkForm, nowMs: number): boolean {
    return this.#events.run(() => this.#working.isAhead(bytes, form, nowMs));
  }

  /** Ends the lease of a unit of work; once more does nothing. */
  settle(lease: Lease, outcome: WorkOutcome): void {
    this.#events.run(() => this.#working.settle(lease, outcome));
  }

  /**
   * Seals replies to requests or messages that came, and hands them to the carrier. What came again is answered anew, with the same content. To a
   * message of a dealer there may be `news` as often as one likes before the last reply.
   *
   * @param delivery - of requests or messages
   * @param replies - 1 or more
   * @throws TridcommError `E_STALE`, `E_EPOCH`, `E_POLICY`, `E_LIMIT`, `E_USAGE` for what is no such delivery, and as {@link publish}
   * @spec patterns.21, patterns.42
   */
  reply(delivery: WorkDelivery, replies: readonly WorkReply[], nowMs: number): Published {
    return this.#events.run(() => this.#working.reply(delivery, replies, nowMs));
  }

  /** A broker said no to the work of a tag after it was asked, or ended it: as {@link subscriptionRefused}. */
  workRefused(match: TopicMatch, error: TridcommError, nowMs: number): void {
    this.#events.run(() => {
      if (this.#workRoutes?.routing.refused(match) !== true) return;
      this.#events.refused('subscription', error);
      this.#askBroker(nowMs);
    });
  }

  /**
   * Makes sure that {@link ask} would seal for a topic now.
   *
   * @throws TridcommError what it would refuse with
   */
  checkAsk(topic: string, nowMs: number): void {
    this.#events.run(() => void this.#surveying.prepare(topic, nowMs));
  }

  /**
   * Asks everybody who may answer on a topic: each replies once, up to a deadline and a number.
   *
   * @param body - not kept
   * @param handlers - called for each reply, and at the end, besides the events
   * @throws TridcommError `E_EXPIRED`, `E_LIMIT` for a deadline that is over or more than an hour off, `E_LIMIT` for too many surveys or replies,
   *   and as {@link publish}
   * @spec patterns.27, patterns.33
   */
  ask(topic: string, body: Uint8Array, fields: SurveyFields, nowMs: number, handlers: SurveyHandlers = {}): Asked {
    return this.#events.run(() => this.#surveying.ask(topic, body, fields, nowMs, handlers));
  }

  /**
   * Replies to a question, once.
   *
   * @param delivery - of a question, as it was delivered with the verdict `new`
   * @throws TridcommError `E_EXPIRED` after its deadline, `E_USAGE` for what is no such delivery, or was answered, and as {@link publish}
   * @spec patterns.27, patterns.29
   */
  answer(delivery: Delivery, body: Uint8Array, nowMs: number): Published {
    return this.#events.run(() => this.#surveying.answer(delivery, body, nowMs));
  }

  /**
   * Subscribes to the topics that a pattern matches, in all groups that have such, now and later.
   *
   * @param pattern - literal segments, `*`, and `**` at the end
   * @param onDelivery - called for what matches, besides the event; not for what other subscriptions match
   * @param options - `source`: what comes as news, the default, or what the broker has in its log. Each gets only what comes its way, and as an
   *   envelope is accepted once, who wants the same topics both ways needs a member for each
   * @returns to be closed; that does nothing once the client was stopped
   * @throws TridcommError `E_ENCODING`, `E_LIMIT`
   * @spec topics.7, topics.12, replay.29
   */
  subscribe(
    pattern: string,
    nowMs: number,
    onDelivery?: (delivery: Delivery) => void,
    { source = 'live' }: { readonly source?: EnvelopeSource } = {},
  ): Subscription {
    return this.#events.run(() => {
      const subscription = this.#subscriptions[source].add(pattern, onDelivery, (closeMs) => this.#askBroker(closeMs));
      this.#askBroker(nowMs);
      return subscription;
    });
  }

  /**
   * A broker said no to a subscription after it was asked, or ended one: tells so, and asks again under the next version of the policy,
   * and once with the next head. Nothing comes of it for a match that is not asked for any more.
   *
   * @param match - as the carrier was asked for it
   * @param error - what the broker said
   * @param source - as the carrier was asked for it
   */
  subscriptionRefused(match: TopicMatch, error: TridcommError, nowMs: number, source: EnvelopeSource = 'live'): void {
    this.#events.run(() => {
      const { routing } = this.#subscriptions[source];
      const own = source === 'live' ? [this.#answers, this.#inboxes, this.#heard] : [];
      if (!routing.refused(match) && !own.some((one) => one.routing.refused(match))) return;
      this.#events.refused('subscription', error);
      this.#askBroker(nowMs);
    });
  }

  /**
   * Lets time pass: closes epochs, goes over to the tags of a new period, asks again for what is lacking, renews prekeys, and says what
   * went stale. About once a second.
   */
  tick(nowMs: number): void {
    this.#events.run(() => {
      let isClosed = false;
      for (const group of this.#plane.groups.values()) {
        if (!group.closeEpochs(nowMs)) continue;
        isClosed = true;
        for (const routing of this.#routings) routing.changed(group);
      }
      if (isClosed) {
        this.#plane.pools.eraseClosed();
        this.#sealers.eraseClosed();
      }
      this.#holdings.leafBudget.dropStale(nowMs - this.#holdings.skewMs);
      this.#poolAsking.tick(nowMs);
      this.#heldForwards.tick(nowMs);
      this.#forwarding.tick();
      this.#surveying.tick(nowMs);
      this.#renewal.tick(nowMs);
      for (const group of this.#plane.groups.values()) this.#freshness.note(group, nowMs);
      this.#ask(nowMs);
      this.#fetchMissing(nowMs);
    });
  }

  #groupChanged(group: Group): void {
    this.#rules.update(group);
    for (const routing of this.#routings) routing.changed(group);
  }

  #viewChanged(group: Group, nowMs: number): void {
    this.#asking.watchView(group);
    // There may be the first router now, or none any more.
    this.#inboxes.routing.changed(group);
    for (const routing of this.#routings) routing.viewChanged(group);
    this.#freshness.note(group, nowMs);
  }

  /** Asks the carrier for what is new to ask for. */
  #ask(nowMs: number): void {
    if (!this.#isStarted) return;
    this.#asking.flush();
    this.#askBroker(nowMs);
  }

  #askBroker(nowMs: number): void {
    if (!this.#isStarted) return;
    for (const routing of this.#routings) routing.askBroker(nowMs);
  }

  #takeWork(topic: string, nowMs: number, taker: WorkTaker, capacity: number): WorkSubscription {
    const routes = this.#workRoutes;
    if (routes === undefined) throw new TridcommError('E_POLICY', 'carrier that brings no work');
    const changed = (atMs: number): void => {
      this.#inboxes.routing.allChanged();
      this.#askBroker(atMs);
    };
    const subscription = routes.add(topic, taker, capacity, changed);
    changed(nowMs);
    return subscription;
  }

  /** An envelope that no subscription is for: a reply to a request, message or survey, what was forwarded, or a reply that a router hears. */
  #takeOwn(view: EnvelopeView, bytes: Uint8Array, nowMs: number): void {
    const asked = this.#answers.groupOf(view, nowMs);
    if (asked?.isFront === false) {
      this.#surveying.take(asked, view, nowMs);
      return;
    }
    // What answers nothing of ours may answer what the same principal asked by another client, on another broker.
    if (asked !== undefined && this.#poolAsking.take(asked, view, nowMs)) return;
    const front = this.#inboxes.groupOf(view, nowMs);
    if (front !== undefined) {
      this.#working.takeForward(front, view, nowMs);
      return;
    }
    const heard = this.#heard.find(view, nowMs);
    if (heard !== undefined) this.#forwarding.heard(heard, bytes, view, nowMs);
  }

  /** Where an envelope leads that {@link #takeOwn} takes. */
  #placeOf(view: EnvelopeView, nowMs: number): UnroutedPlace | undefined {
    const group = this.#answers.groupOf(view, nowMs) ?? this.#inboxes.groupOf(view, nowMs);
    // The epoch of an answer is that of what it answers, whatever comes.
    if (group !== undefined) return { group, newestEpoch: isForward(view) ? group.newestEpoch : Infinity };
    const heard = this.#heard.find(view, nowMs);
    return heard && { group: heard.front, newestEpoch: this.#plane.pools.newestEpoch(heard.front) };
  }

  #fetchMissing(nowMs: number): void {
    if (this.#isStarted) this.#asking.fetchMissing(nowMs);
  }
}
