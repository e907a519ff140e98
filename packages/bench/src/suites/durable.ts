import { statfsSync } from 'node:fs';
import { nats } from '../peers/nats.ts';
import { Site } from '../peers/site.ts';
import { tridcomm } from '../peers/tridcomm.ts';
import type { Row } from '../report.ts';
import { contest } from './contest.ts';
import { perSecond, ratioRow } from './rounds.ts';
import type { Effort } from './suite.ts';

/** P9: messages that are acknowledged when they are on the disk. JetStream acknowledges before it syncs. */
export async function runDurable(effort: Effort): Promise<readonly Row[]> {
  return await Site.with(async (site) => {
    const broker = await site.broker('disk');
    const own = tridcomm(site, broker, { name: 'TriDComm, disk', durability: 'disk' });
    const peer = nats(site, 'jetstream');
    for (const { version } of [own, peer]) effort.note(version);
    if (statfsSync(site.folder).type === tmpfsType)
      effort.note(`${site.folder} is in memory: a sync costs nothing there`);
    const workload = { title: 'stored and acknowledged 256 B', bytes: 256, subscribers: 0, topic: 'bench/stored' };
    // Some 8,000 in flight at both: more do not make JetStream faster.
    const found = await contest({ ...workload, perCall: 1_000, inFlight: 8 }, [own, peer], effort);
    return [
      ...found.rows,
      ratioRow(
        found,
        `${workload.title}: TriDComm ÷ JetStream`,
        [own.name, peer.name],
        { goal: 'P9', atLeast: 20 },
        perSecond,
      ),
    ];
  });
}

/** Of Linux. */
const tmpfsType = 0x01021994;
