/** dealers.json: messages of dealers at who works, patterns.16 and patterns.19, and the replies to them, patterns.42. */
import { VectorFile } from '../cases.ts';
import { pairsOf } from '../defects.ts';
import type { Members } from '../json.ts';
import * as p from '../poolworld.ts';
import * as w from '../routerworld.ts';
import { runsOf, type AddRun } from '../runs.ts';
import { cat, flip, hex, put, seeded, text, u32, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { makeJob, resign } from '../twin/envelope.ts';
import { known as ext } from '../twin/extensions.ts';
import { H } from '../twin/hash.ts';
import { AT } from '../twin/header.ts';
import { poolInfo, replyContext } from '../twin/pools.ts';
import { ALICE, BOB, MALLORY, NOW, OTHER_TAG } from '../world.ts';
import { DEFECTS, type Defect } from './requester.ts';

const LIFE = 600_000n;
const P16 = ['patterns.16'];
const P42 = ['patterns.42'];

type Add = AddRun<p.Step>;
export function dealers(): VectorFile {
  const file = new VectorFile('dealers');
  const crew = (name: string, layer: string): Add =>
    runsOf(
      file.group(name, 'crew.run', 'routers', layer),
      p.crewIn,
      [...P16, 'patterns.17', 'patterns.19'],
      ['Routing'],
    );
  direct(crew('direct', 'source'));
  refusals(crew('refusals', 'source'));
  const asker = (name: string, layer: string): Add =>
    runsOf(file.group(name, 'requester.run', 'routers', layer), (steps, over) => w.dealerIn(steps, OPEN, over), P42, [
      'Routing',
    ]);
  hear(asker('hear', 'source'));
  answers(asker('answers', 'source'));
  return file;
}

// ---- Messages at a member of the crew, which came straight from the dealer

function direct(add: Add): void {
  const good = (id: string, comment: string, spec: w.MessageSpec = {}, now = NOW): void =>
    add(id, comment, [p.taken(w.message(`direct ${id}`, spec), now)]);
  good('message', 'a message that no router has seen');
  good('empty', 'without routing data', { data: zeros(0) });
  good('data-1024', 'with 1,024 bytes of them', { data: seeded('much routing', 1024) });
  good('routing-broken', 'routing data that do not open: they are for routers', {
    change: (right) => flip(right, -1),
  });
  good('routing-epoch', 'routing data of an epoch of the front that is not known', { routingEpoch: 9 });
  good('records', 'five records', { items: [0, 1, 2, 3, 4].map((i) => p.item(`five ${i}`)) });
  good('padded', 'with padding', { padded: true });
  good('late', 'after its deadline', {}, p.DEADLINE + 1n);
  good(
    'received-later',
    'sealed in the last millisecond of its stream, received after it',
    {
      stream: p.stream('direct end', { started: NOW - LIFE }),
    },
    NOW + 1000n,
  );
  good('seq-limit', 'number 2^20 of a stream', { seq: 1n << 20n });
  good('commitment', 'with a committed record key', { recordCommit: true });
  const two = p.poolEpoch('suite 2', 7, 2);
  add(
    'suite-2',
    'a pool in suite 0x0002, a front in suite 0x0001',
    [p.taken(w.message('direct suite 2', { suite: 2, stream: p.stream('direct suite 2', { pool: two }) }))],
    P16,
    ['Routing'],
    { epochs: [p.epochIn(two)] },
  );
  const stream = p.stream('all three');
  const on = (seq: bigint): w.MessageSpec => ({ stream, seq });
  add('beside', 'beside a request and a job', [
    p.taken(w.message('beside')),
    p.taken(p.work('beside as request')),
    p.taken(p.jobs('beside as job')),
  ]);
  add(
    'duplicate',
    'a message twice',
    [p.taken(w.message('all three', on(1n))), p.refused(w.message('all three', on(1n)).bytes, 'E_REPLAY')],
    ['replay.7'],
    ['Replayed'],
  );
  add(
    'both-patterns',
    'a message and a request with one number of one stream: numbers know no pattern',
    [p.taken(w.message('all three', on(1n))), p.refused(p.work('all three', on(1n)).bytes, 'E_FORK')],
    ['replay.12'],
    ['Fork'],
  );
}

function refusals(add: Add): void {
  const after = (id: string): p.Step => p.taken(w.message(`after ${id}`));
  const no = (
    id: string,
    comment: string,
    bytes: Bytes,
    code: string,
    spec = P16,
    flags = ['Routing'],
    over: Members = {},
  ): void =>
    add(id, comment, [p.refused(bytes, code), ...(Object.keys(over).length > 0 ? [] : [after(id)])], spec, flags, over);
  const m = (id: string, spec: w.MessageSpec = {}): w.Message => w.message(`refused ${id}`, spec);
  no('no-routing', 'Without extension 12', m('no routing', { without: [12] }).bytes, 'E_EXT');
  no('no-head-seq', 'Without extension 8', m('no head', { without: [8] }).bytes, 'E_EXT');
  no('no-extensions', 'Without extensions', m('no ext', { without: [8, 12] }).bytes, 'E_EXT');
  no('single', 'A single', m('single', { form: 'single' }).bytes, 'E_ENCODING');
  const leaves = m('leaves', { form: 'merkle', items: [0, 1, 2].map((i) => p.item(`leaf ${i}`)) });
  no('leaves', 'In leaves, not split', leaves.bytes, 'E_ENCODING');
  add('leaf', 'A leaf of it', [p.refused(makeJob(leaves.bytes, 1), 'E_ENCODING', NOW, true), after('leaf')], P16);
  const one = m('one leaf', { form: 'merkle' });
  add('one-leaf', 'One leaf of one', [p.refused(makeJob(one.bytes, 0), 'E_ENCODING', NOW, true)], P16);
  const zero = p.item('zero', 0n);
  const P19 = ['patterns.19', 'envelope.28'];
  const seen = (id: string, comment: string, message: w.Message, code = 'E_ENCODING'): void =>
    add(id, comment, [p.refused(message.bytes, code), p.refused(message.bytes, 'E_REPLAY'), after(id)], P19, ['Late']);
  seen('no-deadline', 'Without a deadline', m('no deadline', { items: [zero] }));
  seen(
    'one-no-deadline',
    'The last of three records without one',
    m('last', { items: [p.item('a'), p.item('b'), zero] }),
  );
  seen('record-23', 'A record of 23 bytes', m('23', { payloads: [zeros(23)] }));
  seen(
    'deadline-2-53',
    'A deadline of 2^53',
    m('2-53', { payloads: [cat(seeded('key', 16), u64(1n << 53n))] }),
    'E_LIMIT',
  );
  no('keyinfo-39', 'keyinfo of 39 bytes', m('39', { keyinfo: p.stream('39').keyinfo.slice(1) }).bytes, 'E_LENGTH');
  const old = p.stream('refused old', { started: NOW - LIFE - 1n });
  no('stream-old', 'A millisecond after the end of the stream', m('old', { stream: old }).bytes, 'E_EXPIRED');
  no('seq', 'Number 2^20 + 1', m('seq', { seq: (1n << 20n) + 1n }).bytes, 'E_LIMIT');
  no('epoch', 'Of an epoch that is not known', m('epoch', { epoch: 9 }).bytes, 'E_EPOCH', ['patterns.17']);
  const suite = m('suite', { suite: 2, stream: p.stream('refused suite', { suite: 2 }) });
  no('suite', "In another suite than the crew's", suite.bytes, 'E_SUITE', ['suites.3']);
  no('writer', 'By one who may not ask', m('mallory', { from: MALLORY }).bytes, 'E_POLICY', ['patterns.17']);
  for (const [id, comment, patternKind] of [
    ['answer', 'A reply of ROUTER/DEALER', w.ANSWER],
    ['forward', 'A forward', w.FORWARD],
  ] as [string, string, number][])
    no(`pattern-${id}`, `${comment} under the tag of a topic`, m(id, { patternKind }).bytes, 'E_ENCODING', P16, [
      'Purpose',
    ]);

  const order = (id: string, comment: string, spec: w.MessageSpec, code: string, over: Members = {}): void =>
    no(
      `order-${id}`,
      comment,
      m(`order ${id}`, spec).bytes,
      code,
      [...P16, 'patterns.17', 'envelope.27'],
      ['Order'],
      over,
    );
  // Extension 12 where it does not belong, validly signed by who sent it
  const E = ['Routing', 'BrokenSender'];
  const routed = (id: string, spec: w.MessageSpec): w.Message => m(`routed ${id}`, spec);
  const [request, job] = [{ patternKind: p.REQUEST }, { patternKind: p.PUSH }];
  no('request-routed', 'A request with extension 12', routed('request', request).bytes, 'E_EXT', P16, E);
  no('job-routed', 'A job with extension 12', routed('job', job).bytes, 'E_EXT', P16, E);
  no(
    'request-routed-empty',
    'A request with extension 12 of no data',
    routed('e', { ...request, data: zeros(0) }).bytes,
    'E_EXT',
    P16,
    E,
  );
  const routedLeaves = routed('leaves', { ...job, form: 'merkle', items: [0, 1, 2].map((i) => p.item(`routed ${i}`)) });
  no('leaves-routed', 'Jobs in leaves with extension 12', routedLeaves.bytes, 'E_EXT', P16, E);
  add(
    'leaf-routed',
    'A leaf of them',
    [p.refused(makeJob(routedLeaves.bytes, 1), 'E_EXT', NOW, true), after('leaf routed')],
    P16,
    E,
  );
  no(
    'request-routed-no-head',
    'A request with extension 12 and without 8',
    routed('no head', { ...request, without: [8] }).bytes,
    'E_EXT',
    P16,
    E,
  );
  for (const [kind, patternKind] of [
    ['request', p.REQUEST],
    ['job', p.PUSH],
  ] as [string, number][]) {
    const one = (id: string, comment: string, spec: w.MessageSpec, code: string, over: Members = {}): void =>
      order(`${kind}-${id}`, `A ${kind} with extension 12, ${comment}`, { patternKind, ...spec }, code, over);
    one('epoch-routed', 'of an epoch that is not known', { epoch: 9 }, 'E_EPOCH');
    one('stale-routed', 'while the view is not fresh', {}, 'E_STALE', { fresh: false });
    one('single-routed', 'a single', { form: 'single' }, 'E_ENCODING');
    one('routed-keyinfo', 'without keyinfo', { keyinfo: zeros(0) }, 'E_EXT');
    one('routed-stream', 'with a drawn stream_id', { streamId: seeded('drawn', 8) }, 'E_EXT');
    one('routed-seq', 'with number 2^20 + 1', { seq: (1n << 20n) + 1n }, 'E_EXT');
    one('routed-suite', 'in another suite', { suite: 2 }, 'E_EXT');
    one('routed-sender', 'by one who may not ask', { from: MALLORY }, 'E_EXT');
  }
  const none = { without: [12] };
  order('epoch-routing', 'Of an epoch that is not known, without extension 12', { ...none, epoch: 9 }, 'E_EPOCH');
  order('stale-routing', 'While the view is not fresh, without extension 12', none, 'E_STALE', { fresh: false });
  order('single-routing', 'A single without extension 12', { ...none, form: 'single' }, 'E_ENCODING');
  order('leaves-routing', 'In leaves, without extension 12', { ...none, form: 'merkle' }, 'E_ENCODING');
  order('routing-keyinfo', 'Without extension 12 and keyinfo', { ...none, keyinfo: zeros(0) }, 'E_EXT');
  order(
    'routing-stream',
    'Without extension 12, with a drawn stream_id',
    { ...none, streamId: seeded('drawn', 8) },
    'E_EXT',
  );
  order('routing-suite', 'Without extension 12, in another suite', { ...none, suite: 2 }, 'E_EXT');
  order('routing-sender', 'Without extension 12, by one who may not ask', { ...none, from: MALLORY }, 'E_EXT');

  const message = m('bound', { items: [p.item('bound')] });
  const keyinfoAt = 96 + message.sealed.header.extLen;
  const S = ['suites.18'];
  const T = ['Tampered'];
  no('flip-routing', 'One bit of the routing data', flip(message.bytes, keyinfoAt - 1), 'E_SIG', S, T);
  no('flip-routing-epoch', 'One bit of the epoch of the front', flip(message.bytes, 96 + 12 + 4 + 3), 'E_SIG', S, T);
  const plain = p.work('refused plain');
  const U = ['Tampered', 'Purpose'];
  no(
    'request-as-message',
    'A request presented as a message',
    put(plain.bytes, AT.patternKind, u8(w.MESSAGE)),
    'E_EXT',
    P16,
    U,
  );
  no(
    'as-request',
    'A message presented as a request, which has no extension 12',
    put(message.bytes, AT.patternKind, u8(p.REQUEST)),
    'E_EXT',
    P16,
    U,
  );
  no('as-job', 'A message presented as a job', put(message.bytes, AT.patternKind, u8(p.PUSH)), 'E_EXT', P16, U);
  const stolen = resign(
    put(message.bytes, AT.senderId, BOB.senderId),
    BOB.seed,
    H(poolInfo(1, p.POOL.poolHash, BOB.keyId, NOW - 1000n)),
  );
  no('stolen', "Bob signs alice's message as his", stolen, 'E_AEAD', ['patterns.18'], ['Impersonation']);
}

// ---- Replies

const ON = p.stream('dealt');
const ASKED = w.message('dealt', { stream: ON, items: [0, 1, 2].map((i) => p.item(`dealt ${i}`)) });
const OTHER = p.stream('dealt otherwise');
const ASKED_OTHER = w.message('dealt otherwise', { stream: OTHER });
const OPEN: readonly Members[] = [
  p.streamIn(ON, [{ of: ASKED, indexes: [0, 1, 2] }]),
  p.streamIn(OTHER, [{ of: ASKED_OTHER, indexes: [0] }]),
];
const CHAIN = p.answerTag(ALICE).chain;
const to = (index: number, over: Partial<p.Answer> = {}): p.Answer => p.answer(ASKED, index, over);
const news = (index: number, body: string): p.Answer => to(index, { status: 1, body: text(body) });
const reply = (name: string, list: p.Answer[], over: Partial<p.ReplySpec> = {}): p.Replied =>
  p.reply(name, { on: ON, answers: list, patternKind: w.ANSWER, ...over });

function hear(add: Add): void {
  const F = ['Reply'];
  const good = (id: string, comment: string, steps: p.Step[]): void =>
    add(id, comment, steps, [...P42, 'patterns.25'], F);
  const final = reply('final', [to(0)]);
  const none = (m: p.Replied): p.Step => p.heard(m, []);
  good('final', 'the answer', [p.heard(final)]);
  const three = [1n, 2n, 3n].map((seq) => p.heard(reply('news', [news(0, `so far ${seq}`)], { seq })));
  good('news', 'three times what who works has to say, then the answer', [
    ...three,
    p.heard(reply('news', [to(0)], { seq: 4n })),
  ]);
  good('news-empty', 'in progress without a body', [p.heard(reply('empty', [news(0, '')])), p.heard(final)]);
  good('news-alone', 'and no answer yet', three);
  const several = [news(0, 'one'), news(0, 'two'), news(0, 'three'), to(0, { body: text('and last') })];
  good('news-in-one', 'several in one envelope, in the order of its records', [p.heard(reply('in one', several))]);
  const after = reply('after in one', [news(0, 'before'), to(0), news(0, 'after'), news(1, 'of another')]);
  good('after-in-one', 'after the answer in one envelope: ignored; of another message: not', [
    p.heard(after, [after.answers[0], after.answers[1], after.answers[3]] as p.Answer[]),
  ]);
  good('news-after', 'news after the answer are ignored, of whoever', [
    p.heard(final),
    none(reply('final', [news(0, 'too late')], { seq: 2n })),
    none(reply('news after', [news(0, 'too late')], { from: ALICE })),
  ]);
  good('after-refusal', 'and after a refusal', [
    p.heard(reply('refusal', [news(0, 'so far'), to(0, { status: 2, body: text('E_LIMIT') })])),
    none(reply('refusal', [news(0, 'too late')], { seq: 2n })),
  ]);
  good('refused', 'a refusal', [p.heard(reply('refused', [to(0, { status: 2, body: text('E_EXPIRED') })]))]);
  good('refused-later', 'a refusal with a code of a later version: taken as E_REFUSED', [
    p.heard(reply('later', [to(0, { status: 2, body: text('E_LATER'), code: 'E_REFUSED' })])),
  ]);
  good('second', 'a second answer, by another, is ignored', [
    p.heard(final),
    none(reply('second', [to(0, { body: text('too late') })], { from: ALICE })),
  ]);
  good('two-workers', 'news of two who work on one message, in turn', [
    p.heard(reply('bob', [news(0, 'bob 1')])),
    p.heard(reply('alice', [news(0, 'alice 1')], { from: ALICE })),
    p.heard(reply('bob', [news(0, 'bob 2')], { seq: 2n })),
    p.heard(reply('alice', [to(0)], { from: ALICE, seq: 2n })),
    none(reply('bob', [news(0, 'bob 3')], { seq: 3n })),
  ]);
  good('two-streams', 'news and answers on two streams', [
    p.heard(reply('first', [news(0, 'a')])),
    p.heard(p.reply('other', { on: OTHER, answers: [p.answer(ASKED_OTHER)], patternKind: w.ANSWER })),
    p.heard(reply('first', [to(0), news(1, 'b')], { seq: 2n })),
  ]);
  const onOther = (name: string, over: Partial<p.ReplySpec> = {}): p.Replied =>
    p.reply(name, { on: OTHER, answers: [p.answer(ASKED_OTHER)], patternKind: w.ANSWER, ...over });
  const R1 = [...P42, 'replay.1'];
  const one = reply('one stream', [news(0, 'first')]);
  const its = onOther('one stream');
  add(
    'one-stream-two-keyinfos',
    'one stream_id of who works and one number, to two pool streams: each keyinfo has its own replay state',
    [p.heard(one), p.heard(its), p.refused(one.bytes, 'E_REPLAY'), p.refused(its.bytes, 'E_REPLAY')],
    R1,
    ['Replayed'],
  );
  const high = reply('one stream', [news(0, 'far')], { seq: 2000n });
  add(
    'one-stream-two-windows',
    'and its own window',
    [p.heard(high), p.refused(one.bytes, 'E_TOO_OLD'), p.heard(its)],
    [...R1, 'replay.6'],
    ['Replayed'],
  );
  add(
    'one-stream-fork',
    'two with one number to one pool stream are a fork, beside one to the other',
    [p.heard(its), p.heard(one), p.refused(reply('one stream', [news(1, 'other')]).bytes, 'E_FORK')],
    [...R1, 'replay.12'],
    ['Fork'],
  );
  const many = Array.from({ length: 64 }, (_, i) => reply(`stream ${i}`, [news(0, `${i}`)]));
  add(
    'streams-64',
    '64 streams to one pool stream and one to another: none is forgotten',
    [...many.map((m) => p.heard(m)), p.heard(its), ...many.slice(0, 2).map((m) => p.refused(m.bytes, 'E_REPLAY'))],
    [...R1, 'replay.15'],
    ['Admission'],
  );
  good('padded', 'with padding', [p.heard(reply('padded', [news(0, 'padded'), to(1)], { padded: true }))]);
  good('large', 'news of 4,096 bytes', [p.heard(reply('large', [to(0, { status: 1, body: seeded('large', 4096) })]))]);
  const unknown = reply('unknown', [
    to(0, { status: 1, id: seeded('unknown id', 32) }),
    news(7, 'beyond'),
    news(1, 'known'),
  ]);
  good('unknown', 'news of what was never sent are ignored', [p.heard(unknown, unknown.answers.slice(2))]);
  const two = p.stream('dealt in suite 2', { suite: 2 });
  const asked2 = w.message('dealt in suite 2', { stream: two, suite: 2 });
  const list = [p.answer(asked2, 0, { status: 1, body: text('news in 2') }), p.answer(asked2)];
  add(
    'suite-2',
    'in suite 0x0002',
    [p.heard(p.reply('suite 2', { on: two, suite: 2, answers: list, patternKind: w.ANSWER }))],
    P42,
    F,
    { suite: 2, streams: [p.streamIn(two, [{ of: asked2, indexes: [0] }])] },
  );
  good('duplicate', 'a reply twice', [p.heard(final), p.refused(final.bytes, 'E_REPLAY')]);

  const no = (id: string, comment: string, payloads: Bytes[]): void => {
    const m = reply(`records ${id}`, [], { payloads });
    add(
      id,
      comment,
      [p.refused(m.bytes, 'E_ENCODING'), p.refused(m.bytes, 'E_REPLAY'), p.heard(final)],
      [...P42, 'patterns.24', 'envelope.28'],
      ['BrokenSender'],
    );
  };
  const record = (status: number, body = ''): Bytes => cat(ASKED.sealed.id, u32(0), u32(0), u8(status), text(body));
  no('record-40', 'A record of 40 bytes', [record(0).slice(0, 40)]);
  no('record-second', 'News, and a record of 40 bytes: none of it is handed over', [
    record(1, 'news'),
    record(0).slice(0, 40),
  ]);
  for (const status of [3, 255]) no(`status-${status}`, `Status ${status}`, [record(status, 'body')]);
}

function answers(add: Add): void {
  const P23 = [...P42, 'patterns.23'];
  const final = reply('right', [to(0)]);
  const F = ['Reply', 'Purpose'];
  const old = p.reply('of 3', { on: ON, answers: [to(0)] });
  add(
    'reply-of-3',
    'A reply of pattern 3 to a stream of pattern 7',
    [p.refused(old.bytes, 'E_ENCODING'), p.heard(final)],
    P23,
    F,
  );
  const asThree = { pattern: 3 };
  add(
    'answer-to-3',
    'A reply of pattern 7 to a stream of pattern 3',
    [p.refused(final.bytes, 'E_ENCODING'), p.heard(old)],
    P23,
    F,
    asThree,
  );
  const body = p.reply('of 3 with body', { on: ON, answers: [news(0, 'so far')] });
  add(
    'news-of-3',
    'In progress with a body, to a stream of pattern 3',
    [p.refused(body.bytes, 'E_ENCODING'), p.refused(body.bytes, 'E_REPLAY'), p.heard(old)],
    ['patterns.24', 'patterns.42'],
    F,
    asThree,
  );
  const bare = p.reply('of 3 without body', { on: ON, answers: [news(0, '')] });
  add('news-of-3-empty', 'In progress without one', [p.heard(bare), p.heard(old)], ['patterns.24'], F, asThree);

  type Made = { bytes: Bytes; over: Members; now: bigint };
  const made = (name: string, list: readonly Defect[]): Made => {
    const spec = Object.assign({}, ...list.map((d) => d.spec2 ?? {})) as Partial<p.ReplySpec>;
    let { bytes } = reply(name, [to(0)], spec);
    for (const d of list) bytes = d.after === undefined ? bytes : d.after(bytes);
    const over = Object.assign({}, ...list.map((d) => d.over ?? {})) as Members;
    return { bytes, over, now: list.reduce((now, d) => d.now ?? now, NOW) };
  };
  for (const d of DEFECTS) {
    const m = made(`dealt ${d.id}`, [d]);
    const goesOn = Object.keys(m.over).length === 0 && m.now === NOW;
    const steps = [p.refused(m.bytes, d.code, m.now), ...(goesOn ? [p.heard(final)] : [])];
    add(d.id, `A reply ${d.comment}`, steps, [...P42, d.spec], [d.flag], m.over);
  }
  const list = DEFECTS.map((d) => ({ ...d, put: (): void => undefined }));
  for (const [a, b] of pairsOf(list, 1)) {
    const m = made(`dealt order ${a.id} ${b.id}`, [b, a]);
    add(
      `order-${a.id}-${b.id}`,
      `A reply ${a.comment}, and ${b.comment}`,
      [p.refused(m.bytes, a.code, m.now)],
      ['envelope.27', ...P42, ...new Set([a.spec, b.spec])],
      ['Order'],
      m.over,
    );
  }
  const unseen = (id: string, comment: string, spec: Partial<p.ReplySpec>): void =>
    add(
      id,
      comment,
      [p.unseen(reply(`unseen ${id}`, [to(0)], spec).bytes), p.heard(final)],
      [...P42, 'patterns.22'],
      ['Reply'],
    );
  const never = p.stream('never dealt');
  unseen('unknown-stream', 'A reply to a stream that is not open', { on: never });
  unseen('unknown-stream-of-3', 'One of pattern 3 to such a stream', { on: never, patternKind: p.REPLY });
  unseen('other-tag', "Under a tag that is not the dealer's", { topicTag: OTHER_TAG });
  const kinds: [string, string, number][] = [
    ['message', 'A message under the answer tag', w.MESSAGE],
    ['request', 'A request', p.REQUEST],
    ['survey-reply', 'A reply of SURVEY in this form', p.SURVEY_REPLY],
  ];
  for (const [id, comment, patternKind] of kinds) {
    const bad = reply(`kind ${id}`, [to(0)], { patternKind });
    add(`pattern-${id}`, comment, [p.refused(bad.bytes, 'E_ENCODING'), p.heard(final)], P23, F);
  }
  const S = ['patterns.21', 'suites.18'];
  const no = (id: string, comment: string, bytes: Bytes, code: string, flags: string[]): void =>
    add(id, comment, [p.refused(bytes, code), p.heard(final)], [...P42, ...S], flags);
  const moved = put(old.bytes, AT.patternKind, u8(w.ANSWER));
  no('of-3-presented', 'A reply of pattern 3 presented as one of 7', moved, 'E_SIG', ['Tampered', 'Purpose']);
  const context = replyContext(ON.enc, p.POOL.poolHash);
  const copied = resign(put(final.bytes, AT.senderId, ALICE.senderId), ALICE.seed, context);
  no('copied', 'Another responder signs it as its own', copied, 'E_AEAD', ['Impersonation']);
  const other = reply('other pool', [to(0)], { poolHash: seeded('other pool', 32) });
  no('other-pool', 'A reply by another pool record', other.bytes, 'E_SIG', ['PoolBinding']);
  no('flip-body', 'One bit of the body', flip(final.bytes, -65), 'E_SIG', ['Tampered']);
  const chain = reply('chain 3', [to(0)], { extensions: [p.HEAD_SEQ, ext(9, cat(CHAIN, zeros(16)))] });
  add('chain-3', 'Three values in extension 9', [p.refused(chain.bytes, 'E_EXT'), p.heard(final)], P23, ['AnswerTag']);
  const router = { responders: [p.mayRespond(BOB), p.mayRespond(w.ROBIN, false)] };
  const byRouter = reply('by a router', [to(0)], { from: w.ROBIN });
  add(
    'by-router',
    'A reply by a router, who may not respond',
    [p.refused(byRouter.bytes, 'E_POLICY'), p.heard(final)],
    P23,
    ['Responder'],
    router,
  );
  const expired = reply('expired', [to(0)], { extensions: [ext(4, u64(NOW - 1n)), p.HEAD_SEQ, ext(9, CHAIN)] });
  add(
    'expiry',
    'A reply past its expiry',
    [p.refused(expired.bytes, 'E_EXPIRED'), p.heard(final)],
    ['replay.4'],
    ['Freshness'],
  );
  const forks = [reply('fork', [news(0, 'one')]), reply('fork', [news(0, 'other')])];
  const [one, another] = forks;
  if (one === undefined || another === undefined) throw new Error('unreachable');
  add(
    'fork',
    'Two with one number of one stream',
    [p.heard(one), p.refused(another.bytes, 'E_FORK')],
    ['replay.12'],
    ['Fork'],
  );
  add(
    'tags',
    'Under another answer tag than the stream was asked from',
    [p.refused(put(final.bytes, AT.topicTag, p.answerTag(BOB).tag), 'E_SIG'), p.heard(final)],
    S,
    ['AnswerTag'],
    { tags: [hex(p.answerTag(ALICE).tag), hex(p.answerTag(BOB).tag)] },
  );
}
