import { Flow } from '../flow.ts';
import { median, ratiosOf, spreadOf } from '../measure.ts';
import { nats } from '../peers/nats.ts';
import type { Peer } from '../peers/peer.ts';
import { Site } from '../peers/site.ts';
import { tridcomm } from '../peers/tridcomm.ts';
import type { Row } from '../report.ts';
import { reasonOf, type Effort } from './suite.ts';

/** One round at one rate. */
interface Measured {
  /** Sent, of what was asked. */
  readonly share: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** P10: from the call that publishes a message to the one that gets it, 256 B, at rates. What is due is published every millisecond. */
export async function runLatency(effort: Effort): Promise<readonly Row[]> {
  return await Site.with(async (site) => {
    const broker = await site.broker('none');
    const [own, plain] = [tridcomm(site, broker), nats(site)];
    for (const { version } of [own, plain]) effort.note(version);
    const flows: Flow[] = [];
    const absent = new Map<Peer, string>();
    for (const peer of [own, plain]) {
      if (peer.absent === undefined) flows.push(await Flow.open(peer, 1, topic));
      else absent.set(peer, peer.absent);
    }
    try {
      const rows: Row[] = [];
      let worstUs = 0;
      for (const { perSecond, atMost } of loads) {
        effort.note(`one-way latency at ${perSecond.toLocaleString('en')}/s`);
        const found = await measure(flows, perSecond, effort);
        rows.push(...rowsOf([own, plain], found, absent, perSecond, atMost));
        const ours = found.get(own);
        if (ours !== undefined && median(ours.map(({ share }) => share)) >= leastShare) {
          worstUs = Math.max(worstUs, median(ours.map(({ p50Us }) => p50Us)));
        }
      }
      const name = 'one-way latency: highest p50 of TriDComm below saturation';
      return [...rows, { name, value: worstUs / 1_000, unit: 'ms', goal: 'P10', atMost: 5 }];
    } finally {
      for (const flow of flows) await flow.close();
    }
  });
}

async function measure(flows: readonly Flow[], perSecond: number, effort: Effort): Promise<Map<Peer, Measured[]>> {
  const [rounds, durationMs] = effort.quick ? [3, 1_500] : [5, 5_000];
  const found = new Map<Peer, Measured[]>();
  for (let round = -1; round < rounds; round++) {
    for (const flow of flows) {
      try {
        const one = await measureOne(flow, perSecond, round < 0 ? 500 : durationMs);
        // The first round is for warmth.
        if (round >= 0) found.set(flow.peer, [...(found.get(flow.peer) ?? []), one]);
      } catch (error) {
        effort.note(`${flow.peer.name}: ${reasonOf(error)}`);
      }
    }
  }
  return found;
}

async function measureOne({ publisher, subscribers }: Flow, perSecond: number, durationMs: number): Promise<Measured> {
  const [subscriber] = subscribers;
  const most = Math.ceil((perSecond * durationMs) / 1_000) * 2;
  await subscriber!.call('arm', Infinity, most);
  const rate = await publisher.call('pace', { topic, perSecond, durationMs, bytes: 256 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { p50Us, p99Us } = await subscriber!.call('latencies');
  return { share: rate / perSecond, p50Us, p99Us };
}

function rowsOf(
  peers: readonly Peer[],
  found: ReadonlyMap<Peer, readonly Measured[]>,
  absent: ReadonlyMap<Peer, string>,
  perSecond: number,
  atMost: number,
): Row[] {
  const title = `one-way latency at ${perSecond.toLocaleString('en')}/s`;
  const rows = peers.flatMap((peer): Row[] => {
    const rounds = found.get(peer);
    if (rounds === undefined) {
      return [
        {
          name: `${title}: ${peer.name}, p50`,
          value: undefined,
          unit: 'µs',
          note: absent.get(peer) ?? 'no round ended well',
        },
      ];
    }
    const share = median(rounds.map((one) => one.share));
    const note = share < leastShare ? `only ${Math.round(share * 100)} % of that rate were sent` : undefined;
    return (['p50', 'p99'] as const).map((what) => {
      const values = rounds.map((one) => one[`${what}Us`]);
      return {
        name: `${title}: ${peer.name}, ${what}`,
        value: median(values),
        unit: 'µs',
        spread: spreadOf(values),
        ...(note !== undefined && { note }),
      };
    });
  });
  const [ours, theirs] = peers.map((peer) => found.get(peer)?.map(({ p50Us }) => p50Us));
  const goal = { name: `${title}: p50 TriDComm ÷ NATS TLS`, unit: '×', goal: 'P10', atMost };
  if (ours === undefined || theirs === undefined || ours.length !== theirs.length) {
    return [...rows, { ...goal, value: undefined, note: [...absent.values()][0] ?? 'rounds that failed' }];
  }
  const ratios = ratiosOf(ours, theirs);
  return [...rows, { ...goal, value: median(ratios), spread: spreadOf(ratios) }];
}

const topic = 'bench/latency';
const loads = [
  { perSecond: 1_000, atMost: 2.5 },
  { perSecond: 20_000, atMost: 1.5 },
  { perSecond: 100_000, atMost: 1.5 },
  { perSecond: 300_000, atMost: 0.5 },
];
/** Below it a rate is above what the peer can do. */
const leastShare = 0.95;
