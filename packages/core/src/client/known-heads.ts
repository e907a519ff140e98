import { limits } from '../codepoints/limits.gen.ts';

/** A number of a head, and since when it is known. */
interface Learned {
  readonly headSeq: number;
  readonly learntMs: number;
}

/**
 * The numbers of heads that a node has heard of, and since when: from heads, and from what other senders say in extension 8.
 *
 * @spec principals.32
 */
export class KnownHeads {
  /** Numbers of heads that were accepted; ascending by number and by time. */
  #accepted: readonly Learned[] = [];
  /** Numbers above those of all heads that somebody signed, in the order in which they came. */
  #claimed: readonly Learned[] = [];

  /**
   * Takes note of a head that was accepted. It shows numbers above its own to be false that were learnt `skew` before it was issued.
   */
  accept(headSeq: number, issuedMs: number, nowMs: number, skewMs: number): void {
    this.#claimed = this.#claimed.filter((one) => one.headSeq > headSeq && one.learntMs + skewMs > issuedMs);
    if (headSeq <= this.#highest) return;
    const accepted = [...this.#accepted, { headSeq, learntMs: nowMs }];
    if (accepted.length > mostNumbers) {
      // Two become one that is as old as the older and as high as the higher: it holds back no less than both.
      const [first, second] = accepted;
      accepted.splice(0, 2, { headSeq: second!.headSeq, learntMs: first!.learntMs });
    }
    this.#accepted = accepted;
  }

  /** Takes note of what a sender said under its signature. While many such numbers stand, further ones say nothing new. */
  claim(headSeq: number, nowMs: number): void {
    if (headSeq <= this.#highest || this.#claimed.length >= mostNumbers) return;
    if (this.#claimed.some((one) => one.headSeq === headSeq)) return;
    this.#claimed = [...this.#claimed, { headSeq, learntMs: nowMs }];
  }

  /** Forgets what every view has reached. */
  reached(lowestHeadSeq: number): void {
    // The last is kept: it is the highest.
    const isOver = (one: Learned) => one.headSeq <= lowestHeadSeq && one !== this.#accepted.at(-1);
    if (this.#accepted[0] !== undefined && isOver(this.#accepted[0])) {
      this.#accepted = this.#accepted.filter((one) => !isOver(one));
    }
  }

  /** Whether somebody whose view has the head `headSeq` may not seal any more. */
  isBehind(headSeq: number, nowMs: number): boolean {
    const isDue = (one: Learned) => one.headSeq > headSeq && nowMs >= one.learntMs + limits.behindMs;
    return this.#accepted.some(isDue) || this.#claimed.some(isDue);
  }

  /** Whether a higher number than `headSeq` is known. */
  isAhead(headSeq: number): boolean {
    return this.#highest > headSeq || this.#claimed.some((one) => one.headSeq > headSeq);
  }

  get #highest(): number {
    return this.#accepted.at(-1)?.headSeq ?? 0;
  }
}

const mostNumbers = 64;
