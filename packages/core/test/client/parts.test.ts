import { nodeProvider } from '@tridcomm/core/node';
import { expect, test } from 'vitest';
import { GapTracker } from '../../src/client/gaps.ts';
import { bytesOfHex, hexOf } from '../../src/client/hex.ts';
import { Identity } from '../../src/client/identity.ts';
import { KnownHeads } from '../../src/client/known-heads.ts';
import type { Holdings } from '../../src/client/holdings.ts';
import { OpenEpoch } from '../../src/client/open-epoch.ts';
import { overlaps } from '../../src/client/pattern-overlap.ts';
import { patternKinds } from '../../src/codepoints/patterns.gen.ts';
import { Sealers } from '../../src/client/sealers.ts';
import type { OpenedBlock } from '../../src/keys/member-keys.ts';
import { pubSubInput } from '../../src/patterns/pub-sub.ts';
import { EvidencePool } from '../../src/replay/evidence.ts';
import { LeafBudget } from '../../src/replay/leaves.ts';
import { parsePattern, parseTopic } from '../../src/topics/grammar.ts';
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

const [alice, bob] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

test('numbers of heads hold back from 5 s on, the oldest first, and until they are reached', () => {
  const heads = new KnownHeads();
  heads.accept(5, 0, 1_000, 30_000);
  heads.claim('g', alice, 7, 4_000);
  expect([4, 5, 7].map((own) => heads.isAhead('g', own))).toEqual([true, true, false]);
  expect(heads.isBehind('g', 4, 5_999)).toBe(false);
  expect(heads.isBehind('g', 4, 6_000)).toBe(true);
  expect(heads.isBehind('g', 5, 8_999)).toBe(false);
  expect(heads.isBehind('g', 5, 9_000)).toBe(true);
  expect(heads.isBehind('g', 7, 99_000)).toBe(false);
  heads.reached('g', 7);
  expect(heads.isAhead('g', 5)).toBe(false);
});

test('principals.32: a number that a head comes to counts from when it was learnt first', () => {
  const heads = new KnownHeads();
  heads.claim('g', alice, 7, 1_000);
  expect(heads.accept(9, 4_000, 5_500, 30_000)).toEqual([]);
  expect(heads.isBehind('g', 6, 5_999)).toBe(false);
  expect(heads.isBehind('g', 6, 6_000)).toBe(true);
  expect(heads.isBehind('other', 6, 6_000)).toBe(false);
});

test('principals.32, principals.41: a head shows numbers to be false, and who said one is not believed any more', () => {
  const heads = new KnownHeads();
  heads.claim('g', alice, 60, 1_000);
  heads.claim('g', bob, 50, 20_000);
  heads.claim('other', alice, 50, 20_000);
  expect(heads.accept(10, 31_000, 31_000, 30_000)).toEqual([hexOf(alice)]);
  expect(heads.isBehind('other', 10, 99_000)).toBe(false);
  expect(heads.isBehind('g', 10, 24_999)).toBe(false);
  expect(heads.isBehind('g', 10, 25_000)).toBe(true);
  heads.claim('g', alice, 70, 32_000);
  expect(heads.accept(11, 50_000, 50_000, 30_000)).toEqual([hexOf(bob)]);
  expect(heads.isBehind('g', 11, 99_000)).toBe(false);
  expect(heads.isAhead('g', 11)).toBe(false);
});

test('a thousand numbers take the place of a few, and hold back no less', () => {
  const heads = new KnownHeads();
  for (let i = 1; i <= 1_000; i++) heads.accept(i, i, i, 30_000);
  expect(heads.isBehind('g', 0, 5_001)).toBe(true);
  expect(heads.isBehind('g', 999, 5_999)).toBe(false);
  expect(heads.isBehind('g', 999, 6_000)).toBe(true);
  for (let i = 1; i <= 1_000; i++) heads.claim('g', alice, 10_000 - i, 2_000);
  heads.reached('g', 9_935);
  expect(heads.isAhead('g', 9_935)).toBe(true);
  heads.reached('g', 9_999);
  expect(heads.isAhead('g', 1_000)).toBe(false);
});

test('what passes without a delivery is not missing, and what it shows to be missing is told later', () => {
  const gaps = new GapTracker();
  gaps.pass('s', 1);
  gaps.pass('s', 4);
  gaps.pass('s', 3);
  expect(gaps.accept('s', 5)).toEqual({ gaps: [{ from: 2, to: 2 }], filled: [] });
  expect(gaps.accept('s', 2)).toEqual({ gaps: [], filled: [{ from: 2, to: 2 }] });
  expect(gaps.accept('s', 6)).toEqual({ gaps: [], filled: [] });
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

test('an identity whose clock was a year ahead for a moment goes on with the true one', () => {
  const random = seededRandom(provider, 9);
  const identity = Identity.create(provider, random, startMs);
  const authorityId32 = random(32);
  identity.keyRecord(authorityId32, 1, startMs);
  const wrongMs = startMs + 365 * day;
  expect(identity.isRecordDue(wrongMs)).toBe(true);
  identity.keyRecord(authorityId32, 1, wrongMs);
  const wrong = identity.prekeys.all().at(-1)!;
  expect(identity.isRecordDue(startMs + 1_000)).toBe(true);
  identity.keyRecord(authorityId32, 1, startMs + 1_000);
  expect(identity.isRecordDue(startMs + 2_000)).toBe(false);
  expect(identity.nextRecordMs).toBe(startMs + 1_000 + day);
  expect(identity.erase(startMs + 2 * day + 3_602_000)).toBe(true);
  expect(identity.prekeys.find(wrong.keyId32)).toBeUndefined();
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
  expect(hexOf(new Uint8Array(200_001).fill(0xa5))).toBe('a5'.repeat(200_001));
  expect(bytesOfHex('000aff')).toEqual(Uint8Array.of(0, 10, 255));
});

test('of very many streams the one that rested longest is erased, and those of an epoch that closes', () => {
  const random = seededRandom(provider, 9);
  const bytes32 = () => random(32);
  const keySource = { suite: 1, sourceSecret32: bytes32(), groupContext32: bytes32(), bind32: bytes32() };
  const epoch = { number: 7, keySource, isOpen: true };
  const hedgeSecret32 = bytes32();
  const holdings = { provider, random, keyId32: bytes32() } as unknown as Holdings;
  const sealers = new Sealers(holdings, hedgeSecret32, 2);
  const of = (tag: number) =>
    sealers.of('g', epoch as unknown as OpenEpoch, new Uint8Array(16).fill(tag), patternKinds.pubSub.data);
  const [one, two] = [of(1), of(2)];
  expect(of(1)).toBe(one);
  const fields = { topic: parseTopic('t'), chain: undefined, headSeq: 1, timestampMs: startMs };
  const seal = (sealer: typeof one) =>
    sealer.seal(pubSubInput(fields, [{ timestampMs: startMs, payload: new Uint8Array(1) }]));
  of(3);
  expect(codeOf(() => seal(two))).toBe('E_CLOSED');
  expect(codeOf(() => seal(one))).toBeUndefined();
  sealers.eraseClosed();
  expect(of(1)).toBe(one);
  epoch.isOpen = false;
  sealers.eraseClosed();
  expect(codeOf(() => seal(one))).toBe('E_CLOSED');
  sealers.stop();
  expect(hedgeSecret32).toEqual(new Uint8Array(32));
});

test('groups.12 the secret of an epoch is overwritten when the epoch is over', () => {
  const evidence = new EvidencePool();
  const leafBudget = new LeafBudget();
  const times = { bootMs: 0, maxAgeMs: 120_000, skewMs: 30_000 };
  const holdings = {
    random: seededRandom(provider, 5),
    store: undefined,
    evidence,
    leafBudget,
    ...times,
  } as unknown as Holdings;
  const epochSecret32 = new Uint8Array(32).fill(7);
  const header = { groupId16: new Uint8Array(16), suite: 1, epoch: 3 };
  const epoch = new OpenEpoch(holdings, { header, epochSecret32 } as unknown as OpenedBlock);
  expect([epoch.isOpen, epoch.keySource.sourceSecret32]).toEqual([true, new Uint8Array(32).fill(7)]);
  epoch.erase();
  expect([epoch.isOpen, epochSecret32]).toEqual([false, new Uint8Array(32)]);
});
