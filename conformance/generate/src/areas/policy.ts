/** policy.json: access lists from rules and grants, principals.19. */
import { VectorFile } from '../cases.ts';
import { entryJson } from '../check-principals.ts';
import type { Members } from '../json.ts';
import { hex, seeded, text, zeros, type Bytes } from '../twin/bytes.ts';
import { ACTION, entry60, type Entry } from '../twin/objects.ts';
import { chainOf, parsePattern } from '../twin/topics.ts';
import { ALICE_KEY, BOB_KEY } from '../authority.ts';
import { NOW } from '../world.ts';

const A = seeded('policy group a', 16);
const B = seeded('policy group b', 16);
const P = ACTION.publish;
const S = ACTION.subscribe;
const UNTIL = NOW + 86_400_000n;

interface G {
  groupId: Bytes;
  secrets: [number, Bytes][];
  periods: number[];
}
const OLD = seeded('route old', 32);
const NEW = seeded('route new', 32);
const groupA = (periods: number[] = [100]): G => ({ groupId: A, secrets: [[0, OLD]], periods });
const groupB = (periods: number[] = [7]): G => ({ groupId: B, secrets: [[0, NEW]], periods });

type Rule = [string, Bytes];
type Grant = [{ keyId: Bytes }, number, string, bigint?];

/** The match of a pattern without a wildcard but `**` at its end, stated by hand from the chain. */
function match(g: G, pattern: string, period: number): Pick<Entry, 'matchKind' | 'level' | 'match'> {
  let secret: Bytes | undefined;
  for (const [from, s] of g.secrets) if (from <= period) secret = s;
  if (secret === undefined) throw new Error('no secret');
  const segments = pattern.split('/');
  const open = segments[segments.length - 1] === '**';
  const literal = open ? segments.slice(0, -1) : segments;
  const { values } = chainOf(
    secret,
    g.groupId,
    period,
    literal.length === 0 ? [] : parsePattern(text(literal.join('/'))),
  );
  return {
    matchKind: open ? 2 : 1,
    level: open ? literal.length : 0,
    match: (values[literal.length] ?? zeros(16)).slice(0, 16),
  };
}
const of = (
  g: G,
  who: { keyId: Bytes },
  actions: number,
  pattern: string,
  period: number,
  notAfter = UNTIL,
): Entry => ({
  keyId: who.keyId,
  actions,
  ...match(g, pattern, period),
  notAfter,
});
const whole = (who: { keyId: Bytes }, notAfter = UNTIL): Entry => ({
  keyId: who.keyId,
  actions: P,
  matchKind: 0,
  level: 0,
  match: zeros(16),
  notAfter,
});
const sorted = (list: Entry[]): Members[] =>
  [...list].sort((x, y) => Buffer.compare(entry60(x), entry60(y))).map(entryJson);

function input(rules: Rule[], grants: Grant[], groups: G[]): Members {
  return {
    rules: rules.map(([pattern, groupId]) => ({ pattern: hex(text(pattern)), groupId: hex(groupId) })),
    grants: grants.map(([who, action, pattern, notAfter]) => ({
      keyId: hex(who.keyId),
      action,
      pattern: hex(text(pattern)),
      notAfter: (notAfter ?? UNTIL).toString(),
    })),
    groups: groups.map((g) => ({
      groupId: hex(g.groupId),
      routeSecrets: g.secrets.map(([fromPeriod, secret]) => ({ fromPeriod, secret: hex(secret) })),
      periods: g.periods,
    })),
  };
}

export function policy(): VectorFile {
  const file = new VectorFile('policy');
  const g = file.group('compile', 'policy.compile', 'principals', 'source');
  const spec = ['principals.19'];
  const flags = ['PolicyRule'];
  const good = (
    id: string,
    comment: string,
    rules: Rule[],
    grants: Grant[],
    groups: G[],
    out: { writers: Entry[]; edge: Entry[] }[],
  ): void => {
    g.valid(id, {
      comment,
      in: input(rules, grants, groups),
      out: {
        groups: out.map((o, i) => ({
          groupId: hex(groups[i]?.groupId ?? A),
          writers: sorted(o.writers),
          edge: sorted(o.edge),
        })),
      },
      spec,
      flags,
    });
  };
  const bad = (
    id: string,
    comment: string,
    rules: Rule[],
    grants: Grant[],
    from: string,
    groups: G[] = [groupA(), groupB()],
  ): void => {
    g.invalid(id, { comment, in: input(rules, grants, groups), error: 'E_POLICY', spec, from, flags });
  };
  const a = groupA();
  const b = groupB();
  const wide: Rule[] = [['orders/**', A]];

  good('nothing', 'a rule and no grant', wide, [], [a], [{ writers: [], edge: [] }]);
  good(
    'equal',
    'a grant to publish on the pattern of the only rule is for the whole group; at the edge it is the prefix',
    wide,
    [[ALICE_KEY, P, 'orders/**']],
    [a],
    [{ writers: [whole(ALICE_KEY)], edge: [of(a, ALICE_KEY, P, 'orders/**', 100)] }],
  );
  good(
    'exact-rule',
    'the same with a topic',
    [['orders/new', A]],
    [[ALICE_KEY, P, 'orders/new']],
    [a],
    [{ writers: [whole(ALICE_KEY)], edge: [of(a, ALICE_KEY, P, 'orders/new', 100)] }],
  );
  good(
    'everything',
    '** covers each rule: the matches are those of the rules',
    [
      ['orders/**', A],
      ['parts', A],
    ],
    [[ALICE_KEY, P, '**']],
    [a],
    [{ writers: [whole(ALICE_KEY)], edge: [of(a, ALICE_KEY, P, 'orders/**', 100), of(a, ALICE_KEY, P, 'parts', 100)] }],
  );
  good(
    'rule-everything',
    'a rule of ** alone: prefix at level 0',
    [['**', A]],
    [
      [ALICE_KEY, P, '**'],
      [BOB_KEY, P, 'a/b'],
    ],
    [a],
    [
      {
        writers: [whole(ALICE_KEY), of(a, BOB_KEY, P, 'a/b', 100)],
        edge: [of(a, ALICE_KEY, P, '**', 100), of(a, BOB_KEY, P, 'a/b', 100)],
      },
    ],
  );
  good(
    'narrower',
    'grants that are narrower than the rule: a topic, and a longer prefix',
    wide,
    [
      [ALICE_KEY, P, 'orders/new'],
      [BOB_KEY, P, 'orders/eu/**'],
    ],
    [a],
    [
      {
        writers: [of(a, ALICE_KEY, P, 'orders/new', 100), of(a, BOB_KEY, P, 'orders/eu/**', 100)],
        edge: [of(a, ALICE_KEY, P, 'orders/new', 100), of(a, BOB_KEY, P, 'orders/eu/**', 100)],
      },
    ],
  );
  good(
    'some-rules',
    'a grant that covers one of two rules of the group',
    [
      ['orders/**', A],
      ['parts', A],
    ],
    [[ALICE_KEY, P, 'orders/**']],
    [a],
    [{ writers: [of(a, ALICE_KEY, P, 'orders/**', 100)], edge: [of(a, ALICE_KEY, P, 'orders/**', 100)] }],
  );
  good(
    'once',
    'two rules of one group that overlap: what comes out twice stands once',
    [
      ['orders/**', A],
      ['orders/eu/**', A],
    ],
    [[ALICE_KEY, P, 'orders/eu/**']],
    [a],
    [{ writers: [of(a, ALICE_KEY, P, 'orders/eu/**', 100)], edge: [of(a, ALICE_KEY, P, 'orders/eu/**', 100)] }],
  );
  good(
    'same-grant-twice',
    'one grant twice',
    wide,
    [
      [ALICE_KEY, P, 'orders/new'],
      [ALICE_KEY, P, 'orders/new'],
    ],
    [a],
    [{ writers: [of(a, ALICE_KEY, P, 'orders/new', 100)], edge: [of(a, ALICE_KEY, P, 'orders/new', 100)] }],
  );
  good(
    'two-times',
    'one grant with two times: two entries',
    wide,
    [
      [ALICE_KEY, P, 'orders/**'],
      [ALICE_KEY, P, 'orders/**', NOW],
    ],
    [a],
    [
      {
        writers: [whole(ALICE_KEY), whole(ALICE_KEY, NOW)],
        edge: [of(a, ALICE_KEY, P, 'orders/**', 100), of(a, ALICE_KEY, P, 'orders/**', 100, NOW)],
      },
    ],
  );
  good(
    'subscribe',
    'who subscribes is no writer',
    wide,
    [
      [ALICE_KEY, S, 'orders/**'],
      [BOB_KEY, S, '**'],
    ],
    [a],
    [{ writers: [], edge: [of(a, ALICE_KEY, S, 'orders/**', 100), of(a, BOB_KEY, S, 'orders/**', 100)] }],
  );
  good(
    'both',
    'publish and subscribe, as two grants: two entries at the edge',
    wide,
    [
      [ALICE_KEY, P, 'orders/**'],
      [ALICE_KEY, S, 'orders/**'],
    ],
    [a],
    [
      {
        writers: [whole(ALICE_KEY)],
        edge: [of(a, ALICE_KEY, P, 'orders/**', 100), of(a, ALICE_KEY, S, 'orders/**', 100)],
      },
    ],
  );
  const three = groupA([100, 101, 102]);
  good(
    'periods',
    'an entry for each period; the whole group needs none',
    wide,
    [
      [ALICE_KEY, P, 'orders/**'],
      [BOB_KEY, P, 'orders/new'],
    ],
    [three],
    [
      {
        writers: [whole(ALICE_KEY), ...three.periods.map((p) => of(three, BOB_KEY, P, 'orders/new', p))],
        edge: three.periods.flatMap((p) => [
          of(three, ALICE_KEY, P, 'orders/**', p),
          of(three, BOB_KEY, P, 'orders/new', p),
        ]),
      },
    ],
  );
  const turned: G = {
    groupId: A,
    secrets: [
      [0, OLD],
      [101, NEW],
    ],
    periods: [100, 101, 102],
  };
  good(
    'route-secrets',
    'the route secret of a period is the one with the highest from_period that is not above it',
    wide,
    [[BOB_KEY, P, 'orders/new']],
    [turned],
    [
      {
        writers: turned.periods.map((p) => of(turned, BOB_KEY, P, 'orders/new', p)),
        edge: turned.periods.map((p) => of(turned, BOB_KEY, P, 'orders/new', p)),
      },
    ],
  );
  const two: Rule[] = [
    ['orders/**', A],
    ['parts/**', B],
  ];
  good(
    'two-groups',
    'a grant on one of two groups, and ** on both',
    two,
    [
      [ALICE_KEY, P, 'orders/**'],
      [BOB_KEY, P, '**'],
    ],
    [a, b],
    [
      {
        writers: [whole(ALICE_KEY), whole(BOB_KEY)],
        edge: [of(a, ALICE_KEY, P, 'orders/**', 100), of(a, BOB_KEY, P, 'orders/**', 100)],
      },
      { writers: [whole(BOB_KEY)], edge: [of(b, BOB_KEY, P, 'parts/**', 7)] },
    ],
  );
  good(
    'prefix-and-itself',
    'orders and orders/** do not overlap: one is not among what the other matches',
    [
      ['orders/**', A],
      ['orders', B],
    ],
    [
      [ALICE_KEY, P, 'orders/**'],
      [BOB_KEY, S, 'orders'],
    ],
    [a, b],
    [
      { writers: [whole(ALICE_KEY)], edge: [of(a, ALICE_KEY, P, 'orders/**', 100)] },
      { writers: [], edge: [of(b, BOB_KEY, S, 'orders', 7)] },
    ],
  );
  good(
    'bytes',
    'segments are compared whole: order/** and orders/** do not overlap',
    [
      ['order/**', A],
      ['orders/**', B],
    ],
    [[ALICE_KEY, P, 'order/x']],
    [a, b],
    [
      { writers: [of(a, ALICE_KEY, P, 'order/x', 100)], edge: [of(a, ALICE_KEY, P, 'order/x', 100)] },
      { writers: [], edge: [] },
    ],
  );
  const deep = 'a/b/c/d/e/f/g/**';
  good(
    'level-7',
    'the longest prefix: level 7',
    [['a/**', A]],
    [[ALICE_KEY, P, deep]],
    [a],
    [{ writers: [of(a, ALICE_KEY, P, deep, 100)], edge: [of(a, ALICE_KEY, P, deep, 100)] }],
  );
  good(
    'no-periods',
    'no period: only what needs none',
    wide,
    [
      [ALICE_KEY, P, 'orders/**'],
      [BOB_KEY, P, 'orders/new'],
    ],
    [groupA([])],
    [{ writers: [whole(ALICE_KEY)], edge: [] }],
  );

  bad(
    'overlap-equal',
    'one pattern in two groups',
    [
      ['orders/**', A],
      ['orders/**', B],
    ],
    [],
    'two-groups',
  );
  bad(
    'overlap-topic',
    'a topic within a prefix of another group',
    [
      ['orders/**', A],
      ['orders/new', B],
    ],
    [],
    'two-groups',
  );
  bad(
    'overlap-prefix',
    'a prefix within a prefix of another group, given first',
    [
      ['orders/eu/**', B],
      ['orders/**', A],
    ],
    [],
    'two-groups',
  );
  bad(
    'overlap-all',
    '** beside another group',
    [
      ['**', A],
      ['parts', B],
    ],
    [],
    'two-groups',
  );
  bad(
    'overlap-topics',
    'one topic in two groups',
    [
      ['parts', A],
      ['parts', B],
    ],
    [],
    'two-groups',
  );
  bad('star-rule', 'a rule with *', [['orders/*', A]], [], 'equal');
  bad('star-rule-inside', 'a rule with * in the middle', [['orders/*/new', A]], [], 'equal');
  bad('star-grant', 'a grant with *', wide, [[ALICE_KEY, P, 'orders/*']], 'equal');
  bad('star-grant-first', 'a grant to subscribe to */**', wide, [[ALICE_KEY, S, '*/**']], 'subscribe');
  bad('no-rule', 'a grant to publish that matches no rule', wide, [[ALICE_KEY, P, 'parts/**']], 'equal');
  bad(
    'no-rule-subscribe',
    'a grant to subscribe that matches no rule',
    wide,
    [[ALICE_KEY, S, 'parts/new']],
    'subscribe',
  );
  bad('no-rule-parent', 'a grant on orders, where the rule is orders/**', wide, [[ALICE_KEY, P, 'orders']], 'equal');
  bad('no-rules', 'a grant and no rules', [], [[ALICE_KEY, P, '**']], 'equal');
  bad(
    'second-grant',
    'the first of two grants is right',
    wide,
    [
      [ALICE_KEY, P, 'orders/**'],
      [BOB_KEY, P, 'parts'],
    ],
    'equal',
  );
  bad(
    'in-part-topic',
    'a grant to subscribe to one topic of a prefix',
    wide,
    [[ALICE_KEY, S, 'orders/new']],
    'subscribe',
  );
  bad('in-part-prefix', 'a grant to subscribe to a longer prefix', wide, [[ALICE_KEY, S, 'orders/eu/**']], 'subscribe');
  bad(
    'in-part-second',
    'one that covers a rule, and another one of the group only in part',
    [
      ['orders/**', A],
      ['orders/eu/**', A],
    ],
    [[ALICE_KEY, S, 'orders/eu/**']],
    'subscribe',
  );
  const twoRules: Rule[] = [
    ['orders/**', A],
    ['parts', A],
  ];
  good(
    'every-rule',
    'grants to subscribe that cover all rules of a group between them',
    twoRules,
    [
      [ALICE_KEY, S, 'orders/**'],
      [ALICE_KEY, S, 'parts'],
    ],
    [a],
    [
      {
        writers: [],
        edge: [of(a, ALICE_KEY, S, 'orders/**', 100), of(a, ALICE_KEY, S, 'parts', 100)],
      },
    ],
  );
  bad(
    'read-some-rules',
    'a grant to subscribe to one of two rules',
    twoRules,
    [[ALICE_KEY, S, 'orders/**']],
    'every-rule',
  );
  bad(
    'read-some-rules-each',
    'two principals with one rule each',
    twoRules,
    [
      [ALICE_KEY, S, 'orders/**'],
      [BOB_KEY, S, 'parts'],
    ],
    'every-rule',
  );
  return file;
}
