import { TridcommError } from '@tridcomm/core';

/** How far a message has to get before its publication is acknowledged. */
export type Durability = 'none' | 'memory' | 'disk';

/** What became of messages that were published. */
export interface Receipt {
  readonly topic: string;
  readonly durability: Durability;
  /** Of the envelope with the first of the messages: 32 hex digits, the same that receivers see. */
  readonly id: string;
  /** Of all envelopes that the messages went into, in order. */
  readonly ids: readonly string[];
}

/**
 * The broker did not answer for messages while receivers would take them: it may have them, or not.
 *
 * Publishing them once more may deliver them twice; `ids` tells which envelopes they went into.
 */
export class UnacknowledgedError extends TridcommError {
  readonly ids: readonly string[];

  constructor(ids: readonly string[], why: string) {
    super('E_TRANSPORT', `not known whether the broker took the messages: ${why}`);
    this.ids = ids;
  }
}
