/** replay.json: the replay state alone. Each comment says in words what happens, step by step where it matters. */
import { VectorFile, type Group } from '../cases.ts';
import type { Json, Members } from '../json.ts';
import { hex, seeded } from '../twin/bytes.ts';
import { ALICE, BOB, EPOCH, NOW, OTHER_TAG, TAG } from '../world.ts';

interface Who {
  sender?: string;
  epoch?: number;
  tag?: string;
}

/** A stream of Alice's by name. */
function stream(name: string, who: Who = {}): Members {
  return { ...group(who), id: hex(seeded(`replay stream ${name}`, 8)) };
}
function group(who: Who = {}): Members {
  return { sender: who.sender ?? hex(ALICE.keyId), epoch: who.epoch ?? EPOCH, tag: who.tag ?? hex(TAG) };
}

interface More extends Who {
  /** another content under the same number */
  content?: string;
  /** milliseconds after NOW */
  at?: number;
  /** content of the envelope before, for extension 3 */
  prev?: string;
  leaf?: number;
  of?: number;
  defect?: 'forged' | 'badTag' | 'badGrammar' | 'unstored';
  control?: boolean;
}

function id32(name: string, seq: number | bigint, content: string): string {
  return hex(seeded(`replay id ${name} ${seq} ${content}`, 32));
}

function offer(name: string, seq: number | bigint, m: More = {}): Members {
  const out: Members = {
    stream: stream(name, m),
    seq: seq.toString(),
    timestamp: (NOW + BigInt(m.at ?? 0)).toString(),
    id32: id32(name, seq, m.content ?? 'a'),
  };
  if (m.prev !== undefined) out['prev32'] = id32(name, BigInt(seq) - 1n, m.prev);
  if (m.leaf !== undefined) {
    out['leaf'] = m.leaf;
    out['leafCount'] = m.of ?? 3;
  }
  if (m.control === true) out['control'] = true;
  if (m.defect !== undefined) out[m.defect] = true;
  return out;
}

/** A time in milliseconds after NOW. */
function time(at: number): string {
  return (NOW + BigInt(at)).toString();
}

type Step = { step: Members; result: Members };

function result(expected: string, more: Members = {}): Members {
  return expected === 'new' ? { verdict: 'new', ...more } : { error: expected };
}

/** One offer and what it must answer: `new` or a code. */
function on(expected: string, name: string, seq: number | bigint, m: More = {}, more: Members = {}): Step {
  // Unless stated, a stored floor comes with the bound timestamp + 60,000.
  const { floor, bound, ...rest } = more;
  const stored: Members = floor === undefined ? {} : { floor, bound: bound ?? time((m.at ?? 0) + 60_000) };
  return { step: { offer: offer(name, seq, m) }, result: result(expected, { ...stored, ...rest }) };
}
function both(a: [string, Members], b: [string, Members]): Step {
  return { step: { offer2: [a[1], b[1]] }, result: { results: [result(a[0]), result(b[0])] } };
}
function restart(at: number): Step {
  return { step: { restart: { bootMs: (NOW + BigInt(at)).toString() } }, result: {} };
}

type Add = (id: string, comment: string, spec: string[], steps: Step[], options?: Members) => void;

function adder(g: Group, flags: string[]): Add {
  return (id, comment, spec, steps, options = {}) => {
    const results: Json[] = steps.map((s) => s.result);
    g.valid(id, { comment, in: { ...options, steps: steps.map((s) => s.step) }, out: { results }, spec, flags });
  };
}

function windows(file: VectorFile): void {
  const g = file.group('window', 'replay.run', 'replay', 'replay');
  const add = adder(g, []);
  const dup = adder(g, ['Replayed']);
  const order = adder(g, ['Reordered']);
  add('in-order', '1, 2, 3 are new', ['replay.8'], [on('new', 's', 1), on('new', 's', 2), on('new', 's', 3)]);
  dup(
    'duplicate',
    '1 is new, then E_REPLAY, however often (R01)',
    ['replay.7'],
    [on('new', 's', 1), on('E_REPLAY', 's', 1), on('E_REPLAY', 's', 1)],
  );
  order(
    'any-order',
    '5, 3, 4, 1, 2 are all new; then each is E_REPLAY',
    ['replay.7', 'replay.8'],
    [...[5, 3, 4, 1, 2].map((n) => on('new', 's', n)), ...[1, 2, 3, 4, 5].map((n) => on('E_REPLAY', 's', n))],
  );
  order(
    'first-is-high',
    'the first accepted is 1,000: 999 and 1 are in the window and new',
    ['replay.8'],
    [on('new', 's', 1000), on('new', 's', 999), on('new', 's', 1), on('E_REPLAY', 's', 1)],
  );
  dup(
    'edge-1024',
    'W = 1,024: after 1 and 1,025 the window is 2 to 1,025: 1 is too old (R02), 2 is new',
    ['replay.6', 'replay.8'],
    [on('new', 's', 1), on('new', 's', 1025), on('E_TOO_OLD', 's', 1), on('new', 's', 2), on('E_REPLAY', 's', 2)],
  );
  dup(
    'edge-1024-inside',
    'W = 1,024: after 1 and 1,024 the window still holds 1: E_REPLAY',
    ['replay.6', 'replay.7'],
    [on('new', 's', 1), on('new', 's', 1024), on('E_REPLAY', 's', 1), on('new', 's', 2)],
  );
  dup(
    'edge-64',
    'W = 64: after 1 and 65 the window is 2 to 65: 1 is too old, 2 is new',
    ['replay.6', 'replay.8'],
    [on('new', 's', 1), on('new', 's', 65), on('E_TOO_OLD', 's', 1), on('new', 's', 2)],
    { window: 64 },
  );
  dup(
    'edge-64-inside',
    'W = 64: after 1 and 64, 1 is seen and in the window',
    ['replay.7'],
    [on('new', 's', 1), on('new', 's', 64), on('E_REPLAY', 's', 1)],
    { window: 64 },
  );
  order(
    'never-seen-too-old',
    'W = 64: after 100, 36 was never seen and is too old; 37 is new',
    ['replay.6', 'replay.8'],
    [on('new', 's', 100), on('E_TOO_OLD', 's', 36), on('new', 's', 37)],
    { window: 64 },
  );
  add(
    'jump',
    'from 1 to 2^40 in one step (D07): the window moves, and the old one is gone',
    ['replay.10', 'replay.6'],
    [
      on('new', 's', 1),
      on('new', 's', 1n << 40n),
      on('E_REPLAY', 's', 1n << 40n),
      on('new', 's', (1n << 40n) - 1023n),
      on('E_TOO_OLD', 's', (1n << 40n) - 1024n),
      on('E_TOO_OLD', 's', 1),
    ],
  );
  add(
    'slots',
    'W = 64: 10 and 74 may share a slot of a bitmap: after 10 and 74, 11 and 73 are new; after 138, 75 and 137 are',
    ['replay.8'],
    [
      on('new', 's', 10),
      on('new', 's', 74),
      on('new', 's', 11),
      on('new', 's', 73),
      on('new', 's', 138),
      on('new', 's', 75),
      on('new', 's', 137),
      on('E_TOO_OLD', 's', 74),
    ],
    { window: 64 },
  );
  add(
    'jump-by-window',
    'W = 64: 1, 2, 3, then jumps of 64, 65 and 63; everything between is unseen',
    ['replay.8', 'replay.10'],
    [
      ...[1, 2, 3].map((n) => on('new', 's', n)),
      on('new', 's', 67),
      on('E_TOO_OLD', 's', 3),
      on('new', 's', 4),
      on('new', 's', 132),
      on('new', 's', 131),
      on('new', 's', 69),
      on('E_TOO_OLD', 's', 68),
      on('new', 's', 195),
      on('E_REPLAY', 's', 132),
      on('new', 's', 194),
    ],
    { window: 64 },
  );
  order(
    'whole-window-backwards',
    'W = 64: 64 down to 1, all new; 65 pushes out 1 only',
    ['replay.8'],
    [
      ...Array.from({ length: 64 }, (_, i) => on('new', 's', 64 - i)),
      on('new', 's', 65),
      on('E_TOO_OLD', 's', 1),
      on('E_REPLAY', 's', 2),
    ],
    { window: 64 },
  );
  order(
    'swapped-neighbours',
    '2, 1, 4, 3, 6, 5: each envelope counts one, however many records it has (H9)',
    ['replay.8'],
    [2, 1, 4, 3, 6, 5].map((n) => on('new', 's', n)),
  );
  add(
    'streams-apart',
    'the same number in another stream, of another sender, epoch or tag, is new',
    ['replay.1'],
    [
      on('new', 's', 1),
      on('new', 't', 1),
      on('new', 's', 1, { sender: hex(BOB.keyId) }),
      on('new', 's', 1, { epoch: EPOCH + 1 }),
      on('new', 's', 1, { tag: hex(OTHER_TAG) }),
      on('E_REPLAY', 's', 1),
      on('E_REPLAY', 's', 1, { sender: hex(BOB.keyId) }),
    ],
  );
  add(
    'windows-apart',
    'a jump in one stream leaves the window of another alone',
    ['replay.1', 'replay.6'],
    [on('new', 's', 1), on('new', 't', 5000), on('new', 's', 2), on('E_REPLAY', 's', 1)],
  );
  add(
    'sender-by-key-id',
    'a stream is told apart by the sender_id, the first 16 bytes of the key id: what follows them does not count',
    ['replay.1'],
    [on('new', 's', 1), on('E_REPLAY', 's', 1, { sender: hex(ALICE.keyId).slice(0, 32) + hex(BOB.keyId).slice(32) })],
  );
}

function failures(file: VectorFile): void {
  const g = file.group('failures', 'replay.run', 'replay', 'replay');
  const add = adder(g, ['WindowAbuse']);
  add(
    'bad-signature',
    '5,000 with a bad signature is E_SIG and moves nothing: 2 and then the honest 5,000 are new (R05)',
    ['replay.9', 'envelope.28'],
    [on('new', 's', 1), on('E_SIG', 's', 5000, { defect: 'forged' }), on('new', 's', 2), on('new', 's', 5000)],
  );
  add(
    'bad-tag',
    '5,000 with a bad tag is E_AEAD and moves nothing: 2 and then the honest 5,000 are new (R06)',
    ['replay.9', 'envelope.28'],
    [on('new', 's', 1), on('E_AEAD', 's', 5000, { defect: 'badTag' }), on('new', 's', 2), on('new', 's', 5000)],
  );
  add(
    'bad-grammar',
    '5,000 with bad records under a valid signature is E_ENCODING and recorded: again it is E_REPLAY, and 2 is too old',
    ['replay.9', 'envelope.28'],
    [
      on('new', 's', 1),
      on('E_ENCODING', 's', 5000, { defect: 'badGrammar' }),
      on('E_REPLAY', 's', 5000),
      on('E_TOO_OLD', 's', 2),
      on('new', 's', 5001),
    ],
  );
  add(
    'bad-signature-first',
    'a stream whose first envelope is forged is not held; the honest one is new',
    ['replay.9'],
    [on('E_SIG', 's', 1, { defect: 'forged' }), on('new', 's', 1)],
  );
  add(
    'bad-signature-duplicate',
    'a forged envelope with a number that was seen and the same id is E_REPLAY: the look-up comes before the signature',
    ['replay.7', 'envelope.27'],
    [on('new', 's', 1), on('E_REPLAY', 's', 1, { defect: 'forged' })],
  );
  add(
    'bad-signature-no-eviction',
    'one stream may be held: a forged second stream, and one with a bad tag, do not evict the first',
    ['replay.9', 'replay.17'],
    [
      on('new', 's', 1),
      on('E_SIG', 't', 1, { at: 10, defect: 'forged' }),
      on('E_AEAD', 'u', 1, { at: 10, defect: 'badTag' }),
      on('E_REPLAY', 's', 1),
      on('new', 's', 2),
    ],
    { streamCap: 1 },
  );
  add(
    'too-old-before-signature',
    'a forged envelope below the window is E_TOO_OLD',
    ['replay.6', 'envelope.27'],
    [on('new', 's', 5000), on('E_TOO_OLD', 's', 1, { defect: 'forged' })],
  );
}

function forks(file: VectorFile): void {
  const g = file.group('fork', 'replay.run', 'replay', 'replay');
  const add = adder(g, ['Fork']);
  add(
    'same-number',
    '1 with another id under a valid signature is E_FORK (R17); the first stays, 2 is new',
    ['replay.12', 'replay.14'],
    [
      on('new', 's', 1),
      on('E_FORK', 's', 1, { content: 'b' }),
      on('E_REPLAY', 's', 1),
      on('E_FORK', 's', 1, { content: 'b' }),
      on('new', 's', 2),
    ],
  );
  add(
    'new-timestamp',
    'the same number with another timestamp, hence another id, is E_FORK (R10)',
    ['replay.12'],
    [on('new', 's', 1), on('E_FORK', 's', 1, { content: 'b', at: 5000 })],
  );
  add(
    'forged',
    'another id without a valid signature is E_SIG: a stranger raises no alarm',
    ['replay.12'],
    [on('new', 's', 1), on('E_SIG', 's', 1, { content: 'b', defect: 'forged' }), on('E_REPLAY', 's', 1)],
  );
  add(
    'bad-tag',
    'another id, validly signed, that would not open: step 12 comes before step 13',
    ['replay.12', 'envelope.27'],
    [on('new', 's', 1), on('E_FORK', 's', 1, { content: 'b', defect: 'badTag' })],
  );
  add(
    'after-bad-grammar',
    'what failed in step 14 is accepted too, so another id under its number is E_FORK',
    ['replay.12', 'envelope.28'],
    [on('E_ENCODING', 's', 1, { defect: 'badGrammar' }), on('E_FORK', 's', 1, { content: 'b' })],
  );
  add(
    'evidence-64',
    'after 1 and 64, evidence for 1 is held (1 > 64 - 64): E_FORK; after 65 it is not: E_REPLAY',
    ['replay.11', 'replay.12'],
    [
      on('new', 's', 1),
      on('new', 's', 64),
      on('E_FORK', 's', 1, { content: 'b' }),
      on('new', 's', 65),
      on('E_REPLAY', 's', 1, { content: 'b' }),
    ],
  );
  add(
    'evidence-late',
    'after 100: 37 is accepted late and is evidence (37 > 36), 36 is accepted and is not',
    ['replay.11', 'replay.12'],
    [
      on('new', 's', 100),
      on('new', 's', 37),
      on('new', 's', 36),
      on('E_FORK', 's', 37, { content: 'b' }),
      on('E_REPLAY', 's', 36, { content: 'b' }),
    ],
  );
  add(
    'too-old',
    'W = 64: after 1 and 65, another id under 1 is too old',
    ['replay.6', 'replay.12'],
    [on('new', 's', 1), on('new', 's', 65), on('E_TOO_OLD', 's', 1, { content: 'b' })],
    { window: 64 },
  );
  const two = { evidenceStreams: 2 };
  add(
    'evidence-streams',
    'evidence for two streams: after s, t and u that of s is gone (E_REPLAY), those of t and u are there',
    ['replay.11', 'replay.12'],
    [
      on('new', 's', 1),
      on('new', 't', 1),
      on('new', 'u', 1),
      on('E_REPLAY', 's', 1, { content: 'b' }),
      on('E_FORK', 't', 1, { content: 'b' }),
      on('E_FORK', 'u', 1, { content: 'b' }),
    ],
    two,
  );
  add(
    'evidence-streams-used',
    'evidence for two streams: s is used again before u comes, so that of t goes',
    ['replay.11'],
    [
      on('new', 's', 1),
      on('new', 't', 1),
      on('new', 's', 2),
      on('new', 'u', 1),
      on('E_FORK', 's', 1, { content: 'b' }),
      on('E_REPLAY', 't', 1, { content: 'b' }),
    ],
    two,
  );
  add(
    'evidence-streams-refused',
    'evidence for two streams: a refusal is no use of s, so that of s goes when u comes',
    ['replay.11'],
    [
      on('new', 's', 1),
      on('new', 't', 1),
      on('E_REPLAY', 's', 1),
      on('E_FORK', 's', 1, { content: 'b' }),
      on('new', 'u', 1),
      on('E_REPLAY', 's', 1, { content: 'b' }),
      on('E_FORK', 't', 1, { content: 'b' }),
    ],
    two,
  );
  add(
    'evidence-streams-back',
    'evidence for two streams: when s is used again, evidence starts with that envelope',
    ['replay.11'],
    [
      on('new', 's', 1),
      on('new', 't', 1),
      on('new', 'u', 1),
      on('new', 's', 2),
      on('E_REPLAY', 's', 1, { content: 'b' }),
      on('E_FORK', 's', 2, { content: 'b' }),
      on('E_REPLAY', 't', 1, { content: 'b' }),
    ],
    two,
  );

  const p = ['replay.13'];
  add('prev-right', '2 names the id of 1', p, [on('new', 's', 1), on('new', 's', 2, { prev: 'a' })]);
  add(
    'prev-wrong',
    '2 names another id than that of 1: E_FORK (R18), nothing is marked; a 2 that names it rightly is new',
    ['replay.13', 'replay.14'],
    [
      on('new', 's', 1),
      on('E_FORK', 's', 2, { prev: 'b', content: 'b' }),
      on('new', 's', 2, { prev: 'a' }),
      on('new', 's', 3, { prev: 'a' }),
    ],
  );
  add('prev-wrong-forged', 'a wrong name under a bad signature is E_SIG', p, [
    on('new', 's', 1),
    on('E_SIG', 's', 2, { prev: 'b', defect: 'forged' }),
  ]);
  add('prev-unknown', '3 names an id of 2, which was never accepted: nothing to compare', p, [
    on('new', 's', 1),
    on('new', 's', 3, { prev: 'b' }),
  ]);
  add('prev-evidence-gone', 'after 1 and 65 there is no evidence for 1: 2 may name anything', p, [
    on('new', 's', 1),
    on('new', 's', 65),
    on('new', 's', 2, { prev: 'b' }),
  ]);
  add('prev-late', '2 came first; 1 comes late, and 3 names 2', p, [
    on('new', 's', 2, { prev: 'a' }),
    on('new', 's', 1),
    on('new', 's', 3, { prev: 'a' }),
  ]);
  add('prev-other-stream', 'evidence of another stream says nothing', p, [
    on('new', 't', 1, { content: 'b' }),
    on('new', 's', 2, { prev: 'b' }),
  ]);
  add(
    'prev-of-forked',
    'a 2 that follows the forked 1 is E_FORK, one that follows the first is new',
    ['replay.13', 'replay.14'],
    [
      on('new', 's', 1),
      on('E_FORK', 's', 1, { content: 'b' }),
      on('E_FORK', 's', 2, { content: 'b', prev: 'b' }),
      on('new', 's', 2, { prev: 'a' }),
    ],
  );
}

function admission(file: VectorFile): void {
  const g = file.group('admission', 'replay.run', 'replay', 'replay');
  const add = adder(g, ['Admission']);
  const two = { streamCap: 2 };
  add(
    'evict-lowest',
    'two streams may be held: s (10), t (20); u (30) evicts s and evict_ts becomes 10: s at 10 is too old, t stays',
    ['replay.15', 'replay.16'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 30 }),
      on('E_TOO_OLD', 's', 1, { at: 10 }),
      on('E_REPLAY', 't', 1, { at: 20 }),
      on('E_REPLAY', 'u', 1, { at: 30 }),
    ],
    two,
  );
  add(
    'evict-lowest-not-oldest',
    't was admitted later and has the lower timestamp: u evicts t',
    ['replay.16'],
    [
      on('new', 's', 1, { at: 20 }),
      on('new', 't', 1, { at: 10 }),
      on('new', 'u', 1, { at: 30 }),
      on('E_REPLAY', 's', 1, { at: 20 }),
      on('E_TOO_OLD', 't', 1, { at: 10 }),
    ],
    two,
  );
  add(
    'evict-by-highest-accepted',
    'the highest accepted timestamp counts, not the latest: s has 50 and then 10, t has 20: u evicts t',
    ['replay.16'],
    [
      on('new', 's', 1, { at: 50 }),
      on('new', 's', 2, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 60 }),
      on('E_REPLAY', 's', 1, { at: 50 }),
      on('E_TOO_OLD', 't', 1, { at: 20 }),
    ],
    two,
  );
  add(
    'evict-tie',
    's and t have equal timestamps: u evicts s, the earlier admitted',
    ['replay.16'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 1, { at: 10 }),
      on('new', 'u', 1, { at: 20 }),
      on('E_TOO_OLD', 's', 1, { at: 10 }),
      on('E_REPLAY', 't', 1, { at: 10 }),
    ],
    two,
  );
  add(
    'evict-lower-newcomer',
    'the newcomer u (5) has the lowest timestamp of all: one of the two that were held goes, s (10)',
    ['replay.16'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 5 }),
      on('E_REPLAY', 'u', 1, { at: 5 }),
      on('E_TOO_OLD', 's', 1, { at: 10 }),
      on('E_REPLAY', 't', 1, { at: 20 }),
    ],
    two,
  );
  add(
    'evict-ts-boundary',
    'evict_ts is 10: a new stream at 10 is too old, at 11 it is admitted',
    ['replay.15'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 30 }),
      on('E_TOO_OLD', 'v', 1, { at: 10 }),
      on('new', 'v', 1, { at: 11 }),
    ],
    two,
  );
  add(
    'evict-ts-unseen-number',
    'a number of the evicted stream that was never seen is too old as well',
    ['replay.15'],
    [
      on('new', 's', 2, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 30 }),
      on('E_TOO_OLD', 's', 1, { at: 9 }),
    ],
    two,
  );
  add(
    'evict-ts-rises',
    'evict_ts rises with each eviction: 10, then 20',
    ['replay.15', 'replay.16'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 30 }),
      on('new', 'v', 1, { at: 40 }),
      on('E_TOO_OLD', 'w', 1, { at: 20 }),
      on('new', 'w', 1, { at: 21 }),
    ],
    two,
  );
  add(
    'evicted-comes-back',
    'the evicted stream is admitted again by a later envelope',
    ['replay.15'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 30 }),
      on('new', 's', 2, { at: 40 }),
      on('E_REPLAY', 's', 2, { at: 40 }),
    ],
    two,
  );
  add(
    'evicted-comes-back-without-its-past',
    's (10) is evicted by u and comes back with 2 at 11; 1 at 10 was accepted before and is too old, 3 at 12 is new',
    ['replay.15'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 30 }),
      on('new', 's', 2, { at: 11 }),
      on('E_TOO_OLD', 's', 1, { at: 10 }),
      on('new', 's', 3, { at: 12 }),
    ],
    two,
  );
  add(
    'admitted-before-the-raise',
    'the eviction that admits u (15) raises evict_ts to 20, which does not count for u itself: 2 at 16 is new',
    ['replay.15'],
    [
      on('new', 's', 1, { at: 20 }),
      on('new', 't', 1, { at: 30 }),
      on('new', 'u', 1, { at: 15 }),
      on('new', 'u', 2, { at: 16 }),
    ],
    two,
  );
  add(
    'evicted-evidence-goes',
    'with the evicted stream its evidence goes: when s is back with 2, what 2 says of 1 is not compared',
    ['replay.11', 'replay.13'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 30 }),
      on('new', 's', 2, { at: 40, prev: 'b' }),
    ],
    two,
  );
  add(
    'held-needs-no-admission',
    'a stream that is held goes on below evict_ts: t sends late at 5 while evict_ts is 10',
    ['replay.15'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 2, { at: 20 }),
      on('new', 'u', 1, { at: 30 }),
      on('new', 't', 1, { at: 5 }),
    ],
    two,
  );
  add(
    'groups-apart',
    'the cap is for one sender, epoch and tag: streams of other ones evict nothing',
    ['replay.16', 'replay.17'],
    [
      on('new', 's', 1),
      on('new', 's', 1, { sender: hex(BOB.keyId) }),
      on('new', 's', 1, { epoch: EPOCH + 1 }),
      on('new', 's', 1, { tag: hex(OTHER_TAG) }),
      on('E_REPLAY', 's', 1),
    ],
    { streamCap: 1 },
  );
  add(
    'no-eviction-below-cap',
    '64 streams are held: none of them is forgotten',
    ['replay.17'],
    [
      ...Array.from({ length: 64 }, (_, i) => on('new', `n${i}`, 1, { at: i })),
      ...[0, 31, 63].map((i) => on('E_REPLAY', `n${i}`, 1, { at: i })),
    ],
  );
  add(
    'cap-64',
    'the 65th stream evicts the one with the lowest timestamp, the first',
    ['replay.16'],
    [
      ...Array.from({ length: 65 }, (_, i) => on('new', `n${i}`, 1, { at: i })),
      on('E_TOO_OLD', 'n0', 1, { at: 0 }),
      on('E_REPLAY', 'n1', 1, { at: 1 }),
      on('E_REPLAY', 'n64', 1, { at: 64 }),
    ],
  );
  add(
    'order-too-old-before-signature',
    'a forged envelope of a stream that would not be admitted is E_TOO_OLD',
    ['replay.15', 'envelope.27'],
    [
      on('new', 's', 1, { at: 10 }),
      on('new', 't', 1, { at: 20 }),
      on('new', 'u', 1, { at: 30 }),
      on('E_TOO_OLD', 'v', 1, { at: 10, defect: 'forged' }),
    ],
    two,
  );
}

function jobs(file: VectorFile): void {
  const g = file.group('jobs', 'replay.run', 'replay', 'replay');
  const add = adder(g, ['Replayed']);
  const leaf = (n: number, more: More = {}): More => ({ leaf: n, ...more });
  add(
    'leaves',
    'three leaves in any order are new, each once; when all are seen the number is',
    ['replay.19', 'replay.20'],
    [
      on('new', 's', 1, leaf(2)),
      on('new', 's', 1, leaf(0)),
      on('E_REPLAY', 's', 1, leaf(0)),
      on('E_REPLAY', 's', 1, leaf(2)),
      on('new', 's', 1, leaf(1)),
      on('E_REPLAY', 's', 1, leaf(1)),
      on('E_REPLAY', 's', 1),
    ],
  );
  add(
    'whole-after-leaf',
    'a whole envelope of which a leaf was seen is E_REPLAY; the other leaves stay new',
    ['replay.20', 'replay.19'],
    [on('new', 's', 1, leaf(0)), on('E_REPLAY', 's', 1), on('new', 's', 1, leaf(1)), on('new', 's', 1, leaf(2))],
  );
  add(
    'leaf-after-whole',
    'a leaf of an envelope that was accepted whole is E_REPLAY',
    ['replay.7', 'replay.19'],
    [on('new', 's', 1), on('E_REPLAY', 's', 1, leaf(0)), on('E_REPLAY', 's', 1, leaf(2))],
  );
  add(
    'one-leaf',
    'a batch of one leaf: its leaf is all of it',
    ['replay.19', 'replay.20'],
    [on('new', 's', 1, leaf(0, { of: 1 })), on('E_REPLAY', 's', 1, leaf(0, { of: 1 })), on('E_REPLAY', 's', 1)],
  );
  add(
    'leaf-moves-hi',
    'the first leaf of 5,000 moves hi: 1 is too old; the number is not marked, so another leaf is new',
    ['replay.19', 'replay.6'],
    [
      on('new', 's', 1),
      on('new', 's', 5000, leaf(0)),
      on('E_TOO_OLD', 's', 2),
      on('new', 's', 5000, leaf(1)),
      on('new', 's', 4999),
    ],
  );
  add(
    'leaf-too-old',
    'W = 64: after a leaf of 1, and 65, all leaves of 1 are too old, seen or not',
    ['replay.6', 'replay.19'],
    [
      on('new', 's', 1, leaf(0)),
      on('new', 's', 65),
      on('E_TOO_OLD', 's', 1, leaf(0)),
      on('E_TOO_OLD', 's', 1, leaf(1)),
      on('E_TOO_OLD', 's', 1),
    ],
    { window: 64 },
  );
  add(
    'leaf-inside-window',
    'W = 64: after a leaf of 1, and 64, the other leaves of 1 are new',
    ['replay.8', 'replay.19'],
    [on('new', 's', 1, leaf(0)), on('new', 's', 64), on('new', 's', 1, leaf(1)), on('E_REPLAY', 's', 1, leaf(0))],
    { window: 64 },
  );
  add(
    'last-of-4096',
    'leaf 4,095 of 4,096, then leaf 0',
    ['replay.19'],
    [
      on('new', 's', 1, leaf(4095, { of: 4096 })),
      on('new', 's', 1, leaf(0, { of: 4096 })),
      on('E_REPLAY', 's', 1, leaf(4095, { of: 4096 })),
    ],
  );
  add(
    'leaves-of-streams-apart',
    'leaf 0 of 1 in another stream is another leaf',
    ['replay.1', 'replay.19'],
    [
      on('new', 's', 1, leaf(0)),
      on('new', 't', 1, leaf(0)),
      on('new', 's', 2, leaf(0)),
      on('E_REPLAY', 's', 1, leaf(0)),
    ],
  );
  const abuse = adder(g, ['WindowAbuse']);
  abuse(
    'forged-leaf',
    'a forged leaf, and one with a bad tag, mark nothing',
    ['replay.9', 'replay.19'],
    [
      on('E_SIG', 's', 1, leaf(0, { defect: 'forged' })),
      on('E_AEAD', 's', 1, leaf(0, { defect: 'badTag' })),
      on('new', 's', 1, leaf(0)),
      on('E_SIG', 's', 1, leaf(1, { defect: 'forged' })),
      on('new', 's', 1, leaf(1)),
    ],
  );
  abuse(
    'bad-grammar-leaf',
    'a leaf with bad records under a valid signature is recorded; the other leaves stay new',
    ['envelope.28', 'replay.19'],
    [
      on('E_ENCODING', 's', 1, leaf(0, { defect: 'badGrammar' })),
      on('E_REPLAY', 's', 1, leaf(0)),
      on('new', 's', 1, leaf(1)),
      on('new', 's', 1, leaf(2)),
      on('E_REPLAY', 's', 1),
    ],
  );
  const fork = adder(g, ['Fork']);
  fork(
    'fork-after-all',
    'all leaves of 1 were seen: a leaf, or the whole, of another envelope with that number is E_FORK',
    ['replay.12'],
    [
      on('new', 's', 1, leaf(0, { of: 2 })),
      on('new', 's', 1, leaf(1, { of: 2 })),
      on('E_FORK', 's', 1, leaf(0, { of: 2, content: 'b' })),
      on('E_FORK', 's', 1, { content: 'b' }),
    ],
  );
  fork(
    'fork-unseen-leaf',
    'leaf 0 of one envelope was accepted: leaf 1 of another envelope with that number is E_FORK; leaf 1 of the first is new',
    ['replay.12', 'replay.14'],
    [on('new', 's', 1, leaf(0)), on('E_FORK', 's', 1, leaf(1, { content: 'b' })), on('new', 's', 1, leaf(1))],
  );
  fork(
    'fork-unseen-leaf-forged',
    'the same without a valid signature is E_SIG',
    ['replay.12', 'replay.14'],
    [
      on('new', 's', 1, leaf(0)),
      on('E_SIG', 's', 1, leaf(1, { content: 'b', defect: 'forged' })),
      on('new', 's', 1, leaf(1)),
    ],
  );
  fork(
    'fork-whole-after-leaf',
    'leaf 0 of one envelope was accepted: the whole of another envelope with that number is E_FORK',
    ['replay.12', 'replay.14'],
    [on('new', 's', 1, leaf(0)), on('E_FORK', 's', 1, { content: 'b' }), on('new', 's', 1, leaf(1))],
  );
  fork(
    'fork-leaf-evidence-gone',
    'after a leaf of 1, and 65, evidence for 1 is gone: leaf 1 of another envelope with that number is E_REPLAY, leaf 1 of the first is new',
    ['replay.11', 'replay.12', 'replay.14'],
    [
      on('new', 's', 1, leaf(0)),
      on('new', 's', 65),
      on('E_REPLAY', 's', 1, leaf(1, { content: 'b' })),
      on('new', 's', 1, leaf(1)),
    ],
  );
  fork(
    'prev-of-leaf',
    'an accepted leaf is evidence of its envelope: 2 must name its id',
    ['replay.11', 'replay.13'],
    [on('new', 's', 1, leaf(0)), on('E_FORK', 's', 2, { content: 'b', prev: 'b' }), on('new', 's', 2, { prev: 'a' })],
  );
}

function restarts(file: VectorFile): void {
  const g = file.group('restart', 'replay.run', 'replay', 'replay');
  const add = adder(g, ['Restart']);
  const durable = { durable: true };
  const boot = { bootMs: NOW.toString() };
  add(
    'volatile-boot',
    'a volatile receiver started at 0 s: 30.000 s (boot + skew) is too old, 30.001 s is new',
    ['replay.25'],
    [
      on('E_TOO_OLD', 's', 1, { at: 0 }),
      on('E_TOO_OLD', 's', 1, { at: 29_999 }),
      on('E_TOO_OLD', 's', 1, { at: 30_000 }),
      on('new', 's', 1, { at: 30_001 }),
    ],
    boot,
  );
  add(
    'volatile-boot-skew',
    'the same with a skew of a second',
    ['replay.25'],
    [on('E_TOO_OLD', 's', 1, { at: 1000 }), on('new', 's', 1, { at: 1001 })],
    { ...boot, skewMs: '1000' },
  );
  add(
    'volatile-restart',
    'a sender 20 s ahead, a restart 3 s later: what was accepted before is too old, what is sealed after boot + skew is new (H10)',
    ['replay.25'],
    [
      on('new', 's', 1, { at: 20_000 }),
      on('new', 's', 2, { at: 20_000 }),
      restart(3_000),
      on('E_TOO_OLD', 's', 1, { at: 20_000 }),
      on('E_TOO_OLD', 's', 3, { at: 33_000 }),
      on('new', 's', 3, { at: 33_001 }),
    ],
  );
  add(
    'volatile-before-window',
    'after a restart even a duplicate is E_TOO_OLD first: replay.25 comes before the window',
    ['replay.25', 'replay.7'],
    [on('new', 's', 2, { at: 40_000 }), on('E_TOO_OLD', 's', 2, { at: 30_000 })],
    boot,
  );
  add(
    'volatile-before-signature',
    'a forged envelope from before boot + skew is E_TOO_OLD',
    ['replay.25', 'envelope.27'],
    [on('E_TOO_OLD', 's', 1, { at: 30_000, defect: 'forged' })],
    boot,
  );
  add(
    'control-volatile',
    'a control message without durable state is E_REPLAY_STATE, before anything else in step 11',
    ['replay.26'],
    [
      on('E_REPLAY_STATE', 's', 1, { at: 40_000, control: true }),
      on('E_REPLAY_STATE', 's', 1, { at: 0, control: true }),
      on('E_REPLAY_STATE', 's', 1, { at: 40_000, control: true, defect: 'forged' }),
      on('new', 's', 1, { at: 40_000 }),
    ],
    boot,
  );
  add(
    'control-durable',
    'a control message with durable state is new, once',
    ['replay.26', 'replay.22'],
    [on('new', 's', 1, { control: true }, { floor: '65' }), on('E_REPLAY', 's', 1, { control: true })],
    durable,
  );

  add(
    'floor',
    'a durable receiver stores 65 before it accepts 1, nothing for 2 to 65, and 130 before it accepts 66',
    ['replay.22'],
    [
      on('new', 's', 1, {}, { floor: '65' }),
      on('new', 's', 2),
      on('new', 's', 64),
      on('new', 's', 65),
      on('new', 's', 66, {}, { floor: '130' }),
      on('new', 's', 130),
      on('new', 's', 131, {}, { floor: '195' }),
    ],
    durable,
  );
  add(
    'floor-first-is-high',
    '1,000 comes first: floor 1,064; 500 stands below the floor and was not seen in this life: new',
    ['replay.22', 'replay.8'],
    [
      on('new', 's', 1000, {}, { floor: '1064' }),
      on('new', 's', 500),
      on('E_REPLAY', 's', 500),
      on('new', 's', 1064),
      on('new', 's', 1065, {}, { floor: '1129' }),
    ],
    durable,
  );
  add(
    'floor-duplicate',
    'a duplicate, a forgery and a bad tag store nothing',
    ['replay.22', 'replay.9'],
    [
      on('E_SIG', 's', 1, { defect: 'forged' }),
      on('E_AEAD', 's', 1, { defect: 'badTag' }),
      on('new', 's', 1, {}, { floor: '65' }),
      on('E_REPLAY', 's', 1),
    ],
    durable,
  );
  add(
    'floor-restart',
    'after a restart nothing up to the floor 65 is accepted (R16), seen or not; 66 is',
    ['replay.23', 'replay.22'],
    [
      on('new', 's', 1, {}, { floor: '65' }),
      on('new', 's', 2),
      restart(1000),
      on('E_REPLAY', 's', 1),
      on('E_REPLAY', 's', 2),
      on('E_REPLAY', 's', 3),
      on('E_REPLAY', 's', 65),
      on('new', 's', 66, {}, { floor: '130' }),
      on('new', 's', 67),
    ],
    durable,
  );
  add(
    'floor-restart-twice',
    'two restarts: the floors add up',
    ['replay.22', 'replay.23'],
    [
      on('new', 's', 1, {}, { floor: '65' }),
      restart(1000),
      on('new', 's', 66, {}, { floor: '130' }),
      restart(2000),
      on('E_REPLAY', 's', 66),
      on('E_REPLAY', 's', 130),
      on('new', 's', 131, {}, { floor: '195' }),
    ],
    durable,
  );
  add(
    'floor-no-boot-rule',
    'a durable receiver needs no boot + skew: after a restart an older timestamp of a new stream, and of a held one, is new',
    ['replay.22', 'replay.25'],
    [
      on('new', 's', 1, { at: 0 }, { floor: '65' }),
      restart(1000),
      on('new', 't', 1, { at: 0 }, { floor: '65' }),
      on('new', 's', 66, { at: 0 }, { floor: '130' }),
    ],
    durable,
  );
  add(
    'floor-forgets-evidence',
    'evidence is not stored: after a restart another id under 1 is E_REPLAY',
    ['replay.23', 'replay.12'],
    [
      on('new', 's', 1, {}, { floor: '65' }),
      on('E_FORK', 's', 1, { content: 'b' }),
      restart(1000),
      on('E_REPLAY', 's', 1, { content: 'b' }),
    ],
    durable,
  );
  add(
    'floor-bad-grammar',
    'what fails in step 14 is accepted, so the floor is stored: after a restart it is E_REPLAY',
    ['envelope.28', 'replay.22', 'replay.23'],
    [
      on('E_ENCODING', 's', 1, { defect: 'badGrammar' }),
      restart(1000),
      on('E_REPLAY', 's', 1),
      on('new', 's', 66, {}, { floor: '130' }),
    ],
    durable,
  );
  add(
    'floor-forged-restart',
    'a forgery stores nothing: after a restart the honest 1 is new',
    ['replay.9', 'replay.22'],
    [on('E_SIG', 's', 1, { defect: 'forged' }), restart(1000), on('new', 's', 1, {}, { floor: '65' })],
    durable,
  );
  add(
    'bound',
    'the bound runs 60,000 ms ahead: 60,000 needs no storing, 60,001 does, and the floor goes with it',
    ['replay.22'],
    [
      on('new', 's', 1, { at: 0 }, { floor: '65', bound: time(60_000) }),
      on('new', 's', 2, { at: 60_000 }),
      on('new', 's', 3, { at: 60_001 }, { floor: '67', bound: time(120_001) }),
      on('new', 's', 67, { at: 120_001 }),
    ],
    durable,
  );
  add(
    'bound-lowers-no-floor',
    '100 at 0 stores 164; 2 at 60,001 stores a new bound and does not lower the floor',
    ['replay.22'],
    [
      on('new', 's', 100, { at: 0 }, { floor: '164', bound: time(60_000) }),
      on('new', 's', 2, { at: 60_001 }, { floor: '164', bound: time(120_001) }),
      on('new', 's', 164, { at: 120_001 }),
    ],
    durable,
  );
  add(
    'floor-lowers-no-bound',
    '1 at 70,000 stores the bound 130,000; 66 at 0 stores a new floor and does not lower the bound',
    ['replay.22'],
    [
      on('new', 's', 1, { at: 70_000 }, { floor: '65', bound: time(130_000) }),
      on('new', 's', 66, { at: 0 }, { floor: '130', bound: time(130_000) }),
      on('new', 's', 67, { at: 130_000 }),
    ],
    durable,
  );
  const last = Number((1n << 53n) - 1n - NOW);
  add(
    'bound-limit',
    'the bound stops at 2^53 - 1: at 2^53 - 60,001 it is just reached, at 2^53 - 1 nothing more has to be stored',
    ['replay.22'],
    [
      on('new', 's', 1, { at: last - 60_000 }, { floor: '65', bound: '9007199254740991' }),
      on('new', 's', 2, { at: last }),
      on('new', 't', 1, { at: last }, { floor: '65', bound: '9007199254740991' }),
    ],
    durable,
  );
  add(
    'bound-covers-eviction',
    'two streams: s has 1 (10) and 2 (100), t has 1 (200); after a restart u evicts s by its bound, 60,010, so that a replay of 2 (100) is too old',
    ['replay.22', 'replay.23', 'replay.16'],
    [
      on('new', 's', 1, { at: 10 }, { floor: '65' }),
      on('new', 's', 2, { at: 100 }),
      on('new', 't', 1, { at: 200 }, { floor: '65' }),
      restart(1000),
      on('new', 'u', 1, { at: 300 }, { floor: '65', evictTs: time(60_010) }),
      on('E_TOO_OLD', 's', 2, { at: 100 }),
      on('E_TOO_OLD', 's', 66, { at: 60_010 }),
    ],
    { durable: true, streamCap: 2 },
  );
  add(
    'unstored-bound',
    'storing fails: 60,001 is above the bound and E_REPLAY_STATE, 60,000 is not and new',
    ['replay.27', 'replay.22'],
    [
      on('new', 's', 1, { at: 0 }, { floor: '65' }),
      on('E_REPLAY_STATE', 's', 2, { at: 60_001, defect: 'unstored' }),
      on('new', 's', 3, { at: 60_000, defect: 'unstored' }),
      on('new', 's', 2, { at: 60_001 }, { floor: '66', bound: time(120_001) }),
    ],
    durable,
  );
  add(
    'floor-leaves',
    'the first leaf stores the floor; after a restart the leaves that were not seen are lost: E_REPLAY',
    ['replay.22', 'replay.23', 'replay.19'],
    [
      on('new', 's', 1, { leaf: 0 }, { floor: '65' }),
      on('new', 's', 1, { leaf: 1 }),
      restart(1000),
      on('E_REPLAY', 's', 1, { leaf: 1 }),
      on('E_REPLAY', 's', 1, { leaf: 2 }),
    ],
    durable,
  );
  add(
    'unstored',
    'storing fails: E_REPLAY_STATE and nothing has changed; what needs no storing is new',
    ['replay.27'],
    [
      on('E_REPLAY_STATE', 's', 1, { defect: 'unstored' }),
      on('new', 's', 1, {}, { floor: '65' }),
      on('new', 's', 65, { defect: 'unstored' }),
      on('E_REPLAY_STATE', 's', 66, { defect: 'unstored' }),
      on('new', 's', 64),
      on('new', 's', 66, {}, { floor: '130' }),
    ],
    durable,
  );
  add(
    'unstored-volatile',
    'a volatile receiver stores nothing, so nothing can fail',
    ['replay.27'],
    [on('new', 's', 1, { defect: 'unstored' })],
  );
  add(
    'unstored-duplicate',
    'a duplicate is E_REPLAY, whether storing works or not',
    ['replay.27', 'replay.7'],
    [on('new', 's', 1, {}, { floor: '65' }), on('E_REPLAY', 's', 1, { defect: 'unstored' })],
    durable,
  );

  const cap = { durable: true, streamCap: 2 };
  add(
    'evict-stored',
    's (10), t (20): u (30) evicts s and stores evict_ts 10 first; it holds after a restart, and then t counts with its bound, 60,020',
    ['replay.24', 'replay.15'],
    [
      on('new', 's', 1, { at: 10 }, { floor: '65' }),
      on('new', 't', 1, { at: 20 }, { floor: '65' }),
      on('new', 'u', 1, { at: 30 }, { floor: '65', evictTs: '1750000000010' }),
      restart(1000),
      on('E_TOO_OLD', 's', 1, { at: 10 }),
      on('E_REPLAY', 't', 1, { at: 20 }),
      on('E_REPLAY', 'u', 1, { at: 30 }),
      on('new', 'v', 1, { at: 40 }, { floor: '65', evictTs: time(60_020) }),
    ],
    cap,
  );
  add(
    'evict-unstored',
    'storing fails: E_REPLAY_STATE, and neither is u admitted nor s evicted',
    ['replay.24', 'replay.27'],
    [
      on('new', 's', 1, { at: 10 }, { floor: '65' }),
      on('new', 't', 1, { at: 20 }, { floor: '65' }),
      on('E_REPLAY_STATE', 'u', 1, { at: 30, defect: 'unstored' }),
      on('E_REPLAY', 's', 1, { at: 10 }),
      on('new', 's', 2, { at: 11 }),
      on('new', 'u', 1, { at: 30 }, { floor: '65', evictTs: '1750000000011' }),
    ],
    cap,
  );
  const floorOf = (name: string, floor: string, at: number): Members => ({
    stream: stream(name),
    floor,
    bound: time(at),
  });
  add(
    'given-floor',
    'an earlier life stored floor 200: 137 and 200 are E_REPLAY, 201 is new',
    ['replay.23', 'replay.22'],
    [
      on('E_REPLAY', 's', 200),
      on('E_REPLAY', 's', 137),
      on('E_REPLAY', 's', 1),
      on('new', 's', 201, {}, { floor: '265' }),
      on('new', 't', 1, {}, { floor: '65' }),
    ],
    { ...durable, ...boot, floors: [floorOf('s', '200', 0)] },
  );
  add(
    'given-floor-too-old',
    'floor 2,000 is hi and W is 1,024: 977 is E_REPLAY, 976 stands below the window and is E_TOO_OLD',
    ['replay.23', 'replay.6'],
    [on('E_REPLAY', 's', 977), on('E_TOO_OLD', 's', 976), on('new', 's', 2001, {}, { floor: '2065' })],
    { ...durable, ...boot, floors: [floorOf('s', '2000', 0)] },
  );
  add(
    'given-floors-held',
    'streams with floors are held from the start and keep their order: u (30) evicts t (10)',
    ['replay.23', 'replay.16'],
    [
      on('new', 'u', 1, { at: 30 }, { floor: '65', evictTs: '1750000000010' }),
      on('E_REPLAY', 's', 65, { at: 20 }),
      on('E_TOO_OLD', 't', 66, { at: 10 }),
    ],
    { ...cap, ...boot, floors: [floorOf('s', '65', 20), floorOf('t', '65', 10)] },
  );
  add(
    'given-eviction',
    'an earlier life stored evict_ts 10: a new stream at 10 is too old, at 11 it is admitted',
    ['replay.24', 'replay.15'],
    [
      on('E_TOO_OLD', 's', 1, { at: 10 }),
      on('new', 's', 1, { at: 11 }, { floor: '65' }),
      on('new', 's', 1, { at: 10, sender: hex(BOB.keyId) }, { floor: '65' }),
    ],
    { ...durable, ...boot, evictions: [{ group: group(), evictTs: (NOW + 10n).toString() }] },
  );
}

function races(file: VectorFile): void {
  const g = file.group('race', 'replay.run', 'replay', 'replay');
  const add = adder(g, ['Race']);
  add(
    'same-envelope',
    'both pass the look-up; step 15 lets one through',
    ['envelope.30', 'replay.7'],
    [both(['new', offer('s', 1)], ['E_REPLAY', offer('s', 1)]), on('E_REPLAY', 's', 1)],
  );
  add(
    'two-envelopes',
    'two different envelopes are both new',
    ['envelope.30'],
    [both(['new', offer('s', 2)], ['new', offer('s', 1)])],
  );
  add(
    'second-forged',
    'the second is forged',
    ['replay.9'],
    [both(['new', offer('s', 1)], ['E_SIG', offer('s', 2, { defect: 'forged' })]), on('new', 's', 2)],
  );
  add(
    'first-forged',
    'the first is forged, the second the honest one',
    ['replay.9'],
    [both(['E_SIG', offer('s', 1, { defect: 'forged' })], ['new', offer('s', 1)])],
  );
  add(
    'same-number-other-content',
    'two contents under one number, both pass the look-up: step 15 decides replay.12 at once, so the second is E_FORK, as it is afterwards',
    ['replay.12', 'replay.14'],
    [both(['new', offer('s', 1)], ['E_FORK', offer('s', 1, { content: 'b' })]), on('E_FORK', 's', 1, { content: 'b' })],
  );
  add(
    'leaves-of-two-envelopes',
    'leaf 0 of one envelope and leaf 1 of another with the same number, both pass the look-up: the second is E_FORK',
    ['replay.12', 'replay.14'],
    [both(['new', offer('s', 1, { leaf: 0 })], ['E_FORK', offer('s', 1, { leaf: 1, content: 'b' })])],
  );
  add(
    'same-leaf',
    'the same leaf twice',
    ['replay.19'],
    [both(['new', offer('s', 1, { leaf: 0 })], ['E_REPLAY', offer('s', 1, { leaf: 0 })])],
  );
  add(
    'two-leaves',
    'two leaves of one envelope are both new',
    ['replay.19'],
    [
      both(['new', offer('s', 1, { leaf: 0, of: 2 })], ['new', offer('s', 1, { leaf: 1, of: 2 })]),
      on('E_REPLAY', 's', 1),
    ],
  );
  add(
    'leaf-and-whole',
    'a leaf and the whole of one envelope',
    ['replay.20'],
    [both(['new', offer('s', 1, { leaf: 0 })], ['E_REPLAY', offer('s', 1)])],
  );
  add(
    'whole-and-leaf',
    'the whole and a leaf of one envelope',
    ['replay.19', 'replay.7'],
    [both(['new', offer('s', 1)], ['E_REPLAY', offer('s', 1, { leaf: 0 })])],
  );
  add(
    'window-moves',
    'W = 64, hi is 10: 5,000 is accepted between look-up and step 15 of 11, which is then too old',
    ['replay.6', 'envelope.28'],
    [on('new', 's', 10), both(['new', offer('s', 5000)], ['E_TOO_OLD', offer('s', 11)])],
    { window: 64 },
  );
}

export function replay(): VectorFile {
  const file = new VectorFile('replay');
  windows(file);
  failures(file);
  forks(file);
  admission(file);
  jobs(file);
  restarts(file);
  races(file);
  return file;
}
