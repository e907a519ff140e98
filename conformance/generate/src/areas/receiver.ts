/** receiver.json: several envelopes and jobs in turn at one receiver. */
import { VectorFile } from '../cases.ts';
import { recordsJson } from '../check.ts';
import type { Json, Members } from '../json.ts';
import { cat, flip, hex, put, seeded, text, u32, u64, u8, type Bytes } from '../twin/bytes.ts';
import * as ed from '../twin/ed25519.ts';
import { cut, encodeJob, jobParts, makeJob, sealEnvelope, type Recipe, type Sealed } from '../twin/envelope.ts';
import { known as ext } from '../twin/extensions.ts';
import { AT } from '../twin/header.ts';
import { frameRecords, type Message } from '../twin/records.ts';
import { BOB, EPOCH, known, messages, NOW, OTHER_TAG, receiver as holds, recipe, tiny } from '../world.ts';

interface Step {
  bytes: Bytes;
  job: boolean;
  now: bigint;
  result: Json;
}

function accepted(s: Sealed, records: readonly Message[], leaf?: number): Json {
  const out: Members = { verdict: 'new', id: hex(s.id), records: recordsJson(records) };
  if (leaf !== undefined) out['leaf'] = leaf;
  return out;
}

/** An envelope of the stream `name` with what it opens to. */
interface Made {
  r: Recipe;
  s: Sealed;
}
function make(name: string, seq: bigint, over: Partial<Recipe> = {}): Made {
  const timestamp = over.timestamp ?? NOW;
  const r = recipe(`receiver ${name}`, {
    seq,
    random: seeded(`receiver random ${name} ${seq}`, 16),
    records: [{ timestamp, payload: text(`${name} ${seq}`) }],
    ...over,
  });
  return { r, s: sealEnvelope(r) };
}
function yes(m: Made, now: bigint = NOW): Step {
  return { bytes: m.s.bytes, job: false, now, result: accepted(m.s, m.r.records) };
}
function no(error: string, bytes: Bytes, now: bigint = NOW): Step {
  return { bytes, job: false, now, result: { error } };
}
function yesJob(m: Made, leaf: number): Step {
  const records = cut(m.r.records, m.r.jobsPerLeaf)[leaf] ?? [];
  return { bytes: makeJob(m.s.bytes, leaf), job: true, now: NOW, result: accepted(m.s, records, leaf) };
}
function noJob(error: string, bytes: Bytes): Step {
  return { bytes, job: true, now: NOW, result: { error } };
}

/** A second signature over the same SIGIN, with another r: valid, and not what RFC 8032 would make. */
function signAgain(m: Made): Bytes {
  const { scalar: a } = ed.expandSeed(m.r.seed);
  const r = ed.fromLittleEndian(seeded('second signature', 64)) % ed.L;
  const R = ed.encodePoint(ed.multiply(r, ed.B));
  const S = (r + ed.challenge(R, ed.publicKeyOf(m.r.seed), m.s.signInput) * a) % ed.L;
  const signature = cat(R, ed.littleEndian(S, 32));
  ed.verify(ed.publicKeyOf(m.r.seed), m.s.signInput, signature);
  return cat(m.s.bytes.slice(0, -64), signature);
}

export function receiver(): VectorFile {
  const file = new VectorFile('receiver');
  const g = file.group('run', 'receiver.run', 'open', 'replay');
  const add = (
    id: string,
    comment: string,
    spec: string[],
    flags: string[],
    steps: Step[],
    at: Members = holds(),
  ): void => {
    g.valid(id, {
      comment,
      in: {
        receiver: at,
        steps: steps.map((s) => ({ now: s.now.toString(), [s.job ? 'job' : 'envelope']: hex(s.bytes) })),
      },
      out: { results: steps.map((s) => s.result) },
      spec,
      flags,
    });
  };
  const one = make('plain', 1n);
  const two = make('plain', 2n);
  const three = make('plain', 3n);

  add('in-order', '1, 2, 3 are new', ['replay.8', 'envelope.30'], [], [yes(one), yes(two), yes(three)]);
  add(
    'duplicate',
    '1 twice: E_REPLAY (R01); then 2 is new',
    ['replay.7'],
    ['Replayed'],
    [yes(one), no('E_REPLAY', one.s.bytes), yes(two)],
  );
  add(
    'reordered',
    '3, 1, 2 are new; then all are E_REPLAY',
    ['replay.8', 'replay.7'],
    ['Reordered', 'Replayed'],
    [yes(three), yes(one), yes(two), ...[one, two, three].map((m) => no('E_REPLAY', m.s.bytes))],
  );
  add(
    'second-signature',
    'the same envelope with another valid signature has the same id: E_REPLAY, not E_FORK',
    ['envelope.37', 'replay.7'],
    ['Replayed'],
    [yes(one), no('E_REPLAY', signAgain(one))],
  );
  add(
    'second-signature-first',
    'the other way round: a signature with another r is as good as that of RFC 8032',
    ['envelope.37', 'suites.8'],
    ['Replayed'],
    [
      { bytes: signAgain(one), job: false, now: NOW, result: accepted(one.s, one.r.records) },
      no('E_REPLAY', one.s.bytes),
    ],
  );
  add(
    'bad-signature-on-duplicate',
    'a duplicate with a broken signature is E_REPLAY: the look-up comes first',
    ['envelope.27', 'replay.7'],
    ['Replayed', 'Order'],
    [yes(one), no('E_REPLAY', flip(one.s.bytes, -1))],
  );

  const far = make('plain', 5000n);
  add(
    'window-not-moved-by-signature',
    '5,000 with a broken signature, then 2 and the honest 5,000 are new (R05)',
    ['replay.9', 'envelope.28'],
    ['WindowAbuse'],
    [yes(one), no('E_SIG', flip(far.s.bytes, -1)), yes(two), yes(far), no('E_TOO_OLD', three.s.bytes)],
  );
  add(
    'window-not-moved-by-flipped-seq',
    '1 with seq changed to 2^40 is E_SIG; 2 is new',
    ['replay.9'],
    ['WindowAbuse'],
    [yes(one), no('E_SIG', put(two.s.bytes, AT.seq, u64(1n << 40n))), yes(two)],
  );
  const broken = make('plain', 5000n, { bend: { sealed: (_, x) => flip(x, -1) } });
  add(
    'window-not-moved-by-tag',
    '5,000 whose tag is broken under a valid signature is E_AEAD; 2 and another 5,000 are new (R06)',
    ['replay.9', 'envelope.28'],
    ['WindowAbuse'],
    [yes(one), no('E_AEAD', broken.s.bytes), yes(two), yes(far)],
  );
  const grammar = make('plain', 5000n, {
    form: 'batch',
    records: messages(2),
    bend: { plaintexts: [cat(u8(1), frameRecords(messages(2), NOW, false).slice(1))] },
  });
  add(
    'grammar-is-recorded',
    '5,000 whose records are bad under a valid signature is E_ENCODING; again it is E_REPLAY, and 2 is too old',
    ['envelope.28', 'replay.9'],
    ['WindowAbuse', 'BrokenSender'],
    [
      yes(one),
      no('E_ENCODING', grammar.s.bytes),
      no('E_REPLAY', grammar.s.bytes),
      no('E_TOO_OLD', two.s.bytes),
      yes(make('plain', 5001n)),
    ],
  );
  add(
    'other-failures-change-nothing',
    'unknown tag, unknown sender, too old, too far ahead, broken extension: then the honest 1 is new, once',
    ['envelope.28', 'envelope.29', 'errors.6'],
    ['WindowAbuse'],
    [
      { bytes: put(one.s.bytes, AT.topicTag, OTHER_TAG), job: false, now: NOW, result: { delivered: false } },
      no('E_SENDER', flip(one.s.bytes, AT.senderId)),
      no('E_EPOCH', flip(one.s.bytes, AT.epoch)),
      no('E_EXPIRED', one.s.bytes, NOW + 120_001n),
      no('E_FUTURE', one.s.bytes, NOW - 30_001n),
      no('E_LENGTH', one.s.bytes.slice(0, -1)),
      yes(one),
      no('E_REPLAY', one.s.bytes),
    ],
  );

  const w64 = holds(undefined, undefined, { window: 64 });
  const at65 = make('plain', 65n);
  const at64 = make('plain', 64n);
  add(
    'window-64',
    'W = 64: after 1 and 64, 1 is E_REPLAY; after 65 it is E_TOO_OLD (R02), and 2 is new',
    ['replay.6', 'replay.7', 'replay.8'],
    ['Replayed'],
    [yes(one), yes(at64), no('E_REPLAY', one.s.bytes), yes(at65), no('E_TOO_OLD', one.s.bytes), yes(two)],
    w64,
  );
  const at1025 = make('plain', 1025n);
  add(
    'window-1024',
    'W = 1,024, the default: after 1,025, 1 is too old and 2 is new',
    ['replay.6', 'replay.8'],
    ['Replayed'],
    [yes(at1025), no('E_TOO_OLD', one.s.bytes), yes(two)],
  );
  const jump = make('plain', 1n << 40n);
  add(
    'jump',
    'from 1 to 2^40 (D07)',
    ['replay.10'],
    [],
    [yes(one), yes(jump), no('E_TOO_OLD', two.s.bytes), no('E_REPLAY', jump.s.bytes)],
  );

  const big = [1n, 2n, 3n].map((n) => make('thousand', n, { form: 'batch', records: tiny(1000) }));
  const b = (i: number): Made => big[i] ?? one;
  add(
    'batches-of-1000-swapped',
    'W = 64: batches of 1,000 records, neighbours swapped: 2, 1, 3 are all new (H9); each once',
    ['replay.8', 'replay.7'],
    ['Reordered'],
    [yes(b(1)), yes(b(0)), yes(b(2)), no('E_REPLAY', b(0).s.bytes)],
    w64,
  );

  const streams = [
    make('other stream', 1n),
    make('plain', 1n, { seed: BOB.seed }),
    make('plain', 1n, { epoch: EPOCH + 1 }),
    make('plain', 1n, { topicTag: OTHER_TAG }),
  ];
  add(
    'streams-apart',
    'the same number in another stream, of another sender, epoch and tag is new',
    ['replay.1'],
    [],
    [yes(one), ...streams.map((m) => yes(m)), no('E_REPLAY', one.s.bytes)],
    holds([known(), known({ epoch: EPOCH + 1 }), known({ tag: OTHER_TAG })]),
  );

  // Forks
  const forked = make('plain', 1n, { records: [{ timestamp: NOW, payload: text('another story') }] });
  const later = make('plain', 1n, { timestamp: NOW + 5000n });
  add(
    'fork',
    'another envelope under the same number, validly signed, is E_FORK (R17); the first stays, 2 is new',
    ['replay.12', 'replay.14'],
    ['Fork'],
    [yes(one), no('E_FORK', forked.s.bytes), no('E_REPLAY', one.s.bytes), yes(two)],
  );
  add(
    'fork-timestamp',
    'the same number with another timestamp is E_FORK (R10)',
    ['replay.12'],
    ['Fork'],
    [yes(one), no('E_FORK', later.s.bytes)],
  );
  add(
    'fork-forged',
    'another envelope under the same number with a broken signature is E_SIG',
    ['replay.12'],
    ['Fork'],
    [yes(one), no('E_SIG', flip(forked.s.bytes, -1)), no('E_SIG', flip(one.s.bytes, AT.salt))],
  );
  add(
    'fork-single-and-batch',
    'a single and a batch under one number',
    ['replay.12'],
    ['Fork'],
    [yes(make('plain', 1n, { form: 'batch', records: messages(3) })), no('E_FORK', one.s.bytes)],
  );
  const prev = make('plain', 2n, { extensions: [ext(3, one.s.id)] });
  const wrongPrev = make('plain', 2n, { extensions: [ext(3, forked.s.id)] });
  const after = make('plain', 3n, { extensions: [ext(3, prev.s.id)] });
  add(
    'prev',
    '2 names the id of 1, 3 that of 2',
    ['replay.13', 'envelope.37'],
    ['Fork'],
    [yes(one), yes(prev), yes(after)],
  );
  add(
    'prev-wrong',
    '2 names the id of another 1: E_FORK (R18); the honest 2 is new',
    ['replay.13', 'replay.14'],
    ['Fork'],
    [yes(one), no('E_FORK', wrongPrev.s.bytes), yes(prev)],
  );
  add(
    'prev-wrong-forged',
    'the same with a broken signature: E_SIG',
    ['replay.13'],
    ['Fork'],
    [yes(one), no('E_SIG', flip(wrongPrev.s.bytes, -1)), yes(prev)],
  );
  add(
    'prev-not-seen',
    '2 names a 1 that comes later: nothing to compare',
    ['replay.13'],
    ['Fork'],
    [yes(wrongPrev), yes(one)],
  );
  const truncatedId = make('plain', 2n, { extensions: [ext(3, cat(one.s.id.slice(0, 16), seeded('rest', 16)))] });
  add(
    'prev-32-bytes',
    'the id that 2 names differs after its first 16 bytes',
    ['replay.13'],
    ['Fork'],
    [yes(one), no('E_FORK', truncatedId.s.bytes)],
  );

  // Jobs
  const merkle = make('jobs', 1n, { form: 'merkle', records: messages(5), jobsPerLeaf: 2 });
  const job = (leaf: number): Bytes => makeJob(merkle.s.bytes, leaf);
  add(
    'jobs',
    'leaves 2, 0, 1 are new, each once; then the whole is E_REPLAY',
    ['replay.19', 'replay.20', 'envelope.37'],
    ['Replayed'],
    [
      yesJob(merkle, 2),
      yesJob(merkle, 0),
      noJob('E_REPLAY', job(0)),
      yesJob(merkle, 1),
      noJob('E_REPLAY', job(2)),
      no('E_REPLAY', merkle.s.bytes),
    ],
  );
  add(
    'jobs-whole-after-leaf',
    'the whole after a leaf is E_REPLAY; the other leaves stay new',
    ['replay.20', 'replay.19'],
    ['Replayed'],
    [yesJob(merkle, 0), no('E_REPLAY', merkle.s.bytes), yesJob(merkle, 1)],
  );
  add(
    'jobs-leaf-after-whole',
    'a leaf after the whole is E_REPLAY',
    ['replay.19', 'replay.7'],
    ['Replayed'],
    [yes(merkle), noJob('E_REPLAY', job(1))],
  );
  const parts = jobParts(merkle.s.bytes, 0);
  add(
    'jobs-broken-marks-nothing',
    'a leaf with a broken signature, path or content marks nothing',
    ['replay.9', 'replay.19'],
    ['WindowAbuse'],
    [
      noJob('E_SIG', encodeJob({ ...parts, signature: flip(parts.signature, 0) })),
      noJob('E_PROOF', encodeJob({ ...parts, path: parts.path.toReversed() })),
      noJob('E_PROOF', encodeJob({ ...parts, sealed: flip(parts.sealed, 0) })),
      noJob('E_PROOF', encodeJob({ ...parts, leaf: 1 })),
      yesJob(merkle, 0),
      noJob('E_REPLAY', job(0)),
    ],
  );
  add(
    'jobs-fork',
    'all leaves of a batch were seen; a single under its number is E_FORK',
    ['replay.12'],
    ['Fork'],
    [yesJob(merkle, 0), yesJob(merkle, 1), yesJob(merkle, 2), no('E_FORK', make('jobs', 1n).s.bytes)],
  );
  const badLeaf = make('jobs', 1n, {
    form: 'merkle',
    records: messages(5),
    jobsPerLeaf: 2,
    bend: {
      plaintexts: [
        cat(u8(1), frameRecords(messages(5).slice(0, 2), NOW, false).slice(1)),
        frameRecords(messages(5).slice(2, 4), NOW, false),
        frameRecords(messages(5).slice(4), NOW, false),
      ],
    },
  });
  add(
    'jobs-bad-grammar',
    'a leaf whose records are bad under a valid signature is recorded; the other leaves stay new',
    ['envelope.28', 'replay.19'],
    ['BrokenSender'],
    [
      noJob('E_ENCODING', makeJob(badLeaf.s.bytes, 0)),
      noJob('E_REPLAY', makeJob(badLeaf.s.bytes, 0)),
      yesJob(badLeaf, 1),
      no('E_REPLAY', badLeaf.s.bytes),
    ],
  );
  add(
    'jobs-too-old',
    'W = 64: a leaf of 1, then 65: the other leaves of 1 are too old',
    ['replay.6', 'replay.19'],
    ['Replayed'],
    [yesJob(merkle, 0), yes(make('jobs', 65n)), noJob('E_TOO_OLD', job(1)), noJob('E_TOO_OLD', job(0))],
    w64,
  );

  // Time
  const early = make('boot', 1n, { timestamp: NOW });
  const late = make('boot', 2n, { timestamp: NOW + 1n });
  add(
    'boot',
    'started at now - skew: what was sealed now is too old, a millisecond later is new',
    ['replay.25'],
    ['Restart'],
    [no('E_TOO_OLD', early.s.bytes), yes(late), no('E_TOO_OLD', early.s.bytes)],
    holds(undefined, undefined, { bootMs: (NOW - 30_000n).toString() }),
  );
  add(
    'expires-between',
    '1 is new in time; 2 comes after max_age and is E_EXPIRED; 3 with a later timestamp is new',
    ['replay.2'],
    ['Freshness'],
    [
      yes(one),
      no('E_EXPIRED', two.s.bytes, NOW + 120_001n),
      yes(make('plain', 3n, { timestamp: NOW + 120_000n }), NOW + 120_001n),
    ],
  );
  add(
    'duplicate-after-max-age',
    'a duplicate after max_age is E_EXPIRED: freshness comes before the look-up',
    ['replay.2', 'envelope.27'],
    ['Freshness', 'Order'],
    [yes(one), no('E_REPLAY', one.s.bytes, NOW + 120_000n), no('E_EXPIRED', one.s.bytes, NOW + 120_001n)],
  );
  add(
    'stored',
    'a stored topic: old envelopes are new, once',
    ['replay.2', 'replay.7'],
    ['Freshness'],
    [yes(one, NOW + 86_400_000n), no('E_REPLAY', one.s.bytes, NOW + 86_400_000n), yes(two, NOW + 86_400_000n)],
    holds(undefined, undefined, { stored: true }),
  );

  // Streams
  const cap = Array.from({ length: 65 }, (_, i) =>
    make(`cap ${i}`, 1n, { timestamp: NOW + BigInt(i), records: [{ timestamp: NOW + BigInt(i), payload: u32(i) }] }),
  );
  const first = cap[0] ?? one;
  const second = cap[1] ?? one;
  add(
    '65-streams',
    'the 65th stream of a sender evicts the one with the lowest timestamp: its envelope is too old, that of the second stream E_REPLAY',
    ['replay.15', 'replay.16'],
    ['Admission'],
    [...cap.map((m) => yes(m)), no('E_TOO_OLD', first.s.bytes), no('E_REPLAY', second.s.bytes)],
  );
  return file;
}
