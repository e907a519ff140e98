import { TridcommError, type ErrorCode, type Work } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { ConflictError, RetentionError, type EffectStore, type EffectWork } from '../effects/effect-store.ts';
import { runOnce } from '../effects/run-once.ts';
import { workHash32 } from '../effects/work-hash.ts';
import { StoreError } from '../store/fs-error.ts';

/** One request or job, and how it came. */
export interface WorkToRun {
  readonly kind: 'request' | 'job' | 'message';
  readonly topic: string;
  readonly work: Work;
  readonly requesterKeyId32: Uint8Array;
  /** The front. */
  readonly frontId16: Uint8Array;
  /** Timestamp of its envelope. */
  readonly sealedMs: number;
}

/** What came of a run. */
export type RunResult =
  | { readonly type: 'done'; readonly result: Uint8Array }
  /** The handler threw. */
  | { readonly type: 'failed'; readonly error: unknown }
  /** The effect store says that nobody may do it, or, to who asked, that it has no room. */
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly error: TridcommError }
  /** Somebody else is at it. */
  | { readonly type: 'running' }
  /** The effect store does not know, or does not work: somebody else may. */
  | { readonly type: 'unknown'; readonly error: unknown };

/**
 * Runs a handler, once for a key where there is an effect store.
 *
 * @param handler - of the application, with the transaction of the store
 */
export async function runWork<Transaction>(
  effects: EffectStore<Transaction> | 'idempotent',
  toRun: WorkToRun,
  handler: (transaction: Transaction) => Promise<Uint8Array>,
): Promise<RunResult> {
  let failure: { readonly error: unknown } | undefined;
  const run = async (transaction: Transaction) => {
    try {
      return await handler(transaction);
    } catch (error) {
      failure = { error };
      throw error;
    }
  };
  try {
    // Without a store, nobody has a transaction.
    if (effects === 'idempotent') return { type: 'done', result: await run(undefined as Transaction) };
    const outcome = await runOnce(effects, effectOf(toRun), limits.leaseMs, () => Date.now(), run);
    return outcome.status === 'done' ? { type: 'done', result: outcome.result } : { type: 'running' };
  } catch (error) {
    // A store that fails under a handler is no word of the handler: nothing has happened, and the work goes back.
    const isOfStore = error instanceof ConflictError || (effects !== 'idempotent' && error instanceof StoreError);
    if (failure !== undefined && error === failure.error && !isOfStore) {
      return { type: 'failed', error };
    }
    if (error instanceof TridcommError && isForAll(error, toRun.kind)) {
      return { type: 'refused', code: error.code, error };
    }
    return { type: 'unknown', error };
  }
}

/**
 * Whether a refusal of the store ends a work: that another body, or a deadline, is in the way is so for every copy. A store that is full has room
 * again, maybe: who asked hears of it and may ask once more, and a job, which nobody hears of, goes back.
 */
function isForAll(error: TridcommError, kind: WorkToRun['kind']): boolean {
  if (error.code === 'E_LIMIT') return kind !== 'job' || error instanceof RetentionError;
  return error.code === 'E_FORK' || error.code === 'E_EXPIRED';
}

function effectOf({ kind, topic, work, requesterKeyId32, frontId16, sealedMs }: WorkToRun): EffectWork {
  const { key16, body, deadlineMs } = work;
  return { requesterKeyId32, frontId16, key16, bodyHash32: workHash32({ kind, topic, body }), sealedMs, deadlineMs };
}
