/** open.json: one envelope or job at a receiver that has seen nothing. */
import { VectorFile, type Group } from '../cases.ts';
import { recordsJson } from '../check.ts';
import type { Json, Members } from '../json.ts';
import { cat, flip, hex, put, seeded, text, u16, u32, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import * as ed from '../twin/ed25519.ts';
import {
  cut,
  encodeJob,
  jobParts,
  makeJob,
  resign,
  sealEnvelope,
  type JobParts,
  type Recipe,
  type Sealed,
} from '../twin/envelope.ts';
import { encodeExtensions, known as ext, type Extension } from '../twin/extensions.ts';
import { H } from '../twin/hash.ts';
import { AT, readHeader } from '../twin/header.ts';
import { leafHash, merkleRoot, nodeHash } from '../twin/merkle.ts';
import { frameRecords, type Message } from '../twin/records.ts';
import { rawKeyId, signInput } from '../twin/schedule.ts';
import { stretchVarint } from '../twin/varint.ts';
import {
  ALICE,
  BOB,
  EPOCH,
  known,
  MALLORY,
  messages,
  NOW,
  OTHER_TAG,
  receiver,
  recipe,
  source,
  SOURCE,
  TAG,
  writer,
} from '../world.ts';

const PREFIX = 'open/accept/';
const TRACE: Extension = ext(6, seeded('trace', 32));
const UNKNOWN: Extension = { number: 300, critical: false, value: text('later') };

/** The positives that most negatives mutate. */
const FULL: Recipe = recipe('open full', { seq: 2n, extensions: [TRACE, UNKNOWN], keyinfo: seeded('keyinfo', 20) });
const BATCH: Recipe = recipe('open batch', { form: 'batch', records: messages(4) });
const MERKLE: Recipe = recipe('open merkle', {
  form: 'merkle',
  records: messages(5),
  jobsPerLeaf: 2,
  keyinfo: seeded('keyinfo', 20),
});
const COMMIT: Recipe = recipe('open commit', { recordCommit: true });

const full: Sealed = sealEnvelope(FULL);
const batch: Sealed = sealEnvelope(BATCH);
const merkle: Sealed = sealEnvelope(MERKLE);
const BOTH_SUITES: Json[] = [known(), known({ epoch: EPOCH + 1, suite: 2 })];

function input(bytes: Bytes, at: Members = receiver(), now: bigint = NOW, job = false): Members {
  return { receiver: at, now: now.toString(), [job ? 'job' : 'envelope']: hex(bytes) };
}

function opening(s: Sealed, records: readonly Message[], leaf?: number): Members {
  const out: Members = { verdict: 'new', id: hex(s.id), records: recordsJson(records) };
  if (leaf !== undefined) out['leaf'] = leaf;
  return out;
}

function accept(file: VectorFile): void {
  const g = file.group('accept', 'envelope.open', 'open', 'body');
  const one = (
    id: string,
    comment: string,
    r: Recipe,
    spec: string[],
    at?: Members,
    now?: bigint,
    flags: string[] = [],
  ): void => {
    const s = sealEnvelope(r);
    const to = at ?? receiver([known({ suite: r.suite, epoch: r.epoch, tag: r.topicTag })]);
    g.valid(id, {
      comment,
      in: input(s.bytes, to, now),
      out: opening(s, r.records),
      spec: ['envelope.27', ...spec],
      flags,
    });
  };
  const base = ['envelope.31', 'suites.14', 'suites.18', 'suites.19'];
  one('full', 'a single with extensions, one of them unknown, and keyinfo', FULL, ['envelope.12', ...base]);
  one('batch', 'a whole batch of four', BATCH, ['envelope.19', ...base]);
  one('merkle', 'a Merkle batch of five, two a leaf, opened whole', MERKLE, ['envelope.26', ...base]);
  one('commit', 'a single with extension 11', COMMIT, ['suites.15'], undefined, undefined, ['Commitment']);
  for (const suite of [1, 2]) {
    one(`single-suite-${suite}`, `a single of suite ${suite}`, recipe(`open single ${suite}`, { suite }), [
      'suites.1',
      ...base,
    ]);
    one(
      `batch-suite-${suite}`,
      `a padded whole batch of suite ${suite}`,
      recipe(`open batch ${suite}`, { suite, form: 'batch', padded: true, records: messages(9) }),
      ['envelope.20', 'suites.1'],
    );
    one(
      `merkle-suite-${suite}`,
      `a padded Merkle batch of suite ${suite}, with a commitment`,
      recipe(`open merkle ${suite}`, {
        suite,
        form: 'merkle',
        padded: true,
        jobsPerLeaf: 4,
        records: messages(9),
        recordCommit: true,
      }),
      ['envelope.20', 'envelope.26', 'suites.1'],
    );
  }
  one(
    'empty-payload',
    'a payload of no bytes',
    recipe('open empty', { records: [{ timestamp: NOW, payload: zeros(0) }] }),
    [],
  );
  one(
    'first-seq-1000',
    'the first that this receiver sees of a stream is number 1,000',
    recipe('open 1000', { seq: 1000n }),
    ['replay.8'],
  );
  one('seq-limit', 'seq 2^40', recipe('open seq limit', { seq: 1n << 40n }), ['envelope.36'], undefined, undefined, [
    'Limit',
  ]);
  one(
    'grease-extension',
    'a GREASE extension without the critical bit (I08)',
    recipe('open grease', { extensions: [{ number: 0x2a2a, critical: false, value: seeded('grease', 9) }] }),
    ['envelope.12'],
    undefined,
    undefined,
    ['Grease'],
  );
  for (const kind of [0x30, 0x31, 0x40, 0x50, 0x51, 0x60, 0x70, 0x71, 0x72])
    one(
      `kind-${kind.toString(16)}`,
      "another pattern or kind; what it means is not this chapter's",
      recipe(`open kind ${kind}`, { patternKind: kind }),
      ['envelope.33'],
    );
  one(
    'two-epochs',
    "two epochs of one tag with two suites: the header's epoch chooses",
    recipe('open epoch 2', { epoch: EPOCH + 1, suite: 2 }),
    ['suites.2', 'suites.3'],
    receiver(BOTH_SUITES),
  );
  one('two-senders', "Bob's envelope", recipe('open bob', { seed: BOB.seed }), ['suites.18']);
  one('max-age', 'exactly max_age old', recipe('open max age'), ['replay.2'], undefined, NOW + 120_000n, ['Freshness']);
  one('skew', 'exactly skew ahead', recipe('open skew'), ['replay.3'], undefined, NOW - 30_000n, ['Freshness']);
  one(
    'expiry-now',
    'it expires now',
    recipe('open expiry', { extensions: [ext(4, u64(NOW))] }),
    ['replay.4'],
    undefined,
    undefined,
    ['Freshness'],
  );
  one(
    'own-max-age',
    "the receiver's own max_age",
    recipe('open own max age'),
    ['replay.2', 'replay.5'],
    receiver(undefined, undefined, { maxAgeMs: '600000' }),
    NOW + 600_000n,
    ['Freshness'],
  );
  one(
    'stored-old',
    'a stored topic: a day old',
    recipe('open stored'),
    ['replay.2'],
    receiver(undefined, undefined, { stored: true }),
    NOW + 86_400_000n,
    ['Freshness'],
  );
  one(
    'after-boot',
    'one millisecond after boot + skew',
    recipe('open boot'),
    ['replay.25'],
    receiver(undefined, undefined, { bootMs: (NOW - 30_001n).toString() }),
    undefined,
    ['Restart'],
  );
  one(
    'prev-unknown',
    'extension 3 names an envelope that was never seen',
    recipe('open prev', { seq: 5n, extensions: [ext(3, seeded('prev', 32))] }),
    ['replay.13'],
  );

  const unknownTag = (id: string, comment: string, bytes: Bytes, at: Members, job = false): void => {
    g.valid(id, {
      comment,
      in: input(bytes, at, NOW, job),
      out: { delivered: false },
      spec: ['envelope.29'],
      flags: ['Oracle'],
    });
  };
  unknownTag(
    'unknown-tag',
    'the tag leads to no key source: not delivered, and no code',
    full.bytes,
    receiver([known({ tag: OTHER_TAG })]),
  );
  unknownTag('no-sources', 'a receiver without any key source', full.bytes, receiver([]));
  unknownTag(
    'unknown-tag-bad-signature',
    'an unknown tag and a bad signature: still nothing',
    flip(full.bytes, -1),
    receiver([known({ tag: OTHER_TAG })]),
  );
  unknownTag(
    'unknown-tag-unknown-sender',
    'an unknown tag and an unknown sender: still nothing',
    full.bytes,
    receiver([known({ tag: OTHER_TAG })], []),
  );
  unknownTag(
    'unknown-tag-job',
    'a job with an unknown tag',
    makeJob(merkle.bytes, 0),
    receiver([known({ tag: OTHER_TAG })]),
    true,
  );

  const j = file.group('accept-job', 'envelope.open', 'open', 'body');
  const leaves = cut(MERKLE.records, 2);
  leaves.forEach((records, leaf) => {
    j.valid(`leaf-${leaf}`, {
      comment: `leaf ${leaf} of 3, ${records.length} record${records.length === 1 ? '' : 's'}; the id is that of the batch`,
      in: input(makeJob(merkle.bytes, leaf), receiver(), NOW, true),
      out: opening(merkle, records, leaf),
      spec: ['envelope.23', 'envelope.25', 'envelope.37'],
    });
  });
  for (const suite of [1, 2]) {
    const r = recipe(`open job ${suite}`, {
      suite,
      form: 'merkle',
      padded: true,
      jobsPerLeaf: 3,
      records: messages(8),
      recordCommit: true,
      extensions: [TRACE],
    });
    const s = sealEnvelope(r);
    j.valid(`padded-suite-${suite}`, {
      comment: `the last leaf of a padded batch of suite ${suite} with a commitment`,
      in: input(makeJob(s.bytes, 2), receiver([known({ suite })]), NOW, true),
      out: opening(s, r.records.slice(6), 2),
      spec: ['envelope.20', 'envelope.25', 'suites.15'],
    });
  }
  const lone = recipe('open lone job', { form: 'merkle', jobsPerLeaf: 16, records: messages(3) });
  const sealedLone = sealEnvelope(lone);
  j.valid('only-leaf', {
    comment: 'the only leaf: a path of no values',
    in: input(makeJob(sealedLone.bytes, 0), receiver(), NOW, true),
    out: opening(sealedLone, lone.records, 0),
    spec: ['envelope.25'],
  });
  const many = recipe('open 300 leaves', { form: 'merkle', jobsPerLeaf: 1, records: messages(300) });
  const sealedMany = sealEnvelope(many);
  j.valid('leaf-299', {
    comment: 'leaf 299 of 300: the leaf number fills two bytes of nonce and AAD',
    in: input(makeJob(sealedMany.bytes, 299), receiver(), NOW, true),
    out: opening(sealedMany, many.records.slice(299), 299),
    spec: ['envelope.25', 'suites.14'],
  });
  // One leaf is broken under the signature, another is whole.
  const broken = sealEnvelope(
    recipe('open one broken leaf', {
      ...MERKLE,
      streamId: seeded('broken leaf', 8),
      bend: { sealed: (leaf, right) => (leaf === 1 ? flip(right, 0) : right) },
    }),
  );
  j.valid('beside-a-broken-leaf', {
    comment: 'leaf 0 of a batch whose leaf 1 does not open',
    in: input(makeJob(broken.bytes, 0), receiver(), NOW, true),
    out: opening(broken, messages(2), 0),
    spec: ['envelope.25', 'suites.14'],
  });
  j.invalid('broken-leaf', {
    comment: 'leaf 1 of the same batch',
    in: input(makeJob(broken.bytes, 1), receiver(), NOW, true),
    error: 'E_AEAD',
    spec: ['suites.14'],
    from: 'beside-a-broken-leaf',
    flags: ['BrokenSender'],
  });
}

interface Bad {
  at?: Members;
  now?: bigint;
  from?: string;
  flags?: string[];
  layer?: string;
}

type Add = (id: string, comment: string, bytes: Bytes, error: string, spec: string[], o?: Bad) => void;

function adder(g: Group): Add {
  return (id, comment, bytes, error, spec, o = {}) => {
    const from = o.from ?? 'full';
    const c = { comment, in: input(bytes, o.at, o.now), error, spec, from: PREFIX + from, flags: o.flags ?? [] };
    g.invalid(id, o.layer === undefined ? c : { ...c, layer: o.layer });
  };
}

function tamper(file: VectorFile): void {
  const g = file.group('tamper', 'envelope.open', 'open', 'header');
  const add = adder(g);
  const bad = (id: string, comment: string, bytes: Bytes, error: string, spec: string[], o: Bad = {}): void =>
    add(id, comment, bytes, error, spec, { flags: ['Tampered'], ...o });
  const b = full.bytes;
  const sig = ['envelope.31', 'suites.18', 'suites.19'];
  const flipAt = (bytes: Bytes, field: keyof typeof AT, width: number, bit = 0): Bytes =>
    flip(bytes, AT[field] + width - 1, bit);

  bad('flip-magic', 'one bit of the magic', flip(b, 0), 'E_ENCODING', ['envelope.32']);
  bad('flip-version', 'version 1 becomes 0 (T01)', flip(b, AT.version), 'E_VERSION', ['envelope.32']);
  bad('flip-pattern-defined', 'PUB/SUB becomes REQ/REP, which is defined (T02)', flip(b, AT.patternKind, 4), 'E_SIG', [
    'envelope.33',
    ...sig,
  ]);
  bad('flip-pattern-undefined', 'PUB/SUB becomes pattern 0 (T02)', flip(b, AT.patternKind, 5), 'E_ENCODING', [
    'envelope.33',
  ]);
  bad('flip-kind', 'kind 0 becomes 1, which PUB/SUB does not define (T02)', flip(b, AT.patternKind, 0), 'E_ENCODING', [
    'envelope.33',
  ]);
  bad('flip-suite', 'suite 0x0001 becomes 0x0003 (T03)', flipAt(b, 'suite', 2, 1), 'E_SUITE', ['envelope.33'], {
    flags: ['Tampered', 'Downgrade'],
  });
  bad(
    'suite-other',
    'suite 0x0001 becomes 0x0002, which is known but not that of the key source',
    put(b, AT.suite, u16(2)),
    'E_SUITE',
    ['suites.3', 'suites.2'],
    {
      flags: ['Tampered', 'Downgrade'],
      layer: 'source',
    },
  );
  bad(
    'flip-flag-batch',
    'flag 0 set: the single becomes a whole batch of one (T04)',
    flipAt(b, 'flags', 2, 0),
    'E_SIG',
    sig,
  );
  bad(
    'flip-flag-merkle',
    'flag 1 set in a whole batch: extension 1 is missing (T04)',
    flipAt(batch.bytes, 'flags', 2, 1),
    'E_EXT',
    ['envelope.14'],
    { from: 'batch' },
  );
  bad(
    'flip-flag-merkle-off',
    'flag 1 cleared in a Merkle batch: extension 1 is misplaced (T04)',
    flipAt(merkle.bytes, 'flags', 2, 1),
    'E_EXT',
    ['envelope.14'],
    { from: 'merkle' },
  );
  bad('flip-flag-sealed', 'flag 2 set: reserved (T04, T44)', flipAt(b, 'flags', 2, 2), 'E_ENCODING', ['envelope.33']);
  bad('flip-flag-padded', 'flag 4 set in a whole batch (T04)', flipAt(batch.bytes, 'flags', 2, 4), 'E_SIG', sig, {
    from: 'batch',
  });
  bad('flip-flag-padded-single', 'flag 4 set in a single (T04)', flipAt(b, 'flags', 2, 4), 'E_ENCODING', [
    'envelope.33',
  ]);
  bad('flip-flag-compressed', 'flag 5 set: reserved (T45)', flipAt(b, 'flags', 2, 5), 'E_ENCODING', ['envelope.33']);
  bad('flip-flag-high', 'flag 8 set: reserved (T44)', flip(b, AT.flags), 'E_ENCODING', ['envelope.33']);
  const flippedTag = flip(TAG, 15);
  g.valid('flip-topic-tag-unknown', {
    comment: 'one bit of the topic tag, and the look-up does not know the new one: not delivered (T05)',
    in: input(flipAt(b, 'topicTag', 16)),
    out: { delivered: false },
    spec: ['envelope.29'],
    flags: ['Tampered'],
    from: `${PREFIX}full`,
  });
  bad(
    'flip-topic-tag-known',
    'one bit of the topic tag, and the look-up leads both tags to the key source (T05)',
    flipAt(b, 'topicTag', 16),
    'E_SIG',
    sig,
    {
      at: receiver([known(), known({ tag: flippedTag })]),
    },
  );
  bad(
    'other-topic',
    'moved to another topic of the same group that the receiver knows (T15)',
    put(b, AT.topicTag, OTHER_TAG),
    'E_SIG',
    sig,
    {
      at: receiver([known(), known({ tag: OTHER_TAG })]),
    },
  );
  bad(
    'other-topic-other-source',
    'moved to a topic of another group that the receiver knows (T15)',
    put(b, AT.topicTag, OTHER_TAG),
    'E_SIG',
    sig,
    {
      at: receiver([known(), known({ tag: OTHER_TAG, source: source('other group') })]),
    },
  );
  bad(
    'flip-epoch-unknown',
    'one bit of the epoch, and the look-up does not know the new one (T06)',
    flipAt(b, 'epoch', 4),
    'E_EPOCH',
    ['envelope.27'],
  );
  bad(
    'flip-epoch-known',
    'one bit of the epoch, and the look-up leads both to the key source (T06)',
    flipAt(b, 'epoch', 4),
    'E_SIG',
    sig,
    {
      at: receiver([known(), known({ epoch: EPOCH ^ 1 })]),
    },
  );
  bad(
    'next-epoch',
    'relabelled as epoch e + 1, which has a secret of its own (T16)',
    put(b, AT.epoch, u32(EPOCH + 1)),
    'E_SIG',
    sig,
    {
      at: receiver([known(), known({ epoch: EPOCH + 1, source: source('next epoch') })]),
    },
  );
  bad('flip-count-single', 'count 1 becomes 0 (T07)', flipAt(b, 'count', 4), 'E_ENCODING', ['envelope.35']);
  bad('flip-count-single-3', 'count 1 becomes 3 in a single (T07)', flipAt(b, 'count', 4, 1), 'E_ENCODING', [
    'envelope.35',
  ]);
  bad('flip-count-batch', 'count 4 becomes 5 in a whole batch (T07)', flipAt(batch.bytes, 'count', 4), 'E_SIG', sig, {
    from: 'batch',
  });
  bad(
    'flip-count-batch-large',
    'count 4 becomes 16,388: the body is too small (T07)',
    flipAt(batch.bytes, 'count', 3, 6),
    'E_ENCODING',
    ['envelope.35'],
    { from: 'batch' },
  );
  bad(
    'flip-count-merkle',
    'count 5 becomes 4: leaf_count does not fit (T07)',
    flipAt(merkle.bytes, 'count', 4),
    'E_ENCODING',
    ['envelope.21'],
    { from: 'merkle', layer: 'body' },
  );
  bad(
    'flip-count-merkle-6',
    'count 5 becomes 6, still three leaves (T07)',
    put(merkle.bytes, AT.count, u32(6)),
    'E_SIG',
    sig,
    { from: 'merkle' },
  );
  bad(
    'flip-sender-unknown',
    'one bit of the sender id, and nobody has it (T08)',
    flipAt(b, 'senderId', 16),
    'E_SENDER',
    ['envelope.27'],
  );
  bad('sender-known', 'the sender id of another member (T08, S02)', put(b, AT.senderId, BOB.senderId), 'E_SIG', sig);
  bad('flip-stream', 'one bit of the stream id (T09)', flipAt(b, 'streamId', 8), 'E_SIG', sig);
  bad('flip-seq', 'seq 2 becomes 3 (T10)', flipAt(b, 'seq', 8), 'E_SIG', sig);
  bad('flip-seq-high', 'bit 41 of seq (T10)', flipAt(b, 'seq', 3, 1), 'E_LIMIT', ['envelope.36']);
  bad('flip-seq-1-to-0', 'seq 1 becomes 0 (T10)', flipAt(batch.bytes, 'seq', 8), 'E_ENCODING', ['envelope.35'], {
    from: 'batch',
  });
  bad('flip-timestamp', 'the lowest bit of the timestamp (T11)', flipAt(b, 'timestamp', 8), 'E_SIG', sig);
  bad(
    'flip-timestamp-future',
    'bit 16 of the timestamp is set: 65 s ahead (T11)',
    put(b, AT.timestamp, u64(NOW + 65_536n)),
    'E_FUTURE',
    ['replay.3'],
  );
  bad(
    'flip-timestamp-past',
    'the timestamp is put back by 2^17 ms (T11)',
    put(b, AT.timestamp, u64(NOW - 131_072n)),
    'E_EXPIRED',
    ['replay.2'],
  );
  bad('flip-timestamp-high', 'bit 53 of the timestamp (T11)', flipAt(b, 'timestamp', 2, 5), 'E_LIMIT', ['envelope.36']);
  bad('flip-salt-first', 'the first byte of the salt (T12)', flip(b, AT.salt), 'E_SIG', sig);
  bad('flip-salt-last', 'the last byte of the salt (T12)', flipAt(b, 'salt', 16), 'E_SIG', sig);
  bad('flip-ext-len', 'ext_len', flipAt(b, 'extLen', 2), 'E_LENGTH', ['envelope.34']);
  bad('flip-keyinfo-len', 'keyinfo_len', flipAt(b, 'keyinfoLen', 2), 'E_LENGTH', ['envelope.34']);
  bad('flip-body-len', 'body_len', flipAt(b, 'bodyLen', 4), 'E_LENGTH', ['envelope.34']);

  const h = readHeader(b);
  const keyinfoAt = 96 + h.extLen;
  const bodyAt = keyinfoAt + h.keyinfoLen;
  bad('flip-extension', 'one bit of a known extension (T13)', flip(b, 96 + 4), 'E_SIG', sig);
  bad('flip-extension-unknown', 'one bit of the unknown extension (T13, T43)', flip(b, keyinfoAt - 1), 'E_SIG', [
    'envelope.12',
    ...sig,
  ]);
  bad('flip-keyinfo', 'one bit of keyinfo (T13)', flip(b, keyinfoAt), 'E_SIG', sig);
  bad('flip-body', 'one bit of the ciphertext (T13)', flip(b, bodyAt), 'E_SIG', sig);
  bad('flip-tag', 'one bit of the AEAD tag (T13)', flip(b, -65), 'E_SIG', sig);
  bad('flip-signature-r', 'one bit of R (T13)', flip(b, -64), 'E_SIG', sig);
  bad('flip-signature-s', 'one bit of S (T13)', flip(b, -32), 'E_SIG', sig);
  bad('trailing', 'a byte after the signature', cat(b, zeros(1)), 'E_LENGTH', ['envelope.34'], { flags: ['Trailing'] });
  bad('truncated', 'the last byte is missing', b.slice(0, -1), 'E_LENGTH', ['envelope.34'], { flags: ['Truncated'] });

  bad('job-as-envelope', 'a job offered as an envelope', makeJob(merkle.bytes, 0), 'E_LENGTH', ['envelope.34'], {
    from: 'merkle',
  });
  g.invalid('envelope-as-job', {
    comment: 'a single offered as a job',
    in: input(b, receiver(), NOW, true),
    error: 'E_ENCODING',
    spec: ['envelope.24'],
    from: `${PREFIX}full`,
    flags: ['Tampered'],
  });

  // Boundaries moved, parts added and removed
  const moved = put(put(b, AT.keyinfoLen, u16(h.keyinfoLen + 1)), AT.bodyLen, u32(h.bodyLen - 1));
  bad(
    'boundary-keyinfo-body',
    'the first byte of the body becomes the last of keyinfo: the hash of both is the same, PH is not',
    moved,
    'E_SIG',
    sig,
  );
  const rebuild = (list: Extension[], keyinfo: Bytes): Bytes => {
    const area = encodeExtensions(list);
    const head = put(put(b.slice(0, 96), AT.extLen, u16(area.length)), AT.keyinfoLen, u16(keyinfo.length));
    return cat(head, area, keyinfo, b.slice(bodyAt));
  };
  bad('extension-removed', 'an extension removed', rebuild([UNKNOWN], FULL.keyinfo), 'E_SIG', sig);
  bad(
    'extension-added',
    'an extension added',
    rebuild([TRACE, UNKNOWN, { number: 301, critical: false, value: zeros(0) }], FULL.keyinfo),
    'E_SIG',
    sig,
  );
  bad(
    'expiry-added',
    'an expiry added that has not passed',
    rebuild([ext(4, u64(NOW + 1n)), TRACE, UNKNOWN], FULL.keyinfo),
    'E_SIG',
    sig,
  );
  bad('extensions-removed', 'all extensions removed', rebuild([], FULL.keyinfo), 'E_SIG', sig);
  bad('keyinfo-removed', 'keyinfo removed', rebuild([TRACE, UNKNOWN], zeros(0)), 'E_SIG', sig);
  bad(
    'extensions-to-keyinfo',
    'the extensions become keyinfo',
    put(put(b, AT.extLen, u16(0)), AT.keyinfoLen, u16(h.extLen + h.keyinfoLen)),
    'E_SIG',
    sig,
  );
  bad(
    'body-extended',
    'a byte of ciphertext more, with body_len to fit',
    cat(put(b, AT.bodyLen, u32(h.bodyLen + 1)).slice(0, -64), zeros(1), b.slice(-64)),
    'E_SIG',
    sig,
  );
  bad(
    'body-of-another',
    'the body of another envelope of the same sender, equally long',
    cat(b.slice(0, bodyAt), sealEnvelope({ ...FULL, random: seeded('another', 16) }).body, b.slice(-64)),
    'E_SIG',
    sig,
  );
  bad(
    'signature-of-another',
    'the signature of another envelope of the same sender',
    cat(b.slice(0, -64), batch.bytes.slice(-64)),
    'E_SIG',
    sig,
  );
}

function signer(file: VectorFile): void {
  const g = file.group('signer', 'envelope.open', 'open', 'signature');
  const add = adder(g);
  const bad = (id: string, comment: string, bytes: Bytes, error: string, spec: string[], o: Bad = {}): void =>
    add(id, comment, bytes, error, spec, { flags: ['Impersonation'], ...o });
  const b = full.bytes;
  const sig = ['suites.17', 'suites.18', 'suites.19'];
  const sealAs = (over: Partial<Recipe>): Bytes => sealEnvelope({ ...FULL, ...over }).bytes;

  bad(
    'other-key',
    "Alice's sender id, signed by Bob with SIGIN of Alice (S01)",
    sealAs({ bend: { signSeed: BOB.seed } }),
    'E_SIG',
    sig,
  );
  bad(
    'other-key-own-sigin',
    "Alice's sender id, signed by Bob with SIGIN of Bob (S01)",
    resign(b, BOB.seed, SOURCE.bind),
    'E_SIG',
    sig,
  );
  bad(
    'other-sender-id',
    "sealed and signed by Alice, with Bob's sender id in the header (S02)",
    sealAs({ bend: { header: (x) => ({ ...x, senderId: BOB.senderId }) } }),
    'E_SIG',
    sig,
  );
  bad(
    'stranger',
    'Mallory seals and signs properly, but nobody knows her',
    sealAs({ seed: MALLORY.seed }),
    'E_SENDER',
    ['envelope.27'],
  );
  bad(
    'no-right',
    'Bob seals and signs properly, and has no right to write',
    sealAs({ seed: BOB.seed }),
    'E_POLICY',
    ['envelope.27'],
    {
      at: receiver([known()], [writer(ALICE), writer(BOB, false)]),
    },
  );
  const stripped = put(b, AT.senderId, BOB.senderId);
  bad(
    'stripped',
    "Bob takes Alice's envelope, puts his sender id there and signs it: the stream secret is another (T28)",
    resign(stripped, BOB.seed, SOURCE.bind),
    'E_AEAD',
    ['suites.14', 'suites.19'],
  );
  bad(
    'stripped-merkle',
    'the same with a Merkle batch (T28)',
    resign(put(merkle.bytes, AT.senderId, BOB.senderId), BOB.seed, SOURCE.bind),
    'E_AEAD',
    ['suites.14', 'suites.19'],
    {
      from: 'merkle',
    },
  );
  bad(
    'stripped-commit',
    'the same with a commitment (T28)',
    resign(put(sealEnvelope(COMMIT).bytes, AT.senderId, BOB.senderId), BOB.seed, SOURCE.bind),
    'E_COMMIT',
    ['suites.15'],
    {
      from: 'commit',
    },
  );
  bad('signature-zero', 'a signature of zeros (S04)', cat(b.slice(0, -64), zeros(64)), 'E_SIG', ['suites.7', ...sig], {
    flags: ['SmallOrder'],
  });

  // SIGIN made otherwise by the sender herself
  const signed = (id: string, comment: string, over: Partial<Recipe>, from = 'full'): void =>
    bad(
      id,
      comment,
      sealEnvelope({ ...(from === 'merkle' ? MERKLE : FULL), ...over }).bytes,
      'E_SIG',
      ['suites.17', 'suites.18'],
      { from },
    );
  const mine = (f: (p: { ph: Bytes; keyinfo: Bytes; body: Bytes }) => Bytes): Partial<Recipe> => ({
    bend: { signInput: (_, p) => f(p) },
  });
  signed(
    'sigin-short-id',
    'SIGIN holds the 16 bytes of sender_id and zeros in place of the key id',
    mine((p) => signInput(cat(ALICE.senderId, zeros(16)), SOURCE.bind, p.ph, p.keyinfo, p.body)),
  );
  signed(
    'sigin-other-bind',
    'SIGIN with another bind32: signed for another group',
    mine((p) => signInput(ALICE.keyId, seeded('another bind', 32), p.ph, p.keyinfo, p.body)),
  );
  signed(
    'sigin-no-bind',
    'SIGIN with zeros as bind32',
    mine((p) => signInput(ALICE.keyId, zeros(32), p.ph, p.keyinfo, p.body)),
  );
  signed(
    'sigin-no-keyinfo',
    'SIGIN without keyinfo',
    mine((p) => signInput(ALICE.keyId, SOURCE.bind, p.ph, zeros(0), p.body)),
  );
  signed(
    'sigin-body-first',
    'SIGIN hashes body ‖ keyinfo',
    mine((p) => signInput(ALICE.keyId, SOURCE.bind, p.ph, p.body, p.keyinfo)),
  );
  signed(
    'sigin-header-only',
    'SIGIN hashes the 96 bytes without extensions',
    mine((p) => signInput(ALICE.keyId, SOURCE.bind, p.ph.slice(0, 96), p.keyinfo, p.body)),
  );
  signed(
    'sigin-as-merkle',
    'SIGIN hashes keyinfo alone, as for a Merkle batch',
    mine((p) => signInput(ALICE.keyId, SOURCE.bind, p.ph, p.keyinfo, zeros(0))),
  );
  signed(
    'sigin-tag-only',
    'SIGIN hashes the AEAD tag in place of the body',
    mine((p) => signInput(ALICE.keyId, SOURCE.bind, p.ph, p.keyinfo, p.body.slice(-16))),
  );
  signed('sigin-hash', 'the signature is over H(SIGIN)', { bend: { signInput: (right) => H(right) } });
  signed('sigin-label', 'SIGIN with the label of another object (T24)', {
    bend: { signInput: (right) => cat(text('tdc1 sig '), text('keyblock'), right.slice(17)) },
  });
  signed('sigin-no-nul', 'SIGIN without the zero byte after the label', {
    bend: { signInput: (right) => cat(right.slice(0, 17), right.slice(18)) },
  });
  signed(
    'sigin-merkle-body',
    'a Merkle batch whose SIGIN hashes keyinfo ‖ body',
    mine((p) => signInput(ALICE.keyId, SOURCE.bind, p.ph, p.keyinfo, p.body)),
    'merkle',
  );
  signed(
    'sigin-merkle-root-zero',
    'a Merkle batch whose SIGIN hashes AADH, where root32 is zero: the root would not be signed',
    mine((p) => {
      const zeroed = put(p.ph, 96 + 4, zeros(32));
      return signInput(ALICE.keyId, SOURCE.bind, zeroed, p.keyinfo, zeros(0));
    }),
    'merkle',
  );

  // The Ed25519 rule, through the whole of step 12
  const { scalar: a } = ed.expandSeed(ALICE.seed);
  const S = ed.fromLittleEndian(b.slice(-32));
  const withSignature = (s: Bytes): Bytes => cat(b.slice(0, -64), s);
  const rule = ['suites.7', 'suites.19'];
  const identity = ed.encodePoint(ed.IDENTITY);
  bad(
    'r-identity',
    'R is the identity and the equation holds (S06)',
    withSignature(
      cat(identity, ed.littleEndian((ed.challenge(identity, ALICE.publicKey, full.signInput) * a) % ed.L, 32)),
    ),
    'E_SIG',
    rule,
    {
      flags: ['SmallOrder'],
    },
  );
  const lenient = ed.encodeY(ed.P + 1n, 0);
  bad(
    'r-non-canonical',
    'R is the identity written as p + 1 (S08)',
    withSignature(
      cat(lenient, ed.littleEndian((ed.challenge(lenient, ALICE.publicKey, full.signInput) * a) % ed.L, 32)),
    ),
    'E_SIG',
    rule,
    {
      flags: ['NonCanonical'],
    },
  );
  bad('s-plus-l', 'S + L (S09)', cat(b.slice(0, -32), ed.littleEndian(S + ed.L, 32)), 'E_SIG', rule, {
    flags: ['NonCanonical'],
  });
  const r = ed.fromLittleEndian(seeded('open mixed R', 64)) % ed.L;
  const mixed = ed.encodePoint(ed.add(ed.multiply(r, ed.B), ed.TORSION[1] ?? ed.IDENTITY));
  const mixedSignature = cat(
    mixed,
    ed.littleEndian((r + ed.challenge(mixed, ALICE.publicKey, full.signInput) * a) % ed.L, 32),
  );
  if (!ed.cofactoredAccepts(ALICE.publicKey, full.signInput, mixedSignature)) throw new Error('not sharp');
  bad(
    'r-mixed-order',
    'R has a component of order 8: only cofactored verifiers accept (S10)',
    withSignature(mixedSignature),
    'E_SIG',
    ['suites.8', 'suites.19'],
    {
      flags: ['MixedOrder'],
    },
  );
  const keys: [string, string, Bytes, string][] = [
    [
      'key-identity',
      "the sender's key is the identity: any signature with R = [S]B would verify (S05)",
      ed.encodePoint(ed.IDENTITY),
      'SmallOrder',
    ],
    ['key-order-8', "the sender's key has order 8 (S05)", ed.encodePoint(ed.TORSION[1] ?? ed.IDENTITY), 'SmallOrder'],
    ['key-order-2', "the sender's key has order 2 (S05)", ed.encodePoint(ed.TORSION[4] ?? ed.IDENTITY), 'SmallOrder'],
    ['key-non-canonical', "the sender's key is the identity written as p + 1 (S07)", lenient, 'NonCanonical'],
  ];
  for (const [id, comment, publicKey, flag] of keys) {
    const keyId = rawKeyId(1, publicKey);
    const s = sealEnvelope({ ...FULL, bend: { senderKeyId: keyId } });
    // [S]B with S = 8: a valid signature wherever k times the key vanishes.
    const forged = cat(ed.encodePoint(ed.multiply(8n, ed.B)), ed.littleEndian(8n, 32));
    bad(id, comment, cat(s.bytes.slice(0, -64), forged), 'E_KEY', ['suites.6', 'suites.19'], {
      at: receiver([known()], [{ publicKey: hex(publicKey), mayWrite: true }]),
      flags: [flag, 'KeyUse'],
    });
  }
}

function content(file: VectorFile): void {
  const g = file.group('content', 'envelope.open', 'open', 'aead');
  const add = adder(g);
  const bad = (
    id: string,
    comment: string,
    over: Partial<Recipe>,
    error: string,
    spec: string[],
    from = 'full',
    flags = ['BrokenSender'],
    at?: Members,
  ): void => {
    const base = { full: FULL, batch: BATCH, merkle: MERKLE, commit: COMMIT }[from] ?? FULL;
    const s = sealEnvelope({ ...base, ...over });
    const o: Bad = { from, flags };
    if (error === 'E_ENCODING') o.layer = 'records';
    add(id, `${comment}; validly signed`, s.bytes, error, spec, at === undefined ? o : { ...o, at });
  };
  const aead = ['suites.13', 'suites.14'];
  // Key source at the receiver
  const other = (over: Partial<typeof SOURCE>): Members => receiver([known({ source: { ...SOURCE, ...over } })]);
  add('other-source-secret', 'the receiver holds another source secret', full.bytes, 'E_AEAD', ['suites.14'], {
    at: other({ sourceSecret: seeded('another', 32) }),
  });
  add('other-group-ctx', 'the receiver holds another group_ctx32', full.bytes, 'E_AEAD', ['suites.14'], {
    at: other({ groupCtx: seeded('another', 32) }),
  });
  add('other-bind', 'the receiver holds another bind32: it stands in SIGIN', full.bytes, 'E_SIG', ['suites.18'], {
    at: other({ bind: seeded('another', 32) }),
  });
  add('source-of-suite-2', 'the key source has suite 0x0002 and the same secret', full.bytes, 'E_SUITE', ['suites.3'], {
    at: receiver([known({ suite: 2 })]),
    flags: ['Downgrade'],
    layer: 'source',
  });
  add('epoch-closed', 'the epoch is known and closed', full.bytes, 'E_EPOCH', ['envelope.27'], {
    at: receiver([known({ open: false })]),
  });
  add('epoch-unknown', 'the tag is known, the epoch is not', full.bytes, 'E_EPOCH', ['envelope.27'], {
    at: receiver([known({ epoch: EPOCH + 1 })]),
  });

  bad('tag', 'one bit of the AEAD tag (T14)', { bend: { sealed: (_, x) => flip(x, -1) } }, 'E_AEAD', aead);
  bad('ciphertext', 'one bit of the ciphertext (T14)', { bend: { sealed: (_, x) => flip(x, 0) } }, 'E_AEAD', aead);
  bad(
    'tag-suite-2',
    'one bit of the AEAD tag, suite 0x0002 (T14)',
    { suite: 2, bend: { sealed: (_, x) => flip(x, -1) } },
    'E_AEAD',
    aead,
    'full',
    ['BrokenSender'],
    receiver([known({ suite: 2 })]),
  );
  bad(
    'tag-empty',
    'one bit of the tag of an empty payload',
    { records: [{ timestamp: NOW, payload: zeros(0) }], bend: { sealed: (_, x) => flip(x, 0) } },
    'E_AEAD',
    aead,
  );
  bad('other-aead', 'encrypted with the AEAD of suite 0x0002', { bend: { suite: 2 } }, 'E_AEAD', ['suites.2', ...aead]);
  bad('nonce-zero', 'a nonce of zeros', { bend: { nonce: () => zeros(12) } }, 'E_AEAD', aead);
  bad('aad-no-bind', 'the AAD lacks bind32', { bend: { aad: (_, __, aadh) => aadh } }, 'E_AEAD', aead);
  bad(
    'aad-header-only',
    'the AAD lacks the extensions',
    { bend: { aad: (_, __, aadh, bind) => cat(aadh.slice(0, 96), bind) } },
    'E_AEAD',
    aead,
  );
  bad(
    'aad-salt-zero',
    'the AAD has the salt zeroed',
    { bend: { aad: (_, __, aadh, bind) => cat(put(aadh, AT.salt, zeros(16)), bind) } },
    'E_AEAD',
    aead,
  );
  bad(
    'aad-keyinfo',
    'the AAD holds keyinfo too',
    { bend: { aad: (_, right) => cat(right, FULL.keyinfo) } },
    'E_AEAD',
    aead,
  );
  bad(
    'aad-leaf-in-single',
    'the AAD of a single has a leaf number',
    { bend: { aad: (_, right) => cat(right, u32(0)) } },
    'E_AEAD',
    aead,
  );
  bad('aad-empty', 'no AAD', { bend: { aad: () => zeros(0) } }, 'E_AEAD', aead);
  bad(
    'merkle-no-leaf-number',
    'a Merkle batch whose AADs lack the leaf number (C5)',
    { bend: { aad: (_, __, aadh, bind) => cat(aadh, bind) } },
    'E_AEAD',
    aead,
    'merkle',
  );
  bad(
    'merkle-no-nonce-xor',
    'a Merkle batch whose leaves share one nonce',
    { bend: { nonce: (_, __, base) => base } },
    'E_AEAD',
    ['suites.16', ...aead],
    'merkle',
  );
  bad(
    'merkle-nonce-little-endian',
    'a Merkle batch whose leaf numbers enter the nonce from the other end',
    {
      bend: { nonce: (leaf, _, base) => put(base, 4, u8((base[4] ?? 0) ^ (leaf ?? 0))) },
    },
    'E_AEAD',
    aead,
    'merkle',
  );
  bad(
    'merkle-leaves-swapped',
    'two leaves exchanged before root and signature',
    { bend: { sealed: swapLeaves() } },
    'E_AEAD',
    aead,
    'merkle',
  );
  bad(
    'merkle-one-tag',
    'one bit of the tag of one leaf',
    { bend: { sealed: (leaf, x) => (leaf === 2 ? flip(x, -1) : x) } },
    'E_AEAD',
    aead,
    'merkle',
  );

  const c = ['suites.15'];
  bad('commit-flipped', 'one bit of extension 11', { bend: { commit: (x) => flip(x, 0) } }, 'E_COMMIT', c, 'commit', [
    'Commitment',
  ]);
  bad('commit-zero', 'zeros as commitment', { bend: { commit: () => zeros(32) } }, 'E_COMMIT', c, 'commit', [
    'Commitment',
  ]);
  bad(
    'commit-no-nonce',
    'a commitment to the key alone',
    { bend: { commit: () => seeded('not a commitment', 32) } },
    'E_COMMIT',
    c,
    'commit',
    ['Commitment'],
  );
  add(
    'commit-other-source',
    'another source secret at the receiver: the commitment is looked at before the AEAD',
    sealEnvelope(COMMIT).bytes,
    'E_COMMIT',
    c,
    {
      at: other({ sourceSecret: seeded('another', 32) }),
      from: 'commit',
      flags: ['Commitment'],
    },
  );

  // Records, step 14
  const four = frameRecords(messages(4), NOW, false);
  const e19 = ['envelope.19'];
  const e20 = ['envelope.20'];
  const plain = (plaintext: Bytes): Partial<Recipe> => ({ bend: { plaintexts: [plaintext] } });
  bad(
    'records-one-less',
    'three records where count says four',
    plain(frameRecords([...messages(2), { timestamp: NOW, payload: zeros(20) }], NOW, false)),
    'E_ENCODING',
    e19,
    'batch',
  );
  bad(
    'records-one-more',
    'five records where count says four',
    plain(frameRecords(messages(5), NOW, false)),
    'E_ENCODING',
    e20,
    'batch',
  );
  bad('records-rflags', 'rflags 1', plain(cat(u8(1), four.slice(1))), 'E_ENCODING', ['envelope.16', ...e19], 'batch');
  bad(
    'records-overlong',
    'an age of 0 in two bytes (T46)',
    plain(cat(u8(0), stretchVarint(0n, 2), four.slice(2))),
    'E_ENCODING',
    ['conventions.2', ...e19],
    'batch',
  );
  bad('records-len', 'the last len is one beyond the end (T52)', plain(four.slice(0, -1)), 'E_ENCODING', e19, 'batch');
  bad(
    'records-age',
    'an age above the timestamp',
    { timestamp: NOW, ...plain(cat(u8(0), stretchVarint(NOW + 1n, 6), four.slice(2))) },
    'E_ENCODING',
    e19,
    'batch',
  );
  bad(
    'records-trailing-zero',
    'a zero after the last record without flag 4',
    plain(cat(four, zeros(1))),
    'E_ENCODING',
    e20,
    'batch',
  );
  bad(
    'records-padding',
    'padding that is not zero (T53)',
    { padded: true, ...plain(cat(frameRecords(messages(4), NOW, false), zeros(1), u8(1))) },
    'E_ENCODING',
    ['envelope.17', ...e20],
    'batch',
  );
  bad(
    'records-all-zero',
    'a plaintext of zeros long enough for more records than count',
    plain(zeros(15)),
    'E_ENCODING',
    e20,
    'batch',
  );
  bad(
    'records-unframed',
    'the payloads without framing',
    plain(text('record 0record 1record 2record 3')),
    'E_ENCODING',
    e19,
    'batch',
  );
  const leafOf = (n: number, from: number): Bytes => frameRecords(messages(5).slice(from, from + n), NOW, false);
  bad(
    'leaves-uneven',
    'leaves of one, three and one records where jobs_per_leaf is two',
    { bend: { plaintexts: [cat(leafOf(1, 0), zeros(0)), leafOf(3, 1), leafOf(1, 4)] } },
    'E_ENCODING',
    ['envelope.18', ...e19],
    'merkle',
  );
  bad(
    'leaves-last-long',
    'leaves of two, one and two records',
    { bend: { plaintexts: [leafOf(2, 0), leafOf(1, 2), leafOf(2, 3)] } },
    'E_ENCODING',
    ['envelope.18', ...e19],
    'merkle',
  );
}

/** The first two leaves exchange their places. */
function swapLeaves(): (leaf: number | undefined, right: Bytes) => Bytes {
  const s = sealEnvelope(MERKLE);
  return (leaf, right) => (leaf === 0 ? (s.leaves[1] ?? right) : leaf === 1 ? (s.leaves[0] ?? right) : right);
}

function proofs(file: VectorFile): void {
  const g = file.group('proof', 'envelope.open', 'open', 'signature');
  const add = adder(g);
  const flags = ['MerkleProof'];
  const whole = (id: string, comment: string, bytes: Bytes, error = 'E_PROOF', spec = ['envelope.26']): void =>
    add(id, comment, bytes, error, spec, { from: 'merkle', flags });
  const rootAt = 96 + 4;
  whole('flip-root', 'one bit of root32', flip(merkle.bytes, rootAt));
  whole('flip-ciphertext', 'one bit of the ciphertext of a leaf', flip(merkle.bytes, -64 - 20));
  whole('flip-tag', 'one bit of the tag of the last leaf', flip(merkle.bytes, -65));
  whole(
    'leaves-exchanged',
    'two leaves exchanged in the body',
    cat(
      merkle.ph,
      merkle.keyinfo,
      ...[1, 0, 2].map((i) => cat(u32((merkle.leaves[i]?.length ?? 16) - 16), merkle.leaves[i] ?? zeros(0))),
      merkle.bytes.slice(-64),
    ),
  );
  whole(
    'keyinfo-flipped',
    'one bit of keyinfo: the root fits, the signature does not',
    flip(merkle.bytes, 96 + merkle.header.extLen),
    'E_SIG',
    ['suites.18'],
  );
  whole(
    'timestamp-changed',
    'a later timestamp over the same root (T38)',
    put(merkle.bytes, AT.timestamp, u64(NOW + 1n)),
    'E_SIG',
    ['suites.18'],
  );
  const other = sealEnvelope({ ...MERKLE, seq: 9n });
  whole(
    'header-of-another',
    'the header of another batch over this root (T38)',
    put(merkle.bytes, AT.seq, u64(other.header.seq)),
    'E_SIG',
    ['suites.18'],
  );
  const signedRoot = (
    id: string,
    comment: string,
    root: (leaves: Bytes[], right: Bytes) => Bytes,
    over: Partial<Recipe> = {},
  ): void => whole(id, `${comment}; validly signed`, sealEnvelope({ ...MERKLE, ...over, bend: { root } }).bytes);
  const hashed = (leaves: Bytes[]): Bytes[] => leaves.map((l, i) => leafHash(i, l));
  signedRoot('root-no-prefix', 'a root made without the prefixes 0x00 and 0x01 (T33)', (leaves) => {
    const [a, b, c] = leaves.map((l, i) => H(u32(i), u32(l.length - 16), l));
    return H(H(a ?? zeros(0), b ?? zeros(0)), c ?? zeros(0));
  });
  signedRoot('root-no-leaf-number', 'a root whose leaf hashes lack the leaf number', (leaves) =>
    merkleRoot(leaves.map((l) => H(u8(0), u32(l.length - 16), l))),
  );
  signedRoot('root-tag-counted', 'a root whose ct_len counts the tag', (leaves) =>
    merkleRoot(leaves.map((l, i) => H(u8(0), u32(i), u32(l.length), l))),
  );
  signedRoot('root-doubled-last', 'a root that doubles the last leaf of an odd level (T36)', (leaves) => {
    const x = hashed(leaves);
    return merkleRoot([...x, x[2] ?? zeros(32)]);
  });
  signedRoot('root-balanced', 'a root over leaf 0 and the node of 1 and 2', (leaves) => {
    const [a, b, c] = hashed(leaves);
    return nodeHash(a ?? zeros(32), nodeHash(b ?? zeros(32), c ?? zeros(32)));
  });
  signedRoot('root-reversed', 'a root over the leaves in the reverse order', (leaves) =>
    merkleRoot(hashed(leaves).toReversed()),
  );
  signedRoot('root-zero', 'root32 zero, as it stands in AADH', () => zeros(32));
  signedRoot('root-two-leaves', 'a root over the first two leaves', (leaves) => merkleRoot(hashed(leaves).slice(0, 2)));

  const j = file.group('proof-job', 'envelope.open', 'open', 'signature');
  const job = (
    id: string,
    comment: string,
    over: Partial<JobParts>,
    error = 'E_PROOF',
    spec = ['envelope.25'],
    leaf = 0,
    at?: Members,
    layer?: string,
  ): void => {
    const c = {
      comment,
      in: input(encodeJob({ ...jobParts(merkle.bytes, leaf), ...over }), at, NOW, true),
      error,
      spec,
      from: `open/accept-job/leaf-${leaf}`,
      flags,
    };
    j.invalid(id, layer === undefined ? c : { ...c, layer });
  };
  const parts = [0, 1, 2].map((leaf) => jobParts(merkle.bytes, leaf));
  const p0 = parts[0] ?? jobParts(merkle.bytes, 0);
  const p1 = parts[1] ?? p0;
  const p2 = parts[2] ?? p0;
  job('flip-ciphertext', 'one bit of the ciphertext', { sealed: flip(p0.sealed, 0) });
  job('flip-tag', 'one bit of the AEAD tag', { sealed: flip(p0.sealed, -1) });
  job('flip-path', 'one bit of the path', { path: p0.path.map((x, i) => (i === 0 ? flip(x, 0) : x)) });
  job('flip-root', 'one bit of root32 in PH', { ph: flip(p0.ph, rootAt) });
  job('sibling-path', 'the path of leaf 1 (T34)', { path: p1.path });
  job('sibling-index', 'leaf 0 offered as leaf 1 (T34)', { leaf: 1 });
  job('sibling-index-and-path', 'the content of leaf 0 with number and path of leaf 1 (T34)', {
    leaf: 1,
    path: p1.path,
  });
  job('path-short', 'the path without its last value (T35)', { path: p0.path.slice(0, -1), pathLen: 1 });
  job('path-none', 'no path (T35)', { path: [], pathLen: 0 });
  job('path-long', 'the path with one value more (T35)', { path: [...p0.path, zeros(32)], pathLen: 3 });
  job('path-65', 'a path of 65 values (D10)', {
    path: Array.from({ length: 65 }, (_, i) => seeded(`path ${i}`, 32)),
    pathLen: 65,
  });
  job('path-order', 'the two values of the path exchanged', { path: p0.path.toReversed() });
  job('node-as-leaf', 'two leaf hashes offered as a leaf (T33)', {
    sealed: cat(leafHash(0, p0.sealed), leafHash(1, p1.sealed)),
    ctLen: 48,
    path: p0.path.slice(1),
    pathLen: 1,
  });
  job('leaf-equals-count', 'leaf 3 of 3 (T37)', { leaf: 3 });
  job('leaf-max', 'leaf 2^32 - 1 (T37)', { leaf: 4_294_967_295 });
  job(
    'leaf-doubled',
    'the last leaf once more, as leaf 3 of a balanced tree (T36)',
    { leaf: 3, path: [leafHash(2, p2.sealed), ...p2.path], pathLen: 2 },
    'E_PROOF',
    ['envelope.25'],
    2,
  );
  job(
    'last-leaf-balanced',
    'the last leaf with the path that a balanced tree would ask for (T36)',
    { path: [leafHash(2, p2.sealed), ...p2.path], pathLen: 2 },
    'E_PROOF',
    ['envelope.25'],
    2,
  );
  const other8 = sealEnvelope({ ...MERKLE, random: seeded('another batch', 16) });
  const q0 = jobParts(other8.bytes, 0);
  job('leaf-of-another', 'a leaf of another batch of the same sender', { sealed: q0.sealed, ctLen: q0.ctLen });
  job('leaf-and-path-of-another', 'leaf and path of another batch', {
    sealed: q0.sealed,
    ctLen: q0.ctLen,
    path: q0.path,
  });
  const sig = ['suites.18', 'envelope.23'];
  job(
    'header-of-another',
    'PH with another seq over the same root (T38)',
    { ph: put(p0.ph, AT.seq, u64(9)) },
    'E_SIG',
    sig,
  );
  job(
    'timestamp-changed',
    'PH with a later timestamp (T38)',
    { ph: put(p0.ph, AT.timestamp, u64(NOW + 1n)) },
    'E_SIG',
    sig,
  );
  job(
    'body-len-changed',
    'PH with another body_len: it must be that of the batch',
    { ph: put(p0.ph, AT.bodyLen, u32(merkle.header.bodyLen + 1)) },
    'E_SIG',
    sig,
  );
  job('count-changed', 'PH with count 6, still three leaves', { ph: put(p0.ph, AT.count, u32(6)) }, 'E_SIG', sig);
  job('keyinfo-flipped', 'one bit of keyinfo', { keyinfo: flip(p0.keyinfo, 0) }, 'E_SIG', sig);
  job('signature-flipped', 'one bit of the signature', { signature: flip(p0.signature, 0) }, 'E_SIG', sig);
  job('signature-of-another', 'the signature of another batch', { signature: q0.signature }, 'E_SIG', sig);
  job(
    'leaf-count-changed',
    'leaf_count 4 in PH',
    { ph: put(p0.ph, rootAt + 32, u32(4)) },
    'E_ENCODING',
    ['envelope.21'],
    0,
    undefined,
    'body',
  );
  job(
    'flag-cleared',
    'flag 1 cleared in PH',
    { ph: put(p0.ph, AT.flags, u16(1)) },
    'E_ENCODING',
    ['envelope.24'],
    0,
    undefined,
    'header',
  );
  job('stranger', 'the sender is not known', {}, 'E_SENDER', ['envelope.27'], 0, receiver([known()], [writer(BOB)]));
  j.invalid('expired', {
    comment: 'a millisecond older than max_age',
    in: input(makeJob(merkle.bytes, 0), receiver(), NOW + 120_001n, true),
    error: 'E_EXPIRED',
    spec: ['replay.2'],
    from: 'open/accept-job/leaf-0',
    flags: ['Freshness'],
  });
}

function times(file: VectorFile): void {
  const g = file.group('time', 'envelope.open', 'open', 'freshness');
  const add = adder(g);
  const bad = (
    id: string,
    comment: string,
    now: bigint,
    error: string,
    spec: string[],
    o: Bad = {},
    r: Recipe = FULL,
  ): void => add(id, comment, sealEnvelope(r).bytes, error, spec, { now, flags: ['Freshness'], ...o });
  bad('expired', 'a millisecond older than max_age (R07)', NOW + 120_001n, 'E_EXPIRED', ['replay.2'], {
    from: 'max-age',
  });
  bad('future', 'a millisecond further ahead than skew (R08)', NOW - 30_001n, 'E_FUTURE', ['replay.3'], {
    from: 'skew',
  });
  const expiring = recipe('open expiry', { extensions: [ext(4, u64(NOW))] });
  bad(
    'expiry',
    'a millisecond after its expiry (R09)',
    NOW + 1n,
    'E_EXPIRED',
    ['replay.4'],
    { from: 'expiry-now' },
    expiring,
  );
  bad(
    'expiry-stored',
    'after its expiry on a stored topic (R09)',
    NOW + 1n,
    'E_EXPIRED',
    ['replay.4'],
    { from: 'expiry-now', at: receiver(undefined, undefined, { stored: true }) },
    expiring,
  );
  bad('own-max-age', "the receiver's own max_age of a second", NOW + 1001n, 'E_EXPIRED', ['replay.2'], {
    from: 'own-max-age',
    at: receiver(undefined, undefined, { maxAgeMs: '1000' }),
  });
  bad('own-skew', "the receiver's own skew of a second", NOW - 1001n, 'E_FUTURE', ['replay.3'], {
    from: 'skew',
    at: receiver(undefined, undefined, { skewMs: '1000' }),
  });
  bad('before-boot', 'exactly boot + skew', NOW, 'E_TOO_OLD', ['replay.25'], {
    from: 'after-boot',
    at: receiver(undefined, undefined, { bootMs: (NOW - 30_000n).toString() }),
    flags: ['Restart'],
  });
}

function order(file: VectorFile): void {
  const g = file.group('order', 'envelope.open', 'open', 'source');
  const add = adder(g);
  const bad = (id: string, comment: string, bytes: Bytes, error: string, o: Bad = {}): void =>
    add(id, `two defects: ${comment}`, bytes, error, ['envelope.27', 'errors.1', 'errors.2'], {
      flags: ['Order'],
      ...o,
    });
  const b = full.bytes;
  const badSig = flip(b, -1);
  const old = NOW + 120_001n;
  bad('length-tag', 'a byte too many, and an unknown tag', cat(b, zeros(1)), 'E_LENGTH', {
    at: receiver([]),
    layer: 'header',
  });
  bad('extension-tag', 'a broken extension, and an unknown tag', flip(b, 96, 7), 'E_EXT', { at: receiver([]) });
  bad('count-tag', 'count 0, and an unknown tag', put(b, AT.count, u32(0)), 'E_ENCODING', {
    at: receiver([]),
    layer: 'header',
  });
  bad('epoch-suite', 'a closed epoch, and another suite there', b, 'E_EPOCH', {
    at: receiver([known({ open: false, suite: 2 })]),
  });
  bad('epoch-sender', 'an unknown epoch, and an unknown sender', b, 'E_EPOCH', {
    at: receiver([known({ epoch: 1 })], []),
  });
  bad('suite-sender', 'another suite, and an unknown sender', b, 'E_SUITE', {
    at: receiver([known({ suite: 2 })], []),
    layer: 'source',
  });
  bad('sender-expired', 'an unknown sender, and too old', b, 'E_SENDER', { at: receiver(undefined, []), now: old });
  bad('policy-expired', 'no right to write, and too old', b, 'E_POLICY', {
    at: receiver(undefined, [writer(ALICE, false)]),
    now: old,
  });
  bad('expired-boot', 'too old, and sealed before the boot of the receiver', b, 'E_EXPIRED', {
    at: receiver(undefined, undefined, { bootMs: old.toString() }),
    now: old,
  });
  bad('future-signature', 'too far ahead, and a bad signature', badSig, 'E_FUTURE', { now: NOW - 30_001n });
  bad('boot-signature', 'sealed before the boot of the receiver, and a bad signature', badSig, 'E_TOO_OLD', {
    at: receiver(undefined, undefined, { bootMs: NOW.toString() }),
  });
  const small = ed.encodePoint(ed.IDENTITY);
  const bySmall = sealEnvelope({ ...MERKLE, bend: { senderKeyId: rawKeyId(1, small) } });
  const smallAt = receiver([known()], [{ publicKey: hex(small), mayWrite: true }]);
  bad('expired-key', 'too old, and a key that must not be used', bySmall.bytes, 'E_EXPIRED', {
    at: smallAt,
    now: old,
    from: 'merkle',
  });
  bad(
    'key-proof',
    'a key that must not be used, and a leaf that does not fit the root',
    flip(bySmall.bytes, -65),
    'E_KEY',
    { at: smallAt, from: 'merkle' },
  );
  bad(
    'proof-signature',
    'a leaf that does not fit the root, and a bad signature',
    flip(flip(merkle.bytes, -65), -1),
    'E_PROOF',
    { from: 'merkle' },
  );
  bad(
    'signature-commit',
    'a bad signature, and another commitment',
    flip(sealEnvelope({ ...COMMIT, bend: { commit: () => zeros(32) } }).bytes, -1),
    'E_SIG',
    { from: 'commit' },
  );
  bad('signature-aead', 'a bad signature, and another source secret', badSig, 'E_SIG', {
    at: receiver([known({ source: { ...SOURCE, sourceSecret: seeded('another', 32) } })]),
  });
  bad(
    'commit-aead',
    'another commitment, and a broken tag',
    sealEnvelope({ ...COMMIT, bend: { commit: () => zeros(32), sealed: (_, x) => flip(x, -1) } }).bytes,
    'E_COMMIT',
    { from: 'commit' },
  );
  const five = messages(5);
  bad(
    'aead-records',
    'leaf 0 with bad records, and leaf 2 that does not open',
    sealEnvelope({
      ...MERKLE,
      bend: {
        plaintexts: [
          cat(u8(1), frameRecords(five.slice(0, 2), NOW, false).slice(1)),
          frameRecords(five.slice(2, 4), NOW, false),
          frameRecords(five.slice(4), NOW, false),
        ],
        sealed: (leaf, x) => (leaf === 2 ? flip(x, -1) : x),
      },
    }).bytes,
    'E_AEAD',
    { from: 'merkle' },
  );
}

export function open(): VectorFile {
  const file = new VectorFile('open');
  accept(file);
  tamper(file);
  signer(file);
  content(file);
  proofs(file);
  times(file);
  order(file);
  return file;
}
