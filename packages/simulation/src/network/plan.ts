/** What happens in a run over links, drawn from its seed before anything runs. */
import { SeededRandom } from '@tridcomm/core/testing';
import type { WireQuality } from './wire.ts';

export type AskedDurability = 'none' | 'memory' | 'disk';

export interface NetworkMember {
  readonly name: string;
  readonly writes: boolean;
  /** Subscribes to news. */
  readonly live: boolean;
  /** Reads the log, from its cursor. */
  readonly log: boolean;
  readonly isTls: boolean;
  /** What its clock is ahead of the true time. */
  readonly skewMs: number;
  /** What may wait for its application. */
  readonly windowBytes: number;
  readonly lingerMs: number;
  /** How long it works on a batch of the log before it acknowledges. */
  readonly workMs: number;
}

export type BrokerEnd = 'kill' | 'power cut' | 'drain';
export type WireFault = 'break' | 'silence' | 'one way';
export type DiskTrouble = 'sync fails' | 'write fails' | 'full';

export type NetworkStep =
  | {
      readonly do: 'publish';
      readonly member: string;
      readonly topic: number;
      readonly count: number;
      readonly durability: AskedDurability;
      /** When its application gives up; undefined where it waits for what the client says. */
      readonly deadlineMs: number | undefined;
    }
  | { readonly do: 'rotate'; readonly aheadMs: number }
  | { readonly do: 'condemn' | 'trim' }
  | { readonly do: 'cut'; readonly member: string | undefined; readonly how: WireFault }
  | { readonly do: 'stall'; readonly member: string | undefined; readonly forMs: number }
  | { readonly do: 'isolate'; readonly member: string; readonly forMs: number }
  | { readonly do: 'crash'; readonly member: string; readonly downMs: number; readonly how: 'kill' | 'close' | 'lose' }
  | { readonly do: 'slow'; readonly member: string; readonly forMs: number }
  | { readonly do: 'end broker'; readonly how: BrokerEnd; readonly downMs: number }
  | { readonly do: 'trouble'; readonly what: DiskTrouble; readonly forMs: number };

export interface TimedNetworkStep {
  readonly atMs: number;
  readonly step: NetworkStep;
}

export interface NetworkPlan {
  readonly seed: number;
  readonly members: readonly NetworkMember[];
  /** Of the group's one rule, and what readers subscribe to. */
  readonly pattern: string;
  readonly topics: readonly string[];
  readonly suite: number;
  readonly periodMs: number;
  readonly wire: WireQuality;
  /** How long the disk takes for one thing, at most. */
  readonly diskMs: number;
  readonly segmentBytes: number;
  /** What the log holds of bytes; everything without it. */
  readonly retentionBytes: number | undefined;
  /** Of live envelopes that wait for one link. */
  readonly mostQueuedBytes: number;
  readonly brokerSkewMs: number;
  /** By time, counted from the start. */
  readonly steps: readonly TimedNetworkStep[];
  /** When all trouble ends. */
  readonly healMs: number;
}

/** The member that is revoked on the way. */
export const condemnedName = 'traitor';

/** The plan of a seed. */
export function networkPlanOf(seed: number): NetworkPlan {
  const random = new SeededRandom(seed, 2);
  const members = membersOf(random);
  const healMs = random.between(20, 32) * 1_000;
  const hasChains = random.chance(0.5);
  const topics = hasChains ? ['n/x', 'n/y'] : ['n/x'];
  const steps = [
    ...publications(random, members, topics, healMs),
    ...mishaps(random, members, healMs),
    ...administration(random, healMs),
  ];
  steps.sort((a, b) => a.atMs - b.atMs);
  return {
    seed,
    members,
    pattern: hasChains ? 'n/**' : 'n/x',
    topics,
    suite: random.pick([1, 2]),
    periodMs: random.chance(0.25) ? 60_000 : 86_400_000,
    wire: {
      minDelayMs: 1,
      maxDelayMs: random.pick([2, 20, 150]),
      pieceShare: random.pick([0, 0.1, 0.5]),
      systemBytes: random.pick([1_024, 16_384]),
      weight: random.pick([1, 100]),
    },
    diskMs: random.pick([1, 10, 60]),
    segmentBytes: random.pick([4_096, 16_384, 1_048_576]),
    retentionBytes: random.chance(0.2) ? random.pick([6_000, 12_000]) : undefined,
    mostQueuedBytes: random.pick([4_096, 1_048_576]),
    brokerSkewMs: random.between(-8_000, 8_000),
    steps,
    healMs,
  };
}

function membersOf(random: SeededRandom): NetworkMember[] {
  const member = (name: string, part: Pick<NetworkMember, 'writes' | 'live' | 'log'>): NetworkMember => ({
    name,
    ...part,
    isTls: random.chance(0.5),
    skewMs: random.between(-8_000, 8_000),
    windowBytes: random.pick([2_500, 6_000, 4_194_304]),
    lingerMs: random.pick([0, 0, 20]),
    workMs: random.pick([0, 30, 2_000, 2_000]),
  });
  const reads = (): Pick<NetworkMember, 'live' | 'log'> => ({ live: random.chance(0.5), log: random.chance(0.6) });
  return [
    member('writer0', { writes: true, live: false, log: false }),
    member('writer1', { writes: true, ...reads() }),
    member('reader0', { writes: false, live: true, log: random.chance(0.4) }),
    member('reader1', { writes: false, live: random.chance(0.3), log: true }),
    member(condemnedName, { writes: true, live: true, log: random.chance(0.4) }),
  ];
}

function publications(
  random: SeededRandom,
  members: readonly NetworkMember[],
  topics: readonly string[],
  healMs: number,
): TimedNetworkStep[] {
  const steps: TimedNetworkStep[] = [];
  for (const { name } of members.filter(({ writes }) => writes)) {
    for (let i = random.between(5, 8); i > 0; i--) {
      const atMs = random.between(2_500, healMs - 1_000);
      for (let burst = random.chance(0.3) ? random.between(2, 4) : 1; burst > 0; burst--) {
        const step: NetworkStep = {
          do: 'publish',
          member: name,
          topic: random.below(topics.length),
          count: random.pick([1, 1, 2, 5]),
          durability: random.pick(['none', 'memory', 'memory', 'disk', 'disk', 'disk']),
          deadlineMs: random.chance(0.3) ? random.pick([200, 3_000, 15_000]) : undefined,
        };
        steps.push({ atMs: atMs + random.pick([0, 0, 5]), step });
      }
    }
  }
  return steps;
}

function mishaps(random: SeededRandom, members: readonly NetworkMember[], healMs: number): TimedNetworkStep[] {
  const steps: TimedNetworkStep[] = [];
  const anybody = (): string => random.pick(members).name;
  const readers = members.filter(({ live, log }) => live || log).map(({ name }) => name);
  const kinds: readonly (() => NetworkStep)[] = [
    () => ({
      do: 'cut',
      member: random.chance(0.3) ? undefined : anybody(),
      how: random.pick(['break', 'break', 'silence', 'one way']),
    }),
    () => ({
      do: 'stall',
      member: random.chance(0.3) ? undefined : anybody(),
      forMs: random.pick([300, 3_000, 12_000]),
    }),
    () => ({ do: 'isolate', member: anybody(), forMs: random.pick([2_000, 8_000]) }),
    () => ({
      do: 'crash',
      member: anybody(),
      downMs: random.pick([0, 500, 5_000]),
      how: random.pick(['kill', 'kill', 'close', 'lose']),
    }),
    // Most of all in the middle of work that is not acknowledged.
    () => ({ do: 'crash', member: random.pick(readers), downMs: random.pick([0, 500]), how: 'kill' }),
    () => ({ do: 'slow', member: random.pick(readers), forMs: random.pick([1_000, 6_000, 12_000]) }),
    () => ({
      do: 'end broker',
      how: random.pick(['kill', 'power cut', 'power cut', 'drain']),
      downMs: random.pick([0, 500, 5_000]),
    }),
    () => ({
      do: 'end broker',
      how: random.pick(['kill', 'power cut', 'power cut', 'drain']),
      downMs: random.pick([0, 500, 5_000]),
    }),
    () => ({
      do: 'trouble',
      what: random.pick(['sync fails', 'write fails', 'full']),
      forMs: random.pick([100, 2_000, 8_000]),
    }),
  ];
  // At least three in every run.
  for (let i = random.between(3, 6); i > 0; i--) {
    steps.push({ atMs: random.between(4_000, healMs - 4_000), step: random.pick(kinds)() });
  }
  return steps;
}

function administration(random: SeededRandom, healMs: number): TimedNetworkStep[] {
  const steps: TimedNetworkStep[] = [];
  const sometime = (): number => random.between(4_000, healMs - 4_000);
  for (let i = 0; i < 2; i++) {
    if (random.chance(0.4)) {
      const aheadMs = random.chance(0.4) ? random.between(2, 8) * 1_000 : 0;
      steps.push({ atMs: sometime(), step: { do: 'rotate', aheadMs } });
    }
  }
  if (random.chance(0.3)) steps.push({ atMs: sometime(), step: { do: 'trim' } });
  if (random.chance(0.7)) steps.push({ atMs: sometime(), step: { do: 'condemn' } });
  return steps;
}
