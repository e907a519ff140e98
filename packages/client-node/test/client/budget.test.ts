import { expect, test } from 'vitest';
import { SignatureBudget } from '../../src/client/budget.ts';

/** Times at which tokens were taken by somebody who tries every `stepMs`. */
function takenTimes(budget: SignatureBudget, stepMs: number, untilMs: number): number[] {
  const times: number[] = [];
  for (let step = 0; step * stepMs < untilMs; step++) while (budget.take(step * stepMs)) times.push(step * stepMs);
  return times;
}

test.each([0.05, 0.3, 1, 7, 100])('tried every %s ms, no window ever has more than burst and rate allow', (stepMs) => {
  const times = takenTimes(new SignatureBudget(), stepMs, 1_000);
  for (const [from, startMs] of times.entries()) {
    for (let to = from; to < times.length; to += 1 + Math.floor(Math.random() * 40)) {
      expect(to - from + 1).toBeLessThanOrEqual(8 + 2 * (times[to]! - startMs) + 1e-6);
    }
  }
});

test('it gives 8 at once, and then one each half millisecond', () => {
  const budget = new SignatureBudget();
  expect(Array.from({ length: 9 }, () => budget.take(100))).toEqual([...Array.from({ length: 8 }, () => true), false]);
  expect(budget.readyMs(100)).toBe(100.5);
  expect(budget.take(100.4)).toBe(false);
  expect(budget.readyMs(100.4)).toBeCloseTo(100.5);
  expect(budget.take(100.5)).toBe(true);
  expect(budget.take(100.5)).toBe(false);
});

test('a token that is given back can be taken again, and is none on top of 8', () => {
  const budget = new SignatureBudget();
  budget.giveBack();
  let count = 0;
  while (budget.take(0)) count++;
  expect(count).toBe(8);
  budget.giveBack();
  expect([budget.take(0), budget.take(0)]).toEqual([true, false]);
});

test('after a rest there are 8 again, and not more', () => {
  const budget = new SignatureBudget();
  while (budget.take(0));
  let count = 0;
  while (budget.take(3_600_000)) count++;
  expect(count).toBe(8);
});

test('a clock that goes back brings and costs nothing', () => {
  const budget = new SignatureBudget();
  while (budget.take(1_000));
  expect(budget.take(0)).toBe(false);
  expect(budget.take(0.5)).toBe(true);
});

test('all that the rate allows is given: about 2,000 in a second', () => {
  const { length } = takenTimes(new SignatureBudget(), 0.5, 1_000);
  expect(length).toBeGreaterThan(1_995);
  expect(length).toBeLessThanOrEqual(2_008);
});
