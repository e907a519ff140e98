import { calibrate, Flow, type Ran } from '../flow.ts';
import { median, ratiosOf, spreadOf } from '../measure.ts';
import type { Peer } from '../peers/peer.ts';
import type { Sending } from '../processes/role.ts';
import type { Row } from '../report.ts';
import { reasonOf, type Effort } from './suite.ts';

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

/** What peers did in the rounds of a contest; one that could not do it has a reason. */
export interface Contest {
  readonly ran: ReadonlyMap<string, readonly Ran[]>;
  readonly absent: ReadonlyMap<string, string>;
  readonly rows: readonly Row[];
}

/** Lets peers do the same in alternating rounds, so that a drift of the machine meets all of them. */
export async function contest(workload: Workload, peers: readonly Peer[], effort: Effort): Promise<Contest> {
  const { title, bytes, subscribers, topic } = workload;
  const [rounds, roundMs] = effort.quick ? [5, 400] : [9, 1_000];
  const absent = new Map<string, string>();
  const flows = new Map<Flow, Sending>();
  const results = new Map<string, Ran[]>();
  const drop = async (peer: Peer, error: unknown, flow?: Flow) => {
    absent.set(peer.name, reasonOf(error));
    results.delete(peer.name);
    if (flow === undefined) return;
    flows.delete(flow);
    await flow.close();
  };
  const perCall = workload.perCall ?? Math.max(1, Math.min(4_000, Math.floor(callBytes / bytes)));
  const sending = { topics: [topic], bytes, perCall, inFlight: workload.inFlight ?? callsInFlight };
  try {
    for (const peer of peers) {
      if (peer.absent !== undefined) {
        absent.set(peer.name, peer.absent);
        continue;
      }
      effort.note(`${title}: ${peer.name}`);
      let flow: Flow | undefined;
      try {
        flow = await Flow.open(peer, subscribers, topic);
        flows.set(flow, { ...sending, count: await calibrate(flow, sending, roundMs) });
        results.set(peer.name, []);
      } catch (error) {
        await drop(peer, error, flow);
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const [flow, plan] of flows) {
        try {
          results.get(flow.peer.name)!.push(await flow.run(plan));
        } catch (error) {
          await drop(flow.peer, error, flow);
        }
      }
    }
  } finally {
    for (const flow of flows.keys()) await flow.close();
  }
  const rows = peers.map(({ name }): Row => {
    const rates = results.get(name)?.map(({ perSecond }) => perSecond);
    if (rates === undefined)
      return { name: `${title}: ${name}`, value: undefined, unit: '/s', note: absent.get(name)! };
    return { name: `${title}: ${name}`, value: median(rates), unit: '/s', spread: spreadOf(rates) };
  });
  return { ran: results, absent, rows };
}

/** A goal on the ratio of two peers, round by round. */
export function ratioRow(
  { ran, absent }: Contest,
  name: string,
  [over, under]: readonly [string, string],
  goal: Pick<Row, 'goal' | 'atLeast' | 'atMost'>,
  what: (one: Ran) => number | undefined = ({ perSecond }) => perSecond,
): Row {
  const valuesOf = (peer: string) => ran.get(peer)?.map(what);
  const [numerator, denominator] = [valuesOf(over), valuesOf(under)];
  const isWhole = (values: readonly (number | undefined)[] | undefined): values is readonly number[] =>
    values?.every((value) => value !== undefined) === true;
  if (!isWhole(numerator) || !isWhole(denominator)) {
    const note = absent.get(over) ?? absent.get(under) ?? 'the system does not tell';
    return { name, value: undefined, unit: '×', note, ...goal };
  }
  const ratios = ratiosOf(numerator, denominator);
  return { name, value: median(ratios), unit: '×', spread: spreadOf(ratios), ...goal };
}

const callBytes = 256 * 1024;
const callsInFlight = 8;
