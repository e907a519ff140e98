import { seqStates, type SeqState } from './window.ts';

/**
 * Numbers up to the restored floors of streams: which of them came out of a log, or as work, in this life.
 *
 * The floor says that an earlier life may have accepted them. For what is read from a log that does not count: the reader has stored where
 * it starts, and everything from there on comes to it once. Nor does it for work, which another of the crew may be given too.
 *
 * @spec replay.29, replay.30, replay.35
 */
export class ReadAgain {
  readonly #windowSize: number;
  /** By entry of the table of streams. */
  readonly #floors = new Map<number, number>();
  readonly #read = new Map<number, { hi: number; readonly seen: Set<number> }>();

  /** @param windowSize - W: numbers that far below the highest that came are too old */
  constructor(windowSize: number) {
    this.#windowSize = windowSize;
  }

  /** A stream was restored. */
  add(entry: number, floor: number): void {
    this.#floors.set(entry, floor);
  }

  /** Whether a number is one that an earlier life may have accepted. */
  covers(entry: number, seq: number): boolean {
    return seq <= (this.#floors.get(entry) ?? 0);
  }

  look(entry: number, seq: number): SeqState {
    const read = this.#read.get(entry);
    if (read === undefined || seq > read.hi) return seqStates.unseen;
    if (seq <= read.hi - this.#windowSize) return seqStates.tooOld;
    return read.seen.has(seq) ? seqStates.seen : seqStates.unseen;
  }

  /** Takes note of a number that is {@link covers | covered} and accepted. */
  mark(entry: number, seq: number): void {
    const read = this.#read.get(entry) ?? { hi: 0, seen: new Set<number>() };
    this.#read.set(entry, read);
    read.hi = Math.max(read.hi, seq);
    read.seen.add(seq);
    if (read.seen.size < 2 * this.#windowSize) return;
    for (const old of read.seen) if (old <= read.hi - this.#windowSize) read.seen.delete(old);
  }

  /** Forgets a stream that is held no longer. */
  drop(entry: number): void {
    this.#floors.delete(entry);
    this.#read.delete(entry);
  }
}
