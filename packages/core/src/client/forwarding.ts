import { actions } from '../codepoints/actions.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import { routingEpochOf } from '../envelope/routing.ts';
import { TridcommError } from '../errors.ts';
import { forwardInput, type Forwarded } from '../patterns/forwards.ts';
import { checkReplyToForward } from '../patterns/reply-check.ts';
import { Router, type Routed } from '../patterns/router.ts';
import { parseEnvelope, type EnvelopeView } from '../wire/envelope.ts';
import type { Carrier, Lease } from './carrier.ts';
import { findAsker } from './crew-of.ts';
import type { EventSink } from './event-sink.ts';
import { openEpochOf } from './forwards-in.ts';
import type { Group } from './group.ts';
import type { HeardRoute } from './heard-replies.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import { storeAhead, verifySealed } from './open-steps.ts';
import type { Pools } from './pools.ts';
import { respondersOf } from './responders.ts';
import type { HeardReply, RoutedDelivery, RouteHandler } from './route-delivery.ts';
import { RouteStates } from './route-states.ts';
import { checkMayRoute, inboxTagToSeal, viewToSeal } from './seal-view.ts';
import type { Sealers } from './sealers.ts';
import type { Published } from './sealing.ts';
import type { SendingParts } from './sending-parts.ts';
import type { View } from './view.ts';

/** A message that came to be routed. */
interface RouteArrival {
  readonly front: Group;
  readonly topic: string;
  readonly handler: RouteHandler | undefined;
  /** The whole of it, as it came. */
  readonly envelope: Uint8Array;
  readonly lease: Lease;
  readonly nowMs: number;
}

/** Where a forward goes. */
interface Destination {
  readonly view: View;
  readonly carries: Forwarded;
  readonly tag16: Uint8Array;
  readonly chain: Uint8Array;
}

/** The routing side of a member: reads routing data, and hands messages and replies on as they are. */
export class Forwarding {
  readonly #holdings: Holdings;
  readonly #carrier: Carrier;
  readonly #events: EventSink;
  readonly #sealers: Sealers;
  readonly #pools: Pools;
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #states: RouteStates;
  readonly #routers = new WeakMap<Group, Router>();

  constructor(parts: SendingParts, pools: Pools, groups: ReadonlyMap<string, Group>) {
    this.#holdings = parts.holdings;
    this.#carrier = parts.carrier;
    this.#events = parts.events;
    this.#sealers = parts.sealers;
    this.#pools = pools;
    this.#states = new RouteStates(parts.holdings, pools);
    this.#groups = groups;
  }

  /**
   * Takes a message to route.
   *
   * @throws TridcommError the refusal; the lease is the caller's to settle
   * @spec patterns.37, patterns.38, replay.35
   */
  take(arrival: RouteArrival): RoutedDelivery {
    const { front, envelope, nowMs } = arrival;
    const view = parseEnvelope(envelope);
    const router = this.#routerOf(front);
    let pending: ReturnType<Router['begin']>;
    try {
      pending = router.begin(view, nowMs)!;
    } catch (error) {
      const again = error instanceof TridcommError && error.code === 'E_REPLAY' && router.again(view, nowMs);
      if (again === false || again === undefined) throw error;
      return this.#deliver(arrival, view, again, 'again');
    }
    pending.verified(verifySealed(this.#holdings, front, pending, view, nowMs));
    const state = this.#states.of(front, view.header.epoch);
    storeAhead(pending, state, view);
    const routed = pending.commit();
    return this.#deliver(arrival, view, routed, state.guard.mayBeAgain(view.header.bytes) ? 'redelivered' : 'new');
  }

  /** Whether the block or pool record that a message needs may be on its way. */
  isAhead(front: Group, view: EnvelopeView): boolean {
    const { epoch } = view.header;
    if (epoch > this.#pools.newestEpoch(front)) return true;
    return view.extensions.value(numbers.routing) !== undefined && epochOf(view) > front.newestEpoch;
  }

  /**
   * Hands a message on to a member of the crew.
   *
   * @throws TridcommError the refusal
   * @spec patterns.39, principals.29, principals.31
   */
  forward(
    { groupId16, envelope }: Pick<RoutedDelivery, 'groupId16' | 'envelope'>,
    workerKeyId32: Uint8Array,
    nowMs: number,
  ): Published {
    const front = this.#frontOf(groupId16);
    const view = viewToSeal(this.#holdings, front, nowMs);
    const { tag16, chain } = inboxTagToSeal(this.#holdings, front, view, workerKeyId32, nowMs);
    return this.#send(front, { view, carries: 'message', tag16, chain }, envelope, nowMs);
  }

  /**
   * Hands a reply on to the dealer whose answer tag it has.
   *
   * @throws TridcommError the refusal
   * @spec patterns.39, patterns.43, principals.29, principals.31
   */
  forwardReply(reply: HeardReply, nowMs: number): Published {
    const { groupId16, envelope } = reply;
    const front = this.#frontOf(groupId16);
    const heard = parseEnvelope(envelope);
    this.#checkReply(front, heard, nowMs, verifiedReplies.has(reply));
    const tag16 = heard.header.topicTag;
    const chain = heard.extensions.value(numbers.topicChain)!;
    const view = viewToSeal(this.#holdings, front, nowMs);
    checkMayRoute(this.#holdings, view, { tag16, chain }, nowMs);
    return this.#send(front, { view, carries: 'reply', tag16, chain }, envelope, nowMs);
  }

  /** Lets time pass. */
  tick(): void {
    this.#states.tick();
  }

  /** Gives back what it holds. */
  stop(): void {
    this.#states.stop();
  }

  /**
   * A reply was heard that is for somebody else.
   *
   * @throws TridcommError the refusal
   * @spec patterns.43
   */
  heard({ front, handlers }: HeardRoute, envelope: Uint8Array, view: EnvelopeView, nowMs: number): void {
    this.#checkReply(front, view, nowMs, false);
    const reply: HeardReply = { groupId16: front.groupId16, envelope };
    verifiedReplies.add(reply);
    this.#events.emit({ type: 'heard', reply });
    for (const handler of handlers) this.#events.handle(handler, reply);
  }

  #checkReply(front: Group, view: EnvelopeView, nowMs: number, isVerified: boolean): void {
    const checker = {
      provider: this.#holdings.provider,
      pool: (epoch: number) => {
        const record = this.#pools.record(front, epoch);
        return record && { suite: record.suite, poolHash32: record.object.hash32 };
      },
      ...respondersOf(front),
    };
    checkReplyToForward(checker, view, nowMs, (signed) => {
      return isVerified || verifySealed(this.#holdings, front, signed, view, nowMs);
    });
  }

  #send(front: Group, { view, carries, tag16, chain }: Destination, envelope: Uint8Array, nowMs: number): Published {
    const epoch = front.sealingEpoch(nowMs);
    const sealer = this.#sealers.of(front.id, epoch, tag16, patternKinds.routerDealer.forward);
    const { headSeq } = view.head;
    const unsigned = sealer.seal(forwardInput([envelope], carries, { headSeq, chain, timestampMs: nowMs }));
    const forward = unsigned.finish(this.#holdings.identity.key.sign(unsigned.signInput));
    this.#carrier.publish(forward);
    return { groupId16: front.groupId16, epoch: epoch.number, headSeq, envelopes: [forward] };
  }

  #deliver(
    { front, topic, handler, envelope, lease, nowMs }: RouteArrival,
    { header }: EnvelopeView,
    { id32, routing }: Routed,
    verdict: RoutedDelivery['verdict'],
  ): RoutedDelivery {
    const delivery: RoutedDelivery = {
      topic,
      sender: this.#holdings.trust.principalBySenderId(header.senderId)!,
      routing,
      envelope,
      verdict,
      timestampMs: header.timestampMs,
      id32,
      lease,
      stale: !front.isFresh(nowMs),
      groupId16: front.groupId16,
      epoch: header.epoch,
    };
    this.#events.emit({ type: 'routed', delivery });
    this.#events.handle(handler, delivery);
    return delivery;
  }

  #frontOf(groupId16: Uint8Array): Group {
    const front = this.#groups.get(hexOf(groupId16));
    if (front?.isFront !== true) throw new TridcommError('E_POLICY', 'no front of our own');
    return front;
  }

  /** @spec patterns.17, patterns.37, groups.26 */
  #routerOf(front: Group): Router {
    const held = this.#routers.get(front);
    if (held !== undefined) return held;
    const { provider, skewMs } = this.#holdings;
    const router = new Router({
      provider,
      skewMs,
      // Who asks has found the front by the tag.
      isOfFront: () => true,
      pool: (number) => {
        const record = this.#pools.record(front, number);
        if (record === undefined) return undefined;
        return { ...record, poolHash32: record.object.hash32, replay: this.#states.of(front, number).replay };
      },
      checkView: (nowMs) => void front.viewToOpen(nowMs),
      epoch: (number, view, nowMs) => {
        const { suite, sourceSecret32, groupContext32 } = openEpochOf(front, number, view, nowMs).keySource;
        return { suite, epochSecret32: sourceSecret32, groupContext32 };
      },
      findSender: (senderId16, nowMs) => findAsker(front, senderId16, nowMs),
      mayPublish: ({ keyId32 }, { timestampMs, topicTag }, extensions) => {
        const chain = extensions.value(numbers.topicChain);
        return front.view?.writers.allowsEnvelope(keyId32, actions.publish, timestampMs, topicTag, chain) === true;
      },
    });
    this.#routers.set(front, router);
    return router;
  }
}

/** Whose signature was good when they were heard: it is where they are handed on, by whichever client, while rights and times may have changed. */
const verifiedReplies = new WeakSet<HeardReply>();

/** The epoch of the front that a message names. */
function epochOf({ extensions }: EnvelopeView): number {
  return routingEpochOf(extensions.value(numbers.routing)!);
}
