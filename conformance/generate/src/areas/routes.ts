/** routes.json: what follows from grants to route, and lists with that action; principals.19, principals.20. */
import { ALICE_KEY, BOB_KEY, GROUP_ID, named } from '../authority.ts';
import { VectorFile, type Group } from '../cases.ts';
import { entryJson } from '../check-principals.ts';
import type { Members } from '../json.ts';
import { cat, hex, seeded, text, zeros, type Bytes } from '../twin/bytes.ts';
import { ACTION, encodeList, entry60, rawList, USE, type Entry, type KeyPair } from '../twin/objects.ts';
import { answerOf, chainOf, inboxOf, parseTopic } from '../twin/topics.ts';
import { NOW } from '../world.ts';
import {
  CAROL,
  compileIn,
  groupOf,
  hears,
  secretOf,
  sends,
  sortedJson,
  topic,
  UNTIL,
  whole,
  type G,
  type Grant,
  type Rule,
} from './respond.ts';

const { publish: P, subscribe: S, respond: R, route: T } = ACTION;
const ROBIN = named('robin');
const FRONT = groupOf('routed front', 4);
const CREW = groupOf('routed crew', 5);
const t = (b: Bytes): Bytes => b.slice(0, 16);

/** May forward: the inbox root, and the answer root in both directions. */
const routes = (g: G, who: KeyPair, notAfter = UNTIL): Entry[] =>
  g.periods.flatMap((period) => {
    const inbox = t(inboxOf(secretOf(g, period), g.groupId, period, who.keyId).root);
    const answer = t(answerOf(secretOf(g, period), g.groupId, period, who.keyId).root);
    const root = (actions: number, match: Bytes): Entry => ({
      keyId: who.keyId,
      actions,
      matchKind: 2,
      level: 1,
      match,
      notAfter,
    });
    return [root(P, inbox), root(P, answer), root(S, answer)];
  });
/** May hear what is forwarded to it: its inbox tag. */
const takes = (g: G, who: KeyPair, notAfter = UNTIL): Entry[] =>
  g.periods.map((period) => {
    const { own } = inboxOf(secretOf(g, period), g.groupId, period, who.keyId);
    return { keyId: who.keyId, actions: S, matchKind: 1, level: 0, match: t(own), notAfter };
  });

export function routeLists(): VectorFile {
  const file = new VectorFile('routes');
  compile(file.group('compile', 'policy.compile', 'principals', 'source'));
  forms(
    file.group('make', 'list.make', 'principals', 'body', false),
    file.group('check', 'list.check', 'principals', 'body'),
  );
  allows(file.group('allows', 'list.allows', 'principals', 'source'));
  return file;
}

interface Out {
  of: G;
  writers: Entry[];
  edge: Entry[];
}
function compile(g: Group): void {
  const F = ['PolicyRule', 'Inbox'];
  const good = (id: string, comment: string, rules: Rule[], grants: Grant[], out: Out[]): void => {
    const groups = out.map((o) => o.of);
    g.valid(id, {
      comment,
      in: compileIn(rules, grants, groups),
      out: {
        groups: out.map((o) => ({
          groupId: hex(o.of.groupId),
          writers: sortedJson(o.writers),
          edge: sortedJson(o.edge),
        })),
      },
      spec: ['principals.19', 'patterns.39'],
      flags: F,
    });
  };
  const bad = (id: string, comment: string, rules: Rule[], grants: Grant[], groups: G[], from = 'front'): void => {
    const spec = ['principals.19'];
    g.invalid(id, {
      comment,
      in: compileIn(rules, grants, groups),
      error: 'E_POLICY',
      spec,
      from,
      flags: ['PolicyRule'],
    });
  };
  const NEW = 'orders/new';
  const rules: Rule[] = [[NEW, FRONT]];
  const usual: Grant[] = [
    [ALICE_KEY, P, NEW],
    [BOB_KEY, S, NEW],
    [ROBIN, T, NEW],
  ];
  const usualOut = (of: G): Out => ({
    of,
    writers: [whole(ALICE_KEY, P), whole(BOB_KEY, R), whole(ROBIN, T)],
    edge: [
      ...topic(of, ALICE_KEY, P, NEW),
      ...hears(of, ALICE_KEY),
      ...topic(of, BOB_KEY, S, NEW),
      ...sends(of, BOB_KEY),
      ...takes(of, BOB_KEY),
      ...topic(of, ROBIN, T, NEW),
      ...routes(of, ROBIN),
    ],
  });
  good('front', 'one who asks, one who works, one who routes; the lists of the crew are empty', rules, usual, [
    usualOut(FRONT),
    { of: CREW, writers: [], edge: [] },
  ]);
  good(
    'everything',
    'a grant to route on **',
    rules,
    [[ROBIN, T, '**']],
    [{ of: FRONT, writers: [whole(ROBIN, T)], edge: [...topic(FRONT, ROBIN, T, NEW), ...routes(FRONT, ROBIN)] }],
  );
  good('no-router', 'nobody routes: no inbox', rules, usual.slice(0, 2), [
    {
      of: FRONT,
      writers: [whole(ALICE_KEY, P), whole(BOB_KEY, R)],
      edge: [
        ...topic(FRONT, ALICE_KEY, P, NEW),
        ...hears(FRONT, ALICE_KEY),
        ...topic(FRONT, BOB_KEY, S, NEW),
        ...sends(FRONT, BOB_KEY),
      ],
    },
  ]);
  good(
    'routes-and-works',
    'one who routes and works: two entries for the topic, and what both give stands once',
    rules,
    [
      [ROBIN, T, NEW],
      [ROBIN, S, NEW],
    ],
    [
      {
        of: FRONT,
        writers: [whole(ROBIN, T), whole(ROBIN, R)],
        // its right to send answers follows from both
        edge: [
          ...topic(FRONT, ROBIN, T, NEW),
          ...topic(FRONT, ROBIN, S, NEW),
          ...routes(FRONT, ROBIN),
          ...takes(FRONT, ROBIN),
        ],
      },
    ],
  );
  good(
    'routes-and-asks',
    'one who routes and asks',
    rules,
    [
      [ROBIN, T, NEW],
      [ROBIN, P, NEW],
    ],
    [
      {
        of: FRONT,
        writers: [whole(ROBIN, T), whole(ROBIN, P)],
        edge: [
          ...topic(FRONT, ROBIN, T, NEW),
          ...routes(FRONT, ROBIN),
          ...topic(FRONT, ROBIN, P, NEW),
          ...hears(FRONT, ROBIN),
        ],
      },
    ],
  );
  good(
    'all-three',
    'one who asks, works and routes, each until another time',
    rules,
    [
      [ROBIN, P, NEW, NOW + 1n],
      [ROBIN, S, NEW, NOW + 2n],
      [ROBIN, T, NEW, NOW + 3n],
    ],
    [
      {
        of: FRONT,
        writers: [whole(ROBIN, P, NOW + 1n), whole(ROBIN, R, NOW + 2n), whole(ROBIN, T, NOW + 3n)],
        edge: [
          ...topic(FRONT, ROBIN, P, NEW, NOW + 1n),
          ...hears(FRONT, ROBIN, NOW + 1n),
          ...topic(FRONT, ROBIN, S, NEW, NOW + 2n),
          ...sends(FRONT, ROBIN, NOW + 2n),
          ...takes(FRONT, ROBIN, NOW + 2n),
          ...topic(FRONT, ROBIN, T, NEW, NOW + 3n),
          ...routes(FRONT, ROBIN, NOW + 3n),
        ],
      },
    ],
  );
  good(
    'until',
    'each until the end of the grant that it is of: an inbox is of who works',
    rules,
    [
      [BOB_KEY, S, NEW, NOW + 2n],
      [ROBIN, T, NEW, NOW + 1n],
    ],
    [
      {
        of: FRONT,
        writers: [whole(BOB_KEY, R, NOW + 2n), whole(ROBIN, T, NOW + 1n)],
        edge: [
          ...topic(FRONT, BOB_KEY, S, NEW, NOW + 2n),
          ...sends(FRONT, BOB_KEY, NOW + 2n),
          ...takes(FRONT, BOB_KEY, NOW + 2n),
          ...topic(FRONT, ROBIN, T, NEW, NOW + 1n),
          ...routes(FRONT, ROBIN, NOW + 1n),
        ],
      },
    ],
  );
  const two: Rule[] = [
    [NEW, FRONT],
    ['orders/old', FRONT],
  ];
  good(
    'one-of-two',
    'a grant to route one of two topics: its right is for the whole front',
    two,
    [[ROBIN, T, NEW]],
    [{ of: FRONT, writers: [whole(ROBIN, T)], edge: [...topic(FRONT, ROBIN, T, NEW), ...routes(FRONT, ROBIN)] }],
  );
  good(
    'one-of-two-works',
    'and an inbox for each who works, whatever topic is routed',
    two,
    [
      [ROBIN, T, NEW],
      [BOB_KEY, S, 'orders/**'],
    ],
    [
      {
        of: FRONT,
        writers: [whole(ROBIN, T), whole(BOB_KEY, R)],
        edge: [
          ...topic(FRONT, ROBIN, T, NEW),
          ...routes(FRONT, ROBIN),
          ...topic(FRONT, BOB_KEY, S, NEW),
          ...topic(FRONT, BOB_KEY, S, 'orders/old'),
          ...sends(FRONT, BOB_KEY),
          ...takes(FRONT, BOB_KEY),
        ],
      },
    ],
  );
  const wide: Rule[] = [['orders/**', FRONT]];
  good(
    'narrower',
    'a grant to route that is narrower than the rule',
    wide,
    [[ROBIN, T, 'orders/eu']],
    [
      {
        of: FRONT,
        writers: [whole(ROBIN, T)],
        edge: [...topic(FRONT, ROBIN, T, 'orders/eu'), ...routes(FRONT, ROBIN)],
      },
    ],
  );
  good(
    'twice',
    'one grant twice, and one that ends sooner',
    rules,
    [
      [ROBIN, T, NEW],
      [ROBIN, T, NEW],
      [ROBIN, T, NEW, NOW],
    ],
    [
      {
        of: FRONT,
        writers: [whole(ROBIN, T), whole(ROBIN, T, NOW)],
        edge: [
          ...topic(FRONT, ROBIN, T, NEW),
          ...routes(FRONT, ROBIN),
          ...topic(FRONT, ROBIN, T, NEW, NOW),
          ...routes(FRONT, ROBIN, NOW),
        ],
      },
    ],
  );
  const turned = groupOf('routed and turned', 4, {
    secrets: [
      [0, seeded('routed old', 32)],
      [101, seeded('routed new', 32)],
    ],
    periods: [100, 101, 102],
  });
  good(
    'periods',
    'an entry for each period and its route secret; the right to route needs none',
    [[NEW, turned]],
    usual,
    [usualOut(turned)],
  );
  good('no-periods', 'no period: only what needs none', [[NEW, { ...FRONT, periods: [] }]], usual, [
    { of: { ...FRONT, periods: [] }, writers: usualOut(FRONT).writers, edge: [] },
  ]);
  const other = groupOf('routed other', 4);
  const both: Rule[] = [...rules, ['parts/new', other]];
  good(
    'two-fronts',
    'a grant to route in one front gives nothing in the other, and no inbox there',
    both,
    [...usual, [CAROL, P, 'parts/new'], [BOB_KEY, S, 'parts/new']],
    [
      usualOut(FRONT),
      {
        of: other,
        writers: [whole(CAROL, P), whole(BOB_KEY, R)],
        edge: [
          ...topic(other, CAROL, P, 'parts/new'),
          ...hears(other, CAROL),
          ...topic(other, BOB_KEY, S, 'parts/new'),
          ...sends(other, BOB_KEY),
        ],
      },
    ],
  );
  good(
    'both-fronts',
    '** routes both fronts',
    both,
    [[ROBIN, T, '**']],
    [
      { of: FRONT, writers: [whole(ROBIN, T)], edge: [...topic(FRONT, ROBIN, T, NEW), ...routes(FRONT, ROBIN)] },
      {
        of: other,
        writers: [whole(ROBIN, T)],
        edge: [...topic(other, ROBIN, T, 'parts/new'), ...routes(other, ROBIN)],
      },
    ],
  );

  for (const [purpose, name] of [
    [1, 'PUB/SUB'],
    [2, 'BUS'],
    [3, 'SURVEY'],
    [5, 'a crew'],
  ] as [number, string][]) {
    const plain = groupOf('routed plain', purpose);
    bad(`purpose-${purpose}`, `a grant to route in a group for ${name}`, [[NEW, plain]], [[ROBIN, T, NEW]], [plain]);
  }
  /** The entry of `k` literal segments and `**`. */
  const prefix = (of: G, who: KeyPair, actions: number, name: string, level: number, notAfter = UNTIL): Entry[] =>
    of.periods.map((period) => {
      const { values } = chainOf(secretOf(of, period), of.groupId, period, parseTopic(text(name)));
      const match = t(values[level] ?? zeros(16));
      return { keyId: who.keyId, actions, matchKind: 2, level, match, notAfter };
    });
  const routed = (of: G, edge: Entry[]): Out => ({
    of,
    writers: [whole(ROBIN, T)],
    edge: [...edge, ...routes(of, ROBIN)],
  });
  good(
    'wide-rule',
    'a grant to route on ** in a front of orders/**: a prefix, for which a broker gives no work',
    wide,
    [[ROBIN, T, '**']],
    [routed(FRONT, prefix(FRONT, ROBIN, T, NEW, 1))],
  );
  good(
    'wide-both',
    'the pattern of the rule',
    wide,
    [[ROBIN, T, 'orders/**']],
    [routed(FRONT, prefix(FRONT, ROBIN, T, NEW, 1))],
  );
  good(
    'all-rule',
    'a grant to route orders/** in a front of **',
    [['**', FRONT]],
    [[ROBIN, T, 'orders/**']],
    [routed(FRONT, prefix(FRONT, ROBIN, T, NEW, 1))],
  );
  good(
    'all-both',
    '** in a front of **',
    [['**', FRONT]],
    [[ROBIN, T, '**']],
    [routed(FRONT, prefix(FRONT, ROBIN, T, NEW, 0))],
  );
  good(
    'one-and-all',
    'a topic of a front to route, and all that there is',
    wide,
    [
      [ROBIN, T, 'orders/eu'],
      [ROBIN, T, '**'],
    ],
    [routed(FRONT, [...topic(FRONT, ROBIN, T, 'orders/eu'), ...prefix(FRONT, ROBIN, T, NEW, 1)])],
  );
  const news = groupOf('routed news', 1);
  const mixed: Rule[] = [...rules, ['news/day', news]];
  const alone = routed(FRONT, topic(FRONT, ROBIN, T, NEW));
  const nothing = (of: G): Out => ({ of, writers: [], edge: [] });
  good(
    'everything-mixed',
    '** to route, and a group for PUB/SUB beside the front: there it means nothing',
    mixed,
    [[ROBIN, T, '**']],
    [alone, nothing(news)],
  );
  for (const [purpose, name] of [
    [2, 'BUS'],
    [3, 'SURVEY'],
    [5, 'a crew'],
  ] as [number, string][]) {
    const beside = groupOf('routed beside', purpose);
    good(
      `everything-${purpose}`,
      `** to route, and a group for ${name} beside the front`,
      [...rules, ['parts/new', beside]],
      [[ROBIN, T, '**']],
      [alone, nothing(beside)],
    );
  }
  good(
    'everything-others',
    'and what others, and itself, may do in that group stands there as without it',
    mixed,
    [...usual.slice(0, 2), [ROBIN, T, '**'], [ROBIN, S, 'news/day'], [CAROL, P, 'news/day']],
    [
      usualOut(FRONT),
      {
        of: news,
        writers: [whole(CAROL, P)],
        edge: [...topic(news, ROBIN, S, 'news/day'), ...topic(news, CAROL, P, 'news/day')],
      },
    ],
  );
  const near: Rule[] = [...rules, ['orders/log', news]];
  good(
    'prefix-mixed',
    'orders/** to route, with a topic of the front and one of a group for PUB/SUB under it',
    near,
    [[ROBIN, T, 'orders/**']],
    [alone, nothing(news)],
  );
  good(
    'later-group',
    'the same, with a rule of two topics for the other group: no order of rules changes it',
    [['news/day', news], ['orders/log', news], ...rules],
    [[ROBIN, T, '**']],
    [alone, nothing(news)],
  );
  good(
    'mixed-routes-and-reads',
    'one who reads the group for PUB/SUB, and asks, works and routes in the front, all by **',
    mixed,
    [
      [ROBIN, P, '**'],
      [ROBIN, S, '**'],
      [ROBIN, T, '**'],
    ],
    [
      {
        of: FRONT,
        writers: [whole(ROBIN, P), whole(ROBIN, R), whole(ROBIN, T)],
        edge: [
          ...topic(FRONT, ROBIN, P, NEW),
          ...topic(FRONT, ROBIN, S, NEW),
          ...topic(FRONT, ROBIN, T, NEW),
          ...hears(FRONT, ROBIN),
          ...routes(FRONT, ROBIN),
          ...takes(FRONT, ROBIN),
        ],
      },
      {
        of: news,
        writers: [whole(ROBIN, P)],
        edge: [...topic(news, ROBIN, P, 'news/day'), ...topic(news, ROBIN, S, 'news/day')],
      },
    ],
  );
  bad('everything-no-front', '** to route, and no front', [['news/day', news]], [[ROBIN, T, '**']], [news]);
  bad(
    'front-no-rule',
    '** to route, and a front without a rule beside a group for PUB/SUB',
    [['news/day', news]],
    [[ROBIN, T, '**']],
    [FRONT, news],
    'everything-mixed',
  );
  bad(
    'prefix-no-front',
    'news/** to route, which matches a rule, and none of the front',
    mixed,
    [[ROBIN, T, 'news/**']],
    [FRONT, news],
    'everything-mixed',
  );
  bad(
    'second',
    'the first of two grants is right',
    mixed,
    [
      [ROBIN, T, NEW],
      [ROBIN, T, 'news/day'],
    ],
    [FRONT, news],
  );
  bad('no-rule', 'a grant to route that matches no rule', rules, [[ROBIN, T, 'parts/new']], [FRONT]);
  bad('star', 'a grant to route with *', wide, [[ROBIN, T, 'orders/*']], [FRONT], 'narrower');
  good(
    'beside',
    'a grant to route the front alone, with a group for PUB/SUB beside it',
    mixed,
    [[ROBIN, T, 'orders/**']],
    [
      { of: FRONT, writers: [whole(ROBIN, T)], edge: [...topic(FRONT, ROBIN, T, NEW), ...routes(FRONT, ROBIN)] },
      { of: news, writers: [], edge: [] },
    ],
  );
}

const entry = (over: Partial<Entry> = {}): Entry => ({ ...whole(ALICE_KEY, T), ...over });

function forms(make: Group, check: Group): void {
  const F = ['AccessList', 'Inbox'];
  const spec = ['principals.20'];
  const good = (id: string, comment: string, use: number, entries: Entry[]): void => {
    const list = encodeList(use, GROUP_ID, entries);
    const base = { use, groupId: hex(GROUP_ID) };
    const out = { list: hex(list.bytes), root: hex(list.root) };
    make.valid(id, { comment, in: { ...base, entries: entries.map(entryJson) }, out, spec, flags: F });
    check.valid(id, { comment, in: { ...out, ...base }, out: { entries: sortedJson(entries) }, spec, flags: F });
  };
  const exact = { matchKind: 1, match: seeded('a tag', 16) };
  good('route', 'one who may route', USE.writers, [entry()]);
  good('each', 'publish, respond and route, in three entries', USE.writers, [
    entry({ actions: P }),
    entry({ actions: R }),
    entry(),
  ]);
  for (const actions of [9, 10, 12, 15])
    good(`actions-${actions}`, `actions ${actions} in one entry of writers`, USE.writers, [entry({ actions })]);
  good('route-exact', 'route with an exact match', USE.writers, [entry(exact)]);
  good('route-prefix', 'route with a prefix', USE.writers, [entry({ ...exact, matchKind: 2, level: 7 })]);
  good('edge', 'an edge list beside it', USE.edge, [entry({ ...exact, actions: 3 })]);
  const E = (over: Partial<Entry> = {}): Entry => entry({ ...exact, ...over });
  good('edge-route', 'an edge list with route alone', USE.edge, [E()]);
  for (const actions of [9, 10, 11])
    good(`edge-actions-${actions}`, `actions ${actions} in one entry of the edge`, USE.edge, [E({ actions })]);
  good('edge-prefix', 'route with a prefix, at level 0 and at level 7', USE.edge, [
    E({ matchKind: 2, level: 0 }),
    E({ matchKind: 2, level: 7 }),
  ]);
  good('edge-each', 'publish, subscribe and route on one tag, in three entries', USE.edge, [
    E({ actions: P }),
    E({ actions: S }),
    E(),
  ]);
  const bad = (id: string, comment: string, use: number, over: Partial<Entry>): void => {
    const made = rawList(use, GROUP_ID, [entry60(entry(over))]);
    check.invalid(id, {
      comment,
      in: { list: hex(made.bytes), use, groupId: hex(GROUP_ID), root: hex(made.root) },
      error: 'E_ENCODING',
      layer: 'body',
      spec,
      from: use === USE.edge ? 'edge-route' : 'route',
      flags: F,
    });
  };
  for (const actions of [12, 13, 14, 15])
    bad(`edge-actions-${actions}`, `respond at the edge, beside route: actions ${actions}`, USE.edge, {
      ...exact,
      actions,
    });
  for (const actions of [16, 24, 0x800, 0x8008])
    bad(`edge-actions-${actions}`, `an action that is not defined: actions ${actions}`, USE.edge, {
      ...exact,
      actions,
    });
  bad('edge-whole', 'route at the edge, for the whole group', USE.edge, {});
  bad('edge-exact-level', 'route at the edge, exact with a level', USE.edge, { ...exact, level: 1 });
  bad('edge-level-8', 'route at the edge, a prefix at level 8', USE.edge, { ...exact, matchKind: 2, level: 8 });
  for (const actions of [16, 17, 24, 31, 0x800, 0x8008])
    bad(`writers-actions-${actions}`, `an action that is not defined: actions ${actions}`, USE.writers, { actions });
  bad('route-level', 'route for the whole group, with a level', USE.writers, { level: 1 });
  for (const actions of [12, 16])
    make.invalid(`edge-${actions}`, {
      comment: actions === 12 ? 'an edge list with respond and route' : 'one with an action that is not defined',
      in: { use: USE.edge, groupId: hex(GROUP_ID), entries: [entryJson(E({ actions }))] },
      error: 'E_USAGE',
      layer: 'body',
      spec,
      from: 'edge-route',
      flags: F,
    });
  make.invalid('writers-16', {
    comment: 'writers with an action that is not defined',
    in: { use: USE.writers, groupId: hex(GROUP_ID), entries: [entryJson(entry({ actions: 16 }))] },
    error: 'E_USAGE',
    layer: 'body',
    spec,
    from: 'route',
    flags: F,
  });
}

function allows(g: Group): void {
  const [period, of] = [100, FRONT];
  const secret = secretOf(of, period);
  const inbox = (who: KeyPair): ReturnType<typeof inboxOf> => inboxOf(secret, of.groupId, period, who.keyId);
  const answer = answerOf(secret, of.groupId, period, ALICE_KEY.keyId);
  const writers = encodeList(USE.writers, GROUP_ID, [
    whole(ALICE_KEY, P),
    whole(BOB_KEY, R),
    whole(ROBIN, T, NOW),
    whole(CAROL, 15),
  ]).bytes;
  const edge = encodeList(USE.edge, GROUP_ID, [
    ...hears(of, ALICE_KEY),
    ...sends(of, BOB_KEY),
    ...takes(of, BOB_KEY),
    ...routes(of, ROBIN),
  ]).bytes;
  const one = (
    id: string,
    comment: string,
    list: Bytes,
    who: KeyPair,
    action: number,
    more: Members,
    yes: boolean,
    spec: string[] = ['patterns.40', 'principals.20', 'principals.22'],
  ): void =>
    void g.valid(id, {
      comment,
      in: { list: hex(list), keyId: hex(who.keyId), action, ...more },
      out: { allows: yes },
      spec,
      flags: ['AccessList', 'Inbox'],
    });
  const under = (own: Bytes, chain: Bytes, timestamp = NOW): Members => ({
    timestamp: timestamp.toString(),
    tag: hex(t(own)),
    chain: hex(chain),
  });
  const chainTo = (who: KeyPair): Bytes => cat(t(inbox(who).first), t(inbox(who).root));
  const toBob = (timestamp = NOW): Members => under(inbox(BOB_KEY).own, chainTo(BOB_KEY), timestamp);
  const toAlice = under(answer.own, cat(t(answer.first), t(answer.root)));
  one('route', 'one who may route', writers, ROBIN, T, toBob(), true);
  one('route-late', 'a millisecond after its end', writers, ROBIN, T, toBob(NOW + 1n), false);
  one('route-no-publish', 'who may route may not ask', writers, ROBIN, P, toBob(), false);
  one('route-no-respond', 'nor respond', writers, ROBIN, R, toBob(), false);
  one('publish-no-route', 'who may ask may not route', writers, ALICE_KEY, T, toBob(), false);
  one('respond-no-route', 'nor who may respond', writers, BOB_KEY, T, toBob(), false);
  one('all', 'one who may do everything', writers, CAROL, T, toBob(), true);
  one('edge-forward', 'the edge lets a forward pass by the inbox root', edge, ROBIN, P, toBob(), true);
  one('edge-forward-others', 'to whatever inbox', edge, ROBIN, P, under(inbox(CAROL).own, chainTo(CAROL)), true);
  one('edge-forward-answers', 'and by the answer root', edge, ROBIN, P, toAlice, true);
  one('edge-worker', 'who works sends nothing to inboxes', edge, BOB_KEY, P, toBob(), false);
  one('edge-asker', 'nor who asks', edge, ALICE_KEY, P, toBob(), false);
  const { own, root, first } = inbox(BOB_KEY);
  one('edge-no-chain', 'without the chain', edge, ROBIN, P, { timestamp: NOW.toString(), tag: hex(t(own)) }, false);
  one('edge-short-chain', 'with t_0 alone', edge, ROBIN, P, under(own, t(first)), false);
  one(
    'edge-root-first',
    'with the inbox root in the first place',
    edge,
    ROBIN,
    P,
    under(own, cat(t(root), t(first))),
    false,
  );
  const { values } = chainOf(secret, of.groupId, period, parseTopic(text('inbox')));
  one('edge-topic', 'under the chain of the topic "inbox"', edge, ROBIN, P, under(own, cat(...values.map(t))), false);
  const wants = (match: Bytes, matchKind = 1, level = 0): Members => ({
    now: NOW.toString(),
    matchKind,
    level,
    match: hex(t(match)),
  });
  one('take-own', 'a subscription of the own inbox', edge, BOB_KEY, S, wants(own), true);
  one('take-others', "of another's", edge, BOB_KEY, S, wants(inbox(CAROL).own), false);
  one('take-router', 'of an inbox by one who routes', edge, ROBIN, S, wants(own), false);
  one(
    'take-all',
    'of the inbox root by one who routes, which would hear all forwards',
    edge,
    ROBIN,
    S,
    wants(root, 2, 1),
    false,
  );
  one('take-all-worker', 'of the inbox root by one who works', edge, BOB_KEY, S, wants(root, 2, 1), false);
  one('hear-all', 'of the answer root by one who routes', edge, ROBIN, S, wants(answer.root, 2, 1), true);
  one('hear-all-level', 'of the same at level 2', edge, ROBIN, S, wants(answer.root, 2, 2), false);
  one(
    'hear-one',
    'of one answer tag by one who routes: an entry allows itself alone',
    edge,
    ROBIN,
    S,
    wants(answer.own),
    false,
  );
  one('hear-all-worker', 'of the answer root by one who works', edge, BOB_KEY, S, wants(answer.root, 2, 1), false);

  // Works: as exact subs, by subscribe or by route; what each of both gives is told apart
  const work = (name: string): Members => {
    const { values: v } = chainOf(secret, of.groupId, period, parseTopic(text(name)));
    return { now: NOW.toString(), matchKind: 1, level: 0, match: hex(t(v[v.length - 1] ?? zeros(16))) };
  };
  const NEW = 'orders/new';
  const asPrefix = (who: KeyPair, actions: number): Entry => {
    const { values: v } = chainOf(secret, of.groupId, period, parseTopic(text(NEW)));
    return { keyId: who.keyId, actions, matchKind: 2, level: 1, match: t(v[1] ?? zeros(16)), notAfter: UNTIL };
  };
  const RITA = named('rita');
  const DAVID = named('david');
  const works = encodeList(USE.edge, GROUP_ID, [
    ...topic(of, ALICE_KEY, P, NEW),
    ...topic(of, BOB_KEY, S, NEW),
    ...topic(of, ROBIN, T, NEW),
    ...routes(of, ROBIN),
    ...topic(of, CAROL, S | T, NEW),
    ...topic(of, RITA, T, NEW, NOW - 1n),
    ...topic(of, RITA, S, NEW, NOW),
    asPrefix(DAVID, T),
  ]).bytes;
  const W = ['delivery.22', 'principals.20', 'principals.22'];
  const may = (
    id: string,
    comment: string,
    who: KeyPair,
    subscribe: boolean,
    route: boolean,
    more = work(NEW),
  ): void => {
    one(`work-${id}-subscribe`, `a work ${comment}, by subscribe`, works, who, S, more, subscribe, W);
    one(`work-${id}-route`, `a work ${comment}, by route`, works, who, T, more, route, W);
  };
  may('router', 'of one who routes', ROBIN, false, true);
  may('worker', 'of one who works', BOB_KEY, true, false);
  may('both', 'of one who routes and works', CAROL, true, true);
  may('asker', 'of one who asks', ALICE_KEY, false, false);
  may('stranger', 'of one who has no entry', named('mallory'), false, false);
  may('route-ended', 'of one whose right to route has ended, and not that to work', RITA, true, false);
  may('prefix', 'under a prefix to route, which allows itself alone', DAVID, false, false);
  may('other-topic', 'on another topic of one who routes', ROBIN, false, false, work('orders/old'));
  may('other-period', 'of the next period', ROBIN, false, false, {
    ...work(NEW),
    match: hex(t(chainOf(secret, of.groupId, period + 1, parseTopic(text(NEW))).values[2] ?? zeros(16))),
  });
  may('inbox', 'on an inbox tag, of one who routes', ROBIN, false, false, wants(own));
  may('answers', 'on the answer root, as an exact sub, of one who routes', ROBIN, false, false, wants(answer.root));
  const root16 = wants(answer.root, 2, 1);
  one(
    'hear-all-by-route',
    'of the answer root by the action route: the entry has subscribe',
    works,
    ROBIN,
    T,
    root16,
    false,
  );
  const exactly = { ...work(NEW), matchKind: 2, level: 1, match: hex(asPrefix(DAVID, T).match) };
  one('prefix-itself', 'of the prefix itself, by route', works, DAVID, T, exactly, true);
  const topicTag = work(NEW)['match'] ?? '';
  const sends16 = { timestamp: NOW.toString(), tag: topicTag };
  one('route-no-publish-edge', 'who may route may not publish on the topic', works, ROBIN, P, sends16, false);
  one('route-envelope', 'route, asked for an envelope of the topic', works, ROBIN, T, sends16, true);
}
