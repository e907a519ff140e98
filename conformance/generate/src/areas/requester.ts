/** requester.json: replies at who asked, patterns.22 to patterns.25. */
import { VectorFile } from '../cases.ts';
import type { Members } from '../json.ts';
import * as w from '../poolworld.ts';
import { citedRunsOf, type AddCited } from '../runs.ts';
import { cat, flip, put, seeded, text, u32, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { resign } from '../twin/envelope.ts';
import { known as ext } from '../twin/extensions.ts';
import { H } from '../twin/hash.ts';
import { AT } from '../twin/header.ts';
import { replyContext } from '../twin/pools.ts';
import { ALICE, BOB, MALLORY, NOW, OTHER_TAG } from '../world.ts';

type Add = AddCited<w.Step>;

const ON = w.stream('asked');
const ASKED = w.work('asked', { stream: ON, items: [0, 1, 2].map((i) => w.item(`asked ${i}`)) });
const OTHER = w.stream('asked otherwise');
const ASKED_OTHER = w.work('asked otherwise', { stream: OTHER });
const OPEN: readonly Members[] = [
  w.streamIn(ON, [{ of: ASKED, indexes: [0, 1, 2] }]),
  w.streamIn(OTHER, [{ of: ASKED_OTHER, indexes: [0] }]),
];
const CHAIN = w.answerTag(ALICE).chain;

const to = (index: number, over: Partial<w.Answer> = {}): w.Answer => w.answer(ASKED, index, over);
const reply = (name: string, answers: w.Answer[], over: Partial<w.ReplySpec> = {}): w.Replied =>
  w.reply(name, { on: ON, answers, ...over });

export function requester(): VectorFile {
  const file = new VectorFile('requester');
  const group = (name: string, layer: string): Add =>
    citedRunsOf(file.group(name, 'requester.run', 'pools', layer), (steps, over) => w.requesterIn(steps, OPEN, over));
  hear(group('hear', 'source'));
  header(group('header', 'source'));
  bindings(group('bindings', 'signature'));
  records(group('records', 'records'));
  return file;
}

function hear(add: Add): void {
  const OK = ['patterns.25', 'patterns.23'];
  const F = ['Reply'];
  const final = reply('final', [to(0)]);
  add('final', 'the answer to a request', [w.heard(final)], OK, F);
  add('empty', 'an answer without a body', [w.heard(reply('empty', [to(0, { body: zeros(0) })]))], OK, F);
  add('refused', 'a refusal', [w.heard(reply('refused', [to(0, { status: 2, body: text('E_LIMIT') })]))], OK, F);
  const late = [to(0, { status: 2, body: text('E_EXPIRED') })];
  add('refused-late', 'a refusal as patterns.20 asks for it', [w.heard(reply('late', late))], OK, F);
  for (const [id, comment, body] of [
    ['later', 'a code of a later version', text('E_LATER')],
    ['lower-case', 'a code in lower case', text('e_limit')],
    ['trailing', 'a code and a zero byte', cat(text('E_LIMIT'), zeros(1))],
    ['none', 'no code', zeros(0)],
    ['not-utf8', 'bytes that are no text', new Uint8Array([0xff, 0xfe])],
    ['proto', '__proto__', text('__proto__')],
  ] as [string, string, Bytes][])
    add(
      `refused-${id}`,
      `a refusal with ${comment}: taken as E_REFUSED`,
      [w.heard(reply(`refused ${id}`, [to(0, { status: 2, body, code: 'E_REFUSED' })]))],
      ['patterns.24', 'patterns.25'],
      F,
    );
  add('padded', 'a reply with padding', [w.heard(reply('padded', [to(0), to(1)], { padded: true }))], OK, F);
  add(
    'progress',
    'in progress, twice, then the answer',
    [
      w.heard(reply('progress', [to(0, { status: 1, body: zeros(0) })])),
      w.heard(reply('progress', [to(0, { status: 1, body: zeros(0) })], { seq: 2n })),
      w.heard(reply('progress', [to(0)], { seq: 3n })),
    ],
    OK,
    F,
  );
  add('several', 'two answers in one envelope', [w.heard(reply('several', [to(2), to(0)]))], OK, F);
  add(
    'three-kinds',
    'an answer, one in progress and a refusal in one envelope',
    [
      w.heard(
        reply('three', [to(0), to(1, { status: 1, body: zeros(0) }), to(2, { status: 2, body: text('E_LIMIT') })]),
      ),
    ],
    OK,
    F,
  );
  const none = (m: w.Replied): w.Step => w.heard(m, []);
  add(
    'second',
    'a second answer, by another responder, is ignored',
    [w.heard(final), none(reply('second', [to(0, { body: text('too late') })], { from: ALICE }))],
    OK,
    F,
  );
  add(
    'second-same',
    'a second answer by the same one is ignored',
    [w.heard(final), none(reply('final', [to(0)], { seq: 2n }))],
    OK,
    F,
  );
  add(
    'after-refusal',
    'an answer after a refusal is ignored',
    [w.heard(reply('refused', [to(0, { status: 2, body: text('E_LIMIT') })])), none(reply('after refusal', [to(0)]))],
    OK,
    F,
  );
  add(
    'progress-after',
    'in progress after the answer is ignored',
    [w.heard(final), none(reply('progress after', [to(0, { status: 1, body: zeros(0) })]))],
    OK,
    F,
  );
  const twice = reply('twice', [to(0), to(0, { body: text('the second') }), to(1)]);
  add(
    'twice-in-one',
    'two answers to one request in one envelope: the first counts',
    [w.heard(twice, [to(0), to(1)])],
    OK,
    F,
  );
  const mixed = reply('mixed', [to(0, { status: 1, body: zeros(0) }), to(0), to(0, { status: 1, body: zeros(0) })]);
  add(
    'progress-and-final-in-one',
    'in progress, the answer, and in progress again in one envelope',
    [w.heard(mixed, mixed.answers.slice(0, 2))],
    OK,
    F,
  );
  const foreign = (id: string, comment: string, answer: w.Answer): void => {
    const m = reply(id, [answer, to(1)]);
    add(id, comment, [w.heard(m, [to(1)]), w.heard(final)], OK, F);
  };
  foreign('unknown-id', 'an answer to an id32 that was never sent', to(0, { id: seeded('unknown id', 32) }));
  foreign('unknown-index', 'to an index beyond the envelope', to(3));
  foreign('index-max', 'to index 2^32 - 1', to(4_294_967_295));
  foreign('unknown-leaf', 'to leaf 1 of a whole batch', to(0, { leaf: 1 }));
  foreign('of-other-stream', 'to a request of another stream of the requester', w.answer(ASKED_OTHER));
  add(
    'two-streams',
    'answers to both streams',
    [w.heard(final), w.heard(w.reply('other stream', { on: OTHER, answers: [w.answer(ASKED_OTHER)] }))],
    OK,
    F,
  );
  add('all-ignored', 'nothing of it is outstanding', [none(reply('nothing', [to(7), to(8)]))], OK, F);
  add(
    'swapped-by-responder',
    'a responder who exchanges the id32 inside answers otherwise; nobody else can',
    [w.heard(reply('exchanged', [to(1, { body: text('answer 0') }), to(0, { body: text('answer 1') })]))],
    OK,
    F,
  );
  const two = { suite: 2 };
  const on2 = w.stream('asked in suite 2', { suite: 2 });
  const asked2 = w.work('asked in suite 2', { stream: on2, suite: 2 });
  add(
    'suite-2',
    'in suite 0x0002',
    [w.heard(w.reply('suite 2', { on: on2, answers: [w.answer(asked2)], ...two }))],
    OK,
    F,
    { ...two, streams: [w.streamIn(on2, [{ of: asked2, indexes: [0] }])] },
  );
  add(
    'replayed',
    'a reply twice, unchanged',
    [w.heard(final), w.refused(final.bytes, 'E_REPLAY')],
    ['replay.7'],
    ['Replayed'],
  );
}

export interface Defect {
  id: string;
  comment: string;
  code: string;
  spec: string;
  flag: string;
  touches: string;
  spec2?: Partial<w.ReplySpec>;
  over?: Members;
  now?: bigint;
  after?: (bytes: Bytes) => Bytes;
}
const P23 = 'patterns.23';
export const DEFECTS: readonly Defect[] = [
  {
    id: 'pattern',
    comment: 'a request',
    code: 'E_ENCODING',
    spec: P23,
    flag: 'Purpose',
    touches: 'pattern',
    spec2: { patternKind: w.REQUEST },
  },
  {
    id: 'single',
    comment: 'a single',
    code: 'E_ENCODING',
    spec: P23,
    flag: 'Reply',
    touches: 'form record',
    spec2: { form: 'single' },
  },
  {
    id: 'merkle',
    comment: 'a reply in leaves',
    code: 'E_ENCODING',
    spec: P23,
    flag: 'Reply',
    touches: 'form',
    spec2: { form: 'merkle' },
  },
  {
    id: 'no-head-seq',
    comment: 'without extension 8',
    code: 'E_EXT',
    spec: P23,
    flag: 'Reply',
    touches: 'extensions',
    spec2: { extensions: [ext(9, CHAIN)] },
  },
  {
    id: 'no-chain',
    comment: 'without extension 9',
    code: 'E_EXT',
    spec: P23,
    flag: 'AnswerTag',
    touches: 'extensions',
    spec2: { extensions: [w.HEAD_SEQ] },
  },
  {
    id: 'keyinfo-33',
    comment: 'with keyinfo of 33 bytes',
    code: 'E_LENGTH',
    spec: P23,
    flag: 'Reply',
    touches: 'keyinfo',
    spec2: { keyinfo: cat(H(ON.enc), zeros(1)) },
  },
  {
    id: 'epoch',
    comment: "of another epoch than the stream's",
    code: 'E_EPOCH',
    spec: P23,
    flag: 'Reply',
    touches: 'epoch',
    spec2: { epoch: 8 },
  },
  {
    id: 'stale',
    comment: 'while the view of the front is not fresh',
    code: 'E_STALE',
    spec: P23,
    flag: 'Freshness',
    touches: 'fresh',
    over: { fresh: false },
  },
  {
    id: 'suite',
    comment: 'in another suite',
    code: 'E_SUITE',
    spec: P23,
    flag: 'Downgrade',
    touches: 'suite',
    spec2: { suite: 2 },
  },
  {
    id: 'sender',
    comment: 'by somebody unknown',
    code: 'E_SENDER',
    spec: P23,
    flag: 'Impersonation',
    touches: 'sender',
    over: { responders: [] },
  },
  {
    id: 'responder',
    comment: 'by one who may not respond (S27)',
    code: 'E_POLICY',
    spec: P23,
    flag: 'Responder',
    touches: 'sender',
    spec2: { from: MALLORY },
  },
  {
    id: 'old',
    comment: 'too old',
    code: 'E_EXPIRED',
    spec: 'replay.2',
    flag: 'Freshness',
    touches: 'now',
    now: NOW + 120_001n,
  },
  {
    id: 'boot',
    comment: 'from before the start of the requester',
    code: 'E_TOO_OLD',
    spec: 'replay.25',
    flag: 'Restart',
    touches: 'boot',
    over: { bootMs: NOW.toString() },
  },
  {
    id: 'signature',
    comment: 'with a broken signature',
    code: 'E_SIG',
    spec: 'suites.18',
    flag: 'Tampered',
    touches: 'signature',
    after: (b) => flip(b, -1),
  },
  {
    id: 'aead',
    comment: 'that does not open',
    code: 'E_AEAD',
    spec: 'suites.14',
    flag: 'BrokenSender',
    touches: 'aead',
    spec2: { bend: { sealed: (_leaf, right) => flip(right, 0) } },
  },
  {
    id: 'record',
    comment: 'with a record of 40 bytes',
    code: 'E_ENCODING',
    spec: 'patterns.24',
    flag: 'BrokenSender',
    touches: 'record',
    spec2: { payloads: [zeros(40)] },
  },
];

function header(add: Add): void {
  const made = (name: string, list: readonly Defect[]): { bytes: Bytes; over: Members; now: bigint } => {
    let bytes = reply(
      name,
      [to(0)],
      Object.assign({}, ...list.map((d) => d.spec2 ?? {})) as Partial<w.ReplySpec>,
    ).bytes;
    for (const d of list) bytes = d.after === undefined ? bytes : d.after(bytes);
    const over: Members = Object.assign({}, ...list.map((d) => d.over ?? {})) as Members;
    return { bytes, over, now: list.reduce((now, d) => d.now ?? now, NOW) };
  };
  const final = reply('after', [to(0)]);
  for (const d of DEFECTS) {
    const m = made(`header ${d.id}`, [d]);
    const goesOn = Object.keys(m.over).length === 0 && m.now === NOW;
    const steps = [w.refused(m.bytes, d.code, m.now), ...(goesOn ? [w.heard(final)] : [])];
    add(d.id, `A reply ${d.comment}`, steps, [d.spec], [d.flag], m.over);
  }
  for (const [i, a] of DEFECTS.entries()) {
    let pairs = 0;
    for (const b of DEFECTS.slice(i + 1)) {
      const shared = a.touches.split(' ').some((t) => b.touches.split(' ').includes(t));
      if (pairs === 3 || a.code === b.code || shared) continue;
      pairs++;
      const m = made(`order ${a.id} ${b.id}`, [b, a]);
      add(
        `order-${a.id}-${b.id}`,
        `A reply ${a.comment}, and ${b.comment}`,
        [w.refused(m.bytes, a.code, m.now)],
        ['envelope.27', ...new Set([a.spec, b.spec])],
        ['Order'],
        m.over,
      );
    }
  }
  const no = (id: string, comment: string, spec: Partial<w.ReplySpec>, code: string, flags: string[]): void =>
    add(id, comment, [w.refused(reply(`header ${id}`, [to(0)], spec).bytes, code), w.heard(final)], [P23], flags);
  for (const [id, comment, kind] of [
    ['push', 'A job under the answer tag', w.PUSH],
    ['pub-sub', 'Of PUB/SUB', 0x20],
    ['question', 'A question of SURVEY', 0x50],
    ['survey-reply', 'A reply of SURVEY in this form', w.SURVEY_REPLY],
    ['bus', 'Of BUS', 0x60],
    ['message', 'A message of a dealer', 0x70],
    ['dealer-reply', 'A reply of ROUTER/DEALER', 0x71],
  ] as [string, string, number][])
    no(`pattern-${id}`, comment, { patternKind: kind }, 'E_ENCODING', ['Purpose']);
  for (const [id, comment, chain] of [
    ['chain-1', 'One value in extension 9', CHAIN.slice(0, 16)],
    ['chain-3', 'Three values in extension 9', cat(CHAIN, zeros(16))],
  ] as [string, string, Bytes][])
    no(id, comment, { extensions: [w.HEAD_SEQ, ext(9, chain)] }, 'E_EXT', ['AnswerTag']);
  for (const [id, keyinfo] of [
    ['keyinfo-0', zeros(0)],
    ['keyinfo-31', H(ON.enc).slice(0, 31)],
    ['keyinfo-40', cat(ON.enc, zeros(8))],
  ] as [string, Bytes][])
    no(id, `keyinfo of ${keyinfo.length} bytes`, { keyinfo }, 'E_LENGTH', ['Reply']);
  const unknown = (id: string, comment: string, spec: Partial<w.ReplySpec>): void =>
    add(
      id,
      comment,
      [w.unseen(reply(`unseen ${id}`, [to(0)], spec).bytes), w.heard(final)],
      ['patterns.22'],
      ['Reply'],
    );
  unknown('unknown-stream', 'A reply to a stream that is not open', { on: w.stream('never asked') });
  unknown('keyinfo-enc', 'enc32 itself as keyinfo', { keyinfo: ON.enc });
  const never = w.stream('never asked');
  // step 7 comes before all that step 8 asks
  for (const [id, comment, spec] of [
    ['pattern', 'with the pattern of a request', { patternKind: w.REQUEST }],
    ['single', 'as a single', { form: 'single' }],
    ['merkle', 'in leaves', { form: 'merkle' }],
    ['no-extensions', 'without extensions', { extensions: [] }],
    ['epoch', 'of another epoch', { epoch: 8 }],
    ['suite', 'in another suite', { suite: 2 }],
    ['sender', 'by one who may not respond', { from: MALLORY }],
  ] as [string, string, Partial<w.ReplySpec>][])
    unknown(`unknown-stream-${id}`, `A reply to a stream that is not open, ${comment}`, { on: never, ...spec });
  unknown('stream-of-bob', "A reply to a stream of another requester, under this one's tag", {
    on: w.stream('of bob', { from: BOB }),
  });
  add(
    'unknown-stream-stale',
    'A reply to a stream that is not open, while the view of the front is not fresh',
    [w.unseen(reply('unseen stale', [to(0)], { on: never }).bytes)],
    ['patterns.22'],
    ['Reply', 'Order'],
    { fresh: false },
  );
  const off = reply('unseen other tag', [to(0)], { topicTag: OTHER_TAG, keyinfo: zeros(0), extensions: [] });
  add(
    'other-tag-broken',
    'Under another tag, without keyinfo and extensions',
    [w.unseen(off.bytes)],
    ['envelope.29'],
    ['AnswerTag', 'Order'],
  );
  add(
    'other-tag',
    "A reply under a tag that is not the requester's",
    [w.unseen(reply('other tag', [to(0)], { topicTag: OTHER_TAG }).bytes)],
    ['envelope.29'],
    ['AnswerTag'],
  );
  add(
    'future',
    'A reply from too far ahead',
    [w.refused(reply('future', [to(0)], { timestamp: NOW + 30_001n }).bytes, 'E_FUTURE')],
    ['replay.3'],
    ['Freshness'],
  );
}

function bindings(add: Add): void {
  const final = reply('bound', [to(0)]);
  const no = (id: string, comment: string, bytes: Bytes, code: string, flags = ['PoolBinding']): void =>
    add(id, comment, [w.refused(bytes, code), w.heard(final)], ['patterns.21', 'suites.18'], flags);
  no(
    'other-pool',
    'A reply by another pool record',
    reply('other pool', [to(0)], { poolHash: seeded('other pool', 32) }).bytes,
    'E_SIG',
  );
  const under = (context: Bytes): Partial<w.ReplySpec> => ({
    source: { sourceSecret: ON.replySecret, groupCtx: context, bind: context },
  });
  const label = (name: string, ...parts: Bytes[]): Bytes => H(text(name), u8(0), ...parts);
  for (const [id, comment, context] of [
    ['enc', 'a rctx32 with enc32 itself', label('tdc1 rctx', ON.enc, w.POOL.poolHash)],
    [
      'requester',
      "a rctx32 with the requester's key id before enc32",
      label('tdc1 rctx', ALICE.keyId, ON.enc, w.POOL.poolHash),
    ],
    ['order', 'a rctx32 with its halves exchanged', label('tdc1 rctx', w.POOL.poolHash, H(ON.enc))],
    ['label', 'a rctx32 with another label', label('tdc1 pool', H(ON.enc), w.POOL.poolHash)],
    ['stream', 'the info of the stream, as requests are', ON.bind],
    ['zeros', 'zeros', zeros(32)],
  ] as [string, string, Bytes][])
    no(`context-${id}`, `Bound to ${comment}`, reply(`context ${id}`, [to(0)], under(context)).bytes, 'E_SIG');
  const tagOfBob = reply('tag of bob', [to(0)], { to: BOB });
  no(
    'tag-moved',
    "A reply under bob's answer tag, moved to alice's",
    put(tagOfBob.bytes, AT.topicTag, w.answerTag(ALICE).tag),
    'E_SIG',
    ['AnswerTag', 'Tampered'],
  );
  const body = (m: w.Replied): number => 96 + m.sealed.header.extLen + 32;
  const other = w.reply('bound otherwise', { on: OTHER, answers: [w.answer(ASKED_OTHER)] });
  const keyinfoAt = body(final) - 32;
  no(
    'keyinfo-exchanged',
    'The keyinfo of another stream of the requester (T22)',
    put(final.bytes, keyinfoAt, H(OTHER.enc)),
    'E_SIG',
    ['Reply', 'Tampered'],
  );
  const resigned = resign(
    put(final.bytes, keyinfoAt, H(OTHER.enc)),
    BOB.seed,
    replyContext(OTHER.enc, w.POOL.poolHash),
  );
  no('keyinfo-resigned', 'The same, signed anew by its responder: the secret is another', resigned, 'E_AEAD', [
    'Reply',
  ]);
  no(
    'bodies-swapped',
    'The body of the reply to another stream (T21)',
    cat(final.bytes.slice(0, body(final)), other.bytes.slice(body(other))),
    'E_SIG',
    ['Reply', 'Tampered'],
  );
  const second = reply('bound', [to(1)], { seq: 2n });
  no(
    'bodies-swapped-same',
    'The body of the next reply on the same stream (T21)',
    cat(final.bytes.slice(0, body(final)), second.bytes.slice(body(second))),
    'E_SIG',
    ['Reply', 'Tampered'],
  );
  no(
    'signature-swapped',
    'The signature of the next reply',
    cat(final.bytes.slice(0, -64), second.bytes.slice(-64)),
    'E_SIG',
    ['Reply', 'Tampered'],
  );
  const copied = resign(
    put(final.bytes, AT.senderId, ALICE.senderId),
    ALICE.seed,
    replyContext(ON.enc, w.POOL.poolHash),
  );
  no('copied', "Another responder signs bob's reply as its own: the stream secret is another", copied, 'E_AEAD', [
    'Impersonation',
  ]);
  no(
    'signed-by-other',
    "Another responder signs in bob's name",
    reply('in name', [to(0)], { bend: { signSeed: ALICE.seed } }).bytes,
    'E_SIG',
    ['Impersonation'],
  );
  const asSurvey = reply('t20', [to(0)], { patternKind: w.SURVEY_REPLY });
  no(
    'survey-as-reply',
    'A reply to a survey presented as one to a request (T20)',
    put(asSurvey.bytes, AT.patternKind, u8(w.REPLY)),
    'E_SIG',
    ['Tampered', 'Purpose'],
  );
  const mine = w.work('own request', {
    stream: ON,
    topicTag: w.answerTag(ALICE).tag,
    keyinfo: H(ON.enc),
    extensions: [w.HEAD_SEQ, ext(9, CHAIN)],
  });
  no(
    'request-as-reply',
    "The requester's own request presented as a reply",
    put(mine.bytes, AT.patternKind, u8(w.REPLY)),
    'E_SIG',
    ['Tampered', 'Purpose'],
  );
  const question = {
    source: {
      sourceSecret: ON.sourceSecret,
      groupCtx: replyContext(ON.enc, w.POOL.poolHash),
      bind: replyContext(ON.enc, w.POOL.poolHash),
    },
  };
  no(
    'source-of-requests',
    'Sealed with the secret of the requests, not that of the replies (T23)',
    reply('wrong secret', [to(0)], question).bytes,
    'E_AEAD',
    ['BrokenSender'],
  );
  for (const [id, at] of [
    ['timestamp', AT.timestamp + 7],
    ['salt', AT.salt],
    ['chain', keyinfoAt - 1],
    ['body', body(final)],
    ['signature', -1],
  ] as [string, number][])
    no(`flip-${id}`, `One bit of ${id}`, flip(final.bytes, at), 'E_SIG', ['Tampered']);
  const R = ['Replayed'];
  add(
    'window',
    'A reply below the window',
    [w.heard(reply('far', [to(0)], { seq: 2000n })), w.refused(reply('far', [to(1)]).bytes, 'E_TOO_OLD')],
    ['replay.6'],
    R,
  );
  add(
    'fork',
    'Two replies with one number of one stream',
    [w.heard(final), w.refused(reply('bound', [to(1)]).bytes, 'E_FORK')],
    ['replay.12'],
    ['Fork'],
  );
  const its = w.reply('bound', { on: OTHER, answers: [w.answer(ASKED_OTHER)] });
  add(
    'one-stream-two-keyinfos',
    'One stream_id of a responder and one number, to two pool streams: each keyinfo has its own replay state',
    [w.heard(final), w.heard(its), w.refused(final.bytes, 'E_REPLAY'), w.refused(its.bytes, 'E_REPLAY')],
    ['replay.1'],
    R,
  );
  add(
    'two-responders',
    'Two responders, each with its own stream and numbers',
    [w.heard(final), w.heard(reply('bound', [to(1)], { from: ALICE }))],
    ['replay.1', 'patterns.25'],
    R,
  );
}

function records(add: Add): void {
  const final = reply('after records', [to(1)]);
  const no = (id: string, comment: string, payloads: Bytes[], flags = ['BrokenSender']): void => {
    const m = reply(`records ${id}`, [], { payloads });
    add(
      id,
      comment,
      [w.refused(m.bytes, 'E_ENCODING'), w.refused(m.bytes, 'E_REPLAY'), w.heard(final)],
      ['patterns.24', 'envelope.28'],
      flags,
    );
  };
  const record = (status: number, body = ''): Bytes => cat(ASKED.sealed.id, u32(0), u32(0), u8(status), text(body));
  no('empty', 'A record of no bytes', [zeros(0)]);
  no('40', 'A record of 40 bytes', [record(0).slice(0, 40)]);
  no('second-short', 'The second record has 40 bytes', [record(0, 'answer'), record(0).slice(0, 40)]);
  for (const status of [3, 4, 128, 255]) no(`status-${status}`, `Status ${status}`, [record(status)]);
  no('progress-body', 'In progress, with a body', [record(1, 'x')]);
  no('progress-body-second', 'An answer, and one in progress with a body: none of it is handed over', [
    record(0, 'answer'),
    cat(ASKED.sealed.id, u32(0), u32(1), u8(1), text('x')),
  ]);
  const foreign = cat(seeded('unknown id', 32), u32(0), u32(0), u8(9));
  no('status-of-unknown', 'A status that is none, for a request that was never sent', [record(0, 'answer'), foreign]);
  const late = reply('late expiry', [to(0)], { extensions: [ext(4, u64(NOW)), w.HEAD_SEQ, ext(9, CHAIN)] });
  add('expiry', 'A reply past its expiry', [w.refused(late.bytes, 'E_EXPIRED', NOW + 1n)], ['replay.4'], ['Freshness']);
}
