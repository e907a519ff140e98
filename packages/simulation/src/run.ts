import { runNetworkSeed } from './network/world.ts';
import type { RunResult } from './run-result.ts';
import { runMessagesSeed } from './world.ts';

/**
 * Runs what a seed stands for: an even one links, a broker and its disk, all honest; an odd one messages between members and a relay that
 * may be hostile.
 *
 * Half and half, as each finds what the other cannot see: the one what machines and networks do to honest people, the other what an enemy
 * makes of what it is given. A run takes about the same time in both.
 */
export async function runSeed(seed: number, keepsTrace = false): Promise<RunResult> {
  return seed % 2 === 0 ? await runNetworkSeed(seed / 2, keepsTrace) : runMessagesSeed((seed + 1) / 2, keepsTrace);
}
