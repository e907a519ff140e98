import type { ErrorCode } from '../codepoints/errors.gen.ts';
import type { PrincipalRecord } from '../keys/principal-record.ts';
import type { RecordName, Work } from '../patterns/work.ts';
import type { Lease } from './carrier.ts';

/** Requests, jobs or messages of a dealer that came for this member to do, after every check: those of one envelope, or of a leaf that travelled alone. */
export interface WorkDelivery {
  readonly kind: 'request' | 'job' | 'message';
  readonly topic: string;
  /** Who signed it, as the authority names them. */
  readonly sender: PrincipalRecord;
  /**
   * In their order; payloads are views of one plaintext that belongs to the receiver. Those that are late go to no handler: a request is
   * answered as refused, with `E_EXPIRED`. Empty where the verdict is `again`.
   *
   * @spec patterns.20
   */
  readonly works: readonly Work[];
  /**
   * `redelivered`: an earlier life of this member may have done it. `again`: the number was seen, and nothing was opened; the signature is the sender's. Who knows from the id what became of it may say so once
   * more; nobody else does anything but to give it back.
   *
   * @spec replay.7, replay.35
   */
  readonly verdict: 'new' | 'redelivered' | 'again';
  /** When it was sealed, by the sender's clock. */
  readonly timestampMs: number;
  /** Identity of the envelope. */
  readonly id32: Uint8Array;
  /** Of what travelled alone: which leaf. */
  readonly leaf: number | undefined;
  /** To be settled, once: see `Client.settle`. With what a router forwarded nothing comes of it. */
  readonly lease: Lease;
  /** The view of the front was not fresh, and the front takes that. */
  readonly stale: boolean;
  /** The front. */
  readonly groupId16: Uint8Array;
  /** Of the crew. */
  readonly epoch: number;
}

/** The answer to one request or message of a {@link WorkDelivery}: its leaf and index, and what became of it. */
export type WorkReply = Pick<RecordName, 'leaf' | 'index'> &
  (
    | { readonly status: 'final'; readonly body: Uint8Array }
    | { readonly status: 'in progress' }
    /** To a message of a dealer alone: what there is to say before the last. */
    | { readonly status: 'news'; readonly body: Uint8Array }
    | { readonly status: 'refused'; readonly code: ErrorCode }
  );

/** Who does the work of a topic. */
export type WorkHandler = (delivery: WorkDelivery) => void;
