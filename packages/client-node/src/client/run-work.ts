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
 * @returns at once where there is no store, and the handler gives no promise; never rejects
 */
export function runWork<Transaction>(
  effects: EffectStore<Transaction> | 'idempotent',
  toRun: WorkToRun,
  handler: (transaction: Transaction) => Uint8Array | Promise<Uint8Array>,
): RunResult | Promise<RunResult> {
  return effects === 'idempotent'
    ? runPlain(toRun, () => handler(undefined as Transaction))
    : runInStore(effects, toRun, handler);
}

/** Without a store, nobody has a transaction. */
function runPlain(
  { kind }: WorkToRun,
  handler: () => Uint8Array | Promise<Uint8Array>,
): RunResult | Promise<RunResult> {
  const failed = (error: unknown): RunResult => {
    return error instanceof ConflictError ? ofStore(kind, error) : { type: 'failed', error };
  };
  try {
    const result = handler();
    if (!(result instanceof Promise)) return { type: 'done', result };
    return result.then((later): RunResult => ({ type: 'done', result: later }), failed);
  } catch (error) {
    return failed(error);
  }
}

async function runInStore<Transaction>(
  effects: EffectStore<Transaction>,
  toRun: WorkToRun,
  handler: (transaction: Transaction) => Uint8Array | Promise<Uint8Array>,
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
    const outcome = await runOnce(effects, effectOf(toRun), limits.leaseMs, () => Date.now(), run);
    return outcome.status === 'done' ? { type: 'done', result: outcome.result } : { type: 'running' };
  } catch (error) {
    // A store that fails under a handler is no word of the handler: nothing has happened, and the work goes back.
    const isOfStore = error instanceof ConflictError || error instanceof StoreError;
    if (failure !== undefined && error === failure.error && !isOfStore) {
      return { type: 'failed', error };
    }
    return ofStore(toRun.kind, error);
  }
}

function ofStore(kind: WorkToRun['kind'], error: unknown): RunResult {
  if (error instanceof TridcommError && isForAll(error, kind)) return { type: 'refused', code: error.code, error };
  return { type: 'unknown', error };
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
