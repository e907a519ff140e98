import { expect, test } from 'vitest';
import { longestRetryMs, Reconnect } from '../../src/client/reconnect.ts';

const highest = 1 - Number.EPSILON;

/** Delays of attempts that fail one after the other. */
function delays(reconnect: Reconnect, count: number, nowMs = 0): number[] {
  return Array.from({ length: count }, () => reconnect.lost(nowMs));
}

test('the range doubles from 100 ms to 30 s', () => {
  expect(delays(new Reconnect(() => highest), 12)).toEqual([
    99, 199, 399, 799, 1_599, 3_199, 6_399, 12_799, 25_599, 29_999, 29_999, 29_999,
  ]);
});

test('jitter covers the whole range, from 0 on', () => {
  expect(delays(new Reconnect(() => 0), 5)).toEqual([0, 0, 0, 0, 0]);
  let draw = 0;
  const reconnect = new Reconnect(() => (draw += 0.25) - 0.25);
  expect(delays(reconnect, 4)).toEqual([0, 50, 200, 600]);
});

test('it stays at the cap after thousands of attempts', () => {
  const reconnect = new Reconnect(() => highest);
  expect(delays(reconnect, 5_000).at(-1)).toBe(29_999);
  expect(reconnect.attempts).toBe(5_000);
});

test('a link that lasted 10 s resets, one that lasted less does not', () => {
  const reconnect = new Reconnect(() => highest);
  delays(reconnect, 4);
  reconnect.opened(1_000);
  expect(reconnect.lost(10_999)).toBe(1_599);
  reconnect.opened(20_000);
  expect(reconnect.lost(30_000)).toBe(99);
  expect(reconnect.attempts).toBe(1);
});

test('an attempt that fails after a reset does not count the old link once more', () => {
  const reconnect = new Reconnect(() => highest);
  reconnect.opened(0);
  expect(reconnect.lost(60_000)).toBe(99);
  expect(reconnect.lost(120_000)).toBe(199);
});

test('a clock that was set back does not reset', () => {
  const reconnect = new Reconnect(() => highest);
  delays(reconnect, 3);
  reconnect.opened(100_000);
  expect(reconnect.lost(50_000)).toBe(799);
});

test('what the peer asks for comes on top, up to ten minutes', () => {
  const reconnect = new Reconnect(() => 0.5);
  expect(reconnect.lost(0, 5_000)).toBe(5_050);
  expect(reconnect.lost(0)).toBe(100);
  expect(reconnect.lost(0, 0xffff_ffff)).toBe(longestRetryMs + 200);
});
