import { expect, it } from 'vitest';

import { firstDifference } from '../src/difference.ts';

const proto = JSON.parse('{"__proto__":"x"}') as unknown;

it.each([
  [{ a: 1, b: [true, { c: 'x' }] }, { b: [true, { c: 'x' }], a: 1 }, undefined],
  [{ a: 1 }, { a: '1' }, 'out.a: expected 1, got "1"'],
  [{ a: 1 }, {}, 'out.a: expected 1, got (absent)'],
  [{ a: 1 }, { a: null }, 'out.a: expected 1, got null'],
  [{ a: [1, 2] }, { a: [1] }, 'out.a[1]: expected 2, got (absent)'],
  [{ a: [1] }, { a: [1, 2] }, 'out.a: expected 1 items, got 2'],
  [{ a: [] }, { a: {} }, 'out.a: expected [], got {}'],
  [{ a: { b: 1 } }, { a: { b: 1, c: 2 } }, 'out.a.c: not expected, got 2'],
  [proto, {}, 'out.__proto__: expected "x", got (absent)'],
  [{}, proto, 'out.__proto__: not expected, got "x"'],
  [{}, null, 'out: expected {}, got null'],
])('%j against %j', (expected, got, message) => {
  expect(firstDifference(expected, got, 'out')).toBe(message);
});

it('extra allows more members in the outermost object only', () => {
  expect(firstDifference({ a: { b: 1 } }, { a: { b: 1 }, c: 1 }, 'out', true)).toBeUndefined();
  expect(firstDifference({ a: { b: 1 } }, { a: { b: 1, c: 2 } }, 'out', true)).toBe('out.a.c: not expected, got 2');
});
