import { TridcommError, type TopicMatch } from '@tridcomm/core';
import { hexOf, limits, type QueuedWork, Taker, type Takes, type Unit, type WorkQueues } from '@tridcomm/core/internal';
import { matchKinds } from '@tridcomm/core/link';

/** Work that one link takes. */
export interface LinkWork {
  readonly number: number;
  readonly match: TopicMatch;
  readonly work: QueuedWork;
}

/** Whose works they are. */
export interface WorksHost {
  /** Whether it is to get nothing now. */
  readonly isFull: boolean;
  /** Must not throw. @param work - its number */
  sendUnit(work: number, lease: number, unit: Unit): void;
}

/** What is there where there was a work. */
interface Own {
  readonly taker: Taker;
  readonly works: Map<number, LinkWork>;
  /** The numbers of works by their tags. */
  readonly numbers: Map<string, number>;
  /** The last leases of works that are over, by their numbers: what they had may still be settled. Those that ended last are kept. */
  readonly over: Map<number, number>;
}

/**
 * The works of one link, by their numbers.
 *
 * @spec delivery.22, delivery.27
 */
export class LinkWorks {
  readonly #queues: WorkQueues;
  readonly #host: WorksHost;
  /** Undefined until there was one: there may be very many links that only wait. */
  #own: Own | undefined;

  constructor(queues: WorkQueues, host: WorksHost) {
    this.#queues = queues;
    this.#host = host;
  }

  get count(): number {
    return this.#own?.works.size ?? 0;
  }

  has(number: number): boolean {
    return this.#own?.works.has(number) === true;
  }

  values(): Iterable<LinkWork> {
    return this.#own?.works.values() ?? [];
  }

  /**
   * Changes the capacity of a work that is there.
   *
   * @returns false where there is none of this number
   * @throws TridcommError `E_ENCODING` for another match, and for the match of another
   */
  change(number: number, match16: Uint8Array, capacity: number, nowMs: number): boolean {
    const numberOfMatch = this.#own?.numbers.get(hexOf(match16));
    const found = this.#own?.works.get(number);
    if (found === undefined && numberOfMatch === undefined) return false;
    if (found === undefined || numberOfMatch !== number) {
      throw new TridcommError('E_ENCODING', `work ${number} with a match that is not its own`);
    }
    this.#queues.setCapacity(found.work, capacity, nowMs);
    return true;
  }

  add(number: number, match: TopicMatch, takes: Takes, capacity: number, nowMs: number): void {
    const host = this.#host;
    const own = (this.#own ??= {
      taker: new Taker(() => host.isFull),
      works: new Map(),
      numbers: new Map(),
      over: new Map(),
    });
    const tag = hexOf(match.match16);
    const work = this.#queues.add(own.taker, tag, takes, (unit, lease) => host.sendUnit(number, lease, unit));
    own.works.set(number, { number, match, work });
    own.numbers.set(tag, number);
    this.#queues.setCapacity(work, capacity, nowMs);
  }

  /** The link may have room again. */
  wake(nowMs: number): void {
    if (this.#own !== undefined) this.#queues.wake(this.#own.taker, nowMs);
  }

  /** @returns whether there was one; what it had goes to others */
  delete(number: number, nowMs: number): boolean {
    const own = this.#own;
    const found = own?.works.get(number);
    if (own === undefined || found === undefined) return false;
    const { work } = found;
    own.works.delete(number);
    own.numbers.delete(work.queue.tag);
    noteOver(own.over, number, work.lastLease);
    this.#queues.delete(work, nowMs);
    return true;
  }

  /**
   * @returns whether there was something to settle: a lease may be over
   * @throws TridcommError `E_ENCODING` for a lease that no such work ever had
   */
  settle(number: number, lease: number, isDone: boolean, nowMs: number): boolean {
    const found = this.#own?.works.get(number);
    if (found !== undefined) return this.#queues.settle(found.work, lease, isDone, nowMs);
    if (lease >= 1 && lease <= (this.#own?.over.get(number) ?? 0)) return false;
    throw new TridcommError('E_ENCODING', `settle of lease ${lease} of work ${number}, which never was`);
  }
}

function noteOver(over: Map<number, number>, number: number, lastLease: number): void {
  over.delete(number);
  if (lastLease > 0) over.set(number, lastLease);
  if (over.size <= limits.subsPerLink) return;
  for (const first of over.keys()) {
    over.delete(first);
    break;
  }
}

/** What a work asks the edge list for. */
export function matchOfWork(match16: Uint8Array): TopicMatch {
  return { matchKind: matchKinds.exact, level: 0, match16: new Uint8Array(match16) };
}
