import type { NumberRange, TridcommError } from '@tridcomm/core';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Sender } from './message.ts';

/** What happens to a client besides answers to its calls. */
export type ClientStatus =
  /** A link is being opened, for the first time or again. */
  | { readonly type: 'connecting'; readonly attempt: number }
  | { readonly type: 'open'; readonly brokerName: string }
  /**
   * There is no link now; the next attempt comes after a while. `error` is undefined where the broker ended it in order. `E_REFUSED` from a link
   * that was open, and `E_HANDSHAKE` from then on, is what an identity sees that was revoked: a broker does not say so.
   */
  | { readonly type: 'disconnected'; readonly error: TridcommError | undefined; readonly retryInMs: number }
  /** The client is over, by `close()`. */
  | { readonly type: 'closed' }
  /** The clocks of broker and client differ by this, as far as can be told; the broker's is ahead for a positive number. */
  | { readonly type: 'clock'; readonly skewMs: number }
  /** Numbers of a sender's stream are missing, or have come after all. */
  | { readonly type: 'gap' | 'filled'; readonly topic: string; readonly sender: Sender; readonly range: NumberRange }
  /** Something that arrived was refused, or the broker refused a subscription, or an answer or a forward did not go out. */
  | {
      readonly type: 'refused';
      readonly what: 'answer' | 'forward' | 'object' | 'envelope' | 'view' | 'subscription' | 'keyRecord' | 'watch';
      readonly error: TridcommError;
      readonly groupId16: Uint8Array | undefined;
    }
  /** A message that the schema of its subscription does not allow: it was not delivered. */
  | {
      readonly type: 'invalid';
      readonly topic: string;
      readonly sender: Sender;
      readonly issues: readonly StandardSchemaV1.Issue[];
    }
  /** The client acts by a newer statement of the authority about a group. */
  | { readonly type: 'view'; readonly groupId16: Uint8Array; readonly headSeq: number; readonly epoch: number }
  /** What the client knows of a group is too old to publish by, or is not any more. */
  | { readonly type: 'stale' | 'fresh'; readonly groupId16: Uint8Array }
  /** Somebody has a key of the authority twice. Look into it before trusting anything of it. */
  | { readonly type: 'fork'; readonly groupId16: Uint8Array | undefined; readonly error: TridcommError }
  /** A new key record: the authority has to get it. Told where nothing was given that hands it in, or that failed. */
  | { readonly type: 'keyRecord'; readonly bytes: Uint8Array; readonly error: unknown }
  /** The record of this identity ends then, and was not renewed: nobody was given who renews it, or that failed. */
  | { readonly type: 'recordEnds'; readonly atMs: number; readonly error: unknown }
  /** A store that failed, or a handler of the application that threw. */
  | { readonly type: 'failed'; readonly what: 'store' | 'handler'; readonly error: unknown };

/** The `status` event of a client. */
export class StatusEvent extends Event {
  readonly status: ClientStatus;

  constructor(status: ClientStatus) {
    super('status');
    this.status = status;
  }
}
