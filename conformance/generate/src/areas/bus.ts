/** bus.json, questions.json: members of groups for BUS, patterns.7 and patterns.8, and for SURVEY, patterns.28. */
import { VectorFile } from '../cases.ts';
import { ANNA, BEN, CARA } from '../groupworld.ts';
import * as w from '../nodeworld.ts';
import { cat, flip, put, seeded, text, u16, u32, u64, u8, zeros, hex, type Bytes } from '../twin/bytes.ts';
import { known as ext, type Extension } from '../twin/extensions.ts';
import { AT } from '../twin/header.ts';
import { ACTION } from '../twin/objects.ts';
import { x25519Public } from '../twin/x25519.ts';
import { NOW } from '../world.ts';
import { adder, type Add } from './nodes.ts';

const BUS = 0x60;
const HEAD_SEQ = ext(8, u64(10));
const BROKEN = ['BrokenSender'];

export function bus(): VectorFile {
  const file = new VectorFile('bus');
  members(adder(file.group('run', 'node.run', 'node', 'source')));
  chained(adder(file.group('chains', 'node.run', 'node', 'records')));
  return file;
}

const inBus = (record: { topic_chains?: boolean } = {}): w.StageSpec => ({
  record: { purpose: 2, ...record },
  block: { purpose: 2 },
});

function members(add: Add): void {
  const S = w.stage(inBus());
  const START = w.start(S);
  const said = (name: string, over: w.EnvelopeSpec = {}): w.Made => w.envelope(S, { name, patternKind: BUS, ...over });
  const P = ['patterns.7', 'patterns.8'];
  add('one', 'A message on the bus', [...START, w.delivered(said('one'))], P);
  add('batch', 'A whole batch', [...START, w.delivered(said('batch', { payloads: ['a', 'b', ''] }))], P);
  add(
    'all-speak',
    'Every member speaks, each on its own streams',
    [
      ...START,
      w.delivered(said('ben')),
      w.delivered(said('anna', { from: ANNA })),
      w.delivered(said('ben', { seq: 2n })),
      w.delivered(said('anna', { from: ANNA, seq: 2n })),
    ],
    P,
  );
  add(
    'gaps',
    'Numbers that are missing are reported',
    [...START, w.delivered(said('gap', { seq: 3n }), { gaps: [[1, 2]] })],
    ['patterns.6', 'patterns.8'],
  );
  add('publish', 'A member publishes on the bus', [...START, w.publish({ epoch: 7, headSeq: 10n })], ['patterns.7']);
  const alone = w.stage({ ...inBus(), writers: [w.writer(BEN)] });
  add('publish-no-right', 'Who may not publish does not', [...w.start(alone), w.publish('E_POLICY')], ['patterns.2']);
  add(
    'suite-2',
    'A bus in suite 2',
    (() => {
      const two = w.stage({ record: { purpose: 2, suite: 2 }, block: { purpose: 2 } });
      return [...w.start(two), w.delivered(w.envelope(two, { name: 'two', patternKind: BUS }))];
    })(),
    P,
  );

  const no = (id: string, comment: string, over: w.EnvelopeSpec, error: string, flags = BROKEN): void =>
    add(
      id,
      comment,
      [...START, w.refused(said(`bad ${id}`, over), error), w.delivered(said(`good ${id}`))],
      ['patterns.8', 'patterns.3'],
      { flags },
    );
  for (const [id, comment, kind] of [
    ['pub-sub', 'An envelope of PUB/SUB in a group for BUS', 0x20],
    ['request', 'A request in it', 0x30],
    ['reply', 'A reply in it', 0x31],
    ['push', 'A job in it', 0x40],
    ['question', 'A question in it', 0x50],
    ['survey-reply', 'A reply to a survey in it', 0x51],
  ] as [string, string, number][])
    no(id, comment, { patternKind: kind }, 'E_ENCODING', ['Purpose']);
  no('merkle', 'A Merkle batch', { form: 'merkle' }, 'E_ENCODING');
  no('keyinfo', 'With keyinfo', { keyinfo: zeros(1) }, 'E_ENCODING');
  no('no-head-seq', 'Without extension 8', { extensions: [] }, 'E_EXT');
  no(
    'pattern-before-extensions',
    'Of PUB/SUB, and without extension 8',
    { patternKind: 0x20, extensions: [] },
    'E_ENCODING',
    ['Order'],
  );
  no('epoch-before-pattern', 'Of an unknown epoch, and of PUB/SUB', { patternKind: 0x20, epoch: 9 }, 'E_EPOCH', [
    'Order',
  ]);
  no('extensions-before-sender', 'Without extension 8, by somebody unknown', { extensions: [], from: CARA }, 'E_EXT', [
    'Order',
  ]);
  add(
    'no-right',
    'A message by a member whom the writers do not name',
    [...w.start(S, [w.CARAS]), w.refused(said('cara', { from: CARA }), 'E_POLICY')],
    ['patterns.8'],
    { flags: ['Responder'] },
  );
  add(
    'replayed',
    'A message twice',
    [...START, w.delivered(said('twice')), w.refused(said('twice'), 'E_REPLAY')],
    ['replay.7', 'patterns.8'],
    { flags: ['Replayed'] },
  );
  add(
    'flip-signature',
    'One bit of the signature',
    [...START, w.refused(flip(said('flip').sealed.bytes, -1), 'E_SIG')],
    ['suites.18'],
    { flags: ['Tampered'] },
  );
  const plain = w.stage();
  const there = w.envelope(plain, { name: 'there', patternKind: BUS });
  add(
    'in-pub-sub',
    'A message of BUS in a group for PUB/SUB; also one whose pattern was changed on the way',
    [
      ...w.start(plain),
      w.refused(there, 'E_ENCODING'),
      w.refused(put(there.sealed.bytes, AT.patternKind, u8(0x20)), 'E_SIG'),
    ],
    ['patterns.3', 'suites.18'],
    { flags: ['Purpose'] },
  );
  add(
    'changed-on-the-way',
    'A message of PUB/SUB whose pattern was changed to BUS',
    [...START, w.refused(put(said('changed', { patternKind: 0x20 }).sealed.bytes, AT.patternKind, u8(BUS)), 'E_SIG')],
    ['patterns.8', 'suites.18'],
    { flags: ['Purpose', 'Tampered'] },
  );
  const wrong = w.stage({ record: { purpose: 2 } });
  add(
    'block-of-pub-sub',
    'A block for PUB/SUB in a group for BUS',
    [...w.start(wrong, [], [9, 11]), w.take(9, wrong.block.bytes, 'E_POLICY')],
    ['groups.3'],
    { flags: ['Purpose'] },
  );
}

function chained(add: Add): void {
  const C = w.stage({ ...inBus({ topic_chains: true }), patterns: ['orders/**'] });
  const START = w.start(C);
  const topic = 'orders/eu/new';
  const subscriptions = ['orders/**'];
  const said = (name: string, over: w.EnvelopeSpec = {}): w.Made =>
    w.envelope(C, { name, topic, patternKind: BUS, ...over });
  add(
    'right',
    'Record 0 says the topic and is no message',
    [...START, w.delivered(said('right', { payloads: ['a', 'b'] }))],
    ['patterns.5', 'patterns.8'],
    {
      subscriptions,
    },
  );
  const no = (id: string, comment: string, over: w.EnvelopeSpec, error: string): void =>
    add(id, comment, [...START, w.refused(said(`bad ${id}`, over), error)], ['patterns.4', 'patterns.8'], {
      subscriptions,
      flags: BROKEN,
    });
  no('other-topic', 'Record 0 names another topic', { record0: text('orders/eu/old') }, 'E_ENCODING');
  no('one-record', 'Record 0 alone', { payloads: [], form: 'batch' }, 'E_ENCODING');
  no('single', 'A single', { payloads: [], form: 'single' }, 'E_ENCODING');
  add(
    'no-chain',
    'Without extension 9, to a subscriber of the topic itself',
    [...START, w.refused(said('no chain', { extensions: [HEAD_SEQ] }), 'E_EXT')],
    ['patterns.8', 'patterns.3'],
    { subscriptions: [topic], flags: BROKEN },
  );
}

// ---- Questions

interface Asked {
  surveyId: Bytes;
  deadline: bigint;
  maxReply: number;
  replyKey: Bytes;
}
const ASKED: Asked = {
  surveyId: seeded('asked survey', 16),
  deadline: NOW + 10_000n,
  maxReply: 100,
  replyKey: x25519Public(seeded('reply key of a question', 32)),
};
const valueOf = (a: Asked, length = a.replyKey.length): Bytes =>
  cat(a.surveyId, u64(a.deadline), u32(a.maxReply), u16(length), a.replyKey);

export function questions(): VectorFile {
  const file = new VectorFile('questions');
  asked(adder(file.group('run', 'node.run', 'surveys', 'extensions')));
  return file;
}

function asked(add: Add): void {
  const stage = w.stage({
    record: { purpose: 3 },
    block: { purpose: 3 },
    writers: [w.writer(BEN), w.writer(ANNA, { actions: ACTION.respond }), w.writer(CARA, { actions: ACTION.respond })],
  });
  const START = w.start(stage, [w.CARAS]);
  const P = ['patterns.27', 'patterns.28'];
  const extensions = (a: Partial<Asked> = {}, head: Extension[] = [HEAD_SEQ]): Extension[] => [
    ext(2, valueOf({ ...ASKED, ...a })),
    ...head,
  ];
  const ask = (name: string, over: w.EnvelopeSpec = {}): w.Made =>
    w.envelope(stage, { name, patternKind: 0x50, extensions: extensions(), ...over });
  const heard = (m: w.Made, a: Partial<Asked> = {}, seen: w.Seen = {}): w.Step => {
    const { step, result } = w.delivered(m, seen);
    const s = { ...ASKED, ...a };
    const survey = {
      surveyId: hex(s.surveyId),
      deadline: s.deadline.toString(),
      maxReply: s.maxReply,
      replyKey: hex(s.replyKey),
    };
    return { step, result: { ...result, survey } };
  };
  const good = (id: string, comment: string, a: Partial<Asked> = {}, flags: string[] = []): void =>
    add(id, comment, [...START, heard(ask(id, { extensions: extensions(a) }), a)], P, { flags });
  good('one', 'A question');
  const L = ['Question', 'Limit'];
  good('deadline-now', 'Its deadline is its timestamp', { deadline: NOW }, L);
  good('deadline-hour', 'Its deadline is an hour later', { deadline: NOW + 3_600_000n }, L);
  good('max-1', 'One reply is taken', { maxReply: 1 }, L);
  good('max-65535', '65,535 replies are taken', { maxReply: 65_535 }, L);
  add('empty', 'A question without a body', [...START, heard(ask('empty', { payloads: [''] }))], P);
  add(
    'two',
    'Two questions of one stream, then the first once more',
    [...START, heard(ask('two')), heard(ask('two', { seq: 2n })), w.refused(ask('two'), 'E_REPLAY')],
    [...P, 'replay.7'],
    { flags: ['Replayed'] },
  );
  add(
    'after-deadline',
    'One that arrives after its deadline is handed over like any other; to answer it is what patterns.29 forbids',
    [...START, heard(ask('after'), {}, { now: NOW + 10_001n })],
    ['patterns.28'],
    { flags: ['Question'] },
  );

  const no = (
    id: string,
    comment: string,
    over: w.EnvelopeSpec,
    error: string,
    flags: string[] = ['Question'],
    spec = ['patterns.28'],
  ): void =>
    add(id, comment, [...START, w.refused(ask(`bad ${id}`, over), error), heard(ask(`good ${id}`))], spec, { flags });
  const bad = (id: string, comment: string, a: Partial<Asked>, error = 'E_EXT', flags?: string[]): void =>
    no(id, comment, { extensions: extensions(a) }, error, flags);
  no('no-survey', 'Without extension 2', { extensions: [HEAD_SEQ] }, 'E_EXT');
  bad('deadline-before', 'Its deadline is a millisecond before its timestamp', { deadline: NOW - 1n });
  bad('deadline-0', 'Deadline 0', { deadline: 0n });
  bad('deadline-later', 'Its deadline is an hour and a millisecond later', { deadline: NOW + 3_600_001n }, 'E_EXT', L);
  bad('max-0', 'max_reply 0', { maxReply: 0 });
  bad('max-65536', 'max_reply 65,536', { maxReply: 65_536 }, 'E_EXT', L);
  bad('max-highest', 'max_reply 2^32 - 1', { maxReply: 4_294_967_295 }, 'E_EXT', L);
  for (const length of [0, 31, 33, 64])
    bad(`key-${length}`, `A reply_pk of ${length} bytes`, { replyKey: seeded('reply key', length) });
  bad('deadline-2-53', 'A deadline of 2^53: step 5', { deadline: 1n << 53n }, 'E_LIMIT', ['Limit']);
  no(
    'vec',
    'A reply_pk that says a byte more than there is: step 5',
    { extensions: [ext(2, valueOf(ASKED, 33)), HEAD_SEQ] },
    'E_EXT',
  );
  for (const [id, comment, kind] of [
    ['pub-sub', 'An envelope of PUB/SUB in a group for SURVEY', 0x20],
    ['bus', 'One of BUS', BUS],
    ['request', 'A request', 0x30],
    ['survey-reply', 'A reply under the tag of a topic', 0x51],
    ['message', 'A message of a dealer', 0x70],
    ['forward', 'A forward', 0x72],
  ] as [string, string, number][])
    no(id, comment, { patternKind: kind }, 'E_ENCODING', ['Purpose']);
  no('merkle', 'A Merkle batch', { form: 'merkle' }, 'E_ENCODING');
  no('batch', 'A whole batch of two', { form: 'batch', payloads: ['a', 'b'] }, 'E_ENCODING');
  no('batch-of-one', 'A whole batch of one', { form: 'batch' }, 'E_ENCODING');
  no('padded', 'A padded batch', { form: 'batch', padded: true }, 'E_ENCODING');
  no('keyinfo', 'With keyinfo', { keyinfo: zeros(64) }, 'E_ENCODING');
  no('no-head-seq', 'Without extension 8', { extensions: extensions({}, []) }, 'E_EXT');
  const O = ['Order'];
  no(
    'pattern-before-survey',
    'Of PUB/SUB, and without extension 2',
    { patternKind: 0x20, extensions: [HEAD_SEQ] },
    'E_ENCODING',
    O,
  );
  no(
    'batch-before-survey',
    'A whole batch, and without extension 2',
    { form: 'batch', extensions: [HEAD_SEQ] },
    'E_ENCODING',
    O,
  );
  no(
    'batch-before-deadline',
    'A whole batch whose deadline is a millisecond before its timestamp',
    { form: 'batch', extensions: extensions({ deadline: NOW - 1n }) },
    'E_ENCODING',
    O,
  );
  no('epoch-before-batch', 'Of an unknown epoch, and a whole batch', { epoch: 9, form: 'batch' }, 'E_EPOCH', O);
  no('batch-before-sender', 'A whole batch by one who may not ask', { form: 'batch', from: CARA }, 'E_ENCODING', O);
  no(
    'epoch-before-survey',
    'Of an unknown epoch, and without extension 2',
    { epoch: 9, extensions: [HEAD_SEQ] },
    'E_EPOCH',
    O,
  );
  no(
    'survey-before-right',
    'Without extension 2, by one who may not ask',
    { from: CARA, extensions: [HEAD_SEQ] },
    'E_EXT',
    O,
  );
  no(
    'respondent',
    'A question by one who may only respond (S30)',
    { from: CARA },
    'E_POLICY',
    ['Responder'],
    ['patterns.28', 'patterns.2'],
  );
  const signed = ask('flip');
  add(
    'flip-signature',
    'One bit of the signature',
    [...START, w.refused(flip(signed.sealed.bytes, -1), 'E_SIG')],
    ['suites.18'],
    {
      flags: ['Tampered'],
    },
  );
  const at = 96 + 4 + 16;
  add(
    'deadline-moved',
    'A broker moves the deadline',
    [...START, w.refused(put(signed.sealed.bytes, at, u64(NOW + 20_000n)), 'E_SIG')],
    ['suites.18', 'patterns.28'],
    { flags: ['Tampered'] },
  );
  add(
    'key-exchanged',
    'A broker writes a reply_pk of its own',
    [...START, w.refused(put(signed.sealed.bytes, at + 14, x25519Public(seeded('key of a broker', 32))), 'E_SIG')],
    ['suites.18', 'patterns.28'],
    { flags: ['Tampered'] },
  );
  const plain = w.stage();
  add(
    'in-pub-sub',
    'A question in a group for PUB/SUB',
    [
      ...w.start(plain),
      w.refused(w.envelope(plain, { name: 'asked there', patternKind: 0x50, extensions: extensions() }), 'E_ENCODING'),
    ],
    ['patterns.3'],
    { flags: ['Purpose'] },
  );
}
