/** How often something happened, by name. */
export class Tally {
  readonly counts: Map<string, number> = new Map<string, number>();

  add(name: string, times = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + times);
  }

  get total(): number {
    let sum = 0;
    for (const times of this.counts.values()) sum += times;
    return sum;
  }
}
