/** nodes.json, chains.json: a whole member of groups, what it publishes and what reaches its handlers. */
import { VectorFile, type Group } from '../cases.ts';
import { ANNA, BEN, CARA, CONTROLLER, prekeyOf, pub } from '../groupworld.ts';
import * as w from '../nodeworld.ts';
import { known as holds, receiver, recipe } from '../world.ts';
import { encodePartial, partialParts } from '../twin/blocks.ts';
import { cat, flip, hex, put, seeded, text, u32, u64, zeros, type Bytes } from '../twin/bytes.ts';
import { sealEnvelope } from '../twin/envelope.ts';
import { makeEnrolment } from '../twin/enrolments.ts';
import { known as ext } from '../twin/extensions.ts';
import { AT } from '../twin/header.ts';
import { stepKey } from '../twin/subtree.ts';

import { NOW } from '../world.ts';

export type Add = (
  id: string,
  comment: string,
  steps: readonly w.Step[],
  spec: string[],
  more?: { subscriptions?: string[]; logSubscriptions?: string[]; bootMs?: bigint; flags?: string[] },
) => void;

export function adder(g: Group): Add {
  return (id, comment, steps, spec, more = {}) => {
    const { flags, ...over } = more;
    g.valid(id, {
      comment,
      in: w.nodeIn(steps, over),
      out: { results: steps.map((s) => s.result) },
      spec,
      flags: flags ?? [],
    });
  };
}

export function nodes(): VectorFile {
  const file = new VectorFile('nodes');
  const run = (id: string): Add => adder(file.group(id, 'node.run', 'node', 'source'));
  delivering(run('deliver'));
  senders(run('senders'));
  epochs(run('epochs'));
  publishing(run('publish'));
  stored(file);
  return file;
}

/** Groups with topic_chains. */
export function chains(): VectorFile {
  const file = new VectorFile('chains');
  chained(adder(file.group('run', 'node.run', 'node', 'records')));
  return file;
}

const S = w.stage();
const START = w.start(S);

/** storage.1: the stored path has no opening into a drained epoch. */
function stored(file: VectorFile): void {
  const g = file.group('stored', 'envelope.open', 'open', 'source');
  const sealed = sealEnvelope(recipe('stored', {}));
  const input = (open: boolean): { receiver: ReturnType<typeof receiver>; now: string; envelope: string } => ({
    receiver: receiver([holds({ open })], undefined, { stored: true }),
    now: (NOW + 86_400_000n).toString(),
    envelope: hex(sealed.bytes),
  });
  g.valid('open', {
    comment: 'A stored record of an open epoch, a day later',
    in: input(true),
    out: {
      verdict: 'new',
      id: hex(sealed.id),
      records: [{ timestamp: NOW.toString(), payload: hex(text('payload of stored')) }],
    },
    spec: ['storage.1'],
  });
  g.invalid('drained', {
    comment: 'A stored record of a drained epoch: no log position helps',
    in: input(false),
    error: 'E_EPOCH',
    spec: ['storage.1'],
    from: 'open',
  });
}

function delivering(add: Add): void {
  const D = ['patterns.1', 'groups.26'];
  add(
    'single',
    'One message from ben',
    [...START, w.sees({ headSeq: 10n, epoch: 7, fresh: true }), w.delivered(w.envelope(S))],
    [...D, 'principals.34'],
  );
  const batch = w.envelope(S, { payloads: ['a', 'b', ''] });
  const padded = w.envelope(S, { payloads: ['a', 'b'], padded: true, name: 'padded' });
  add('batches', 'A whole batch, then one with padding', [...START, w.delivered(batch), w.delivered(padded)], D);
  const s2 = w.stage({ record: { suite: 2 } });
  add('suite-2', 'A group in suite 2', [...w.start(s2), w.delivered(w.envelope(s2))], D);
  {
    const enrolled = (epoch: number): Bytes =>
      makeEnrolment({
        header: {
          kind: 2,
          suite: 1,
          groupId: w.GROUP_ID,
          generation: 1,
          epoch,
          height: 0,
          leaf: 0n,
          issued: NOW,
          policyVersion: 3n,
        },
        seed: CONTROLLER.seed,
        memberKeyId: ANNA.keyId,
        prekey: pub(prekeyOf(ANNA)),
        authorityId: w.AUTHORITY_ID,
        nodeKeys: [stepKey(w.ONLY_NODE, epoch - 7)],
        rng: seeded('node enrolment', 32),
      });
    const tree = w.stage({ record: { block_kind: 2 } });
    const next = w.stage({ block: { epoch: 8 } }, tree);
    const objects = w.start(tree, [], [9, 11]);
    add(
      'subtree',
      'A group of complete subtrees: enrolled, then the block, then the head',
      [
        ...objects,
        w.take(10, enrolled(7)),
        w.take(10, enrolled(7), { known: true }),
        w.take(9, tree.block.bytes),
        w.take(11, tree.groupHead),
        w.delivered(w.envelope(tree)),
        ...w.news(next),
        w.delivered(w.envelope(next, { name: 'next' })),
        w.publish({ epoch: 8, headSeq: 11n }),
      ],
      [...D, 'groups.12', 'groups.13', 'groups.25'],
      { flags: ['Stepped'] },
    );
    add(
      'join-next',
      'Enrolled with the keys of the next epoch: nothing of the running one, everything of the next',
      [
        ...objects,
        w.take(10, enrolled(8)),
        w.take(9, tree.block.bytes, 'E_REVOKED'),
        w.take(11, tree.groupHead),
        w.sees(undefined),
        w.notDelivered(w.envelope(tree).sealed.bytes),
        ...w.news(next),
        w.sees({ headSeq: 11n, epoch: 8, fresh: true }),
        w.refused(w.envelope(tree), 'E_EPOCH'),
        w.delivered(w.envelope(next, { name: 'next' })),
      ],
      ['groups.10', 'groups.26', 'principals.34'],
      { flags: ['Stepped'] },
    );
    const rootBlock = cat(tree.block.bytes);
    add(
      'partial',
      'A partial block does for the view',
      [
        ...objects,
        w.take(10, enrolled(7)),
        w.take(9, encodePartial(partialParts(rootBlock, 0))),
        w.take(9, rootBlock, { known: true }),
        w.take(11, tree.groupHead),
        w.delivered(w.envelope(tree)),
      ],
      ['groups.6', 'principals.34'],
    );
    add(
      'enrolment-of-list',
      'An enrolment in a group of lists; the list opens all the same',
      [...START, w.take(10, enrolled(7), 'E_POLICY'), w.delivered(w.envelope(S))],
      ['groups.13', 'groups.3'],
    );
  }
  const two = w.stage({ patterns: ['orders/new', 'orders/old'] });
  add(
    'other-topic',
    'Two topics of the group, one subscription',
    [
      ...w.start(two),
      w.delivered(w.envelope(two)),
      w.notDelivered(w.envelope(two, { topic: 'orders/old', name: 'old' }).sealed.bytes),
    ],
    ['topics.12', 'groups.26'],
  );
  add(
    'wide-subscription',
    'A subscription with ** in a group without topic_chains: every topic of the group that it matches',
    [...w.start(two), w.delivered(w.envelope(two)), w.delivered(w.envelope(two, { topic: 'orders/old', name: 'old' }))],
    ['topics.12', 'groups.26'],
    { subscriptions: ['orders/**'] },
  );
  add(
    'foreign-subscription',
    'A subscription to a topic of no group of its own',
    [...START, w.notDelivered(w.envelope(S).sealed.bytes)],
    ['envelope.29', 'topics.12'],
    {
      subscriptions: ['invoices/new'],
    },
  );
  add(
    'no-view',
    'Nothing is known yet: no tag leads anywhere',
    [w.notDelivered(w.envelope(S).sealed.bytes), w.sees(undefined), ...START, w.delivered(w.envelope(S))],
    ['envelope.29', 'principals.34'],
  );
  const unknown = w.envelope(S, { topicTag: seeded('no tag', 16) });
  add('unknown-tag', 'A tag that leads nowhere', [...START, w.notDelivered(unknown.sealed.bytes)], ['envelope.29']);
  // I14
  const minute = w.stage({ record: { period_ms: 60_000 } });
  const p = w.periodOf(minute, NOW);
  add(
    'other-period',
    'Tags of a period long gone and of one to come: no route, no code',
    [
      ...w.start(minute),
      w.notDelivered(w.envelope(minute, { period: p - 4, name: 'gone' }).sealed.bytes),
      w.notDelivered(w.envelope(minute, { period: p + 2, name: 'to come' }).sealed.bytes),
      w.delivered(w.envelope(minute)),
    ],
    ['topics.10', 'envelope.29'],
    { flags: ['Freshness'] },
  );
  {
    const late = NOW - (NOW % 60_000n) - 1n;
    const m = w.stage({ record: { period_ms: 60_000 }, block: { notBefore: NOW - 600_000n } });
    add(
      'former-period',
      'Sealed in the last millisecond of a period, delivered in the next',
      [...w.start(m), w.delivered(w.envelope(m, { timestamp: late }))],
      ['topics.10'],
      { flags: ['Freshness'] },
    );
    const secrets = w.stage({
      record: { period_ms: 60_000 },
      secrets: [
        { from: 0, name: 'first' },
        { from: p, name: 'second' },
      ],
      block: { notBefore: NOW - 600_000n },
    });
    add(
      'route-secrets',
      'A new route secret counts from its period on; the former period keeps the former',
      [
        ...w.start(secrets),
        w.delivered(w.envelope(secrets, { timestamp: late, name: 'former' })),
        w.delivered(w.envelope(secrets, { name: 'new' })),
      ],
      ['groups.19', 'topics.10'],
    );
    const wrong = w.stage({
      secrets: [
        { from: 0, name: 'first' },
        { from: 99_999, name: 'second' },
      ],
    });
    const early = w.stage({ secrets: [{ from: 0, name: 'second' }] });
    add(
      'route-secret-too-early',
      'A tag under a route secret that does not count yet',
      [
        ...w.start(wrong),
        w.notDelivered(w.envelope(wrong, { topicTag: w.tagOf(early), name: 'early' }).sealed.bytes),
        w.delivered(w.envelope(wrong)),
      ],
      ['topics.10'],
    );
  }

  // patterns.3 and what comes before it
  const P3 = ['patterns.3'];
  const broken = { flags: ['BrokenSender'] };
  const no = (
    id: string,
    comment: string,
    spec: w.EnvelopeSpec,
    error: string,
    ids: string[] = P3,
    more: { flags?: string[] } = broken,
  ): void => {
    add(
      id,
      comment,
      [...START, w.refused(w.envelope(S, spec), error), w.delivered(w.envelope(S, { name: 'after' }))],
      ids,
      more,
    );
  };
  const records = [0, 1, 2].map((i) => ({ timestamp: NOW, payload: text(`r${i}`) }));
  no('merkle', 'A Merkle batch', { form: 'merkle', jobsPerLeaf: 2, records }, 'E_ENCODING');
  no('keyinfo', 'With keyinfo', { keyinfo: zeros(4) }, 'E_ENCODING');
  no('pattern', 'A BUS envelope in a group for PUB/SUB', { patternKind: 0x60 }, 'E_ENCODING');
  no('no-head-seq', 'Without extension 8', { extensions: [] }, 'E_EXT');
  no(
    'merkle-before-extension',
    'A Merkle batch without extension 8: the form comes first',
    { form: 'merkle', jobsPerLeaf: 2, records, extensions: [] },
    'E_ENCODING',
    P3,
    { flags: ['Order'] },
  );
  no(
    'epoch-before-form',
    'Of an unknown epoch, and without extension 8',
    { epoch: 9, extensions: [] },
    'E_EPOCH',
    ['patterns.3', 'groups.26'],
    { flags: ['Order'] },
  );
  no('form-before-sender', 'Without extension 8, by somebody unknown', { extensions: [], from: CARA }, 'E_EXT', P3, {
    flags: ['Order'],
  });
  no('suite', "In another suite than the block's", { suite: 2 }, 'E_SUITE', ['groups.26', 'suites.3'], {
    flags: ['Downgrade'],
  });
  no('epoch-before-suite', 'Of an unknown epoch, in another suite', { epoch: 9, suite: 2 }, 'E_EPOCH', ['groups.26'], {
    flags: ['Order'],
  });
  no(
    'other-bind',
    'Bound to another commitment',
    { source: { sourceSecret: S.block.epochSecret, groupCtx: S.block.groupCtx, bind: seeded('bind', 32) } },
    'E_SIG',
    ['patterns.1'],
  );
  no(
    'other-ctx',
    'Keys from another group_ctx32',
    { source: { sourceSecret: S.block.epochSecret, groupCtx: seeded('ctx', 32), bind: S.block.epochCommit } },
    'E_AEAD',
    ['patterns.1'],
  );
  no(
    'other-secret',
    'Keys from another secret',
    { source: { sourceSecret: seeded('secret', 32), groupCtx: S.block.groupCtx, bind: S.block.epochCommit } },
    'E_AEAD',
    ['patterns.1'],
  );

  // E06
  const asEnvelope = (id: string, comment: string, bytes: Bytes): void =>
    add(
      id,
      comment,
      [
        ...START,
        w.refused(bytes, 'E_VERSION'),
        w.sees({ headSeq: 10n, epoch: 7, fresh: true }),
        w.delivered(w.envelope(S)),
      ],
      ['envelope.32', 'principals.34'],
      { flags: ['Reserved'] },
    );
  const next = w.stage({ block: { epoch: 8 }, seq: 11n }, S);
  asEnvelope(
    'block-as-envelope',
    'A key block where an envelope should be: refused as an envelope, and nothing changes',
    next.block.bytes,
  );
  asEnvelope('partial-as-envelope', 'A partial block', encodePartial(partialParts(next.block.bytes, 0)));
  asEnvelope('head-as-envelope', 'A group head', next.groupHead);
  asEnvelope('policy-as-envelope', 'A policy', next.policy.bytes);
  const carried = w.envelope(S, { records: [{ timestamp: NOW, payload: next.block.bytes }], name: 'carried' });
  add(
    'block-as-payload',
    'A key block as payload of a message is a message',
    [
      ...START,
      w.delivered({ ...carried, payloads: [next.block.bytes] }),
      w.sees({ headSeq: 10n, epoch: 7, fresh: true }),
    ],
    ['principals.34'],
    { flags: ['Reserved'] },
  );
  add(
    'envelope-as-block',
    'An envelope where a key block should be',
    [
      ...START,
      w.take(9, w.envelope(S).sealed.bytes, w.envelope(S).sealed.bytes.length < 288 ? 'E_LENGTH' : 'E_ENCODING'),
    ],
    ['groups.3'],
    { flags: ['Reserved'] },
  );

  // patterns.6
  const at = (seq: bigint, name = 'gaps'): w.Made => w.envelope(S, { seq, name, payloads: [`${seq}`] });
  add(
    'gaps',
    'Numbers before the first, then between, then nothing new; a gap that is filled is no new one',
    [
      ...START,
      w.delivered(at(3n), { gaps: [[1, 2]] }),
      w.delivered(at(4n)),
      w.delivered(at(8n), { gaps: [[5, 7]] }),
      w.delivered(at(6n)),
      w.delivered(at(9n)),
      w.delivered(at(1n)),
      w.delivered(at(11n), { gaps: [[10, 10]] }),
      w.delivered(at(10n)),
    ],
    ['patterns.6'],
    { flags: ['Reordered'] },
  );
  add(
    'gaps-none',
    'A stream from its beginning, in order',
    [...START, w.delivered(at(1n)), w.delivered(at(2n)), w.delivered(at(3n))],
    ['patterns.6'],
  );
  add(
    'gaps-of-streams',
    'Two streams: each has its own',
    [
      ...START,
      w.delivered(at(1n, 'x')),
      w.delivered(at(2n, 'y'), { gaps: [[1, 1]] }),
      w.delivered(at(2n, 'x')),
      w.delivered(at(1n, 'y')),
    ],
    ['patterns.6'],
  );
  add(
    'gaps-of-refused',
    'What was refused leaves a gap, and makes none',
    [
      ...START,
      w.delivered(at(1n)),
      w.refused(flip(at(9n).sealed.bytes, -1), 'E_SIG'),
      w.refused(at(1n), 'E_REPLAY'),
      w.delivered(at(3n), { gaps: [[2, 2]] }),
    ],
    ['patterns.6'],
    { flags: ['Replayed'] },
  );
}

function senders(add: Add): void {
  const no = (
    id: string,
    comment: string,
    steps: w.Step[],
    made: w.Made | Bytes,
    error: string,
    ids: string[],
    flags: string[] = ['Impersonation'],
  ): void => {
    add(id, comment, [...steps, w.refused(made, error)], ids, { flags });
  };
  const withCara = w.start(S, [w.CARAS]);
  const caras = w.envelope(S, { from: CARA, name: 'cara' });
  no('no-writer', 'By a member whom the writers do not name', withCara, caras, 'E_POLICY', ['groups.27', 'patterns.2']);
  no('unknown', 'By somebody of whom there is no principal record', START, caras, 'E_SENDER', [
    'principals.24',
    'groups.27',
  ]);
  no(
    'other-sender',
    "In ben's name, signed by cara",
    withCara,
    w.envelope(S, { bend: { signSeed: CARA.seed } }),
    'E_SIG',
    ['suites.18'],
  );
  const inBens = w.envelope(S, { from: CARA, bend: { header: (h) => ({ ...h, senderId: BEN.keyId.slice(0, 16) }) } });
  no('other-sender-id', "Cara's envelope with ben's sender_id, signed by cara as cara", withCara, inBens, 'E_SIG', [
    'suites.18',
  ]);
  no(
    'stripped',
    "Ben's envelope with ben's signature taken away and cara's put there",
    withCara,
    cat(w.envelope(S).sealed.bytes.slice(0, -64), caras.sealed.bytes.slice(-64)),
    'E_SIG',
    ['suites.18'],
  );
  add(
    'itself',
    "From another process of the node's own identity",
    [...START, w.delivered(w.envelope(S, { from: ANNA }))],
    ['groups.27'],
  );

  const limited = w.stage({ writers: [w.writer(ANNA), w.writer(BEN, { notAfter: NOW - 1000n })] });
  add(
    'writer-until',
    'A writer until a second ago: what was sealed by then is delivered, nothing later',
    [
      ...w.start(limited),
      w.delivered(w.envelope(limited, { timestamp: NOW - 1000n, name: 'in time' })),
      w.refused(w.envelope(limited, { timestamp: NOW - 999n, name: 'late' }), 'E_POLICY'),
    ],
    ['groups.27'],
    { flags: ['Freshness'] },
  );
  const two = ['orders/new', 'orders/old'];
  const plain = w.stage({ patterns: two });
  const exact = w.stage({
    patterns: two,
    writers: [w.writer(ANNA), w.writer(BEN, { matchKind: 1, match: w.tagOf(plain) })],
  });
  add(
    'writer-of-topic',
    'A writer of one topic of two',
    [
      ...w.start(exact),
      w.delivered(w.envelope(exact)),
      w.refused(w.envelope(exact, { topic: 'orders/old', name: 'old' }), 'E_POLICY'),
    ],
    ['groups.27'],
    { subscriptions: two },
  );
  const reader = w.stage({ writers: [w.writer(ANNA), w.writer(BEN, { actions: 2 })] });
  no('reader', 'By one whom the list allows to subscribe', w.start(reader), w.envelope(reader), 'E_POLICY', [
    'groups.27',
  ]);
  const nobody = w.stage({ writers: [] });
  no('no-writers', 'A group without writers', w.start(nobody), w.envelope(nobody), 'E_POLICY', ['groups.27']);

  // expired, revoked
  const short = w.principal(CARA, 'cara', { not_after_ms: NOW + 1000n });
  const three = [w.writer(ANNA), w.writer(BEN), w.writer(CARA)];
  const open = w.stage({ writers: three });
  const later = (ms: bigint, name: string): w.Made => w.envelope(open, { from: CARA, timestamp: NOW + ms, name });
  add(
    'expired',
    'A principal record that ends: valid until its end and skew',
    [
      ...w.start(open, [short]),
      w.delivered(later(31_000n, 'last'), { now: NOW + 31_000n }),
      w.refused(later(31_001n, 'late'), 'E_EXPIRED', NOW + 31_001n),
      w.refused(later(900n, 'old'), 'E_EXPIRED', NOW + 31_001n),
      w.delivered(w.envelope(open, { timestamp: NOW + 31_001n, name: 'ben' }), { now: NOW + 31_001n }),
    ],
    ['principals.14', 'groups.27'],
    { flags: ['Freshness'] },
  );
  const revoking = (serial: bigint): w.Stage =>
    w.stage({ writers: three, revoked: [{ keyId: CARA.keyId, minSerial: serial }] });
  const gone = revoking(w.FOREVER);
  no(
    'revoked',
    'A revoked principal whom the writers still name',
    w.start(gone, [w.CARAS]),
    w.envelope(gone, { from: CARA }),
    'E_REVOKED',
    ['principals.24'],
  );
  const at3 = revoking(3n);
  add(
    'revoked-serial',
    'Records below serial 3 are revoked: serial 2 is, serial 3 is not',
    [
      ...w.start(at3, [w.CARAS]),
      w.refused(w.envelope(at3, { from: CARA }), 'E_REVOKED'),
      w.take(2, w.principal(CARA, 'cara', { serial: 3 })),
      w.delivered(w.envelope(at3, { from: CARA })),
      w.take(2, w.CARAS, 'E_EXPIRED'),
    ],
    ['principals.24', 'principals.14'],
  );
  const at2 = revoking(2n);
  add(
    'not-revoked',
    'min_serial is the serial of the record',
    [...w.start(at2, [w.CARAS]), w.delivered(w.envelope(at2, { from: CARA }))],
    ['principals.24'],
  );
  const revokedWriter = w.stage({ revoked: [{ keyId: CARA.keyId, minSerial: w.FOREVER }] });
  no(
    'revoked-before-writers',
    'Revoked, and not a writer',
    w.start(revokedWriter, [w.CARAS]),
    w.envelope(revokedWriter, { from: CARA }),
    'E_REVOKED',
    ['principals.24'],
    ['Order'],
  );
  add(
    'expired-before-revoked',
    'Expired and revoked',
    [
      ...w.start(gone, [short]),
      w.refused(w.envelope(gone, { from: CARA, timestamp: NOW + 31_001n }), 'E_EXPIRED', NOW + 31_001n),
    ],
    ['principals.24'],
    { flags: ['Order'] },
  );
  add(
    'writers-before-freshness',
    'Not a writer, and too old',
    [
      ...w.start(S, [w.CARAS]),
      w.refused(w.envelope(S, { from: CARA, timestamp: NOW - 1n }), 'E_POLICY'),
      w.refused(w.envelope(S, { timestamp: NOW - 1n, name: 'boot' }), 'E_TOO_OLD'),
    ],
    ['groups.27', 'replay.25'],
    { bootMs: NOW, flags: ['Order'] },
  );
}

/** groups.26 without rotation. */
function epochs(add: Add): void {
  const G = ['groups.26'];
  const made = (s: w.Stage, timestamp: bigint, name: string): w.Made => w.envelope(s, { timestamp, name });
  add(
    'unknown',
    'Epochs of which there is no block',
    [
      ...START,
      w.refused(w.envelope(S, { epoch: 8 }), 'E_EPOCH'),
      w.refused(w.envelope(S, { epoch: 6 }), 'E_EPOCH'),
      w.refused(w.envelope(S, { epoch: 2 ** 32 - 1 }), 'E_EPOCH'),
    ],
    G,
  );
  const begins = w.stage({ block: { notBefore: NOW + 40_000n } });
  add(
    'not-yet',
    'The only epoch begins in 40 s: open from 10 s on',
    [
      ...w.start(begins),
      w.refused(made(begins, NOW + 9_999n, 'early'), 'E_EPOCH', NOW + 9_999n),
      w.refused(made(begins, NOW + 9_999n, 'early'), 'E_EPOCH', NOW + 10_000n),
      w.delivered(made(begins, NOW + 10_000n, 'in time'), { now: NOW + 10_000n }),
    ],
    G,
    { flags: ['Freshness'] },
  );
  const old = w.stage({ block: { notBefore: NOW } });
  add(
    'before-epoch',
    'Dated before the epoch began, by more than skew',
    [
      ...w.start(old),
      w.refused(made(old, NOW - 30_001n, 'before'), 'E_EPOCH'),
      w.delivered(made(old, NOW - 30_000n, 'at')),
    ],
    G,
    { flags: ['Freshness'] },
  );
  const ends = w.stage({ block: { notAfter: NOW + 1_000n } });
  add(
    'after-epoch',
    'Dated after the epoch ended, by more than skew',
    [
      ...w.start(ends),
      w.delivered(made(ends, NOW + 31_000n, 'at'), { now: NOW + 31_000n }),
      w.refused(made(ends, NOW + 31_001n, 'after'), 'E_EPOCH', NOW + 31_001n),
    ],
    G,
    { flags: ['Freshness'] },
  );
  add(
    'ended-still-open',
    'The epoch is over, no other came: what is dated inside it is still delivered',
    [...w.start(ends), w.delivered(made(ends, NOW + 900n, 'inside'), { now: NOW + 50_000n })],
    G,
    { flags: ['Freshness'] },
  );
  const next = w.stage({ block: { epoch: 8 } }, S);
  add(
    'relabelled',
    'An envelope of epoch 7 relabelled 8, and one of 8 relabelled 7',
    [
      ...START,
      ...w.news(next),
      w.refused(put(w.envelope(S).sealed.bytes, AT.epoch, u32(8)), 'E_SIG'),
      w.refused(put(w.envelope(next).sealed.bytes, AT.epoch, u32(7)), 'E_SIG'),
      w.delivered(w.envelope(S, { name: 'seven' })),
      w.delivered(w.envelope(next, { name: 'eight' })),
    ],
    ['suites.18', 'groups.26'],
    { flags: ['Tampered'] },
  );
  const other = w.stage({ block: { generation: 2, name: 'other' } });
  add(
    'other-generation',
    'Sealed under a block of the same epoch of another generation, that the receiver does not have',
    [...START, w.refused(w.envelope(other), 'E_SIG')],
    ['suites.18', 'groups.26'],
  );
  add(
    'epoch-before-stale',
    'Of an unknown epoch, while the view is not fresh',
    [
      ...START,
      w.refused(w.envelope(S, { epoch: 8, timestamp: NOW + 60_001n }), 'E_EPOCH', NOW + 60_001n),
      w.refused(w.envelope(S, { timestamp: NOW + 60_001n }), 'E_STALE', NOW + 60_001n),
      w.refused(w.envelope(S, { suite: 2, timestamp: NOW + 60_001n }), 'E_STALE', NOW + 60_001n),
      w.refused(w.envelope(S, { from: CARA, timestamp: NOW + 60_001n }), 'E_STALE', NOW + 60_001n),
    ],
    ['groups.26', 'principals.30'],
    { flags: ['Order'] },
  );
}

function publishing(add: Add): void {
  const P2 = ['patterns.2'];
  const ok = { epoch: 7, headSeq: 10n };
  add(
    'right',
    'On a topic of the group, as one of its writers',
    [...START, w.publish(ok), w.publish(ok, NOW + 1n)],
    ['patterns.1', 'patterns.2', 'principals.31', 'groups.25'],
  );
  add(
    'no-rule',
    'On topics that no group has a rule for',
    [
      ...START,
      w.publish('E_POLICY', NOW, 'orders/old'),
      w.publish('E_POLICY', NOW, 'orders'),
      w.publish('E_POLICY', NOW, 'orders/new/eu'),
      w.publish('E_POLICY', NOW, 'Orders/new'),
      w.publish(ok),
    ],
    P2,
  );
  add(
    'no-view',
    'Before anything is known, and before the head is',
    [w.publish('E_POLICY'), ...w.start(S, [], [11]), w.publish('E_POLICY'), w.take(11, S.groupHead), w.publish(ok)],
    P2,
  );
  const bens = w.stage({ writers: [w.writer(BEN)] });
  add(
    'no-writer',
    'The writers do not name the node',
    [...w.start(bens), w.publish('E_POLICY'), w.delivered(w.envelope(bens))],
    P2,
  );
  const two = ['orders/new', 'orders/old'];
  const plain = w.stage({ patterns: two });
  const one = w.stage({ patterns: two, writers: [w.writer(ANNA, { matchKind: 1, match: w.tagOf(plain) })] });
  add(
    'one-topic',
    'The writers name it for one topic of two',
    [...w.start(one), w.publish(ok), w.publish('E_POLICY', NOW, 'orders/old')],
    P2,
  );
  const until = w.stage({ writers: [w.writer(ANNA, { notAfter: NOW + 1_000n })] });
  add(
    'until',
    'A writer for one second more',
    [...w.start(until), w.publish(ok, NOW + 1_000n), w.publish('E_POLICY', NOW + 1_001n)],
    P2,
    { flags: ['Freshness'] },
  );
  const reads = w.stage({ writers: [w.writer(ANNA, { actions: 2 }), w.writer(BEN)] });
  add('reader', 'The writers name it for subscribing', [...w.start(reads), w.publish('E_POLICY')], P2);
  const removed = w.stage(
    { version: 4n, writers: [w.writer(BEN)], block: { epoch: 8, flags: 1, policyVersion: 4n } },
    S,
  );
  add(
    'removed',
    'A writer that a new view no longer names',
    [...START, w.publish(ok), ...w.news(removed), w.publish('E_POLICY')],
    P2,
  );
  const prefix = w.stage({ record: { topic_chains: true }, patterns: ['orders/**'] });
  const ordersEu = w.valuesOf(prefix, 'orders/eu', w.periodOf(prefix, NOW))[2] ?? zeros(16);
  const eu = w.stage({
    record: { topic_chains: true },
    patterns: ['orders/**'],
    writers: [w.writer(ANNA, { matchKind: 2, level: 2, match: ordersEu })],
  });
  add(
    'prefix',
    'In a group with topic_chains, a writer below orders/eu',
    [
      ...w.start(eu),
      w.publish(ok, NOW, 'orders/eu/new'),
      w.publish('E_POLICY', NOW, 'orders/eu'),
      w.publish('E_POLICY', NOW, 'orders/us/new'),
      w.publish('E_POLICY', NOW, 'invoices/new'),
    ],
    P2,
  );
}

/** patterns.3 to patterns.5 */
function chained(add: Add): void {
  const record = { topic_chains: true };
  const C = w.stage({ record, patterns: ['orders/**'] });
  const START_C = w.start(C);
  const topic = 'orders/eu/new';
  const subscriptions = ['orders/**'];
  const P4 = ['patterns.4'];
  const good = w.envelope(C, { topic, payloads: ['a', 'b'] });
  add(
    'right',
    'Record 0 says the topic and is no message',
    [...START_C, w.delivered(good)],
    ['patterns.4', 'patterns.5'],
    { subscriptions },
  );
  add('exact', 'A subscription to the topic itself', [...START_C, w.delivered(good)], ['patterns.4', 'patterns.5'], {
    subscriptions: [topic],
  });
  add('everything', 'A subscription to everything', [...START_C, w.delivered(good)], ['patterns.4', 'patterns.5'], {
    subscriptions: ['**'],
  });
  add(
    'deeper',
    'A subscription below orders/eu: another topic of the group is not delivered',
    [
      ...START_C,
      w.delivered(good),
      w.notDelivered(w.envelope(C, { topic: 'orders/us/new', name: 'us' }).sealed.bytes),
      w.notDelivered(w.envelope(C, { topic: 'orders/eu', name: 'eu' }).sealed.bytes),
    ],
    ['topics.12', 'patterns.4'],
    { subscriptions: ['orders/eu/**'] },
  );
  add(
    'star',
    'A subscription with *: the rest is filtered after opening',
    [
      ...START_C,
      w.delivered(good),
      w.notDelivered(w.envelope(C, { topic: 'orders/eu', name: 'eu' }).sealed.bytes),
      w.notDelivered(w.envelope(C, { topic: 'orders/eu/old', name: 'old' }).sealed.bytes),
    ],
    ['topics.12', 'patterns.4'],
    { subscriptions: ['orders/*/new'] },
  );
  const utf8 = w.envelope(C, { topic: 'orders/größe', payloads: [''] });
  add(
    'utf8',
    'A topic beyond ASCII, and an empty message',
    [...START_C, w.delivered(utf8)],
    ['patterns.4', 'patterns.5'],
    { subscriptions },
  );
  const literal = w.stage({ record, patterns: ['orders', 'orders/eu/new'] });
  add(
    'literal',
    'Rules without ** in a group with topic_chains',
    [
      ...w.start(literal),
      w.delivered(w.envelope(literal, { topic: 'orders/eu/new' })),
      w.delivered(w.envelope(literal, { topic: 'orders', name: 'orders' })),
    ],
    ['patterns.4', 'patterns.5'],
    { subscriptions: ['orders', 'orders/**'] },
  );
  add(
    'gaps',
    'Gaps are those of envelopes',
    [...START_C, w.delivered(w.envelope(C, { topic, seq: 2n }), { gaps: [[1, 1]] })],
    ['patterns.6'],
    { subscriptions },
  );

  const no = (
    id: string,
    comment: string,
    spec: w.EnvelopeSpec,
    error = 'E_ENCODING',
    ids = P4,
    subs = subscriptions,
  ): void => {
    const bad = w.envelope(C, { topic, ...spec });
    add(id, comment, [...START_C, w.refused(bad, error), w.delivered(w.envelope(C, { topic, name: 'after' }))], ids, {
      subscriptions: subs,
      flags: ['BrokenSender'],
    });
  };
  const one = (payload: Bytes): { timestamp: bigint; payload: Bytes }[] => [{ timestamp: NOW, payload }];
  no('single', 'A single', { form: 'single', records: one(text(topic)) });
  no('one-record', 'A batch of record 0 alone', { form: 'batch', records: one(text(topic)) });
  no('no-record-0', 'Messages without a record 0', { form: 'batch', records: [...one(text('a')), ...one(text('b'))] });
  no('other-topic', 'Record 0 is another topic of the group', { record0: text('orders/eu/old') });
  no('prefix-topic', 'Record 0 is what the topic begins with', { record0: text('orders/eu') });
  no('no-topic', 'Record 0 is empty', { record0: zeros(0) });
  no('pattern', 'Record 0 is the pattern of the rule', { record0: text('orders/**') });
  no('not-utf8', 'Record 0 is not UTF-8', { record0: cat(text('orders/'), new Uint8Array([0xff])) });
  no('not-nfc', 'Record 0 is not in Normalization Form C', { record0: text('orders/gro\u0308sse') });
  no('slash', 'Record 0 ends in a slash', { record0: text(`${topic}/`) });
  const values = w.valuesOf(C, topic, w.periodOf(C, NOW));
  const right = cat(...values.slice(0, -1));
  no('chain-changed', 'The last value of the chain is another', { chain: flip(right, right.length - 1) });
  no('chain-longer', 'The chain has a value too many', { chain: cat(right, zeros(16)) });
  no('chain-shorter', 'The chain has a value too few', { chain: right.slice(0, -16) });
  no('tag-of-other', 'The tag of another topic, with the chain and record 0 of this one', {
    topicTag: w.valuesOf(C, 'orders/eu/old', w.periodOf(C, NOW))[3] ?? zeros(16),
  });
  no(
    'no-chain',
    'Without extension 9, to a subscriber of the topic itself',
    { extensions: [ext(8, u64(10))] },
    'E_EXT',
    ['patterns.3'],
    [topic],
  );
  no('no-head-seq', 'Without extension 8', { extensions: [ext(9, right)] }, 'E_EXT', ['patterns.3']);
  add(
    'unseen-without-chain',
    'Without extension 9 the tag alone leads a subscriber of a prefix nowhere',
    [...START_C, w.notDelivered(w.envelope(C, { topic, extensions: [ext(8, u64(10))] }).sealed.bytes)],
    ['envelope.29', 'patterns.3'],
    { subscriptions },
  );
  const outside = w.stage({ record, patterns: ['orders/eu/**'] });
  const stray = w.envelope(outside, { topic: 'orders/us/new' });
  add(
    'outside-rule',
    'A topic of no rule of the group, in its keys',
    [...w.start(outside), w.notDelivered(stray.sealed.bytes)],
    ['patterns.4', 'envelope.29'],
    { subscriptions: ['orders/eu/**'] },
  );
  const bad = w.envelope(C, { topic, record0: text('orders/eu/old'), name: 'seen' });
  add(
    'refused-is-seen',
    'What fails in step 14 is seen: it comes again',
    [...START_C, w.refused(bad, 'E_ENCODING'), w.refused(bad, 'E_REPLAY')],
    ['patterns.4', 'envelope.28'],
    { subscriptions, flags: ['Replayed'] },
  );
  const forged = w.envelope(C, { topic, record0: text('x'), bend: { signSeed: CARA.seed } });
  add(
    'signature-before-record-0',
    'A wrong record 0 under a broken signature',
    [...START_C, w.refused(forged, 'E_SIG')],
    ['patterns.4'],
    { subscriptions, flags: ['Order'] },
  );
  const plain = w.stage();
  add(
    'without-chains',
    'In a group without topic_chains record 0 is a message like any other',
    [...w.start(plain), w.delivered(w.envelope(plain, { payloads: [w.TOPIC, 'b'] }))],
    ['patterns.4'],
  );
}
