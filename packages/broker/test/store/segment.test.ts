import { expect, it } from 'vitest';
import { Segment } from '../../src/store/segment.ts';

it('storage.18: notes few places, and finds one near each position', () => {
  const segment = new Segment({ firstPosition: 1_000, createdMs: 0, previous32: undefined, endOffset: 128 });
  const before = process.memoryUsage().arrayBuffers;
  const batchBytes = 176;
  for (let i = 0; i < 400_000; i++) segment.note(1_000 + i * 2, 128 + i * batchBytes);
  // 400,000 batches in 64 MiB: far below 128 bytes each.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  for (const i of [0, 1, 185, 186, 187, 5_000, 399_999]) {
    for (const within of [0, 1]) {
      const place = segment.placeBefore(1_000 + i * 2 + within);
      expect(place.position).toBeLessThanOrEqual(1_000 + i * 2);
      expect(place.offset).toBe(128 + ((place.position - 1_000) / 2) * batchBytes);
      expect(128 + i * batchBytes - place.offset).toBeLessThan(32_768 + batchBytes);
    }
  }
  // What was noted before, or stands too near, changes nothing.
  segment.note(1_000, 128);
  expect(segment.placeBefore(1_000 + 399_999 * 2).offset).toBeGreaterThan(399_000 * batchBytes);
});
