import { isIPv6 } from 'node:net';
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
 * of the peer that has the most of them, so that who opens many displaces itself. A peer is an address, or a network of IPv6: who has one
 * address of it has 2^64.
 *
 * @spec link.8
 */
export class Openings {
  readonly #most: number;
  readonly #byPeer = new Map<string, Set<Place>>();
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
    const peer = peerOf(address);
    const place: Place = { end, timer: setTimeout(() => this.#end(peer, place, 'late'), limits.openingMs) };
    const places = this.#byPeer.get(peer);
    if (places === undefined) this.#byPeer.set(peer, new Set([place]));
    else places.add(place);
    this.#count++;
    return { done: () => void this.#remove(peer, place) };
  }

  #displace(): void {
    let most: readonly [string, Set<Place>] | undefined;
    for (const entry of this.#byPeer) if (most === undefined || entry[1].size > most[1].size) most = entry;
    for (const place of most?.[1] ?? []) {
      this.#end(most![0], place, 'displaced');
      return;
    }
  }

  #end(peer: string, place: Place, why: 'late' | 'displaced'): void {
    if (this.#remove(peer, place)) place.end(why);
  }

  #remove(peer: string, place: Place): boolean {
    const places = this.#byPeer.get(peer);
    if (places?.delete(place) !== true) return false;
    clearTimeout(place.timer);
    this.#count--;
    if (places.size === 0) this.#byPeer.delete(peer);
    return true;
  }
}

/** An address of IPv4 as it is, also where it is written as one of IPv6; of one of IPv6 the first 64 bits. */
export function peerOf(address: string): string {
  if (!isIPv6(address)) return address;
  // The parser of URLs brings it into its one form, without leading zeros and with IPv4 as two groups.
  const written = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [front = '', back] = written.split('::');
  const before = front === '' ? [] : front.split(':');
  const after = back === undefined || back === '' ? [] : back.split(':');
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return `${groups.slice(0, 4).join(':')}::/64`;
  return groups
    .slice(6)
    .map((group) => parseInt(group, 16))
    .flatMap((value) => [value >> 8, value & 0xff])
    .join('.');
}

interface Place {
  readonly end: EndOpening;
  readonly timer: NodeJS.Timeout;
}
