/** forwards.json, returns.json: what routers forward, at who works and at who asked; patterns.39 to patterns.41. */
import { VectorFile } from '../cases.ts';
import { pairsOf, type Defect } from '../defects.ts';
import type { Members } from '../json.ts';
import * as p from '../poolworld.ts';
import * as w from '../routerworld.ts';
import { runsOf, type AddRun } from '../runs.ts';
import { cat, flip, hex, put, seeded, text, u16, u32, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { makeJob, resign, type Recipe } from '../twin/envelope.ts';
import { known as ext } from '../twin/extensions.ts';
import { AT } from '../twin/header.ts';
import { ALICE, BOB, MALLORY, NOW, OTHER_TAG, type Person } from '../world.ts';

const P40 = ['patterns.40'];
const P41 = ['patterns.41'];
const OK = [...P40, ...P41];
const F = ['Forward'];

type Add = AddRun<p.Step>;
/** One of the two who take forwards, and what it may be sent. */
interface Side {
  name: string;
  spec: w.ForwardSpec;
  /** a good envelope and its result by itself */
  one: (name: string) => p.Step;
  other: Person;
  chain: Bytes;
  nobody: Members;
}
const WORKER: Side = {
  name: 'worker',
  spec: {},
  one: (name) => p.taken(w.message(name)),
  other: ALICE,
  chain: p.inboxTag(BOB).chain,
  nobody: { senders: [p.mayWrite(ALICE)] },
};
const ON = p.stream('forwarded');
const ASKED = w.message('forwarded', { stream: ON, items: [0, 1, 2].map((i) => p.item(`forwarded ${i}`)) });
const OTHER = p.stream('forwarded otherwise');
const ASKED_OTHER = w.message('forwarded otherwise', { stream: OTHER });
const OPEN: readonly Members[] = [
  p.streamIn(ON, [{ of: ASKED, indexes: [0, 1, 2] }]),
  p.streamIn(OTHER, [{ of: ASKED_OTHER, indexes: [0] }]),
];
const to = (index: number, over: Partial<p.Answer> = {}): p.Answer => p.answer(ASKED, index, over);
const reply = (name: string, list: p.Answer[], over: Partial<p.ReplySpec> = {}): p.Replied =>
  p.reply(name, { on: ON, answers: list, patternKind: w.ANSWER, ...over });
const news = (index: number, body: string): p.Answer => to(index, { status: 1, body: text(body) });
const DEALER: Side = {
  name: 'dealer',
  spec: { answers: true },
  one: (name) => p.heard(reply(name, [news(0, name)])),
  other: BOB,
  chain: p.answerTag(ALICE).chain,
  nobody: { routers: [] },
};

function file(name: string, side: Side, op: string, make: typeof w.workerIn): VectorFile {
  const out = new VectorFile(name);
  const group = (id: string, layer: string): Add => runsOf(out.group(id, op, 'routers', layer), make, OK, F);
  accept(group('accept', 'source'), side);
  header(group('header', 'source'), side);
  records(group('records', 'records'), side);
  bindings(group('bindings', 'signature'), side);
  const inside = group('inside', 'source');
  if (side === WORKER) messages(inside);
  else replies(inside);
  return out;
}
export const forwards = (): VectorFile => file('forwards', WORKER, 'crew.run', w.workerIn);
export const returns = (): VectorFile =>
  file('returns', DEALER, 'requester.run', (steps, over) => w.dealerIn(steps, OPEN, over));

function accept(add: Add, side: Side): void {
  const { one, spec } = side;
  const forwards = (name: string, inner: p.Step[], over: w.ForwardSpec = {}, now = NOW): p.Step =>
    w.forwards(`${side.name} ${name}`, inner, { ...spec, ...over }, now);
  add('one', 'one envelope', [forwards('one', [one('one')])]);
  add('three', 'three', [forwards('three', [one('a'), one('b'), one('c')])]);
  add('padded', 'with padding', [forwards('padded', [one('padded')], { padded: true })]);
  add('commitment', 'with a committed record key', [
    forwards('commitment', [one('commitment')], { recordCommit: true }),
  ]);
  const more = [ext(4, new Uint8Array(Buffer.from(NOW.toString(16).padStart(16, '0'), 'hex')))];
  add('expiry', 'with an expiry that has not passed', [
    forwards('expiry', [one('expiry')], { extensions: [...more, p.HEAD_SEQ, ext(9, side.chain)] }),
  ]);
  const stream: Partial<Recipe> = { streamId: seeded('stream of a router', 8) };
  add(
    'stream',
    'three forwards of one stream, out of order',
    [3n, 1n, 2n].map((seq) => forwards(`number ${seq}`, [one(`number ${seq}`)], { ...stream, seq })),
    [...OK, 'replay.8'],
    [...F, 'Reordered'],
  );
  add('two-routers', 'two who forward', [
    forwards('robin', [one('by robin')]),
    forwards('rita', [one('by rita')], { from: w.RITA }),
  ]);
  add('seq-2-40', 'number 2^40 of a stream, which is no pool stream', [
    forwards('far', [one('far')], { seq: 1n << 40n }),
  ]);
  const two = w.frontEpoch('three', 3, 2);
  add(
    'suite-2',
    'a front in suite 0x0002, a pool in suite 0x0001',
    [forwards('suite 2', [one('suite 2')], { front: two })],
    OK,
    F,
    {
      front: [w.frontIn(two)],
    },
  );
  const four = w.frontEpoch('four', 4);
  add(
    'two-epochs',
    'an epoch of the front that drains, and the next one',
    [forwards('of three', [one('of three')]), forwards('of four', [one('of four')], { front: four })],
    OK,
    F,
    { front: [w.frontIn(w.FRONT), w.frontIn(four)] },
  );
  const same = w.frontEpoch('as the crew', 7);
  add(
    'same-number',
    "an epoch of the front with the number of the crew's",
    [forwards('same', [one('same')], { front: same })],
    OK,
    F,
    {
      front: [w.frontIn(same)],
    },
  );
  add('direct-too', 'beside an envelope that came by itself', [one('direct'), forwards('beside', [one('beside')])]);
  add(
    'other-tag',
    "under another's tag",
    [p.unseen(w.forward('other tag', w.bytesOf([one('x')]), { ...spec, to: side.other }).bytes), one('x')],
    ['envelope.29'],
    [...F, 'Inbox'],
  );
  add(
    'no-tag',
    'under a tag that is none',
    [p.unseen(w.forward('no tag', w.bytesOf([one('y')]), { ...spec, topicTag: OTHER_TAG }).bytes), one('y')],
    ['envelope.29'],
  );
  const f = w.forward(`${side.name} twice`, w.bytesOf([one('twice')]), spec);
  add(
    'duplicate',
    'A forward twice',
    [
      w.forwarded(f, [one('twice')]),
      p.refused(f.bytes, 'E_REPLAY'),
      p.refused(w.bytesOf([one('twice')])[0] ?? zeros(0), 'E_REPLAY'),
    ],
    [...OK, 'replay.7'],
    ['Replayed'],
  );
  const again = (name: string): p.Step => ({ in: one(name).in, result: { error: 'E_REPLAY' } });
  add(
    'resealed',
    'the same envelope in a second forward',
    [forwards('first', [one('again')]), forwards('second', [again('again')])],
    [...P41, 'replay.7'],
    ['Replayed'],
  );
  add(
    'by-both',
    'by two routers',
    [
      forwards('by robin', [one('by both'), one('beside 1')]),
      forwards('by rita', [again('by both'), one('beside 2')], { from: w.RITA }),
    ],
    [...P41, 'replay.7'],
    ['Replayed'],
  );
  add(
    'twice-inside',
    'one envelope twice in a forward',
    [forwards('double', [one('double'), again('double')])],
    [...P41, 'replay.7'],
    ['Replayed'],
  );
  add(
    'forward-then-direct',
    'then by itself',
    [forwards('then', [one('then')]), again('then')],
    [...P41, 'replay.7'],
    ['Replayed'],
  );
  add(
    'direct-then-forward',
    'by itself, then forwarded',
    [one('before'), forwards('before', [again('before')])],
    [...P41, 'replay.7'],
    ['Replayed'],
  );
  const late = forwards('late', [one('late')], { timestamp: NOW + 60_000n }, NOW + 60_000n);
  add('held-back', 'forwarded a minute after it was sealed', [late], OK, ['Freshness']);
  const aged: p.Step = { in: one('aged').in, result: { error: 'E_EXPIRED' } };
  add(
    'too-old-inside',
    'forwarded two minutes and a millisecond after it was sealed: the forward is fresh, what is inside is not',
    [forwards('aged', [aged], { timestamp: NOW + 120_001n }, NOW + 120_001n)],
    [...P41, 'replay.2'],
    ['Freshness'],
  );
  const stale: p.Step = { in: one('boot').in, result: { error: 'E_TOO_OLD' } };
  add(
    'boot-inside',
    'forwarded after the start of the receiver, sealed before',
    [forwards('boot', [stale], { timestamp: NOW + 1n })],
    [...P41, 'replay.25'],
    ['Restart'],
    { bootMs: (NOW - 30_000n).toString() },
  );
}

interface Plan {
  side: Side;
  spec: w.ForwardSpec;
  over: Members;
  now: bigint;
  after?: (bytes: Bytes) => Bytes;
}
const defect = (
  id: string,
  comment: string,
  code: string,
  flag: string,
  touches: string,
  change: (plan: Plan) => void,
  spec = 'patterns.40',
): Defect<Plan> => ({ id, comment, code, spec, flag, touches, put: change });

/** In the order of patterns.40, then of chapter 03. */
const DEFECTS: readonly Defect<Plan>[] = [
  defect('leaves', 'in leaves', 'E_ENCODING', 'Forward', 'form record commit', (d) => {
    d.spec.form = 'merkle';
  }),
  defect('single', 'that is a single', 'E_ENCODING', 'Forward', 'form record', (d) => {
    d.spec.form = 'single';
  }),
  defect('keyinfo', 'with keyinfo', 'E_ENCODING', 'Forward', 'keyinfo', (d) => {
    d.spec.keyinfo = zeros(1);
  }),
  defect('no-head-seq', 'without extension 8', 'E_EXT', 'Forward', 'extensions', (d) => {
    d.spec.extensions = [ext(9, d.side.chain)];
  }),
  defect('no-chain', 'without extension 9', 'E_EXT', 'Inbox', 'extensions', (d) => {
    d.spec.extensions = [p.HEAD_SEQ];
  }),
  defect('chain-1', 'with one value in extension 9', 'E_EXT', 'Inbox', 'extensions', (d) => {
    d.spec.extensions = [p.HEAD_SEQ, ext(9, d.side.chain.slice(0, 16))];
  }),
  defect('chain-3', 'with three values in extension 9', 'E_EXT', 'Inbox', 'extensions', (d) => {
    d.spec.extensions = [p.HEAD_SEQ, ext(9, cat(d.side.chain, zeros(16)))];
  }),
  defect('epoch', 'of an epoch of the front that is not known', 'E_EPOCH', 'Forward', 'epoch', (d) => {
    d.spec.epoch = 9;
  }),
  defect('stale', 'while the view of the front is not fresh', 'E_STALE', 'Freshness', 'fresh', (d) => {
    d.over['fresh'] = false;
  }),
  defect('suite', "in another suite than the front's", 'E_SUITE', 'Downgrade', 'suite', (d) => {
    d.spec.suite = 2;
  }),
  defect('sender', 'by somebody unknown', 'E_SENDER', 'Impersonation', 'sender', (d) => {
    Object.assign(d.over, d.side.nobody);
  }),
  defect('no-route', 'by one who may answer and ask, and not route', 'E_POLICY', 'Forward', 'sender', (d) => {
    d.spec.from = BOB;
  }),
  defect(
    'old',
    'that is too old',
    'E_EXPIRED',
    'Freshness',
    'now',
    (d) => {
      d.now = NOW + 120_001n;
    },
    'replay.2',
  ),
  defect(
    'boot',
    'from before the start of its receiver',
    'E_TOO_OLD',
    'Restart',
    'boot',
    (d) => {
      d.over['bootMs'] = NOW.toString();
    },
    'replay.25',
  ),
  defect(
    'signature',
    'with a broken signature',
    'E_SIG',
    'Tampered',
    'signature',
    (d) => {
      d.after = (bytes) => flip(bytes, -1);
    },
    'suites.18',
  ),
  defect(
    'commit',
    'with a commitment to another key',
    'E_COMMIT',
    'Commitment',
    'commit',
    (d) => {
      d.spec.recordCommit = true;
      d.spec.bend = { ...d.spec.bend, commit: (right) => flip(right, 0) };
    },
    'suites.15',
  ),
  defect(
    'aead',
    'that does not open',
    'E_AEAD',
    'BrokenSender',
    'aead',
    (d) => {
      d.spec.bend = { ...d.spec.bend, sealed: (_leaf, right) => flip(right, 0) };
    },
    'suites.14',
  ),
  defect('record', 'of a record that is no envelope', 'E_ENCODING', 'Forward', 'record', (d) => {
    d.spec.records = [{ timestamp: NOW, payload: text('no envelope') }];
  }),
];

function header(add: Add, side: Side): void {
  const make = (name: string, list: readonly Defect<Plan>[]): { plan: Plan; bytes: Bytes } => {
    const plan: Plan = { side, spec: { ...side.spec }, over: {}, now: NOW };
    for (const d of list) d.put(plan);
    const { bytes } = w.forward(`${side.name} ${name}`, w.bytesOf([side.one(name)]), plan.spec);
    return { plan, bytes: plan.after === undefined ? bytes : plan.after(bytes) };
  };
  const after = (id: string): p.Step => w.forwards(`${side.name} after ${id}`, [side.one(`after ${id}`)], side.spec);
  for (const d of DEFECTS) {
    const { plan, bytes } = make(d.id, [d]);
    const goesOn = Object.keys(plan.over).length === 0 && plan.now === NOW;
    const steps = [p.refused(bytes, d.code, plan.now), ...(goesOn ? [side.one(d.id), after(d.id)] : [])];
    add(d.id, `A forward ${d.comment}`, steps, [d.spec], [d.flag], plan.over);
  }
  for (const [a, b] of pairsOf(DEFECTS, side === WORKER ? 3 : 1)) {
    const { plan, bytes } = make(`order ${a.id} ${b.id}`, [b, a]);
    add(
      `order-${a.id}-${b.id}`,
      `A forward ${a.comment}, and ${b.comment}`,
      [p.refused(bytes, a.code, plan.now)],
      ['envelope.27', ...new Set([a.spec, b.spec])],
      ['Order'],
      plan.over,
    );
  }
  const no = (id: string, comment: string, spec: w.ForwardSpec, code: string, over: Members = {}): void =>
    add(
      id,
      comment,
      [p.refused(w.forward(`${side.name} no ${id}`, w.bytesOf([side.one(id)]), { ...side.spec, ...spec }).bytes, code)],
      P40,
      F,
      over,
    );
  no('epoch-closed', 'Of an epoch of the front that is closed', {}, 'E_EPOCH', {
    front: [w.frontIn(w.FRONT, { open: false })],
  });
  no('epoch-none', 'Without any epoch of the front', {}, 'E_EPOCH', { front: [] });
  no('epoch-crew', 'With the epoch of the crew', { epoch: 7 }, 'E_EPOCH');
  no('keyinfo-40', 'With keyinfo of 40 bytes', { keyinfo: ON.keyinfo }, 'E_ENCODING');
  no('future', 'From too far ahead', { timestamp: NOW + 30_001n }, 'E_FUTURE');
  const expired = new Uint8Array(Buffer.from((NOW - 1n).toString(16).padStart(16, '0'), 'hex'));
  no('expiry', 'Past its expiry', { extensions: [ext(4, expired), p.HEAD_SEQ, ext(9, side.chain)] }, 'E_EXPIRED');
  no('mallory', 'By one without any right', { from: MALLORY }, 'E_POLICY');
  if (side === WORKER) {
    no('asker', 'By one who may ask', { from: ALICE }, 'E_POLICY');
    const leaves = w.forward('leaf of a forward', w.bytesOf([side.one('leaf')]), { form: 'merkle' });
    add('leaf', 'A leaf of a forward', [p.refused(makeJob(leaves.bytes, 0), 'E_ENCODING', NOW, true)], P40);
    // the epoch is known whatever it is read as
    const seven = { front: [w.frontIn(w.frontEpoch('as the crew', 7))] };
    const inbox = p.inboxTag(BOB);
    for (const [id, comment, patternKind] of [
      ['message', 'A message', w.MESSAGE],
      ['request', 'A request', p.REQUEST],
      ['job', 'A job', p.PUSH],
    ] as [string, string, number][]) {
      const m = w.message(`to inbox ${id}`, { patternKind, topicTag: inbox.tag, more: [ext(9, inbox.chain)] });
      add(
        `inbox-${id}`,
        `${comment} under an inbox tag, straight from a dealer`,
        [p.refused(m.bytes, 'E_ENCODING')],
        P40,
        ['Inbox'],
        seven,
      );
    }
    for (const [id, comment, patternKind] of [
      ['answer', 'A reply of ROUTER/DEALER', w.ANSWER],
      ['pub-sub', 'Of PUB/SUB', 0x20],
      ['bus', 'Of BUS', 0x60],
    ] as [string, string, number][]) {
      const m = w.forward(`to inbox ${id}`, w.bytesOf([side.one(id)]), { patternKind });
      add(`inbox-${id}`, `${comment}, otherwise as a forward`, [p.refused(m.bytes, 'E_ENCODING')], P40, [
        'Inbox',
        'Purpose',
      ]);
    }
  }
}

/** Step 14: what the records of a forward have to begin with. */
function records(add: Add, side: Side): void {
  const { one, spec } = side;
  const [good = zeros(0)] = w.bytesOf([one('good')]);
  const no = (id: string, comment: string, payloads: Bytes[]): void => {
    const f = w.forward(`${side.name} records ${id}`, payloads, spec);
    add(
      id,
      comment,
      // recorded as seen, and nothing in it was looked at
      [p.refused(f.bytes, 'E_ENCODING'), p.refused(f.bytes, 'E_REPLAY'), one('good')],
      [...P40, 'envelope.28'],
      F,
    );
  };
  const kind = (patternKind: number): Bytes => put(good, AT.patternKind, u8(patternKind));
  const inner = w.forward(`${side.name} inner`, [good], spec);
  no('forward', 'A forward in a forward', [inner.bytes]);
  no('forward-second', 'An envelope, and a forward beside it', [good, inner.bytes]);
  no('forward-kind', 'An envelope that says it is a forward', [kind(w.FORWARD)]);
  no('request', 'A request', [p.work('request inside').bytes]);
  no('job', 'A job', [p.jobs('job inside').bytes]);
  no('reply', 'A reply of pattern 3', [p.reply('reply inside', { on: ON, answers: [to(0)] }).bytes]);
  if (side === WORKER) no('answer', 'A reply of pattern 7 under an inbox tag', [reply('reply inside', [to(0)]).bytes]);
  else no('message', 'A message under an answer tag', [w.message('message inside').bytes]);
  no('second-wrong', 'One right, and a request', [good, p.work('request inside').bytes]);
  no('first-wrong', 'A request, and one right', [p.work('request inside').bytes, good]);
  for (const patternKind of [0x20, 0x50, 0x60, 0x73, 0x00])
    no(`kind-${patternKind.toString(16)}`, `Pattern and kind 0x${patternKind.toString(16)}`, [kind(patternKind)]);
  no('empty', 'A record of no bytes', [zeros(0)]);
  no('3', 'A record of 3 bytes', [good.slice(0, 3)]);
  no('95', 'A record of 95 bytes: no header', [good.slice(0, 95)]);
  no('second-short', 'One right, and 95 bytes', [good, good.slice(0, 95)]);
  no('magic', 'Another magic', [put(good, 0, text('XX'))]);
  no('version', 'Another version', [put(good, AT.version, u8(2))]);
  no('shifted', 'A byte before the envelope', [cat(zeros(1), good)]);
  const f = w.forward(`${side.name} trailing`, [good], {
    ...spec,
    bend: { plaintexts: [cat(u8(0), u8(0), u8((good.length & 127) + 128), u8(good.length >> 7), good, zeros(1))] },
  });
  add(
    'trailing',
    'A byte after the last record',
    [p.refused(f.bytes, 'E_ENCODING'), one('good')],
    ['envelope.20', 'envelope.28'],
    F,
  );
}

function bindings(add: Add, side: Side): void {
  const { one, spec } = side;
  const step = one('bound');
  const f = w.forward(`${side.name} bound`, w.bytesOf([step]), spec);
  const good = w.forwarded(f, [step]);
  const S = [...P40, 'suites.18'];
  const no = (
    id: string,
    comment: string,
    bytes: Bytes,
    code = 'E_SIG',
    flags = ['Tampered'],
    over: Members = {},
  ): void => add(id, comment, [p.refused(bytes, code), good], S, flags, over);
  const bodyAt = 96 + f.sealed.header.extLen;
  for (const [id, what, at] of [
    ['timestamp', 'the timestamp', AT.timestamp + 7],
    ['seq', 'seq', AT.seq + 6],
    ['stream-id', 'stream_id', AT.streamId],
    ['salt', 'the salt', AT.salt],
    ['chain', 'extension 9', bodyAt - 1],
    ['body', 'the body', bodyAt + 20],
    ['signature', 'the signature', -1],
  ] as [string, string, number][])
    no(`flip-${id}`, `One bit of ${what}`, flip(f.bytes, at));
  const { epochCommit: bind } = w.FRONT;
  const made = (id: string, over: w.ForwardSpec): Bytes =>
    w.forward(`${side.name} bound ${id}`, w.bytesOf([one(id)]), { ...spec, ...over }).bytes;
  const source = (over: Partial<Recipe['source']>): w.ForwardSpec => ({
    source: { sourceSecret: w.FRONT.epochSecret, groupCtx: w.FRONT.groupCtx, bind, ...over },
  });
  const B = ['Forward'];
  no('bound-context', 'Bound to group_ctx32', made('ctx', source({ bind: w.FRONT.groupCtx })), 'E_SIG', B);
  no('bound-pool', 'Bound to the pool record', made('pool', source({ bind: p.POOL.poolHash })), 'E_SIG', B);
  no('bound-zeros', 'Bound to zeros', made('zeros', source({ bind: zeros(32) })), 'E_SIG', B);
  no(
    'crew-secret',
    "Sealed with the secret of the crew's epoch",
    made('crew', source({ sourceSecret: p.POOL.epochSecret })),
    'E_AEAD',
    B,
  );
  no(
    'crew-context',
    "Sealed with the crew's group_ctx32",
    made('crew ctx', source({ groupCtx: p.POOL.groupCtx })),
    'E_AEAD',
    B,
  );
  const copied = resign(put(f.bytes, AT.senderId, w.RITA.senderId), w.RITA.seed, bind);
  no('copied', "Rita signs robin's forward as hers", copied, 'E_AEAD', ['Impersonation']);
  no(
    'copied-no-route',
    'One who may not route does',
    resign(put(f.bytes, AT.senderId, BOB.senderId), BOB.seed, bind),
    'E_POLICY',
    ['Impersonation'],
  );
  no('signed-by-other', "Bob signs in robin's name", made('in name', { bend: { signSeed: BOB.seed } }), 'E_SIG', [
    'Impersonation',
  ]);
  const moved = w.forward(`${side.name} moved`, w.bytesOf([one('moved')]), { ...spec, to: side.other });
  const tag = side === WORKER ? p.inboxTag(BOB).tag : p.answerTag(ALICE).tag;
  no('tag-moved', "Another's forward, moved to this tag", put(moved.bytes, AT.topicTag, tag), 'E_SIG', [
    'Tampered',
    'Inbox',
  ]);
  const data = w.forward(`${side.name} as data`, w.bytesOf([one('as data')]), { ...spec, patternKind: 0x20 });
  no(
    'as-data',
    'An envelope of PUB/SUB presented as a forward',
    put(data.bytes, AT.patternKind, u8(w.FORWARD)),
    'E_SIG',
    ['Tampered', 'Purpose'],
  );
  const four = w.frontEpoch('four', 4);
  no(
    'epoch-renamed',
    'A forward of epoch 3 presented as one of 4',
    put(f.bytes, AT.epoch, u32(4)),
    'E_SIG',
    ['Tampered'],
    {
      front: [w.frontIn(w.FRONT), w.frontIn(four)],
    },
  );
  const fork = w.forward(`${side.name} bound`, w.bytesOf([one('otherwise')]), { ...spec, random: seeded('fork', 16) });
  add(
    'fork',
    'Two forwards with one number of one stream',
    [good, p.refused(fork.bytes, 'E_FORK'), one('otherwise')],
    ['replay.12'],
    ['Fork'],
  );
}

/** What an envelope inside is refused for is of that one alone: each stands between two that are taken. */
function between(
  add: Add,
  side: Side,
): (id: string, comment: string, inner: p.Step[], spec?: string[], over?: Members) => void {
  return (id, comment, inner, spec = [], over = {}) => {
    const all = [side.one(`${id} before`), ...inner, side.one(`${id} behind`)];
    add(id, comment, [w.forwards(`${side.name} inside ${id}`, all, side.spec)], [...P41, ...spec], F, over);
  };
}

function messages(add: Add): void {
  const side = WORKER;
  const put2 = between(add, side);
  const m = (id: string, spec: w.MessageSpec = {}): Bytes => w.message(`inside ${id}`, spec).bytes;
  const no = (id: string, comment: string, bytes: Bytes, code: string, spec: string[] = []): void =>
    put2(id, comment, [p.refused(bytes, code)], spec);
  const good = m('good');
  no('signature', 'One whose signature is broken', flip(good, -1), 'E_SIG', ['suites.18']);
  no('no-routing', 'One without extension 12', m('no routing', { without: [12] }), 'E_EXT', ['patterns.16']);
  no('no-head-seq', 'One without extension 8', m('no head', { without: [8] }), 'E_EXT', ['patterns.16']);
  no(
    'epoch',
    "One of an epoch that is not known; the front's number is none of the crew",
    m('epoch', { epoch: 3 }),
    'E_EPOCH',
    ['patterns.17'],
  );
  no('single', 'A single', m('single', { form: 'single' }), 'E_ENCODING', ['patterns.16']);
  no('leaves', 'One in leaves', m('leaves', { form: 'merkle' }), 'E_ENCODING', ['patterns.16']);
  no('keyinfo', 'One without keyinfo', m('keyinfo', { keyinfo: zeros(0) }), 'E_LENGTH', ['patterns.16']);
  const old = p.stream('inside old', { started: NOW - 600_001n });
  no('stream-old', 'One after the end of its stream', m('old', { stream: old }), 'E_EXPIRED', ['patterns.16']);
  no(
    'suite',
    'One in another suite',
    m('suite', { suite: 2, stream: p.stream('inside suite', { suite: 2 }) }),
    'E_SUITE',
    ['suites.3'],
  );
  no('writer', 'One of somebody who may not ask', m('mallory', { from: MALLORY }), 'E_POLICY', ['patterns.17']);
  no('router-asks', 'One of the router itself, who may not ask', m('robin', { from: w.ROBIN }), 'E_POLICY', [
    'patterns.17',
  ]);
  no('sender', 'One of somebody unknown', put(good, AT.senderId, zeros(16)), 'E_SENDER', ['patterns.17']);
  no(
    'expired',
    'One that is too old',
    m('expired', { timestamp: NOW - 120_001n, stream: p.stream('ex', { started: NOW - 120_001n }) }),
    'E_EXPIRED',
    ['replay.2'],
  );
  no('future', 'One from too far ahead', m('future', { timestamp: NOW + 30_001n }), 'E_FUTURE', ['replay.3']);
  const broken = { sealed: (_leaf: number | undefined, right: Bytes): Bytes => flip(right, 0) };
  no('aead', 'One that does not open', m('aead', { bend: broken }), 'E_AEAD', ['suites.14']);
  no('record-short', 'One with a record of 23 bytes', m('23', { payloads: [zeros(23)] }), 'E_ENCODING', [
    'patterns.19',
  ]);
  no('no-deadline', 'One without a deadline', m('zero', { items: [p.item('zero', 0n)] }), 'E_ENCODING', [
    'patterns.19',
  ]);
  no('header-only', 'A header and nothing more', good.slice(0, 96), 'E_LENGTH', ['envelope.34']);
  no('cut', 'One without its last byte', good.slice(0, -1), 'E_LENGTH', ['envelope.34']);
  no('more', 'One with a byte more', cat(good, zeros(1)), 'E_LENGTH', ['envelope.34']);
  no('suite-unknown', 'One in a suite that is none', put(good, AT.suite, u16(9)), 'E_SUITE', ['envelope.33']);
  no('flags', 'One with a reserved flag', put(good, AT.flags, u16(5)), 'E_ENCODING', ['envelope.33']);
  no('leaf', 'A leaf of one', makeJob(m('leaf', { form: 'merkle' }), 0), 'E_LENGTH', ['envelope.34']);
  put2(
    'other-tag',
    'One under a tag that does not lead to the front',
    [p.unseen(m('tag', { topicTag: OTHER_TAG }))],
    ['envelope.29'],
  );
  put2(
    'late',
    'One whose deadline has passed',
    [p.taken(w.message('inside late', { items: [p.item('late', NOW - 1n)] }))],
    ['patterns.20'],
  );
  put2(
    'others',
    'Of another dealer, and on another topic of the front',
    [p.taken(w.message('inside bob', { from: BOB })), p.taken(w.message('inside topic', { topicTag: OTHER_TAG }))],
    [],
    { tags: [hex(p.FRONT_TAG), hex(OTHER_TAG)] },
  );
  const stream = p.stream('inside a stream');
  const on = (seq: bigint): w.Message => w.message('inside a stream', { stream, seq });
  put2(
    'stream',
    'Three of one stream, out of order',
    [p.taken(on(2n)), p.taken(on(3n)), p.taken(on(1n))],
    ['replay.8'],
  );
  const far = flip(on(5000n).bytes, -1);
  put2(
    'window',
    'One with a number far ahead that fails does not move the window',
    [p.taken(on(1n)), p.refused(far, 'E_SIG'), p.taken(on(2n))],
    ['replay.9'],
  );
  const fork = w.message('inside a stream', { stream, timestamp: NOW + 1n, random: seeded('inside fork', 16) });
  put2('fork', 'Two with one number of one stream', [p.taken(on(1n)), p.refused(fork.bytes, 'E_FORK')], ['replay.12']);
  const eight = p.poolEpoch('eight', 8);
  put2(
    'epochs',
    'Of two epochs of the crew',
    [p.taken(w.message('inside eight', { epoch: 8, stream: p.stream('inside eight', { pool: eight }) }))],
    ['patterns.17'],
    { epochs: [p.epochIn(p.POOL), p.epochIn(eight)] },
  );
  add(
    'all-refused',
    'All of it is refused, the forward is not',
    [
      w.forwards('worker all refused', [
        p.refused(flip(good, -1), 'E_SIG'),
        p.unseen(m('tag', { topicTag: OTHER_TAG })),
      ]),
      p.taken(w.message('inside good')),
    ],
    P41,
  );
  const seen = w.message('inside seen', { payloads: [zeros(23)] });
  add(
    'recorded',
    'One that was refused in step 14 inside is seen, and one whose signature was broken is not',
    [
      w.forwards('worker recorded', [p.refused(seen.bytes, 'E_ENCODING'), p.refused(flip(good, -1), 'E_SIG')]),
      p.refused(seen.bytes, 'E_REPLAY'),
      p.taken(w.message('inside good')),
    ],
    [...P41, 'envelope.28'],
  );
  add(
    'two-inboxes',
    'Under the inbox tags of two periods',
    [
      w.forwards('worker inbox one', [side.one('inbox one')]),
      w.forwards('worker inbox two', [side.one('inbox two')], { topicTag: seeded('inbox of the next period', 16) }),
    ],
    P41,
    [...F, 'Inbox'],
    { inboxes: [hex(p.inboxTag(BOB).tag), hex(seeded('inbox of the next period', 16))] },
  );
  add(
    'no-inbox',
    'A member of the crew without an inbox: the tag leads nowhere',
    [p.unseen(w.forward('nowhere', [good]).bytes), p.taken(w.message('inside good'))],
    ['envelope.29'],
    [...F, 'Inbox'],
    { inboxes: [] },
  );
}

function replies(add: Add): void {
  const side = DEALER;
  const put2 = between(add, side);
  const no = (id: string, comment: string, bytes: Bytes, code: string, spec: string[] = []): void =>
    put2(id, comment, [p.refused(bytes, code)], spec);
  const r = (id: string, over: Partial<p.ReplySpec> = {}): Bytes => reply(`inside ${id}`, [to(0)], over).bytes;
  const P23 = ['patterns.23'];
  put2('several', 'News and answers of two who work, on two streams', [
    p.heard(reply('inside bob', [news(0, 'so far'), news(1, 'so far')])),
    p.heard(
      p.reply('inside other', { on: OTHER, answers: [p.answer(ASKED_OTHER)], patternKind: w.ANSWER, from: ALICE }),
    ),
    p.heard(reply('inside bob', [to(1), to(2)], { seq: 2n })),
  ]);
  const late = reply('inside late', [news(1, 'too late'), news(2, 'not')], { seq: 2n });
  put2(
    'after-answer',
    'News after the answer, in the same forward',
    [p.heard(reply('inside late', [to(1)])), p.heard(late, late.answers.slice(1))],
    ['patterns.42'],
  );
  const final = reply('inside final', [to(0)]);
  add(
    'direct-and-forwarded',
    'An answer by itself, forwarded with news that came too late',
    [
      p.heard(final),
      w.forwards(
        'dealer both',
        [p.refused(final.bytes, 'E_REPLAY'), p.heard(reply('inside final', [news(0, 'late')], { seq: 2n }), [])],
        side.spec,
      ),
    ],
    [...P41, 'patterns.42'],
    ['Replayed'],
  );
  no('signature', 'One whose signature is broken', flip(r('sig'), -1), 'E_SIG', ['suites.18']);
  no('responder', 'One of somebody who may not respond', r('mallory', { from: MALLORY }), 'E_POLICY', P23);
  no('sender', 'One of somebody unknown', put(r('nobody'), AT.senderId, zeros(16)), 'E_SENDER', P23);
  no('epoch', "One of another epoch than the stream's", r('epoch', { epoch: 3 }), 'E_EPOCH', P23);
  no('suite', 'One in another suite', r('suite', { suite: 2 }), 'E_SUITE', P23);
  no('single', 'A single', r('single', { form: 'single' }), 'E_ENCODING', P23);
  no('no-chain', 'One without extension 9', r('chain', { extensions: [p.HEAD_SEQ] }), 'E_EXT', P23);
  no('keyinfo-33', 'One with keyinfo of 33 bytes', r('33', { keyinfo: zeros(33) }), 'E_LENGTH', P23);
  no('expired', 'One that is too old', r('old', { timestamp: NOW - 120_001n }), 'E_EXPIRED', ['replay.2']);
  const broken = { sealed: (_leaf: number | undefined, right: Bytes): Bytes => flip(right, 0) };
  no('aead', 'One that does not open', r('aead', { bend: broken }), 'E_AEAD', ['suites.14']);
  const status = cat(ASKED.sealed.id, u32(0), u32(0), u8(3));
  no('status', 'One with status 3', reply('inside status', [], { payloads: [status] }).bytes, 'E_ENCODING', [
    'patterns.24',
  ]);
  no('header-only', 'A header and nothing more', r('cut').slice(0, 96), 'E_LENGTH', ['envelope.34']);
  no('more', 'One with a byte more', cat(r('more'), zeros(1)), 'E_LENGTH', ['envelope.34']);
  put2('other-tag', "One under another's answer tag", [p.unseen(r('to bob', { to: BOB }))], ['envelope.29']);
  put2(
    'unknown-stream',
    'One to a stream that is not open',
    [p.unseen(r('never', { on: p.stream('never forwarded') }))],
    ['patterns.22'],
  );
  add(
    'all-refused',
    'All of it is refused, the forward is not',
    [w.forwards('dealer all refused', [p.refused(flip(final.bytes, -1), 'E_SIG')], side.spec), p.heard(final)],
    P41,
  );
  const three = {
    pattern: 3,
    front: [w.frontIn(w.FRONT)],
    routers: [hex(w.ROBIN.publicKey)],
  };
  add(
    'to-stream-of-3',
    'A reply of pattern 7 inside, to a stream of pattern 3',
    [w.forwards('dealer of 3', [p.refused(final.bytes, 'E_ENCODING')], side.spec)],
    [...P41, 'patterns.42'],
    ['Purpose'],
    three,
  );
}
