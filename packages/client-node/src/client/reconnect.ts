/**
 * When to try again after a link that was lost or could not be opened: exponential backoff with full jitter, as a pure state machine.
 *
 * Jitter over the whole range keeps many clients that lose one broker at once from coming back at once. A link that lasted resets the
 * backoff; one that opens and breaks at once does not, so a broker that ends every link after the handshake is not hammered.
 */
export class Reconnect {
  readonly #random: () => number;
  #attempts = 0;
  #openedMs: number | undefined;

  /** @param random - 0 up to, not including, 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Attempts that failed since a link last was stable. */
  get attempts(): number {
    return this.#attempts;
  }

  /** A link is open. */
  opened(nowMs: number): void {
    this.#openedMs = nowMs;
  }

  /**
   * The link is over, or could not be opened.
   *
   * @param retryMs - how long the peer asks to be left alone; taken up to {@link longestRetryMs}
   * @returns how long to wait before the next attempt
   */
  lost(nowMs: number, retryMs = 0): number {
    if (this.#openedMs !== undefined && nowMs - this.#openedMs >= stableMs) this.#attempts = 0;
    this.#openedMs = undefined;
    const rangeMs = Math.min(mostMs, baseMs * 2 ** this.#attempts);
    this.#attempts++;
    return Math.min(retryMs, longestRetryMs) + Math.floor(this.#random() * rangeMs);
  }
}

const baseMs = 100;
const mostMs = 30_000;
const stableMs = 10_000;
/** Whoever asks for more is asked again all the same: a broker that says a month would otherwise have cut its clients off for good. */
export const longestRetryMs = 600_000;
