import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { networkPlanOf } from '../src/network/plan.ts';
import { violationNames } from '../src/oracle.ts';
import { patternsPlanOf } from '../src/patterns/plan.ts';
import { plantedInLinks } from '../src/planted-links.ts';
import { plantedInMessages } from '../src/planted-messages.ts';
import { plantedInPatterns } from '../src/planted-patterns.ts';
import { builtText, findPlanted, placesOf, plant, plantedBugs } from '../src/planted.ts';
import { scheduleOf } from '../src/schedule.ts';
import { runSeeds } from '../src/threads.ts';
import { runSeed } from '../src/run.ts';

/** Threads run what was built; `npm test` builds first. */
const workerUrl = new URL('../dist/worker.js', import.meta.url);
const threads = availableParallelism();

describe('seeded schedules', () => {
  it('hold for seeds 1 to 1,000', { timeout: 600_000 }, async () => {
    const campaign = { firstSeed: 1, runs: 1_000, threads, workerUrl };
    const { totals, findings } = await runSeeds(campaign);
    const found = findings.map(({ seed, violations }) => {
      const [first] = violations;
      return `${first?.name}: ${first?.sentence}; alone: npm run simulate -- --runs 1 --seed ${seed} --trace`;
    });
    expect(found).toEqual([]);
    expect(totals.runs).toBe(1_000);
    expect(totals.leastMessages).toBeGreaterThanOrEqual(50);
    expect(totals.leastFaults).toBeGreaterThanOrEqual(3);
    for (const fault of [
      'withhold',
      'forge',
      'swap',
      'truncate',
      'rollBack',
      'drop',
      'delay',
      'reorder',
      'duplicate',
      'replay',
    ]) {
      expect(totals.faults[fault], fault).toBeGreaterThan(100);
    }
    for (const fault of [
      'bytes cut',
      'wire break',
      'wire silence',
      'wire one way',
      'wire stall',
      'isolate',
      'slow reader',
      'client kill',
      'client close',
      'client lose',
      'broker kill',
      'broker power cut',
      'broker drain',
      'disk sync fails',
      'disk write fails',
      'disk full',
    ]) {
      expect(totals.faults[fault], fault).toBeGreaterThan(20);
    }
    for (const fault of [
      'worker death',
      'asker death',
      'router death',
      'partition',
      'broker restart',
      'unit to two',
      'unit replayed',
      'forward to all',
      'forward replayed',
    ]) {
      expect(totals.faults[fault], fault).toBeGreaterThan(20);
    }
    for (const deed of [
      'request',
      'push',
      'deal',
      'ask',
      'say',
      'forward',
      'forwarded new',
      'reply news',
      'reply forwarded',
      'condemn router',
      'router betray',
      'asked again',
      'sealed anew',
      'stored result given',
      'effects met',
      'betray',
      'restart',
      'rotate',
      'join',
      'condemn',
      'restore',
      'reseat',
      'new generation',
      'steal',
      'jump',
    ]) {
      expect(totals.deeds[deed], deed).toBeGreaterThan(20);
    }
  });

  it('leave the same trace every time', { timeout: 120_000 }, async () => {
    for (const seed of [1, 2, 3, 4, 5, 7, 15]) {
      const result = await runSeed(seed, true);
      expect((await runSeed(seed)).traceHash).toBe(result.traceHash);
      expect(result.trace.length).toBeGreaterThan(100);
    }
  });

  it('leave the same traces on any number of threads', { timeout: 120_000 }, async () => {
    const [one, three] = await Promise.all(
      [1, 3].map(async (count) => (await runSeeds({ firstSeed: 7, runs: 8, threads: count, workerUrl })).totals),
    );
    expect(one!.traces).toBeGreaterThan(0);
    expect(three).toEqual(one);
  });

  it('have routers in some of those of patterns, and everything else of these as without', () => {
    const plans = Array.from({ length: 200 }, (_, seed) => patternsPlanOf(seed));
    const routed = plans.filter(({ routing }) => routing !== undefined);
    expect(routed.length).toBeGreaterThan(50);
    expect(routed.length).toBeLessThan(120);
    for (const { routing, members, groups, steps } of plans) {
      const routers = members.filter(({ role }) => role === 'router').map(({ name }) => name);
      expect(routers).toEqual(routing?.routers.map(({ name }) => name) ?? []);
      expect(groups[0]!.patterns.includes('pool/deal')).toBe(routing !== undefined);
      expect(steps.some(({ step }) => step.do === 'deal')).toBe(routing !== undefined);
    }
  });

  it('are of links, of messages and of all patterns', { timeout: 60_000 }, async () => {
    expect((await runSeed(8)).setting).toBe('links');
    expect((await runSeed(10)).setting).toBe('links');
    expect((await runSeed(9)).setting).not.toMatch('links|patterns');
    expect((await runSeed(11)).setting).toMatch('patterns');
  });

  it('give Node its clock and timers back', { timeout: 60_000 }, async () => {
    const current = () => [Date.now, setTimeout, setImmediate, clearTimeout, Reflect.ownKeys(performance)];
    const before = current();
    await runSeed(2);
    expect(current()).toEqual(before);
  });

  it('differ from seed to seed', () => {
    const drawn = Array.from({ length: 20 }, (_, seed) => JSON.stringify({ ...scheduleOf(seed), seed: 0 }));
    expect(new Set(drawn).size).toBe(20);
    const planned = Array.from({ length: 20 }, (_, seed) => JSON.stringify({ ...networkPlanOf(seed), seed: 0 }));
    expect(new Set(planned).size).toBe(20);
    const patterns = Array.from({ length: 20 }, (_, seed) => JSON.stringify({ ...patternsPlanOf(seed), seed: 0 }));
    expect(new Set(patterns).size).toBe(20);
    for (const planOf of [scheduleOf, patternsPlanOf]) {
      expect(new Set(Array.from({ length: 40 }, (_, seed) => planOf(seed).setting)).size).toBe(3);
    }
  });
});

describe('planted bugs', () => {
  it('are ten or more in each world, each with its place in the built code', () => {
    expect(plantedInMessages.length).toBeGreaterThanOrEqual(10);
    expect(plantedInLinks.length).toBeGreaterThanOrEqual(10);
    expect(plantedInPatterns.length).toBeGreaterThanOrEqual(10);
    expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length);
    for (const bug of plantedBugs) {
      for (const place of placesOf(bug)) {
        const text = builtText(bug, place);
        expect(plant(text, place)).not.toBe(text);
      }
      expect(Object.keys(violationNames)).toContain(bug.shows);
    }
  });

  it('are an error where their place is gone', () => {
    const [bug] = plantedBugs;
    expect(() => plant('nothing of it', bug!)).toThrow('occurs 0 times');
    expect(() => plant(`${bug!.from} ${bug!.from}`, bug!)).toThrow('occurs 2 times');
  });

  it.each(plantedBugs.map((bug) => [bug.name, bug] as const))(
    'are found within 1,000 seeds: %s',
    { timeout: 300_000 },
    async (_name, bug) => {
      const { finding } = await findPlanted(bug, { firstSeed: 1, runs: 1_000, threads });
      expect(finding?.names).toContain(bug.shows);
    },
  );
});
