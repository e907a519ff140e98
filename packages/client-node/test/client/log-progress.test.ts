import { expect, test } from 'vitest';
import { LogProgress, type LogEntry } from '../../src/client/log-progress.ts';

function read(progress: LogProgress, match: string, positions: readonly number[], nowMs = 0): LogEntry[] {
  return positions.map((position) => progress.read(match, position, nowMs));
}

test('a match begins where the reader does, and goes on behind what was read', () => {
  const progress = new LogProgress(7);
  expect(progress.fromOf('a')).toBe(7);
  read(progress, 'a', [9, 20]);
  expect(progress.fromOf('a')).toBe(21);
  expect(progress.fromOf('b')).toBe(7);
});

test('after a restart it goes on at the first that is not done', () => {
  const progress = new LogProgress(1);
  const [first, second, third] = read(progress, 'a', [5, 8, 9]) as [LogEntry, LogEntry, LogEntry];
  expect(progress.store().matches).toEqual({ a: { doneTo: 1, readTo: 10 } });
  expect(progress.done('a', second)).toBe(false);
  expect(progress.store().matches).toEqual({ a: { doneTo: 1, readTo: 10 } });
  expect(progress.done('a', first)).toBe(true);
  expect(progress.store().matches).toEqual({ a: { doneTo: 9, readTo: 10 } });
  expect(progress.done('a', third)).toBe(true);
  expect(progress.store().matches).toEqual({ a: { doneTo: 10, readTo: 10 } });
  expect(new LogProgress(1, progress.store()).fromOf('a')).toBe(10);
});

test('what an earlier life handed over and did not see done comes again, and is said to', () => {
  const earlier = new LogProgress(1);
  const [first] = read(earlier, 'a', [5, 8, 9]);
  earlier.done('a', first!);
  const later = new LogProgress(1, earlier.store());
  expect(later.fromOf('a')).toBe(8);
  expect([8, 9, 10].map((position) => later.isAgain('a', position))).toEqual([true, true, false]);
  expect(later.isAgain('b', 8)).toBe(false);
  // Also in the life after that, when nothing came in between.
  expect(new LogProgress(1, later.store()).isAgain('a', 9)).toBe(true);
});

test('matches are as far as they are, each for itself', () => {
  const progress = new LogProgress(1);
  const [late] = read(progress, 'slow', [3]);
  for (const entry of read(progress, 'fast', [100, 200])) progress.done('fast', entry);
  const again = new LogProgress(1, progress.store());
  expect([again.fromOf('slow'), again.fromOf('fast')]).toEqual([1, 201]);
  progress.done('slow', late!);
  expect(new LogProgress(1, progress.store()).fromOf('slow')).toBe(4);
});

test('a new match begins where the reader was two minutes ago, not where it is', () => {
  const progress = new LogProgress(1);
  for (let second = 0; second <= 200; second++) {
    progress.done('a', progress.read('a', 1_000 + second, second * 1_000));
  }
  const from = progress.fromOf('new');
  expect(from).toBeGreaterThan(1_000 + 200 - 120 - 12);
  expect(from).toBeLessThanOrEqual(1_000 + 200 - 120 + 1);
  const again = new LogProgress(1, progress.store());
  expect(again.fromOf('newer')).toBe(from);
  expect(again.fromOf('a')).toBe(1_201);
});

test('a reader that slept begins new matches where it was when it fell asleep', () => {
  const progress = new LogProgress(1);
  read(progress, 'a', [50], 0);
  read(progress, 'a', [90_000], 7 * 86_400_000);
  // Two minutes before, it was at 51.
  expect(progress.fromOf('new')).toBe(51);
});

test('a match that is dropped is forgotten when all of it is done', () => {
  const progress = new LogProgress(1);
  const [first, second] = read(progress, 'a', [5, 6]) as [LogEntry, LogEntry];
  progress.drop('a');
  progress.drop('never');
  expect(progress.store().matches).toHaveProperty('a');
  progress.done('a', second);
  expect(progress.store().matches).toHaveProperty('a');
  progress.done('a', first);
  expect(progress.store().matches).toEqual({});
  read(progress, 'b', [7]).forEach((entry) => progress.done('b', entry));
  progress.drop('b');
  expect(progress.store().matches).toEqual({});
});

test('one that is asked for again before that is kept', () => {
  const progress = new LogProgress(1);
  const [first] = read(progress, 'a', [5]);
  progress.drop('a');
  expect(progress.fromOf('a')).toBe(6);
  progress.done('a', first!);
  expect(progress.store().matches).toEqual({ a: { doneTo: 6, readTo: 6 } });
});

test('what is handed over to nobody moves the next life no further than to what opened', () => {
  const progress = new LogProgress(1);
  const [first] = read(progress, 'a', [5]) as [LogEntry];
  expect(progress.passed('a', 2 ** 52)).toBe(false);
  progress.done('a', first);
  // In this life it does not come again.
  expect(progress.fromOf('a')).toBe(2 ** 52 + 1);
  expect(progress.store()).toEqual({ begin: 1, matches: { a: { doneTo: 6, readTo: 6 } } });
  expect(new LogProgress(1, progress.store()).fromOf('a')).toBe(6);
  expect(progress.passed('a', 2 ** 52 + 1)).toBe(false);
  // Another match brings the same.
  expect(progress.passed('b', 5)).toBe(true);
  expect(progress.passed('b', 6)).toBe(false);
  expect(progress.store().matches['b']).toEqual({ doneTo: 6, readTo: 6 });
  read(progress, 'a', [7]).forEach((entry) => progress.done('a', entry));
  expect(progress.store().matches['a']).toEqual({ doneTo: 8, readTo: 8 });
});

test('a place that is asked for can be written', () => {
  const progress = new LogProgress(1);
  progress.passed('a', Number.MAX_SAFE_INTEGER);
  read(progress, 'b', [Number.MAX_SAFE_INTEGER]);
  expect([progress.fromOf('a'), progress.fromOf('b')]).toEqual([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
});
