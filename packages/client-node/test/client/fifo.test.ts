import { expect, test } from 'vitest';
import { Fifo } from '../../src/client/fifo.ts';

test('what came first goes first, also over many', () => {
  const queue = new Fifo<number>();
  let next = 0;
  let taken = 0;
  for (let round = 0; round < 2_000; round++) {
    for (let i = 0; i < 3; i++) queue.push(next++);
    for (let i = 0; i < 2; i++) expect(queue.shift()).toBe(taken++);
    expect(queue.size).toBe(next - taken);
  }
  expect(queue.drain()).toEqual(Array.from({ length: next - taken }, (_, i) => taken + i));
  expect([queue.size, queue.shift()]).toEqual([0, undefined]);
});
