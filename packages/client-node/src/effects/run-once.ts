import { ConflictError, type EffectStore, type EffectWork } from './effect-store.ts';

/** How {@link runOnce} ended. */
export type RunOutcome =
  /** `isNew` where the handler ran now; otherwise the result is that of an earlier run. */
  | { readonly status: 'done'; readonly result: Uint8Array; readonly isNew: boolean }
  /** Somebody else is at it. */
  | { readonly status: 'running' };

/**
 * Has a work done, unless it was done already.
 *
 * Where transactions meet, the handler runs again with a new one: it must have no effect but what it writes with its transaction.
 *
 * @param leaseMs - see {@link EffectStore.begin}
 * @param handler - writes its effect with the transaction, and gives the result
 * @throws what the handler throws, then nothing is stored; what the store throws, ConflictError after 64 attempts
 * @spec replay.31
 */
export async function runOnce<Transaction>(
  store: EffectStore<Transaction>,
  work: EffectWork,
  leaseMs: number,
  now: () => number,
  handler: (transaction: Transaction) => Promise<Uint8Array>,
): Promise<RunOutcome> {
  for (let attempt = 1; ; attempt++) {
    const begun = await store.begin(work, leaseMs, now());
    if (begun.status === 'running') return begun;
    if (begun.status === 'done') return { ...begun, isNew: false };
    const { run } = begun;
    try {
      const result = await handler(run.transaction);
      await store.commit(run, result);
      return { status: 'done', result, isNew: true };
    } catch (error) {
      // Why it failed tells more than why it could not be abandoned: its lease ends by itself.
      await store.abandon(run).catch(() => undefined);
      if (!(error instanceof ConflictError) || attempt === mostAttempts) throw error;
    }
  }
}

/** Of those that meet one commits each time, so each gets its turn at last; with more than these on one name, a few have to be given up. */
const mostAttempts = 64;
