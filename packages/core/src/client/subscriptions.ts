import type { EnvelopeSource } from '../replay/guard.ts';
import { matchesTopic, parsePattern, type Topic, type TopicPattern } from '../topics/grammar.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Delivery } from './events.ts';
import type { Group } from './group.ts';
import type { GuardedCarrier } from './guarded-carrier.ts';
import type { Holdings } from './holdings.ts';
import { subscribedLeads, type Route } from './routes.ts';
import { Routing } from './routing.ts';

/** What a member wants to hear of, until it is closed. */
export interface Subscription {
  readonly pattern: TopicPattern;
  close(nowMs: number): void;
}

/** A handler of a subscription, where it has one. */
export type Handler = ((delivery: Delivery) => void) | undefined;

/**
 * What the application wants to hear of by one way, the tags that lead there, and the subscriptions at the broker that follow from both.
 *
 * A member has one for what comes as news and one for what it reads out of a log, and nothing that came one way finds a handler of the
 * other: a broker that calls old envelopes stored would else bring them to who asked for news.
 */
export class Subscriptions {
  readonly routing: Routing;
  readonly #handlers = new Map<Subscription, Handler>();
  #patterns: readonly TopicPattern[] = [];

  constructor(source: EnvelopeSource, holdings: Holdings, carrier: GuardedCarrier, groups: ReadonlyMap<string, Group>) {
    this.routing = new Routing({
      times: holdings,
      groups,
      leadsOf: (group) => subscribedLeads(holdings.provider, group, this.#patterns),
      question: carrier.subscribing(source),
    });
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
    return this.routing.find(view, nowMs);
  }

  /** Forgets everything. */
  stop(): void {
    this.#handlers.clear();
    this.routing.stop();
  }

  #usePatterns(): void {
    this.#patterns = Array.from(this.#handlers.keys(), ({ pattern }) => pattern);
    this.routing.allChanged();
  }
}
