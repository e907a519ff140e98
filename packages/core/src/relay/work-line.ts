import { UnitHeap } from './unit-heap.ts';
import type { Held } from './work.ts';

/** Units of one tag that the same works take. */
export class WorkLine {
  readonly isOfMessages: boolean;
  /** Taken back from who had them. They and those that nobody had go out in turns: units that no worker opens hold up neither. */
  readonly returned: UnitHeap = new UnitHeap();
  isReturnedNext = true;
  /** While units are given out: taken out of {@link returned}, and nobody may have them now. */
  readonly resting: Held[] = [];
  /** While units are given out: nobody may have the next one. */
  isStuck = false;
  readonly #waiting = new UnitHeap();
  /** No unit here is older. */
  #sinceMs = Infinity;

  constructor(isOfMessages: boolean) {
    this.isOfMessages = isOfMessages;
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

  /** When units have been given out: everything may be tried again. */
  rearm(): void {
    this.isStuck = false;
    for (const held of this.resting) this.takeBack(held);
    this.resting.length = 0;
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
