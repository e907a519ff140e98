/** respond.json: access lists of groups whose members answer: fronts, and groups for SURVEY. */
import { VectorFile, type Group } from '../cases.ts';
import { ALICE_KEY, BOB_KEY, GROUP_ID, named } from '../authority.ts';
import { entryJson } from '../check-principals.ts';
import type { Members } from '../json.ts';
import { cat, hex, seeded, text, zeros, type Bytes } from '../twin/bytes.ts';
import { ACTION, encodeList, entry60, rawList, USE, type Entry, type KeyPair } from '../twin/objects.ts';
import { answerOf, chainOf, parseTopic } from '../twin/topics.ts';
import { NOW } from '../world.ts';

const { publish: P, subscribe: S, respond: R } = ACTION;
export const CAROL: KeyPair = named('carol');
export const UNTIL: bigint = NOW + 86_400_000n;

export interface G {
  groupId: Bytes;
  purpose: number;
  /** by from_period, ascending */
  secrets: [number, Bytes][];
  periods: number[];
}
export const groupOf = (name: string, purpose: number, over: Partial<G> = {}): G => ({
  groupId: seeded(`respond group ${name}`, 16),
  purpose,
  secrets: [[0, seeded(`respond route ${name}`, 32)]],
  periods: [100],
  ...over,
});
const FRONT = groupOf('front', 4);
const CREW = groupOf('crew', 5);

export function secretOf(g: G, period: number): Bytes {
  let out = zeros(32);
  for (const [from, secret] of g.secrets) if (from <= period) out = secret;
  return out;
}
export const whole = (who: KeyPair, actions: number, notAfter: bigint = UNTIL): Entry => ({
  keyId: who.keyId,
  actions,
  matchKind: 0,
  level: 0,
  match: zeros(16),
  notAfter,
});
/** The entry of a topic, one for each period. */
export const topic = (g: G, who: KeyPair, actions: number, name: string, notAfter: bigint = UNTIL): Entry[] =>
  g.periods.map((period) => {
    const { values } = chainOf(secretOf(g, period), g.groupId, period, parseTopic(text(name)));
    const match = (values[values.length - 1] ?? zeros(16)).slice(0, 16);
    return { keyId: who.keyId, actions, matchKind: 1, level: 0, match, notAfter };
  });
/** May send answers: the answer root, as a prefix at level 1. */
export const sends = (g: G, who: KeyPair, notAfter: bigint = UNTIL): Entry[] =>
  g.periods.map((period) => {
    const { root } = answerOf(secretOf(g, period), g.groupId, period, who.keyId);
    return { keyId: who.keyId, actions: P, matchKind: 2, level: 1, match: root.slice(0, 16), notAfter };
  });
/** May hear its own answers: its answer tag. */
export const hears = (g: G, who: KeyPair, notAfter: bigint = UNTIL): Entry[] =>
  g.periods.map((period) => {
    const { own } = answerOf(secretOf(g, period), g.groupId, period, who.keyId);
    return { keyId: who.keyId, actions: S, matchKind: 1, level: 0, match: own.slice(0, 16), notAfter };
  });

export function respond(): VectorFile {
  const file = new VectorFile('respond');
  compile(file.group('compile', 'policy.compile', 'principals', 'source'));
  forms(
    file.group('make', 'list.make', 'principals', 'body', false),
    file.group('check', 'list.check', 'principals', 'body'),
  );
  allows(file.group('allows', 'list.allows', 'principals', 'source'));
  return file;
}

export type Rule = [string, G];
export type Grant = [KeyPair, number, string, bigint?];

export const compileIn = (rules: Rule[], grants: Grant[], groups: G[]): Members => ({
  rules: rules.map(([pattern, of]) => ({ pattern: hex(text(pattern)), groupId: hex(of.groupId) })),
  grants: grants.map(([who, action, pattern, notAfter]) => ({
    keyId: hex(who.keyId),
    action,
    pattern: hex(text(pattern)),
    notAfter: (notAfter ?? UNTIL).toString(),
  })),
  groups: groups.map((x) => ({
    groupId: hex(x.groupId),
    purpose: x.purpose,
    routeSecrets: x.secrets.map(([fromPeriod, secret]) => ({ fromPeriod, secret: hex(secret) })),
    periods: x.periods,
  })),
});
export const sortedJson = (list: Entry[]): Members[] =>
  [...list].sort((x, y) => Buffer.compare(entry60(x), entry60(y))).map(entryJson);

function compile(g: Group): void {
  const F = ['PolicyRule', 'Responder'];
  const good = (
    id: string,
    comment: string,
    rules: Rule[],
    grants: Grant[],
    out: { of: G; writers: Entry[]; edge: Entry[] }[],
  ): void => {
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
      spec: ['principals.19', 'topics.13'],
      flags: F,
    });
  };
  const rules: Rule[] = [['orders/new', FRONT]];
  const usual: Grant[] = [
    [ALICE_KEY, P, 'orders/new'],
    [BOB_KEY, S, 'orders/new'],
  ];
  const usualOut = (of: G): { of: G; writers: Entry[]; edge: Entry[] } => ({
    of,
    writers: [whole(ALICE_KEY, P), whole(BOB_KEY, R)],
    edge: [
      ...topic(of, ALICE_KEY, P, 'orders/new'),
      ...topic(of, BOB_KEY, S, 'orders/new'),
      ...sends(of, BOB_KEY),
      ...hears(of, ALICE_KEY),
    ],
  });
  good('front', 'one who asks and one who works; the lists of the crew are empty', rules, usual, [
    usualOut(FRONT),
    { of: CREW, writers: [], edge: [] },
  ]);
  const survey = groupOf('survey', 3);
  good('survey', 'a group for SURVEY', [['orders/new', survey]], usual, [usualOut(survey)]);
  for (const purpose of [1, 2, 3, 4]) {
    const bare = groupOf('bare', purpose);
    good(
      `no-rules-${purpose}`,
      `nothing follows for a group of purpose ${purpose} without rules, whatever is granted beside it`,
      rules,
      [...usual, [BOB_KEY, P, '**']],
      [
        {
          of: FRONT,
          writers: [whole(ALICE_KEY, P), whole(BOB_KEY, R), whole(BOB_KEY, P)],
          edge: [...usualOut(FRONT).edge, ...topic(FRONT, BOB_KEY, P, 'orders/new'), ...hears(FRONT, BOB_KEY)],
        },
        { of: bare, writers: [], edge: [] },
      ],
    );
  }
  for (const purpose of [1, 2]) {
    const plain = groupOf('plain', purpose);
    good(
      `purpose-${purpose}`,
      `the same grants in a group for ${purpose === 1 ? 'PUB/SUB' : 'BUS'}: nobody answers`,
      [['orders/new', plain]],
      usual,
      [
        {
          of: plain,
          writers: [whole(ALICE_KEY, P)],
          edge: [...topic(plain, ALICE_KEY, P, 'orders/new'), ...topic(plain, BOB_KEY, S, 'orders/new')],
        },
      ],
    );
  }
  good(
    'no-asker',
    'nobody asks',
    rules,
    [[BOB_KEY, S, '**']],
    [
      {
        of: FRONT,
        writers: [whole(BOB_KEY, R)],
        edge: [...topic(FRONT, BOB_KEY, S, 'orders/new'), ...sends(FRONT, BOB_KEY)],
      },
    ],
  );
  good(
    'no-worker',
    'nobody works',
    rules,
    [[ALICE_KEY, P, '**']],
    [
      {
        of: FRONT,
        writers: [whole(ALICE_KEY, P)],
        edge: [...topic(FRONT, ALICE_KEY, P, 'orders/new'), ...hears(FRONT, ALICE_KEY)],
      },
    ],
  );
  good(
    'both',
    'one who asks and works: an entry for each action',
    rules,
    [
      [ALICE_KEY, P, 'orders/new'],
      [ALICE_KEY, S, 'orders/new'],
    ],
    [
      {
        of: FRONT,
        writers: [whole(ALICE_KEY, P), whole(ALICE_KEY, R)],
        edge: [
          ...topic(FRONT, ALICE_KEY, P, 'orders/new'),
          ...topic(FRONT, ALICE_KEY, S, 'orders/new'),
          ...sends(FRONT, ALICE_KEY),
          ...hears(FRONT, ALICE_KEY),
        ],
      },
    ],
  );
  good(
    'until',
    'each until the end of its grant',
    rules,
    [
      [ALICE_KEY, P, 'orders/new', NOW + 1n],
      [BOB_KEY, S, 'orders/new', NOW + 2n],
    ],
    [
      {
        of: FRONT,
        writers: [whole(ALICE_KEY, P, NOW + 1n), whole(BOB_KEY, R, NOW + 2n)],
        edge: [
          ...topic(FRONT, ALICE_KEY, P, 'orders/new', NOW + 1n),
          ...topic(FRONT, BOB_KEY, S, 'orders/new', NOW + 2n),
          ...sends(FRONT, BOB_KEY, NOW + 2n),
          ...hears(FRONT, ALICE_KEY, NOW + 1n),
        ],
      },
    ],
  );
  const turned = groupOf('turned', 4, {
    secrets: [
      [0, seeded('respond route old', 32)],
      [101, seeded('respond route new', 32)],
    ],
    periods: [100, 101, 102],
  });
  good(
    'periods',
    'an entry for each period and its route secret; the right to respond needs none',
    [['orders/new', turned]],
    usual,
    [usualOut(turned)],
  );
  const two: Rule[] = [
    ['orders/new', FRONT],
    ['orders/old', FRONT],
  ];
  good(
    'once',
    'two grants that end at one time: answer tag and right to respond stand once',
    two,
    [
      [ALICE_KEY, P, 'orders/new'],
      [ALICE_KEY, P, 'orders/old'],
      [BOB_KEY, S, 'orders/new'],
      [BOB_KEY, S, 'orders/old'],
    ],
    [
      {
        of: FRONT,
        writers: [
          ...topic(FRONT, ALICE_KEY, P, 'orders/new'),
          ...topic(FRONT, ALICE_KEY, P, 'orders/old'),
          whole(BOB_KEY, R),
        ],
        edge: [
          ...['orders/new', 'orders/old'].flatMap((t) => [
            ...topic(FRONT, ALICE_KEY, P, t),
            ...topic(FRONT, BOB_KEY, S, t),
          ]),
          ...sends(FRONT, BOB_KEY),
          ...hears(FRONT, ALICE_KEY),
        ],
      },
    ],
  );
  good(
    'two-ends',
    'two grants that end at two times: two answer tags',
    two,
    [
      [ALICE_KEY, P, 'orders/new'],
      [ALICE_KEY, P, 'orders/old', NOW],
    ],
    [
      {
        of: FRONT,
        writers: [...topic(FRONT, ALICE_KEY, P, 'orders/new'), ...topic(FRONT, ALICE_KEY, P, 'orders/old', NOW)],
        edge: [
          ...topic(FRONT, ALICE_KEY, P, 'orders/new'),
          ...topic(FRONT, ALICE_KEY, P, 'orders/old', NOW),
          ...hears(FRONT, ALICE_KEY),
          ...hears(FRONT, ALICE_KEY, NOW),
        ],
      },
    ],
  );
  const other = groupOf('other', 4);
  good(
    'two-fronts',
    'grants of one front give nothing in the other',
    [...rules, ['parts/new', other]],
    [...usual, [CAROL, P, 'parts/new'], [BOB_KEY, S, 'parts/new']],
    [
      usualOut(FRONT),
      {
        of: other,
        writers: [whole(CAROL, P), whole(BOB_KEY, R)],
        edge: [
          ...topic(other, CAROL, P, 'parts/new'),
          ...topic(other, BOB_KEY, S, 'parts/new'),
          ...sends(other, BOB_KEY),
          ...hears(other, CAROL),
        ],
      },
    ],
  );
  g.invalid('part', {
    comment: 'one who works on one of two topics of a front: its key is for both',
    in: compileIn(two, [[BOB_KEY, S, 'orders/new']], [FRONT]),
    error: 'E_POLICY',
    spec: ['principals.19'],
    from: 'once',
    flags: ['PolicyRule'],
  });
}

const entry = (over: Partial<Entry> = {}): Entry => ({ ...whole(ALICE_KEY, R), ...over });

function forms(make: Group, check: Group): void {
  const F = ['AccessList', 'Responder'];
  const spec = ['principals.20'];
  const good = (id: string, comment: string, use: number, entries: Entry[]): void => {
    const list = encodeList(use, GROUP_ID, entries);
    const sorted = [...entries].sort((a, b) => Buffer.compare(entry60(a), entry60(b)));
    const base = { use, groupId: hex(GROUP_ID) };
    make.valid(id, {
      comment,
      in: { ...base, entries: entries.map(entryJson) },
      out: { list: hex(list.bytes), root: hex(list.root) },
      spec,
      flags: F,
    });
    check.valid(id, {
      comment,
      in: { list: hex(list.bytes), ...base, root: hex(list.root) },
      out: { entries: sorted.map(entryJson) },
      spec,
      flags: F,
    });
  };
  const exact = { matchKind: 1, match: seeded('a tag', 16) };
  good('respond', 'one who may respond', USE.writers, [entry()]);
  good('respond-and-publish', 'publish and respond, in two entries', USE.writers, [entry({ actions: P }), entry()]);
  for (const actions of [5, 6, 7])
    good(`actions-${actions}`, `actions ${actions} in one entry of writers`, USE.writers, [entry({ actions })]);
  good('respond-exact', 'respond with an exact match', USE.writers, [entry(exact)]);
  good('edge', 'an edge list beside it', USE.edge, [entry({ ...exact, actions: 3 })]);
  const bad = (id: string, comment: string, use: number, over: Partial<Entry>): void => {
    const made = rawList(use, GROUP_ID, [entry60(entry(over))]);
    check.invalid(id, {
      comment,
      in: { list: hex(made.bytes), use, groupId: hex(GROUP_ID), root: hex(made.root) },
      error: 'E_ENCODING',
      layer: 'body',
      spec,
      from: use === USE.edge ? 'edge' : 'respond',
      flags: F,
    });
  };
  for (const actions of [4, 5, 6, 7])
    bad(`edge-actions-${actions}`, `respond at the edge: actions ${actions}`, USE.edge, { ...exact, actions });
  for (const actions of [16, 20, 31])
    bad(`writers-actions-${actions}`, `an action that is not defined: actions ${actions}`, USE.writers, { actions });
  make.invalid('edge-respond', {
    comment: 'an edge list with respond',
    in: { use: USE.edge, groupId: hex(GROUP_ID), entries: [entryJson(entry(exact))] },
    error: 'E_USAGE',
    layer: 'body',
    spec,
    from: 'edge',
    flags: F,
  });
}

function allows(g: Group): void {
  const F = ['AccessList', 'Responder'];
  const period = 100;
  const of = FRONT;
  const asked = answerOf(secretOf(of, period), of.groupId, period, ALICE_KEY.keyId);
  const t = (b: Bytes): Bytes => b.slice(0, 16);
  const chain = cat(t(asked.first), t(asked.root));
  const writers = encodeList(USE.writers, GROUP_ID, [
    whole(ALICE_KEY, P),
    whole(BOB_KEY, R, NOW),
    whole(CAROL, P | R),
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
      spec: ['patterns.23', 'principals.20'],
      flags: F,
    });
  const at = (timestamp: bigint): Members => ({
    timestamp: timestamp.toString(),
    tag: hex(t(asked.own)),
    chain: hex(chain),
  });
  one('respond', 'one who may respond', writers, BOB_KEY, R, at(NOW), true);
  one('respond-late', 'a millisecond after its end', writers, BOB_KEY, R, at(NOW + 1n), false);
  one('respond-no-publish', 'who may respond may not publish', writers, BOB_KEY, P, at(NOW), false);
  one('publish-no-respond', 'who may publish may not respond', writers, ALICE_KEY, R, at(NOW), false);
  one('both-respond', 'who may both: respond', writers, CAROL, R, at(NOW), true);
  one('both-publish', 'who may both: publish', writers, CAROL, P, at(NOW), true);
  const edge = encodeList(USE.edge, GROUP_ID, [
    ...sends({ ...of, periods: [period] }, BOB_KEY),
    ...hears({ ...of, periods: [period] }, ALICE_KEY),
  ]).bytes;
  one('edge-answer', 'the edge lets an answer pass by its root', edge, BOB_KEY, P, at(NOW), true);
  one('edge-asker', 'who asks sends no answers', edge, ALICE_KEY, P, at(NOW), false);
  one(
    'edge-no-chain',
    'without the chain',
    edge,
    BOB_KEY,
    P,
    { timestamp: NOW.toString(), tag: hex(t(asked.own)) },
    false,
  );
  one(
    'edge-short-chain',
    'with t_0 alone',
    edge,
    BOB_KEY,
    P,
    { timestamp: NOW.toString(), tag: hex(t(asked.own)), chain: hex(t(asked.first)) },
    false,
  );
  one(
    'edge-topic-chain',
    'under the chain of a topic',
    edge,
    BOB_KEY,
    P,
    {
      timestamp: NOW.toString(),
      tag: hex(t(asked.own)),
      chain: hex(
        cat(
          ...chainOf(secretOf(of, period), of.groupId, period, parseTopic(text('orders/new')))
            .values.slice(0, 2)
            .map(t),
        ),
      ),
    },
    false,
  );
  const wants = (tag: Bytes): Members => ({ now: NOW.toString(), matchKind: 1, level: 0, match: hex(t(tag)) });
  one('hear-own', 'a subscription of the own answer tag', edge, ALICE_KEY, S, wants(asked.own), true);
  const others = answerOf(secretOf(of, period), of.groupId, period, CAROL.keyId);
  one('hear-others', "of another's", edge, ALICE_KEY, S, wants(others.own), false);
  one(
    'hear-all',
    'of the root, which would hear all answers',
    edge,
    BOB_KEY,
    S,
    { now: NOW.toString(), matchKind: 2, level: 1, match: hex(t(asked.root)) },
    false,
  );
}
