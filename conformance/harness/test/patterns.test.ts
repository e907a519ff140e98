import { expect, it } from 'vitest';

import { matches } from '../src/patterns.ts';

it.each([
  ['a/b/c', 'a/b/c', true],
  ['a/b', 'a/b/c', false],
  ['a/*', 'a/b', true],
  ['a/*', 'a/b/c', false],
  ['*/b/*', 'a/b/c', true],
  ['a/b*', 'a/bcd', true],
  ['a/*c*', 'a/bcd', true],
  ['a/b.d', 'a/bcd', false],
  ['**', 'a/b/c', true],
  ['a/**', 'a/b/c', true],
  ['a/**', 'b/a', false],
  ['**/c', 'a/b/c', true],
  ['a/**/c', 'a/c', true],
  ['a/**/c', 'a/b/b/c', true],
  ['a/**/c', 'a/b/d', false],
])('%s on %s gives %s', (pattern, id, expected) => {
  expect(matches(pattern, id)).toBe(expected);
});
