/** When a run begins, by the true clock. */
export const startMs: number = 1_800_000_000_000;
/** How often members are told that time has passed, and the broker. */
export const tickMs: number = 2_000;
export const brokerTickMs: number = 500;
/** A message and its block may still be asked for once a second, and on the way. */
export const settleMs: number = 6_000;
/** From the heal to the last words: who has lost its store takes what is younger than its start, by whatever clocks. */
export const calmMs: number = 65_000;
export const lastMs: number = 22_000;
export const skewMs: number = 30_000;
/** What clocks are wrong by at most, between two. */
export const clocksMs: number = 20_000;
/** A lease that runs out, what a traitor keeps, and doing it then, by turns with all the rest. */
export const leasesMs: number = 60_000;
/** How long before its time a rotation is told of at most. */
export const mostAheadMs: number = 15_000;
/** How long a hostile broker gives everything to the traitor: until some time after it has lost its rights. */
export const favourMs: number = 20_000;
