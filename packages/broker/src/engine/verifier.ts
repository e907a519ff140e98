/** A signature that is to be verified. */
export interface Verification {
  /** What it costs, in bytes to be hashed. */
  readonly bytes: number;
  /** Verifies, and does what follows. */
  run(): void;
}

/**
 * Signatures that wait to be verified: a few in each turn, so that nobody else waits long.
 *
 * @spec delivery.7
 */
export class Verifier {
  #waiting: Verification[] = [];
  #head = 0;

  get count(): number {
    return this.#waiting.length - this.#head;
  }

  add(verification: Verification): void {
    this.#waiting.push(verification);
  }

  /** Verifies as many as one turn bears. */
  run(): void {
    let bytes = 0;
    for (let count = 0; count < mostInTurn && bytes < mostBytesInTurn && this.count > 0; count++) {
      const next = this.#waiting[this.#head++]!;
      bytes += next.bytes;
      next.run();
    }
    if (this.#head === this.#waiting.length || this.#head > mostDone) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** About 2 ms of signatures, or of hashing. */
const mostInTurn = 24;
const mostBytesInTurn = 1024 * 1024;
const mostDone = 1_024;
