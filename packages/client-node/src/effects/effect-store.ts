import { TridcommError } from '@tridcomm/core';

/** What names an effect: nobody but the requester chooses the rest, so nobody touches the keys of another. */
export interface EffectKey {
  /** Of the principal whose key verified the request or job; 32 bytes. */
  readonly requesterKeyId32: Uint8Array;
  /** The front; 16 bytes. */
  readonly frontId16: Uint8Array;
  /** The idempotency key of the record; 16 bytes. */
  readonly key16: Uint8Array;
}

/** A request or job that is about to be done. Nothing of it is kept by reference. */
export interface EffectWork extends EffectKey {
  /** From `workHash32`: tells what is asked. 32 bytes. */
  readonly bodyHash32: Uint8Array;
  /** Timestamp of the envelope, in ms. */
  readonly sealedMs: number;
  /** Of the record, in ms; 0 is none. */
  readonly deadlineMs: number;
}

/** The right to do one work now: handed back by `commit` or `abandon`, once. */
export interface EffectRun<Transaction> {
  /** What the handler writes its effect with. Over when the run is. */
  readonly transaction: Transaction;
}

/** What became of a work so far. */
export type Begun<Transaction> =
  | { readonly status: 'run'; readonly run: EffectRun<Transaction> }
  /** It was done; the result is not to be changed. */
  | { readonly status: 'done'; readonly result: Uint8Array }
  /** Somebody is at it, and the lease lives. */
  | { readonly status: 'running' };

/**
 * Remembers what was done, so that a work that comes twice has one effect: the store that all workers of a pool share.
 *
 * A handler commits its effect and the entry of its key in one transaction. {@link FileEffectStore} and {@link MemoryEffectStore} give it a
 * small map for that; who has a database writes a store of its own, with the transaction of the database.
 *
 * What has to hold of each: of two runs of one key at most one commits; an entry that `commit` resolved for outlives the process; it is kept
 * until 150,000 ms after its deadline at least, as until then copies may arrive; an unknown key gets E_TOO_OLD where the work may have been
 * done under a store that was lost.
 */
export interface EffectStore<Transaction = unknown> {
  /**
   * Asks for the right to do a work.
   *
   * @param leaseMs - how long nobody else gets it; later a second run may go on beside the first, and of both the first commit counts: a handler
   *   that is slower than its lease gets there all the same
   * @param nowMs - the clock that deadlines are judged by
   * @throws TridcommError (rejects) `E_FORK` for a key that came with something else; `E_EXPIRED`, `E_TOO_OLD`, `E_LIMIT`, see the stores;
   *   {@link RetentionError}; StoreError where nothing can be stored
   */
  begin(work: EffectWork, leaseMs: number, nowMs: number): Promise<Begun<Transaction>>;

  /**
   * Makes what the handler wrote and the result last, both or neither. The run is over, whatever comes.
   *
   * @param result - what a copy of the work is answered with; copied
   * @throws ConflictError where another run changed what this one read; TridcommError `E_CLOSED` where the run is over, or another of its key
   *   commits, `E_LIMIT`; StoreError where the disk did not take it. Nothing of this run has happened then, as far as this process will ever say
   */
  commit(run: EffectRun<Transaction>, result: Uint8Array): Promise<void>;

  /** Ends a run without any effect. Does nothing for one that is over. */
  abandon(run: EffectRun<Transaction>): Promise<void>;
}

/**
 * The deadline of a work lies so far ahead that its key would be forgotten before: `E_LIMIT`, and so it is for every copy. Any other `E_LIMIT` of a
 * store is one of room, which there may be later: a job goes back to the broker then.
 */
export class RetentionError extends TridcommError {
  constructor(detail: string) {
    super('E_LIMIT', detail);
  }
}

/** Two transactions met: nothing of this one has happened, and it may be tried again from the start. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';

  constructor(detail: string) {
    super(`another transaction was first: ${detail}`);
  }
}
