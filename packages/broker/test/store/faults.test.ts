import { describe, expect, it } from 'vitest';
import type { SegmentLog } from '../../src/store/segment-log.ts';
import type { DiskOperation, SimulatedDisk } from '../../src/testing/disk.ts';
import { appendEach, contentsOf, envelopeOf, openOn, range, soundDisk } from './support.ts';

/** A log with the numbers 1 to 5, and its disk. */
async function logWithFive(options = {}): Promise<{ disk: SimulatedDisk; log: SegmentLog }> {
  const disk = soundDisk();
  const log = await openOn(disk, options);
  await appendEach(log, 1, 6);
  return { disk, log };
}

const failed = { code: 'E_TRANSPORT', cause: { code: 'EIO' } };
const full = { code: 'E_TRANSPORT', cause: { code: 'ENOSPC' } };

describe('storage.16', () => {
  it.each<[string, DiskOperation['kind'], object]>([
    ['a write', 'write', failed],
    ['a sync', 'datasync', failed],
  ])(
    '%s that fails ends all appends for ever, is not tried again, and leaves what was durable',
    async (_, kind, error) => {
      const { disk, log } = await logWithFive();
      disk.fault = (operation) => (operation.kind === kind ? 'EIO' : undefined);
      const appends = range(6, 10).map((number) => log.append([envelopeOf(number)]));
      for (const append of appends) await expect(append).rejects.toMatchObject(error);
      expect(log.failure).toMatchObject(error);
      // The disk works again, and nothing is asked of it.
      const before = { ...disk.counts };
      disk.fault = undefined;
      await expect(log.append([envelopeOf(10)])).rejects.toMatchObject(error);
      await expect(log.trim()).rejects.toMatchObject(error);
      expect(disk.counts).toEqual(before);
      expect(log.nextPosition).toBe(6);
      expect([...(await contentsOf(log)).numbers.values()]).toEqual(range(1, 6));
      await log.close();

      const again = await openOn(disk);
      expect(again.failure).toBeUndefined();
      expect(again.recovery.isDamaged).toBe(false);
      const { numbers, damaged } = await contentsOf(again);
      expect([...numbers.values()].slice(0, 5)).toEqual(range(1, 6));
      expect(damaged.size).toBe(0);
      expect(await again.append([envelopeOf(11)])).toBe(again.nextPosition - 1);
    },
  );

  it('makes durable at the next start what a sync that failed left in the memory of the system', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = soundDisk(seed);
      const log = await openOn(disk);
      await appendEach(log, 1, 6);
      disk.fault = ({ kind }) => (kind === 'datasync' ? 'EIO' : undefined);
      await expect(log.append([envelopeOf(6, 3_000)])).rejects.toMatchObject(failed);
      disk.fault = undefined;
      disk.kill();
      const again = await openOn(disk);
      const served = [...(await contentsOf(again)).numbers.values()];
      expect(served).toEqual(range(1, 7));
      disk.powerCut();
      expect([...(await contentsOf(await openOn(disk))).numbers.values()]).toEqual(served);
    }
  });

  it('does not serve it where that fails again', async () => {
    const { disk, log } = await logWithFive();
    disk.fault = ({ kind }) => (kind === 'datasync' ? 'EIO' : undefined);
    await expect(log.append([envelopeOf(6)])).rejects.toMatchObject(failed);
    disk.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined);
    const again = await openOn(disk);
    await expect(again.append([envelopeOf(7)])).rejects.toMatchObject(failed);
    expect(again.nextPosition).toBe(6);
    expect([...(await contentsOf(again)).numbers.values()]).toEqual(range(1, 6));
  });

  it('a full disk ends appends, reads go on, and a start with room recovers without repair', async () => {
    const { disk, log } = await logWithFive();
    disk.capacityBytes = 8_192 + 128 + 5 * 176 + 60;
    await expect(log.append([envelopeOf(6)])).rejects.toMatchObject(full);
    expect([...(await contentsOf(log)).numbers.values()]).toEqual(range(1, 6));
    disk.kill();

    // Still full: it opens, for the cut and the manifest take no room, and the first append fails.
    const still = await openOn(disk);
    expect(still.failure).toBeUndefined();
    expect([...(await contentsOf(still)).numbers.values()]).toEqual(range(1, 6));
    await expect(still.append([envelopeOf(6)])).rejects.toMatchObject(full);
    await still.close();

    disk.capacityBytes = Infinity;
    const again = await openOn(disk);
    expect(again.recovery).toEqual({ tornBytes: 60, isDamaged: false, isManifestDamaged: false });
    expect(await again.append([envelopeOf(6)])).toBe(6);
    expect([...(await contentsOf(again)).numbers.values()]).toEqual(range(1, 7));
  });

  it('a new segment that cannot be made ends appends, and is made at the next start', async () => {
    for (const kind of ['open', 'write', 'sync', 'syncDirectory'] as const) {
      const { disk, log } = await logWithFive({ segmentBytes: 128 + 5 * 176 });
      disk.fault = (operation) => (operation.kind === kind ? 'ENOSPC' : undefined);
      await expect(log.append([envelopeOf(6)])).rejects.toMatchObject(full);
      disk.fault = undefined;
      expect([...(await contentsOf(log)).numbers.values()]).toEqual(range(1, 6));
      disk.powerCut();
      const again = await openOn(disk, { segmentBytes: 128 + 5 * 176 });
      expect(await again.append([envelopeOf(6)])).toBe(6);
      expect([...(await contentsOf(again)).numbers.values()]).toEqual(range(1, 7));
      expect(again.recovery.isDamaged).toBe(false);
    }
  });

  it('each operation of a start that fails leaves a log that opens later, whole', async () => {
    for (let stop = 0; ; stop++) {
      const { disk } = await logWithFive({ segmentBytes: 700 });
      disk.kill();
      let count = 0;
      disk.fault = () => (count++ === stop ? 'EIO' : undefined);
      const opened = await openOn(disk, { segmentBytes: 700, retention: { maxBytes: 700 } }).catch((error: unknown) => {
        expect(error).toMatchObject(failed);
      });
      if (opened?.failure !== undefined) {
        expect(opened.failure).toMatchObject(failed);
        const { numbers, damaged } = await contentsOf(opened);
        expect(damaged.size).toBe(0);
        for (const [position, number] of numbers) expect(number).toBe(position);
      }
      disk.fault = undefined;
      if (stop % 2 === 0) disk.powerCut();
      const again = await openOn(disk);
      const { numbers, damaged } = await contentsOf(again);
      expect(damaged.size).toBe(0);
      expect([1, 4]).toContain(again.firstPosition);
      expect([...numbers.values()]).toEqual(range(again.firstPosition, 6));
      if (count <= stop) break;
      expect(stop).toBeLessThan(100);
    }
  });

  it('storage.12: a first start whose syncs fail leaves nothing that a power cut could damage later', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = soundDisk(seed);
      disk.fault = ({ kind, name }) => (kind === 'sync' && name !== 'manifest' ? 'EIO' : undefined);
      expect((await openOn(disk)).failure).toMatchObject(failed);
      disk.fault = undefined;
      await openOn(disk);
      disk.powerCut();
      const log = await openOn(disk);
      expect(log.recovery).toEqual({ tornBytes: 0, isDamaged: false, isManifestDamaged: false });
      expect(await log.append([envelopeOf(1)])).toBe(1);
    }
  });

  it('storage.12: a start that is killed after any of its operations costs nothing, also when the power goes later', async () => {
    const retention = { maxBytes: 700 };
    for (const numbers of [0, 5]) {
      for (let stop = 0; ; stop++) {
        const disk = soundDisk(stop);
        if (numbers > 0) {
          const log = await openOn(disk, { segmentBytes: 700 });
          await appendEach(log, 1, numbers + 1);
          disk.fault = ({ kind }) => (kind === 'datasync' ? 'EIO' : undefined);
          await expect(log.append([envelopeOf(numbers + 1)])).rejects.toMatchObject(failed);
        }
        let count = 0;
        disk.fault = () => void (count++ === stop && disk.kill());
        void openOn(disk, { retention });
        await new Promise((resolve) => setTimeout(resolve, 1));
        disk.fault = undefined;

        const used = await openOn(disk, { segmentBytes: 700 });
        const { numbers: before } = await contentsOf(used);
        before.set(await used.append([envelopeOf(100)]), 100);
        disk.powerCut();
        const again = await openOn(disk);
        expect(again.recovery).toMatchObject({ isDamaged: false, isManifestDamaged: false });
        const after = await contentsOf(again);
        expect([[...after.numbers], after.damaged.size]).toEqual([[...before], 0]);
        if (count <= stop) break;
        expect(stop).toBeLessThan(100);
      }
    }
  });

  it('a read that fails rejects, and nothing else happens', async () => {
    const { disk, log } = await logWithFive();
    for (const kind of ['open', 'read'] as const) {
      disk.fault = (operation) => (operation.kind === kind ? 'EIO' : undefined);
      await expect(log.read(1, 100)).rejects.toMatchObject(failed);
      expect(log.failure).toBeUndefined();
    }
    disk.fault = undefined;
    expect(await log.append([envelopeOf(6)])).toBe(6);
    expect((await contentsOf(log)).numbers.size).toBe(6);
  });

  it('a manifest that cannot be written at the end makes close reject, and loses nothing', async () => {
    const { disk, log } = await logWithFive();
    disk.fault = ({ name, kind }) => (name === 'manifest' && kind === 'datasync' ? 'EIO' : undefined);
    await expect(log.close()).rejects.toMatchObject(failed);
    disk.fault = undefined;
    disk.powerCut();
    expect((await contentsOf(await openOn(disk))).numbers.size).toBe(5);
  });
});

it('storage.4: a second log in the same folder is refused while the first one is open', async () => {
  const disk = soundDisk();
  const files = disk.attach();
  const log = await openOn(disk, { files });
  await expect(openOn(disk, { files })).rejects.toMatchObject({ code: 'E_USAGE' });
  await log.append([envelopeOf(1)]);
  await log.close();
  expect((await openOn(disk, { files })).nextPosition).toBe(2);
});
