/** lists.json: trees over data, access lists, revocation lists, addresses, bundles; principals.20 to principals.24 and principals.37. */
import { VectorFile } from '../cases.ts';
import { entryJson } from '../check-principals.ts';
import type { Members } from '../json.ts';
import { cat, flip, hex, put, seeded, text, u16, u32, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { H } from '../twin/hash.ts';
import {
  address16,
  encodeBundle,
  encodeList,
  encodeRevoked,
  entry60,
  rawList,
  treeHead,
  USE,
  type Entry,
  type Revoked,
} from '../twin/objects.ts';
import { ALICE_KEY, AUTHORITY, BOB_KEY, GROUP_ID, named } from '../authority.ts';
import { NOW } from '../world.ts';

const ID = AUTHORITY.authorityId;
const SAFE = (1n << 53n) - 1n;
const CAROL = named('carol');
const m16 = (name: string): Bytes => seeded(`match ${name}`, 16);

function entry(over: Partial<Entry> = {}): Entry {
  return { keyId: ALICE_KEY.keyId, actions: 1, matchKind: 1, level: 0, match: m16('a'), notAfter: NOW, ...over };
}
const WRITERS: Entry[] = [
  entry({ matchKind: 0, match: zeros(16) }),
  entry({ keyId: BOB_KEY.keyId }),
  entry({ keyId: BOB_KEY.keyId, matchKind: 2, level: 2, match: m16('b') }),
  entry({ keyId: CAROL.keyId, matchKind: 2, level: 0, match: m16('c'), notAfter: SAFE }),
];
const EDGE: Entry[] = [
  entry(),
  entry({ actions: 2, matchKind: 2, level: 1, match: m16('b') }),
  entry({ keyId: BOB_KEY.keyId, actions: 3, matchKind: 2, level: 7, match: m16('c') }),
];

export function lists(): VectorFile {
  const file = new VectorFile('lists');
  trees(file);
  accessLists(file);
  allowing(file);
  revocation(file);
  addresses(file);
  bundles(file);
  return file;
}

function trees(file: VectorFile): void {
  const g = file.group('tree', 'tree.root', 'principals', 'body');
  const of = (id: string, comment: string, leaves: Bytes[]): void => {
    g.valid(id, {
      comment,
      in: { leaves: leaves.map(hex) },
      out: { root: hex(treeHead(leaves)) },
      spec: ['principals.21'],
    });
  };
  for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 9])
    of(
      `${n}`,
      n === 0 ? 'no leaf: H of nothing' : `${n} leaves`,
      Array.from({ length: n }, (_, i) => text(`leaf ${i}`)),
    );
  of('empty-leaf', 'one leaf of no bytes: H(0x00), not H of nothing', [zeros(0)]);
  of('node-as-leaf', 'a leaf that looks like a node', [cat(u8(1), H(text('a')), H(text('b')))]);
  of('equal', 'equal leaves are two leaves', [text('x'), text('x'), text('x')]);
}

function accessLists(file: VectorFile): void {
  const make = file.group('make', 'list.make', 'principals', 'body', false);
  const check = file.group('check', 'list.check', 'principals', 'body');
  const S = ['principals.20', 'principals.21'];
  const F = ['AccessList'];
  const good = (
    id: string,
    comment: string,
    use: number,
    entries: Entry[],
    spec: string[] = S,
    flags: string[] = F,
  ): void => {
    const sorted = [...entries].sort((a, b) => Buffer.compare(entry60(a), entry60(b)));
    const list = encodeList(use, GROUP_ID, entries);
    make.valid(id, {
      comment,
      in: { use, groupId: hex(GROUP_ID), entries: entries.map(entryJson) },
      out: { list: hex(list.bytes), root: hex(list.root) },
      spec,
      flags,
    });
    check.valid(id, {
      comment,
      in: { list: hex(list.bytes), use, groupId: hex(GROUP_ID), root: hex(list.root) },
      out: { entries: sorted.map(entryJson) },
      spec,
      flags,
    });
  };
  good('writers', 'writers of three kinds of match', USE.writers, WRITERS.toReversed());
  good('edge', 'an edge list', USE.edge, EDGE);
  good('empty', 'a list without entries: the root is H of nothing', USE.writers, []);
  good('one', 'one entry', USE.edge, [entry()]);
  good('all-actions', 'both actions', USE.edge, [entry({ actions: 3 })]);
  good('level-7', 'level 7', USE.edge, [entry({ matchKind: 2, level: 7 })], ['principals.20'], ['AccessList', 'Limit']);
  good(
    'not-after-0',
    'not_after 0 and 2^53 - 1',
    USE.edge,
    [entry({ notAfter: 0n }), entry({ notAfter: SAFE })],
    ['principals.20'],
    ['AccessList', 'Limit'],
  );
  good('same-key', 'several entries of one key, which differ in one field each', USE.edge, [
    entry(),
    entry({ actions: 2 }),
    entry({ matchKind: 2 }),
    entry({ matchKind: 2, level: 1 }),
    entry({ match: m16('z') }),
    entry({ notAfter: NOW + 1n }),
  ]);
  const near = cat(ALICE_KEY.keyId.slice(0, 15), flip(ALICE_KEY.keyId.slice(15), 0));
  good('ids-15', 'two key ids that share 15 bytes', USE.writers, [entry(), entry({ keyId: near })], ['principals.20']);

  const refused = (
    id: string,
    comment: string,
    list: Bytes,
    error: string | string[],
    spec: string[],
    over: { use?: number; groupId?: Bytes; root?: Bytes; flags?: string[]; from?: string } = {},
  ): void => {
    check.invalid(id, {
      comment,
      in: {
        list: hex(list),
        use: over.use ?? USE.writers,
        groupId: hex(over.groupId ?? GROUP_ID),
        root: hex(over.root ?? right.root),
      },
      error,
      layer: 'body',
      spec,
      from: over.from ?? 'writers',
      flags: over.flags ?? F,
    });
  };
  const right = encodeList(USE.writers, GROUP_ID, WRITERS);
  const l = right.bytes;
  refused('short', '27 bytes', l.slice(0, 27), 'E_LENGTH', S, { flags: ['Truncated'] });
  refused('nothing', 'no bytes', zeros(0), 'E_LENGTH', S, { flags: ['Truncated'] });
  refused('magic', 'another magic', put(l, 0, text('TDRV')), 'E_ENCODING', S);
  refused('version-0', 'version 0', put(l, 4, u8(0)), 'E_VERSION', S, { flags: ['Downgrade'] });
  refused('version-2', 'version 2', put(l, 4, u8(2)), 'E_VERSION', S, { flags: ['Downgrade'] });
  refused('use-other', 'a list of writers where an edge list is expected', l, 'E_ENCODING', S, { use: USE.edge });
  refused(
    'use-renamed',
    'the same with the use changed to it: the whole group is no match at the edge',
    put(l, 5, u8(2)),
    'E_ENCODING',
    S,
    { use: USE.edge },
  );
  const plain = WRITERS.slice(1);
  const plainList = encodeList(USE.writers, GROUP_ID, plain);
  refused(
    'use-in-leaf',
    'entries that serve both uses, under the root of the other use',
    put(plainList.bytes, 5, u8(2)),
    'E_POLICY',
    ['principals.21'],
    { use: USE.edge, root: plainList.root },
  );
  refused('use-0', 'use 0', put(l, 5, u8(0)), 'E_ENCODING', S, { flags: ['Reserved'] });
  refused('use-3', 'use 3', put(l, 5, u8(3)), 'E_ENCODING', S, { flags: ['Reserved'] });
  refused('zeros', 'a zero byte that is not', put(l, 7, u8(1)), 'E_ENCODING', S, { flags: ['Reserved'] });
  refused('group', 'another group', l, 'E_BINDING', ['principals.21'], { groupId: seeded('other group', 16) });
  const otherGroup = encodeList(USE.writers, seeded('other group', 16), WRITERS);
  refused(
    'group-renamed',
    "another group's list and root, with this group written into the list",
    put(otherGroup.bytes, 8, GROUP_ID),
    'E_POLICY',
    ['principals.21'],
    { root: otherGroup.root },
  );
  const header = (use: number, count: number, n = 0): Bytes =>
    cat(text('TDAL'), u8(1), u8(use), u16(0), GROUP_ID, u32(count), zeros(60 * n));
  const L = { flags: ['Limit'] };
  refused('writers-4097', 'a count of 4,097, without an entry', header(1, 4097), 'E_LIMIT', ['principals.21'], L);
  refused('writers-4096', 'a count of 4,096, without an entry', header(1, 4096), 'E_LENGTH', ['principals.21'], L);
  refused('edge-65537', 'a count of 65,537, without an entry', header(2, 65_537), 'E_LIMIT', ['principals.21'], {
    ...L,
    use: 2,
    from: 'edge',
  });
  refused('edge-65536', 'a count of 65,536, without an entry', header(2, 65_536), 'E_LENGTH', ['principals.21'], {
    ...L,
    use: 2,
    from: 'edge',
  });
  refused('count-max', 'a count of 2^32 - 1', header(1, 0xffff_ffff), 'E_LIMIT', ['principals.21'], L);
  refused('truncated', 'the last byte is missing', l.slice(0, -1), 'E_LENGTH', S, { flags: ['Truncated'] });
  refused('trailing', 'a byte too many', cat(l, zeros(1)), 'E_LENGTH', S, { flags: ['Trailing'] });
  refused('count-less', 'a count of one less', put(l, 24, u32(3)), 'E_LENGTH', S, { flags: ['Trailing'] });
  refused('count-more', 'a count of one more', put(l, 24, u32(5)), 'E_LENGTH', S, { flags: ['Truncated'] });

  /** Entries as they stand, under their own root. */
  const bad = (
    id: string,
    comment: string,
    entries: Bytes[],
    error: string | string[] = 'E_ENCODING',
    use: number = USE.writers,
    flags: string[] = F,
  ): void => {
    const made = rawList(use, GROUP_ID, entries);
    refused(id, comment, made.bytes, error, error === 'E_LIMIT' ? S : ['principals.20'], {
      use,
      root: made.root,
      flags,
      from: use === 1 ? 'writers' : 'edge',
    });
  };
  const sorted = WRITERS.map(entry60).sort((a, b) => Buffer.compare(a, b));
  bad('descending', 'entries that descend', sorted.toReversed());
  bad('swapped-last', 'the last two exchanged', [
    ...sorted.slice(0, 2),
    sorted[3] ?? zeros(60),
    sorted[2] ?? zeros(60),
  ]);
  bad('twice', 'an entry twice', [sorted[0] ?? zeros(60), sorted[0] ?? zeros(60)]);
  bad('order-within-key', 'entries of one key that descend in what follows it', [
    entry60(entry({ match: m16('z'), actions: 3 })),
    entry60(entry({ match: m16('a'), actions: 1 })),
  ]);
  const twin = cat(ALICE_KEY.keyId.slice(0, 16), seeded('twin', 16));
  const pair = [entry60(entry()), entry60(entry({ keyId: twin }))].sort((a, b) => Buffer.compare(a, b));
  bad('sender-id-twice', 'two key ids with equal first 16 bytes (S20)', pair);
  bad('sender-id-twice-edge', 'the same at the edge', pair, 'E_ENCODING', USE.edge);
  bad('no-action', 'no action', [entry60(entry({ actions: 0 }))]);
  bad('action-16', 'an action that is not defined', [entry60(entry({ actions: 16 }))]);
  bad('action-17', 'one beside publish', [entry60(entry({ actions: 17 }))]);
  bad('action-high', 'bit 15', [entry60(entry({ actions: 0x8001 }))]);
  bad('kind-3', 'match kind 3', [entry60(entry({ matchKind: 3 }))]);
  bad('kind-255', 'match kind 255', [entry60(entry({ matchKind: 255 }))]);
  bad(
    'kind-0-edge',
    'the whole group, in an edge list',
    [entry60(entry({ matchKind: 0, match: zeros(16) }))],
    'E_ENCODING',
    USE.edge,
  );
  bad('kind-0-match', 'the whole group with a match16', [entry60(entry({ matchKind: 0 }))]);
  bad('kind-0-level', 'the whole group with a level', [entry60(entry({ matchKind: 0, level: 1, match: zeros(16) }))]);
  bad('kind-1-level', 'an exact match with a level', [entry60(entry({ level: 1 }))]);
  bad(
    'kind-2-level-8',
    'a prefix at level 8',
    [entry60(entry({ matchKind: 2, level: 8 }))],
    ['E_ENCODING', 'E_LIMIT'],
    USE.writers,
    ['AccessList', 'Limit'],
  );
  bad('not-after-2-53', 'not_after 2^53', [entry60(entry({ notAfter: SAFE + 1n }))], 'E_LIMIT', USE.writers, ['Limit']);
  bad(
    'not-after-first',
    'not_after 2^53 in an entry without an action: the number comes first',
    [entry60(entry({ notAfter: SAFE + 1n, actions: 0 }))],
    'E_LIMIT',
    USE.writers,
    ['Order'],
  );
  bad(
    'front-first',
    'no action in the first entry, not_after 2^53 in the second: entries from the front',
    [entry60(entry({ actions: 0 })), entry60(entry({ notAfter: SAFE + 1n, actions: 1, matchKind: 2 }))],
    'E_ENCODING',
    USE.writers,
    ['Order'],
  );
  refused('root', 'one bit of the root', l, 'E_POLICY', ['principals.21'], { root: flip(right.root, 0) });
  refused('root-zeros', 'a root of zeros', l, 'E_POLICY', ['principals.21'], { root: zeros(32) });
  refused(
    'entry-missing',
    'an entry is left out',
    encodeList(USE.writers, GROUP_ID, WRITERS.slice(0, -1)).bytes,
    'E_POLICY',
    ['principals.21'],
  );
  refused(
    'entry-more',
    'an entry is added',
    encodeList(USE.writers, GROUP_ID, [...WRITERS, entry({ actions: 3 })]).bytes,
    'E_POLICY',
    ['principals.21'],
  );
  refused(
    'entry-changed',
    'not_after of one entry is a millisecond later',
    encodeList(
      USE.writers,
      GROUP_ID,
      WRITERS.map((e, i) => (i === 0 ? { ...e, notAfter: NOW + 1n } : e)),
    ).bytes,
    'E_POLICY',
    ['principals.21'],
  );
  refused(
    'empty-for-some',
    'an empty list in place of one with entries',
    encodeList(USE.writers, GROUP_ID, []).bytes,
    'E_POLICY',
    ['principals.21'],
  );
  refused(
    'order-magic-version',
    'another magic and another version',
    put(put(l, 0, text('TDXX')), 4, u8(2)),
    'E_ENCODING',
    ['errors.2'],
    { flags: ['Order'] },
  );
  refused(
    'order-version-use',
    'another version and use 3',
    put(put(l, 4, u8(2)), 5, u8(3)),
    'E_VERSION',
    ['errors.2'],
    { flags: ['Order'] },
  );
  refused(
    'order-zeros-group',
    'a zero byte that is not, and another group',
    put(l, 6, u8(1)),
    'E_ENCODING',
    ['errors.2'],
    { flags: ['Order'], groupId: zeros(16) },
  );
  refused('order-group-count', 'another group, and a count of 4,097', header(1, 4097), 'E_BINDING', ['errors.2'], {
    flags: ['Order'],
    groupId: zeros(16),
  });
  refused(
    'order-entry-root',
    'no action, and another root',
    rawList(1, GROUP_ID, [entry60(entry({ actions: 0 }))]).bytes,
    'E_ENCODING',
    ['errors.2'],
    { flags: ['Order'] },
  );
}

function allowing(file: VectorFile): void {
  const g = file.group('allows', 'list.allows', 'principals', 'source');
  const F = ['AccessList'];
  const chain = (...values: Bytes[]): string => hex(cat(...values));
  const c = [0, 1, 2, 3].map((i) => m16(`chain ${i}`));
  const [c0 = c[0] as Bytes, c1 = c[0] as Bytes, c2 = c[0] as Bytes] = c;
  const writers = encodeList(USE.writers, GROUP_ID, [
    entry({ matchKind: 0, match: zeros(16) }),
    entry({ keyId: BOB_KEY.keyId, match: m16('tag') }),
    entry({ keyId: CAROL.keyId, matchKind: 2, level: 2, match: c2 }),
  ]).bytes;
  const edge = encodeList(USE.edge, GROUP_ID, [
    entry({ actions: 2, match: m16('tag') }),
    entry({ keyId: BOB_KEY.keyId, actions: 2, matchKind: 2, level: 1, match: c1 }),
    entry({ keyId: CAROL.keyId, actions: 3, matchKind: 2, level: 0, match: c0 }),
  ]).bytes;
  const envelope = (
    id: string,
    comment: string,
    keyId: Bytes,
    allowed: boolean,
    over: Members = {},
    list: Bytes = writers,
  ): void => {
    g.valid(id, {
      comment,
      in: { list: hex(list), keyId: hex(keyId), action: 1, timestamp: NOW.toString(), tag: hex(m16('tag')), ...over },
      out: { allows: allowed },
      spec: ['principals.22', 'envelope.27'],
      flags: F,
    });
  };
  envelope('group', 'the whole group', ALICE_KEY.keyId, true);
  envelope('group-any-tag', 'the whole group, another tag, with a chain', ALICE_KEY.keyId, true, {
    tag: hex(m16('x')),
    chain: chain(c0),
  });
  envelope('stranger', 'no entry', named('dave').keyId, false);
  envelope('time-after', 'a timestamp of a millisecond after not_after', ALICE_KEY.keyId, false, {
    timestamp: (NOW + 1n).toString(),
  });
  envelope('subscribe', 'an entry that only publishes', ALICE_KEY.keyId, false, { action: 2 });
  envelope('exact', 'the tag', BOB_KEY.keyId, true);
  envelope('exact-other', 'another tag', BOB_KEY.keyId, false, { tag: hex(m16('x')) });
  envelope('exact-in-chain', 'the tag stands in the chain, not in the header', BOB_KEY.keyId, false, {
    tag: hex(m16('x')),
    chain: chain(m16('tag')),
  });
  envelope('exact-after', 'the tag, too late', BOB_KEY.keyId, false, { timestamp: (NOW + 1n).toString() });
  envelope('prefix', 'value 2 of a chain of three', CAROL.keyId, true, { chain: chain(c0, c1, c2) });
  envelope('prefix-longer', 'value 2 of a chain of four', CAROL.keyId, true, { chain: chain(...c) });
  envelope('prefix-short', 'a chain of two has no value 2', CAROL.keyId, false, { chain: chain(c0, c1) });
  envelope('prefix-no-chain', 'no chain', CAROL.keyId, false);
  envelope('prefix-tag', 'no chain, and the tag is the value', CAROL.keyId, false, { tag: hex(c2) });
  envelope('prefix-tag-short', 'a chain of two, and the tag is the value: the prefix itself', CAROL.keyId, false, {
    tag: hex(c2),
    chain: chain(c0, c1),
  });
  envelope('prefix-other-level', 'the value stands at level 1', CAROL.keyId, false, { chain: chain(c0, c2, c1) });
  envelope('prefix-after', 'the value, too late', CAROL.keyId, false, {
    chain: chain(c0, c1, c2),
    timestamp: (NOW + 1n).toString(),
  });
  envelope(
    'prefix-level-0',
    'level 0: any topic of the group that has a chain',
    CAROL.keyId,
    true,
    { chain: chain(c0) },
    edge,
  );
  envelope('edge-only-subscribe', 'an entry that only subscribes', ALICE_KEY.keyId, false, {}, edge);
  const subscribe = (
    id: string,
    comment: string,
    keyId: Bytes,
    allowed: boolean,
    matchKind: number,
    level: number,
    match: Bytes,
    now: bigint = NOW,
  ): void => {
    g.valid(id, {
      comment,
      in: { list: hex(edge), keyId: hex(keyId), action: 2, now: now.toString(), matchKind, level, match: hex(match) },
      out: { allows: allowed },
      spec: ['principals.22'],
      flags: F,
    });
  };
  subscribe('sub-exact', 'the tag', ALICE_KEY.keyId, true, 1, 0, m16('tag'));
  subscribe('sub-exact-other', 'another tag', ALICE_KEY.keyId, false, 1, 0, m16('x'));
  subscribe('sub-exact-as-prefix', 'the same 16 bytes as a prefix', ALICE_KEY.keyId, false, 2, 0, m16('tag'));
  subscribe('sub-after', 'the tag, a millisecond after not_after', ALICE_KEY.keyId, false, 1, 0, m16('tag'), NOW + 1n);
  subscribe('sub-prefix', 'the prefix', BOB_KEY.keyId, true, 2, 1, c1);
  subscribe('sub-prefix-wider', 'a wider one', BOB_KEY.keyId, false, 2, 0, c0);
  subscribe('sub-prefix-narrower', 'a narrower one: the broker cannot know that it is', BOB_KEY.keyId, false, 2, 2, c2);
  subscribe('sub-prefix-other-level', 'the same 16 bytes at another level', BOB_KEY.keyId, false, 2, 2, c1);
  subscribe('sub-prefix-exact', 'the same 16 bytes as a tag', BOB_KEY.keyId, false, 1, 0, c1);
  subscribe('sub-stranger', 'no entry', named('dave').keyId, false, 1, 0, m16('tag'));
  subscribe('sub-both', 'an entry with both actions', CAROL.keyId, true, 2, 0, c0);
}

function revocation(file: VectorFile): void {
  const make = file.group('revoked-make', 'revoked.make', 'principals', 'body', false);
  const check = file.group('revoked-check', 'revoked.check', 'principals', 'body');
  const S = ['principals.24'];
  const F = ['RevokedList'];
  const sorted = (list: Revoked[]): Revoked[] => [...list].toSorted((a, b) => Buffer.compare(a.keyId, b.keyId));
  const json = (e: Revoked): Members => ({ keyId: hex(e.keyId), minSerial: e.minSerial.toString() });
  const good = (id: string, comment: string, entries: Revoked[]): void => {
    const list = encodeRevoked(entries);
    make.valid(id, {
      comment,
      in: { entries: entries.map(json) },
      out: { list: hex(list), hash: hex(H(list)) },
      spec: S,
      flags: F,
    });
    check.valid(id, {
      comment,
      in: { list: hex(list) },
      out: { entries: sorted(entries).map(json) },
      spec: S,
      flags: F,
    });
  };
  const three: Revoked[] = sorted([
    { keyId: ALICE_KEY.keyId, minSerial: 2n },
    { keyId: BOB_KEY.keyId, minSerial: SAFE },
    { keyId: CAROL.keyId, minSerial: 1n },
  ]);
  good('empty', 'nobody', []);
  good('one', 'one key, for good', [{ keyId: ALICE_KEY.keyId, minSerial: SAFE }]);
  good('three', 'three keys, given in no order', three.toReversed());
  const l = encodeRevoked(three);
  const bad = (id: string, comment: string, list: Bytes, error: string | string[], flags: string[] = F): void => {
    check.invalid(id, { comment, in: { list: hex(list) }, error, layer: 'body', spec: S, from: 'three', flags });
  };
  bad('nothing', 'no bytes', zeros(0), 'E_LENGTH', ['Truncated']);
  bad('short', '11 bytes', l.slice(0, 11), 'E_LENGTH', ['Truncated']);
  bad('magic', 'another magic', put(l, 0, text('TDAL')), 'E_ENCODING');
  bad('version-0', 'version 0', put(l, 4, u8(0)), 'E_VERSION', ['Downgrade']);
  bad('version-2', 'version 2', put(l, 4, u8(2)), 'E_VERSION', ['Downgrade']);
  for (const at of [5, 6, 7])
    bad(`zero-${at}`, `byte ${at}, which is zero`, put(l, at, u8(1)), 'E_ENCODING', ['Reserved']);
  const header = (count: number): Bytes => cat(text('TDRV'), u8(1), zeros(3), u32(count));
  bad('count-16385', 'a count of 16,385, without an entry', header(16_385), 'E_LIMIT', ['Limit']);
  bad('count-16384', 'a count of 16,384, without an entry', header(16_384), 'E_LENGTH', ['Limit']);
  bad('count-max', 'a count of 2^32 - 1', header(0xffff_ffff), 'E_LIMIT', ['Limit']);
  bad('truncated', 'the last byte is missing', l.slice(0, -1), 'E_LENGTH', ['Truncated']);
  bad('trailing', 'a byte too many', cat(l, zeros(1)), 'E_LENGTH', ['Trailing']);
  bad('count-less', 'a count of one less', put(l, 8, u32(2)), 'E_LENGTH', ['Trailing']);
  const raw = (list: Revoked[]): Bytes => cat(header(list.length), ...list.map((e) => cat(e.keyId, u64(e.minSerial))));
  bad('descending', 'entries that descend', raw(three.toReversed()), 'E_ENCODING');
  const [first] = three;
  if (first === undefined) throw new Error('no entry');
  bad('twice', 'an entry twice', raw([first, first]), 'E_ENCODING');
  bad('key-twice', 'a key with two serials', raw([first, { ...first, minSerial: 9n }]), 'E_ENCODING');
  bad(
    'serial-2-53',
    'min_serial 2^53',
    raw([{ ...first, minSerial: SAFE + 1n }]),
    ['E_LIMIT', 'E_ENCODING'],
    ['Limit'],
  );
  bad(
    'order-magic-version',
    'another magic and another version',
    put(put(l, 0, text('XXXX')), 4, u8(2)),
    'E_ENCODING',
    ['Order'],
  );
  bad(
    'order-version-zeros',
    'another version and a zero byte that is not',
    put(put(l, 4, u8(2)), 5, u8(1)),
    'E_VERSION',
    ['Order'],
  );
  bad(
    'order-zeros-count',
    'a zero byte that is not and a count of 16,385',
    put(header(16_385), 5, u8(1)),
    'E_ENCODING',
    ['Order'],
  );
  bad(
    'order-length-entries',
    'entries that descend, and a byte too many',
    cat(raw(three.toReversed()), zeros(1)),
    'E_LENGTH',
    ['Order'],
  );
}

function addresses(file: VectorFile): void {
  const g = file.group('address', 'address', 'principals', 'body');
  const ids: [number, string, Bytes][] = [
    [1, 'authority-record', zeros(0)],
    [2, 'principal-record', ALICE_KEY.keyId],
    [3, 'key-record', ALICE_KEY.keyId],
    [4, 'policy', zeros(0)],
    [5, 'group-record', GROUP_ID],
    [6, 'revocation-list', zeros(0)],
    [7, 'writers', GROUP_ID],
    [8, 'edge-list', GROUP_ID],
    [9, 'key-block', GROUP_ID],
    [10, 'enrolment', cat(GROUP_ID, ALICE_KEY.keyId)],
    [11, 'group-head', GROUP_ID],
    [12, 'head', zeros(0)],
    [13, 'pool-record', GROUP_ID],
  ];
  for (const [type, name, id] of ids)
    g.valid(name, {
      comment: `the address of a ${name.replace('-', ' ')}`,
      in: { authorityId: hex(ID), type, id: hex(id) },
      out: { address: hex(address16(ID, type, id)) },
      spec: ['principals.37'],
      flags: ['Bundle'],
    });
  g.valid('other-authority', {
    comment: 'the policy of another authority',
    in: { authorityId: hex(seeded('another authority', 32)), type: 4, id: '' },
    out: { address: hex(address16(seeded('another authority', 32), 4, zeros(0))) },
    spec: ['principals.37'],
    flags: ['Bundle'],
  });
}

function bundles(file: VectorFile): void {
  const make = file.group('bundle-make', 'bundle.make', 'principals', 'body', false);
  const parse = file.group('bundle-parse', 'bundle.parse', 'principals', 'body');
  const S = ['principals.37'];
  const F = ['Bundle'];
  const list = encodeList(USE.writers, GROUP_ID, WRITERS).bytes;
  const objects = [
    { address: address16(ID, 1, zeros(0)), bytes: AUTHORITY.object.bytes },
    { address: address16(ID, 7, GROUP_ID), bytes: list },
    { address: address16(ID, 6, zeros(0)), bytes: encodeRevoked([]) },
  ];
  const json = (o: { address: Bytes; bytes: Bytes }): Members => ({ address: hex(o.address), bytes: hex(o.bytes) });
  const good = (id: string, comment: string, all: { address: Bytes; bytes: Bytes }[]): void => {
    const bytes = hex(encodeBundle(all));
    make.valid(id, { comment, in: { objects: all.map(json) }, out: { bundle: bytes }, spec: S, flags: F });
    parse.valid(id, { comment, in: { bundle: bytes }, out: { objects: all.map(json) }, spec: S, flags: F });
  };
  good('three', 'three objects in the order in which they are given', objects);
  good('empty', 'no object', []);
  good('no-bytes', 'an object of no bytes: what it must be is asked later', [
    { address: seeded('address', 16), bytes: zeros(0) },
  ]);
  good(
    'same-address',
    'two objects of one address',
    [objects[0], objects[0]].map((o) => o ?? { address: zeros(16), bytes: zeros(0) }),
  );
  const b = encodeBundle(objects.slice(1));
  const bad = (id: string, comment: string, bundle: Bytes, error: string, flags: string[] = F): void => {
    parse.invalid(id, { comment, in: { bundle: hex(bundle) }, error, layer: 'body', spec: S, from: 'three', flags });
  };
  bad('nothing', 'no bytes', zeros(0), 'E_LENGTH', ['Truncated']);
  bad('short', '11 bytes', b.slice(0, 11), 'E_LENGTH', ['Truncated']);
  bad('magic', 'another magic', put(b, 0, text('TDRV')), 'E_ENCODING');
  bad('version-0', 'version 0', put(b, 4, u8(0)), 'E_VERSION', ['Downgrade']);
  bad('version-2', 'version 2', put(b, 4, u8(2)), 'E_VERSION', ['Downgrade']);
  for (const at of [5, 6, 7])
    bad(`zero-${at}`, `byte ${at}, which is zero`, put(b, at, u8(1)), 'E_ENCODING', ['Reserved']);
  const header = (count: number): Bytes => cat(text('TDBU'), u8(1), zeros(3), u32(count));
  bad('count-16385', 'a count of 16,385, without an object', header(16_385), 'E_LIMIT', ['Limit']);
  bad('count-16384', 'a count of 16,384, without an object', header(16_384), 'E_LENGTH', ['Limit']);
  bad('count-max', 'a count of 2^32 - 1', header(0xffff_ffff), 'E_LIMIT', ['Limit']);
  bad('truncated', 'the last byte is missing', b.slice(0, -1), 'E_LENGTH', ['Truncated']);
  bad(
    'truncated-len',
    'the end within the length of the second object',
    b.slice(0, 12 + 20 + list.length + 18),
    'E_LENGTH',
    ['Truncated'],
  );
  bad('truncated-address', 'the end within its address', b.slice(0, 12 + 20 + list.length + 3), 'E_LENGTH', [
    'Truncated',
  ]);
  bad('trailing', 'a byte too many', cat(b, zeros(1)), 'E_LENGTH', ['Trailing']);
  bad('count-less', 'a count of one less', put(b, 8, u32(1)), 'E_LENGTH', ['Trailing']);
  bad('count-more', 'a count of one more', put(b, 8, u32(3)), 'E_LENGTH', ['Truncated']);
  bad('len-max', 'an object of 2^32 - 1 bytes', put(b, 28, u32(0xffff_ffff)), 'E_LENGTH', ['Limit']);
  bad(
    'order-version-zeros',
    'another version and a zero byte that is not',
    put(put(b, 4, u8(2)), 5, u8(1)),
    'E_VERSION',
    ['Order'],
  );
  bad(
    'order-zeros-count',
    'a zero byte that is not and a count of 16,385',
    put(header(16_385), 6, u8(1)),
    'E_ENCODING',
    ['Order'],
  );
}
