import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@tridcomm/core/testing';
import { afterAll, describe, expect, it } from 'vitest';
import type { EnvelopeLog } from '../../src/store/envelope-log.ts';
import { MemoryLog } from '../../src/store/memory-log.ts';
import { nodeFiles } from '../../src/store/node-files.ts';
import { SegmentLog } from '../../src/store/segment-log.ts';
import { contentsOf, envelopeOf, numberOf, openOn, soundDisk } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'tridcomm-log-'));
afterAll(() => rmSync(folder, { recursive: true }));
let folders = 0;

const logs: [string, () => Promise<EnvelopeLog>][] = [
  ['MemoryLog', async () => new MemoryLog({ now: () => 0 })],
  ['SegmentLog on a simulated disk', async () => await openOn(soundDisk(), { segmentBytes: 4_096, batchBytes: 1_024 })],
  [
    'SegmentLog on files',
    async () =>
      await SegmentLog.open({
        files: nodeFiles(join(folder, `log-${folders++}`)),
        now: Date.now,
        random: new SeededRandom(1).bytes,
        segmentBytes: 100_000,
      }),
  ],
];

describe.each(logs)('storage.2, storage.3: %s', (_, open) => {
  it('gives back what was appended, under running positions from 1', async () => {
    const log = await open();
    expect([log.firstPosition, log.nextPosition]).toEqual([1, 1]);
    expect(await log.read(1, 1_000)).toEqual([]);
    expect(await log.append([envelopeOf(1), envelopeOf(2, 9)])).toBe(1);
    expect(await log.append([envelopeOf(3, 5_000)])).toBe(3);
    expect([log.firstPosition, log.nextPosition]).toEqual([1, 4]);
    expect((await log.read(1, 1e6)).map(({ position, bytes }) => [position, numberOf(bytes)])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    await log.close();
  });

  it('keeps the order of calls, and appends of one call together', async () => {
    const log = await open();
    const calls = Array.from({ length: 200 }, (_unused, i) => [envelopeOf(i * 2, 10 + i), envelopeOf(i * 2 + 1)]);
    const positions = await Promise.all(calls.map((call) => log.append(call)));
    expect(positions).toEqual(calls.map((_unused, i) => 1 + i * 2));
    const { numbers, damaged } = await contentsOf(log);
    expect([...numbers.values()]).toEqual(Array.from({ length: 400 }, (_unused, i) => i));
    expect(damaged.size).toBe(0);
    await log.close();
  });

  it('reads up to maxBytes, and one envelope at least', async () => {
    const log = await open();
    await log.append([10, 20, 30, 40].map((length, i) => envelopeOf(i, length)));
    const counts = async (from: number, maxBytes: number): Promise<number> => (await log.read(from, maxBytes)).length;
    expect(await Promise.all([1, 10, 29, 30, 59, 60, 99, 100].map((max) => counts(1, max)))).toEqual([
      1, 1, 1, 2, 2, 3, 3, 4,
    ]);
    expect(await counts(4, 1)).toBe(1);
    expect(await counts(5, 1)).toBe(0);
    expect(await counts(500, 1)).toBe(0);
    await log.close();
  });

  it('hands out bytes that are the reader’s', async () => {
    const log = await open();
    const mine = envelopeOf(1);
    await log.append([mine, envelopeOf(2)]);
    mine.fill(0);
    const [first] = await log.read(1, 1);
    first!.bytes.fill(0);
    expect([...(await contentsOf(log)).numbers.values()]).toEqual([1, 2]);
    await log.close();
  });

  it('takes envelopes of 1 to 1,048,576 bytes, and refuses others whole', async () => {
    const log = await open();
    const largest = new Uint8Array(1_048_576).fill(7);
    await expect(log.append([])).rejects.toMatchObject({ code: 'E_USAGE' });
    await expect(log.append([envelopeOf(1), new Uint8Array(0)])).rejects.toMatchObject({ code: 'E_USAGE' });
    await expect(log.append([envelopeOf(1), new Uint8Array(1_048_577)])).rejects.toMatchObject({ code: 'E_LIMIT' });
    expect(log.nextPosition).toBe(1);
    expect(await log.append([new Uint8Array([9]), largest])).toBe(1);
    expect((await log.read(1, 1)).map(({ bytes }) => [...bytes])).toEqual([[9]]);
    expect(Buffer.from((await log.read(2, 1))[0]!.bytes).equals(largest)).toBe(true);
    await log.close();
  });

  it('refuses reads that nobody can answer', async () => {
    const log = await open();
    for (const [from, max] of [
      [0, 1],
      [-1, 1],
      [1.5, 1],
      [Number.NaN, 1],
      [2 ** 53, 1],
      [1, 0],
      [1, Number.NaN],
    ] as const) {
      await expect(log.read(from, max)).rejects.toMatchObject({ code: 'E_USAGE' });
    }
    await log.close();
  });

  it('settles what was appended before it closes, and refuses all afterwards', async () => {
    const log = await open();
    const appended = log.append([envelopeOf(1)]);
    const closed = log.close();
    await expect(log.append([envelopeOf(2)])).rejects.toMatchObject({ code: 'E_CLOSED' });
    expect(await appended).toBe(1);
    await closed;
    await log.close();
    await expect(log.read(1, 1)).rejects.toMatchObject({ code: 'E_CLOSED' });
    await expect(log.trim()).rejects.toMatchObject({ code: 'E_CLOSED' });
  });
});
