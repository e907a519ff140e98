import { copyOf, equalBytes } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';

/** Which leaf of a split batch a job is, and of how many. */
export interface JobPart {
  readonly leaf: number;
  readonly leafCount: number;
}

/**
 * How many envelopes may have been seen in part, over all guards that share the budget.
 *
 * @spec replay.21
 */
export class LeafBudget {
  readonly max: number;
  /** Envelopes held now. */
  held = 0;
  /** Those of guards that hold any. */
  readonly #holders = new Set<PartialEnvelopes>();
  /** Up to this time none of them is stale. */
  #freshUntilMs = Infinity;

  constructor(max: number = limits.partialEnvelopes) {
    this.max = max;
  }

  /**
   * Drops what freshness refuses by now, in all guards: the other leaves, which went to other workers, never come here.
   *
   * @param clockMs - a time that the clock has reached
   */
  dropStale(clockMs: number): void {
    if (clockMs <= this.#freshUntilMs) return;
    this.#freshUntilMs = Infinity;
    for (const holder of this.#holders) this.#note(holder.dropStale(clockMs));
  }

  /** @internal An envelope is held from now on, which is stale after this time. */
  add(holder: PartialEnvelopes, freshUntilMs: number): void {
    this.held++;
    this.#holders.add(holder);
    this.#note(freshUntilMs);
  }

  /** @internal One is not held any more, or more. @param isLast - the holder has no other */
  remove(holder: PartialEnvelopes, count: number, isLast: boolean): void {
    this.held -= count;
    if (isLast) this.#holders.delete(holder);
  }

  #note(freshUntilMs: number): void {
    this.#freshUntilMs = Math.min(this.#freshUntilMs, freshUntilMs);
  }
}

/** An envelope of which some leaves were seen, but not all. */
interface PartialEnvelope {
  readonly id32: Uint8Array;
  readonly leafCount: number;
  /** After that freshness refuses it; infinity for what is not judged by its timestamp. */
  readonly freshUntilMs: number;
  readonly seen: Uint32Array;
  missing: number;
}

/**
 * The leaves seen of split batches, by stream and number: 1 bit for each leaf of an envelope that is not complete.
 *
 * @spec replay.19
 */
export class PartialEnvelopes {
  readonly #budget: LeafBudget;
  readonly #onStale: (entry: number, seq: number) => void;
  readonly #streams = new Map<number, Map<number, PartialEnvelope>>();

  /** @param onStale - called for an envelope that was dropped as stale: none of its leaves is to be taken any more, whatever the clock says */
  constructor(budget: LeafBudget, onStale: (entry: number, seq: number) => void) {
    this.#budget = budget;
    this.#onStale = onStale;
  }

  /** Whether no other envelope can be held. */
  get isFull(): boolean {
    return this.#budget.held >= this.#budget.max;
  }

  /** Whether an envelope was seen in part. */
  holds(entry: number, seq: number): boolean {
    return this.#streams.size > 0 && this.#streams.get(entry)?.has(seq) === true;
  }

  /** Whether a number was seen in part, and of the same envelope as this leaf. */
  holdsSame(entry: number, seq: number, id32: Uint8Array, part: JobPart): boolean {
    const partial = this.#streams.get(entry)?.get(seq);
    return partial !== undefined && partial.leafCount === part.leafCount && equalBytes(partial.id32, id32);
  }

  /** Whether a leaf was seen. */
  has(entry: number, seq: number, leaf: number): boolean {
    const partial = this.#streams.get(entry)?.get(seq);
    return partial !== undefined && (((partial.seen[leaf >>> 5] ?? 0) >>> (leaf & 31)) & 1) === 1;
  }

  /**
   * Marks a leaf that was not seen, of an envelope that is held or for which there is room.
   *
   * @param freshUntilMs - after that freshness refuses the envelope
   * @returns whether all leaves are seen now; the envelope is then held no longer
   */
  mark(entry: number, seq: number, id32: Uint8Array, part: JobPart, freshUntilMs: number): boolean {
    if (part.leafCount === 1) return true;
    const held = this.#streams.get(entry)?.get(seq);
    const partial = held ?? this.#create(entry, seq, id32, part.leafCount, freshUntilMs);
    const word = part.leaf >>> 5;
    partial.seen[word] = (partial.seen[word] ?? 0) | (1 << (part.leaf & 31));
    partial.missing--;
    if (partial.missing > 0) return false;
    this.#drop(entry, seq);
    return true;
  }

  /** Drops the envelopes of a stream whose numbers become too old when `hi` goes from one number to another. */
  dropBelow(entry: number, window: number, fromHi: number, toHi: number): void {
    if (this.#streams.size === 0) return;
    const held = this.#streams.get(entry);
    if (held === undefined) return;
    // Whichever is shorter: what leaves the window, or what is held.
    if (toHi - fromHi < held.size) {
      for (let seq = fromHi - window + 1; seq <= toHi - window; seq++) this.#drop(entry, seq);
    } else {
      for (const seq of held.keys()) if (seq <= toHi - window) this.#drop(entry, seq);
    }
  }

  /** Drops all envelopes of a stream. */
  dropStream(entry: number): void {
    const held = this.#streams.get(entry);
    if (held === undefined) return;
    this.#streams.delete(entry);
    this.#budget.remove(this, held.size, this.#streams.size === 0);
  }

  /**
   * Drops the envelopes that freshness refuses by now.
   *
   * @returns up to when none of the others is stale
   */
  dropStale(clockMs: number): number {
    let nextMs = Infinity;
    for (const [entry, held] of this.#streams) {
      for (const [seq, { freshUntilMs }] of held) {
        if (clockMs <= freshUntilMs) {
          nextMs = Math.min(nextMs, freshUntilMs);
          continue;
        }
        this.#drop(entry, seq);
        this.#onStale(entry, seq);
      }
    }
    return nextMs;
  }

  /** Drops everything. */
  clear(): void {
    for (const entry of this.#streams.keys()) this.dropStream(entry);
  }

  #create(entry: number, seq: number, id32: Uint8Array, leafCount: number, freshUntilMs: number): PartialEnvelope {
    const seen = new Uint32Array((leafCount + 31) >>> 5);
    const partial: PartialEnvelope = { id32: copyOf(id32), leafCount, freshUntilMs, seen, missing: leafCount };
    const held = this.#streams.get(entry);
    if (held === undefined) this.#streams.set(entry, new Map([[seq, partial]]));
    else held.set(seq, partial);
    this.#budget.add(this, freshUntilMs);
    return partial;
  }

  #drop(entry: number, seq: number): void {
    const held = this.#streams.get(entry);
    if (held?.delete(seq) !== true) return;
    if (held.size === 0) this.#streams.delete(entry);
    this.#budget.remove(this, 1, this.#streams.size === 0);
  }
}
