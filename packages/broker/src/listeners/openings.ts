import { limits } from '@tridcomm/core/internal';

/** A connection that is not an open link yet. */
export interface Opening {
  /** It is open, or gone. */
  done(): void;
}

/** Ends an opening: it took too long, or another one needs its place. */
export type EndOpening = (why: 'late' | 'displaced') => void;

/**
 * The connections that are not open links yet: none longer than 5 s, and no more than a number. A new one takes the place of the oldest
 * of the address that has the most of them, so that who opens many displaces itself.
 *
 * @spec link.8
 */
export class Openings {
  readonly #most: number;
  readonly #byAddress = new Map<string, Set<Place>>();
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#count;
  }

  /** @param address - where it comes from @param end - called once at most, and never after `done` */
  add(address: string, end: EndOpening): Opening {
    if (this.#count >= this.#most) this.#displace();
    const place: Place = { end, timer: setTimeout(() => this.#end(address, place, 'late'), limits.openingMs) };
    const places = this.#byAddress.get(address);
    if (places === undefined) this.#byAddress.set(address, new Set([place]));
    else places.add(place);
    this.#count++;
    return { done: () => void this.#remove(address, place) };
  }

  #displace(): void {
    let most: readonly [string, Set<Place>] | undefined;
    for (const entry of this.#byAddress) if (most === undefined || entry[1].size > most[1].size) most = entry;
    for (const place of most?.[1] ?? []) {
      this.#end(most![0], place, 'displaced');
      return;
    }
  }

  #end(address: string, place: Place, why: 'late' | 'displaced'): void {
    if (this.#remove(address, place)) place.end(why);
  }

  #remove(address: string, place: Place): boolean {
    const places = this.#byAddress.get(address);
    if (places?.delete(place) !== true) return false;
    clearTimeout(place.timer);
    this.#count--;
    if (places.size === 0) this.#byAddress.delete(address);
    return true;
  }
}

interface Place {
  readonly end: EndOpening;
  readonly timer: NodeJS.Timeout;
}
