/** blocks.json: key blocks and partial blocks, making and steps 1 to 6. */
import { VectorFile } from '../cases.ts';
import {
  ANNA,
  block,
  blockHeaderJson,
  blockRecipe,
  CONTROLLER,
  makeIn,
  makeOut,
  nodeKey,
  prekeyOf,
  PRIVATE,
  pub,
  type BlockSpec,
} from '../groupworld.ts';
import type { Members } from '../json.ts';
import { encodePartial, HDR, makeBlock, partialParts, type MadeBlock } from '../twin/blocks.ts';
import { cat, hex, put, seeded, u16, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { encodeBody, putNumber } from '../twin/objects.ts';

const SPEC = ['groups.3'];

function parsed(b: MadeBlock, spec: BlockSpec): Members {
  const { header } = blockRecipe(spec);
  return {
    header: { ...blockHeaderJson(header), controllerKeyId: hex(CONTROLLER.keyId) },
    epochCommit: hex(b.epochCommit),
    entries: b.entries.map(hex),
    private: hex(b.privateSealed),
    signature: hex(b.bytes.slice(b.bytes.length - 64)),
    groupCtx: hex(b.groupCtx),
    entriesRoot: hex(b.entriesRoot),
    blockHash: hex(b.blockHash),
  };
}

export function blocks(): VectorFile {
  const file = new VectorFile('blocks');
  making(file);
  parsing(file);
  partials(file);
  return file;
}

function making(file: VectorFile): void {
  // The twin's makeBlock states the answers; members.json opens what it makes with the other half of the twin.
  const make = file.group('make', 'block.make', 'groups', 'body', false);
  const good = (id: string, comment: string, s: BlockSpec, spec: string[] = ['groups.3', 'groups.5']): void => {
    const r = blockRecipe(s);
    make.valid(id, { comment, in: makeIn(r), out: makeOut(makeBlock(r)), spec });
  };
  for (const suite of [1, 2]) {
    const kind = (k: number): string => `suite ${suite}, kind ${k}`;
    good(`list-${suite}`, `${kind(1)}: three entries, ascending by id16, ephemerals drawn in that order`, {
      kind: 1,
      suite,
    });
    good(`list-one-${suite}`, `${kind(1)}: one entry`, { kind: 1, suite, recipients: [pub(prekeyOf(ANNA))] });
    good(`subtree-${suite}`, `${kind(2)}: leaf 2 of eight is excluded, three entries`, { suite, excluded: [2] });
    good(`subtree-root-${suite}`, `${kind(2)}: nobody is excluded, one entry for the root`, { suite });
    good(`psk-${suite}`, `${kind(5)}: the epoch secret follows from the pre-shared key`, { kind: 5, suite });
  }
  good('list-order', 'The recipients in another order: the same block as list-1', {
    kind: 1,
    recipients: (blockRecipe({ kind: 1 }).recipients ?? []).toReversed(),
  });
  good('list-empty', 'A list without recipients: the root over the entries is H of nothing', {
    kind: 1,
    recipients: [],
  });
  good('subtree-empty', 'Everybody is excluded: no entry', { excluded: [0, 1, 2, 3, 4, 5, 6, 7] });
  good('subtree-height-0', 'A tree of one leaf', { height: 0 });
  good('subtree-deep', 'A tree of height 24, its first leaf excluded', { height: 24, excluded: [0] });
  good('base', 'The first epoch of a generation: node keys as they were drawn', { epoch: 5 });
  good('first', 'The first block of a group: prev_block_hash is zeros', { epoch: 5, prevBlockHash: zeros(32) });
  good('revocation', 'Flag 0', { flags: 1, excluded: [2] }, ['groups.3', 'groups.21']);
  good('generation', 'The first block of generation 2; the epoch goes on', { generation: 2, epoch: 8, baseEpoch: 8 });
  good('purposes', 'A block of a front', { purpose: 4 });
  good('purpose-crew', 'A block of a crew', { purpose: 5 });
  good('widest', 'Every number at its limit', {
    kind: 5,
    generation: 0xffff_ffff,
    epoch: 0xffff_ffff,
    baseEpoch: 0xffff_ffff - 1_048_576,
    notBefore: 0n,
    notAfter: 2n ** 53n - 1n,
    drainUntil: 2n ** 53n - 1n,
    policyVersion: 2n ** 53n - 1n,
  });
  good('own-part', 'An own part with several patterns and route secrets', {
    private: encodeBody('GroupPrivate', {
      patterns: ['a', 'a/b', 'orders/eu/**'],
      route_secrets: [
        { secret32: seeded('route secret 0', 32) },
        { from_period: 20_254, secret32: seeded('route secret 1', 32) },
      ],
    }),
  });

  const bad = (id: string, comment: string, input: Members, error: string | string[], spec: string[] = SPEC): void => {
    make.invalid(id, { comment, in: input, error, spec, from: 'subtree-1', layer: 'body' });
  };
  const subtree = (over: BlockSpec): Members => {
    const r = blockRecipe({});
    return makeIn({ ...r, header: { ...r.header, ...over } });
  };
  const list = makeIn(blockRecipe({ kind: 1 }));
  bad('height-25', 'Height 25', subtree({ height: 25 }), 'E_LIMIT');
  bad('too-far', 'epoch - base_epoch is 1,048,577', subtree({ epoch: 1_048_577 + 5 }), 'E_LIMIT');
  bad('not-after-limit', 'not_after is 2^53', subtree({ notAfter: 2n ** 53n }), 'E_LIMIT');
  bad('base-above', 'base_epoch above the epoch', subtree({ epoch: 7, baseEpoch: 8 }), 'E_USAGE');
  bad('times', 'not_before above not_after', subtree({ notAfter: 1n, notBefore: 2n }), 'E_USAGE');
  bad('kind-3', 'A reserved kind', subtree({ kind: 3 }), ['E_USAGE', 'E_ENCODING']);
  bad('purpose-6', 'A purpose that is not listed', subtree({ purpose: 6 }), ['E_USAGE', 'E_ENCODING']);
  bad('flags', 'Flag 1', subtree({ flags: 2 }), ['E_USAGE', 'E_ENCODING']);
  bad('suite-3', 'A reserved suite', subtree({ suite: 3 }), ['E_USAGE', 'E_SUITE']);
  bad(
    'outside',
    'A node that is not in the tree',
    {
      ...subtree({}),
      nodes: [{ node: '16', key: hex(nodeKey(1, 1n, 2)) }],
    },
    ['E_USAGE', 'E_ENCODING'],
    ['groups.4'],
  );
  bad(
    'overlap',
    'A node and its child',
    {
      ...subtree({}),
      nodes: [
        { node: '2', key: hex(nodeKey(1, 2n, 2)) },
        { node: '4', key: hex(nodeKey(1, 4n, 2)) },
      ],
    },
    ['E_USAGE', 'E_ENCODING'],
    ['groups.4'],
  );
  bad('short-rng', 'Randomness for two of three entries', { ...list, rng: hex(zeros(64)) }, 'E_USAGE', [
    'conventions.6',
  ]);
  bad('no-rng', 'No randomness for an entry', { ...list, rng: '' }, 'E_USAGE', ['conventions.6']);
  make.invalid('small-order-prekey', {
    comment: 'A prekey with which every shared secret is zero',
    in: { ...list, recipients: [hex(zeros(32))], rng: hex(seeded('x', 32)) },
    error: 'E_KEY',
    spec: ['suites.5'],
    from: 'list-1',
    flags: ['KeyUse'],
  });
  make.invalid('prekey-not-canonical', {
    comment: 'A prekey with the top bit set has no key id',
    in: {
      ...list,
      recipients: [hex(put(pub(prekeyOf(ANNA)), 31, u8(0x80 | (pub(prekeyOf(ANNA))[31] ?? 0))))],
      rng: hex(seeded('x', 32)),
    },
    error: 'E_KEY',
    spec: ['suites.4'],
    from: 'list-1',
    flags: ['KeyUse'],
  });
}

function parsing(file: VectorFile): void {
  const parse = file.group('parse', 'block.parse', 'groups', 'header');
  const specs: Record<string, BlockSpec> = {
    list: { kind: 1 },
    'list-2': { kind: 1, suite: 2 },
    subtree: { excluded: [2] },
    'subtree-2': { suite: 2, excluded: [2] },
    psk: { kind: 5 },
    'psk-2': { kind: 5, suite: 2 },
    'list-empty': { kind: 1, recipients: [] },
    'subtree-empty': { excluded: [0, 1, 2, 3, 4, 5, 6, 7] },
    'height-0': { height: 0 },
    'height-24': { height: 24, excluded: [0] },
    revocation: { flags: 1 },
    'epochs-at-limit': { kind: 5, epoch: 1_048_576, baseEpoch: 0 },
    'numbers-at-limit': { notAfter: 2n ** 53n - 1n, drainUntil: 2n ** 53n - 1n, policyVersion: 2n ** 53n - 1n },
    'no-private': { bend: { privateSealed: () => zeros(0) } },
    bus: { purpose: 2 },
    survey: { purpose: 3 },
    pool: { purpose: 4 },
    moment: { notAfter: 1_750_000_000_000n },
  };
  const comments: Record<string, string> = {
    'list-empty': 'A list without entries',
    'subtree-empty': 'A tree without entries',
    'epochs-at-limit': 'epoch - base_epoch is 1,048,576',
    'no-private': 'private_len 0: that it opens is asked in step 11',
    moment: 'not_before equal to not_after',
  };
  const made: Record<string, MadeBlock> = {};
  for (const [id, s] of Object.entries(specs)) {
    const b = block(s);
    made[id] = b;
    parse.valid(id, {
      comment: comments[id] ?? `A block: ${id}`,
      in: { block: hex(b.bytes) },
      out: parsed(b, s),
      spec: ['groups.3', 'groups.4'],
    });
  }
  const of = (id: string): Bytes => made[id]?.bytes ?? zeros(0);
  const list = of('list');
  const tree = of('subtree');
  const psk = of('psk');
  const COUNT = 216;
  const ENTRIES = 220;

  let from = 'subtree';
  const bad = (
    id: string,
    comment: string,
    bytes: Bytes,
    error: string,
    more: { spec?: string[]; flags?: string[]; layer?: string } = {},
  ): void => {
    parse.invalid(id, {
      comment,
      in: { block: hex(bytes) },
      error,
      spec: more.spec ?? SPEC,
      flags: more.flags ?? [],
      from,
      ...(more.layer === undefined ? {} : { layer: more.layer }),
    });
  };
  const limit = { flags: ['Limit'] };
  const order = { flags: ['Order'] };

  // 1
  bad('empty', 'No bytes', zeros(0), 'E_LENGTH', { flags: ['Truncated'] });
  bad('287-bytes', '287 bytes, whatever they are', tree.slice(0, 287), 'E_LENGTH', { flags: ['Truncated'] });
  bad('287-wrong-magic', '287 bytes with a wrong magic', put(tree, 0, u8(0)).slice(0, 287), 'E_LENGTH', order);
  // 2
  bad('magic', 'Another magic', put(tree, 3, u8(0x43)), 'E_ENCODING');
  bad(
    'partial-magic',
    'The magic of a partial block is another object',
    cat(u8(0x54), tree.slice(1, 3), u8(0x50), tree.slice(4)),
    'E_ENCODING',
  );
  bad(
    'enrolment-magic',
    'The magic of an enrolment',
    cat(u8(0x54), u8(0x44), u8(0x45), u8(0x4e), tree.slice(4)),
    'E_ENCODING',
  );
  bad('version-0', 'Version 0', put(tree, HDR.version, u8(0)), 'E_VERSION', { flags: ['Downgrade'] });
  bad('version-2', 'Version 2', put(tree, HDR.version, u8(2)), 'E_VERSION', { flags: ['Downgrade'] });
  for (const k of [0, 3, 4, 6, 255]) {
    bad(`kind-${k}`, `Kind ${k}${k === 3 || k === 4 ? ' is reserved' : ''}`, put(tree, HDR.kind, u8(k)), 'E_ENCODING', {
      flags: ['Reserved'],
    });
  }
  for (const s of [0, 3, 0x11, 0x0a0a, 0xffff]) {
    bad(`suite-${s}`, `Suite ${s}`, put(tree, HDR.suite, u16(s)), 'E_SUITE', { flags: ['Downgrade'] });
  }
  for (const bit of [1, 2, 7]) {
    bad(`flag-${bit}`, `Flag ${bit} is not defined`, put(tree, HDR.flags, u8(1 << bit)), 'E_ENCODING', {
      flags: ['Reserved'],
    });
  }
  bad('last-byte', 'The last byte of the header is 1', put(tree, HDR.last, u8(1)), 'E_ENCODING', {
    flags: ['Reserved'],
  });
  for (const p of [0, 6, 255]) bad(`purpose-${p}`, `Purpose ${p}`, put(tree, HDR.purpose, u8(p)), 'E_ENCODING');
  bad(
    'magic-before-version',
    'Wrong magic and wrong version',
    put(put(tree, 0, u8(0)), HDR.version, u8(9)),
    'E_ENCODING',
    order,
  );
  bad(
    'version-before-kind',
    'Wrong version and wrong kind',
    put(put(tree, HDR.version, u8(9)), HDR.kind, u8(9)),
    'E_VERSION',
    order,
  );
  bad(
    'kind-before-suite',
    'Wrong kind and wrong suite',
    put(put(tree, HDR.kind, u8(9)), HDR.suite, u16(9)),
    'E_ENCODING',
    order,
  );
  bad(
    'suite-before-flags',
    'Wrong suite and wrong flags',
    put(put(tree, HDR.suite, u16(9)), HDR.flags, u8(9)),
    'E_SUITE',
    order,
  );
  bad(
    'purpose-before-limits',
    'Wrong purpose and height 25',
    put(put(tree, HDR.purpose, u8(9)), HDR.height, u8(25)),
    'E_ENCODING',
    order,
  );
  // 3
  for (const [name, at] of [
    ['not-before', HDR.notBefore],
    ['not-after', HDR.notAfter],
    ['drain-until', HDR.drainUntil],
    ['policy-version', HDR.policyVersion],
  ] as const) {
    bad(`${name}-2-53`, `${name} is 2^53`, put(tree, at, u64(2n ** 53n)), 'E_LIMIT', limit);
    bad(`${name}-max`, `${name} is 2^64 - 1`, put(tree, at, u64(2n ** 64n - 1n)), 'E_LIMIT', limit);
  }
  bad('height-25', 'Height 25', put(tree, HDR.height, u8(25)), 'E_LIMIT', limit);
  bad('height-255', 'Height 255', put(tree, HDR.height, u8(255)), 'E_LIMIT', limit);
  bad(
    'epochs-1048577',
    'epoch - base_epoch is 1,048,577',
    putNumber(tree, HDR.epoch, 4, 1_048_577 + 5),
    'E_LIMIT',
    limit,
  );
  bad('epochs-2-31', 'epoch - base_epoch is 2^31', putNumber(tree, HDR.epoch, 4, 2 ** 31 + 5), 'E_LIMIT', limit);
  bad(
    'epochs-max',
    'epoch 2^32 - 1, base_epoch 0',
    putNumber(putNumber(tree, HDR.epoch, 4, 2 ** 32 - 1), HDR.baseEpoch, 4, 0),
    'E_LIMIT',
    limit,
  );
  bad('count-65537', 'count is 65,537', putNumber(tree, COUNT, 4, 65_537), 'E_LIMIT', limit);
  bad('count-max', 'count is 2^32 - 1: no memory by it', putNumber(tree, COUNT, 4, 2 ** 32 - 1), 'E_LIMIT', limit);
  bad(
    'count-psk-max',
    'count is 2^32 - 1 in a block without entries',
    putNumber(psk, COUNT, 4, 2 ** 32 - 1),
    'E_LIMIT',
    order,
  );
  bad('private-65537', 'private_len is 65,537', putNumber(psk, ENTRIES, 4, 65_537), 'E_LIMIT', limit);
  bad('private-max', 'private_len is 2^32 - 1', putNumber(psk, ENTRIES, 4, 2 ** 32 - 1), 'E_LIMIT', limit);
  bad(
    'limits-before-height',
    'Height 25 and kind 1: the limit comes first',
    put(list, HDR.height, u8(25)),
    'E_LIMIT',
    order,
  );
  bad(
    'limits-before-times',
    'not_after is 2^53, and base_epoch above epoch',
    putNumber(put(tree, HDR.notAfter, u64(2n ** 53n)), HDR.baseEpoch, 4, 8),
    'E_LIMIT',
    order,
  );
  // 4
  from = 'list';
  bad('height-of-list', 'A list with height 1', put(list, HDR.height, u8(1)), 'E_ENCODING');
  from = 'psk';
  bad('height-of-psk', 'Kind 5 with height 3', put(psk, HDR.height, u8(3)), 'E_ENCODING');
  bad('count-of-psk', 'Kind 5 with count 1', putNumber(psk, COUNT, 4, 1), 'E_ENCODING');
  from = 'subtree';
  bad(
    'base-above',
    'base_epoch is epoch + 1: no difference of 2^32 - 1',
    putNumber(tree, HDR.baseEpoch, 4, 8),
    'E_ENCODING',
  );
  bad('base-far-above', 'base_epoch is 2^32 - 1', putNumber(tree, HDR.baseEpoch, 4, 2 ** 32 - 1), 'E_ENCODING');
  bad('times', 'not_after below not_before', put(tree, HDR.notAfter, u64(1_749_999_999_999n)), 'E_ENCODING');
  bad(
    'form-before-length',
    'base_epoch above epoch, and a byte too many',
    cat(putNumber(tree, HDR.baseEpoch, 4, 8), u8(0)),
    'E_ENCODING',
    order,
  );
  // 5
  bad('one-more', 'A byte too many', cat(tree, u8(0)), 'E_LENGTH', { flags: ['Trailing'] });
  bad('one-less', 'A byte too few', tree.slice(0, -1), 'E_LENGTH', { flags: ['Truncated'] });
  bad(
    'count-one-more',
    'count is one too high: what stands where private_len would be is above its limit',
    putNumber(tree, COUNT, 4, 4),
    'E_LIMIT',
    order,
  );
  bad(
    'count-one-less',
    'count is one too low: the next entry is no private_len',
    putNumber(tree, COUNT, 4, 2),
    'E_LENGTH',
  );
  bad('count-0', 'count is 0 with three entries', putNumber(tree, COUNT, 4, 0), 'E_LENGTH');
  bad(
    'count-65536',
    'count is 65,536, and the bytes end before private_len',
    putNumber(tree, COUNT, 4, 65_536),
    'E_LENGTH',
    limit,
  );
  from = 'psk';
  bad('private-one-more', 'private_len is one too high', putNumber(psk, ENTRIES, 4, PRIVATE.length + 17), 'E_LENGTH');
  bad('private-one-less', 'private_len is one too low', putNumber(psk, ENTRIES, 4, PRIVATE.length + 15), 'E_LENGTH');
  bad(
    'private-65536',
    'private_len is 65,536 and the bytes are not there',
    putNumber(psk, ENTRIES, 4, 65_536),
    'E_LENGTH',
    limit,
  );
  // 6
  const entries = (s: BlockSpec, bend: (right: Bytes[]) => Bytes[]): Bytes =>
    block({ ...s, bend: { entries: bend } }).bytes;
  const groups4 = (flags: string[] = ['Cover']): { spec: string[]; flags: string[]; layer: string } => ({
    spec: ['groups.4'],
    flags,
    layer: 'body',
  });
  const at = (list: readonly Bytes[], ...order_: number[]): Bytes[] => order_.map((i) => list[i] ?? zeros(0));
  from = 'list';
  bad(
    'list-swapped',
    'Two list entries in the wrong order',
    entries({ kind: 1 }, (e) => at(e, 1, 0, 2)),
    'E_ENCODING',
    groups4(),
  );
  bad(
    'list-descending',
    'List entries in descending order',
    entries({ kind: 1 }, (e) => at(e, 2, 1, 0)),
    'E_ENCODING',
    groups4(),
  );
  bad(
    'list-twice',
    'One list entry twice',
    entries({ kind: 1 }, (e) => at(e, 0, 0, 1)),
    'E_ENCODING',
    groups4(),
  );
  bad(
    'list-same-name',
    'Two list entries of one id16 with different ciphertexts',
    entries({ kind: 1 }, (e) => [
      ...at(e, 0),
      cat((e[0] ?? zeros(0)).slice(0, 16), (e[1] ?? zeros(0)).slice(16)),
      ...at(e, 2),
    ]),
    'E_ENCODING',
    groups4(),
  );
  from = 'subtree';
  const tree4 = { excluded: [2] };
  bad(
    'nodes-swapped',
    'Nodes 11 and 4 in the wrong order',
    entries(tree4, (e) => at(e, 1, 0, 2)),
    'E_ENCODING',
    groups4(),
  );
  bad(
    'nodes-twice',
    'One node twice',
    entries(tree4, (e) => at(e, 0, 0, 2)),
    'E_ENCODING',
    groups4(),
  );
  const renamed = (nodes: bigint[]): Bytes =>
    entries(tree4, (e) => nodes.map((n, i) => cat(u64(n), (e[i] ?? zeros(56)).slice(8))));
  bad('nodes-root-and-leaf', 'The root, then a leaf', renamed([1n, 15n]), 'E_ENCODING', groups4());
  bad('nodes-parent-and-child', 'A node, then its right child', renamed([2n, 5n]), 'E_ENCODING', groups4());
  bad('nodes-child-and-parent', 'A node, then its parent', renamed([4n, 2n]), 'E_ENCODING', groups4());
  bad('nodes-last-child', 'Node 2, then its last leaf', renamed([2n, 11n, 3n]), 'E_ENCODING', groups4());
  bad('nodes-by-number', 'By number, not by first leaf: 3, 4, 11', renamed([3n, 4n, 11n]), 'E_ENCODING', groups4());
  bad('node-0', 'Node 0', renamed([0n, 11n, 3n]), 'E_ENCODING', groups4());
  bad('node-16', 'Node 16 in a tree of height 3', renamed([4n, 11n, 16n]), 'E_ENCODING', groups4());
  bad('node-2-32', 'Node 2^32 + 3: not cut to 32 bits', renamed([4n, 11n, 2n ** 32n + 3n]), 'E_ENCODING', groups4());
  bad('node-2-53', 'Node 2^53', renamed([4n, 11n, 2n ** 53n]), 'E_LIMIT', {
    ...groups4(['Limit']),
    spec: ['groups.3'],
  });
  bad('node-max', 'Node 2^64 - 1', renamed([4n, 11n, 2n ** 64n - 1n]), 'E_LIMIT', {
    ...groups4(['Limit']),
    spec: ['groups.3'],
  });
  bad(
    'node-2-53-behind',
    'Node 16, then node 2^53: entries are read from the front',
    renamed([16n, 2n ** 53n]),
    'E_ENCODING',
    groups4(['Order']),
  );
  bad(
    'node-1-of-height-0',
    'Node 2 in a tree of one leaf',
    entries({ height: 0 }, (e) => e.map((x) => cat(u64(2), x.slice(8)))),
    'E_ENCODING',
    groups4(),
  );
  bad(
    'length-before-order',
    'Entries in the wrong order, and a byte too few',
    entries(tree4, (e) => at(e, 1, 0, 2)).slice(0, -1),
    'E_LENGTH',
    order,
  );
}

function partials(file: VectorFile): void {
  const group = file.group('partial', 'block.partial', 'groups', 'body');
  const good = (id: string, comment: string, s: BlockSpec, index: number): void => {
    const b = block(s);
    group.valid(id, {
      comment,
      in: { block: hex(b.bytes), index },
      out: { partial: hex(encodePartial(partialParts(b.bytes, index))) },
      spec: ['groups.6'],
    });
  };
  good('first', 'The first of three entries', { excluded: [2] }, 0);
  good('middle', 'The second of three', { excluded: [2] }, 1);
  good('last', 'The last of three: a path of one', { excluded: [2] }, 2);
  good('only', 'The only entry: an empty path', {}, 0);
  good('list', 'An entry of a list', { kind: 1 }, 1);
  good('list-2', 'An entry of a list, suite 2', { kind: 1, suite: 2 }, 2);
  good('many', 'Entry 13 of 24', { height: 24, excluded: [0] }, 13);
  const bad = (id: string, comment: string, s: BlockSpec, index: number): void => {
    group.invalid(id, {
      comment,
      in: { block: hex(block(s).bytes), index },
      error: ['E_PROOF', 'E_USAGE'],
      spec: ['groups.6'],
      from: 'first',
    });
  };
  bad('beyond', 'There is no entry 3', { excluded: [2] }, 3);
  bad('far-beyond', 'There is no entry 2^32 - 1', { excluded: [2] }, 2 ** 32 - 1);
  bad('of-none', 'A block without entries', { excluded: [0, 1, 2, 3, 4, 5, 6, 7] }, 0);
  bad('of-psk', 'A block of kind 5', { kind: 5 }, 0);
}
