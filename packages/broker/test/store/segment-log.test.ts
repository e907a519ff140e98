import { describe, expect, it } from 'vitest';
import { segmentName } from '../../src/store/segment-header.ts';
import { SimulatedDisk } from '../../src/testing/disk.ts';
import { SeededRandom } from '@tridcomm/core/testing';
import { appendEach, contentsOf, envelopeOf, numberOf, openOn, range, soundDisk } from './support.ts';

describe('SegmentLog', () => {
  it('storage.12: holds after a restart what it held before, closed in order or killed', async () => {
    const disk = soundDisk();
    for (let life = 0; life < 6; life++) {
      const log = await openOn(disk, { segmentBytes: 700, batchBytes: 300 });
      expect(log.recovery).toEqual({ tornBytes: 0, isDamaged: false, isManifestDamaged: false });
      expect([log.firstPosition, log.nextPosition]).toEqual([1, 1 + life * 10]);
      await appendEach(log, life * 10, life * 10 + 10);
      expect([...(await contentsOf(log)).numbers.values()]).toEqual(range(0, life * 10 + 10));
      if (life % 2 === 0) await log.close();
      else disk.kill();
    }
  });

  it('storage.8: what is appended while a sync is under way becomes one batch, with one write and one sync', async () => {
    const disk = soundDisk();
    const log = await openOn(disk);
    const { write, datasync } = { ...disk.counts };
    const order: number[] = [];
    const appends = range(0, 1_000).map(async (number) => {
      // Called in turns of their own: the first is written alone, the others wait for it together.
      if (number > 0) await Promise.resolve();
      order.push(await log.append([envelopeOf(number)]));
    });
    await Promise.all(appends);
    expect(order).toEqual(range(1, 1_001));
    expect(disk.counts.write - write).toBeLessThanOrEqual(3);
    expect(disk.counts.datasync - datasync).toBe(disk.counts.write - write);
    expect(disk.counts.sync).toBe(2);
    expect([...(await contentsOf(log)).numbers.values()]).toEqual(range(0, 1_000));
  });

  it('storage.8: acknowledges after the sync and never before', async () => {
    const queue: (() => void)[] = [];
    const disk = new SimulatedDisk({ random: new SeededRandom(1), schedule: (run) => queue.push(run) });
    /** What happened, each time that the disk did something. */
    const steps: { kind: string; isDone: boolean }[] = [];
    disk.fault = ({ kind }) => void steps.push({ kind, isDone: false });
    const drive = async <T>(work: Promise<T>): Promise<T> => {
      const state = { isDone: false };
      void work.then(() => (state.isDone = true));
      for (let i = 0; i < 100 && !state.isDone; i++) {
        queue.shift()?.();
        await new Promise((resolve) => setImmediate(resolve));
        if (steps.length > 0) steps[steps.length - 1]!.isDone ||= state.isDone;
      }
      return await work;
    };
    const log = await drive(openOn(disk));
    steps.length = 0;
    const appended = log.append([envelopeOf(1)]);
    expect(log.nextPosition).toBe(1);
    expect(await drive(appended)).toBe(1);
    expect(steps).toEqual([
      { kind: 'write', isDone: false },
      { kind: 'datasync', isDone: true },
    ]);
    expect(log.nextPosition).toBe(2);
  });

  it('storage.8: a batch is no larger than it may be, and holds one envelope at least', async () => {
    const disk = soundDisk();
    const log = await openOn(disk, { batchBytes: 500 });
    const { write } = { ...disk.counts };
    expect(await log.append([...range(0, 50).map((number) => envelopeOf(number, 96)), envelopeOf(50, 3_000)])).toBe(1);
    // Five of 100 bytes each, and the large one alone.
    expect(disk.counts.write - write).toBe(11);
    expect([...(await contentsOf(log)).numbers.values()]).toEqual(range(0, 51));
  });

  it('storage.9: begins a new segment where a batch does not fit any more', async () => {
    const disk = soundDisk();
    const log = await openOn(disk, { segmentBytes: 700 });
    await appendEach(log, 0, 12);
    const batch = 128 + 48;
    expect(disk.names).toEqual([...range(0, 4).map((i) => segmentName(1 + i * 3)), 'manifest']);
    for (const i of range(0, 4)) expect(disk.bytesOf(segmentName(1 + i * 3)).length).toBe(128 + 3 * batch);
    await log.append([envelopeOf(12, 5_000)]);
    await appendEach(log, 13, 15);
    expect([...(await contentsOf(log)).numbers.values()]).toEqual(range(0, 15));
  });

  it('storage.9: makes a new segment durable before it uses it', async () => {
    const operations: string[] = [];
    const disk = soundDisk();
    const log = await openOn(disk, { segmentBytes: 300 });
    await appendEach(log, 0, 1);
    disk.fault = ({ kind, name }) => void operations.push(`${kind} ${name}`);
    await appendEach(log, 1, 2);
    const name = segmentName(2);
    expect(operations).toEqual([
      `open ${name}`,
      `write ${name}`,
      `sync ${name}`,
      'syncDirectory ',
      'write manifest',
      'datasync manifest',
      `write ${name}`,
      `datasync ${name}`,
    ]);
  });

  it('storage.15: reads a batch piece by piece, and each whole batch once', async () => {
    const disk = soundDisk();
    const log = await openOn(disk, { batchBytes: 1_000_000 });
    await log.append(range(0, 2_000).map((number) => envelopeOf(number, 200)));
    let bytes = 0;
    disk.fault = ({ kind }) => void (bytes += kind === 'read' ? 1 : 0);
    const numbers: number[] = [];
    while (numbers.length < 2_000) {
      const found = await log.read(numbers.length + 1, 10_000);
      expect(found.length).toBe(50);
      numbers.push(...found.map((envelope) => numberOf(envelope.bytes)));
    }
    expect(numbers).toEqual(range(0, 2_000));
    // One for each header, and one for the body.
    expect(bytes).toBeLessThanOrEqual(42);
  });

  it('storage.18: reads no more of a segment than it needs', async () => {
    const disk = soundDisk();
    const log = await openOn(disk);
    for (let i = 0; i < 40; i++)
      await log.append(range(i * 100, i * 100 + 100).map((number) => envelopeOf(number, 1_000)));
    await log.close();
    const again = await openOn(disk);
    const before = disk.counts.read;
    expect(numberOf((await again.read(3_950, 1))[0]!.bytes)).toBe(3_949);
    // The header near it, and the batch: not the 39 batches before.
    expect(disk.counts.read - before).toBeLessThanOrEqual(4);
  });

  describe('storage.17', () => {
    it('drops whole segments, the oldest first, above a number of bytes', async () => {
      const disk = soundDisk();
      const log = await openOn(disk, { segmentBytes: 700, retention: { maxBytes: 2_000 } });
      await appendEach(log, 0, 40);
      await log.trim();
      // Three segments of 656 bytes fit.
      expect(log.firstPosition).toBe(34);
      expect(disk.names).toEqual([segmentName(34), segmentName(37), segmentName(40), 'manifest']);
      expect([...(await contentsOf(log)).numbers.values()]).toEqual(range(33, 40));
      expect((await log.read(1, 1))[0]?.position).toBe(34);
      disk.kill();
      const again = await openOn(disk, { segmentBytes: 700 });
      expect([again.firstPosition, again.nextPosition]).toEqual([34, 41]);
    });

    it('never drops the newest segment', async () => {
      const disk = soundDisk();
      const log = await openOn(disk, { segmentBytes: 10_000, retention: { maxBytes: 10, maxAgeMs: 1_000_000 } });
      await appendEach(log, 0, 5);
      expect(log.firstPosition).toBe(1);
    });

    it('drops by age, at appends, when trimmed, and when opened', async () => {
      const disk = soundDisk();
      let nowMs = 0;
      const options = { segmentBytes: 700, retention: { maxAgeMs: 100 }, now: () => nowMs };
      const log = await openOn(disk, options);
      for (; nowMs < 290; nowMs += 10) await log.append([envelopeOf(nowMs / 10)]);
      // Each segment takes three; one goes when the one behind it is more than 100 ms old.
      await log.trim();
      expect(log.firstPosition).toBe(19);
      nowMs = 340;
      await log.trim();
      expect(log.firstPosition).toBe(22);
      nowMs = 1_000;
      await log.trim();
      // The newest stays until something is appended, which goes to a new one although there is room.
      expect(log.firstPosition).toBe(28);
      await log.append([envelopeOf(29)]);
      expect(disk.names).toEqual([segmentName(28), segmentName(30), 'manifest']);
      expect([...(await contentsOf(log)).numbers]).toEqual(range(28, 31).map((at) => [at, at - 1]));
      nowMs = 1_101;
      await log.close();
      expect((await openOn(disk, options)).firstPosition).toBe(30);
    });

    it('finishes at the next start what a power cut interrupted', async () => {
      for (let stop = 0; stop < 4; stop++) {
        const disk = soundDisk(stop);
        const log = await openOn(disk, { segmentBytes: 700 });
        await appendEach(log, 0, 12);
        await log.close();
        let left = stop;
        const queue: (() => void)[] = [];
        const process = disk.attach();
        const files = {
          ...process,
          remove: async (name: string) => {
            if (left-- === 0) await new Promise(() => queue.push(() => undefined));
            await process.remove(name);
          },
        };
        void openOn(disk, { files, retention: { maxBytes: 700 } });
        await new Promise((resolve) => setTimeout(resolve, 5));
        disk.powerCut();
        const again = await openOn(disk);
        expect(again.firstPosition).toBe(10);
        expect([...(await contentsOf(again)).numbers.values()]).toEqual(range(9, 12));
        expect(disk.names).toEqual([segmentName(10), 'manifest']);
      }
    });
  });

  it('refuses options out of range before it touches anything', async () => {
    const disk = soundDisk();
    for (const options of [
      { segmentBytes: 0 },
      { segmentBytes: 2 ** 31 },
      { segmentBytes: 1.5 },
      { batchBytes: -1 },
      { batchBytes: Number.NaN },
      { retention: { maxBytes: -5 } },
    ]) {
      await expect(openOn(disk, options)).rejects.toMatchObject({ code: 'E_USAGE' });
    }
    expect(disk.names).toEqual([]);
  });

  it('holds a bounded number of bytes that wait', async () => {
    const disk = soundDisk();
    const log = await openOn(disk, { segmentBytes: 2 ** 22 });
    const large = Array.from({ length: 60 }, () => new Uint8Array(1_048_576));
    const first = log.append(large);
    await expect(log.append(large.slice(0, 10))).rejects.toMatchObject({ code: 'E_LIMIT' });
    const second = log.append([envelopeOf(1)]);
    expect(await first).toBe(1);
    expect(await second).toBe(61);
    expect(await log.append(large.slice(0, 10))).toBe(62);
  });
});
