/** routes.json: what follows from grants to route, and lists with that action; principals.19, principals.20. */
import { ALICE_KEY, BOB_KEY, GROUP_ID, named } from '../authority.ts';
import { VectorFile, type Group } from '../cases.ts';
import { entryJson } from '../check-principals.ts';
import type { Members } from '../json.ts';
import { cat, hex, seeded, text, type Bytes } from '../twin/bytes.ts';
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
      ...topic(of, ROBIN, S, NEW),
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
    [{ of: FRONT, writers: [whole(ROBIN, T)], edge: [...topic(FRONT, ROBIN, S, NEW), ...routes(FRONT, ROBIN)] }],
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
    'one who routes and works: what both give stands once',
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
        edge: [...topic(FRONT, ROBIN, S, NEW), ...routes(FRONT, ROBIN), ...takes(FRONT, ROBIN)],
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
          ...topic(FRONT, ROBIN, S, NEW),
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
          ...topic(FRONT, ROBIN, S, NEW, NOW + 3n),
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
          ...topic(FRONT, ROBIN, S, NEW, NOW + 1n),
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
    [{ of: FRONT, writers: [whole(ROBIN, T)], edge: [...topic(FRONT, ROBIN, S, NEW), ...routes(FRONT, ROBIN)] }],
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
          ...topic(FRONT, ROBIN, S, NEW),
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
        edge: [...topic(FRONT, ROBIN, S, 'orders/eu'), ...routes(FRONT, ROBIN)],
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
          ...topic(FRONT, ROBIN, S, NEW),
          ...routes(FRONT, ROBIN),
          ...topic(FRONT, ROBIN, S, NEW, NOW),
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
      { of: FRONT, writers: [whole(ROBIN, T)], edge: [...topic(FRONT, ROBIN, S, NEW), ...routes(FRONT, ROBIN)] },
      {
        of: other,
        writers: [whole(ROBIN, T)],
        edge: [...topic(other, ROBIN, S, 'parts/new'), ...routes(other, ROBIN)],
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
  const news = groupOf('routed news', 1);
  const mixed: Rule[] = [...rules, ['news/day', news]];
  bad(
    'everything-mixed',
    '** to route, and a group for PUB/SUB beside the front',
    mixed,
    [[ROBIN, T, '**']],
    [FRONT, news],
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
      { of: FRONT, writers: [whole(ROBIN, T)], edge: [...topic(FRONT, ROBIN, S, NEW), ...routes(FRONT, ROBIN)] },
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
  const bad = (id: string, comment: string, use: number, over: Partial<Entry>): void => {
    const made = rawList(use, GROUP_ID, [entry60(entry(over))]);
    check.invalid(id, {
      comment,
      in: { list: hex(made.bytes), use, groupId: hex(GROUP_ID), root: hex(made.root) },
      error: 'E_ENCODING',
      layer: 'body',
      spec,
      from: use === USE.edge ? 'edge' : 'route',
      flags: F,
    });
  };
  for (const actions of [8, 9, 10, 12, 15, 16])
    bad(`edge-actions-${actions}`, `an action that the edge has not: actions ${actions}`, USE.edge, {
      ...exact,
      actions,
    });
  for (const actions of [16, 17, 24, 31, 0x800, 0x8008])
    bad(`writers-actions-${actions}`, `an action that is not defined: actions ${actions}`, USE.writers, { actions });
  bad('route-level', 'route for the whole group, with a level', USE.writers, { level: 1 });
  make.invalid('edge-route', {
    comment: 'an edge list with route',
    in: { use: USE.edge, groupId: hex(GROUP_ID), entries: [entryJson(entry(exact))] },
    error: 'E_USAGE',
    layer: 'body',
    spec,
    from: 'edge',
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
  ): void =>
    void g.valid(id, {
      comment,
      in: { list: hex(list), keyId: hex(who.keyId), action, ...more },
      out: { allows: yes },
      spec: ['patterns.40', 'principals.20', 'principals.22'],
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
}
