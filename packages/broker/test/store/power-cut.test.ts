import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '@tridcomm/core/testing';
import { expect, it, type TestContext } from 'vitest';
import { nodeFiles } from '../../src/store/node-files.ts';
import { SegmentLog } from '../../src/store/segment-log.ts';
import { LoopDisk } from './loop-disk.ts';
import { contentsOf, envelopeOf, range } from './support.ts';
import { lostOf, Writer } from './writer.ts';

/** A real file system whose power can be cut; the test is skipped, and says why, where there can be none. */
async function loopDisk(context: TestContext, megabytes: number): Promise<LoopDisk> {
  return await LoopDisk.make(megabytes).catch((error: unknown) => {
    const why = `no loop-mounted ext4 here: ${String(error).split('\n')[0]}`;
    console.log(`SKIP  ${context.task.name}: ${why}`);
    return context.skip(why);
  });
}

/** Cuts the power at random instants while a process writes. @returns for each cut what was acknowledged, and what of that is gone */
async function cuts(
  disk: LoopDisk,
  count: number,
  mode: 'sync' | 'no-sync',
): Promise<{ acknowledged: number; lost: number }[]> {
  const results: { acknowledged: number; lost: number }[] = [];
  for (let i = 0; i < count; i++) {
    const log = `${mode}-${i}`;
    const writer = new Writer(join(disk.folder, log), i * 1_000_000, mode);
    try {
      await writer.write(50, 100 + Math.random() * 500);
      // Before the copy begins: whatever is acknowledged by now must be in it.
      const { acknowledged } = writer;
      const folder = await disk.powerCut(async () => await writer.kill());
      const lost = await lostOf(join(folder, log), acknowledged).then(
        (found) => found.lost.length,
        (error: unknown) => {
          if (mode === 'sync') throw error;
          return acknowledged.size;
        },
      );
      results.push({ acknowledged: acknowledged.size, lost });
    } finally {
      await writer.kill();
    }
  }
  console.log(`power cuts, ${mode}: ${results.map((cut) => `${cut.lost} of ${cut.acknowledged} lost`).join(', ')}`);
  return results;
}

it(
  'storage.3, storage.12: a power cut at a random instant loses nothing that was acknowledged; without syncs it does',
  { timeout: 120_000 },
  async (context) => {
    const disk = await loopDisk(context, 256);
    try {
      const synced = await cuts(disk, 3, 'sync');
      for (const { acknowledged } of synced) expect(acknowledged).toBeGreaterThanOrEqual(50);
      expect(synced.map(({ lost }) => lost)).toEqual([0, 0, 0]);
      // The control: a rig that finds nothing here would find nothing above.
      const unsynced = await cuts(disk, 3, 'no-sync');
      expect(unsynced.reduce((sum, { lost }) => sum + lost, 0)).toBeGreaterThan(0);
    } finally {
      await disk.remove();
    }
  },
);

it(
  'storage.16: a disk that is really full ends appends, stays readable, and recovers when there is room',
  { timeout: 60_000 },
  async (context) => {
    const disk = await loopDisk(context, 16);
    try {
      const files = nodeFiles(join(disk.folder, 'log'));
      const options = { files, now: Date.now, random: new SeededRandom(1).bytes, segmentBytes: 1_000_000 };
      writeFileSync(join(disk.folder, 'filler'), new Uint8Array(6_000_000));
      const log = await SegmentLog.open(options);
      let count = 0;
      while (log.failure === undefined && count < 1_000) {
        await log.append([envelopeOf(count++, 50_000)]).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'E_TRANSPORT', cause: { code: 'ENOSPC' } });
        });
      }
      expect(log.failure).toMatchObject({ code: 'E_TRANSPORT' });
      expect([...(await contentsOf(log, 1_000_000)).numbers.values()]).toEqual(range(0, count - 1));
      await log.close();

      // Still full: it opens and can be read.
      const full = await SegmentLog.open(options);
      expect([...(await contentsOf(full, 1_000_000)).numbers.values()].slice(0, count - 1)).toEqual(
        range(0, count - 1),
      );
      await full.close();

      rmSync(join(disk.folder, 'filler'));
      const again = await SegmentLog.open(options);
      expect(again.failure).toBeUndefined();
      expect(again.recovery.isDamaged).toBe(false);
      const position = await again.append([envelopeOf(5_000)]);
      const { numbers, damaged } = await contentsOf(again, 1_000_000);
      expect(damaged.size).toBe(0);
      expect([...numbers.values()].slice(0, count - 1)).toEqual(range(0, count - 1));
      expect(numbers.get(position)).toBe(5_000);
      await again.close();
    } finally {
      await disk.remove();
    }
  },
);
