import { expect, test } from 'vitest';
import { Watches } from '../../src/engine/watches.ts';

test('tells who watches an address, and forgets it with the last', () => {
  const watches = new Watches<string>();
  const [first, second] = [watches.add('a', 'x'), watches.add('a', 'y')];
  expect(second).toBe(first);
  watches.add('b', 'x');
  expect([...watches.watchersOf('a')]).toEqual(['x', 'y']);
  expect([...watches.watchersOf('c')]).toEqual([]);
  expect([watches.has('a', 'x'), watches.has('b', 'y'), watches.has('c', 'x')]).toEqual([true, false, false]);
  watches.delete(first, 'x');
  expect([...watches.watchersOf('a')]).toEqual(['y']);
  watches.delete(first, 'y');
  expect(watches.has('a', 'y')).toBe(false);
  // Another one by then, which the old one does not touch.
  const third = watches.add('a', 'z');
  expect(third).not.toBe(first);
  watches.add('a', 'x');
  watches.delete(third, 'x');
  expect([...watches.watchersOf('a')]).toEqual(['z']);
});
