/** Something to time: does its work `times` times; `prepare` makes what it uses up, outside the time that is taken. */
export interface Work {
  (times: number): void;
  prepare?(times: number): void;
}

/**
 * Times several kinds of work in alternating rounds, so that a drift of the machine meets all of them.
 *
 * @param works - by name
 * @returns for each name, µs per call in each round
 */
export function alternate<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  rounds: number,
  roundMs: number,
): Record<Name, number[]> {
  const names = Object.keys(works) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, calibrate(works[name], roundMs)])) as Record<
    Name,
    number
  >;
  const results = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      works[name].prepare?.(times[name]);
      const started = performance.now();
      works[name](times[name]);
      results[name].push(((performance.now() - started) * 1000) / times[name]);
    }
  }
  return results;
}

/** How often to call it so that a round takes about `roundMs`; warms it up on the way. */
function calibrate(work: Work, roundMs: number): number {
  for (let times = 1; ; times *= 2) {
    work.prepare?.(times);
    const started = performance.now();
    work(times);
    const tookMs = performance.now() - started;
    if (tookMs >= roundMs / 2) return Math.max(1, Math.round((times * roundMs) / tookMs));
  }
}

/**
 * Finds out how many make a round of about so long; warms everything up on the way.
 *
 * @param run - does so many; resolves to the ms that they took
 * @param step - what counts are multiples of
 */
export async function countFor(
  run: (count: number) => Promise<number>,
  { step, most, roundMs }: { readonly step: number; readonly most: number; readonly roundMs: number },
): Promise<number> {
  for (let wanted = step; ; wanted *= 4) {
    const count = Math.min(wanted, most);
    const tookMs = await run(count);
    if (tookMs < roundMs / 4 && count < most) continue;
    return Math.max(1, Math.floor(Math.min(most, (count * roundMs) / tookMs) / step)) * step;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of the ratios of two rows of rounds, round by round. */
export function medianRatio(numerator: readonly number[], denominator: readonly number[]): number {
  return median(numerator.map((value, i) => value / denominator[i]!));
}

/** The lowest and the highest. */
export function spreadOf(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** The ratios of two rows of rounds, round by round. */
export function ratiosOf(numerator: readonly number[], denominator: readonly number[]): number[] {
  return numerator.map((value, i) => value / denominator[i]!);
}

/** The value below which a share of sorted values is. @param sorted - ascending, 1 or more */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}
