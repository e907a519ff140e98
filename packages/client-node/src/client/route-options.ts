import { TridcommError, type HeardReply, type RoutedDelivery } from '@tridcomm/core';
import type { Sender } from './message.ts';
import { checkObject } from './request-options.ts';
import { checkCount } from './work-options.ts';

/** Who hands messages and replies on by a broker: a client. */
export interface Forwarder {
  /** @internal Resolves when its broker has it. */
  forward(delivery: RoutedDelivery, workerKeyId32: Uint8Array): Promise<void>;
  /** @internal Resolves when its broker has it. */
  forwardReply(reply: HeardReply): Promise<void>;
}

/** What a router knows of the messages of one envelope: what is in them it cannot read. */
export interface RouteContext {
  readonly topic: string;
  /** The dealer, who signed them. */
  readonly sender: Sender;
  /** What the dealer tells routers; it belongs to the handler. */
  readonly routing: Uint8Array;
  /**
   * `again`: this client has had it, and may hand it on once more; a worker that has it does not do it again. `redelivered`: an earlier life may have
   * had it.
   */
  readonly verdict: RoutedDelivery['verdict'];
  /** When it was sealed, by the dealer's clock: ms since 1970. */
  readonly sealedMs: number;
  /** Of the envelope: 32 hex digits, the same that dealer and worker see. */
  readonly id: string;
  /** Aborted when the client ends without waiting for the handler. */
  readonly signal: AbortSignal;
  /**
   * Hands the messages on to a worker, byte for byte. Whether there is such a worker nobody says: the dealer asks again until its deadline.
   *
   * @param workerKeyId32 - 32 bytes
   * @param by - another client that may route in the same front, at another broker; default the one that routes
   * @returns resolves when the broker has it
   * @throws TridcommError `E_USAGE` when the handler has ended, and for no key id; as `publish`, also where the handler does not await it: then a
   *   `status` event tells
   */
  readonly forward: (workerKeyId32: Uint8Array, by?: Forwarder) => Promise<void>;
}

/**
 * Chooses who works. When it ends, and a broker has acknowledged one forward at least, the messages are done with here; where it throws, or none
 * was acknowledged, they go back to the broker, which gives them to another router, or to a worker of its choice, up to 16 times in all.
 */
export type RouteHandler = (messages: RouteContext) => void | Promise<void>;

/** How messages of dealers are routed. */
export interface RouteOptions {
  /** Envelopes that the broker gives at a time, and so handlers that run; default 16. One that a handler holds longer than 30 s goes to another, too. */
  readonly capacity?: number;
}

/** @throws TridcommError `E_USAGE` for callers without types */
export function checkRoute(options: RouteOptions): number {
  checkObject('options', options);
  return checkCount('capacity', options.capacity);
}

/** For callers without types. @throws TridcommError `E_USAGE` */
export function checkKeyId(keyId32: unknown): asserts keyId32 is Uint8Array {
  if (keyId32 instanceof Uint8Array && keyId32.length === 32) return;
  throw new TridcommError('E_USAGE', 'key id of a worker: 32 bytes are taken');
}
