import { nats } from '../peers/nats.ts';
import type { Peer } from '../peers/peer.ts';
import { Site, workTopic } from '../peers/site.ts';
import { tridcomm } from '../peers/tridcomm.ts';
import { zeromq } from '../peers/zeromq.ts';
import type { Row } from '../report.ts';
import { WorkFlow } from '../work-flow.ts';
import { alternateRounds, peerRows, perSecond, ratioRow, runnerOf, type Found } from './rounds.ts';
import type { Effort } from './suite.ts';

/** P6: one who pushes, and four who work, each job for one of them. */
export async function runPipeline(effort: Effort): Promise<readonly Row[]> {
  return await Site.with(async (site) => {
    const broker = await site.broker('none');
    const ownWith = (jobsPerLeaf: number, name: string) => tridcomm(site, broker, { name, isPool: true, jobsPerLeaf });
    const own = ownWith(64, 'TriDComm, 64 jobs a leaf');
    const [plain, curve] = [nats(site), await zeromq()];
    for (const { version } of [own, plain, curve]) effort.note(version);
    const found = await pushes([own, plain, curve], mostJobs.in64s, effort);
    // Of its own: workers of both would take jobs of the same topic.
    const single = ownWith(1, 'TriDComm, 1 job a leaf');
    const singles = await pushes([single], mostJobs.in1s, effort);
    const versus = (name: string, under: Peer, atLeast: number) =>
      ratioRow(found, `${title}: ${own.name} ÷ ${name}`, [own.name, under.name], { goal: 'P6', atLeast }, perSecond);
    return [
      ...peerRows(found, [own, plain, curve], { title, unit: '/s' }, perSecond),
      ...peerRows(singles, [single], { title, unit: '/s' }, perSecond),
      versus('NATS TLS', plain, 1.2),
      versus('ZeroMQ CURVE', curve, 5),
    ];
  });
}

async function pushes(
  peers: readonly Peer[],
  most: number,
  effort: Effort,
): Promise<Found<{ readonly perSecond: number }>> {
  const [rounds, roundMs] = effort.quick ? [5, 400] : [9, 1_000];
  return await alternateRounds(title, peers, rounds, effort, async (peer) => {
    const flow = await WorkFlow.open(peer, workers, 'pull', workTopic);
    return await runnerOf(flow, { step, most, roundMs }, async (count) => {
      return await flow.push({ topic: workTopic, count, bytes, perCall, inFlight });
    });
  });
}

const bytes = 256;
const workers = 4;
const title = `PUSH→${workers} ${bytes} B`;
/** As many as 256 KiB hold. */
const perCall = 1_024;
const inFlight = 8;
/** One call of each that may be unanswered. */
const step = perCall * inFlight;
/** Jobs in a round: a broker holds 64 MiB of work and says no to more, and a job takes some 300 B there, or 900 in a leaf of its own. */
const mostJobs = { in64s: 24 * step, in1s: 7 * step } as const;
