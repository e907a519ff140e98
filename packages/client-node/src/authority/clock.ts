/** Time, as a service needs it. */
export interface Clock {
  /** ms since the epoch of UTC. */
  nowMs(): number;
  /**
   * Does something once, so much later.
   *
   * @returns what calls it off
   */
  after(delayMs: number, action: () => void): () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
