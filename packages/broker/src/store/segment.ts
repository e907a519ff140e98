import type { Place } from './batch-walk.ts';
import { blockBytes } from './checked-block.ts';

/** What the log knows of one of its files. */
export interface SegmentFacts {
  readonly firstPosition: number;
  readonly createdMs: number;
  /** From its header; undefined where that is damaged. */
  readonly previous32: Uint8Array | undefined;
  /** Bytes of it that are the log's. */
  readonly endOffset: number;
}

/**
 * One segment: where it ends, and where some of its batches start.
 *
 * Of the batches it notes one in 32 KiB at most, 8 bytes each; those between are found from there.
 *
 * @spec storage.18
 */
export class Segment {
  readonly firstPosition: number;
  readonly createdMs: number;
  readonly previous32: Uint8Array | undefined;
  endOffset: number;
  #offsets = new Uint32Array(8);
  /** Counted from the first position. */
  #positions = new Uint32Array(8);
  #count = 0;

  constructor({ firstPosition, createdMs, previous32, endOffset }: SegmentFacts) {
    this.firstPosition = firstPosition;
    this.createdMs = createdMs;
    this.previous32 = previous32;
    this.endOffset = endOffset;
  }

  /** Where its first batch starts. */
  get start(): Place {
    return { offset: blockBytes, position: this.firstPosition, check32: this.previous32 };
  }

  /** Notes where a batch starts, if it is far enough behind the last one noted. */
  note(position: number, offset: number): void {
    if (offset < (this.#count === 0 ? 0 : this.#offsets[this.#count - 1]!) + distanceBytes) return;
    if (this.#count === this.#offsets.length) {
      this.#offsets = grown(this.#offsets);
      this.#positions = grown(this.#positions);
    }
    this.#offsets[this.#count] = offset;
    this.#positions[this.#count] = position - this.firstPosition;
    this.#count++;
  }

  /** The last place noted from which a position can be reached. */
  placeBefore(position: number): Place {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#positions[middle]! + this.firstPosition <= position) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return this.start;
    const at = low - 1;
    return { offset: this.#offsets[at]!, position: this.#positions[at]! + this.firstPosition, check32: undefined };
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

const distanceBytes = 32_768;
