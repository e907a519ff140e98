import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';

/**
 * What a broker may lease to one work. Pure: times are of a clock that does not jump.
 *
 * A lease counts until it is settled, or the broker has taken it back (delivery.24): who works longer than that is given more meanwhile. As what it
 * sent may come late, and then with what it gave afterwards, twice the capacity is taken.
 */
export class LeaseBound {
  #most = 0;
  /** Until when the broker keeps each for this work, the oldest first. */
  readonly #leases = new Set<{ readonly untilMs: number }>();

  /** A capacity was asked for; what was leased under a higher one before may still be there. */
  asked(capacity: number): void {
    this.#most = Math.max(this.#most, 2 * capacity);
  }

  /**
   * A unit came.
   *
   * @returns to be called when its lease is settled
   * @throws TridcommError `E_LIMIT`
   */
  add(nowMs: number): () => void {
    for (const lease of this.#leases) {
      if (nowMs < lease.untilMs) break;
      this.#leases.delete(lease);
    }
    if (this.#leases.size >= this.#most) throw new TridcommError('E_LIMIT', `more than ${this.#most} leases of a work`);
    const lease = { untilMs: nowMs + limits.leaseMs };
    this.#leases.add(lease);
    return () => void this.#leases.delete(lease);
  }
}
