import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';
import { WorkQueue } from './work-queue.ts';
import type { WorkLine } from './work-line.ts';
import { Work, type Held, type Taker, type Takes, type Unit } from './work.ts';

/** Why units were dropped. */
export type Dropped = 'tooOld' | 'tooOften';

/** Adjusts {@link WorkQueues}. Bytes are those of units that wait or are leased. */
export interface WorkQueuesOptions {
  /** Of one tag, of one sender, and of all. */
  readonly mostBytes: number;
  readonly mostSenderBytes: number;
  readonly mostTotalBytes: number;
  /** Of units that are leased to one link: with as many it gets no more. */
  readonly mostLeasedBytes: number;
  /** @param sender - of the unit, as it was offered */
  readonly onDropped: (why: Dropped, tag: string, sender: string) => void;
}

/**
 * Gives each unit to one of those who take work of its tag, and takes it back from who does not do it. No unit is given to two at a time.
 *
 * @spec delivery.16, delivery.21, delivery.23, delivery.24, delivery.25, delivery.26, delivery.27
 */
export class WorkQueues {
  readonly #options: WorkQueuesOptions;
  readonly #queues = new Map<string, WorkQueue>();
  readonly #senderBytes = new Map<string, number>();
  #bytes = 0;
  #lastUnit = 0;
  #lastWork = 0;
  #served = 0;
  readonly #toServe = new Set<WorkQueue>();
  #isServing = false;

  constructor(options: WorkQueuesOptions) {
    this.#options = options;
  }

  /** Bytes of all units that wait or are leased. */
  get heldBytes(): number {
    return this.#bytes;
  }

  /**
   * @param sender - its key id in hex
   * @throws TridcommError `E_LIMIT`, and none of them is taken
   */
  offer(tag: string, sender: string, units: readonly Unit[], nowMs: number): void {
    const bytes = units.reduce((sum, unit) => sum + unit.bytes.length, 0);
    this.#checkRoom(tag, sender, bytes);
    const queue = this.#queueOf(tag);
    for (const unit of units) {
      // Field by field: a spread with fields behind it costs 5 µs.
      queue.lineOf(unit).push({
        type: unit.type,
        bytes: unit.bytes,
        timestampMs: unit.timestampMs,
        isMessage: unit.isMessage,
        sender,
        number: ++this.#lastUnit,
        sinceMs: Math.min(unit.timestampMs, nowMs),
        leases: 0,
        last: 0,
        rests: undefined,
      });
    }
    this.#count(queue, sender, bytes);
    this.#serve(queue, nowMs);
  }

  /** @returns what takes work until it is deleted, as soon as it has a capacity */
  add(taker: Taker, tag: string, takes: Takes, send: Work['send']): Work {
    const queue = this.#queueOf(tag);
    const work = new Work(++this.#lastWork, queue, taker, takes, send);
    queue.works.add(work);
    return work;
  }

  setCapacity(work: Work, capacity: number, nowMs: number): void {
    work.capacity = capacity;
    this.#serve(work.queue, nowMs);
  }

  /** What it had and takes no more goes back. */
  setTakes(work: Work, takes: Takes, nowMs: number): void {
    if (takes === work.takes) return;
    const { queue, leases } = work;
    work.takes = takes;
    for (const [lease, { held }] of leases) if (!isFor(work, held.isMessage)) this.#takeBack(queue, work, lease, nowMs);
    this.#serve(queue, nowMs);
  }

  /** What it had goes back. */
  delete(work: Work, nowMs: number): void {
    const { queue, taker } = work;
    queue.works.delete(work);
    taker.passedOver.delete(work);
    for (const lease of work.leases.keys()) this.#takeBack(queue, work, lease, nowMs);
    this.#serve(queue, nowMs);
  }

  /**
   * Ends a lease; one that is over means nothing.
   *
   * @returns whether there was something to end
   * @throws TridcommError `E_ENCODING` for a lease that the work never had
   */
  settle(work: Work, lease: number, isDone: boolean, nowMs: number): boolean {
    if (lease < 1 || lease > work.lastLease)
      throw new TridcommError('E_ENCODING', `lease ${lease} of ${work.lastLease}`);
    const { queue } = work;
    const held = work.leases.get(lease)?.held;
    if (held === undefined) return false;
    if (isDone) {
      this.#release(work, lease);
      this.#forget(queue, held);
    } else {
      held.rests ??= new Map();
      held.rests.set(work.number, nowMs + restMs);
      this.#takeBack(queue, work, lease, nowMs);
    }
    this.#serve(queue, nowMs);
    return true;
  }

  /** A link that was full may have room again. */
  wake(taker: Taker, nowMs: number): void {
    this.#wake(taker);
    this.#serveAll(nowMs, fewReturned);
  }

  /** Gives nothing to anybody until the call is over: who loses its right by it, and is not looked at yet, gets nothing of another's. */
  hold(call: () => void, nowMs: number): void {
    const wasServing = this.#isServing;
    this.#isServing = true;
    try {
      call();
    } finally {
      this.#isServing = wasServing;
    }
    this.#serveAll(nowMs, fewReturned);
  }

  /** Takes back what was leased too long, and drops what is too old: to be called every half a second or more often. */
  tick(nowMs: number): void {
    for (const queue of this.#queues.values()) {
      for (const work of queue.works) {
        for (const [lease, { untilMs }] of work.leases) {
          if (untilMs > nowMs) break;
          this.#takeBack(queue, work, lease, nowMs);
        }
      }
      for (const line of queue.lines) {
        for (const held of line.takeOlder(nowMs - oldestMs)) this.#drop(queue, held, 'tooOld');
      }
      this.#toServe.add(queue);
    }
    this.#serveAll(nowMs, Infinity);
  }

  #serve(queue: WorkQueue, nowMs: number): void {
    this.#toServe.add(queue);
    this.#serveAll(nowMs, fewReturned);
  }

  /** @param mostReturned - units of a line that are passed over at most, as they rest from who could have them */
  #serveAll(nowMs: number, mostReturned: number): void {
    // Who gets a unit may call inside of that: what comes of it is done here, after it.
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      for (const queue of this.#toServe) {
        this.#toServe.delete(queue);
        this.#serveOne(queue, nowMs, mostReturned);
      }
    } finally {
      this.#isServing = false;
    }
  }

  #serveOne(queue: WorkQueue, nowMs: number, mostReturned: number): void {
    for (let line = queue.next(); line !== undefined; line = queue.next()) {
      this.#serveLine(queue, line, nowMs, mostReturned);
    }
    for (const line of queue.lines) line.rearm();
    if (queue.works.size === 0 && queue.bytes === 0) this.#queues.delete(queue.tag);
  }

  /** Gives the next unit of a line, or finds that nobody may have it. */
  #serveLine(queue: WorkQueue, line: WorkLine, nowMs: number, mostReturned: number): void {
    const mayReturn = line.returned.size > 0 && line.resting.length < mostReturned && this.#hasAnyRoom(queue, line);
    if (mayReturn && (line.isReturnedNext || !line.hasWaiting)) {
      const held = line.returned.pop()!;
      if (!this.#give(queue, held, nowMs)) {
        line.resting.push(held);
        return;
      }
      line.isReturnedNext = false;
    } else {
      const held = line.pop();
      if (held === undefined || !this.#give(queue, held, nowMs)) {
        if (held !== undefined) line.push(held);
        line.isStuck = true;
        return;
      }
      line.isReturnedNext = true;
    }
    queue.gave(line);
  }

  /** Gives a unit to who is best for it, or drops it where it is too old. @returns false where nobody may have it now */
  #give(queue: WorkQueue, held: Held, nowMs: number): boolean {
    if (isTooOld(held, nowMs)) {
      this.#drop(queue, held, 'tooOld');
      return true;
    }
    const work = this.#bestFor(queue, held, nowMs);
    if (work !== undefined) this.#lease(work, held, nowMs);
    return work !== undefined;
  }

  /** The work with the most room, of equals the one that waited longest; who had the unit last comes after all others. */
  #bestFor(queue: WorkQueue, held: Held, nowMs: number): Work | undefined {
    let best: Work | undefined;
    for (const work of queue.works) {
      if (!isFor(work, held.isMessage) || !this.#hasRoom(work) || (held.rests?.get(work.number) ?? 0) > nowMs) continue;
      if (best === undefined || isBetter(work, best, held)) best = work;
    }
    return best;
  }

  #hasAnyRoom({ works }: WorkQueue, { isOfMessages }: WorkLine): boolean {
    // All are asked: who is passed over is remembered.
    let hasRoom = false;
    for (const work of works) hasRoom = (isFor(work, isOfMessages) && this.#hasRoom(work)) || hasRoom;
    return hasRoom;
  }

  #hasRoom(work: Work): boolean {
    const { taker } = work;
    if (roomOf(work) <= 0) return false;
    if (taker.leasedBytes < this.#options.mostLeasedBytes && !taker.isFull()) return true;
    taker.passedOver.add(work);
    return false;
  }

  #lease(work: Work, held: Held, nowMs: number): void {
    const { taker } = work;
    held.leases++;
    held.last = work.number;
    work.servedAt = ++this.#served;
    work.leases.set(++work.lastLease, { held, untilMs: nowMs + limits.leaseMs });
    taker.leasedBytes += held.bytes.length;
    // When it is passed over again it comes behind the others of its link.
    taker.passedOver.delete(work);
    work.send(held, work.lastLease);
  }

  #release(work: Work, lease: number): Held | undefined {
    const held = work.leases.get(lease)?.held;
    if (held === undefined) return undefined;
    work.leases.delete(lease);
    work.taker.leasedBytes -= held.bytes.length;
    this.#wake(work.taker);
    return held;
  }

  /** Serves those first that the link had no room for; a few at a time, as the first of them may fill it again. */
  #wake({ passedOver }: Taker): void {
    let left = fewPassedOver;
    for (const work of passedOver) {
      if (left-- === 0) return;
      if (work.queue.isEmptyFor(work)) passedOver.delete(work);
      else this.#toServe.add(work.queue);
    }
  }

  #takeBack(queue: WorkQueue, work: Work, lease: number, nowMs: number): void {
    const held = this.#release(work, lease);
    if (held === undefined) return;
    if (isTooOld(held, nowMs)) this.#drop(queue, held, 'tooOld');
    else if (held.leases >= limits.leasesPerUnit) this.#drop(queue, held, 'tooOften');
    else queue.lineOf(held).takeBack(held);
  }

  #drop(queue: WorkQueue, held: Held, why: Dropped): void {
    this.#forget(queue, held);
    this.#options.onDropped(why, queue.tag, held.sender);
  }

  #forget(queue: WorkQueue, { sender, bytes }: Held): void {
    this.#count(queue, sender, -bytes.length);
  }

  #count(queue: WorkQueue, sender: string, bytes: number): void {
    queue.bytes += bytes;
    this.#bytes += bytes;
    const senderBytes = (this.#senderBytes.get(sender) ?? 0) + bytes;
    if (senderBytes === 0) this.#senderBytes.delete(sender);
    else this.#senderBytes.set(sender, senderBytes);
  }

  #checkRoom(tag: string, sender: string, bytes: number): void {
    const { mostBytes, mostSenderBytes, mostTotalBytes } = this.#options;
    const rooms = [
      ['of this topic', this.#queues.get(tag)?.bytes ?? 0, mostBytes],
      ['of this sender', this.#senderBytes.get(sender) ?? 0, mostSenderBytes],
      ['of all senders', this.#bytes, mostTotalBytes],
    ] as const;
    for (const [whose, held, most] of rooms) {
      if (held + bytes <= most) continue;
      throw new TridcommError('E_LIMIT', `${held} bytes of work ${whose} are not done yet, and ${most} may be`);
    }
  }

  #queueOf(tag: string): WorkQueue {
    let queue = this.#queues.get(tag);
    if (queue === undefined) this.#queues.set(tag, (queue = new WorkQueue(tag)));
    return queue;
  }
}

function isFor({ takes }: Work, isMessage: boolean): boolean {
  return isMessage || takes === 'everything';
}

function roomOf({ capacity, leases }: Work): number {
  return capacity - leases.size;
}

function isBetter(work: Work, than: Work, { last }: Held): boolean {
  if ((work.number === last) !== (than.number === last)) return than.number === last;
  const [room, thanRoom] = [roomOf(work), roomOf(than)];
  return room === thanRoom ? work.servedAt < than.servedAt : room > thanRoom;
}

function isTooOld({ sinceMs }: Held, nowMs: number): boolean {
  return sinceMs < nowMs - oldestMs;
}

/** How old a unit may be. */
const oldestMs = limits.maxAgeMs + limits.skewMs;
/** Who gave a unit back has it again no sooner. */
const restMs = 1_000;
/** Returned units that are passed over while something goes on; a tick looks at all. */
const fewReturned = 16;
/** Works of a link that are looked at when it has room again; a tick looks at all. */
const fewPassedOver = 16;
