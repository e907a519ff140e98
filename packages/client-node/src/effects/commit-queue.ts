import type { LiveRun } from './live-run.ts';
import { EffectBatch, type EffectTable } from './effect-table.ts';

/** A commit that somebody waits for. */
interface Waiting {
  readonly run: LiveRun;
  readonly result: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits that wait for the disk: those that come while it writes go to the next batch together, so one sync serves many.
 *
 * Each batch is decided on what lasts: the one before has been written and counts, or has failed and does not.
 */
export class CommitQueue {
  readonly #table: EffectTable;
  readonly #write: (batch: EffectBatch) => Promise<void>;
  readonly #afterwards: () => Promise<void>;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  /**
   * @param write - makes a batch last, or rejects, and then nothing of it will
   * @param afterwards - what is done while nothing is written; never rejects
   */
  constructor(table: EffectTable, write: (batch: EffectBatch) => Promise<void>, afterwards: () => Promise<void>) {
    this.#table = table;
    this.#write = write;
    this.#afterwards = afterwards;
  }

  /**
   * Commits a run that was claimed.
   *
   * @param result - kept
   * @throws (rejects) ConflictError; TridcommError `E_LIMIT`; what `write` rejects with
   */
  async commit(run: LiveRun, result: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ run, result, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Waits until nothing waits. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // What else commits in this turn comes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      await this.#runBatch();
      await this.#afterwards();
    }
    this.#running = undefined;
  }

  async #runBatch(): Promise<void> {
    const batch = new EffectBatch();
    const included: Waiting[] = [];
    const refused: { readonly waiting: Waiting; readonly error: unknown }[] = [];
    let taken = 0;
    for (; taken < this.#waiting.length && batch.bytes < mostBatchBytes; taken++) {
      const waiting = this.#waiting[taken]!;
      try {
        this.#table.prepare(waiting.run, waiting.result, batch);
        included.push(waiting);
      } catch (error) {
        refused.push({ waiting, error });
      }
    }
    this.#waiting.splice(0, taken);
    try {
      if (included.length > 0) await this.#write(batch);
      this.#table.apply(batch);
      for (const { resolve } of included) resolve();
    } catch (error) {
      for (const waiting of included) refused.push({ waiting, error });
    }
    // Only now, so that who meets a conflict and tries again sees what it met.
    for (const { waiting, error } of refused) {
      this.#table.fail(waiting.run);
      waiting.reject(error);
    }
  }
}

const mostBatchBytes = 4 * 1024 * 1024;
