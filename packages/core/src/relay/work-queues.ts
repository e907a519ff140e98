import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';

/** What one of many is to do: an envelope, or a leaf of a Merkle batch as a job. */
export interface Unit {
  readonly type: 'leased' | 'job';
  readonly bytes: Uint8Array;
  /** Of its envelope. */
  readonly timestampMs: number;
}

/** A unit in the hands of the broker. */
interface Held extends Unit {
  leases: number;
  /** Who had it last. */
  last: Work | undefined;
}

interface Lease {
  readonly held: Held;
  readonly untilMs: number;
}

/** Why units were dropped. */
export type Dropped = 'tooOld' | 'tooOften';

/** Adjusts {@link WorkQueues}. */
export interface WorkQueuesOptions {
  /** Of units that wait for one tag, and that wait in all. */
  readonly mostBytes: number;
  readonly mostTotalBytes: number;
  /** Of units that are leased to one work; a single one may be larger. */
  readonly mostLeasedBytes: number;
  readonly onDropped: (why: Dropped, tag: string) => void;
}

/** Work that a link takes, of one tag. */
export class Work {
  readonly tag: string;
  readonly send: (unit: Unit, lease: number) => void;
  /** Units that it may have at a time. */
  capacity: number;
  /** By lease, in their order. */
  readonly leases: Map<number, Lease> = new Map();
  leasedBytes = 0;
  lastLease = 0;
  /** When it was last given a unit, in the order of all. */
  servedAt = 0;

  /** @param send - hands a unit to the link; must not throw */
  constructor(tag: string, capacity: number, send: (unit: Unit, lease: number) => void) {
    this.tag = tag;
    this.capacity = capacity;
    this.send = send;
  }

  get room(): number {
    return this.capacity - this.leases.size;
  }
}

/** What waits for one tag, and who works on it. */
class Queue {
  readonly works = new Set<Work>();
  /** Given back: older than all that waits, the newest last. */
  readonly returned: Held[] = [];
  #waiting: Held[] = [];
  #first = 0;
  bytes = 0;

  get isEmpty(): boolean {
    return this.returned.length === 0 && this.#first === this.#waiting.length;
  }

  get oldest(): Held | undefined {
    return this.returned.at(-1) ?? this.#waiting[this.#first];
  }

  push(held: Held): void {
    this.#waiting.push(held);
  }

  shift(): void {
    if (this.returned.pop() !== undefined) return;
    this.#first++;
    if (this.#first < 1_024 || this.#first * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}

/**
 * Gives each unit to one of those who take work of its tag, and takes it back from who does not do it. No unit is given to two at a time.
 *
 * @spec delivery.23, delivery.24, delivery.25, delivery.26, delivery.27
 */
export class WorkQueues {
  readonly #options: WorkQueuesOptions;
  readonly #queues = new Map<string, Queue>();
  #bytes = 0;
  #served = 0;

  constructor(options: WorkQueuesOptions) {
    this.#options = options;
  }

  /** Bytes of units that wait. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** @throws TridcommError `E_LIMIT`, and none of them is taken */
  offer(tag: string, units: readonly Unit[], nowMs: number): void {
    const queue = this.#queueOf(tag);
    const bytes = units.reduce((sum, unit) => sum + unit.bytes.length, 0);
    const { mostBytes, mostTotalBytes } = this.#options;
    if (queue.bytes + bytes > mostBytes || this.#bytes + bytes > mostTotalBytes) {
      this.#forgetIfIdle(tag, queue);
      throw new TridcommError('E_LIMIT', `${queue.bytes} bytes of work wait for this topic`);
    }
    for (const unit of units) queue.push({ ...unit, leases: 0, last: undefined });
    this.#count(queue, bytes);
    this.#serve(tag, queue, nowMs);
  }

  /** @returns what takes work from now on, until it is deleted */
  add(tag: string, capacity: number, send: Work['send'], nowMs: number): Work {
    const work = new Work(tag, capacity, send);
    const queue = this.#queueOf(tag);
    queue.works.add(work);
    this.#serve(tag, queue, nowMs);
    return work;
  }

  setCapacity(work: Work, capacity: number, nowMs: number): void {
    work.capacity = capacity;
    this.#serve(work.tag, this.#queueOf(work.tag), nowMs);
  }

  /** What it had goes back. */
  delete(work: Work, nowMs: number): void {
    const queue = this.#queueOf(work.tag);
    queue.works.delete(work);
    for (const lease of [...work.leases.keys()].toReversed()) this.#takeBack(queue, work, lease, nowMs);
    this.#serve(work.tag, queue, nowMs);
    this.#forgetIfIdle(work.tag, queue);
  }

  /**
   * Ends a lease; one that is over means nothing.
   *
   * @throws TridcommError `E_ENCODING` for a lease that the work never had
   */
  settle(work: Work, lease: number, isDone: boolean, nowMs: number): void {
    if (lease < 1 || lease > work.lastLease)
      throw new TridcommError('E_ENCODING', `lease ${lease} of ${work.lastLease}`);
    const queue = this.#queueOf(work.tag);
    if (isDone) this.#release(work, lease);
    else this.#takeBack(queue, work, lease, nowMs);
    this.#serve(work.tag, queue, nowMs);
  }

  /** Takes back what was leased too long, and drops what is too old: to be called every half a second or more often. */
  tick(nowMs: number): void {
    for (const [tag, queue] of this.#queues) {
      for (const work of queue.works) {
        for (const [lease, { untilMs }] of work.leases) {
          if (untilMs > nowMs) break;
          this.#takeBack(queue, work, lease, nowMs);
        }
      }
      this.#serve(tag, queue, nowMs);
      this.#forgetIfIdle(tag, queue);
    }
  }

  #serve(tag: string, queue: Queue, nowMs: number): void {
    for (let held = queue.oldest; held !== undefined; held = queue.oldest) {
      if (isTooOld(held, nowMs)) {
        queue.shift();
        this.#count(queue, -held.bytes.length);
        this.#options.onDropped('tooOld', tag);
        continue;
      }
      const work = this.#bestFor(queue, held);
      if (work === undefined) return;
      queue.shift();
      this.#count(queue, -held.bytes.length);
      this.#lease(work, held, nowMs);
    }
  }

  /** The work with the most room, of equals the one that waited longest; who had the unit last comes after all others. */
  #bestFor(queue: Queue, held: Held): Work | undefined {
    let best: Work | undefined;
    for (const work of queue.works) {
      if (work.room <= 0 || !this.#fits(work, held)) continue;
      if (best === undefined || isBetter(work, best, held)) best = work;
    }
    return best;
  }

  #fits(work: Work, { bytes }: Held): boolean {
    return work.leases.size === 0 || work.leasedBytes + bytes.length <= this.#options.mostLeasedBytes;
  }

  #lease(work: Work, held: Held, nowMs: number): void {
    held.leases++;
    held.last = work;
    work.servedAt = ++this.#served;
    work.leases.set(++work.lastLease, { held, untilMs: nowMs + limits.leaseMs });
    work.leasedBytes += held.bytes.length;
    work.send(held, work.lastLease);
  }

  #release(work: Work, lease: number): Held | undefined {
    const held = work.leases.get(lease)?.held;
    if (held === undefined) return undefined;
    work.leases.delete(lease);
    work.leasedBytes -= held.bytes.length;
    return held;
  }

  #takeBack(queue: Queue, work: Work, lease: number, nowMs: number): void {
    const held = this.#release(work, lease);
    if (held === undefined) return;
    if (held.leases >= limits.leasesPerUnit || isTooOld(held, nowMs)) {
      this.#options.onDropped(isTooOld(held, nowMs) ? 'tooOld' : 'tooOften', work.tag);
      return;
    }
    queue.returned.push(held);
    this.#count(queue, held.bytes.length);
  }

  #count(queue: Queue, bytes: number): void {
    queue.bytes += bytes;
    this.#bytes += bytes;
  }

  #queueOf(tag: string): Queue {
    let queue = this.#queues.get(tag);
    if (queue === undefined) this.#queues.set(tag, (queue = new Queue()));
    return queue;
  }

  #forgetIfIdle(tag: string, queue: Queue): void {
    if (queue.works.size === 0 && queue.isEmpty) this.#queues.delete(tag);
  }
}

function isBetter(work: Work, than: Work, { last }: Held): boolean {
  if ((work === last) !== (than === last)) return than === last;
  return work.room === than.room ? work.servedAt < than.servedAt : work.room > than.room;
}

function isTooOld({ timestampMs }: Unit, nowMs: number): boolean {
  return nowMs - timestampMs > limits.maxAgeMs + limits.skewMs;
}
