import { nodeProvider } from '@tridcomm/core/node';
import { expect, test } from 'vitest';
import { GapTracker } from '../../src/client/gaps.ts';
import { bytesOfHex, hexOf } from '../../src/client/hex.ts';
import { Identity } from '../../src/client/identity.ts';
import { KnownHeads } from '../../src/client/known-heads.ts';
import { overlaps } from '../../src/client/pattern-overlap.ts';
import { parsePattern } from '../../src/topics/grammar.ts';
import { codeOf, seededRandom, startMs } from './world.ts';

const provider = nodeProvider;
const day = 86_400_000;

test.each([
  ['a/b', 'a/b', true],
  ['a/b', 'a/c', false],
  ['a/*', 'a/b', true],
  ['a/*', 'a/b/c', false],
  ['a/**', 'a', false],
  ['a/**', 'a/b/c', true],
  ['**', 'a', true],
  ['*/b/**', 'a/**', true],
  ['*/b', 'a/*', true],
  ['a/*/c', 'a/b', false],
])('%s and %s have a topic in common: %s', (a, b, expected) => {
  expect(overlaps(parsePattern(a), parsePattern(b))).toBe(expected);
  expect(overlaps(parsePattern(b), parsePattern(a))).toBe(expected);
});

test('gaps are told once, and filled one by one', () => {
  const gaps = new GapTracker();
  expect(gaps.accept('s', 3)).toEqual({ gaps: [{ from: 1, to: 2 }], filled: [] });
  expect(gaps.accept('s', 4)).toEqual({ gaps: [], filled: [] });
  expect(gaps.accept('s', 2)).toEqual({ gaps: [], filled: [{ from: 2, to: 2 }] });
  expect(gaps.accept('s', 1)).toEqual({ gaps: [], filled: [{ from: 1, to: 1 }] });
  expect(gaps.accept('other', 1)).toEqual({ gaps: [], filled: [] });
  gaps.resume('later', 10);
  expect(gaps.accept('later', 12).gaps).toEqual([{ from: 11, to: 11 }]);
});

test('of many streams the oldest is forgotten', () => {
  const gaps = new GapTracker(2);
  for (const stream of ['a', 'b', 'c']) gaps.accept(stream, 1);
  expect(gaps.accept('a', 2).gaps).toEqual([{ from: 1, to: 1 }]);
  expect(gaps.accept('c', 2).gaps).toEqual([]);
});

test('numbers of heads hold back from 5 s on, the oldest first, and until they are reached', () => {
  const heads = new KnownHeads();
  heads.accept(5, 0, 1_000, 30_000);
  heads.claim(7, 4_000);
  expect([4, 5, 7].map((own) => heads.isAhead(own))).toEqual([true, true, false]);
  expect(heads.isBehind(4, 5_999)).toBe(false);
  expect(heads.isBehind(4, 6_000)).toBe(true);
  expect(heads.isBehind(5, 8_999)).toBe(false);
  expect(heads.isBehind(5, 9_000)).toBe(true);
  expect(heads.isBehind(7, 99_000)).toBe(false);
  heads.accept(6, 0, 5_000, 30_000);
  heads.reached(5);
  expect(heads.isBehind(4, 8_999)).toBe(false);
});

test('principals.32: a later head shows numbers above it to be false, but not those that were learnt lately', () => {
  const heads = new KnownHeads();
  heads.claim(60, 1_000);
  heads.claim(50, 20_000);
  heads.accept(10, 31_000, 31_000, 30_000);
  expect(heads.isBehind(10, 24_999)).toBe(false);
  expect(heads.isBehind(10, 25_000)).toBe(true);
  expect(heads.isBehind(9, 36_000)).toBe(true);
  heads.accept(11, 50_000, 50_000, 30_000);
  expect(heads.isBehind(11, 99_000)).toBe(false);
});

test('a thousand numbers take the place of a few, and hold back no less', () => {
  const heads = new KnownHeads();
  for (let i = 1; i <= 1_000; i++) heads.accept(i, i, i, 30_000);
  expect(heads.isBehind(0, 5_001)).toBe(true);
  expect(heads.isBehind(999, 5_999)).toBe(false);
  expect(heads.isBehind(999, 6_000)).toBe(true);
});

test('an identity brings a fresh prekey with each record, and erases it when nobody can use it any more', () => {
  const random = seededRandom(provider, 9);
  const identity = Identity.create(provider, random, startMs);
  expect(identity.nextRecordMs).toBe(0);
  const authorityId32 = random(32);
  const first = identity.prekeys.all()[0]!;
  identity.keyRecord(authorityId32, 1, startMs);
  expect(identity.prekeys.all()).toHaveLength(1);
  expect(identity.nextRecordMs).toBe(startMs + day);
  identity.keyRecord(authorityId32, 1, startMs + day);
  expect(identity.prekeys.all()).toHaveLength(2);
  expect(identity.erase(startMs + 2 * day)).toBe(false);
  expect(identity.erase(startMs + 2 * day + 3_600_001)).toBe(true);
  expect(identity.prekeys.find(first.keyId32)).toBeUndefined();
});

test('an identity comes back from what it exported', () => {
  const random = seededRandom(provider, 9);
  const identity = Identity.create(provider, random, startMs);
  const record = identity.keyRecord(random(32), 1, startMs);
  const exported = identity.export();
  const restored = Identity.restore(provider, random, exported);
  expect(restored.key.keyId32).toEqual(identity.key.keyId32);
  expect(restored.prekeys.all().map(({ keyId32 }) => keyId32)).toEqual(
    identity.prekeys.all().map(({ keyId32 }) => keyId32),
  );
  expect(restored.nextRecordMs).toBe(identity.nextRecordMs);
  expect(restored.export()).toEqual(exported);
  expect(record.length).toBeGreaterThan(100);
  expect(codeOf(() => Identity.restore(provider, random, exported.subarray(1)))).toBe('E_LENGTH');
  expect(codeOf(() => Identity.restore(provider, random, Uint8Array.of(9, ...exported.subarray(1))))).toBe('E_VERSION');
});

test('hex goes both ways', () => {
  expect(hexOf(Uint8Array.of(0, 10, 255))).toBe('000aff');
  expect(bytesOfHex('000aff')).toEqual(Uint8Array.of(0, 10, 255));
});
