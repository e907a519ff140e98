/** An envelope that could not be opened yet, and what else its owner needs. */
interface Held<T> {
  readonly item: T;
  readonly bytes: number;
  readonly sinceMs: number;
}

/**
 * Live envelopes that came before what it takes to open them: the record of a sender that has just got its right to write is on its way when
 * its first envelope comes. They wait a moment, a bounded number of bytes of them, so that nobody's envelopes take the room of all others.
 *
 * Pure: `nowMs` is of a clock that does not jump.
 */
export class HeldEnvelopes<T> {
  readonly #mostBytes: number;
  #held: Held<T>[] = [];
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** @returns false where there is no room: then it is refused */
  hold(item: T, bytes: number, nowMs: number): boolean {
    if (this.#bytes + bytes > this.#mostBytes) return false;
    this.#held.push({ item, bytes, sinceMs: nowMs });
    this.#bytes += bytes;
    return true;
  }

  /** Lets everything go. */
  clear(): void {
    this.#held = [];
    this.#bytes = 0;
  }

  /**
   * Tries again what is held, in the order in which it came.
   *
   * @param attempt - gets what is held, and whether this is the last time; true says that it is done with, as it is after the last time
   */
  retry(nowMs: number, attempt: (item: T, isLast: boolean) => boolean): void {
    const held = this.#held;
    this.#held = [];
    const kept = held.filter(({ item, bytes, sinceMs }) => {
      const isLast = nowMs >= sinceMs + heldMs;
      if (!attempt(item, isLast) && !isLast) return true;
      this.#bytes -= bytes;
      return false;
    });
    // An attempt may have brought more.
    this.#held = [...kept, ...this.#held];
  }
}

const heldMs = 2_000;
