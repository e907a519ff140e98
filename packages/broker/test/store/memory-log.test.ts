import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { MemoryLog } from '../../src/store/memory-log.ts';
import { appendEach, contentsOf, envelopeOf, range } from './support.ts';

describe('storage.17: MemoryLog drops the oldest', () => {
  it('above a number of bytes, to the envelope', async () => {
    const log = new MemoryLog({ now: () => 0, retention: { maxBytes: 1_000 } });
    await appendEach(log, 1, 31, 100);
    expect([log.firstPosition, log.nextPosition]).toEqual([21, 31]);
    expect([...(await contentsOf(log)).numbers.values()]).toEqual(range(21, 31));
    expect((await log.read(1, 1))[0]?.position).toBe(21);
  });

  it('but keeps the newest whatever its size', async () => {
    const log = new MemoryLog({ now: () => 0, retention: { maxBytes: 10 } });
    await appendEach(log, 1, 4, 100);
    expect([...(await contentsOf(log)).numbers.values()]).toEqual([3]);
  });

  it('above an age, at appends and when it is trimmed', async () => {
    let nowMs = 0;
    const log = new MemoryLog({ now: () => nowMs, retention: { maxAgeMs: 10 } });
    for (let number = 1; number <= 30; number++) {
      nowMs = number;
      await log.append([envelopeOf(number)]);
    }
    expect(log.firstPosition).toBe(20);
    nowMs = 35;
    await log.trim();
    expect(log.firstPosition).toBe(25);
    nowMs = 1_000;
    await log.trim();
    expect([log.firstPosition, log.nextPosition]).toEqual([31, 31]);
    expect(await log.append([envelopeOf(31)])).toBe(31);
    expect([...(await contentsOf(log)).numbers.values()]).toEqual([31]);
  });

  it('refuses a retention of nothing', () => {
    for (const retention of [{ maxBytes: 0 }, { maxAgeMs: 0 }, { maxAgeMs: Number.NaN }]) {
      expect(() => new MemoryLog({ now: () => 0, retention })).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
    }
  });
});

it('storage.3: positions begin above those of an earlier life, and stay exact', async () => {
  let nowMs = 1_790_000_000_000;
  const [one] = [new MemoryLog({ now: () => nowMs })];
  const last = (await one.append(Array.from({ length: 1_000 }, (_, i) => envelopeOf(i + 1)))) + 999;
  nowMs += 1;
  const later = new MemoryLog({ now: () => nowMs });
  expect(later.firstPosition).toBeGreaterThan(last);
  expect(await later.append([envelopeOf(7), envelopeOf(8)])).toBe(later.firstPosition);
  expect((await later.read(1, 1_000_000)).map(({ position }) => position)).toEqual([
    later.firstPosition,
    later.firstPosition + 1,
  ]);
  const inYear2240 = new MemoryLog({ now: () => Date.UTC(2240, 0) });
  expect(Number.isSafeInteger(inYear2240.nextPosition + 2 ** 40)).toBe(true);
});

it('an envelope of MemoryLog costs its bytes and at most 128 more, and nothing once it is dropped', async () => {
  const list = Array.from({ length: 1_000 }, () => new Uint8Array(300));
  const before = await heldBytes();
  const log = new MemoryLog({ now: () => 0, retention: { maxBytes: 30_000_000 } });
  for (let i = 0; i < 100; i++) await log.append(list);
  const full = (await heldBytes()) - before;
  expect(full).toBeGreaterThan(30_000_000);
  expect(full).toBeLessThan(100_000 * (300 + 128));
  for (let i = 0; i < 300; i++) await log.append(list);
  expect(log.nextPosition - log.firstPosition).toBe(100_000);
  expect((await heldBytes()) - before).toBeLessThan(100_000 * (300 + 128));
});

/** Bytes that are in use when all garbage is gone; what a collection frees is counted a little later. */
async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let least = Infinity;
  for (let i = 0; i < 10; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    least = Math.min(least, heapUsed + arrayBuffers);
  }
  return least;
}
