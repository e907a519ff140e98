import type { RouteSecret } from '../keys/compile-policy.ts';

/** The route secret that counts for a period; undefined before the first. */
export function routeSecretAt(routeSecrets: readonly RouteSecret[], period: number): Uint8Array | undefined {
  return routeSecrets.findLast(({ fromPeriod }) => fromPeriod <= period)?.secret32;
}
