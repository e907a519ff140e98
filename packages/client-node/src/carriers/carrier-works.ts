import type { TopicMatch } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import { matchKinds } from '@tridcomm/core/link';

/** Work that a member takes from a server. */
interface CarrierWork {
  readonly number: number;
  readonly match: TopicMatch;
  /** Whether the server is asked for it. */
  isAsked: boolean;
  lastLease: number;
  /** Bytes of its units that are not settled, by lease. */
  readonly leases: Map<number, number>;
}

/**
 * The work that a member takes from a server that has no leases: they are numbered here, and bound what is held for the handlers. What is given back
 * goes to nobody.
 */
export class CarrierWorks {
  readonly #mostBytes: number;
  readonly #works = new Map<number, CarrierWork>();
  #bytes = 0;

  /** @param mostBytes - of units that are not settled */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** The work of a number, made where there is none. */
  find(number: number, match16: Uint8Array): CarrierWork {
    let work = this.#works.get(number);
    if (work === undefined) {
      const match = { matchKind: matchKinds.exact, level: 0, match16 };
      work = { number, match, isAsked: false, lastLease: 0, leases: new Map() };
      this.#works.set(number, work);
    }
    return work;
  }

  /** @returns what it was, if anything */
  delete(number: number): CarrierWork | undefined {
    const work = this.#works.get(number);
    if (work === undefined) return undefined;
    this.#works.delete(number);
    for (const bytes of work.leases.values()) this.#bytes -= bytes;
    return work;
  }

  /** A unit came. @returns its work and lease; `full` where there is no room; undefined where nobody takes it any more */
  add(
    { match16 }: TopicMatch,
    { length }: Uint8Array,
  ): { readonly work: number; readonly lease: number } | 'full' | undefined {
    const tag = hexOf(match16);
    const work = [...this.#works.values()].find(({ match }) => hexOf(match.match16) === tag);
    if (work === undefined) return undefined;
    if (this.#bytes + length > this.#mostBytes) return 'full';
    this.#bytes += length;
    work.leases.set(++work.lastLease, length);
    return { work: work.number, lease: work.lastLease };
  }

  settled(number: number, lease: number): void {
    const work = this.#works.get(number);
    this.#bytes -= work?.leases.get(lease) ?? 0;
    work?.leases.delete(lease);
  }
}
