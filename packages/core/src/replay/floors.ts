import { farFloorLead, readFloorLead, readHi, writeFloorLead } from './stream-record.ts';

/**
 * The stored floors and bounds of the streams of a table: a floor as a lead over `hi`, in 7 bits of each record. It is 64 or less unless an
 * envelope is refused between write and acceptance; what does not fit stands apart.
 *
 * A floor is never below `hi`, since nothing above it is accepted: so one that is not known counts as `hi`.
 */
export class FloorBook {
  readonly #far = new Map<number, number>();
  readonly #boundsMs = new Map<number, number>();

  /** The stored floor of a stream. */
  get(words: Int32Array, at: number, entry: number): number {
    const lead = readFloorLead(words, at);
    return lead === farFloorLead ? (this.#far.get(entry) ?? 0) : readHi(words, at) + lead;
  }

  /** The stored bound of the timestamps of a stream; −1 while there is none. */
  boundMs(entry: number): number {
    return this.#boundsMs.get(entry) ?? -1;
  }

  /** @param floor - `hi` or higher */
  set(words: Int32Array, at: number, entry: number, floor: number, boundMs: number): void {
    this.#boundsMs.set(entry, boundMs);
    const lead = floor - readHi(words, at);
    if (lead < farFloorLead) {
      this.#far.delete(entry);
      writeFloorLead(words, at, lead);
    } else {
      this.#far.set(entry, floor);
      writeFloorLead(words, at, farFloorLead);
    }
  }

  /** Keeps the floor where it is while `hi` is about to go up by `jump`, not past the floor. */
  advance(words: Int32Array, at: number, jump: number): void {
    const lead = readFloorLead(words, at);
    if (lead !== farFloorLead) writeFloorLead(words, at, lead - jump);
  }

  /** Forgets a stream that is held no longer. */
  drop(entry: number): void {
    this.#far.delete(entry);
    this.#boundsMs.delete(entry);
  }
}
