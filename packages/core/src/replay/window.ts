import { TridcommError } from '../errors.ts';
import { readHi, readRun, recordField, wideRun, writeHi, writeRun } from './stream-record.ts';
import { WideBitmaps } from './wide-bitmaps.ts';

/** What a window says of a number. */
export const seqStates = { unseen: 0, seen: 1, tooOld: 2 } as const;
export type SeqState = (typeof seqStates)[keyof typeof seqStates];

/**
 * The windows of all streams of a table, each exactly the W numbers up to its `hi`.
 *
 * A stream that lost and swapped little fits its record: 64 bits and a run of seen numbers below them. One that does not gets a
 * bitmap of W bits, and gives it back when its window fits again.
 *
 * @spec replay.6, replay.7, replay.8, replay.10
 */
export class Windows {
  readonly #size: number;
  /** Numbers of the window below the 64 that a record holds bit by bit. */
  readonly #below: number;
  readonly #wide: WideBitmaps;

  /**
   * @param size - W: a power of two from 64 to 4,096
   * @throws TridcommError `E_USAGE` for another
   */
  constructor(size: number) {
    if (!(size >= 64 && size <= 4096) || (size & (size - 1)) !== 0) {
      throw new TridcommError('E_USAGE', `window of ${size} envelopes, not a power of two from 64 to 4096`);
    }
    this.#size = size;
    this.#below = size - 64;
    this.#wide = new WideBitmaps(size);
  }

  /** W. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the bitmaps outside the records. */
  get byteLength(): number {
    return this.#wide.byteLength;
  }

  /** Looks a number up, 1 or higher; changes nothing. */
  look(words: Int32Array, at: number, seq: number): SeqState {
    const back = readHi(words, at) - seq;
    if (back < 0) return seqStates.unseen;
    if (back >= this.#size) return seqStates.tooOld;
    const run = readRun(words, at);
    let seen: boolean;
    if (run === wideRun) seen = this.#wide.has(words[at + recordField.near] as number, seq);
    else if (back < 32) seen = (((words[at + recordField.near] as number) >>> back) & 1) === 1;
    else if (back < 64) seen = (((words[at + recordField.far] as number) >>> (back - 32)) & 1) === 1;
    else seen = back - 64 < run;
    return seen ? seqStates.seen : seqStates.unseen;
  }

  /**
   * Moves `hi` up to `seq`, which is higher, without marking it. At most W steps, whatever the jump.
   *
   * @spec replay.10
   */
  advance(words: Int32Array, at: number, seq: number): void {
    const hi = readHi(words, at);
    const jump = seq - hi;
    writeHi(words, at, seq);
    if (jump >= this.#size) this.release(words, at);
    else if (readRun(words, at) !== wideRun) this.#shift(words, at, hi, seq);
    else {
      this.#wide.clear(words[at + recordField.near] as number, hi, seq);
      // Now and then is often enough to give bitmaps back, and keeps the search off the path of every envelope.
      if (jump >= narrowEvery || (seq & (narrowEvery - 1)) < (hi & (narrowEvery - 1))) this.#narrow(words, at, seq);
    }
  }

  /** Marks a number of the window as seen. */
  mark(words: Int32Array, at: number, seq: number): void {
    const back = readHi(words, at) - seq;
    const run = readRun(words, at);
    if (run === wideRun) this.#wide.add(words[at + recordField.near] as number, seq);
    else if (back < 32) words[at + recordField.near] = (words[at + recordField.near] as number) | (1 << back);
    else if (back < 64) words[at + recordField.far] = (words[at + recordField.far] as number) | (1 << (back - 32));
    else if (back - 64 === run) writeRun(words, at, run + 1);
    else this.#wide.add(this.#widen(words, at, seq + back), seq);
  }

  /** Sets `hi` with every number up to it seen, in a record without marks. */
  fill(words: Int32Array, at: number, hi: number): void {
    writeHi(words, at, hi);
    words[at + recordField.near] = -1;
    words[at + recordField.far] = -1;
    writeRun(words, at, this.#below);
  }

  /** Forgets all marks of the window; `hi` stays. */
  release(words: Int32Array, at: number): void {
    if (readRun(words, at) === wideRun) this.#wide.release(words[at + recordField.near] as number);
    words[at + recordField.near] = 0;
    words[at + recordField.far] = 0;
    writeRun(words, at, 0);
  }

  /** Moves the marks of a narrow stream from `hi` to `seq`, and to a bitmap where they stop fitting. */
  #shift(words: Int32Array, at: number, hi: number, seq: number): void {
    let near = words[at + recordField.near] as number;
    let far = words[at + recordField.far] as number;
    let run = readRun(words, at);
    if ((near | far | run) === 0) return;
    for (let top = hi; top < seq; top++) {
      const leavesSeen = far < 0;
      if (!leavesSeen && run > 0) {
        words[at + recordField.near] = near;
        words[at + recordField.far] = far;
        writeRun(words, at, run);
        this.#wide.clear(this.#widen(words, at, top), top, seq);
        return;
      }
      far = (far << 1) | (near >>> 31);
      near <<= 1;
      if (leavesSeen && run < this.#below) run++;
    }
    words[at + recordField.near] = near;
    words[at + recordField.far] = far;
    writeRun(words, at, run);
  }

  /** Gives a narrow stream, whose marks stand below `hi`, a bitmap; returns its slot. */
  #widen(words: Int32Array, at: number, hi: number): number {
    const near = words[at + recordField.near] as number;
    const far = words[at + recordField.far] as number;
    const slot = this.#wide.allocate();
    for (let back = 0; back < 32; back++) {
      if (((near >>> back) & 1) === 1) this.#wide.add(slot, hi - back);
      if (((far >>> back) & 1) === 1) this.#wide.add(slot, hi - back - 32);
    }
    for (let back = 64 + readRun(words, at) - 1; back >= 64; back--) this.#wide.add(slot, hi - back);
    words[at + recordField.near] = slot;
    words[at + recordField.far] = 0;
    writeRun(words, at, wideRun);
    return slot;
  }

  /** Gives the bitmap back if what it holds fits the record. */
  #narrow(words: Int32Array, at: number, hi: number): void {
    const slot = words[at + recordField.near] as number;
    let run = 0;
    while (run < this.#below && this.#wide.has(slot, hi - 64 - run)) run++;
    for (let back = 64 + run; back < this.#size; back++) if (this.#wide.has(slot, hi - back)) return;
    let near = 0;
    let far = 0;
    for (let back = 31; back >= 0; back--) {
      near = (near << 1) | (this.#wide.has(slot, hi - back) ? 1 : 0);
      far = (far << 1) | (this.#wide.has(slot, hi - back - 32) ? 1 : 0);
    }
    this.#wide.release(slot);
    words[at + recordField.near] = near;
    words[at + recordField.far] = far;
    writeRun(words, at, run);
  }
}

/** A power of two; a wide stream looks for a way back once in so many numbers. */
const narrowEvery = 256;
