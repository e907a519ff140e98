import { expect, test } from 'vitest';
import { format, goalsOf, outcomeOf, tableOf, type Row } from '../src/report.ts';

const row: Row = { name: 'a: b ÷ c', value: 2, unit: '×' };

test.each([
  [{}, undefined],
  [{ atLeast: 2 }, 'met'],
  [{ atLeast: 2.01 }, 'MISSED'],
  [{ atMost: 2 }, 'met'],
  [{ atMost: 1.99 }, 'MISSED'],
  [{ atLeast: 1, atMost: 3 }, 'met'],
] as const)('a goal of %j at 2', (goal, outcome) => {
  expect(outcomeOf({ ...row, ...goal })).toBe(outcome);
});

test('a figure that is no number meets no goal', () => {
  expect(outcomeOf({ ...row, value: NaN, atMost: 3 })).toBe('MISSED');
  expect(outcomeOf({ ...row, value: NaN, atLeast: 1 })).toBe('MISSED');
});

test('what was not measured says why, with a goal and without', () => {
  const absent = { ...row, value: undefined, note: 'no server here' };
  expect(tableOf([absent])).toBe('a: b ÷ c           –  ×             SKIP no server here');
  expect(tableOf([{ ...absent, goal: 'P2', atLeast: 2 }])).toContain('goal P2 ≥ 2.00  not measured  no server here');
});

test('a line has the figure, its spread, its goal and a remark', () => {
  const full = { ...row, value: 1_234.5, spread: [0.5, 2_000] as const, goal: 'P1', atLeast: 4, note: 'remark' };
  expect(tableOf([full])).toBe('a: b ÷ c       1,235  ×             (0.500 to 2,000)  goal P1 ≥ 4.00  met  remark');
});

test('the goals are the rows that have a number in the list of goals', () => {
  const rows = [row, { ...row, name: 'own goal', atMost: 1 }, { ...row, name: 'listed', goal: 'P9', atMost: 1 }];
  expect(goalsOf(rows)).toMatch(/^listed .* goal P9 ≤ 1\.00 {2}MISSED$/);
});

test('figures have three digits, or commas', () => {
  expect([0.1, 12, 999, 1_000, -1_500].map(format)).toEqual(['0.100', '12.0', '999', '1,000', '-1,500']);
});
