import type { TopicMatch } from '../keys/access-list.ts';
import type { EnvelopeSource } from '../replay/guard.ts';
import { matchesTopic, parsePattern, type Topic, type TopicPattern } from '../topics/grammar.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Delivery } from './events.ts';
import type { Group } from './group.ts';
import type { GuardedCarrier } from './guarded-carrier.ts';
import type { Holdings } from './holdings.ts';
import { matchName, RouteTable, type Route } from './routes.ts';

/** What a member wants to hear of, until it is closed. */
export interface Subscription {
  readonly pattern: TopicPattern;
  close(nowMs: number): void;
}

/** A handler of a subscription, where it has one. */
export type Handler = ((delivery: Delivery) => void) | undefined;

/** What the broker was asked to match for a group, and what came of it, under a version of the policy and a head. */
interface AtBroker {
  readonly match: TopicMatch;
  readonly policyVersion: number;
  readonly headSeq: number;
  readonly isTaken: boolean;
  /** It was refused under an earlier head of the same policy: then it is asked for no more. */
  readonly isRepeated: boolean;
}

/**
 * What the application wants to hear of by one way, the tags that lead there, and the subscriptions at the broker that follow from both.
 *
 * A member has one for what comes as news and one for what it reads out of a log, and nothing that came one way finds a handler of the
 * other: a broker that calls old envelopes stored would else bring them to who asked for news.
 */
export class Subscriptions {
  readonly #source: EnvelopeSource;
  readonly #carrier: GuardedCarrier;
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #handlers = new Map<Subscription, Handler>();
  readonly #table: RouteTable;
  #patterns: readonly TopicPattern[] = [];
  /** Groups whose routes are not in the table as they are. */
  readonly #unrouted = new Set<Group>();
  /** Groups for which the broker may have to be asked for something else. */
  readonly #unasked = new Set<Group>();
  readonly #atBroker = new Map<Group, Map<string, AtBroker>>();

  constructor(
    source: EnvelopeSource,
    { provider, maxAgeMs, skewMs }: Holdings,
    carrier: GuardedCarrier,
    groups: ReadonlyMap<string, Group>,
  ) {
    this.#source = source;
    this.#carrier = carrier;
    this.#groups = groups;
    this.#table = new RouteTable(provider, { maxAgeMs, skewMs });
  }

  /** @param onClose - called when the application closes it */
  add(pattern: string, handler: Handler, onClose: (nowMs: number) => void): Subscription {
    const subscription: Subscription = {
      pattern: parsePattern(pattern),
      close: (nowMs) => {
        if (!this.#handlers.delete(subscription)) return;
        this.#usePatterns();
        onClose(nowMs);
      },
    };
    this.#handlers.set(subscription, handler);
    this.#usePatterns();
    return subscription;
  }

  /** Handlers of the subscriptions that match a topic; undefined where none does. */
  handlersOf(topic: Topic): Handler[] | undefined {
    let handlers: Handler[] | undefined;
    for (const [{ pattern }, handler] of this.#handlers)
      if (matchesTopic(pattern, topic)) (handlers ??= []).push(handler);
    return handlers;
  }

  /** Step 7. */
  routeOf(view: EnvelopeView, nowMs: number): Route | undefined {
    this.#route(nowMs);
    return this.#table.find(view);
  }

  /** A group has other rules, other secrets, or a newer policy. */
  changed(group: Group): void {
    this.#unrouted.add(group);
  }

  /** A group has a newer view. */
  viewChanged(group: Group): void {
    this.#unasked.add(group);
  }

  /** The broker knows of nothing any more. */
  renew(): void {
    this.#atBroker.clear();
    for (const group of this.#groups.values()) this.#unasked.add(group);
  }

  /**
   * Makes the broker's subscriptions those of the routes. What it refused is asked for again under the next policy, and once with the next
   * head: a broker may know less than the member until its authority has come back to it. What it failed to answer is asked for at the next call.
   */
  askBroker(nowMs: number): void {
    this.#route(nowMs);
    for (const group of this.#unasked) {
      if (!this.#askFor(group)) return;
      this.#unasked.delete(group);
    }
  }

  /**
   * The broker refused what it was asked for, or ended it.
   *
   * @returns whether that was still wanted
   */
  refused(match: TopicMatch): boolean {
    const name = matchName(match);
    for (const [group, held] of this.#atBroker) {
      const asked = held.get(name);
      if (asked === undefined) continue;
      held.set(name, { ...asked, isTaken: false });
      // A policy may have come since.
      this.#unasked.add(group);
      return true;
    }
    return false;
  }

  /** Forgets everything. */
  stop(): void {
    this.#handlers.clear();
    this.#table.clear();
    this.#unrouted.clear();
    this.#unasked.clear();
    this.#atBroker.clear();
  }

  #usePatterns(): void {
    this.#patterns = Array.from(this.#handlers.keys(), ({ pattern }) => pattern);
    this.#routeAnew();
  }

  #routeAnew(): void {
    this.#table.clear();
    for (const group of this.#groups.values()) this.#unrouted.add(group);
  }

  #route(nowMs: number): void {
    if (!this.#table.holdsAt(nowMs)) this.#routeAnew();
    for (const group of this.#unrouted) {
      this.#table.update(group, this.#patterns, nowMs);
      this.#unasked.add(group);
    }
    this.#unrouted.clear();
  }

  /** @returns false where the carrier failed */
  #askFor(group: Group): boolean {
    const wanted = this.#table.matchesOf(group);
    const held = this.#atBroker.get(group) ?? new Map<string, AtBroker>();
    for (const [name, { match, isTaken }] of held) {
      if (wanted.has(name)) continue;
      if (isTaken && !this.#carrier.unsubscribe(match, this.#source)) return false;
      held.delete(name);
    }
    // A newer policy may have ended what an older one allowed.
    const policyVersion = group.view?.policy.version ?? 0;
    const headSeq = group.view?.head.headSeq ?? 0;
    for (const [name, match] of wanted) {
      const last = held.get(name);
      const isSame = last?.policyVersion === policyVersion;
      if (isSame && (last.isTaken || last.isRepeated || last.headSeq === headSeq)) continue;
      this.#atBroker.set(group, held);
      const asked = this.#carrier.subscribe(match, this.#source);
      if (asked === 'failed') return false;
      held.set(name, { match, policyVersion, headSeq, isTaken: asked === 'taken', isRepeated: isSame });
    }
    if (held.size === 0) this.#atBroker.delete(group);
    return true;
  }
}
