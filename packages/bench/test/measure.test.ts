import { expect, test } from 'vitest';
import { countFor, median, medianRatio, quantile, ratiosOf, spreadOf } from '../src/measure.ts';
import { ticksIn } from '../src/processes/usage.ts';

test('medians, of an odd and an even number, of what is in no order', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('ratios are taken round by round: a machine that slows down meets both', () => {
  expect(ratiosOf([2, 20, 200], [1, 10, 100])).toEqual([2, 2, 2]);
  expect(medianRatio([2, 30, 100], [1, 10, 100])).toBe(2);
});

test('quantiles are values that were there', () => {
  expect([0, 0.5, 0.99, 1].map((share) => quantile([1, 2, 3, 4], share))).toEqual([1, 3, 4, 4]);
  expect(spreadOf([2, 3, 1])).toEqual([1, 3]);
});

test.each([
  [{ step: 10, most: 1_000, roundMs: 40 }, [10, 40, 160], 400],
  [{ step: 10, most: 95, roundMs: 40 }, [10, 40, 95], 90],
  [{ step: 64, most: 1_000, roundMs: 4 }, [64], 64],
])('a round is as long as wanted, in steps, up to the most: %j', async (options, tried, count) => {
  const runs: number[] = [];
  const found = await countFor(async (some) => Promise.resolve(runs.push(some) && some / 10), options);
  expect([runs, found]).toEqual([tried, count]);
});

test('the name of a process may hold anything', () => {
  expect(ticksIn('12 (a b) c) S 1 2 3 4 5 6 7 8 9 10 70 30 1 1')).toBe(100);
});
