import { TridcommError, type TopicMatch } from '@tridcomm/core';
import { hexOf, type QueuedWork, type WorkQueues } from '@tridcomm/core/internal';
import { matchKinds } from '@tridcomm/core/link';

/** Work that one link takes. */
export interface LinkWork {
  readonly number: number;
  readonly match: TopicMatch;
  readonly work: QueuedWork;
}

/**
 * The works of one link, by their numbers.
 *
 * @spec delivery.22, delivery.27
 */
export class LinkWorks {
  readonly #queues: WorkQueues;
  readonly #send: (number: number) => QueuedWork['send'];
  readonly #works = new Map<number, LinkWork>();
  /** Numbers of works that are over: what they had may still be settled. */
  readonly #over = new Set<number>();

  /** @param send - hands a unit to the link, under the number of a work */
  constructor(queues: WorkQueues, send: (number: number) => QueuedWork['send']) {
    this.#queues = queues;
    this.#send = send;
  }

  get count(): number {
    return this.#works.size;
  }

  has(number: number): boolean {
    return this.#works.has(number);
  }

  values(): Iterable<LinkWork> {
    return this.#works.values();
  }

  /**
   * Changes the capacity of a work that is there.
   *
   * @returns false where there is none of this number
   * @throws TridcommError `E_ENCODING` for another match
   */
  change(number: number, match16: Uint8Array, capacity: number, nowMs: number): boolean {
    const found = this.#works.get(number);
    if (found === undefined) return false;
    if (found.work.tag !== hexOf(match16)) throw new TridcommError('E_ENCODING', `work ${number} with another match`);
    this.#queues.setCapacity(found.work, capacity, nowMs);
    return true;
  }

  add(number: number, match: TopicMatch, capacity: number, nowMs: number): void {
    // It is there before the first unit goes out, which comes inside of the call.
    const work = this.#queues.add(hexOf(match.match16), 0, this.#send(number), nowMs);
    this.#works.set(number, { number, match, work });
    this.#queues.setCapacity(work, capacity, nowMs);
  }

  /** @returns whether there was one; what it had goes to others */
  delete(number: number, nowMs: number): boolean {
    const found = this.#works.get(number);
    if (found === undefined) return false;
    this.#works.delete(number);
    this.#over.add(number);
    this.#queues.delete(found.work, nowMs);
    return true;
  }

  /** @throws TridcommError `E_ENCODING` for a lease that no such work ever had */
  settle(number: number, lease: number, isDone: boolean, nowMs: number): void {
    const found = this.#works.get(number);
    if (found !== undefined) this.#queues.settle(found.work, lease, isDone, nowMs);
    else if (!this.#over.has(number))
      throw new TridcommError('E_ENCODING', `settle of work ${number}, which never was`);
  }
}

/** What a work asks the edge list for. */
export function matchOfWork(match16: Uint8Array): TopicMatch {
  return { matchKind: matchKinds.exact, level: 0, match16: new Uint8Array(match16) };
}
