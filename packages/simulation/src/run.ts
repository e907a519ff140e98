import { runNetworkSeed } from './network/world.ts';
import { runPatternsSeed } from './patterns/world.ts';
import type { RunResult } from './run-result.ts';
import { runMessagesSeed } from './world.ts';

/**
 * Runs what a seed stands for: an even one links, a broker and its disk, all honest; one that leaves 1 divided by 4 messages between members
 * and a relay that may be hostile; one that leaves 3 requests, jobs, surveys and a bus, in some runs messages that routers forward, with workers and
 * routers that die and a broker that may be hostile.
 *
 * Each finds what the others cannot see: the first what machines and networks do to honest people, the others what an enemy makes of what it
 * is given. A run takes about the same time in all.
 */
export async function runSeed(seed: number, keepsTrace = false): Promise<RunResult> {
  if (seed % 2 === 0) return await runNetworkSeed(seed / 2, keepsTrace);
  return seed % 4 === 1
    ? runMessagesSeed((seed + 1) / 2, keepsTrace)
    : await runPatternsSeed((seed + 1) / 4, keepsTrace);
}
