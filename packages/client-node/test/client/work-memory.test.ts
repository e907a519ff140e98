import type { WorkDelivery } from '@tridcomm/core';
import { expect, test } from 'vitest';
import { WorkMemory } from '../../src/client/work-memory.ts';
import { nameOfUnit, WorkUnit } from '../../src/client/work-unit.ts';

function unit(id: number, nowMs: number, bytes = 1_000, leaf?: number): WorkUnit {
  const id32 = new Uint8Array(32).fill(id);
  const body = new Uint8Array(bytes);
  const works = [{ id32, leaf: 0, index: 0, key16: new Uint8Array(16), deadlineMs: 0, body, isLate: false }];
  return new WorkUnit({ works, id32, leaf } as unknown as WorkDelivery, nowMs);
}
const has = (memory: WorkMemory, ...units: readonly WorkUnit[]) =>
  units.map(({ name }) => memory.get(name) !== undefined);

test('a leaf is another unit than the envelope, or another leaf, of the same id', () => {
  const id32 = new Uint8Array(32);
  expect(new Set([undefined, 0, 1].map((leaf) => nameOfUnit({ id32, leaf }))).size).toBe(3);
});

test('what nobody works on goes when it is old, the rest stays', () => {
  const memory = new WorkMemory();
  const [over, runs, young] = [unit(1, 0), unit(2, 0), unit(3, 100_000)];
  for (const one of [over, runs, young]) memory.add(one);
  for (const one of [over, young]) one.move(one.pieces[0]!, 'done');
  memory.tick(150_000);
  expect(has(memory, over, runs, young)).toEqual([true, true, true]);
  memory.tick(150_001);
  expect(has(memory, over, runs, young)).toEqual([false, true, true]);
  runs.move(runs.pieces[0]!, 'released');
  runs.addLease({ settle: () => {} }, 160_000);
  memory.tick(155_000);
  expect(has(memory, runs)).toEqual([true]);
  memory.tick(160_000);
  expect(has(memory, runs)).toEqual([false]);
});

test('beyond its bytes the oldest go; what is done takes no more than its answer', () => {
  const memory = new WorkMemory(2_600);
  const units = [unit(1, 0), unit(2, 0), unit(3, 0)];
  for (const one of units) memory.add(one);
  memory.tick(1);
  // All of them are worked on.
  expect(has(memory, ...units)).toEqual([true, true, true]);
  units[0]!.move(units[0]!.pieces[0]!, 'done');
  units[0]!.done();
  expect(units[0]!.bytes).toBeLessThan(300);
  for (const one of units) if (one !== units[0]) one.move(one.pieces[0]!, 'released');
  memory.tick(2);
  expect(has(memory, ...units)).toEqual([false, true, true]);
});
