import { expect, test } from 'vitest';
import { HeldEnvelopes } from '../../src/client/held-envelopes.ts';

/** What is tried again, and whether for the last time. */
function tried(held: HeldEnvelopes<string>, nowMs: number, done: readonly string[] = []): [string, boolean][] {
  const found: [string, boolean][] = [];
  held.retry(nowMs, (item, isLast) => {
    found.push([item, isLast]);
    return done.includes(item);
  });
  return found;
}

test('what is held is tried in its order until it is done', () => {
  const held = new HeldEnvelopes<string>(100);
  expect([held.hold('a', 10, 0), held.hold('b', 10, 1), held.hold('c', 10, 2)]).toEqual([true, true, true]);
  expect(tried(held, 10, ['b'])).toEqual([
    ['a', false],
    ['b', false],
    ['c', false],
  ]);
  expect(tried(held, 20, ['a', 'c']).map(([item]) => item)).toEqual(['a', 'c']);
  expect(held.isEmpty).toBe(true);
});

test('after two seconds it is tried a last time', () => {
  const held = new HeldEnvelopes<string>(100);
  held.hold('a', 10, 0);
  held.hold('b', 10, 500);
  expect(tried(held, 2_000)).toEqual([
    ['a', true],
    ['b', false],
  ]);
  expect(tried(held, 2_500)).toEqual([['b', true]]);
  expect(held.isEmpty).toBe(true);
});

test('there is room for so many bytes, which comes back', () => {
  const held = new HeldEnvelopes<string>(25);
  expect([held.hold('a', 20, 0), held.hold('b', 6, 0), held.hold('c', 5, 0)]).toEqual([true, false, true]);
  tried(held, 1, ['a']);
  expect([held.hold('d', 21, 1), held.hold('e', 20, 1)]).toEqual([false, true]);
});

test('what comes while it is tried is kept behind', () => {
  const held = new HeldEnvelopes<string>(100);
  held.hold('a', 10, 0);
  held.retry(1, () => {
    held.hold('b', 10, 1);
    return false;
  });
  expect(tried(held, 2, ['a', 'b']).map(([item]) => item)).toEqual(['a', 'b']);
});
