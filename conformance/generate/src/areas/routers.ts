/** routers.json: messages of dealers at a router, patterns.37 and patterns.38. */
import { VectorFile } from '../cases.ts';
import { pairsOf, type Defect } from '../defects.ts';
import type { Members } from '../json.ts';
import * as p from '../poolworld.ts';
import * as w from '../routerworld.ts';
import { runsOf, type AddRun } from '../runs.ts';
import { cat, flip, hex, put, seeded, text, u32, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { resign, type Recipe } from '../twin/envelope.ts';
import { seal as sealBytes } from '../twin/aead.ts';
import { known as ext } from '../twin/extensions.ts';
import { H, xp } from '../twin/hash.ts';
import { AT } from '../twin/header.ts';
import { poolInfo } from '../twin/pools.ts';
import { ALICE, BOB, MALLORY, NOW, OTHER_TAG, type Person } from '../world.ts';

const SAFE = (1n << 53n) - 1n;
const LIFE = 600_000n;
const SEQ_LIMIT = 1n << 20n;
const P37 = 'patterns.37';
const P38 = 'patterns.38';
const OK = [P37, P38];
const F = ['Routing'];

type Add = AddRun<p.Step>;

export function routers(): VectorFile {
  const file = new VectorFile('routers');
  const group = (name: string, layer: string): Add =>
    runsOf(file.group(name, 'router.run', 'routers', layer), w.routerIn, OK, F);
  accept(group('accept', 'source'));
  unread(group('unread', 'aead'));
  epochs(group('epochs', 'source'));
  header(group('header', 'source'));
  bindings(group('bindings', 'signature'));
  replays(group('replay', 'replay'));
  return file;
}

function accept(add: Add): void {
  add('message', 'one message', [w.routed(w.message('message'))]);
  add('empty', 'without routing data', [w.routed(w.message('empty', { data: zeros(0) }))], OK, [...F, 'Limit']);
  const full = w.message('1024', { data: seeded('much routing', 1024) });
  add('data-1024', 'with 1,024 bytes of them', [w.routed(full)], OK, [...F, 'Limit']);
  const five = [0, 1, 2, 3, 4].map((i) => p.item(`five ${i}`));
  add('records', 'five records: the routing data are of the envelope', [w.routed(w.message('five', { items: five }))]);
  add('padded', 'with padding', [w.routed(w.message('padded', { padded: true }))]);
  const stream = p.stream('several');
  const on = (seq: bigint): w.Message => w.message('several', { stream, seq, data: text(`number ${seq}`) });
  add(
    'stream',
    'three of one stream, out of order',
    [w.routed(on(3n)), w.routed(on(1n)), w.routed(on(2n))],
    [...OK, 'replay.8'],
    [...F, 'Reordered'],
  );
  add('seq-limit', 'number 2^20 of a stream', [w.routed(on(SEQ_LIMIT))], OK, [...F, 'Limit']);
  const two = p.poolEpoch('seven', 7, 2);
  const in2 = (name: string, front: w.FrontEpoch): w.Message =>
    w.message(name, { suite: 2, stream: p.stream(name, { pool: two }), front });
  const front2 = w.frontEpoch('three', 3, 2);
  add('pool-2', 'a pool in suite 0x0002, a front in suite 0x0001', [w.routed(in2('pool 2', w.FRONT))], OK, F, {
    pools: [w.poolIn(two)],
  });
  add('front-2', 'the reverse', [w.routed(w.message('front 2', { front: front2 }))], OK, F, {
    front: [w.frontOfRouter(front2)],
  });
  add('suite-2', 'both in suite 0x0002', [w.routed(in2('suite 2', front2))], OK, F, {
    pools: [w.poolIn(two)],
    front: [w.frontOfRouter(front2)],
  });
  const eight = p.poolEpoch('eight', 8);
  add(
    'two-pools',
    'two pool records, each for its epoch of the crew',
    [
      w.routed(w.message('of seven')),
      w.routed(w.message('of eight', { epoch: 8, stream: p.stream('of eight', { pool: eight }) })),
    ],
    OK,
    F,
    { pools: [w.poolIn(p.POOL), w.poolIn(eight)] },
  );
  const four = w.frontEpoch('four', 4);
  add(
    'two-fronts',
    'two epochs of the front: extension 12 names which',
    [w.routed(w.message('of three')), w.routed(w.message('of four', { front: four }))],
    OK,
    F,
    { front: [w.frontOfRouter(w.FRONT), w.frontOfRouter(four)] },
  );
  const same = w.frontEpoch('as the crew', 7);
  add(
    'same-number',
    "an epoch of the front with the number of the crew's",
    [w.routed(w.message('same', { front: same }))],
    OK,
    F,
    {
      front: [w.frontOfRouter(same)],
    },
  );
  add(
    'two-senders',
    'two dealers, and another topic of the front',
    [
      w.routed(w.message('alice')),
      w.routed(w.message('bob', { from: BOB })),
      w.routed(w.message('other topic', { topicTag: OTHER_TAG })),
    ],
    OK,
    F,
    { tags: [hex(p.FRONT_TAG), hex(OTHER_TAG)] },
  );
  const begun = (name: string, started: bigint, over: w.MessageSpec = {}): w.Message =>
    w.message(name, { stream: p.stream(name, { started }), ...over });
  add('started-now', 'a stream that was set up in this millisecond', [w.routed(begun('now', NOW))], OK, ['PoolStream']);
  add('stream-end', 'the last millisecond of a stream', [w.routed(begun('end', NOW - LIFE))], OK, [
    'PoolStream',
    'Limit',
  ]);
  add('received-later', 'and received after it', [w.routed(begun('later', NOW - LIFE), NOW + 1000n)], OK, [
    'PoolStream',
  ]);
  add(
    'expiry',
    'with an expiry that has not passed',
    [w.routed(w.message('expiry', { more: [ext(4, u64(NOW))] }))],
    [...OK, 'replay.4'],
  );
  add(
    'other-tag',
    'a tag that does not lead to the front',
    [p.unseen(w.message('x', { topicTag: OTHER_TAG }).bytes)],
    ['envelope.29'],
  );
  add(
    'other-tag-broken',
    'a request in leaves under such a tag',
    [p.unseen(p.work('y', { topicTag: OTHER_TAG, form: 'merkle' }).bytes)],
    ['envelope.29'],
    [...F, 'Order'],
  );
  add(
    'inbox-tag',
    'a message under an inbox tag, which is no topic of the front',
    [p.unseen(w.message('inbox', { topicTag: p.inboxTag(BOB).tag }).bytes)],
    ['envelope.29'],
    [...F, 'Inbox'],
  );
}

/** A router has no key of the crew, and so does not judge what only that opens. */
function unread(add: Add): void {
  const one = (id: string, comment: string, over: w.MessageSpec): void =>
    add(id, comment, [w.routed(w.message(`unread ${id}`, over))], [P38]);
  const bend = { sealed: (_leaf: number | undefined, right: Bytes): Bytes => flip(right, 0) };
  one('body', 'a body that does not open', { bend });
  one('commitment', 'a commitment to the record key', { recordCommit: true });
  one('commitment-wrong', 'a commitment to another key', {
    recordCommit: true,
    bend: { commit: (right) => flip(right, 0) },
  });
  one('record-short', 'a record of 23 bytes', { payloads: [zeros(23)] });
  one('no-deadline', 'a record without a deadline', { items: [p.item('zero', 0n)] });
  one('deadline-2-53', 'a deadline of 2^53', { payloads: [cat(seeded('key', 16), u64(SAFE + 1n))] });
  one('late', 'a deadline that has passed', { items: [p.item('past', 1n)] });
  one('trailing', 'bytes after the last record', {
    bend: { plaintexts: [cat(zeros(1), u8(0), u8(24), seeded('r', 24), u8(1))] },
  });
  one('other-key', 'sealed to another public key than the pool record has', {
    stream: p.stream('other key', { publicKey: p.stream('any').enc }),
  });
  const info = poolInfo(1, p.POOL.poolHash, ALICE.keyId, NOW - 1000n);
  const enc = zeros(32);
  one('low-order', 'an enc32 that gives no shared secret', {
    stream: {
      ...p.stream('low'),
      enc,
      info,
      bind: H(info),
      streamId: H(enc).slice(0, 8),
      keyinfo: cat(enc, u64(NOW - 1000n)),
    },
  });
}

/** The times of a pool record, and which epochs of the front are open. */
function epochs(add: Add): void {
  const at = (id: string, comment: string, over: Members, yes: boolean, more: Members = {}): void => {
    const m = w.message(`times ${id}`);
    add(id, comment, [yes ? w.routed(m) : p.refused(m.bytes, 'E_EPOCH')], [P37, 'groups.26'], [...F, 'Validity'], {
      pools: [w.poolIn(p.POOL, over)],
      ...more,
    });
  };
  const begins = (ms: bigint): Members => ({ notBefore: (NOW + ms).toString() });
  const ends = (ms: bigint): Members => ({ notBefore: (NOW - LIFE).toString(), notAfter: (NOW + ms).toString() });
  at('begins-skew', 'a timestamp at not_before - skew', begins(30_000n), true);
  at('begins-later', 'a millisecond before that', begins(30_001n), false);
  at('ends-skew', 'a timestamp at not_after + skew', ends(-30_000n), true);
  at('ends-sooner', 'a millisecond after that', ends(-30_001n), false);
  at('at-once', 'not_before and not_after at the timestamp', { ...begins(0n), notAfter: NOW.toString() }, true);
  const own = { skewMs: '1000' };
  at('own-skew-begins', 'with a skew of its own, at the beginning', begins(1000n), true, own);
  at('own-skew-begins-later', 'and a millisecond before', begins(1001n), false, own);
  at('own-skew-ends', 'at the end', ends(-1000n), true, own);
  at('own-skew-ends-sooner', 'and a millisecond after', ends(-1001n), false, own);
  const m = w.message('clock');
  add(
    'clock',
    'it is the timestamp that counts: received when the times are over',
    [w.routed(m, NOW + 40_000n)],
    [P37, 'groups.26'],
    [...F, 'Validity'],
    { pools: [w.poolIn(p.POOL, ends(0n))] },
  );
  const eight = p.poolEpoch('eight', 8);
  const of8 = w.message('times of eight', { epoch: 8, stream: p.stream('times of eight', { pool: eight }) });
  add(
    'each-its-own',
    'two records: the times of each are its own',
    [w.routed(w.message('times of seven')), p.refused(of8.bytes, 'E_EPOCH')],
    [P37, 'groups.26'],
    [...F, 'Validity'],
    { pools: [w.poolIn(p.POOL), w.poolIn(eight, begins(60_000n))] },
  );
  const closed = w.message('closed');
  const no = (id: string, comment: string, bytes: Bytes, over: Members = {}): void =>
    add(id, comment, [p.refused(bytes, 'E_EPOCH')], [P37, 'groups.26'], F, over);
  no('no-pool', 'without any pool record', closed.bytes, { pools: [] });
  no('front-closed', 'extension 12 names an epoch of the front that is closed', closed.bytes, {
    front: [w.frontOfRouter(w.FRONT, { open: false })],
  });
  no('front-none', 'without any epoch of the front', closed.bytes, { front: [] });
  no(
    'front-crew',
    'extension 12 names the epoch of the crew, whose secret it was sealed with',
    w.message('crew', {
      front: { ...w.FRONT, ...p.POOL },
    }).bytes,
  );
  const three = w.FRONT;
  const four = w.frontEpoch('four', 4);
  add(
    'front-one-closed',
    'of two epochs of the front one is closed',
    [p.refused(w.message('f three').bytes, 'E_EPOCH'), w.routed(w.message('f four', { front: four }))],
    [P37, 'groups.26'],
    F,
    { front: [w.frontOfRouter(three, { open: false }), w.frontOfRouter(four)] },
  );
}

interface Plan {
  spec: w.MessageSpec;
  stream: p.StreamSpec;
  over: Members;
  now: bigint;
  keyinfo?: (right: Bytes) => Bytes;
  after?: (bytes: Bytes) => Bytes;
}
const defect = (
  id: string,
  comment: string,
  code: string,
  spec: string,
  flag: string,
  touches: string,
  change: (plan: Plan) => void,
): Defect<Plan> => ({ id, comment, code, spec, flag, touches, put: change });

const P16 = 'patterns.16';
/** In the order of patterns.37, then of chapter 03. */
const DEFECTS: readonly Defect<Plan>[] = [
  defect('pattern', 'that is a request', 'E_ENCODING', P37, 'Purpose', 'pattern', (d) => {
    d.spec.patternKind = p.REQUEST;
  }),
  defect('epoch', 'of an epoch without a pool record', 'E_EPOCH', P37, 'PoolRecord', 'epoch', (d) => {
    d.spec.epoch = 9;
  }),
  defect('times', 'before the times of its pool record', 'E_EPOCH', P37, 'Validity', 'pools', (d) => {
    d.over['pools'] = [w.poolIn(p.POOL, { notBefore: (NOW + 40_000n).toString() })];
  }),
  defect('stale', 'while the view of the front is not fresh', 'E_STALE', P37, 'Freshness', 'fresh', (d) => {
    d.over['fresh'] = false;
  }),
  defect('leaves', 'in leaves', 'E_ENCODING', P16, 'PoolStream', 'form', (d) => {
    d.spec.form = 'merkle';
  }),
  defect('single', 'that is a single', 'E_ENCODING', P16, 'PoolStream', 'form', (d) => {
    d.spec.form = 'single';
  }),
  defect('no-head-seq', 'without extension 8', 'E_EXT', P16, 'PoolStream', 'extensions', (d) => {
    d.spec.without = [8];
  }),
  defect('no-routing', 'without extension 12', 'E_EXT', P16, 'Routing', 'extensions routing', (d) => {
    d.spec.without = [12];
  }),
  defect('keyinfo-short', 'with keyinfo of 39 bytes', 'E_LENGTH', P16, 'PoolStream', 'keyinfo', (d) => {
    d.keyinfo = (right) => right.slice(0, 39);
  }),
  defect('started-2-53', 'whose started is 2^53', 'E_LIMIT', P16, 'Limit', 'keyinfo started', (d) => {
    d.stream.started = SAFE + 1n;
  }),
  defect('stream-id', 'with a stream_id that is drawn', 'E_ENCODING', P16, 'PoolStream', 'streamId', (d) => {
    d.spec.streamId = seeded('drawn stream id', 8);
  }),
  defect('started-later', 'started after the timestamp', 'E_ENCODING', P16, 'PoolStream', 'keyinfo started', (d) => {
    d.stream.started = NOW + 1n;
  }),
  defect(
    'stream-old',
    'a millisecond after the end of the stream',
    'E_EXPIRED',
    P16,
    'PoolStream',
    'keyinfo started',
    (d) => {
      d.stream.started = NOW - LIFE - 1n;
    },
  ),
  defect('seq', 'with number 2^20 + 1', 'E_LIMIT', P16, 'Limit', 'seq', (d) => {
    d.spec.seq = SEQ_LIMIT + 1n;
  }),
  defect('suite', "in another suite than the pool record's", 'E_SUITE', P37, 'Downgrade', 'suite', (d) => {
    d.spec.suite = 2;
    d.stream.suite = 2;
  }),
  defect('front', 'with an epoch of the front that is not known', 'E_EPOCH', P37, 'Routing', 'routing', (d) => {
    d.spec.routingEpoch = 9;
  }),
  defect('sender', 'by somebody unknown', 'E_SENDER', 'patterns.17', 'Impersonation', 'sender', (d) => {
    d.over['senders'] = [];
  }),
  defect('writer', 'by one whom the writers do not allow', 'E_POLICY', 'patterns.17', 'Routing', 'sender', (d) => {
    d.over['senders'] = [p.mayWrite(ALICE, false)];
  }),
  defect('old', 'that is too old', 'E_EXPIRED', 'replay.2', 'Freshness', 'now', (d) => {
    d.now = NOW + 120_001n;
  }),
  defect('boot', 'from before the start of the router', 'E_TOO_OLD', 'replay.25', 'Restart', 'boot', (d) => {
    d.over['bootMs'] = NOW.toString();
  }),
  defect('signature', 'with a broken signature', 'E_SIG', 'suites.18', 'Tampered', 'signature', (d) => {
    d.after = (bytes) => flip(bytes, -1);
  }),
  defect('routing', 'whose extension 12 does not open', 'E_AEAD', P38, 'Routing', 'routing', (d) => {
    d.spec.change = (right) => flip(right, -1);
  }),
];

function make(name: string, defects: readonly Defect<Plan>[]): { plan: Plan; bytes: Bytes } {
  const plan: Plan = { spec: {}, stream: {}, over: {}, now: NOW };
  for (const d of defects) d.put(plan);
  const stream = p.stream(name, plan.stream);
  const keyinfo = plan.keyinfo === undefined ? stream.keyinfo : plan.keyinfo(stream.keyinfo);
  const { bytes } = w.message(name, { stream, keyinfo, ...plan.spec });
  return { plan, bytes: plan.after === undefined ? bytes : plan.after(bytes) };
}

function header(add: Add): void {
  for (const d of DEFECTS) {
    const { plan, bytes } = make(`router ${d.id}`, [d]);
    const goesOn = Object.keys(plan.over).length === 0 && plan.now === NOW;
    const steps = [p.refused(bytes, d.code, plan.now), ...(goesOn ? [w.routed(w.message(`after ${d.id}`))] : [])];
    add(d.id, `A message ${d.comment}`, steps, [d.spec], [d.flag], plan.over);
  }
  for (const [a, b] of pairsOf(DEFECTS)) {
    const { plan, bytes } = make(`router order ${a.id} ${b.id}`, [b, a]);
    add(
      `order-${a.id}-${b.id}`,
      `A message ${a.comment}, and ${b.comment}`,
      [p.refused(bytes, a.code, plan.now)],
      ['envelope.27', ...new Set([a.spec, b.spec])],
      ['Order'],
      plan.over,
    );
  }
  const no = (id: string, comment: string, spec: w.MessageSpec, code: string, flag = 'Purpose'): void =>
    add(
      id,
      comment,
      [p.refused(w.message(`router ${id}`, spec).bytes, code), w.routed(w.message(`after ${id}`))],
      [P37],
      [flag],
    );
  for (const [id, comment, patternKind] of [
    ['job', 'A job', p.PUSH],
    ['reply', 'A reply', p.REPLY],
    ['answer', 'A reply of ROUTER/DEALER', w.ANSWER],
    ['forward', 'A forward', w.FORWARD],
    ['pub-sub', 'Of PUB/SUB', 0x20],
    ['question', 'A question of SURVEY', 0x50],
    ['bus', 'Of BUS', 0x60],
  ] as [string, string, number][])
    no(`pattern-${id}`, `${comment} under the tag of a topic`, { patternKind }, 'E_ENCODING');
  const plain = p.work('plain request');
  add(
    'pattern-plain',
    'A request as a worker would take it',
    [p.refused(plain.bytes, 'E_ENCODING')],
    [P37],
    ['Purpose'],
  );
  const { keyinfo } = p.stream('keyinfo');
  for (const [id, comment, value] of [
    ['none', 'no keyinfo', zeros(0)],
    ['enc', 'enc32 alone', keyinfo.slice(0, 32)],
    ['41', 'keyinfo of 41 bytes', cat(keyinfo, zeros(1))],
  ] as [string, string, Bytes][])
    no(`keyinfo-${id}`, `With ${comment}`, { stream: p.stream('keyinfo'), keyinfo: value }, 'E_LENGTH', 'PoolStream');
  no('without-both', 'Without extensions 8 and 12', { without: [8, 12] }, 'E_EXT', 'Routing');
  no('future', 'From too far ahead', { timestamp: NOW + 30_001n }, 'E_FUTURE', 'Freshness');
  no('expiry', 'Past its expiry', { more: [ext(4, u64(NOW - 1n))] }, 'E_EXPIRED', 'Freshness');
  no('mallory', 'By one who is known and may not ask', { from: MALLORY }, 'E_POLICY', 'Routing');
  const short = w.message('router routing-19', { change: (right) => right.slice(0, 19) });
  add('routing-19', 'Extension 12 of 19 bytes: step 5', [p.refused(short.bytes, 'E_EXT')], ['envelope.13'], ['Limit']);
  const long = w.message('router routing-1045', { data: zeros(1025) });
  add(
    'routing-1045',
    'Routing data of 1,025 bytes',
    [p.refused(long.bytes, 'E_EXT')],
    ['envelope.13', 'patterns.36'],
    ['Limit'],
  );
}

function bindings(add: Add): void {
  const S = ['suites.18', P37];
  const T = ['Tampered'];
  const message = w.message('bound', { more: [ext(4, u64(NOW)), ext(6, seeded('trace', 32))] });
  const no = (
    id: string,
    comment: string,
    bytes: Bytes,
    code = 'E_SIG',
    spec = S,
    flags = T,
    over: Members = {},
  ): void =>
    add(
      id,
      comment,
      [p.refused(bytes, code), ...(Object.keys(over).length > 0 ? [] : [w.routed(message)])],
      spec,
      flags,
      over,
    );
  const { bytes } = message;
  const keyinfoAt = 96 + message.sealed.header.extLen;
  const routingAt = keyinfoAt - 20 - message.data.length;
  for (const [id, what, at] of [
    ['timestamp', 'the timestamp', AT.timestamp + 7],
    ['salt', 'the salt', AT.salt],
    ['seq', 'seq', AT.seq + 6],
    ['routing-data', 'the routing data', routingAt + 4],
    ['routing-tag', 'the tag of the routing data', keyinfoAt - 1],
    ['started', 'started', keyinfoAt + 38],
    ['body', 'the body', keyinfoAt + 40],
    ['signature', 'the signature', -1],
  ] as [string, string, number][])
    no(`flip-${id}`, `One bit of ${what}`, flip(bytes, at));
  no('flip-routing-epoch', 'One bit of the epoch in extension 12', flip(bytes, routingAt + 3), 'E_EPOCH', [P37]);
  no('flip-enc', 'One bit of enc32: the stream_id is another', flip(bytes, keyinfoAt), 'E_ENCODING', [P16]);
  const four = w.frontEpoch('four', 4);
  no('routing-epoch', 'Another open epoch written into extension 12', put(bytes, routingAt, u32(4)), 'E_SIG', S, T, {
    front: [w.frontOfRouter(w.FRONT), w.frontOfRouter(four)],
  });
  const bind = (who: Person, started = NOW - 1000n, hash = p.POOL.poolHash): Bytes =>
    H(poolInfo(1, hash, who.keyId, started));
  const A = [P38, 'patterns.36'];
  const B = ['RoutingBinding'];
  no(
    'routing-epoch-resigned',
    'The same, by the dealer itself, who signs anew',
    resign(put(bytes, routingAt, u32(4)), ALICE.seed, bind(ALICE)),
    'E_AEAD',
    A,
    B,
    { front: [w.frontOfRouter(w.FRONT), w.frontOfRouter(four)] },
  );
  const stolen = (thief: Person): Bytes => resign(put(bytes, AT.senderId, thief.senderId), thief.seed, bind(thief));
  no('stolen', "Bob signs alice's message as his: the routing data are of her", stolen(BOB), 'E_AEAD', A, B);
  no('stolen-no-right', 'One without the right to ask does', stolen(MALLORY), 'E_POLICY', ['patterns.17'], B);
  const salted = resign(put(bytes, AT.salt, seeded('another salt', 16)), ALICE.seed, bind(ALICE));
  no('salt-resigned', 'Another salt, by the dealer itself, who signs anew: the key is another', salted, 'E_AEAD', A, B);
  const zeroed = resign(put(bytes, AT.salt, zeros(16)), ALICE.seed, bind(ALICE));
  no('salt-zeros', 'The same with a salt of zeros', zeroed, 'E_AEAD', A, B);
  const twin = w.message('bound twice', { stream: p.stream('bound twice'), seq: 2n, data: message.data });
  const first = (over: w.MessageSpec): Bytes =>
    w.message('bound twice', { stream: p.stream('bound twice'), data: message.data, ...over }).bytes;
  const taken = twin.bytes.slice(96 + 12 + 4, 96 + 12 + 4 + 20 + message.data.length);
  no(
    'routing-of-next',
    'With the routing data of the next message of the stream',
    first({ change: () => taken }),
    'E_AEAD',
    A,
    B,
  );
  const other = w.message('bound elsewhere', { data: message.data });
  const foreign = other.bytes.slice(96 + 12 + 4, 96 + 12 + 4 + 20 + message.data.length);
  no('routing-of-other', 'With those of another stream', first({ change: () => foreign }), 'E_AEAD', A, B);
  const clone = first({ random: seeded('random of a clone', 16) });
  no(
    'routing-of-clone',
    'With those of a clone of the sender, which has the stream, the number and the data, and another salt',
    first({ change: () => clone.slice(96 + 12 + 4, 96 + 12 + 4 + 20 + message.data.length) }),
    'E_AEAD',
    A,
    B,
  );
  const stated = (salt: Bytes, at: 'front' | 'behind'): Bytes => {
    const { groupCtx } = w.FRONT;
    const place = cat(ALICE.keyId, p.stream('bound twice').streamId, u64(1n));
    const context = at === 'front' ? cat(salt, groupCtx, place) : cat(groupCtx, place, salt);
    const keys = xp(w.FRONT.epochSecret, 'pool routing', context, 44);
    return cat(u32(w.FRONT.epoch), sealBytes(1, keys.slice(0, 32), keys.slice(32), zeros(0), message.data));
  };
  const rightly = w.message('bound twice', {
    stream: p.stream('bound twice'),
    data: message.data,
    change: (_, salt) => stated(salt, 'behind'),
  });
  add('routing-stated', 'Routing data made from the words of the chapter', [w.routed(rightly)], A, B);
  no('routing-no-salt', 'Sealed without the salt', first({ change: () => stated(zeros(0), 'behind') }), 'E_AEAD', A, B);
  no(
    'routing-salt-first',
    'Sealed with the salt in front of the context',
    first({ change: (_, salt) => stated(salt, 'front') }),
    'E_AEAD',
    A,
    B,
  );
  no(
    'routing-zeros',
    'With zeros in place of them',
    first({ change: (right) => cat(right.slice(0, 4), zeros(16)) }),
    'E_AEAD',
    A,
    B,
  );
  for (const [id, comment, front] of [
    ['secret', 'another epoch secret', { ...w.FRONT, epochSecret: seeded('another secret', 32) }],
    ['block', 'another block', { ...w.FRONT, groupCtx: seeded('another ctx', 32) }],
    ['suite', 'another suite than the block has', { ...w.FRONT, suite: 2 }],
    ['crew', "the crew's secret and block", { ...w.FRONT, epochSecret: p.POOL.epochSecret, groupCtx: p.POOL.groupCtx }],
  ] as [string, string, w.FrontEpoch][])
    no(`routing-${id}`, `Routing data sealed with ${comment}`, first({ front }), 'E_AEAD', A, B);
  const bound = (value: Bytes): Partial<Recipe> => ({
    source: { sourceSecret: seeded('any secret', 32), groupCtx: value, bind: value },
  });
  for (const [id, comment, value] of [
    ['other-pool', 'another pool record', bind(ALICE, NOW - 1000n, seeded('forked', 32))],
    ['other-sender', 'the info of another sender', bind(BOB)],
    ['other-start', 'another start', bind(ALICE, NOW)],
    ['front', "the front's block", w.FRONT.epochCommit],
    ['zeros', 'zeros', zeros(32)],
  ] as [string, string, Bytes][])
    no(`bound-${id}`, `Bound to ${comment}`, w.message(`bound ${id}`, bound(value)).bytes, 'E_SIG', S, ['PoolBinding']);
  no(
    'signed-by-other',
    "Bob signs in alice's name",
    w.message('in name', { bend: { signSeed: BOB.seed } }).bytes,
    'E_SIG',
    S,
    ['Impersonation'],
  );
  const asked = w.message('asked', { patternKind: p.REQUEST });
  no(
    'request-as-message',
    'A request presented as a message',
    put(asked.bytes, AT.patternKind, u8(w.MESSAGE)),
    'E_SIG',
    S,
    ['Tampered', 'Purpose'],
  );
  const plain = p.work('asked plainly');
  no(
    'request-without',
    'One without extension 12 presented as a message',
    put(plain.bytes, AT.patternKind, u8(w.MESSAGE)),
    'E_EXT',
    [P16],
    ['Tampered', 'Purpose'],
  );
  no(
    'as-request',
    'A message presented as a request',
    put(bytes, AT.patternKind, u8(p.REQUEST)),
    'E_ENCODING',
    [P37],
    ['Tampered', 'Purpose'],
  );
  no('tag-moved', 'A message moved to another topic of the front', put(bytes, AT.topicTag, OTHER_TAG), 'E_SIG', S, T, {
    tags: [hex(p.FRONT_TAG), hex(OTHER_TAG)],
  });
  const eight = p.poolEpoch('eight', 8);
  no(
    'epoch-renamed',
    'A message of epoch 7 presented as one of 8',
    put(bytes, AT.epoch, u32(8)),
    'E_SIG',
    S,
    ['PoolBinding'],
    {
      pools: [w.poolIn(p.POOL), w.poolIn(eight)],
    },
  );
}

function replays(add: Add): void {
  const R = ['Replayed'];
  const stream = p.stream('replayed');
  const on = (seq: bigint, over: w.MessageSpec = {}): w.Message => w.message('replayed', { stream, seq, ...over });
  const [one, two] = [on(1n), on(2n)];
  const again = p.refused(one.bytes, 'E_REPLAY');
  add('duplicate', 'A message twice', [w.routed(one), again, w.routed(two), again], ['replay.7', P37], R);
  const later = on(1n, { timestamp: NOW + 1n, random: seeded('resealed', 16) });
  add(
    'fork',
    'Another with its number, validly signed',
    [w.routed(one), p.refused(later.bytes, 'E_FORK')],
    ['replay.12'],
    ['Fork'],
  );
  const data = on(1n, { data: text('elsewhere'), random: seeded('resealed', 16) });
  add(
    'fork-routing',
    'The same records once more, with other routing data',
    [w.routed(one), p.refused(data.bytes, 'E_FORK')],
    ['replay.12'],
    ['Fork'],
  );
  const far = on(5000n);
  const broken = on(5000n, { change: (right) => flip(right, -1), random: seeded('broken', 16) });
  add(
    'aead-leaves-nothing',
    'One whose routing data do not open leaves no trace: neither window nor number',
    [w.routed(one), p.refused(broken.bytes, 'E_AEAD'), p.refused(broken.bytes, 'E_AEAD'), w.routed(two), w.routed(far)],
    ['replay.9', 'envelope.28', P38],
    ['WindowAbuse'],
  );
  add(
    'signature-leaves-nothing',
    'Nor does one whose signature is broken',
    [w.routed(one), p.refused(flip(far.bytes, -1), 'E_SIG'), w.routed(two), w.routed(far)],
    ['replay.9', 'envelope.28'],
    ['WindowAbuse'],
  );
  add(
    'unread-counts',
    'One of which no worker will take the records is seen nevertheless',
    (() => {
      const short = on(3n, { payloads: [zeros(23)] });
      return [w.routed(short), p.refused(short.bytes, 'E_REPLAY')];
    })(),
    ['replay.7', P38],
    R,
  );
  add(
    'window',
    'A message below the window',
    [w.routed(on(2000n)), p.refused(one.bytes, 'E_TOO_OLD')],
    ['replay.6'],
    R,
  );
  add(
    'small-window',
    'With a window of 64',
    [w.routed(on(65n)), p.refused(one.bytes, 'E_TOO_OLD'), w.routed(two)],
    ['replay.6'],
    R,
    { window: 64 },
  );
  const boot = { bootMs: (NOW - 30_000n).toString() };
  add(
    'boot',
    'From before the start of a router that stores nothing, and after it',
    [p.refused(w.message('before').bytes, 'E_TOO_OLD'), w.routed(w.message('after', { timestamp: NOW + 1n }))],
    ['replay.25'],
    ['Restart'],
    boot,
  );
  const o = w.message('aged');
  add(
    'max-age',
    'With a max_age of its own',
    [p.refused(o.bytes, 'E_EXPIRED', NOW + 1001n), w.routed(o, NOW + 1000n)],
    ['replay.2'],
    ['Freshness'],
    { maxAgeMs: '1000' },
  );
  add(
    'two-streams',
    'Number 1 of two streams, and of two dealers',
    [w.routed(one), w.routed(o), w.routed(w.message('of bob', { from: BOB })), p.refused(o.bytes, 'E_REPLAY')],
    ['replay.1'],
    R,
  );
  const prev = (id: Bytes): w.MessageSpec => ({ more: [ext(3, id)] });
  add(
    'prev',
    'With the id32 of the message before; then with another',
    [w.routed(one), w.routed(on(2n, prev(one.sealed.id))), p.refused(on(3n, prev(one.sealed.id)).bytes, 'E_FORK')],
    ['replay.13'],
    ['Fork'],
  );
}
