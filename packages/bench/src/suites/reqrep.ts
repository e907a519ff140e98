import { nats } from '../peers/nats.ts';
import type { Peer } from '../peers/peer.ts';
import { Site, workTopic } from '../peers/site.ts';
import { tridcomm } from '../peers/tridcomm.ts';
import type { Asked } from '../processes/work-role.ts';
import type { Row } from '../report.ts';
import { WorkFlow } from '../work-flow.ts';
import { alternateRounds, peerRows, perSecond, ratioRow, runnerOf, type Found } from './rounds.ts';
import type { Effort } from './suite.ts';

/** P7 and P8: one who asks, and one who answers with what was asked; both sign, in TriDComm and where NATS is secured. */
export async function runReqrep(effort: Effort): Promise<readonly Row[]> {
  return await Site.with(async (site) => {
    const broker = await site.broker('none');
    const [own, plain, secured] = [tridcomm(site, broker, { isPool: true }), nats(site), nats(site, 'secured')];
    for (const { version } of [own, plain]) effort.note(version);
    const one = await requests([own, plain, secured], 1, effort);
    const many = await requests([own, plain, secured], 64, effort);
    const p50Of = (name: string, under: Peer, atMost: number) =>
      ratioRow(one, `${titleOf(1)}: p50 TriDComm ÷ ${name}`, [own.name, under.name], { goal: 'P7', atMost }, p50);
    return [
      ...timeRows(one, [own, plain, secured], 1),
      ...timeRows(many, [own, plain, secured], 64),
      ...peerRows(many, [own, plain, secured], { title: titleOf(64), unit: '/s' }, perSecond),
      p50Of('NATS TLS', plain, 2),
      p50Of('NATS with AES-GCM and Ed25519 a message', secured, 0.8),
      {
        name: `${titleOf(1)}: p50 TriDComm in a PAIR session ÷ NATS TLS`,
        value: undefined,
        unit: '×',
        note: 'PAIR is not there yet',
        goal: 'P7',
        atMost: 0.7,
      },
      ratioRow(
        many,
        `${titleOf(64)}: TriDComm ÷ NATS TLS`,
        [own.name, plain.name],
        { goal: 'P8', atLeast: 2.5 },
        perSecond,
      ),
    ];
  });
}

async function requests(peers: readonly Peer[], inFlight: number, effort: Effort): Promise<Found<Asked>> {
  const [rounds, roundMs] = effort.quick ? [5, 1_000] : [9, 2_000];
  return await alternateRounds(titleOf(inFlight), peers, rounds, effort, async (peer) => {
    const flow = await WorkFlow.open(peer, 1, 'respond', workTopic);
    return await runnerOf(flow, { step, most: mostRequests, roundMs }, async (count) => {
      return await flow.ask({ topic: workTopic, count, bytes, inFlight });
    });
  });
}

function timeRows(found: Found<Asked>, peers: readonly Peer[], inFlight: number): Row[] {
  const title = titleOf(inFlight);
  return [
    ...peerRows(found, peers, { title, suffix: ', p50', unit: 'µs' }, p50),
    ...peerRows(found, peers, { title, suffix: ', p99', unit: 'µs' }, ({ p99Us }) => p99Us),
  ];
}

function p50({ p50Us }: Asked): number {
  return p50Us;
}

function titleOf(inFlight: number): string {
  return `REQ/REP ${bytes} B, ${inFlight} in flight`;
}

/** Of a request, and of its answer. */
const bytes = 256;
/** Fewer would tell nothing of the slowest in a hundred. */
const step = 128;
const mostRequests = 1_000_000;
