import { calibrate, Flow } from '../flow.ts';
import { median, spreadOf } from '../measure.ts';
import { mosquitto } from '../peers/mqtt.ts';
import { nats } from '../peers/nats.ts';
import type { ClientOptions, Peer } from '../peers/peer.ts';
import { rawTls } from '../peers/raw.ts';
import { Site } from '../peers/site.ts';
import { tridcomm } from '../peers/tridcomm.ts';
import { Child } from '../processes/child.ts';
import type { Role } from '../processes/role.ts';
import { mostOpenFiles, residentBytes } from '../processes/usage.ts';
import type { Row } from '../report.ts';
import { reasonOf, type Effort } from './suite.ts';

/** P12: what idle connections take of the broker's memory; and P13: what they add to the cost of a message. */
export async function runIdle(effort: Effort): Promise<readonly Row[]> {
  const files = mostOpenFiles();
  const count = Math.min(wantedConnections, files - spareFiles);
  if (count < wantedConnections) effort.note(`${count} idle connections: a process may open ${files} files here`);
  // A broker of its own for each: what it gave back to its heap would be there for the next.
  const own = async (listener: 'noise' | 'tls', name: string, costs: boolean): Promise<readonly Row[]> => {
    try {
      return await Site.with(async (site) => {
        const broker = await site.broker('none');
        const address = broker.addressOf(listener);
        const clients: ClientOptions[] = [];
        for (let i = 0; i < principals; i++) {
          const directory = await site.guest(`idle-${i}`);
          clients.push({ kind: 'tridcomm', address, directory, durability: 'memory', isInMemory: true });
        }
        const flow = costs ? await Flow.open(tridcomm(site, broker), 1, 'bench/flow') : undefined;
        try {
          return await idle(name, broker.pid, clients, count, effort, flow);
        } finally {
          await flow?.close();
        }
      });
    } catch (error) {
      return [{ name: `KiB per idle connection: ${name}`, value: undefined, unit: 'KiB', note: reasonOf(error) }];
    }
  };
  const noise = await own('noise', 'TriDComm N (Noise)', true);
  const tls = await own('tls', 'TriDComm T (TLS)', false);
  const others = await Site.with(async (site) => {
    const rows: Row[] = [];
    for (const peer of [nats(site), rawTls(site), mosquitto(site)]) {
      effort.note(peer.version);
      rows.push(...(await idleOf(peer, count, effort)));
    }
    return rows;
  });
  const goalOf = (name: string, [row]: readonly Row[], atMost: number): Row => {
    return { ...row!, name: `KiB per idle connection: ${name}, goal`, goal: 'P12', atMost };
  };
  return [...noise, ...tls, ...others, goalOf('TriDComm N (Noise)', noise, 12), goalOf('TriDComm T (TLS)', tls, 60)];
}

async function idleOf(peer: Peer, count: number, effort: Effort): Promise<readonly Row[]> {
  const name = `KiB per idle connection: ${peer.name}`;
  if (peer.absent !== undefined) return [{ name, value: undefined, unit: 'KiB', note: peer.absent }];
  try {
    const server = await peer.start(0);
    try {
      return await idle(peer.name, server.pid!, [server.publisher], count, effort);
    } finally {
      await server.end();
    }
  } catch (error) {
    return [{ name, value: undefined, unit: 'KiB', note: reasonOf(error) }];
  }
}

/** Opens connections in processes of their own, and looks at the broker before and after. @param flow - whose messages cost something */
async function idle(
  peer: string,
  pid: number,
  clients: readonly ClientOptions[],
  count: number,
  effort: Effort,
  flow?: Flow,
): Promise<readonly Row[]> {
  effort.note(`${count.toLocaleString('en')} idle connections: ${peer}`);
  const name = `KiB per idle connection: ${peer}`;
  const holders = Array.from({ length: holderCount }, () => new Child<Role>('processes/role.js', []));
  const hold = async (connections: number) => {
    const each = Math.ceil(connections / holders.length);
    await Promise.all(holders.map(async (one) => await one.call('hold', clients, each, atOnce)));
    await new Promise((resolve) => setTimeout(resolve, settleMs));
  };
  try {
    await hold(fewConnections);
    const few = flow && (await costs(flow));
    const before = residentBytes(pid);
    await hold(count);
    const after = residentBytes(pid);
    const many = flow && (await costs(flow));
    const isKnown = before !== undefined && after !== undefined;
    const value = isKnown ? (after - before) / count / 1_024 : undefined;
    return [
      { name, value, unit: 'KiB', ...(!isKnown && { note: 'no /proc' }) },
      ...(few === undefined || many === undefined ? [] : costRows(few, many, count)),
    ];
  } finally {
    await Promise.all(holders.map(async (one) => await one.end()));
  }
}

/** CPU of a message in some rounds, µs, all processes of the flow; that of the idle clients is theirs. */
async function costs(flow: Flow): Promise<readonly number[]> {
  const sending = { topics: ['bench/flow'], bytes: 256, perCall: 1_000, inFlight: 8 };
  const count = await calibrate(flow, sending, 1_000);
  const found: number[] = [];
  for (let round = 0; round < 5; round++) found.push((await flow.run({ ...sending, count })).totalUs ?? NaN);
  return found;
}

function costRows(few: readonly number[], many: readonly number[], count: number): Row[] {
  const name = 'PUB→SUB 256 B: CPU a message';
  const ratio = median(many) / median(few);
  const isKnown = Number.isFinite(ratio);
  const goal = { name: `${name}: ${count.toLocaleString('en')} idle connections ÷ ${fewConnections}`, unit: '×' };
  return [
    { name: `${name}: ${fewConnections} idle connections`, value: median(few), unit: 'µs', spread: spreadOf(few) },
    {
      name: `${name}: ${count.toLocaleString('en')} idle connections`,
      value: median(many),
      unit: 'µs',
      spread: spreadOf(many),
    },
    {
      ...goal,
      value: isKnown ? ratio : undefined,
      goal: 'P13',
      atMost: 1.2,
      note: isKnown ? 'one after the other, not alternating' : 'no /proc',
    },
  ];
}

const wantedConnections = 10_000;
const fewConnections = 10;
const spareFiles = 500;
const principals = 100;
const holderCount = 2;
const atOnce = 16;
/** What opening leaves behind is collected, and all has been told. */
const settleMs = 4_000;
