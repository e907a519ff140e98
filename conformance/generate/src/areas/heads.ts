/** heads.json: heads, group heads, head answers; principals.27 and principals.33. */
import { VectorFile, type Group } from '../cases.ts';
import { cat, flip, hex, put, seeded, text, u16, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { sealEnvelope } from '../twin/envelope.ts';
import {
  authorityFields,
  encodeRevoked,
  firstAuthority,
  groupHead,
  groupLeaf,
  groupsRoot,
  headAnswer,
  headBody,
  makeHead,
  nextAuthority,
  policyObject,
  rawGroupHead,
  ROLE,
  signHead,
  sortBytes,
  treePath,
  type GroupLeaf,
  type Head,
  type HeadFields,
  type KeyPair,
} from '../twin/objects.ts';
import { H } from '../twin/hash.ts';
import {
  AUTHORITY,
  DAY,
  delegation,
  DELEGATIONS,
  ISSUER,
  POLICY_KEY,
  policyFields,
  ROOT,
  STATUS,
  STRANGER,
} from '../authority.ts';
import {
  answerStep,
  FIRST,
  groupHeadStep,
  headStep,
  HELD,
  KNOWN,
  objectStep,
  runner,
  type Run,
  type TrustStep,
} from '../steps.ts';
import { NOW, recipe } from '../world.ts';

const ID = AUTHORITY.authorityId;
const SKEW = 30_000n;
const SAFE = (1n << 53n) - 1n;

const LEAVES: GroupLeaf[] = Array.from({ length: 5 }, (_, i) => ({
  groupId: seeded(`head group ${i}`, 16),
  generation: i + 1,
  epoch: 10 * i + 1,
  blockHash: seeded(`head block ${i}`, 32),
}));
const LEAF: GroupLeaf = LEAVES[0] as GroupLeaf;

function fields(seq: bigint | number, prev: Bytes = zeros(32), more: Partial<HeadFields> = {}): HeadFields {
  return {
    headSeq: BigInt(seq),
    issued: NOW,
    freshUntil: NOW + 60_000n,
    policyVersion: 1n,
    policyHash: seeded('policy hash', 32),
    groupsRoot: groupsRoot(LEAVES),
    revokedHash: H(encodeRevoked([])),
    prevHeadHash: prev,
    ...more,
  };
}
const at = (seq: bigint | number, prev?: Bytes, more: Partial<HeadFields> = {}, key: KeyPair = STATUS): Head =>
  makeHead(ID, key, fields(seq, prev, more));
const one = at(1);
const two = at(2, one.hash);

export function heads(): VectorFile {
  const file = new VectorFile('heads');
  make(file.group('make', 'head.make', 'principals', 'body', false));
  const run = (name: string): Run => runner(file.group(name, 'trust.run', 'principals', 'signature'));
  form(run('form'));
  signature(run('signature'));
  place(run('place'));
  time(run('time'));
  group(run('group-head'));
  answers(run('answer'));
  return file;
}

function make(g: Group): void {
  const input = (f: HeadFields): { [m: string]: string } => ({
    authorityId: hex(ID),
    seed: hex(STATUS.seed),
    headSeq: f.headSeq.toString(),
    issued: f.issued.toString(),
    freshUntil: f.freshUntil.toString(),
    policyVersion: f.policyVersion.toString(),
    policyHash: hex(f.policyHash),
    groupsRoot: hex(f.groupsRoot),
    revokedHash: hex(f.revokedHash),
    prevHeadHash: hex(f.prevHeadHash),
  });
  for (const [id, comment, f] of [
    ['first', 'the first head: prev_head_hash32 is zeros', fields(1)],
    ['second', 'the second names the first', fields(2, one.hash)],
    [
      'no-groups',
      'no group has a block yet: the root is H of nothing',
      fields(3, two.hash, { groupsRoot: groupsRoot([]) }),
    ],
    [
      'largest',
      'numbers at their limit, fresh for 24 hours',
      fields(SAFE, two.hash, { policyVersion: SAFE, issued: SAFE - DAY, freshUntil: SAFE }),
    ],
    ['fresh-for-nothing', 'fresh_until is issued', fields(4, two.hash, { freshUntil: NOW })],
  ] as [string, string, HeadFields][]) {
    const h = makeHead(ID, STATUS, f);
    g.valid(id, { comment, in: input(f), out: { head: hex(h.bytes), headHash: hex(h.hash) }, spec: ['principals.27'] });
  }
  for (const [id, comment, f, error, from] of [
    ['seq-0', 'head_seq 0', fields(0), ['E_USAGE', 'E_LIMIT'], 'first'],
    ['seq-2-53', 'head_seq 2^53', fields(SAFE + 1n), ['E_LIMIT', 'E_USAGE'], 'largest'],
    [
      'reversed',
      'fresh_until before issued',
      fields(1, undefined, { freshUntil: NOW - 1n }),
      ['E_USAGE', 'E_LIMIT'],
      'fresh-for-nothing',
    ],
    [
      'too-long',
      'fresh for a millisecond more than 24 hours',
      fields(1, undefined, { freshUntil: NOW + DAY + 1n }),
      ['E_LIMIT', 'E_USAGE'],
      'largest',
    ],
  ] as [string, string, HeadFields, string[], string][])
    g.invalid(id, { comment, in: input(f), error, layer: 'body', spec: ['principals.27'], from, flags: ['Validity'] });
}

const S = ['principals.27'];

function form(run: Run): void {
  const h = one.bytes;
  const F = ['HeadPlace'];
  /** Any 200 bytes, rightly signed. */
  const signed = (body: Bytes): Bytes => signHead(ID, STATUS, body).bytes;
  const body = headBody(STATUS.keyId, fields(1));
  run('good', 'a head is held, and known when it comes again', S, F, [FIRST, headStep(one), headStep(one, KNOWN)]);
  run(
    'length',
    '0, 200, 263 and 265 bytes',
    S,
    ['Truncated'],
    [
      FIRST,
      headStep(zeros(0), 'E_LENGTH'),
      headStep(h.slice(0, 200), 'E_LENGTH'),
      headStep(h.slice(0, 263), 'E_LENGTH'),
      headStep(cat(h, zeros(1)), 'E_LENGTH'),
      headStep(one),
    ],
  );
  run(
    'magic',
    'another magic; versions 0 and 2',
    S,
    ['Downgrade'],
    [
      FIRST,
      headStep(signed(put(body, 0, text('TDOB'))), 'E_ENCODING'),
      headStep(signed(put(body, 4, u8(0))), 'E_VERSION'),
      headStep(signed(put(body, 4, u8(2))), 'E_VERSION'),
    ],
  );
  run(
    'zero-and-algorithm',
    'the zero byte; algorithms 0, 2 and 0x0100',
    S,
    ['Reserved'],
    [
      FIRST,
      headStep(signed(put(body, 5, u8(1))), 'E_ENCODING'),
      ...[0, 2, 0x0100].map((a) => headStep(signed(put(body, 6, u16(a))), 'E_ENCODING')),
    ],
  );
  run(
    'u64',
    'head_seq, issued, fresh_until and policy_version of 2^53',
    S,
    ['Limit'],
    [
      FIRST,
      ...[40, 48, 56, 64].map((offset) => headStep(signed(put(body, offset, u64(SAFE + 1n))), 'E_LIMIT')),
      headStep(signed(put(body, 64, u64(SAFE)))),
    ],
  );
  run('seq-0', 'head_seq 0', S, F, [FIRST, headStep(signed(put(body, 40, u64(0))), 'E_ENCODING')]);
  run(
    'reversed',
    'fresh_until before issued; equal to it',
    S,
    ['Validity'],
    [
      FIRST,
      headStep(at(1, undefined, { freshUntil: NOW - 1n }), 'E_ENCODING'),
      headStep(at(1, undefined, { freshUntil: NOW })),
    ],
  );
  run(
    'too-long',
    'fresh for a millisecond more than 24 hours; for 24 hours',
    S,
    ['Validity'],
    [
      FIRST,
      headStep(at(1, undefined, { freshUntil: NOW + DAY + 1n }), 'E_LIMIT'),
      headStep(at(1, undefined, { freshUntil: NOW + DAY })),
    ],
  );
  run(
    'order',
    'a magic that is wrong in 263 bytes; a version under a wrong magic; 2^53 under a zero byte that is not; head_seq 0 and 2^53',
    S,
    ['Order'],
    [
      FIRST,
      headStep(flip(h, 0).slice(1), 'E_LENGTH'),
      headStep(put(flip(h, 0), 4, u8(2)), 'E_ENCODING'),
      headStep(put(put(h, 4, u8(2)), 5, u8(1)), 'E_VERSION'),
      headStep(put(put(h, 5, u8(1)), 40, u64(SAFE + 1n)), 'E_ENCODING'),
      headStep(put(put(h, 40, u64(0)), 48, u64(SAFE + 1n)), 'E_LIMIT'),
      headStep(makeHead(ID, STRANGER, fields(0)), 'E_ENCODING'),
      headStep(makeHead(ID, STRANGER, fields(1, undefined, { freshUntil: NOW + DAY + 1n })), 'E_LIMIT'),
    ],
  );
}

function signature(run: Run): void {
  const h = one.bytes;
  run(
    'key',
    'signed by a stranger, the issuer, the policy key, the root key',
    S,
    ['Delegation'],
    [FIRST, ...[STRANGER, ISSUER, POLICY_KEY, ROOT].map((k) => headStep(at(1, undefined, {}, k), 'E_POLICY'))],
  );
  run(
    'key-named',
    "signed by another key in the status key's name",
    S,
    ['Impersonation'],
    [FIRST, headStep(signHead(ID, POLICY_KEY, headBody(STATUS.keyId, fields(1))), 'E_SIG')],
  );
  run(
    'no-authority',
    'no authority record is held',
    S,
    ['Delegation'],
    [headStep(one, 'E_POLICY'), FIRST, headStep(one)],
  );
  const late = NOW + 6n * DAY;
  const then = { issued: late, freshUntil: late + DAY };
  const early = { issued: NOW - DAY - SKEW, freshUntil: NOW - DAY + SKEW };
  run(
    'key-now',
    'the delegation of the status key is over, or has not begun; at its ends with the skew it holds',
    S,
    ['Delegation', 'Validity'],
    [
      FIRST,
      headStep(at(1, undefined, early), 'E_EXPIRED', NOW - DAY - SKEW - 1n),
      headStep(at(1, undefined, early), HELD, NOW - DAY - SKEW),
      headStep(at(7, undefined, then), 'E_EXPIRED', late + SKEW + 1n),
      headStep(at(7, undefined, then), HELD, late + SKEW),
    ],
  );
  run(
    'flipped',
    'one bit of each signed field',
    ['principals.27', 'principals.9'],
    ['Tampered'],
    [
      FIRST,
      headStep(put(h, 40, u64(9)), 'E_SIG'),
      headStep(flip(h, 55), 'E_SIG'),
      headStep(flip(h, 63), 'E_SIG'),
      headStep(flip(h, 71), 'E_SIG'),
      ...[72, 104, 136, 168, 200, 263].map((offset) => headStep(flip(h, offset), 'E_SIG')),
      headStep(flip(h, 8), 'E_POLICY'),
      headStep(one),
    ],
  );
  for (const label of ['head nonce', 'policy', 'authority', 'issuer', 'keyblock', 'close', 'envelope'])
    run(
      `label-${label.replace(' ', '-')}`,
      `a head signed with the label "${label}"`,
      S,
      ['LabelConfusion'],
      [FIRST, headStep(signHead(ID, STATUS, one.bytes.slice(0, 200), label), 'E_SIG')],
    );
  const envelope = sealEnvelope(recipe('as head', { seed: STATUS.seed }));
  run(
    'envelope-signature',
    'the signature of an envelope that the status key sealed (T25)',
    S,
    ['LabelConfusion'],
    [FIRST, headStep(cat(h.slice(0, 200), envelope.bytes.slice(-64)), 'E_SIG')],
  );
  const both = firstAuthority(authorityFields(1, 1, [ROOT], [delegation(STATUS, ROLE.status | ROLE.policy)]), [ROOT]);
  const policy = policyObject(both.authorityId, STATUS, policyFields(1, { groups: [] }));
  run(
    'policy-signature',
    'the signature of a policy by a key that has both roles',
    S,
    ['LabelConfusion'],
    [
      objectStep(1, both.object),
      objectStep(4, policy),
      headStep(cat(h.slice(0, 200), policy.bytes.slice(-64)), 'E_SIG'),
      headStep(makeHead(both.authorityId, STATUS, fields(1))),
    ],
    { authorityId: both.authorityId },
  );
  run(
    'other-authority',
    'a head of another authority with the same status key',
    S,
    ['Impersonation'],
    [FIRST, headStep(makeHead(both.authorityId, STATUS, fields(1)), 'E_SIG')],
  );
  run(
    'order',
    'a stranger, and a broken signature; a delegation that is over, and a broken signature; a broken signature under a rollback and under what is stale',
    S,
    ['Order'],
    [
      FIRST,
      headStep(flip(at(1, undefined, {}, STRANGER).bytes, -1), 'E_POLICY'),
      headStep(flip(h, -1), 'E_EXPIRED', late + SKEW + 1n),
      headStep(at(5)),
      headStep(flip(h, -1), 'E_SIG'),
      headStep(flip(at(6).bytes, -1), 'E_SIG', NOW + 60_001n),
    ],
  );
  const withdrawn = nextAuthority(
    ID,
    authorityFields(
      2,
      1,
      [ROOT],
      DELEGATIONS.filter((d) => d.key !== STATUS),
      { previous_hash32: AUTHORITY.object.hash },
    ),
    [ROOT],
  );
  run(
    'withdrawn',
    'after a record that no longer delegates the status key',
    S,
    ['Delegation'],
    [FIRST, headStep(one), objectStep(1, withdrawn), headStep(two, 'E_POLICY')],
  );
}

function place(run: Run): void {
  const F = ['HeadPlace', 'Rollback'];
  run('grows', '1, 2, then 9: a gap has nothing to compare', S, F, [
    FIRST,
    headStep(one),
    headStep(two),
    headStep(at(9, seeded('8', 32))),
  ]);
  run('rollback', '1 and 2 after 3, fresh as they are', S, F, [
    FIRST,
    headStep(at(3, two.hash)),
    headStep(one, 'E_EPOCH'),
    headStep(two, 'E_EPOCH'),
    headStep(at(3, two.hash), KNOWN),
  ]);
  run('first-seen', 'the first head that a node sees may have any head_seq', S, F, [
    FIRST,
    headStep(at(SAFE, seeded('x', 32))),
  ]);
  run(
    'same-seq',
    'two heads with one head_seq; the first stays',
    S,
    ['HeadPlace', 'Fork'],
    [
      FIRST,
      headStep(one),
      headStep(at(1, undefined, { policyVersion: 2n }), 'E_FORK'),
      headStep(at(1, undefined, { freshUntil: NOW + 60_001n }), 'E_FORK'),
      headStep(two),
    ],
  );
  run(
    'prev',
    'the next one names another predecessor, or none',
    S,
    ['HeadPlace', 'Fork'],
    [FIRST, headStep(one), headStep(at(2, flip(one.hash, 31)), 'E_FORK'), headStep(at(2), 'E_FORK'), headStep(two)],
  );
  run(
    'refused-is-not-highest',
    'a head 9 that is stale, one from the future, one with a broken signature: 2 is held after them',
    ['principals.27', 'errors.6'],
    F,
    [
      FIRST,
      headStep(one),
      headStep(at(9, undefined, { issued: NOW - 60_000n, freshUntil: NOW - 1n }), 'E_STALE'),
      headStep(at(9, undefined, { issued: NOW + SKEW + 1n, freshUntil: NOW + DAY }), 'E_FUTURE'),
      headStep(flip(at(9).bytes, -1), 'E_SIG'),
      headStep(two),
    ],
  );
  run(
    'same-content-other-signature',
    'head_seq and hash are those of the head held, the signature is broken',
    S,
    ['HeadPlace', 'Order'],
    [FIRST, headStep(one), headStep(flip(one.bytes, -1), 'E_SIG')],
  );
  run(
    'order',
    'a rollback from the future; a fork that is stale; a wrong predecessor that is stale',
    S,
    ['Order'],
    [
      FIRST,
      headStep(at(3, two.hash)),
      headStep(at(2, one.hash, { issued: NOW + DAY, freshUntil: NOW + DAY }), 'E_EPOCH'),
      headStep(at(3, one.hash, { issued: NOW - 1000n, freshUntil: NOW - 1n }), 'E_FORK'),
      headStep(at(4, one.hash, { issued: NOW - 1000n, freshUntil: NOW - 1n }), 'E_FORK'),
    ],
  );
}

function time(run: Run): void {
  const F = ['HeadPlace', 'Validity'];
  run('future', 'issued skew + 1 ahead; issued skew ahead', S, F, [
    FIRST,
    headStep(one, 'E_FUTURE', NOW - SKEW - 1n),
    headStep(one, HELD, NOW - SKEW),
  ]);
  run('stale', 'a millisecond after fresh_until: no skew here; at fresh_until', S, F, [
    FIRST,
    headStep(one, 'E_STALE', NOW + 60_001n),
    headStep(one, HELD, NOW + 60_000n),
  ]);
  run('known-stale', 'the head held comes again when it is stale', S, F, [
    FIRST,
    headStep(one),
    headStep(one, 'E_STALE', NOW + 60_001n),
  ]);
  run(
    'skew',
    'a receiver with a skew of a second',
    S,
    F,
    [FIRST, headStep(one, 'E_FUTURE', NOW - 1001n), headStep(one, HELD, NOW - 1000n)],
    { skewMs: 1000n },
  );
  run('day', 'fresh for a day: 23 hours later it is held', S, F, [
    FIRST,
    headStep(at(1, undefined, { freshUntil: NOW + DAY }), HELD, NOW + DAY),
  ]);
}

function group(run: Run): void {
  const F = ['MerkleProof'];
  const sorted = sortBytes(LEAVES.map(groupLeaf));
  const heldOf = (l: GroupLeaf): { [m: string]: boolean | number | string } => ({
    held: true,
    generation: l.generation,
    epoch: l.epoch,
    blockHash: hex(l.blockHash),
  });
  const gh = groupHead(one.bytes, LEAVES, LEAF.groupId);
  const index = sorted.findIndex((l) => hex(l) === hex(groupLeaf(LEAF)));
  const path = treePath(sorted, index);
  const raw = (
    over: Partial<{ head: Bytes; leaf: Bytes; index: number; count: number; path: Bytes[]; pathLen: number }> = {},
  ): Bytes =>
    rawGroupHead(
      over.head ?? one.bytes,
      over.leaf ?? groupLeaf(LEAF),
      over.index ?? index,
      over.count ?? 5,
      over.path ?? path,
      over.pathLen ?? (over.path ?? path).length,
    );
  const step = (b: Bytes, error: string): TrustStep => groupHeadStep(b, LEAF.groupId, error);
  const good = groupHeadStep(gh, LEAF.groupId, heldOf(LEAF));
  LEAVES.forEach((l, i) => {
    run(`good-${i}`, `a group head with leaf ${sorted.findIndex((x) => hex(x) === hex(groupLeaf(l)))} of 5`, S, F, [
      FIRST,
      groupHeadStep(groupHead(one.bytes, LEAVES, l.groupId), l.groupId, heldOf(l)),
    ]);
  });
  const alone = at(1, undefined, { groupsRoot: groupsRoot([LEAF]) });
  run('only-group', 'one group: the path has no values', S, F, [
    FIRST,
    groupHeadStep(groupHead(alone.bytes, [LEAF], LEAF.groupId), LEAF.groupId, heldOf(LEAF)),
  ]);
  const max: GroupLeaf = { ...LEAF, generation: 0xffff_ffff, epoch: 0xffff_ffff };
  run(
    'largest',
    'generation and epoch of 2^32 - 1',
    S,
    ['Limit'],
    [
      FIRST,
      groupHeadStep(
        groupHead(at(1, undefined, { groupsRoot: groupsRoot([max]) }).bytes, [max], max.groupId),
        max.groupId,
        heldOf(max),
      ),
    ],
  );
  run(
    'length',
    '329 bytes; a byte too many, one less; a path_len of one more, one less',
    S,
    ['Truncated'],
    [
      FIRST,
      step(gh.slice(0, 329), 'E_LENGTH'),
      step(cat(gh, zeros(1)), 'E_LENGTH'),
      step(gh.slice(0, -1), 'E_LENGTH'),
      step(raw({ pathLen: path.length + 1 }), 'E_LENGTH'),
      step(raw({ pathLen: path.length - 1 }), 'E_LENGTH'),
      good,
    ],
  );
  run(
    'leaf-byte',
    'leaves that begin with 0 and 2',
    S,
    ['Reserved'],
    [
      FIRST,
      step(raw({ leaf: put(groupLeaf(LEAF), 0, u8(0)) }), 'E_ENCODING'),
      step(raw({ leaf: put(groupLeaf(LEAF), 0, u8(2)) }), 'E_ENCODING'),
    ],
  );
  run(
    'path-65',
    'a path of 65 values; a path_len of 65 with the same bytes as before',
    S,
    ['Limit', 'MerkleProof'],
    [
      FIRST,
      step(raw({ path: Array.from({ length: 65 }, (_, i) => seeded(`p${i}`, 32)) }), 'E_PROOF'),
      step(raw({ pathLen: 65 }), 'E_PROOF'),
      step(raw({ pathLen: 255 }), 'E_PROOF'),
    ],
  );
  const other = LEAVES[1] as GroupLeaf;
  run(
    'other-group',
    "another group's leaf, with its right path",
    S,
    ['Impersonation'],
    [FIRST, step(groupHead(one.bytes, LEAVES, other.groupId), 'E_BINDING'), good],
  );
  run(
    'proof',
    'generation, epoch and block hash changed; another index, another count; a value of the path changed, missing, too many',
    S,
    F,
    [
      FIRST,
      step(raw({ leaf: groupLeaf({ ...LEAF, generation: 9 }) }), 'E_PROOF'),
      step(raw({ leaf: groupLeaf({ ...LEAF, epoch: LEAF.epoch + 1 }) }), 'E_PROOF'),
      step(raw({ leaf: groupLeaf({ ...LEAF, blockHash: seeded('other block', 32) }) }), 'E_PROOF'),
      step(raw({ index: index === 0 ? 1 : index - 1 }), 'E_PROOF'),
      step(raw({ index: 5 }), 'E_PROOF'),
      step(raw({ count: 0 }), 'E_PROOF'),
      step(raw({ count: 17 }), 'E_PROOF'),
      step(raw({ path: path.map((p, i) => (i === 0 ? flip(p, 0) : p)) }), 'E_PROOF'),
      step(raw({ path: path.slice(0, -1) }), 'E_PROOF'),
      step(raw({ path: [...path, zeros(32)] }), 'E_PROOF'),
      step(raw({ path: [] }), 'E_PROOF'),
    ],
  );
  run(
    'head-not-kept',
    'a group head whose path is wrong is refused as a whole: its head is not held by it',
    ['principals.27', 'errors.6'],
    F,
    [
      FIRST,
      step(raw({ path: path.map((p) => flip(p, 0)) }), 'E_PROOF'),
      step(raw({ leaf: groupLeaf(other) }), 'E_BINDING'),
      headStep(one),
    ],
  );
  run(
    'head-rules',
    'the head in it is judged like any other: broken, of a stranger, stale, from the future, rolled back, forked',
    S,
    ['HeadPlace'],
    [
      FIRST,
      headStep(two),
      step(raw({ head: flip(two.bytes, -1) }), 'E_SIG'),
      step(raw({ head: at(3, two.hash, {}, STRANGER).bytes }), 'E_POLICY'),
      groupHeadStep(raw({ head: at(3, two.hash).bytes }), LEAF.groupId, 'E_STALE', NOW + 60_001n),
      groupHeadStep(raw({ head: at(3, two.hash).bytes }), LEAF.groupId, 'E_FUTURE', NOW - SKEW - 1n),
      step(raw(), 'E_EPOCH'),
      step(raw({ head: at(2, one.hash, { policyVersion: 9n }).bytes }), 'E_FORK'),
      groupHeadStep(raw({ head: at(3, two.hash).bytes }), LEAF.groupId, heldOf(LEAF)),
    ],
  );
  run(
    'order',
    'path_len 65 in too few bytes; a leaf byte and path_len; a broken head and another group; another group and a wrong path',
    S,
    ['Order'],
    [
      FIRST,
      step(raw({ leaf: put(groupLeaf(LEAF), 0, u8(2)), pathLen: 65 }), 'E_ENCODING'),
      step(cat(raw({ pathLen: 65 }), zeros(3)), 'E_PROOF'),
      step(cat(raw({ head: flip(one.bytes, -1) }), zeros(1)), 'E_LENGTH'),
      step(raw({ head: flip(one.bytes, -1), leaf: groupLeaf(other) }), 'E_SIG'),
      step(raw({ leaf: groupLeaf(other) }), 'E_BINDING'),
    ],
  );
  run(
    'two-groups',
    'one head with the leaves of two groups, one after the other',
    S,
    ['HeadPlace'],
    [FIRST, good, groupHeadStep(groupHead(one.bytes, LEAVES, other.groupId), other.groupId, heldOf(other))],
  );
}

function answers(run: Run): void {
  const nonce = seeded('nonce', 32);
  const F = ['HeadAnswer'];
  const A = ['principals.33'];
  const good = headAnswer(ID, STATUS, one.bytes, nonce);
  run('good', 'an answer to the own nonce', A, F, [FIRST, answerStep(good, nonce)]);
  run('then-head', 'its head is then taken like any other', ['principals.33', 'principals.27'], F, [
    FIRST,
    answerStep(headAnswer(ID, STATUS, two.bytes, nonce), nonce),
    headStep(two, KNOWN),
    headStep(one, 'E_EPOCH'),
  ]);
  run(
    'other-nonce',
    'an answer to the nonce of another, and the own nonce put into it',
    A,
    ['HeadAnswer', 'Replayed'],
    [
      FIRST,
      answerStep(good, seeded('another nonce', 32), 'E_SIG'),
      answerStep(put(good, 264, seeded('another nonce', 32)), seeded('another nonce', 32), 'E_SIG'),
      answerStep(good, nonce),
    ],
  );
  run(
    'second-signature',
    'the second signature is broken, that of the head, or by another key',
    A,
    ['HeadAnswer', 'Tampered'],
    [
      FIRST,
      answerStep(flip(good, -1), nonce, 'E_SIG'),
      answerStep(cat(good.slice(0, 296), one.bytes.slice(200)), nonce, 'E_SIG'),
      answerStep(headAnswer(ID, POLICY_KEY, one.bytes, nonce), nonce, 'E_SIG'),
      answerStep(headAnswer(ID, STATUS, one.bytes, nonce, 'head'), nonce, 'E_SIG'),
    ],
  );
  run(
    'other-head',
    'the second signature is over another head',
    A,
    ['HeadAnswer', 'Tampered'],
    [FIRST, answerStep(cat(two.bytes, good.slice(264)), nonce, 'E_SIG')],
  );
  run(
    'first-signature',
    'the signature of the head is broken, and the second one is right',
    ['principals.33', 'principals.27'],
    F,
    [FIRST, answerStep(headAnswer(ID, STATUS, flip(one.bytes, 263), nonce), nonce, 'E_SIG')],
  );
  run(
    'head-rules',
    'a rightly signed answer with a head that is stale, rolled back or forked',
    ['principals.33', 'principals.27'],
    ['HeadAnswer', 'HeadPlace'],
    [
      FIRST,
      answerStep(good, nonce, 'E_STALE', NOW + 60_001n),
      headStep(two),
      answerStep(good, nonce, 'E_EPOCH'),
      answerStep(headAnswer(ID, STATUS, at(2, one.hash, { policyVersion: 5n }).bytes, nonce), nonce, 'E_FORK'),
    ],
  );
  run(
    'length',
    'an answer that is a byte short, or long; a head alone',
    A,
    ['Truncated'],
    [
      FIRST,
      answerStep(good.slice(0, -1), nonce, 'E_LENGTH'),
      answerStep(cat(good, zeros(1)), nonce, 'E_LENGTH'),
      answerStep(one.bytes, nonce, 'E_LENGTH'),
    ],
  );
}
