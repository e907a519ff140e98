import { TridcommError, type ErrorCode, type Work } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { ConflictError, type EffectStore, type EffectWork } from '../effects/effect-store.ts';
import { runOnce } from '../effects/run-once.ts';
import { workHash32 } from '../effects/work-hash.ts';

/** One request or job, and how it came. */
export interface WorkToRun {
  readonly kind: 'request' | 'job';
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
  /** The effect store says that nobody may do it. */
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
    if (failure !== undefined && error === failure.error && !(error instanceof ConflictError)) {
      return { type: 'failed', error };
    }
    if (error instanceof TridcommError && refusedCodes.has(error.code)) {
      return { type: 'refused', code: error.code, error };
    }
    return { type: 'unknown', error };
  }
}

function effectOf({ kind, topic, work, requesterKeyId32, frontId16, sealedMs }: WorkToRun): EffectWork {
  const { key16, body, deadlineMs } = work;
  return { requesterKeyId32, frontId16, key16, bodyHash32: workHash32({ kind, topic, body }), sealedMs, deadlineMs };
}

/** That another body, a past deadline, or a full store is in the way is so for every copy. */
const refusedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['E_FORK', 'E_EXPIRED', 'E_LIMIT']);
