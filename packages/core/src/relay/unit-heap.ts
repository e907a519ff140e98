import type { Held } from './work.ts';

/** Units, of which the oldest comes out first. What came out is not kept. */
export class UnitHeap {
  /** The unit at n is older than those at 2n + 1 and 2n + 2. */
  #units: Held[] = [];

  get size(): number {
    return this.#units.length;
  }

  push(held: Held): void {
    const units = this.#units;
    let at = units.push(held) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (units[above]!.number < held.number) break;
      units[at] = units[above]!;
      at = above;
    }
    units[at] = held;
  }

  pop(): Held | undefined {
    const units = this.#units;
    const [oldest] = units;
    const moved = units.pop();
    if (oldest === undefined || moved === undefined || units.length === 0) return oldest;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < units.length && units[below + 1]!.number < units[below]!.number) below++;
      if (below >= units.length || moved.number < units[below]!.number) break;
      units[at] = units[below]!;
      at = below;
    }
    units[at] = moved;
    return oldest;
  }

  /** Takes out all of a kind. @returns them, the oldest first */
  takeWhere(isOut: (held: Held) => boolean): Held[] {
    const inOrder = this.#units.toSorted((a, b) => a.number - b.number);
    this.#units = inOrder.filter((held) => !isOut(held));
    return inOrder.filter(isOut);
  }

  /** The least of their times; `Infinity` where there is none. What came first need not have the least. */
  leastSinceMs(): number {
    return this.#units.reduce((least, { sinceMs }) => Math.min(least, sinceMs), Infinity);
  }
}
