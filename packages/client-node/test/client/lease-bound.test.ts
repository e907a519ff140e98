import { expect, test } from 'vitest';
import { LeaseBound } from '../../src/client/lease-bound.ts';

test('twice the highest capacity is taken, and what is settled makes room', () => {
  const bound = new LeaseBound();
  bound.asked(2);
  bound.asked(0);
  const settle = [1, 2, 3, 4].map(() => bound.add(0));
  expect(() => bound.add(0)).toThrow('E_LIMIT');
  settle[1]!();
  settle[1]!();
  bound.add(0);
  expect(() => bound.add(0)).toThrow('E_LIMIT');
  bound.asked(3);
  bound.add(0);
});

test('delivery.24: what the broker has taken back counts no more, so work may take longer than a lease', () => {
  const bound = new LeaseBound();
  bound.asked(1);
  for (let at = 0; at < 10; at++) bound.add(at * 30_000);
  bound.add(9 * 30_000);
  expect(() => bound.add(9 * 30_000 + 29_999)).toThrow('E_LIMIT');
});
