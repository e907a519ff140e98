/** crew.json: requests and jobs at a member of a crew, patterns.16 to patterns.20. */
import { VectorFile } from '../cases.ts';
import type { Members } from '../json.ts';
import * as w from '../poolworld.ts';
import { citedRunsOf, type AddCited } from '../runs.ts';
import { cat, flip, hex, put, seeded, u16, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { encodeJob, jobParts, makeJob, resign, type JobParts, type Recipe } from '../twin/envelope.ts';
import { known as ext } from '../twin/extensions.ts';
import { AT } from '../twin/header.ts';
import { leafHash } from '../twin/merkle.ts';
import { poolInfo, poolKey } from '../twin/pools.ts';
import { H } from '../twin/hash.ts';
import { ALICE, BOB, MALLORY, NOW, OTHER_TAG, type Person } from '../world.ts';

const SAFE = (1n << 53n) - 1n;
const LIFE = 600_000n;
const SEQ_LIMIT = 1n << 20n;

type Add = AddCited<w.Step>;

export function crew(): VectorFile {
  const file = new VectorFile('crew');
  const group = (name: string, layer: string): Add =>
    citedRunsOf(file.group(name, 'crew.run', 'pools', layer), w.crewIn);
  accept(group('accept', 'source'));
  header(group('header', 'source'));
  records(group('records', 'records'));
  bindings(group('bindings', 'signature'));
  proofs(group('proofs', 'signature'));
  replays(group('replay', 'replay'));
  return file;
}

/** Splits at the broker, and what became of each leaf. */
const leafJob = (m: w.Sent, over: Partial<JobParts>, leaf = 0): Bytes =>
  encodeJob({ ...jobParts(m.bytes, leaf), ...over });
const five = (name: string): w.Item[] => [0, 1, 2, 3, 4].map((i) => w.item(`${name} ${i}`));

function accept(add: Add): void {
  const OK = ['patterns.16', 'patterns.17', 'patterns.18', 'patterns.19'];
  add('request', 'one request', [w.taken(w.work('request'))], OK);
  const many = w.work('requests', { items: five('requests') });
  add('requests', 'five requests in flight share an envelope', [w.taken(many)], OK);
  add('padded', 'with padding', [w.taken(w.work('padded', { padded: true, items: five('padded') }))], OK);
  add('job', 'one job', [w.taken(w.jobs('job'))], OK);
  add('jobs', 'five jobs, a whole batch', [w.taken(w.jobs('jobs', { items: five('jobs') }))], OK);
  const merkle = w.jobs('merkle', { form: 'merkle', items: five('merkle') });
  add('merkle', 'five jobs in three leaves, not split', [w.taken(merkle)], [...OK, 'envelope.26']);
  add(
    'leaves',
    'the three leaves of it, in any order',
    [2, 0, 1].map((leaf) => w.takenJob(merkle, leaf)),
    [...OK, 'envelope.25', 'replay.19'],
  );
  add('leaf-here', 'split between two crews: one gets leaf 1', [w.takenJob(merkle, 1)], [...OK, 'envelope.25']);
  add(
    'leaves-there',
    'the other leaves 0 and 2',
    [0, 2].map((leaf) => w.takenJob(merkle, leaf)),
    [...OK, 'envelope.25'],
  );
  const single = w.jobs('one leaf', { form: 'merkle', items: [w.item('one leaf')] });
  add('one-leaf', 'a Merkle batch of one leaf', [w.takenJob(single, 0)], [...OK, 'envelope.25']);
  const padded = w.jobs('merkle padded', { form: 'merkle', padded: true, items: five('merkle padded') });
  add('merkle-padded', 'leaves with padding', [w.takenJob(padded, 0), w.takenJob(padded, 2)], OK);
  const two = w.poolEpoch('suite 2', 7, 2);
  const inTwo: Partial<Recipe> = { suite: 2 };
  const stream2 = w.stream('suite 2', { pool: two });
  add(
    'suite-2',
    'a pool in suite 0x0002',
    [
      w.taken(w.work('suite 2', { stream: stream2, ...inTwo })),
      w.takenJob(
        w.jobs('suite 2', {
          stream: w.stream('suite 2 jobs', { pool: two }),
          ...inTwo,
          form: 'merkle',
          items: five('2'),
        }),
        1,
      ),
    ],
    OK,
    [],
    { epochs: [w.epochIn(two)] },
  );
  const eight = w.poolEpoch('eight', 8);
  add(
    'two-epochs',
    'an epoch that drains, and the next one: each has its key and its pool record',
    [
      w.taken(w.work('of seven')),
      w.taken(w.work('of eight', { epoch: 8, stream: w.stream('of eight', { pool: eight }) })),
    ],
    OK,
    [],
    { epochs: [w.epochIn(w.POOL), w.epochIn(eight)] },
  );
  add(
    'two-senders',
    'two who ask, and another topic of the front',
    [
      w.taken(w.work('alice')),
      w.taken(w.work('bob', { from: BOB })),
      w.taken(w.work('other topic', { topicTag: OTHER_TAG })),
    ],
    OK,
    [],
    { tags: [hex(w.FRONT_TAG), hex(OTHER_TAG)] },
  );
  const s = w.stream('a stream');
  const on = (seq: bigint, over: w.WorkSpec = {}): w.Sent => w.work('a stream', { stream: s, seq, ...over });
  add(
    'stream',
    'three envelopes of one stream, out of order',
    [w.taken(on(3n)), w.taken(on(1n)), w.taken(on(2n))],
    [...OK, 'replay.8'],
    ['Reordered'],
  );
  add('seq-limit', 'number 2^20 of a stream', [w.taken(on(SEQ_LIMIT))], ['patterns.16'], ['PoolStream', 'Limit']);
  add(
    'started-now',
    'a stream that was set up in this millisecond',
    [w.taken(w.work('started now', { stream: w.stream('started now', { started: NOW }) }))],
    ['patterns.16'],
    ['PoolStream'],
  );
  add(
    'stream-end',
    'the last millisecond of a stream',
    [w.taken(w.work('stream end', { stream: w.stream('stream end', { started: NOW - LIFE }) }))],
    ['patterns.16'],
    ['PoolStream', 'Limit'],
  );
  add(
    'received-later',
    'sealed in the last millisecond of a stream, received after it',
    [
      w.taken(
        w.work('received later', { stream: w.stream('received later', { started: NOW - LIFE }), timestamp: NOW }),
        NOW + 1000n,
      ),
    ],
    ['patterns.16'],
    ['PoolStream'],
  );
  const more = [w.HEAD_SEQ];
  add(
    'expiry',
    'with an expiry that has not passed',
    [w.taken(w.work('expiry', { extensions: [ext(4, u64(NOW)), ...more] }))],
    ['patterns.16', 'replay.4'],
  );
  add(
    'commitment',
    'with a committed record key',
    [w.taken(w.work('commitment', { recordCommit: true }))],
    ['patterns.18', 'suites.15'],
  );
  add(
    'other-tag',
    'a tag that does not lead to the front',
    [w.unseen(w.work('other tag', { topicTag: OTHER_TAG }).bytes)],
    ['envelope.29'],
  );
}

// ---- Steps 7 to 14, alone and in their order

/** What a broken sender or a receiver in another state does otherwise. */
interface Plan {
  spec: w.WorkSpec;
  streamOver: w.StreamSpec;
  /** changes of the crew's state */
  over: Members;
  now: bigint;
  keyinfo?: (right: Bytes) => Bytes;
  streamId?: Bytes;
  after?: (bytes: Bytes) => Bytes;
}
interface Defect {
  id: string;
  comment: string;
  code: string;
  spec: string[];
  flags: string[];
  /** what it changes; defects that change the same do not go together */
  touches: string[];
  put: (p: Plan) => void;
}

const defect = (
  id: string,
  comment: string,
  code: string,
  spec: string,
  flag: string,
  touches: string,
  put: (p: Plan) => void,
): Defect => ({ id, comment, code, spec: [spec], flags: [flag], touches: touches.split(' '), put });

const P16 = 'patterns.16';
const DEFECTS: readonly Defect[] = [
  defect('epoch', 'of an epoch that is not known', 'E_EPOCH', 'patterns.17', 'PoolStream', 'epoch', (p) => {
    p.spec.epoch = 9;
  }),
  defect('stale', 'the view of the front is not fresh', 'E_STALE', 'patterns.17', 'Freshness', 'fresh', (p) => {
    p.over['fresh'] = false;
  }),
  defect('pattern', 'of PUB/SUB', 'E_ENCODING', P16, 'Purpose', 'pattern', (p) => {
    p.spec.patternKind = 0x20;
  }),
  defect('leaves', 'a request in leaves', 'E_ENCODING', P16, 'PoolStream', 'form records commit', (p) => {
    p.spec.form = 'merkle';
  }),
  defect('single', 'a single', 'E_ENCODING', P16, 'PoolStream', 'form records commit', (p) => {
    p.spec.form = 'single';
  }),
  defect('no-head-seq', 'without extension 8', 'E_EXT', P16, 'PoolStream', 'extensions', (p) => {
    p.spec.extensions = [];
  }),
  defect('keyinfo-short', 'keyinfo of 39 bytes', 'E_LENGTH', P16, 'PoolStream', 'keyinfo', (p) => {
    p.keyinfo = (right) => right.slice(0, 39);
  }),
  defect('started-2-53', 'started is 2^53', 'E_LIMIT', P16, 'Limit', 'keyinfo started timestamp', (p) => {
    p.streamOver.started = SAFE + 1n;
  }),
  defect('stream-id', 'a stream_id that is drawn', 'E_ENCODING', P16, 'PoolStream', 'streamId', (p) => {
    p.streamId = seeded('drawn stream id', 8);
  }),
  defect(
    'started-later',
    'started after the timestamp',
    'E_ENCODING',
    P16,
    'PoolStream',
    'keyinfo started timestamp',
    (p) => {
      p.streamOver.started = NOW + 1n;
    },
  ),
  defect(
    'stream-old',
    'a millisecond after the end of the stream',
    'E_EXPIRED',
    P16,
    'PoolStream',
    'keyinfo started timestamp',
    (p) => {
      p.streamOver.started = NOW - LIFE - 1n;
    },
  ),
  defect('seq', 'number 2^20 + 1 of a stream', 'E_LIMIT', P16, 'Limit', 'seq', (p) => {
    p.spec.seq = SEQ_LIMIT + 1n;
  }),
  defect('suite', "in another suite than the crew's", 'E_SUITE', 'suites.3', 'Downgrade', 'suite', (p) => {
    p.spec.suite = 2;
    p.streamOver.suite = 2;
  }),
  defect('sender', 'by somebody unknown', 'E_SENDER', 'patterns.17', 'Impersonation', 'sender', (p) => {
    p.over['senders'] = [];
  }),
  defect('writer', 'by one whom the writers do not allow', 'E_POLICY', 'patterns.17', 'Responder', 'sender', (p) => {
    p.over['senders'] = [{ publicKey: hex(ALICE.publicKey), mayWrite: false }];
  }),
  defect('old', 'too old', 'E_EXPIRED', 'replay.2', 'Freshness', 'now', (p) => {
    p.now = NOW + 120_001n;
  }),
  defect('boot', 'from before the start of the receiver', 'E_TOO_OLD', 'replay.25', 'Restart', 'boot', (p) => {
    p.over['bootMs'] = NOW.toString();
  }),
  defect('signature', 'with a broken signature', 'E_SIG', 'suites.18', 'Tampered', 'signature', (p) => {
    p.after = (bytes) => flip(bytes, -1);
  }),
  defect('commit', 'with a commitment to another key', 'E_COMMIT', 'suites.15', 'Commitment', 'commit', (p) => {
    p.spec.recordCommit = true;
    p.spec.bend = { ...p.spec.bend, commit: (right) => flip(right, 0) };
  }),
  defect('aead', 'sealed under another secret', 'E_AEAD', 'suites.14', 'BrokenSender', 'aead', (p) => {
    p.spec.bend = { ...p.spec.bend, sealed: (_leaf, right) => flip(right, 0) };
  }),
  defect('record', 'with a record of 23 bytes', 'E_ENCODING', 'patterns.19', 'BrokenSender', 'records', (p) => {
    p.spec.payloads = [zeros(23)];
  }),
];

function make(name: string, defects: readonly Defect[], patternKind: number): { plan: Plan; bytes: Bytes } {
  const plan: Plan = { spec: { patternKind }, streamOver: {}, over: {}, now: NOW };
  for (const d of defects) d.put(plan);
  const s = w.stream(name, plan.streamOver);
  const made = w.work(name, {
    stream: s,
    keyinfo: plan.keyinfo === undefined ? s.keyinfo : plan.keyinfo(s.keyinfo),
    ...(plan.streamId === undefined ? {} : { streamId: plan.streamId }),
    ...plan.spec,
  });
  return { plan, bytes: plan.after === undefined ? made.bytes : plan.after(made.bytes) };
}

function header(add: Add): void {
  for (const d of DEFECTS) {
    const { plan, bytes } = make(`header ${d.id}`, [d], w.REQUEST);
    // the same crew goes on, unless its own state is the defect
    const good = w.work(`after ${d.id}`);
    const goesOn = Object.keys(plan.over).length === 0 && plan.now === NOW;
    const steps = [w.refused(bytes, d.code, plan.now), ...(goesOn ? [w.taken(good)] : [])];
    add(d.id, `A request ${d.comment}`, steps, d.spec, d.flags, plan.over);
    if (d.id === 'pattern' || d.id === 'leaves') continue;
    const job = make(`job ${d.id}`, [d], w.PUSH);
    const jobSteps = [w.refused(job.bytes, d.code, job.plan.now)];
    add(`job-${d.id}`, `A job ${d.comment}`, jobSteps, d.spec, d.flags, job.plan.over);
  }
  for (const [i, a] of DEFECTS.entries()) {
    let pairs = 0;
    for (const b of DEFECTS.slice(i + 1)) {
      if (pairs === 3 || a.code === b.code || a.touches.some((t) => b.touches.includes(t))) continue;
      pairs++;
      const { plan, bytes } = make(`order ${a.id} ${b.id}`, [b, a], w.REQUEST);
      add(
        `order-${a.id}-${b.id}`,
        `A request ${a.comment}, and ${b.comment}`,
        [w.refused(bytes, a.code, plan.now)],
        ['envelope.27', ...new Set([...a.spec, ...b.spec])],
        ['Order'],
        plan.over,
      );
    }
  }
  const no = (
    id: string,
    comment: string,
    bytes: Bytes,
    code: string,
    spec: string[],
    flags: string[],
    over: Members = {},
  ): void => add(id, comment, [w.refused(bytes, code)], spec, flags, over);
  const closed = w.work('closed epoch').bytes;
  no('epoch-closed', 'Of an epoch that is closed', closed, 'E_EPOCH', ['patterns.17', 'groups.26'], ['PoolStream'], {
    epochs: [w.epochIn(w.POOL, { open: false })],
  });
  const without: Members = w.epochIn(w.POOL);
  delete without['poolHash'];
  no('epoch-no-record', 'Of an epoch without a pool record', closed, 'E_EPOCH', ['patterns.17'], ['PoolRecord'], {
    epochs: [without],
  });
  for (const [id, comment, kind] of [
    ['reply', 'A reply under the tag of a topic', w.REPLY],
    ['question', 'A question of SURVEY', 0x50],
    ['survey-reply', 'A reply of SURVEY', 0x51],
    ['bus', 'Of BUS', 0x60],
    ['dealer-reply', 'A reply to a message of ROUTER/DEALER', 0x71],
    ['forward', 'A forward under the tag of a topic', 0x72],
  ] as [string, string, number][])
    no(
      `pattern-${id}`,
      comment,
      w.work(`pattern ${id}`, { patternKind: kind }).bytes,
      'E_ENCODING',
      [P16],
      ['Purpose'],
    );
  const keyinfo = w.stream('keyinfo').keyinfo;
  for (const [id, comment, value] of [
    ['none', 'no keyinfo', zeros(0)],
    ['enc', 'enc32 alone', keyinfo.slice(0, 32)],
    ['41', 'keyinfo of 41 bytes', cat(keyinfo, zeros(1))],
    ['80', 'keyinfo twice', cat(keyinfo, keyinfo)],
  ] as [string, string, Bytes][])
    no(
      `keyinfo-${id}`,
      `A request with ${comment}`,
      w.work(`keyinfo ${id}`, { stream: w.stream('keyinfo'), keyinfo: value }).bytes,
      'E_LENGTH',
      [P16],
      ['PoolStream'],
    );
  // the leaves of a batch are judged like it
  const old = w.stream('old leaves', { started: NOW - LIFE - 1n });
  const leaves = w.jobs('old leaves', { stream: old, form: 'merkle', items: five('old leaves') });
  add(
    'leaf-stream-old',
    'A leaf, a millisecond after the end of the stream',
    [w.refused(makeJob(leaves.bytes, 1), 'E_EXPIRED', NOW, true)],
    [P16],
    ['PoolStream'],
  );
  const expired = w.work('expired', { extensions: [ext(4, u64(NOW - 1n)), w.HEAD_SEQ] });
  no('expiry', 'A request past its expiry (R09)', expired.bytes, 'E_EXPIRED', ['replay.4'], ['Freshness']);
  const ahead = w.work('ahead', { timestamp: NOW + 30_001n });
  no('future', 'A request from too far ahead', ahead.bytes, 'E_FUTURE', ['replay.3'], ['Freshness']);
}

/** Steps 13 and 14. */
function records(add: Add): void {
  const P19 = ['patterns.19'];
  const zero = w.item('zero', 0n);
  const pushed = w.jobs('no deadline', { items: [zero, w.item('with one')] });
  add('job-no-deadline', 'Jobs, one of them without a deadline', [w.taken(pushed)], P19, ['Late']);
  const seen = (m: w.Sent, code: string): w.Step[] => [
    w.refused(m.bytes, code),
    // recorded as seen, refused, and never delivered
    w.refused(m.bytes, 'E_REPLAY'),
  ];
  const no = (id: string, comment: string, m: w.Sent, code = 'E_ENCODING', flag = 'BrokenSender'): void =>
    add(id, comment, seen(m, code), [...P19, 'envelope.28'], [flag]);
  no(
    'request-no-deadline',
    'A request without a deadline',
    w.work('no deadline', { items: [zero] }),
    'E_ENCODING',
    'Late',
  );
  no(
    'one-no-deadline',
    'Requests, the last of them without a deadline',
    w.work('last without', { items: [w.item('first'), w.item('second'), zero] }),
    'E_ENCODING',
    'Late',
  );
  const empty = (deadline: bigint): Bytes => cat(seeded('key', 16), u64(deadline));
  const limit = w.item('limit', SAFE);
  add('deadline-limit', 'A deadline of 2^53 - 1', [w.taken(w.work('limit', { items: [limit] }))], P19, [
    'Late',
    'Limit',
  ]);
  no('deadline-2-53', 'A deadline of 2^53', w.work('2-53', { payloads: [empty(SAFE + 1n)] }), 'E_LIMIT', 'Limit');
  no(
    'deadline-max',
    'A deadline of 2^64 - 1',
    w.work('max', { payloads: [empty((1n << 64n) - 1n)] }),
    'E_LIMIT',
    'Limit',
  );
  no(
    'job-deadline-2-53',
    'A job with a deadline of 2^53',
    w.jobs('2-53', { payloads: [empty(SAFE + 1n)] }),
    'E_LIMIT',
    'Limit',
  );
  const bare = { key: seeded('key', 16), deadline: w.DEADLINE, body: zeros(0) };
  add('no-body', 'A request of 24 bytes: no body', [w.taken(w.work('no body', { items: [bare] }))], P19);
  no('record-0', 'A record of no bytes', w.work('record 0', { payloads: [zeros(0)] }));
  no('record-16', 'A record that is a key alone', w.work('record 16', { payloads: [seeded('key', 16)] }));
  no('record-23', 'A record of 23 bytes', w.work('record 23', { payloads: [empty(w.DEADLINE).slice(0, 23)] }));
  no('job-record-23', 'A job of 23 bytes', w.jobs('record 23', { payloads: [empty(w.DEADLINE).slice(0, 23)] }));
  no(
    'second-short',
    'The second record has 23 bytes',
    w.work('second short', { payloads: [empty(w.DEADLINE), empty(w.DEADLINE).slice(0, 23)] }),
  );
  {
    const over = empty(SAFE + 1n);
    const short = empty(w.DEADLINE).slice(0, 23);
    // record by record, from the front
    const two = (id: string, comment: string, payloads: Bytes[], code: string, more: w.WorkSpec = {}): void =>
      no(id, comment, w.work(`two ${id}`, { payloads, ...more }), code, 'Order');
    two('limit-then-short', 'A deadline of 2^53, then a record of 23 bytes', [over, short], 'E_LIMIT');
    two('short-then-limit', 'A record of 23 bytes, then a deadline of 2^53', [short, over], 'E_ENCODING');
    two('limit-then-none', 'A deadline of 2^53, then no deadline', [over, empty(0n)], 'E_LIMIT');
    two('none-then-limit', 'No deadline, then a deadline of 2^53', [empty(0n), over], 'E_ENCODING');
    const pushed = { patternKind: w.PUSH };
    two('job-none-then-limit', 'A job without a deadline, then one of 2^53', [empty(0n), over], 'E_LIMIT', pushed);
    const leaves = { ...pushed, form: 'merkle' as const };
    const good = empty(w.DEADLINE);
    two('leaves-limit-then-short', 'The same across two leaves', [good, over, short], 'E_LIMIT', leaves);
    two('leaves-short-then-limit', 'And the other way round', [good, short, over], 'E_ENCODING', leaves);
    const framed = (payload: Bytes): Bytes => cat(u8(0), u8(0), u8(24), payload);
    no(
      'grammar-before-deadline',
      'A deadline of 2^53, and a byte after the last record: what the pattern asks comes after the records',
      w.work('grammar before', { payloads: [over], bend: { plaintexts: [cat(framed(over), u8(1))] } }),
      'E_ENCODING',
      'Order',
    );
  }
  no(
    'more-records',
    'Bytes after the last record',
    w.work('more', { bend: { plaintexts: [cat(zeros(1), u8(0), u8(24), empty(w.DEADLINE), zeros(1))] } }),
  );
  {
    const good = empty(w.DEADLINE);
    const merkle = w.jobs('short in a leaf', { form: 'merkle', payloads: [good, good, good, good.slice(0, 23), good] });
    add(
      'leaf-short',
      'A leaf with a record of 23 bytes; another leaf of the batch is accepted',
      [
        w.refused(makeJob(merkle.bytes, 1), 'E_ENCODING', NOW, true),
        w.refused(makeJob(merkle.bytes, 1), 'E_REPLAY', NOW, true),
        {
          in: { now: NOW.toString(), job: hex(makeJob(merkle.bytes, 2)) },
          result: {
            verdict: 'new',
            id: hex(merkle.sealed.id),
            records: [{ key: hex(good.slice(0, 16)), deadline: w.DEADLINE.toString(), body: '', late: false }],
            leaf: 2,
          },
        },
      ],
      [...P19, 'envelope.28'],
      ['BrokenSender'],
    );
    const whole = w.jobs('short in a whole', { form: 'merkle', payloads: [good, good, good, good.slice(0, 23), good] });
    no('merkle-short', 'The same batch, not split', whole);
  }

  const L = ['patterns.20'];
  const late = (id: string, comment: string, now: bigint, m: w.Sent): void =>
    add(id, comment, [w.taken(m, now)], L, ['Late']);
  late('late-at', 'At its deadline a request is in time', w.DEADLINE, w.work('at'));
  late('late-after', 'A millisecond after its deadline it is late', w.DEADLINE + 1n, w.work('after'));
  late('late-job', 'A job after its deadline', w.DEADLINE + 1n, w.jobs('late job'));
  late(
    'late-sealed',
    'A deadline that had passed when it was sealed',
    NOW,
    w.work('sealed late', { items: [w.item('past', 1n)] }),
  );
  late('late-never', 'A job without a deadline is never late', NOW + 100_000n, w.jobs('never', { items: [zero] }));
  late(
    'late-some',
    'Each record has its own deadline',
    NOW + 1000n,
    w.work('some', { items: [w.item('a', NOW + 999n), w.item('b', NOW + 1000n), w.item('c', NOW + 1001n)] }),
  );
  const leaves = w.jobs('late leaf', {
    form: 'merkle',
    items: [w.item('x0', NOW - 1n), w.item('x1', NOW), w.item('x2', 0n)],
  });
  add('late-leaf', 'Jobs of two leaves, one of them late', [w.takenJob(leaves, 0), w.takenJob(leaves, 1)], L, ['Late']);
}

/** Pool, sender and key: what is bound to what. */
function bindings(add: Add): void {
  const A = w.POOL;
  const B = w.poolEpoch('service b');
  const B_KEY = poolKey(B.epochSecret, B.groupCtx).publicKey;
  const no = (
    id: string,
    comment: string,
    bytes: Bytes,
    code: string,
    spec: string[],
    flags: string[],
    over: Members = {},
  ): void =>
    add(
      id,
      comment,
      [w.refused(bytes, code), ...(Object.keys(over).length > 0 ? [] : [w.taken(w.work(`after ${id}`))])],
      spec,
      flags,
      over,
    );
  const toB = { epochs: [w.epochIn(B)] };
  const K = ['PoolBinding'];
  no(
    'other-service',
    'A request for service A at service B: the signature is bound to the pool (T18)',
    w.work('t18').bytes,
    'E_SIG',
    ['patterns.17', 'suites.18'],
    K,
    toB,
  );
  no(
    'other-service-job',
    'A job for service A at service B',
    w.jobs('t18').bytes,
    'E_SIG',
    ['patterns.17', 'suites.18'],
    K,
    toB,
  );
  {
    // a sender who signs for B what was sealed with the info of A
    const s = w.stream('info of a', { publicKey: B_KEY });
    const bindB = H(poolInfo(1, B.poolHash, ALICE.keyId, NOW - 1000n));
    const sealed = w.work('info of a', { stream: s });
    no(
      'other-info',
      'Sealed to the key of B with the info of A, signed for B',
      resign(sealed.bytes, ALICE.seed, bindB),
      'E_AEAD',
      ['patterns.18', 'suites.14'],
      K,
      toB,
    );
  }
  no(
    'other-key',
    'Sealed to the key of B with the info of A, at A',
    w.work('key of b', { stream: w.stream('key of b', { publicKey: B_KEY }) }).bytes,
    'E_AEAD',
    ['patterns.18'],
    K,
  );
  {
    // patterns.14: the same derivation from a block of the front leads elsewhere
    const front = poolKey(seeded('front epoch secret', 32), seeded('front group ctx', 32)).publicKey;
    no(
      'key-of-front',
      "Sealed to a key that was derived from the front's block",
      w.work('key of front', { stream: w.stream('key of front', { publicKey: front }) }).bytes,
      'E_AEAD',
      ['patterns.14', 'patterns.18'],
      ['Purpose'],
    );
  }
  const eight = w.poolEpoch('eight', 8);
  no(
    'epoch-renamed',
    'A stream of epoch 7 in an envelope of epoch 8, validly signed for epoch 7',
    w.work('renamed', { epoch: 8 }).bytes,
    'E_SIG',
    ['patterns.17'],
    K,
    {
      epochs: [w.epochIn(A), w.epochIn(eight)],
    },
  );
  no(
    'other-pool-record',
    'Sealed by another pool record of the same key',
    w.work('other record', { stream: w.stream('other record', { poolHash: seeded('forked pool hash', 32) }) }).bytes,
    'E_SIG',
    ['patterns.17'],
    K,
  );
  {
    const s = w.stream('started moved', { started: NOW - LIFE - 1n });
    const old = w.work('started moved', { stream: s, timestamp: NOW });
    const at = 96 + old.sealed.header.extLen + 32;
    no(
      'started-moved',
      'A broker writes a later start into keyinfo, so that the stream is young again',
      put(old.bytes, at, u64(NOW)),
      'E_SIG',
      ['patterns.16', 'suites.18'],
      ['PoolStream', 'Tampered'],
    );
    const resigned = resign(put(old.bytes, at, u64(NOW)), ALICE.seed, H(poolInfo(1, A.poolHash, ALICE.keyId, NOW)));
    no(
      'started-resigned',
      'Its sender does it, and signs anew: the info is another',
      resigned,
      'E_AEAD',
      ['patterns.16', 'patterns.18'],
      ['PoolStream'],
    );
  }
  const low: [string, string, Bytes][] = [
    ['zeros', 'zeros', zeros(32)],
    ['one', '1', cat(u8(1), zeros(31))],
    ['top-bit', 'zero with the top bit set', cat(zeros(31), u8(0x80))],
  ];
  for (const [id, name, enc] of low) {
    const info = poolInfo(1, A.poolHash, ALICE.keyId, NOW - 1000n);
    const bind = H(info);
    const s = {
      ...w.stream('low order'),
      enc,
      info,
      bind,
      streamId: H(enc).slice(0, 8),
      keyinfo: cat(enc, u64(NOW - 1000n)),
    };
    const over: Partial<Recipe> = id === 'one' ? { recordCommit: true } : {};
    no(
      `low-order-${id}`,
      `enc32 is ${name}: no shared secret${id === 'one' ? ', also before the commitment' : ''}`,
      w.work(`low order ${id}`, { stream: s, ...over }).bytes,
      'E_AEAD',
      ['patterns.18'],
      ['KeyUse'],
    );
    no(
      `low-order-${id}-signature`,
      `The same, not validly signed`,
      flip(w.work(`low order ${id}`, { stream: s }).bytes, -1),
      'E_SIG',
      ['patterns.18'],
      ['Order'],
    );
  }

  const S = ['suites.18'];
  const T = ['Tampered'];
  const request = w.work('tampered', { extensions: [ext(4, u64(NOW)), ext(6, seeded('trace', 32)), w.HEAD_SEQ] });
  const flipAt = (id: string, comment: string, at: number, code = 'E_SIG', spec = S, bit = 0): void =>
    no(`flip-${id}`, `One bit of ${comment}`, flip(request.bytes, at, bit), code, spec, T);
  const keyinfoAt = 96 + request.sealed.header.extLen;
  flipAt('count', 'count', AT.count + 3, 'E_SIG', S, 1);
  flipAt('timestamp', 'timestamp', AT.timestamp + 7);
  flipAt('salt', 'salt', AT.salt);
  flipAt('seq', 'seq', AT.seq + 7, 'E_SIG', S, 1);
  flipAt('head-seq', 'extension 8', keyinfoAt - 1);
  flipAt('enc', 'enc32: the stream_id is another', keyinfoAt, 'E_ENCODING', [P16]);
  flipAt('stream-id', 'stream_id', AT.streamId, 'E_ENCODING', [P16]);
  flipAt('started', 'started', keyinfoAt + 38);
  flipAt('body', 'the body', keyinfoAt + 40);
  flipAt('signature', 'the signature', -1);
  no(
    'pattern-pushed',
    'A request presented as a job (T19)',
    put(request.bytes, AT.patternKind, u8(w.PUSH)),
    'E_SIG',
    S,
    ['Tampered', 'Purpose'],
  );
  no(
    'pattern-asked',
    'A job presented as a request',
    put(w.jobs('as request').bytes, AT.patternKind, u8(w.REQUEST)),
    'E_SIG',
    S,
    ['Tampered', 'Purpose'],
  );
  no(
    'tag-moved',
    'A request moved to another topic of the front',
    put(request.bytes, AT.topicTag, OTHER_TAG),
    'E_SIG',
    S,
    T,
    { tags: [hex(w.FRONT_TAG), hex(OTHER_TAG)] },
  );

  /** Without the extension that begins at `at`. */
  const stripped = (at: number, length: number): Bytes => {
    const h = request.sealed.header;
    const rest = cat(request.bytes.slice(0, 96 + at), request.bytes.slice(96 + at + length));
    return put(rest, AT.extLen, u16(h.extLen - length));
  };
  no('expiry-stripped', 'The expiry is taken out', stripped(0, 12), 'E_SIG', S, T);
  no('trace-stripped', 'Extension 6 is taken out', stripped(12, 36), 'E_SIG', S, T);
  no('head-seq-stripped', 'Extension 8 is taken out', stripped(48, 12), 'E_EXT', [P16], T);
  {
    const s = w.stream('swapped');
    const [one, two] = [1n, 2n].map((seq) => w.work('swapped', { stream: s, seq }));
    if (one === undefined || two === undefined) throw new Error('unreachable');
    const body = (m: w.Sent): number => 96 + m.sealed.header.extLen + 40;
    no(
      'bodies-swapped',
      'The body of the next request of the stream',
      cat(one.bytes.slice(0, body(one)), two.bytes.slice(body(two))),
      'E_SIG',
      S,
      T,
    );
  }

  const who = (
    id: string,
    comment: string,
    bytes: Bytes,
    code: string,
    spec: string[],
    flags = ['Impersonation'],
  ): void => no(id, comment, bytes, code, spec, flags);
  const pair = poolKey(A.epochSecret, A.groupCtx);
  who(
    'signed-by-pool-key',
    "Signed with the pool's private key in alice's name (E01)",
    w.work('e01', { bend: { signSeed: pair.privateKey } }).bytes,
    'E_SIG',
    ['suites.17', 'suites.18'],
  );
  who(
    'signed-by-worker',
    "A worker signs in alice's name",
    w.work('worker', { bend: { signSeed: BOB.seed } }).bytes,
    'E_SIG',
    ['suites.17', 'suites.18'],
  );
  const stolen = (thief: Person): Bytes => {
    const h = put(request.bytes, AT.senderId, thief.senderId);
    const bind = H(poolInfo(1, A.poolHash, thief.keyId, NOW - 1000n));
    return resign(h, thief.seed, bind);
  };
  who(
    'stolen',
    "Bob takes alice's request and signs it as his: info and stream secret are others (T28)",
    stolen(BOB),
    'E_AEAD',
    ['patterns.18', 'suites.18'],
  );
  who('stolen-no-right', 'Somebody without the right does', stolen(MALLORY), 'E_POLICY', ['patterns.17']);
}

/** PIPELINE's own header under T33 to T38 and D10. */
function proofs(add: Add): void {
  const batch = w.jobs('proofs', { form: 'merkle', items: five('proofs') });
  const [p0, p1, p2] = [0, 1, 2].map((leaf) => jobParts(batch.bytes, leaf));
  if (p0 === undefined || p1 === undefined || p2 === undefined) throw new Error('unreachable');
  const rootAt = 96 + 4;
  const no = (id: string, comment: string, bytes: Bytes, code = 'E_PROOF', spec = ['envelope.25'], job = true): void =>
    add(id, comment, [w.refused(bytes, code, NOW, job), w.takenJob(batch, 0)], spec, ['MerkleProof']);
  const part = (id: string, comment: string, over: Partial<JobParts>, leaf = 0, code?: string, spec?: string[]): void =>
    no(id, comment, leafJob(batch, over, leaf), code, spec);
  part('node-as-leaf', 'Two leaf hashes offered as a leaf (T33)', {
    sealed: cat(leafHash(0, p0.sealed), leafHash(1, p1.sealed)),
    ctLen: 48,
    path: p0.path.slice(1),
    pathLen: 1,
  });
  part('sibling-path', 'The path of leaf 1 (T34)', { path: p1.path });
  part('sibling-index', 'Leaf 0 offered as leaf 1 (T34)', { leaf: 1 });
  part('path-short', 'The path without its last value (T35)', { path: p0.path.slice(0, -1), pathLen: 1 });
  part('path-none', 'No path (T35)', { path: [], pathLen: 0 });
  part('path-long', 'The path with one value more (T35)', { path: [...p0.path, zeros(32)], pathLen: 3 });
  part('path-65', 'A path of 65 values (D10)', {
    path: Array.from({ length: 65 }, (_, i) => seeded(`path ${i}`, 32)),
    pathLen: 65,
  });
  part(
    'leaf-doubled',
    'The last leaf once more, as leaf 3 of a balanced tree (T36)',
    {
      leaf: 3,
      path: [leafHash(2, p2.sealed), ...p2.path],
      pathLen: 2,
    },
    2,
  );
  part('leaf-equals-count', 'Leaf 3 of 3 (T37)', { leaf: 3 });
  part('leaf-max', 'Leaf 2^32 - 1 (T37)', { leaf: 4_294_967_295 });
  part('seq-changed', 'PH with another seq over the same root (T38)', { ph: put(p0.ph, AT.seq, u64(9)) }, 0, 'E_SIG', [
    'suites.18',
  ]);
  part(
    'timestamp-changed',
    'PH with a later timestamp (T38)',
    { ph: put(p0.ph, AT.timestamp, u64(NOW + 1n)) },
    0,
    'E_SIG',
    ['suites.18'],
  );
  part('flip-ciphertext', 'One bit of the ciphertext', { sealed: flip(p0.sealed, 0) });
  part('flip-root', 'One bit of root32', { ph: flip(p0.ph, rootAt) });
  const other = w.jobs('other proofs', { form: 'merkle', items: five('other proofs') });
  const q0 = jobParts(other.bytes, 0);
  part('leaf-of-another', 'A leaf of another batch', { sealed: q0.sealed, ctLen: q0.ctLen });
  part(
    'keyinfo-of-another',
    'keyinfo and stream_id of another stream',
    {
      keyinfo: q0.keyinfo,
      ph: put(p0.ph, AT.streamId, other.sealed.header.streamId),
    },
    0,
    'E_SIG',
    ['suites.18'],
  );
  part('started-moved', 'A later start in keyinfo', { keyinfo: put(p0.keyinfo, 32, u64(NOW)) }, 0, 'E_SIG', [
    'suites.18',
  ]);
  part(
    'as-request',
    'A leaf presented as one of a request',
    { ph: put(p0.ph, AT.patternKind, u8(w.REQUEST)) },
    0,
    'E_ENCODING',
    ['patterns.16'],
  );
  const lied = w.jobs('lied', {
    form: 'merkle',
    items: five('lied'),
    bend: { root: (_leaves, right) => flip(right, 0) },
  });
  no('root-whole', 'A whole batch under another root, validly signed', lied.bytes, 'E_PROOF', ['envelope.26'], false);
  no('root-leaf', 'A leaf of it', makeJob(lied.bytes, 0), 'E_PROOF');
  const whole = w.jobs('whole as job');
  no('whole-as-job', 'A whole batch where a job is expected', whole.bytes, 'E_ENCODING', ['envelope.24']);
  const bad = w.jobs('bad leaf', {
    form: 'merkle',
    items: five('bad leaf'),
    bend: { nonce: (_leaf, _right, base) => base },
  });
  no('nonce', 'A leaf whose nonce is not that of its number', makeJob(bad.bytes, 1), 'E_AEAD', ['suites.14']);
}

function replays(add: Add): void {
  const R = ['Replayed'];
  const s = w.stream('replayed');
  const on = (seq: bigint, over: w.WorkSpec = {}): w.Sent => w.work('replayed', { stream: s, seq, ...over });
  const [one, two] = [on(1n), on(2n)];
  const bytes = one.bytes;
  const again = w.refused(bytes, 'E_REPLAY');
  add('duplicate', 'A request twice', [w.taken(one), again, w.taken(two)], ['replay.7', 'replay.1'], R);
  const later = on(1n, { timestamp: NOW + 1n, random: seeded('resealed', 16) });
  add(
    'resealed',
    'The same enc32 and number with a new timestamp, validly signed (R10)',
    [w.taken(one), w.refused(later.bytes, 'E_FORK'), w.taken(two)],
    ['replay.12', 'replay.14'],
    ['Fork'],
  );
  add(
    'resealed-forged',
    'The same, not validly signed',
    [w.taken(one), w.refused(flip(later.bytes, -1), 'E_SIG')],
    ['replay.12'],
    ['Fork', 'Order'],
  );
  const job = on(1n, { patternKind: w.PUSH });
  add(
    'both-patterns',
    'A request and a job with one number of one stream: numbers know no pattern',
    [w.taken(one), w.refused(job.bytes, 'E_FORK')],
    ['replay.1', 'replay.12'],
    ['Fork'],
  );
  const fresh = w.stream('replayed again');
  add(
    'new-stream',
    'The same request on a new stream is another envelope: what acts twice is told by its key16',
    [w.taken(one), w.taken(w.work('replayed', { stream: fresh, items: one.items }))],
    ['replay.1'],
    R,
  );
  add(
    'window',
    'A request below the window',
    [w.taken(on(2000n)), w.refused(bytes, 'E_TOO_OLD')],
    ['replay.6'],
    ['Replayed'],
  );
  add(
    'small-window',
    'With a window of 64',
    [w.taken(on(65n)), w.refused(bytes, 'E_TOO_OLD'), w.taken(two)],
    ['replay.6'],
    R,
    {
      window: 64,
    },
  );
  const far = on(5000n);
  add(
    'window-not-moved',
    'A number far ahead that fails at its signature does not move the window',
    [w.taken(one), w.refused(flip(far.bytes, -1), 'E_SIG'), w.taken(two), w.taken(far)],
    ['replay.9', 'envelope.28'],
    ['WindowAbuse'],
  );
  const broken = on(5000n, { bend: { sealed: (_leaf, right) => flip(right, 0) } });
  add(
    'window-not-moved-aead',
    'Nor does one that does not open',
    [w.taken(one), w.refused(broken.bytes, 'E_AEAD'), w.taken(two), w.taken(far)],
    ['replay.9', 'envelope.28', 'patterns.18'],
    ['WindowAbuse'],
  );
  const merkle = w.jobs('split', { form: 'merkle', items: five('split') });
  const leaf = (i: number, code: string): w.Step => w.refused(makeJob(merkle.bytes, i), code, NOW, true);
  add(
    'leaf-twice',
    'A leaf twice',
    [w.takenJob(merkle, 1), leaf(1, 'E_REPLAY'), w.takenJob(merkle, 0)],
    ['replay.19'],
    R,
  );
  add('leaf-after-whole', 'A leaf after the whole batch', [w.taken(merkle), leaf(1, 'E_REPLAY')], ['replay.7'], R);
  add(
    'whole-after-leaf',
    'The whole batch after a leaf',
    [w.takenJob(merkle, 1), w.refused(merkle.bytes, 'E_REPLAY'), w.takenJob(merkle, 0)],
    ['replay.20'],
    R,
  );
  const fork = w.jobs('split', { form: 'merkle', items: five('split otherwise'), random: seeded('other split', 16) });
  add(
    'leaf-fork',
    'A leaf of another batch with the same number, validly signed',
    [w.takenJob(merkle, 1), w.refused(makeJob(fork.bytes, 0), 'E_FORK', NOW, true), w.takenJob(merkle, 0)],
    ['replay.12'],
    ['Fork'],
  );
  const prev = (id: Bytes): w.WorkSpec => ({ extensions: [ext(3, id), w.HEAD_SEQ] });
  add(
    'prev',
    'With the id32 of the envelope before; then with another',
    [w.taken(one), w.taken(on(2n, prev(one.sealed.id))), w.refused(on(3n, prev(one.sealed.id)).bytes, 'E_FORK')],
    ['replay.13'],
    ['Fork'],
  );
  add(
    'boot',
    'From before the start of a receiver that stores nothing, and after it',
    [w.refused(w.work('before boot').bytes, 'E_TOO_OLD'), w.taken(w.work('after boot', { timestamp: NOW + 1n }))],
    ['replay.25'],
    ['Restart'],
    { bootMs: (NOW - 30_000n).toString() },
  );
  const [o1, o2] = [w.work('streams a'), w.work('streams b')];
  add(
    'two-streams',
    'Number 1 of two streams',
    [w.taken(o1), w.taken(o2), w.refused(o1.bytes, 'E_REPLAY')],
    ['replay.1'],
    R,
  );
  add(
    'max-age',
    'With a max_age of its own',
    [w.refused(o1.bytes, 'E_EXPIRED', NOW + 1001n), w.taken(o1, NOW + 1000n)],
    ['replay.2', 'replay.28'],
    ['Freshness'],
    { maxAgeMs: '1000' },
  );
  add(
    'skew',
    'With a skew of its own',
    [w.refused(o2.bytes, 'E_FUTURE', NOW - 1001n), w.taken(o2, NOW - 1000n)],
    ['replay.3', 'replay.28'],
    ['Freshness'],
    { skewMs: '1000' },
  );
}
