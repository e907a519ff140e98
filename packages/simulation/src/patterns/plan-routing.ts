/** What routers and dealers add to a plan. It is drawn from a generator of its own, so that everything else stays as it is without them. */
import { SeededRandom } from '@tridcomm/core/testing';
import { traitorName, type Setting } from '../schedule.ts';
import type { DeathStep, Effects, PatternsMemberPlan, PatternsStep, TimedPatternsStep } from './plan.ts';

export interface RoutingPlan {
  /** Members of the front, and not of the crew. */
  readonly routers: readonly PatternsMemberPlan[];
  /** Who deals, of those who ask. */
  readonly dealers: readonly string[];
  /** Units of the topic that the broker itself may give a worker at a time; 0: all that comes there comes through a router. */
  readonly directCapacity: number;
  /** Whether routers hand replies on, too, so that they come twice. */
  readonly hearsReplies: boolean;
  readonly effects: Effects;
}

/** What a message says that names nobody who works. */
export const nobodyName = 'nobody';

/** What a plan of a seed has to do with routers; undefined where it has none. */
export function routingPlanOf(
  seed: number,
  rest: { readonly setting: Setting; readonly members: readonly PatternsMemberPlan[]; readonly healMs: number },
): { readonly routing: RoutingPlan; readonly steps: readonly TimedPatternsStep[] } | undefined {
  const random = new SeededRandom(seed, 11);
  if (!random.chance(routingShare)) return undefined;
  const routing = partsOf(random, rest.members);
  const [honest, rogue] = random.chance(0.8) ? routing.routers : [];
  const steps = [
    ...deals(random, routing, rest.healMs),
    // A rogue has to be there for what it does.
    ...mishaps(random, routing, rogue === undefined ? routing.routers : [honest!], rest.healMs),
    ...(rogue === undefined ? [] : treason(random, routing, rogue.name, rest.healMs)),
  ];
  return { routing, steps };
}

/** The moods of a hostile broker, which has routers among its victims, too. */
export function withRouters(
  seed: number,
  { routers }: RoutingPlan,
  steps: readonly TimedPatternsStep[],
): TimedPatternsStep[] {
  const random = new SeededRandom(seed, 12);
  return steps.map(({ atMs, step }) => {
    if (step.do !== 'mood' || step.mood.victims === undefined) return { atMs, step };
    const more = routers.filter(() => random.chance(0.6)).map(({ name }) => name);
    return { atMs, step: { do: 'mood', mood: { ...step.mood, victims: new Set([...step.mood.victims, ...more]) } } };
  });
}

function partsOf(random: SeededRandom, members: readonly PatternsMemberPlan[]): RoutingPlan {
  const askers = members.filter(({ role }) => role === 'asker').map(({ name }) => name);
  return {
    routers: Array.from({ length: random.pick([1, 2, 2]) }, (_, i): PatternsMemberPlan => ({
      name: `router${i}`,
      role: 'router',
      writes: false,
      reads: false,
      durable: random.chance(0.5),
      skewMs: random.between(-10_000, 10_000),
      joinsMs: 0,
      joinNow: false,
      capacity: random.between(2, 8),
    })),
    dealers: random.chance(0.5) ? askers : [random.pick(askers)],
    directCapacity: random.chance(0.5) ? random.between(3, 6) : 0,
    hearsReplies: random.chance(0.3),
    effects: random.chance(0.65) ? 'store' : 'idempotent',
  };
}

function deals(random: SeededRandom, routing: RoutingPlan, healMs: number): TimedPatternsStep[] {
  const steps: TimedPatternsStep[] = [];
  const add = (step: PatternsStep): void => void steps.push({ atMs: random.between(7_000, healMs - 3_000), step });
  for (const member of routing.dealers) {
    for (let i = random.between(4, 7); i > 0; i--) add(deal(random, member, random.between(1, 3)));
    if (routing.directCapacity === 0) continue;
    // Routers have no part in these.
    for (let i = random.between(1, 2); i > 0; i--) {
      add({ do: 'request', member, count: 1, forMs: random.pick([6_000, 30_000, 75_000]), isAmongMessages: true });
    }
  }
  return steps;
}

function deal(random: SeededRandom, member: string, count: number): PatternsStep & { readonly do: 'deal' } {
  const to = Array.from({ length: count }, () => {
    return random.pick(['worker0', 'worker0', 'worker1', 'worker1', traitorName, nobodyName, member]);
  });
  return { do: 'deal', member, to, forMs: random.pick([1_500, 6_000, 40_000, 75_000]) };
}

function mishaps(
  random: SeededRandom,
  { dealers }: RoutingPlan,
  routers: readonly PatternsMemberPlan[],
  healMs: number,
): TimedPatternsStep[] {
  const steps: TimedPatternsStep[] = [];
  for (let i = random.between(1, 3); i > 0; i--) {
    const atMs = random.between(10_000, healMs - 15_000);
    const { name: member } = random.pick(routers);
    // So that it has something to do.
    steps.push({ atMs: atMs - random.between(20, 600), step: deal(random, random.pick(dealers), 3) });
    if (random.chance(0.6)) steps.push({ atMs, step: death(random, member) });
    else steps.push({ atMs, step: { do: 'partition', member, forMs: random.pick([200, 3_000, 30_000]) } });
  }
  return steps;
}

function death(random: SeededRandom, member: string): DeathStep {
  const isNoticed = random.chance(0.7);
  const downMs = isNoticed ? random.pick([0, 500, 5_000, 20_000]) : random.pick([20_000, 75_000]);
  return { do: 'router death', member, downMs, keepsState: random.chance(0.7), isNoticed };
}

/** A router keeps what it is given, loses its right, and then forwards it all. */
function treason(random: SeededRandom, { dealers }: RoutingPlan, member: string, healMs: number): TimedPatternsStep[] {
  const condemnMs = random.between(20_000, Math.floor(healMs * 0.6));
  const hoardMs = condemnMs - random.between(2_000, 9_000);
  const how = random.pick(['revoke', 'withdraw', 'withdraw'] as const);
  const steps: TimedPatternsStep[] = [
    { atMs: hoardMs, step: { do: 'router hoard', member } },
    { atMs: condemnMs, step: { do: 'condemn router', member, how } },
  ];
  for (let i = 3; i > 0; i--) {
    const step = { ...deal(random, random.pick(dealers), 2), forMs: 75_000 };
    steps.push({ atMs: random.between(hoardMs + 100, condemnMs - 200), step });
  }
  for (let atMs = condemnMs + 1_500; atMs < condemnMs + 30_000; atMs += random.between(1_000, 6_000)) {
    steps.push({ atMs, step: { do: 'router betray', member } });
  }
  return steps;
}

const routingShare = 0.4;
