/** Tokens that come with time, up to a number; what one thing costs may leave it in debt, so that nothing is too dear for ever. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  /**
   * @param perSecond - tokens that come in a second; `Infinity` for no limit
   * @param burst - the most that are kept
   */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /**
   * Takes the cost; where there is not enough, nothing.
   *
   * @param nowMs - a clock that goes back gains nothing
   * @returns 0, or after how many ms there will be enough
   */
  take(cost: number, nowMs: number): number {
    if (this.#perSecond === Infinity) return 0;
    this.#refill(nowMs);
    const needed = Math.min(cost, this.#burst);
    if (this.#tokens < needed) return Math.max(1, Math.ceil(((needed - this.#tokens) * 1_000) / this.#perSecond));
    this.#tokens -= cost;
    return 0;
  }

  /** Takes the cost of what was done already, whatever there is. */
  spend(cost: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= cost;
  }

  /** Whether all is there that there can be: then a new one is as good. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#perSecond === Infinity || this.#tokens >= this.#burst;
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#atMs) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#atMs) * this.#perSecond) / 1_000);
    this.#atMs = nowMs;
  }
}
