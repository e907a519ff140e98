/**
 * A clock that stands still until it is told to go on, with what is to be done on the way.
 *
 * Actions run in the order of their times, those of one time in the order in which they were asked for; so a run that draws its
 * times from a seed is the same on every machine.
 */
export class ManualClock {
  #nowMs: number;
  #sequence = 0;
  /** A binary heap: no element is due before the one at half its place. */
  readonly #heap: Timer[] = [];

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Actions that wait. */
  get waitingCount(): number {
    return this.#heap.length;
  }

  /** Runs `action` at that time; where it has passed, at the next chance. */
  at(timeMs: number, action: () => void): void {
    const timer = { timeMs: Math.max(timeMs, this.#nowMs), sequence: this.#sequence++, action };
    const heap = this.#heap;
    let place = heap.push(timer) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (isBefore(heap[parent]!, timer)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = timer;
  }

  /** Runs `action` so much later. */
  after(delayMs: number, action: () => void): void {
    this.at(this.#nowMs + delayMs, action);
  }

  /** Goes on to a time that is not past, and does on the way what is due up to and at it, what is asked for meanwhile included. */
  advanceTo(timeMs: number): void {
    while (this.runNext(timeMs));
    this.#nowMs = Math.max(this.#nowMs, timeMs);
  }

  /** Goes on to what is due next, where that is not after `timeMs`, and does that alone. @returns false where there is nothing */
  runNext(timeMs: number): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.timeMs > timeMs) return false;
    this.#removeFirst();
    this.#nowMs = next.timeMs;
    next.action();
    return true;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let place = 0;
    for (let child = 1; child < heap.length; child = 2 * place + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
  }
}

interface Timer {
  readonly timeMs: number;
  readonly sequence: number;
  readonly action: () => void;
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.sequence < b.sequence);
}
