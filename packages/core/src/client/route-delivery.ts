import type { PrincipalRecord } from '../keys/principal-record.ts';
import type { Lease } from './carrier.ts';

/** What a router knows of an envelope of messages; what is in them it cannot read. */
export interface RoutedDelivery {
  readonly topic: string;
  /** The dealer, who signed it, as the authority names it. */
  readonly sender: PrincipalRecord;
  /** The routing data; the receiver's. */
  readonly routing: Uint8Array;
  /** As it came, to be handed on byte for byte; not to be changed. */
  readonly envelope: Uint8Array;
  /**
   * `redelivered`: an earlier life of this router may have seen it. `again`: this one has, and may hand it on once more.
   *
   * @spec patterns.37, replay.35
   */
  readonly verdict: 'new' | 'redelivered' | 'again';
  /** When it was sealed, by the dealer's clock. */
  readonly timestampMs: number;
  /** Identity of the envelope. */
  readonly id32: Uint8Array;
  /** To be settled, once: see `Client.settle`. To forward settles nothing. */
  readonly lease: Lease;
  /** The view of the front was not fresh, and the front takes that. */
  readonly stale: boolean;
  /** The front. */
  readonly groupId16: Uint8Array;
  /** Of the crew. */
  readonly epoch: number;
}

/** A reply to some dealer that a router heard, signed by who may respond: to whom its tag says, and to nobody else. @spec patterns.43 */
export interface HeardReply {
  /** The front. */
  readonly groupId16: Uint8Array;
  /** As it came, to be handed on byte for byte; not to be changed. */
  readonly envelope: Uint8Array;
}

/** Who chooses who works. */
export type RouteHandler = (delivery: RoutedDelivery) => void;

/** Who hands replies on. */
export type HeardHandler = (reply: HeardReply) => void;
