import { SeededRandom } from '@tridcomm/core/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FileEffectStore } from '../../src/effects/file-effect-store.ts';
import { runOnce } from '../../src/effects/run-once.ts';
import { SimulatedFiles } from './simulated-files.ts';
import { countOf, countUp, countsOf, doneResultOf, leaseMs, resultOf, startMs, workOf } from './works.ts';

async function openOn(disk: SimulatedFiles): Promise<FileEffectStore> {
  return await FileEffectStore.openOn(disk.attach(), { bornMs: 0 });
}

/**
 * Opens a store and does works, some at once, some twice, until all are done or the process has died.
 *
 * @param groups - numbers of works; those of a group begin together
 * @returns the numbers that were acknowledged
 */
async function live(disk: SimulatedFiles, groups: readonly (readonly number[])[]): Promise<Set<number>> {
  const acknowledged = new Set<number>();
  const one = async (store: FileEffectStore, number: number): Promise<void> => {
    const outcome = await runOnce(
      store,
      workOf(number),
      leaseMs,
      () => startMs,
      async (transaction) => {
        const total = countOf(transaction, 999);
        await Promise.resolve();
        transaction.put('count/999', Uint8Array.of(total + 1));
        return countUp(transaction, number);
      },
    );
    if (outcome.status === 'done') {
      expect(outcome.result).toEqual(resultOf(number));
      acknowledged.add(number);
    }
  };
  const life = (async () => {
    const store = await openOn(disk);
    for (const group of groups) await Promise.all(group.map((number) => one(store, number)));
  })();
  // A dead process answers nothing: then nothing is left to do but to look.
  await Promise.race([life, disk.idle()]);
  return acknowledged;
}

/** What has to hold after any crash; @returns the works that were done */
async function check(
  disk: SimulatedFiles,
  acknowledged: ReadonlySet<number>,
  numbers: readonly number[],
): Promise<number[]> {
  const store = await openOn(disk);
  const counts = await countsOf(store, numbers);
  const done: number[] = [];
  for (const [i, number] of numbers.entries()) {
    const result = await doneResultOf(store, workOf(number));
    // Entry and effect: both or neither, and never twice.
    expect(counts[i], `effects of ${number}`).toBe(result === undefined ? 0 : 1);
    if (result === undefined) expect(acknowledged.has(number), `acknowledged ${number}`).toBe(false);
    else {
      expect(result).toEqual(resultOf(number));
      done.push(number);
    }
  }
  expect(await countsOf(store, [999])).toEqual([done.length]);
  await store.close();
  return done;
}

const groups = [[1], [2, 2, 3], [1, 4, 5, 6], [7]];
const numbers = [1, 2, 3, 4, 5, 6, 7];

test(
  'a process that dies at any byte of the log leaves exactly one effect for each key, in the end',
  { timeout: 240_000 },
  async () => {
    const whole = new SimulatedFiles();
    expect(await live(whole, groups)).toEqual(new Set(numbers));
    const total = whole.bytesWritten;
    expect(total).toBeGreaterThan(1_000);
    const reached = new Set<number>();
    for (let bytes = 0; bytes < total; bytes++) {
      const disk = new SimulatedFiles();
      disk.killAfterBytes = bytes;
      const acknowledged = await live(disk, groups);
      disk.killAfterBytes = Infinity;
      reached.add((await check(disk, acknowledged, numbers)).length);
      // Another life does the rest.
      await live(disk, groups);
      expect(await check(disk, new Set(numbers), numbers)).toEqual(numbers);
    }
    // The crash met all stages.
    expect(reached.size).toBeGreaterThan(4);
  },
);

test(
  'lives that end by a kill or a loss of power at random lose and double nothing',
  { timeout: 240_000 },
  async () => {
    const life = fc.record({
      groups: fc.array(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }), { maxLength: 5 }),
      bytes: fc.integer({ min: 0, max: 3_000 }),
      isPowerCut: fc.boolean(),
    });
    const all = Array.from({ length: 12 }, (_, i) => i + 1);
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), fc.integer(), async (lives, seed) => {
        const random = new SeededRandom(seed >>> 0);
        const chance = (): number => random.below(1_000_000) / 1_000_000;
        const disk = new SimulatedFiles();
        const acknowledged = new Set<number>();
        for (const { groups: asked, bytes, isPowerCut } of lives) {
          disk.killAfterBytes = disk.bytesWritten + bytes;
          for (const number of await live(disk, asked)) acknowledged.add(number);
          disk.killAfterBytes = Infinity;
          if (isPowerCut) disk.powerCut(chance);
          for (const number of await check(disk, acknowledged, all)) acknowledged.add(number);
        }
      }),
      { numRuns: 150 },
    );
  },
);
