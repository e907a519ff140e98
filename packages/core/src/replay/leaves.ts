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

  constructor(max: number = limits.partialEnvelopes) {
    this.max = max;
  }
}

/** An envelope of which some leaves were seen, but not all. */
interface PartialEnvelope {
  readonly id32: Uint8Array;
  readonly leafCount: number;
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
  readonly #streams = new Map<number, Map<number, PartialEnvelope>>();

  constructor(budget: LeafBudget) {
    this.#budget = budget;
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
   * @returns whether all leaves are seen now; the envelope is then held no longer
   */
  mark(entry: number, seq: number, id32: Uint8Array, part: JobPart): boolean {
    if (part.leafCount === 1) return true;
    const partial = this.#streams.get(entry)?.get(seq) ?? this.#create(entry, seq, id32, part.leafCount);
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
    this.#budget.held -= this.#streams.get(entry)?.size ?? 0;
    this.#streams.delete(entry);
  }

  /** Drops everything. */
  clear(): void {
    for (const entry of this.#streams.keys()) this.dropStream(entry);
  }

  #create(entry: number, seq: number, id32: Uint8Array, leafCount: number): PartialEnvelope {
    const seen = new Uint32Array((leafCount + 31) >>> 5);
    const partial: PartialEnvelope = { id32: copyOf(id32), leafCount, seen, missing: leafCount };
    const held = this.#streams.get(entry);
    if (held === undefined) this.#streams.set(entry, new Map([[seq, partial]]));
    else held.set(seq, partial);
    this.#budget.held++;
    return partial;
  }

  #drop(entry: number, seq: number): void {
    const held = this.#streams.get(entry);
    if (held?.delete(seq) !== true) return;
    this.#budget.held--;
    if (held.size === 0) this.#streams.delete(entry);
  }
}
