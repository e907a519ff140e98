/**
 * How many signatures a sender makes: a token bucket.
 *
 * A signature costs as much as hundreds of messages, so this is what forms batches: while there is a token, what waits is sealed at once;
 * while there is none, it gathers. A timer, or one batch for each turn of the event loop, collapses at some 20,000 messages a second.
 */
export class SignatureBudget {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledMs: number | undefined;

  /** @param burst - 1 or more */
  constructor(perSecond: number = signaturesPerSecond, burst: number = signatureBurst) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Whether there is a token to take. */
  has(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens >= oneToken;
  }

  /** Takes a token, if there is one. */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return true;
  }

  /** Brings a token back that was not needed. */
  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }

  /** When there is a token to take, as far as a number can tell such times apart; `nowMs` where there is one already. */
  readyMs(nowMs: number): number {
    return this.has(nowMs) ? nowMs : nowMs + ((1 - this.#tokens) * 1_000) / this.#perSecond;
  }

  #fill(nowMs: number): void {
    const elapsedMs = nowMs - (this.#filledMs ?? nowMs);
    this.#filledMs = nowMs;
    // A clock that is set back brings nothing, and takes nothing away.
    if (elapsedMs > 0) this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs * this.#perSecond) / 1_000);
  }
}

const signaturesPerSecond = 2_000;
const signatureBurst = 8;
/** Tenths that are added up come to a little less than 1. */
const oneToken = 1 - 1e-9;
