/** heard.json: replies that a router is to forward, patterns.43. */
import { VectorFile } from '../cases.ts';
import { pairsOf, type Defect } from '../defects.ts';
import type { Members } from '../json.ts';
import * as p from '../poolworld.ts';
import * as w from '../routerworld.ts';
import { runsOf, type AddRun } from '../runs.ts';
import { cat, flip, hex, put, seeded, text, u16, u32, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { resign, type Recipe } from '../twin/envelope.ts';
import { known as ext } from '../twin/extensions.ts';
import { H } from '../twin/hash.ts';
import { AT } from '../twin/header.ts';
import { replyContext } from '../twin/pools.ts';
import { ALICE, BOB, MALLORY, NOW, OTHER_TAG, type Person } from '../world.ts';

const P43 = ['patterns.43'];
const F = ['HeardReply'];

type Add = AddRun<p.Step>;

/** Alice asks, bob and rita respond, mallory may nothing. */
const who = (of: Person, write: boolean, respond?: boolean): Members => ({
  ...p.mayWrite(of, write),
  ...(respond === undefined ? {} : { mayRespond: respond }),
});
const SENDERS: Members[] = [
  who(ALICE, true),
  who(BOB, false, true),
  who(w.RITA, true, true),
  who(MALLORY, false, false),
];

export function heard(): VectorFile {
  const file = new VectorFile('heard');
  const group = (name: string, layer: string): Add =>
    runsOf(
      file.group(name, 'router.run', 'routers', layer),
      (steps, over) => w.routerIn(steps, { senders: SENDERS, ...over }),
      P43,
      F,
    );
  accept(group('accept', 'source'));
  unread(group('unread', 'aead'));
  header(group('header', 'source'));
  bindings(group('bindings', 'signature'));
  return file;
}

const ON = p.stream('heard');
const ASKED = w.message('heard', { stream: ON, items: [0, 1, 2].map((i) => p.item(`heard ${i}`)) });
const CHAIN = p.answerTag(ALICE).chain;
const to = (index: number, over: Partial<p.Answer> = {}): p.Answer => p.answer(ASKED, index, over);
const reply = (name: string, over: Partial<p.ReplySpec> = {}): p.Replied =>
  p.reply(name, { on: ON, answers: [to(0)], patternKind: w.ANSWER, ...over });
const yes = (m: p.Replied, now?: bigint): p.Step => w.carries(m.bytes, { forwards: true }, now);
const GOOD = reply('good');

function accept(add: Add): void {
  const good = (id: string, comment: string, over: Partial<p.ReplySpec> = {}): void =>
    add(id, comment, [yes(reply(id, over))]);
  good('reply', 'the answer to a message');
  good('news', 'what who works has to say', { answers: [to(0, { status: 1, body: text('so far') })] });
  good('refusal', 'a refusal', { answers: [to(0, { status: 2, body: text('E_LIMIT') })] });
  good('several', 'news, an answer and a refusal', {
    answers: [to(0, { status: 1 }), to(1), to(2, { status: 2, body: text('E_EXPIRED') })],
  });
  good('padded', 'with padding', { padded: true });
  good('commitment', 'with a committed record key', { recordCommit: true });
  good('extensions', 'with more extensions', {
    extensions: [ext(4, u64(NOW)), ext(6, seeded('trace', 32)), p.HEAD_SEQ, ext(9, CHAIN)],
  });
  good('other-responder', 'of another who may respond', { from: w.RITA });
  good('other-asker', "under another's answer tag", { to: BOB });
  good('unknown-stream', 'to a stream of which the router knows nothing', { on: p.stream('heard of by nobody') });
  good('seq-2-40', 'number 2^40 of its stream', { seq: 1n << 40n });
  add(
    'beside',
    'between messages',
    [w.routed(w.message('heard first')), yes(GOOD), w.routed(w.message('heard then')), yes(reply('then'))],
    [...P43, 'patterns.37'],
  );
  const two = p.poolEpoch('seven', 7, 2);
  add('suite-2', 'in suite 0x0002', [yes(reply('suite 2', { suite: 2 }))], P43, F, { pools: [w.poolIn(two)] });
  const eight = p.poolEpoch('eight', 8);
  add(
    'two-pools',
    'of two epochs, each with its pool record',
    [yes(GOOD), yes(reply('of eight', { epoch: 8, poolHash: eight.poolHash }))],
    P43,
    F,
    { pools: [w.poolIn(p.POOL), w.poolIn(eight)] },
  );
  add('no-topic', 'by a router that knows no tag of a topic, and no epoch of the front', [yes(GOOD)], P43, F, {
    tags: [],
    front: [],
  });
  const over = { notBefore: (NOW - 600_000n).toString(), notAfter: (NOW - 60_000n).toString() };
  add('pool-over', 'of an epoch whose pool record is over: that it is held is what counts', [yes(GOOD)], P43, F, {
    pools: [w.poolIn(p.POOL, over)],
  });
}

/** What is of the dealer to judge: it has the keys, the replay state and the times. */
function unread(add: Add): void {
  const one = (id: string, comment: string, over: Partial<p.ReplySpec>, now?: bigint): void =>
    add(id, comment, [yes(reply(`unread ${id}`, over), now)]);
  const bend = { sealed: (_leaf: number | undefined, right: Bytes): Bytes => flip(right, 0) };
  one('body', 'a body that does not open', { bend });
  one('commitment-wrong', 'a commitment to another key', {
    recordCommit: true,
    bend: { commit: (right) => flip(right, 0) },
  });
  one('record-short', 'a record of 40 bytes', { payloads: [zeros(40)] });
  one('status', 'status 9', { answers: [to(0, { status: 9 })] });
  one('unasked', 'an answer to what was never asked', { answers: [to(0, { id: seeded('never asked', 32) })] });
  one('old', 'sealed ten minutes ago', {}, NOW + 600_000n);
  one('future', 'sealed for a minute later', { timestamp: NOW + 60_000n });
  one('expiry', 'past its expiry', { extensions: [ext(4, u64(NOW - 1n)), p.HEAD_SEQ, ext(9, CHAIN)] });
  add('twice', 'the same reply twice', [yes(GOOD), yes(GOOD)]);
  add('number-twice', 'two with one number of one stream', [
    yes(reply('number', { answers: [to(0)] })),
    yes(reply('number', { answers: [to(1)], random: seeded('another number', 16) })),
  ]);
  add('boot', 'sealed before the start of the router', [yes(GOOD)], P43, F, { bootMs: (NOW + 1n).toString() });
}

interface Plan {
  spec: Partial<p.ReplySpec>;
  over: Members;
  after?: (bytes: Bytes) => Bytes;
}
const defect = (
  id: string,
  comment: string,
  code: string,
  flag: string,
  touches: string,
  change: (plan: Plan) => void,
  spec = 'patterns.43',
): Defect<Plan> => ({ id, comment, code, spec, flag, touches, put: change });

const P23 = 'patterns.23';
/** In the order of patterns.43, which begins with that of patterns.23. */
const DEFECTS: readonly Defect<Plan>[] = [
  defect(
    'reply-of-3',
    'to a request',
    'E_ENCODING',
    'Purpose',
    'pattern',
    (d) => void (d.spec.patternKind = p.REPLY),
    P23,
  ),
  defect('leaves', 'in leaves', 'E_ENCODING', 'HeardReply', 'form', (d) => void (d.spec.form = 'merkle'), P23),
  defect('single', 'that is a single', 'E_ENCODING', 'HeardReply', 'form', (d) => void (d.spec.form = 'single'), P23),
  defect(
    'no-head-seq',
    'without extension 8',
    'E_EXT',
    'HeardReply',
    'extensions',
    (d) => void (d.spec.extensions = [ext(9, CHAIN)]),
    P23,
  ),
  defect(
    'no-chain',
    'without extension 9',
    'E_EXT',
    'AnswerTag',
    'extensions',
    (d) => void (d.spec.extensions = [p.HEAD_SEQ]),
    P23,
  ),
  defect(
    'chain-1',
    'with one value in extension 9',
    'E_EXT',
    'AnswerTag',
    'extensions',
    (d) => void (d.spec.extensions = [p.HEAD_SEQ, ext(9, CHAIN.slice(0, 16))]),
    P23,
  ),
  defect(
    'chain-3',
    'with three values in extension 9',
    'E_EXT',
    'AnswerTag',
    'extensions',
    (d) => void (d.spec.extensions = [p.HEAD_SEQ, ext(9, cat(CHAIN, zeros(16)))]),
    P23,
  ),
  defect(
    'keyinfo-31',
    'with keyinfo of 31 bytes',
    'E_LENGTH',
    'HeardReply',
    'keyinfo',
    (d) => void (d.spec.keyinfo = H(ON.enc).slice(1)),
    P23,
  ),
  defect(
    'epoch',
    'of an epoch without a pool record',
    'E_EPOCH',
    'PoolRecord',
    'epoch',
    (d) => void (d.spec.epoch = 9),
  ),
  defect(
    'stale',
    'while the view of the front is not fresh',
    'E_STALE',
    'Freshness',
    'fresh',
    (d) => void (d.over['fresh'] = false),
  ),
  defect(
    'suite',
    "in another suite than the pool record's",
    'E_SUITE',
    'Downgrade',
    'suite',
    (d) => void (d.spec.suite = 2),
  ),
  defect(
    'sender',
    'by somebody unknown',
    'E_SENDER',
    'Impersonation',
    'sender',
    (d) => void (d.over['senders'] = [who(ALICE, true)]),
  ),
  defect(
    'no-respond',
    'by one who may ask, and not respond',
    'E_POLICY',
    'Responder',
    'sender',
    (d) => void (d.spec.from = ALICE),
  ),
  defect(
    'signature',
    'with a broken signature',
    'E_SIG',
    'Tampered',
    'signature',
    (d) => void (d.after = (bytes) => flip(bytes, -1)),
  ),
];

function make(name: string, list: readonly Defect<Plan>[]): { plan: Plan; bytes: Bytes } {
  const plan: Plan = { spec: {}, over: {} };
  for (const d of list) d.put(plan);
  const { bytes } = reply(name, plan.spec);
  return { plan, bytes: plan.after === undefined ? bytes : plan.after(bytes) };
}

function header(add: Add): void {
  for (const d of DEFECTS) {
    const { plan, bytes } = make(`heard ${d.id}`, [d]);
    const steps = [w.declines(bytes, d.code), ...(Object.keys(plan.over).length > 0 ? [] : [yes(GOOD)])];
    add(d.id, `A reply ${d.comment}`, steps, [...new Set([...P43, d.spec])], [d.flag], plan.over);
  }
  for (const [a, b] of pairsOf(DEFECTS, 4)) {
    const { plan, bytes } = make(`heard order ${a.id} ${b.id}`, [b, a]);
    add(
      `order-${a.id}-${b.id}`,
      `A reply ${a.comment}, and ${b.comment}`,
      [w.declines(bytes, a.code)],
      ['envelope.27', ...new Set([...P43, a.spec, b.spec])],
      ['Order'],
      plan.over,
    );
  }
  const no = (
    id: string,
    comment: string,
    bytes: Bytes,
    code: string,
    spec = P43,
    flags = F,
    over: Members = {},
  ): void =>
    add(
      id,
      comment,
      [w.declines(bytes, code), ...(Object.keys(over).length > 0 ? [] : [yes(GOOD)])],
      spec,
      flags,
      over,
    );
  const kinds: [string, string, number][] = [
    ['message', 'A message', w.MESSAGE],
    ['forward', 'A forward', w.FORWARD],
    ['request', 'A request', p.REQUEST],
    ['survey-reply', 'A reply of SURVEY', p.SURVEY_REPLY],
    ['pub-sub', 'Of PUB/SUB', 0x20],
  ];
  for (const [id, comment, patternKind] of kinds)
    no(
      `pattern-${id}`,
      `${comment} in the form of a reply`,
      reply(`kind ${id}`, { patternKind }).bytes,
      'E_ENCODING',
      P43,
      ['Purpose'],
    );
  no('message', 'A message as it comes', w.message('heard message').bytes, 'E_ENCODING', P43, ['Purpose']);
  const inner = w.forward('heard forward', [GOOD.bytes], { answers: true });
  no('forward', 'A forward of a reply, as another router sends it', inner.bytes, 'E_ENCODING', P43, [
    'Purpose',
    'Forward',
  ]);
  for (const [id, comment, keyinfo] of [
    ['none', 'no keyinfo', zeros(0)],
    ['33', 'keyinfo of 33 bytes', cat(H(ON.enc), zeros(1))],
    ['40', 'the keyinfo of the message', ON.keyinfo],
  ] as [string, string, Bytes][])
    no(`keyinfo-${id}`, `With ${comment}`, reply(`keyinfo ${id}`, { keyinfo }).bytes, 'E_LENGTH', [...P43, P23]);
  no('no-pool', 'Without any pool record', GOOD.bytes, 'E_EPOCH', P43, ['PoolRecord'], { pools: [] });
  no('front-epoch', 'With the epoch of the front', reply('front', { epoch: w.FRONT.epoch }).bytes, 'E_EPOCH', P43, [
    'PoolRecord',
  ]);
  no(
    'router',
    'By one who may route and not respond',
    reply('robin', { from: w.ROBIN }).bytes,
    'E_POLICY',
    P43,
    ['Responder'],
    {
      senders: [...SENDERS, { ...p.mayWrite(w.ROBIN, false), mayRoute: true }],
    },
  );
  no('mallory', 'By one without any right', reply('mallory', { from: MALLORY }).bytes, 'E_POLICY', P43, ['Responder']);
  no('no-right-said', 'By one of whom nothing is said', GOOD.bytes, 'E_POLICY', P43, ['Responder'], {
    senders: [who(BOB, true)],
  });
  const S = [...P43, 'envelope.34'];
  no('short', 'Without its last byte', GOOD.bytes.slice(0, -1), 'E_LENGTH', S, ['Truncated']);
  no('long', 'With a byte more', cat(GOOD.bytes, zeros(1)), 'E_LENGTH', S, ['Trailing']);
  no('header-only', 'A header and nothing more', GOOD.bytes.slice(0, 96), 'E_LENGTH', S, ['Truncated']);
  const V = [...P43, 'envelope.33'];
  no('suite-unknown', 'In a suite that is none', put(GOOD.bytes, AT.suite, u16(9)), 'E_SUITE', V, ['Downgrade']);
  no('flags', 'With a reserved flag', put(GOOD.bytes, AT.flags, u16(5)), 'E_ENCODING', V, ['Reserved']);
}

function bindings(add: Add): void {
  const S = [...P43, 'suites.18'];
  const no = (
    id: string,
    comment: string,
    bytes: Bytes,
    code = 'E_SIG',
    flags = ['Tampered'],
    over: Members = {},
  ): void => add(id, comment, [w.declines(bytes, code), yes(GOOD)], S, flags, over);
  const keyinfoAt = 96 + GOOD.sealed.header.extLen;
  for (const [id, what, at] of [
    ['timestamp', 'the timestamp', AT.timestamp + 7],
    ['salt', 'the salt', AT.salt],
    ['seq', 'seq', AT.seq + 6],
    ['stream-id', 'stream_id', AT.streamId],
    ['tag', 'the answer tag', AT.topicTag],
    ['head-seq', 'extension 8', 96 + 11],
    ['chain', 'extension 9', keyinfoAt - 1],
    ['keyinfo', 'keyinfo', keyinfoAt],
    ['body', 'the body', keyinfoAt + 32],
    ['signature', 'the signature', -1],
  ] as [string, string, number][])
    no(`flip-${id}`, `One bit of ${what}`, flip(GOOD.bytes, at));
  no('flip-sender', 'One bit of sender_id', flip(GOOD.bytes, AT.senderId), 'E_SENDER');
  no('tag-moved', 'Moved to another tag', put(GOOD.bytes, AT.topicTag, OTHER_TAG), 'E_SIG', ['Tampered', 'AnswerTag']);
  no(
    'of-3-presented',
    'A reply of pattern 3 presented as one of 7',
    put(reply('of 3', { patternKind: p.REPLY }).bytes, AT.patternKind, u8(w.ANSWER)),
    'E_SIG',
    ['Tampered', 'Purpose'],
  );
  no(
    'forward-presented',
    'A forward without keyinfo presented as a reply',
    put(w.forward('as reply', [GOOD.bytes], { answers: true }).bytes, AT.patternKind, u8(w.ANSWER)),
    'E_LENGTH',
    ['Tampered', 'Purpose'],
  );
  const { poolHash } = p.POOL;
  const other = p.stream('heard otherwise');
  const exchanged = put(GOOD.bytes, keyinfoAt, H(other.enc));
  no('keyinfo-exchanged', 'The keyinfo of another stream', exchanged);
  add(
    'keyinfo-resigned',
    'The same, signed anew by its responder: a router cannot tell',
    [w.carries(resign(exchanged, BOB.seed, replyContext(other.enc, poolHash)))],
    S,
    F,
  );
  const context = replyContext(ON.enc, poolHash);
  const copied = (thief: Person): Bytes => resign(put(GOOD.bytes, AT.senderId, thief.senderId), thief.seed, context);
  add(
    'copied',
    'Another responder signs it as its own: it is for the dealer to see',
    [w.carries(copied(w.RITA))],
    S,
    F,
  );
  no('copied-no-right', 'One who may not respond does', copied(ALICE), 'E_POLICY', ['Impersonation']);
  no(
    'signed-by-other',
    "Rita signs in bob's name",
    reply('in name', { bend: { signSeed: w.RITA.seed } }).bytes,
    'E_SIG',
    ['Impersonation'],
  );
  no('sender-renamed', "Bob's reply in rita's name", put(GOOD.bytes, AT.senderId, w.RITA.senderId), 'E_SIG', [
    'Impersonation',
  ]);
  const bound = (bind: Bytes): Partial<Recipe> => ({
    source: { sourceSecret: ON.replySecret, groupCtx: bind, bind },
  });
  for (const [id, comment, bind] of [
    ['other-stream', 'another stream than keyinfo names', replyContext(other.enc, poolHash)],
    ['other-pool', 'another pool record', replyContext(ON.enc, seeded('forked', 32))],
    ['enc', 'a rctx32 with enc32 itself', H(text('tdc1 rctx'), u8(0), ON.enc, poolHash)],
    ['info', 'the info of the stream, as messages are', ON.bind],
    ['crew', "the crew's block", p.POOL.groupCtx],
    ['front', "the front's block", w.FRONT.epochCommit],
    ['zeros', 'zeros', zeros(32)],
  ] as [string, string, Bytes][])
    no(`bound-${id}`, `Bound to ${comment}`, reply(`bound ${id}`, bound(bind)).bytes, 'E_SIG', ['PoolBinding']);
  const eight = p.poolEpoch('eight', 8);
  const pools = { pools: [w.poolIn(p.POOL), w.poolIn(eight)] };
  no(
    'epoch-renamed',
    'Of epoch 7 presented as of 8',
    put(GOOD.bytes, AT.epoch, u32(8)),
    'E_SIG',
    ['PoolBinding'],
    pools,
  );
  no(
    'epoch-other-pool',
    'Of epoch 8, bound to the pool record of 7',
    reply('as 8', { epoch: 8 }).bytes,
    'E_SIG',
    ['PoolBinding'],
    pools,
  );
  no(
    'epoch-8-as-7',
    'Of epoch 7, bound to the pool record of 8',
    reply('as 7', { poolHash: eight.poolHash }).bytes,
    'E_SIG',
    ['PoolBinding'],
    pools,
  );
  add(
    'pool-forked',
    'Another pool record than who responds has',
    [w.declines(GOOD.bytes, 'E_SIG')],
    S,
    ['PoolBinding'],
    {
      pools: [{ ...w.poolIn(p.POOL), poolHash: hex(seeded('forked', 32)) }],
    },
  );
}
