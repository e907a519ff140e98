import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAccessList, type AccessEntry } from '../../src/keys/access-list.ts';
import {
  checkPolicySource,
  compileGroup,
  matchOf,
  routeSecretOf,
  type Grant,
  type Rule,
} from '../../src/keys/compile-policy.ts';
import { purposes } from '../../src/codepoints/purposes.gen.ts';
import { allowsSuite } from '../../src/keys/principal-record.ts';
import { PatternIndex } from '../../src/keys/pattern-index.ts';
import { coversPattern, hasSingleWildcard, overlapsPattern } from '../../src/topics/cover.ts';
import { matchesTopic, parsePattern, parseTopic, type TopicPattern } from '../../src/topics/grammar.ts';
import { deriveRouteKey, tagAnswers, tagInbox } from '../../src/topics/tags.ts';
import { useSeed } from '../property/support.ts';
import { codeOf, filled, provider } from './support.ts';

useSeed();

const [ours, theirs] = [filled(16, 1), filled(16, 2)];
const rule = (pattern: string, groupId16 = ours): Rule => ({ pattern: parsePattern(pattern), groupId16 });
const grant = (pattern: string, action = 1, who = 1): Grant => ({
  keyId32: filled(32, who),
  action,
  pattern: parsePattern(pattern),
  notAfterMs: 1000,
});
const secrets = [
  { fromPeriod: 0, secret32: filled(32, 8) },
  { fromPeriod: 5, secret32: filled(32, 9) },
];

describe('patterns', () => {
  it('cover what they match, and overlap where one covers the other', () => {
    const segment = fc.constantFrom('a', 'b');
    const literals = fc.array(segment, { minLength: 1, maxLength: 3 });
    const pattern = fc.oneof(
      literals.map((parts) => parts.join('/')),
      literals.map((parts) => `${parts.join('/')}/**`),
      fc.constant('**'),
    );
    const topics = [...every(['a', 'b', 'c'], 5)].map((parts) => parseTopic(parts.join('/')));
    fc.assert(
      fc.property(pattern, pattern, (one, other) => {
        const [a, b] = [parsePattern(one), parsePattern(other)];
        const inB = topics.filter((topic) => matchesTopic(b, topic));
        expect(coversPattern(a, b)).toBe(inB.every((topic) => matchesTopic(a, topic)));
        expect(overlapsPattern(a, b)).toBe(inB.some((topic) => matchesTopic(a, topic)));
      }),
    );
    expect(['*', 'a/*/b', 'a/**', 'a'].map((text) => hasSingleWildcard(parsePattern(text)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

function* every(
  segments: readonly string[],
  most: number,
  before: readonly string[] = [],
): Generator<readonly string[]> {
  if (before.length > 0) yield before;
  if (before.length < most) for (const segment of segments) yield* every(segments, most, [...before, segment]);
}

describe('rules and grants', () => {
  const check = (rules: Rule[], grants: Grant[] = []): string => codeOf(() => checkPolicySource(rules, grants));

  it('principals.19 are refused where no key could keep them', () => {
    expect(check([rule('a/**'), rule('a/b')])).toBe('ok');
    expect(check([rule('a/**'), rule('a/b', theirs)])).toBe('E_POLICY');
    expect(check([rule('a/**'), rule('a', theirs)])).toBe('ok');
    expect(check([rule('a/*')])).toBe('E_POLICY');
    const rules = [rule('a/**'), rule('b', theirs)];
    expect(check(rules, [grant('a/x')])).toBe('ok');
    expect(check(rules, [grant('a')])).toBe('E_POLICY');
    expect(check(rules, [grant('a/*')])).toBe('E_POLICY');
    expect(check(rules, [grant('a/x', 2)])).toBe('E_POLICY');
    expect(check(rules, [grant('a/**', 2)])).toBe('ok');
    expect(check(rules, [grant('**', 2)])).toBe('ok');
    expect(check([rule('a/**'), rule('a/x')], [grant('a/x', 2)])).toBe('E_POLICY');
    // Each grant covers a rule, and together they cover the group or not.
    const two = [rule('a/**'), rule('c')];
    expect(check(two, [grant('a/**', 2)])).toBe('E_POLICY');
    expect(check(two, [grant('a/**', 2), grant('c', 2)])).toBe('ok');
    expect(check(two, [grant('a/**', 2), { ...grant('c', 2), keyId32: filled(32, 2) }])).toBe('E_POLICY');
  });

  it('are found by pattern as by asking each', () => {
    const texts = ['**', 'a', 'a/**', 'a/b', 'a/b/**', 'a/b/c', 'ab', 'b/**', 'b/a/**'].map((text) =>
      parsePattern(text),
    );
    const index = new PatternIndex<string>();
    for (const pattern of texts) index.add(pattern, pattern.text);
    for (const pattern of [...texts, parsePattern('c'), parsePattern('a/b/c/d'), parsePattern('c/**')]) {
      const those = (is: (other: TopicPattern) => boolean) => texts.filter(is).map(({ text }) => text);
      const covered = those((other) => coversPattern(pattern, other));
      expect(index.covered(pattern).toSorted()).toEqual(covered.toSorted());
      const wider = those((other) => coversPattern(other, pattern) && other.text !== pattern.text);
      expect(index.wider(pattern).toSorted()).toEqual(wider.toSorted());
      const met = those((other) => overlapsPattern(pattern, other));
      expect(index.overlapping(pattern).toSorted()).toEqual(met.toSorted());
    }
  });

  const compile = (rules: Rule[], grants: Grant[], periods = [4, 5]) =>
    compileGroup(provider, ours, purposes.pubSub, rules, grants, secrets, periods);
  const match = (pattern: string, period: number) =>
    matchOf(provider, routeSecretOf(secrets, period), ours, period, parsePattern(pattern));
  const entry = (pattern: string, period: number, actions: number): AccessEntry => ({
    keyId32: filled(32, 1),
    actions,
    ...match(pattern, period),
    notAfterMs: 1000,
  });

  it('give writers and edge entries', () => {
    const rules = [rule('a/**'), rule('b'), rule('c', theirs)];
    const whole = compile(rules, [grant('**')]);
    expect(whole.writers).toEqual([
      { keyId32: filled(32, 1), actions: 1, matchKind: 0, level: 0, match16: filled(16, 0), notAfterMs: 1000 },
    ]);
    const edge = [entry('a/**', 4, 1), entry('a/**', 5, 1), entry('b', 4, 1), entry('b', 5, 1)];
    expect(encodeAccessList(2, ours, whole.edge)).toEqual(encodeAccessList(2, ours, edge));
    const part = compile(rules, [grant('a/x/**'), grant('b', 2)], [5]);
    expect(part.writers).toEqual([entry('a/x/**', 5, 1)]);
    expect(encodeAccessList(2, ours, part.edge)).toEqual(
      encodeAccessList(2, ours, [entry('a/x/**', 5, 1), entry('b', 5, 2)]),
    );
    expect(compile(rules, [grant('c')])).toEqual({ writers: [], edge: [] });
    expect(compile([rule('c', theirs)], [grant('c')])).toEqual({ writers: [], edge: [] });
  });

  it('principals.20 patterns.23 give who answers a right to, and the edge a way for answers', () => {
    const rules = [rule('a'), rule('b')];
    const grants = [grant('a', 1, 1), grant('**', 2, 2)];
    const tagsOf = (who: number) =>
      tagAnswers(provider, deriveRouteKey(provider, secrets[0]!.secret32, ours, 4), 4, filled(32, who));
    const added = (purpose: number) => {
      const plain = compileGroup(provider, ours, purposes.pubSub, rules, grants, secrets, [4]);
      const { writers, edge } = compileGroup(provider, ours, purpose, rules, grants, secrets, [4]);
      const isNew = (before: readonly AccessEntry[]) => (one: AccessEntry) =>
        !before.some((other) => JSON.stringify(other) === JSON.stringify(one));
      return { writers: writers.filter(isNew(plain.writers)), edge: edge.filter(isNew(plain.edge)) };
    };
    const common = { level: 0, notAfterMs: 1000 };
    const respond = { ...common, keyId32: filled(32, 2), actions: 4, matchKind: 0, match16: filled(16, 0) };
    const takes = { ...common, keyId32: filled(32, 1), actions: 2, matchKind: 1, match16: tagsOf(1).tag16 };
    const gives = { ...common, keyId32: filled(32, 2), actions: 1, matchKind: 2, level: 1, match16: tagsOf(2).root16 };
    for (const purpose of [purposes.survey, purposes.front]) {
      expect(added(purpose)).toEqual({ writers: [respond], edge: [takes, gives] });
    }
    for (const purpose of [purposes.bus, purposes.crew]) expect(added(purpose)).toEqual({ writers: [], edge: [] });
    // A tag cannot be found by who holds the root alone.
    expect(tagsOf(1).root16).toEqual(tagsOf(2).root16);
    expect(tagsOf(1).tag16).not.toEqual(tagsOf(2).tag16);
  });

  it('principals.19 principals.20 give who routes a right to, a way for forwards, and who works an inbox', () => {
    const front = { ...rule('a'), isFront: true };
    const check = (rules: Rule[], action: number, pattern: string) =>
      codeOf(() => checkPolicySource(rules, [grant(pattern, action)]));
    expect([check([front], 8, 'a'), check([front], 8, '**'), check([rule('a')], 8, 'a')]).toEqual([
      'ok',
      'ok',
      'E_POLICY',
    ]);
    // On more than fronts it is of the fronts, and of others alone of nothing.
    const other = rule('b', theirs);
    expect([check([front, other], 8, '**'), check([front, other], 8, 'b')]).toEqual(['ok', 'E_POLICY']);
    expect(check([other], 8, '**')).toBe('E_POLICY');
    const grants = [grant('**', 8), grant('b', 1)];
    const withoutRouting = compileGroup(provider, theirs, purposes.pubSub, [front, other], [grants[1]!], secrets, [4]);
    expect(compileGroup(provider, theirs, purposes.pubSub, [front, other], grants, secrets, [4])).toEqual(
      withoutRouting,
    );
    const routeKey32 = deriveRouteKey(provider, secrets[0]!.secret32, ours, 4);
    const works = { ...grant('a', 2, 2), notAfterMs: 500 };
    const lists = (grants: Grant[]) => compileGroup(provider, ours, purposes.front, [front], grants, secrets, [4]);
    const [before, after] = [lists([works]), lists([works, grant('**', 8, 1)])];
    const shown = ({ keyId32, actions, matchKind, level, match16, notAfterMs }: AccessEntry) =>
      [keyId32[0], actions, matchKind, level, Buffer.from(match16).toString('hex'), notAfterMs].join(' ');
    const added = (from: AccessEntry[], to: AccessEntry[]) => {
      const known = new Set(from.map(shown));
      return to.map(shown).filter((one) => !known.has(one));
    };
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const answers = hex(tagAnswers(provider, routeKey32, 4, filled(32, 1)).root16);
    const inbox = tagInbox(provider, routeKey32, 4, filled(32, 2));
    expect(added(before.writers, after.writers)).toEqual([`1 8 0 0 ${'00'.repeat(16)} 1000`]);
    expect(added(before.edge, after.edge).toSorted()).toEqual(
      [
        `1 8 1 0 ${hex(match('a', 4).match16)} 1000`,
        `1 1 2 1 ${hex(inbox.root16)} 1000`,
        `1 1 2 1 ${answers} 1000`,
        `1 2 2 1 ${answers} 1000`,
        `2 2 1 0 ${hex(inbox.tag16)} 500`,
      ].toSorted(),
    );
    // The inbox is nobody's answer tag.
    expect(hex(inbox.root16)).not.toBe(answers);
  });

  it('give an entry that comes out twice once', () => {
    const { writers, edge } = compile([rule('a/**'), rule('a/x'), rule('b')], [grant('a/x'), grant('a/x')], [4]);
    expect([writers.length, edge.length]).toEqual([1, 1]);
  });

  it('take the route secret of the period', () => {
    expect([0, 4, 5, 9].map((period) => routeSecretOf(secrets, period)[0])).toEqual([8, 8, 9, 9]);
    expect(codeOf(() => routeSecretOf(secrets.slice(1), 4))).toBe('E_USAGE');
    expect(match('a/**', 4)).not.toEqual(match('a/**', 5));
    expect([match('a/**', 4).level, match('a', 4).level, match('**', 4).matchKind]).toEqual([1, 0, 2]);
  });
});

describe('suites', () => {
  it('principals.15 are those of the record, from its floor on', () => {
    const record = { suites: [1, 17, 99], suiteFloor: 1 };
    expect([1, 2, 17, 99].map((suite) => allowsSuite(record, suite))).toEqual([true, false, true, false]);
    expect([1, 17].map((suite) => allowsSuite({ ...record, suiteFloor: 2 }, suite))).toEqual([false, true]);
  });
});
