import type { EffectMap } from './effect-map.ts';
import { effectTerms, type EffectOptions } from './effect-options.ts';
import type { Begun, EffectRun, EffectStore, EffectWork } from './effect-store.ts';
import { EffectBatch, EffectTable } from './effect-table.ts';

/**
 * Remembers what was done as long as the process lives: for pools whose workers share one process, and for tests.
 *
 * Each start of it is the loss of the one before: what was sealed up to 30 s after is refused with `E_TOO_OLD` (see {@link EffectOptions.bornMs}).
 * What a requester seals anew with a key of before is not known any more.
 */
export class MemoryEffectStore implements EffectStore<EffectMap> {
  readonly #table: EffectTable;

  /** @throws TridcommError `E_USAGE` */
  constructor(options: EffectOptions = {}) {
    this.#table = new EffectTable(effectTerms(options));
  }

  /** As {@link FileEffectStore.begin}. */
  // oxlint-disable-next-line require-await -- what it throws is to be a rejection
  async begin(work: EffectWork, leaseMs: number, nowMs: number): Promise<Begun<EffectMap>> {
    return this.#table.begin(work, leaseMs, nowMs);
  }

  /** As {@link FileEffectStore.commit}, but in memory. */
  async commit(run: EffectRun<EffectMap>, result: Uint8Array): Promise<void> {
    const claimed = this.#table.claim(run);
    try {
      const batch = new EffectBatch();
      this.#table.prepare(claimed, Uint8Array.from(result), batch);
      this.#table.apply(batch);
    } catch (error) {
      this.#table.fail(claimed);
      throw error;
    }
  }

  async abandon(run: EffectRun<EffectMap>): Promise<void> {
    this.#table.abandon(run);
  }
}
