/** What happens in a run, drawn from its seed before anything runs. */
import { SeededRandom, soundLink, type LinkQuality } from '@tridcomm/core/testing';
import { calm, type Mood, type ObjectKind } from './hostile-relay.ts';

export interface GroupPlan {
  readonly patterns: readonly string[];
  /** Covers all patterns. */
  readonly everything: string;
  readonly topics: readonly string[];
  /** 1 list, 2 complete subtree. */
  readonly blockKind: number;
  readonly suite: number;
  readonly maxHeadAgeMs: number;
  readonly epochLifeMs: number;
  readonly drainMs: number;
  readonly periodMs: number;
  readonly staleOk: boolean;
}

export interface MemberPlan {
  readonly name: string;
  readonly writes: boolean;
  readonly reads: boolean;
  /** Whether it has a store. */
  readonly durable: boolean;
  /** What its clock is ahead of the true time, within what the specification allows for. */
  readonly skewMs: number;
  /** When it is granted its rights; 0 at the start. */
  readonly joinsMs: number;
  readonly joinNow: boolean;
}

/** How somebody loses rights. */
export type Condemnation = 'revoke' | 'withdraw publish' | 'withdraw subscribe' | 'withdraw both';

export type Step =
  | {
      readonly do: 'publish';
      readonly member: string;
      readonly group: number;
      readonly topic: number;
      readonly count: number;
    }
  | { readonly do: 'rotate'; readonly group: number; readonly aheadMs: number }
  | { readonly do: 'new generation'; readonly group: number }
  | { readonly do: 'reseat'; readonly group: number; readonly member: string }
  | {
      readonly do:
        'delegate' | 'roll over' | 'snapshot' | 'restore' | 'fork' | 'rogue' | 'replay all' | 'outsider' | 'steal';
    }
  | { readonly do: 'join'; readonly member: string }
  | { readonly do: 'condemn'; readonly how: Condemnation }
  | { readonly do: 'betray'; readonly group: number; readonly topic: number }
  | { readonly do: 'restart'; readonly member: string; readonly downMs: number; readonly keepsState: boolean }
  | { readonly do: 'jump'; readonly member: string; readonly byMs: number }
  | { readonly do: 'cut'; readonly member: string; readonly forMs: number }
  | { readonly do: 'mood'; readonly mood: Mood };

export interface TimedStep {
  readonly atMs: number;
  readonly step: Step;
}

/** Who stands between the members: an honest relay behind sound links, one behind bad links, or one that is against them. */
export type Setting = 'honest' | 'rough' | 'hostile';

export interface Schedule {
  readonly seed: number;
  readonly setting: Setting;
  readonly link: LinkQuality;
  readonly groups: readonly GroupPlan[];
  readonly members: readonly MemberPlan[];
  /** By time, counted from the start. */
  readonly steps: readonly TimedStep[];
  /** When all trouble ends. */
  readonly healMs: number;
}

/** The member that is condemned on the way, and takes everything it knows to the relay. */
export const traitorName = 'traitor';
/** A principal without any grant. */
export const outsiderName = 'outsider';

/** The schedule of a seed. */
export function scheduleOf(seed: number): Schedule {
  const random = new SeededRandom(seed);
  const setting = random.pick<Setting>(['honest', 'honest', 'rough', 'hostile', 'hostile', 'hostile']);
  const groups = Array.from({ length: random.chance(0.25) ? 2 : 1 }, (_, i) => groupOf(random, i, setting));
  const members = membersOf(random);
  const healMs = random.between(80, 125) * 1_000;
  const steps = [
    ...publications(random, members, groups, healMs),
    ...administration(random, members, groups, healMs),
    ...mishaps(random, setting, members, healMs),
    ...(setting === 'hostile' ? hostility(random, members, groups, healMs) : []),
  ];
  // Sorting is stable: steps of one time stay in the order in which they were drawn.
  steps.sort((a, b) => a.atMs - b.atMs);
  return { seed, setting, link: linkOf(random, setting), groups, members, steps, healMs };
}

function groupOf(random: SeededRandom, index: number, setting: Setting): GroupPlan {
  const name = `g${index}`;
  const hasChains = random.chance(0.4);
  return {
    patterns: hasChains ? [`${name}/a/**`] : [`${name}/a/x`, `${name}/a/y`],
    everything: `${name}/a/**`,
    topics: [`${name}/a/x`, `${name}/a/y`],
    blockKind: random.chance(0.3) ? 1 : 2,
    suite: random.pick([1, 2]),
    // More than the time between heads and what clocks differ by: a message that overtakes the next head would be stale otherwise.
    maxHeadAgeMs: random.pick(setting === 'honest' ? [45_000, 60_000] : [35_000, 45_000, 60_000]),
    // A block comes a quarter of it ahead, which has to be more than what clocks differ by.
    epochLifeMs: random.pick([45_000, 60_000, 3_600_000]),
    // Less than what clocks differ by would close an epoch before everybody has left it.
    drainMs: random.pick(setting === 'honest' ? [30_000, 600_000] : [5_000, 30_000, 600_000]),
    periodMs: random.chance(0.25) ? 60_000 : 86_400_000,
    staleOk: random.chance(0.15),
  };
}

function membersOf(random: SeededRandom): MemberPlan[] {
  const plan = (name: string, writes: boolean, reads: boolean, isLate: boolean): MemberPlan => ({
    name,
    writes,
    reads,
    durable: random.chance(0.5),
    skewMs: random.between(-10_000, 10_000),
    joinsMs: isLate ? random.between(15, 50) * 1_000 : 0,
    joinNow: random.chance(0.5),
  });
  const writers = Array.from({ length: random.chance(0.35) ? 3 : 2 }, (_, i) => {
    return plan(`writer${i}`, true, random.chance(0.3), i === 2);
  });
  const readers = Array.from({ length: random.chance(0.35) ? 3 : 2 }, (_, i) =>
    plan(`reader${i}`, false, true, i === 2),
  );
  return [...writers, ...readers, plan(traitorName, true, true, false)];
}

/** How links are in a setting, once everybody is there. */
export function linkOf(random: SeededRandom, setting: Setting): LinkQuality {
  const maxDelayMs = random.pick([5, 50, 400]);
  if (setting !== 'rough') return { ...soundLink, maxDelayMs };
  return {
    minDelayMs: 1,
    maxDelayMs: random.pick([50, 400, 3_000]),
    lossShare: random.pick([0, 0.02, 0.15]),
    duplicateShare: random.pick([0, 0.1]),
    reorderShare: random.pick([0, 0.3]),
  };
}

function publications(
  random: SeededRandom,
  members: readonly MemberPlan[],
  groups: readonly GroupPlan[],
  healMs: number,
): TimedStep[] {
  const steps: TimedStep[] = [];
  for (const { name, joinsMs } of members.filter(({ writes }) => writes)) {
    const times = random.between(4, 7);
    for (let i = 0; i < times; i++) {
      const burst = random.chance(0.15) ? random.between(2, 3) : 1;
      const atMs = random.between(joinsMs + 7_000, healMs - 3_000);
      const group = random.below(groups.length);
      for (let k = 0; k < burst; k++) {
        const [topic, count] = [random.below(2), random.chance(0.7) ? random.between(2, 5) : 1];
        steps.push({ atMs, step: { do: 'publish', member: name, group, topic, count } });
      }
    }
  }
  return steps;
}

function administration(
  random: SeededRandom,
  members: readonly MemberPlan[],
  groups: readonly GroupPlan[],
  healMs: number,
): TimedStep[] {
  const steps: TimedStep[] = [];
  const sometime = (from = 8_000): number => random.between(from, healMs - 8_000);
  const maybe = (share: number, step: () => Step): void => {
    if (random.chance(share)) steps.push({ atMs: sometime(), step: step() });
  };
  const group = (): number => random.below(groups.length);
  for (const { name, joinsMs } of members) {
    if (joinsMs > 0) steps.push({ atMs: joinsMs, step: { do: 'join', member: name } });
  }
  for (let i = 0; i < 3; i++) {
    maybe(0.5, () => ({
      do: 'rotate',
      group: group(),
      aheadMs: random.chance(0.4) ? random.between(2, 10) * 1_000 : 0,
    }));
  }
  maybe(0.2, () => ({ do: 'new generation', group: group() }));
  maybe(0.25, () => ({ do: 'reseat', group: group(), member: random.pick(members).name }));
  maybe(0.1, () => ({ do: 'delegate' }));
  maybe(0.1, () => ({ do: 'roll over' }));
  maybe(0.15, () => ({ do: 'steal' }));
  if (random.chance(0.85)) {
    const how = random.pick<Condemnation>([
      'revoke',
      'revoke',
      'withdraw publish',
      'withdraw subscribe',
      'withdraw both',
    ]);
    const atMs = random.between(15_000, Math.floor(healMs * 0.5));
    steps.push({ atMs, step: { do: 'condemn', how } });
  }
  if (random.chance(0.25)) {
    const atMs = sometime(12_000);
    steps.push({ atMs, step: { do: 'snapshot' } });
    steps.push({ atMs: random.between(atMs + 1, healMs - 5_000), step: { do: 'restore' } });
  }
  return steps;
}

function mishaps(random: SeededRandom, setting: Setting, members: readonly MemberPlan[], healMs: number): TimedStep[] {
  const steps: TimedStep[] = [];
  const add = (step: Step): void => void steps.push({ atMs: random.between(15_000, healMs - 20_000), step });
  const anybody = (): string => random.pick(members).name;
  // At least three in every run.
  for (let i = random.between(3, 5); i > 0; i--) {
    if (random.chance(0.6)) {
      const downMs = random.pick([0, 500, 5_000, 20_000]);
      add({ do: 'restart', member: anybody(), downMs, keepsState: random.chance(0.7) });
    } else add({ do: 'cut', member: anybody(), forMs: random.pick([200, 3_000, 30_000]) });
  }
  if (setting !== 'honest' && random.chance(0.15)) {
    add({ do: 'jump', member: anybody(), byMs: random.pick([-600_000, -120_000, -45_000, 45_000, 120_000, 600_000]) });
  }
  return steps;
}

function hostility(
  random: SeededRandom,
  members: readonly MemberPlan[],
  groups: readonly GroupPlan[],
  healMs: number,
): TimedStep[] {
  const steps: TimedStep[] = [];
  const at = (atMs: number, step: Step): void => void steps.push({ atMs, step });
  for (let atMs = random.between(10_000, 25_000); atMs < healMs - 5_000; atMs += random.between(8_000, 45_000)) {
    at(atMs, { do: 'mood', mood: moodOf(random, members) });
  }
  for (let i = random.between(4, 8); i > 0; i--) {
    const step: Step = { do: 'betray', group: random.below(groups.length), topic: random.below(2) };
    at(random.between(25_000, healMs - 1_000), step);
  }
  if (random.chance(0.5)) at(random.between(20_000, healMs - 1_000), { do: 'replay all' });
  if (random.chance(0.5)) at(random.between(15_000, healMs - 1_000), { do: 'outsider' });
  if (random.chance(0.12)) at(random.between(15_000, healMs - 5_000), { do: 'fork' });
  if (random.chance(0.12)) at(random.between(15_000, healMs - 5_000), { do: 'rogue' });
  return steps;
}

/** A few faults at a time, each more or less often. */
export function moodOf(random: SeededRandom, members: readonly MemberPlan[]): Mood {
  const share = (): number => (random.chance(0.3) ? random.pick([0.05, 0.25, 0.6]) : 0);
  const withheld = new Set<ObjectKind>(random.chance(0.5) ? random.pick(withholdings) : []);
  const victims = members.filter(() => random.chance(0.6)).map(({ name }) => name);
  return {
    ...calm,
    drop: share(),
    delay: share(),
    reorder: share(),
    duplicate: share(),
    replay: share(),
    swap: share(),
    truncate: share() / 4,
    forge: share(),
    rollBack: share(),
    withheld,
    ...(random.chance(0.5) ? { victims: new Set(victims) } : {}),
    flood: random.chance(0.2),
  };
}

/** What it pays to withhold together. */
const withholdings: readonly (readonly ObjectKind[])[] = [
  ['head', 'groupHead'],
  [
    'head',
    'groupHead',
    'block',
    'policy',
    'writers',
    'revocations',
    'edge',
    'enrolment',
    'principal',
    'keys',
    'authority',
  ],
  ['block'],
  ['policy'],
  ['writers'],
  ['revocations'],
  ['enrolment'],
  ['policy', 'writers'],
  ['principal', 'keys'],
];
