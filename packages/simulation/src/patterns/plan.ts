/** What happens in a run with pools, surveys and a bus, drawn from its seed before anything runs. */
import { SeededRandom, type LinkQuality } from '@tridcomm/core/testing';
import type { Mood } from '../hostile-relay.ts';
import { linkOf, moodOf, traitorName, type MemberPlan, type Setting, type TimedStep } from '../schedule.ts';
import { routingPlanOf, withRouters, type RoutingPlan } from './plan-routing.ts';

/** Groups of a run. */
export type GroupName = 'pool' | 'poll' | 'bus';

export interface PatternsGroupPlan {
  readonly name: GroupName;
  readonly purpose: 'front' | 'survey' | 'bus';
  readonly patterns: readonly string[];
  /** 1 list, 2 complete subtree. */
  readonly blockKind: number;
  readonly suite: number;
  readonly maxHeadAgeMs: number;
  readonly epochLifeMs: number;
  readonly drainMs: number;
  readonly periodMs: number;
}

/** What a pool is asked for. */
export type WorkKind = 'request' | 'job' | 'message';

/** What stands against work that comes twice. */
export type Effects = 'store' | 'idempotent';

export interface PatternsMemberPlan extends MemberPlan {
  /** An asker asks, pushes and asks surveys; a worker works and replies; a router has no part in anything but messages of dealers. */
  readonly role: 'asker' | 'worker' | 'router';
  /** Units that the broker may give it at a time. */
  readonly capacity: number;
}

export type PatternsStep =
  | {
      readonly do: 'request';
      readonly member: string;
      readonly count: number;
      readonly forMs: number;
      /** On the topic that dealers use. */
      readonly isAmongMessages?: boolean;
    }
  /** A message for each who is named. */
  | { readonly do: 'deal'; readonly member: string; readonly to: readonly string[]; readonly forMs: number }
  | {
      readonly do: 'push';
      readonly member: string;
      readonly count: number;
      readonly jobsPerLeaf: number | undefined;
      /** Until the jobs are of no use; 0: always. */
      readonly forMs: number;
      /** The same bytes once more. */
      readonly isRepeated: boolean;
    }
  | { readonly do: 'ask'; readonly member: string; readonly forMs: number; readonly maxReplies: number }
  | { readonly do: 'say'; readonly member: string; readonly count: number }
  | { readonly do: 'rotate'; readonly group: GroupName; readonly aheadMs: number }
  | { readonly do: 'condemn'; readonly how: 'revoke' | 'withdraw subscribe' }
  | { readonly do: 'hoard' | 'betray' | 'replay all' }
  | { readonly do: 'router hoard' | 'router betray'; readonly member: string }
  | { readonly do: 'condemn router'; readonly member: string; readonly how: 'revoke' | 'withdraw' }
  | {
      readonly do: 'worker death' | 'asker death' | 'router death';
      readonly member: string;
      readonly downMs: number;
      readonly keepsState: boolean;
      /** Whether the broker sees the link end, or holds it for one that only says nothing. */
      readonly isNoticed: boolean;
    }
  | { readonly do: 'partition'; readonly member: string; readonly forMs: number }
  | { readonly do: 'broker restart'; readonly downMs: number }
  | { readonly do: 'mood'; readonly mood: Mood };

/** Somebody's process ends. */
export type DeathStep = Extract<PatternsStep, { readonly do: 'worker death' | 'asker death' | 'router death' }>;

/** What a member says or asks of its own accord. */
export type SpokenStep = Extract<PatternsStep, { readonly do: 'request' | 'push' | 'deal' | 'ask' | 'say' }>;

export interface PatternsPlan {
  readonly seed: number;
  readonly setting: Setting;
  readonly link: LinkQuality;
  readonly groups: readonly PatternsGroupPlan[];
  readonly members: readonly PatternsMemberPlan[];
  /** Of some plans: routers, who are members too, and dealers. */
  readonly routing: RoutingPlan | undefined;
  readonly effects: Readonly<Record<WorkKind, Effects>>;
  /** By time, counted from the start. */
  readonly steps: readonly (Omit<TimedStep, 'step'> & { readonly step: PatternsStep })[];
  /** When all trouble ends. */
  readonly healMs: number;
}

export const requestTopic = 'pool/ask';
export const jobTopic = 'pool/do';
export const dealTopic = 'pool/deal';
export const pollTopic = 'poll/x';
export const busTopic = 'bus/x';

/** The plan of a seed. */
export function patternsPlanOf(seed: number): PatternsPlan {
  const random = new SeededRandom(seed, 5);
  const setting = random.pick<Setting>(['honest', 'honest', 'rough', 'hostile', 'hostile']);
  const healMs = random.between(70, 100) * 1_000;
  const members = membersOf(random);
  const ofPools = { request: effectsOf(random), job: effectsOf(random) };
  const isLonely = random.chance(0.25);
  const steps = [
    ...conversation(random, members, healMs),
    ...administration(random, healMs),
    ...(isLonely ? lonelyDeath(random, members, healMs) : mishaps(random, members, healMs)),
    ...(setting === 'hostile' ? hostility(random, members, healMs) : []),
  ];
  if (!isLonely && random.chance(0.9)) steps.push(...treason(random, members, healMs));
  const [link, groups] = [linkOf(random, setting), groupsOf(random)];
  const routed = routingPlanOf(seed, { setting, members, healMs });
  const all = routed === undefined ? steps : [...withRouters(seed, routed.routing, steps), ...routed.steps];
  // Sorting is stable: steps of one time stay in the order in which they were drawn.
  all.sort((a, b) => a.atMs - b.atMs);
  const routing = routed?.routing;
  const effects = { ...ofPools, message: routing?.effects ?? 'idempotent' };
  return {
    seed,
    setting,
    link,
    groups: routing === undefined ? groups : groups.map(withDealing),
    members: [...members, ...(routing?.routers ?? [])],
    routing,
    effects,
    steps: all,
    healMs,
  };
}

/** A step, and when. */
export type TimedPatternsStep = PatternsPlan['steps'][number];

function effectsOf(random: SeededRandom): Effects {
  return random.chance(0.65) ? 'store' : 'idempotent';
}

function groupsOf(random: SeededRandom): PatternsGroupPlan[] {
  const common = {
    blockKind: random.chance(0.3) ? 1 : 2,
    suite: random.pick([1, 2]),
    // More than the time between heads and what clocks differ by, and of a pool at most so much.
    maxHeadAgeMs: random.pick([45_000, 60_000]),
    epochLifeMs: random.pick([60_000, 3_600_000]),
    // Less than what clocks differ by would close an epoch before everybody has left it.
    drainMs: random.pick([30_000, 600_000]),
    periodMs: 86_400_000,
  };
  const group = (name: GroupName, purpose: PatternsGroupPlan['purpose'], patterns: readonly string[]) => {
    return { name, purpose, patterns, ...common };
  };
  return [
    group('pool', 'front', [requestTopic, jobTopic]),
    group('poll', 'survey', [pollTopic]),
    group('bus', 'bus', [busTopic]),
  ];
}

function withDealing(group: PatternsGroupPlan): PatternsGroupPlan {
  return group.name === 'pool' ? { ...group, patterns: [...group.patterns, dealTopic] } : group;
}

function membersOf(random: SeededRandom): PatternsMemberPlan[] {
  const plan = (name: string, role: PatternsMemberPlan['role']): PatternsMemberPlan => ({
    name,
    role,
    writes: true,
    reads: true,
    durable: random.chance(0.5),
    skewMs: random.between(-10_000, 10_000),
    joinsMs: 0,
    joinNow: false,
    // Where those who live have little room, who is dead and not known to be is given a unit again, and another lease has to run out.
    capacity: random.between(4, 8),
  });
  return [
    plan('asker0', 'asker'),
    plan('asker1', 'asker'),
    plan('worker0', 'worker'),
    plan('worker1', 'worker'),
    plan(traitorName, 'worker'),
  ];
}

function conversation(
  random: SeededRandom,
  members: readonly PatternsMemberPlan[],
  healMs: number,
): TimedPatternsStep[] {
  const steps: TimedPatternsStep[] = [];
  const add = (step: PatternsStep): void => {
    const atMs = random.between(7_000, healMs - 3_000);
    steps.push({ atMs, step });
  };
  for (const { name: member, role } of members) {
    for (let i = random.between(1, 2); i > 0; i--) add({ do: 'say', member, count: random.between(1, 3) });
    if (role !== 'asker') continue;
    for (let i = random.between(5, 8); i > 0; i--) {
      add({ do: 'request', member, count: random.between(1, 3), forMs: random.pick([1_500, 6_000, 30_000, 75_000]) });
    }
    for (let i = random.between(3, 5); i > 0; i--) {
      add({
        do: 'push',
        member,
        count: random.between(1, 4),
        jobsPerLeaf: random.pick([undefined, 1, 2]),
        forMs: random.pick([0, 0, 2_000, 60_000]),
        isRepeated: random.chance(0.2),
      });
    }
    for (let i = random.between(1, 2); i > 0; i--) {
      add({ do: 'ask', member, forMs: random.pick([2_000, 10_000, 40_000]), maxReplies: random.pick([1, 2, 10]) });
    }
  }
  return steps;
}

function administration(random: SeededRandom, healMs: number): TimedPatternsStep[] {
  const steps: TimedPatternsStep[] = [];
  for (let i = random.between(0, 3); i > 0; i--) {
    const group = random.pick<GroupName>(['pool', 'pool', 'poll', 'bus']);
    const aheadMs = random.chance(0.4) ? random.between(2, 10) * 1_000 : 0;
    steps.push({ atMs: random.between(8_000, healMs - 8_000), step: { do: 'rotate', group, aheadMs } });
  }
  return steps;
}

/** A worker keeps what it is given, loses its rights, and then answers. */
function treason(random: SeededRandom, members: readonly PatternsMemberPlan[], healMs: number): TimedPatternsStep[] {
  const steps: TimedPatternsStep[] = [];
  const condemnMs = random.between(20_000, Math.floor(healMs * 0.6));
  const hoardMs = condemnMs - random.between(2_000, 9_000);
  const how = random.pick(['revoke', 'withdraw subscribe'] as const);
  steps.push({ atMs: hoardMs, step: { do: 'hoard' } }, { atMs: condemnMs, step: { do: 'condemn', how } });
  for (const { name: member, role } of members) {
    if (role !== 'asker') continue;
    const sometime = (): number => random.between(hoardMs + 100, condemnMs - 200);
    steps.push({ atMs: sometime(), step: { do: 'request', member, count: 1, forMs: 75_000 } });
    if (random.chance(0.5))
      steps.push({ atMs: sometime(), step: { do: 'ask', member, forMs: 40_000, maxReplies: 10 } });
  }
  for (let atMs = condemnMs + 1_500; atMs < condemnMs + 30_000; atMs += random.between(2_000, 12_000)) {
    steps.push({ atMs, step: { do: 'betray' } });
  }
  return steps;
}

function mishaps(random: SeededRandom, members: readonly PatternsMemberPlan[], healMs: number): TimedPatternsStep[] {
  const steps: TimedPatternsStep[] = [];
  // At least three in every run.
  for (let i = random.between(3, 5); i > 0; i--) {
    const atMs = random.between(10_000, healMs - 15_000);
    const member = random.pick(members);
    const kind = random.below(10);
    if (member.role === 'worker' && kind < 8) steps.push(workBefore(random, members, atMs));
    if (kind < 5) steps.push({ atMs, step: death(random, member, random.chance(0.6)) });
    else if (kind < 8) steps.push({ atMs, step: partition(random, member) });
    else steps.push({ atMs, step: { do: 'broker restart', downMs: random.pick([0, 1_000, 8_000]) } });
  }
  return steps;
}

/** A worker is gone, and nobody notices; nothing else happens that would take its work from it, until its leases have run out. */
function lonelyDeath(
  random: SeededRandom,
  members: readonly PatternsMemberPlan[],
  healMs: number,
): TimedPatternsStep[] {
  const atMs = random.between(10_000, healMs - 55_000);
  const worker = random.pick(members.filter(({ role }) => role === 'worker'));
  const steps: TimedPatternsStep[] = [
    workBefore(random, members, atMs),
    { atMs, step: { ...death(random, worker, false), downMs: 75_000 } },
    workBefore(random, members, atMs + 2_000),
  ];
  for (let i = random.between(2, 4); i > 0; i--) {
    const asker = random.pick(members.filter(({ role }) => role === 'asker'));
    const step = random.chance(0.5) ? death(random, asker, random.chance(0.6)) : partition(random, asker);
    steps.push({ atMs: random.between(atMs + 6_000, healMs - 15_000), step });
  }
  return steps;
}

function death(random: SeededRandom, { name: member, role }: PatternsMemberPlan, isNoticed: boolean): DeathStep {
  return {
    do: role === 'asker' ? 'asker death' : 'worker death',
    member,
    downMs: isNoticed ? random.pick([0, 500, 5_000, 20_000]) : random.pick([20_000, 75_000]),
    keepsState: random.chance(0.7),
    isNoticed,
  };
}

function partition(random: SeededRandom, { name: member }: PatternsMemberPlan): PatternsStep {
  return { do: 'partition', member, forMs: random.pick([200, 3_000, 30_000]) };
}

/** So that somebody to whom something happens has work. */
function workBefore(random: SeededRandom, members: readonly PatternsMemberPlan[], atMs: number): TimedPatternsStep {
  const { name: member } = random.pick(members.filter(({ role }) => role === 'asker'));
  const step = { do: 'push', member, count: 6, jobsPerLeaf: 1, forMs: 0, isRepeated: false } as const;
  return { atMs: atMs - random.between(30, 500), step };
}

function hostility(random: SeededRandom, members: readonly PatternsMemberPlan[], healMs: number): TimedPatternsStep[] {
  const steps: TimedPatternsStep[] = [];
  for (let atMs = random.between(8_000, 20_000); atMs < healMs - 5_000; atMs += random.between(8_000, 30_000)) {
    const mood = moodOf(random, members);
    const withholdsPools = random.chance(0.15);
    const withheld = withholdsPools ? new Set([...mood.withheld, 'pool' as const]) : mood.withheld;
    steps.push({ atMs, step: { do: 'mood', mood: { ...mood, withheld } } });
  }
  if (random.chance(0.5)) steps.push({ atMs: random.between(20_000, healMs - 1_000), step: { do: 'replay all' } });
  return steps;
}
