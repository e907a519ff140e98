import type { RouteSecret } from '../keys/compile-policy.ts';
import { tagPeriod } from '../topics/tags.ts';

/**
 * The period from which on a route secret that is drawn now can count, so that nothing is on its way under another: a sender that has not heard
 * of it yet seals by its view for `max_head_age` at most. Where that is many periods, the third from now on, as no more secrets than eight are
 * held at a time.
 *
 * @spec groups.19
 */
export function firstUnusedPeriod(
  nowMs: number,
  { periodMs, maxHeadAgeMs }: { readonly periodMs: number; readonly maxHeadAgeMs: number },
): number {
  return tagPeriod(nowMs + Math.min(maxHeadAgeMs, 3 * periodMs), periodMs) + 1;
}

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
