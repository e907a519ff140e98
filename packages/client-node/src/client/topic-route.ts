import { TridcommError, type RoutedDelivery, type WorkSubscription } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import type { PatternParts } from './pattern-parts.ts';
import { checkKeyId, type Forwarder, type RouteContext, type RouteHandler } from './route-options.ts';

/** What the routing of a topic is made of. */
export interface TopicRouteParts {
  readonly topic: string;
  readonly handler: RouteHandler;
  readonly capacity: number;
  /** The client that routes. */
  readonly own: Forwarder;
  /** It takes nothing any more. */
  readonly onClose: () => void;
}

/**
 * The messages of dealers on a topic that a client routes, until it is closed: the broker leases them, and they are settled as done once it has
 * acknowledged a forward, as nobody takes a forward back.
 *
 * @spec patterns.37, patterns.38, patterns.39, delivery.23
 */
export class TopicRoute implements AsyncDisposable {
  readonly topic: string;
  readonly #parts: PatternParts & TopicRouteParts;
  readonly #subscription: WorkSubscription;
  readonly #running = new Set<AbortController>();
  #isClosing = false;
  #closed: Promise<void> | undefined;
  readonly #onRest: (() => void)[] = [];
  #isOver = false;

  /** @internal */
  constructor(parts: PatternParts & TopicRouteParts) {
    this.topic = parts.topic;
    this.#parts = parts;
    const take = (delivery: RoutedDelivery) => void this.#take(delivery);
    this.#subscription = parts.client().route(parts.topic, Date.now(), take, { capacity: parts.capacity });
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Takes nothing any more. Resolves when the handlers that run have ended, and the broker has what they forwarded. The topic is free for another
   * `route` or `respond` then.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal Ends at once: nothing is waited for. @param reason - of the signals of handlers that run */
  end(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const controller of this.#running) controller.abort(reason);
    for (const rested of this.#onRest.splice(0)) rested();
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    if (!this.#isOver) this.#subscription.setCapacity(0, Date.now());
    if (this.#running.size > 0 && !this.#isOver) await new Promise<void>((resolve) => this.#onRest.push(resolve));
    if (!this.#isOver) this.#subscription.close(Date.now());
    this.end(new Error('routing that was closed'));
    this.#parts.onClose();
  }

  async #take(delivery: RoutedDelivery): Promise<void> {
    if (this.#isClosing) {
      this.#parts.client().settle(delivery.lease, 'given back');
      return;
    }
    const controller = new AbortController();
    this.#running.add(controller);
    const isForwarded = await this.#route(delivery, controller.signal);
    this.#running.delete(controller);
    if (this.#isOver) return;
    // A lease of a link that is over is settled by that.
    this.#parts.client().settle(delivery.lease, isForwarded ? 'done' : 'given back');
    if (this.#running.size === 0) for (const rested of this.#onRest.splice(0)) rested();
  }

  /** @returns whether a broker has a forward of it, and the handler did not take that back by throwing */
  async #route(delivery: RoutedDelivery, signal: AbortSignal): Promise<boolean> {
    const forwards: Promise<void>[] = [];
    let hasEnded = false;
    // oxlint-disable-next-line typescript/promise-function-async -- a refusal that nobody awaits must not end the process
    const forward = (workerKeyId32: Uint8Array, by: Forwarder = this.#parts.own): Promise<void> => {
      if (hasEnded) throw new TridcommError('E_USAGE', 'forward of what a handler is done with');
      checkKeyId(workerKeyId32);
      const sent = by.forward(delivery, new Uint8Array(workerKeyId32));
      sent.catch(() => undefined);
      forwards.push(sent);
      return sent;
    };
    try {
      await this.#parts.handler(contextOf(delivery, signal, forward));
      hasEnded = true;
    } catch (error) {
      hasEnded = true;
      const results = await Promise.allSettled(forwards);
      const isOfForward = results.some((result) => result.status === 'rejected' && result.reason === error);
      if (!isOfForward) this.#parts.tell({ type: 'failed', what: 'handler', error });
      this.#tellUnsent(results, delivery);
      return false;
    }
    const results = await Promise.allSettled(forwards);
    this.#tellUnsent(results, delivery);
    return results.some(({ status }) => status === 'fulfilled');
  }

  #tellUnsent(results: readonly PromiseSettledResult<void>[], { groupId16 }: RoutedDelivery): void {
    for (const result of results) {
      if (result.status === 'rejected') this.#parts.tellUnsent(result.reason, groupId16, 'forward');
    }
  }
}

function contextOf(
  { topic, sender: record, routing, verdict, timestampMs, id32 }: RoutedDelivery,
  signal: AbortSignal,
  forward: RouteContext['forward'],
): RouteContext {
  return {
    topic,
    sender: { name: record.name, keyId32: record.key.keyId32 },
    routing: new Uint8Array(routing),
    verdict,
    sealedMs: timestampMs,
    id: hexOf(id32.subarray(0, 16)),
    signal,
    forward,
  };
}
