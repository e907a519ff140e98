import type { RouteSecret } from '../keys/compile-policy.ts';

/**
 * The route secrets of a group after it drew a new one.
 *
 * What was drawn earlier for the same or later periods is dropped: who was to be kept out by the new one may know it. So is what no
 * period from `firstPeriod` on needs.
 *
 * @param held - ascending by period; not changed
 * @param fromPeriod - from which on the new one counts
 * @param firstPeriod - the earliest whose tags are still in use
 * @returns ascending by period; {@link eraseDropped} ends what is not in it
 * @spec groups.19
 */
export function withRouteSecret(
  held: readonly RouteSecret[],
  fromPeriod: number,
  secret32: Uint8Array,
  firstPeriod: number,
): readonly RouteSecret[] {
  const kept = held.filter((secret) => secret.fromPeriod < fromPeriod);
  const inUse = kept.filter((_, i) => (kept[i + 1]?.fromPeriod ?? fromPeriod) > firstPeriod);
  return [...inUse, { fromPeriod, secret32 }];
}

/** Overwrites the route secrets that are not among those kept. */
export function eraseDropped(before: readonly RouteSecret[], kept: readonly RouteSecret[]): void {
  for (const secret of before) if (!kept.includes(secret)) secret.secret32.fill(0);
}
