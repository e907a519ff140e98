import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { violationNames } from '../src/oracle.ts';
import { builtText, findPlanted, plant, plantedBugs } from '../src/planted.ts';
import { scheduleOf } from '../src/schedule.ts';
import { runSeeds } from '../src/threads.ts';
import { runSeed } from '../src/world.ts';

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
    for (const deed of [
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

  it('leave the same trace every time', { timeout: 60_000 }, () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const result = runSeed(seed, true);
      expect(runSeed(seed).traceHash).toBe(result.traceHash);
      expect(result.trace.length).toBeGreaterThan(100);
    }
  });

  it('differ from seed to seed', () => {
    const drawn = Array.from({ length: 20 }, (_, seed) => JSON.stringify({ ...scheduleOf(seed), seed: 0 }));
    expect(new Set(drawn).size).toBe(20);
    expect(new Set(Array.from({ length: 40 }, (_, seed) => scheduleOf(seed).setting)).size).toBe(3);
  });
});

describe('planted bugs', () => {
  it('are ten or more, each with its place in the built code', () => {
    expect(plantedBugs.length).toBeGreaterThanOrEqual(10);
    expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length);
    for (const bug of plantedBugs) {
      expect(plant(builtText(bug.file), bug)).not.toBe(builtText(bug.file));
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
