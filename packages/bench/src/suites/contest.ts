import { calibrate, Flow, type Ran } from '../flow.ts';
import type { Peer } from '../peers/peer.ts';
import type { Row } from '../report.ts';
import { alternateRounds, peerRows, perSecond, type Found } from './rounds.ts';
import type { Effort } from './suite.ts';

/** What all peers of a contest do. */
export interface Workload {
  /** In front of the names of its rows. */
  readonly title: string;
  readonly bytes: number;
  readonly subscribers: number;
  readonly topic: string;
  /** Messages of one call; default as many as 256 KiB hold. */
  readonly perCall?: number;
  readonly inFlight?: number;
}

/** What peers did in the rounds of a contest, and how much of it in a second. */
export interface Contest extends Found<Ran> {
  readonly rows: readonly Row[];
}

/** Lets peers publish the same in alternating rounds. */
export async function contest(workload: Workload, peers: readonly Peer[], effort: Effort): Promise<Contest> {
  const { title, bytes, subscribers, topic } = workload;
  const [rounds, roundMs] = effort.quick ? [5, 400] : [9, 1_000];
  const perCall = workload.perCall ?? Math.max(1, Math.min(4_000, Math.floor(callBytes / bytes)));
  const sending = { topics: [topic], bytes, perCall, inFlight: workload.inFlight ?? callsInFlight };
  const found = await alternateRounds(title, peers, rounds, effort, async (peer) => {
    const flow = await Flow.open(peer, subscribers, topic);
    try {
      const plan = { ...sending, count: await calibrate(flow, sending, roundMs) };
      return { run: async () => await flow.run(plan), close: async () => await flow.close() };
    } catch (error) {
      await flow.close();
      throw error;
    }
  });
  return { ...found, rows: peerRows(found, peers, { title, unit: '/s' }, perSecond) };
}

const callBytes = 256 * 1024;
const callsInFlight = 8;
