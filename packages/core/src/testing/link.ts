import type { ManualClock } from './clock.ts';
import type { SeededRandom } from './random.ts';

/** How a link treats what is sent. Shares are from 0 to 1, each drawn for every item. */
export interface LinkQuality {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Never arrives. */
  readonly lossShare: number;
  /** Arrives a second time, with a delay of its own. */
  readonly duplicateShare: number;
  /** Does not wait for what was sent before; all else arrives in the order of sending. */
  readonly reorderShare: number;
}

/** A link that loses nothing and keeps order. */
export const soundLink: LinkQuality = {
  minDelayMs: 1,
  maxDelayMs: 20,
  lossShare: 0,
  duplicateShare: 0,
  reorderShare: 0,
};

/** What a link did to what it was given. */
export interface LinkCounts {
  sent: number;
  lost: number;
  duplicated: number;
  reordered: number;
}

/** One direction of a connection, in simulated time. */
export class SimulatedLink<T> {
  /** May be replaced at any time; counts for what is sent from then on. */
  quality: LinkQuality;
  readonly counts: LinkCounts = { sent: 0, lost: 0, duplicated: 0, reordered: 0 };
  readonly #clock: ManualClock;
  readonly #random: SeededRandom;
  readonly #deliver: (item: T) => void;
  #lastArrivalMs = 0;
  /** Rises with every cut, so that what was sent before one can be told from what was sent after it. */
  #connection = 0;

  /** @param deliver - takes what arrives, at the clock's time of arrival; what it throws ends the run of the clock */
  constructor(clock: ManualClock, random: SeededRandom, quality: LinkQuality, deliver: (item: T) => void) {
    this.#clock = clock;
    this.#random = random;
    this.quality = quality;
    this.#deliver = deliver;
  }

  send(item: T): void {
    const { lossShare, duplicateShare } = this.quality;
    this.counts.sent++;
    if (this.#random.chance(lossShare)) {
      this.counts.lost++;
      return;
    }
    this.#schedule(item);
    if (this.#random.chance(duplicateShare)) {
      this.counts.duplicated++;
      this.#schedule(item);
    }
  }

  /** Loses what is under way, as a connection that breaks does. */
  cut(): void {
    this.#connection++;
  }

  #schedule(item: T): void {
    const { minDelayMs, maxDelayMs, reorderShare } = this.quality;
    let arrivalMs = this.#clock.nowMs + this.#random.between(minDelayMs, maxDelayMs);
    if (this.#random.chance(reorderShare)) {
      if (arrivalMs < this.#lastArrivalMs) this.counts.reordered++;
    } else {
      arrivalMs = Math.max(arrivalMs, this.#lastArrivalMs);
      this.#lastArrivalMs = arrivalMs;
    }
    const connection = this.#connection;
    this.#clock.at(arrivalMs, () => {
      if (connection === this.#connection) this.#deliver(item);
    });
  }
}
