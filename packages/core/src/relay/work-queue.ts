import { UnitHeap } from './unit-heap.ts';
import type { Held, Work } from './work.ts';

/** What there is to do of one tag, and who does it. */
export class WorkQueue {
  readonly tag: string;
  readonly works: Set<Work> = new Set();
  /** Of all units that are not done, leased ones too. */
  bytes = 0;
  /** Taken back from who had them. They and those that nobody had go out in turns: units that no worker opens hold up neither. */
  readonly returned: UnitHeap = new UnitHeap();
  isReturnedNext = true;
  readonly #waiting = new UnitHeap();
  /** No unit here is older. */
  #sinceMs = Infinity;

  constructor(tag: string) {
    this.tag = tag;
  }

  /** Whether there is nothing to give. */
  get isEmpty(): boolean {
    return this.returned.size + this.#waiting.size === 0;
  }

  /** Whether there is a unit that nobody had. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Takes a unit that nobody had. */
  push(held: Held): void {
    this.#waiting.push(held);
    this.#note(held);
  }

  /** Takes out the oldest that nobody had. */
  pop(): Held | undefined {
    return this.#waiting.pop();
  }

  /** Takes a unit that somebody had. */
  takeBack(held: Held): void {
    this.returned.push(held);
    this.#note(held);
  }

  /** Takes out what is older than this; it is looked through where there may be something. */
  takeOlder(thanMs: number): Held[] {
    if (this.#sinceMs >= thanMs) return [];
    const isOlder = ({ sinceMs }: Held): boolean => sinceMs < thanMs;
    const older = [...this.returned.takeWhere(isOlder), ...this.#waiting.takeWhere(isOlder)];
    this.#sinceMs = Math.min(this.returned.leastSinceMs(), this.#waiting.leastSinceMs());
    return older;
  }

  #note({ sinceMs }: Held): void {
    this.#sinceMs = Math.min(this.#sinceMs, sinceMs);
  }
}
