import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { lostOf, Writer } from './writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'tridcomm-kill-'));
afterAll(() => rmSync(folder, { recursive: true }));

it(
  'storage.3, storage.12: kill -9 at random, five times on one log, loses nothing that was acknowledged',
  { timeout: 120_000 },
  async () => {
    const acknowledged = new Map<number, number>();
    for (let round = 0; round < 5; round++) {
      const writer = new Writer(join(folder, 'log'), round * 1_000_000);
      try {
        await writer.write(20, Math.random() * 300);
      } finally {
        await writer.kill();
      }
      const before = acknowledged.size;
      for (const [position, number] of writer.acknowledged) {
        expect(acknowledged.has(position)).toBe(false);
        acknowledged.set(position, number);
      }
      expect(acknowledged.size).toBeGreaterThan(before);
      const { lost, count } = await lostOf(join(folder, 'log'), acknowledged);
      expect(lost).toEqual([]);
      expect(count).toBeGreaterThanOrEqual(acknowledged.size);
    }
  },
);
