import { median } from '../measure.ts';
import { aedes, mosquitto } from '../peers/mqtt.ts';
import { nats } from '../peers/nats.ts';
import type { Peer } from '../peers/peer.ts';
import { rawTls } from '../peers/raw.ts';
import { Site } from '../peers/site.ts';
import { tridcomm } from '../peers/tridcomm.ts';
import { zeromq } from '../peers/zeromq.ts';
import type { Row } from '../report.ts';
import { contest, type Contest } from './contest.ts';
import { perSecond, ratioRow } from './rounds.ts';
import type { Effort } from './suite.ts';
import { topicRows } from './topics.ts';

/** One publisher; one subscriber or eight: P1 to P5, P15, and P13 for topics. */
export async function runPubsub(effort: Effort): Promise<readonly Row[]> {
  return await Site.with(async (site) => {
    const broker = await site.broker('none');
    const [own, plain, secured] = [tridcomm(site, broker), nats(site), nats(site, 'secured')];
    const others = [mosquitto(site), aedes(site), await zeromq(), rawTls(site)];
    for (const { version } of [own, plain, ...others]) effort.note(version);
    // Without --quick everybody does everything.
    const some = (more: readonly Peer[]) => (effort.quick ? more : others);
    const run = async (bytes: number, subscribers: number, more: readonly Peer[]) =>
      await contest(
        { title: titleOf(bytes, subscribers), bytes, subscribers, topic: 'bench/flow' },
        [own, plain, ...more],
        effort,
      );
    const small = await run(64, 1, others);
    const middle = await run(256, 1, [secured, ...others]);
    const large = new Map<number, Contest>();
    for (const bytes of [1_024, 16_384, 262_144]) large.set(bytes, await run(bytes, 1, some([])));
    const fans = new Map<number, Contest>();
    for (const bytes of [256, 16_384]) fans.set(bytes, await run(bytes, fanOut, some([])));
    const versus = (one: Contest, bytes: number, subscribers: number, goal: string, atLeast: number) =>
      ratioRow(
        one,
        `${titleOf(bytes, subscribers)}: TriDComm ÷ NATS TLS`,
        [own.name, plain.name],
        { goal, atLeast },
        perSecond,
      );
    return [
      ...[small, middle, ...large.values(), ...fans.values()].flatMap(({ rows }) => rows),
      versus(small, 64, 1, 'P1', 4),
      versus(middle, 256, 1, 'P2', 2),
      ...[...large].map(([bytes, one]) => versus(one, bytes, 1, 'P3', bytes === 1_024 ? 1.1 : 1)),
      ratioRow(
        middle,
        'PUB→SUB 256 B: TriDComm ÷ NATS with AES-GCM and Ed25519 a message',
        [own.name, secured.name],
        {
          goal: 'P4',
          atLeast: 100,
        },
        perSecond,
      ),
      ...[...fans].map(([bytes, one]) => versus(one, bytes, fanOut, 'P5', bytes === 256 ? 1.3 : 0.9)),
      ...brokerRows(middle, titleOf(256, 1), own.name, plain.name),
      ...brokerRows(fans.get(256)!, titleOf(256, fanOut), own.name, plain.name),
      ...(await topicRows(own, effort)),
    ];
  });
}

/** P15: what a delivered message costs the broker. */
function brokerRows(one: Contest, title: string, own: string, plain: string): Row[] {
  const costOf = (peer: string): Row => {
    const values = one.ran.get(peer)?.map(({ brokerUs }) => brokerUs);
    const isKnown = values?.every((value) => value !== undefined) === true;
    const value = isKnown ? median(values) : undefined;
    return {
      name: `${title}, CPU of the broker: ${peer}`,
      value,
      unit: 'µs',
      ...(!isKnown && { note: one.absent.get(peer) ?? 'no /proc' }),
    };
  };
  return [
    costOf(own),
    costOf(plain),
    ratioRow(
      one,
      `${title}, CPU of the broker: TriDComm ÷ NATS TLS`,
      [own, plain],
      { goal: 'P15', atMost: 1 / 3 },
      (ran) => ran.brokerUs,
    ),
  ];
}

function titleOf(bytes: number, subscribers: number): string {
  const size = bytes < 1_024 ? `${bytes} B` : `${bytes / 1_024} KiB`;
  return subscribers === 1 ? `PUB→SUB ${size}` : `1→${subscribers} fan-out ${size}`;
}

const fanOut = 8;
