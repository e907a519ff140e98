/** surveys.json: replies to surveys at who asked, patterns.30 to patterns.34. */
import { VectorFile } from '../cases.ts';
import type { Members } from '../json.ts';
import * as w from '../poolworld.ts';
import { citedRunsOf, type AddCited } from '../runs.ts';
import { cat, flip, put, seeded, text, u16, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { resign } from '../twin/envelope.ts';
import { known as ext } from '../twin/extensions.ts';
import { H } from '../twin/hash.ts';
import { AT } from '../twin/header.ts';
import { surveyInfo } from '../twin/pools.ts';
import { x25519Public } from '../twin/x25519.ts';
import { ALICE, BOB, MALLORY, NOW, OTHER_TAG } from '../world.ts';

type Add = AddCited<w.Step>;

const FIRST = w.survey('first');
const NEXT = w.survey('next', { deadline: NOW + 20_000n, maxReply: 1 });
const keyOf = (s: w.Survey): Bytes => x25519Public(s.privateKey);
const CHAIN = w.answerTag(ALICE).chain;
const opinion = (name: string, over: Partial<w.OpinionSpec> = {}, s: w.Survey = FIRST): w.Opinion =>
  w.opinion(name, s, { publicKey: keyOf(s), ...over });

export function surveys(): VectorFile {
  const file = new VectorFile('surveys');
  const group = (name: string, layer: string): Add =>
    citedRunsOf(file.group(name, 'survey.run', 'surveys', layer), (steps, over) =>
      w.surveyIn(steps, [FIRST, NEXT], over),
    );
  take(group('take', 'source'));
  header(group('header', 'source'));
  bindings(group('bindings', 'aead'));
  return file;
}

function take(add: Add): void {
  const F = ['SurveyState'];
  const S = ['patterns.31', 'patterns.34'];
  const bob = opinion('bob');
  add('one', 'one reply', [w.counted(bob)], S, F);
  add('empty', 'a reply without a body', [w.counted(opinion('empty', { body: '' }))], S, F);
  const alice = opinion('alice', { from: ALICE });
  add('two', 'replies of two', [w.counted(alice), w.counted(bob)], S, F);
  const next = opinion('next', {}, NEXT);
  add('two-surveys', 'one member replies to two surveys', [w.counted(bob), w.counted(next)], S, F);
  add(
    'again',
    'the same reply twice',
    [w.counted(bob), w.refused(bob.bytes, 'E_REPLAY')],
    ['patterns.32'],
    ['SurveyState', 'Replayed'],
  );
  const second = opinion('bob again', { body: 'otherwise' });
  add(
    'second',
    'a second reply of one member, on another stream (R12); then one of another member',
    [w.counted(bob), w.refused(second.bytes, 'E_REPLAY'), w.counted(alice)],
    ['patterns.32'],
    F,
  );
  add(
    'second-forged',
    'a second reply in the name of one who has replied, not validly signed: the look-up comes first',
    [w.counted(bob), w.refused(flip(second.bytes, -1), 'E_REPLAY')],
    ['patterns.32', 'envelope.27'],
    ['SurveyState', 'Order'],
  );
  add(
    'forged-first',
    'a forged reply takes nobody his turn',
    [w.refused(flip(second.bytes, -1), 'E_SIG'), w.counted(bob)],
    ['patterns.32', 'envelope.28'],
    F,
  );
  const broken = opinion('broken', { bend: { sealed: (_leaf, right) => flip(right, 0) } });
  add(
    'broken-first',
    'one that does not open takes nobody his turn',
    [w.refused(broken.bytes, 'E_AEAD'), w.counted(bob)],
    ['patterns.34', 'envelope.28'],
    F,
  );
  const D = ['patterns.31', 'patterns.33'];
  const at = NOW + 10_000n;
  add('at-deadline', 'a reply at the deadline', [w.counted(bob, at)], D, F);
  add('late', 'a millisecond after the deadline (R11)', [w.refused(bob.bytes, 'E_EXPIRED', at + 1n)], D, F);
  add(
    'late-sealed-before',
    'sealed before the deadline, received after it; the other survey goes on',
    [w.counted(alice), w.refused(bob.bytes, 'E_EXPIRED', at + 1n), w.counted(next, at + 1n)],
    D,
    F,
  );
  add(
    'late-replayed',
    'a reply that was taken comes again after the deadline',
    [w.counted(bob), w.refused(bob.bytes, 'E_EXPIRED', at + 1n)],
    D,
    [...F, 'Order'],
  );
  const other = opinion('next of alice', { from: ALICE }, NEXT);
  add(
    'max-reply',
    'one reply is taken; the next member comes too late; another survey goes on',
    [w.counted(next), w.refused(other.bytes, 'E_LIMIT'), w.counted(bob)],
    D,
    F,
  );
  add(
    'max-reply-replayed',
    'a reply that was taken comes again when no more are taken: step 8 comes first',
    [w.counted(next), w.refused(next.bytes, 'E_LIMIT')],
    D,
    [...F, 'Order'],
  );
  const late = NOW + 20_001n;
  add(
    'max-reply-late',
    'no more are taken, and the deadline has passed',
    [w.counted(next), w.refused(other.bytes, 'E_EXPIRED', late)],
    D,
    [...F, 'Order'],
  );
  add(
    'max-reply-not-by-refused',
    'what is refused does not count',
    [w.refused(flip(other.bytes, -1), 'E_SIG'), w.counted(next)],
    D,
    F,
  );
  const two = w.survey('suite 2', { suite: 2, epoch: 9 });
  add('suite-2', 'a survey in suite 0x0002', [w.counted(opinion('suite 2', {}, two))], S, F, {
    surveys: w.surveyIn([], [two])['surveys'] ?? [],
  });
  add(
    'same-stream',
    'one stream_id and number in replies to two surveys: what a survey took is what counts',
    [w.counted(opinion('x', {}, FIRST)), w.counted(opinion('x', {}, NEXT))],
    S,
    F,
  );
  add(
    'boot',
    'sealed before the asker started: replay.25 does not apply, as no survey outlives its process',
    [w.counted(bob), w.refused(bob.bytes, 'E_REPLAY'), w.counted(next)],
    [...S, 'patterns.32'],
    ['SurveyState', 'Restart'],
    { bootMs: (NOW + 1000n).toString() },
  );
  add(
    'window',
    'a window of 1 changes nothing: who has replied is what counts',
    [w.counted(alice), w.counted(bob), w.refused(alice.bytes, 'E_REPLAY')],
    [...S, 'patterns.32'],
    F,
    { window: 1 },
  );
}

interface Defect {
  id: string;
  comment: string;
  code: string;
  spec: string;
  flag: string;
  touches: string;
  put?: Partial<w.OpinionSpec>;
  over?: Members;
  now?: bigint;
  after?: (bytes: Bytes) => Bytes;
  /** an opinion that is taken before */
  before?: boolean;
}
const P31 = 'patterns.31';
const ENC = opinion('keyinfo').sealed.keyinfo;
const DEFECTS: readonly Defect[] = [
  {
    id: 'pattern',
    comment: 'with the pattern of a request',
    code: 'E_ENCODING',
    spec: P31,
    flag: 'Purpose',
    touches: 'pattern',
    put: { patternKind: w.REPLY },
  },
  {
    id: 'batch',
    comment: 'that is a whole batch',
    code: 'E_ENCODING',
    spec: P31,
    flag: 'SurveyState',
    touches: 'form',
    put: { form: 'batch' },
  },
  {
    id: 'seq',
    comment: 'with number 2',
    code: 'E_ENCODING',
    spec: P31,
    flag: 'SurveyState',
    touches: 'seq',
    put: { seq: 2n },
  },
  {
    id: 'no-head-seq',
    comment: 'without extension 8',
    code: 'E_EXT',
    spec: P31,
    flag: 'SurveyState',
    touches: 'extensions',
    put: { extensions: [ext(9, CHAIN)] },
  },
  {
    id: 'no-chain',
    comment: 'without extension 9',
    code: 'E_EXT',
    spec: P31,
    flag: 'AnswerTag',
    touches: 'extensions',
    put: { extensions: [w.HEAD_SEQ] },
  },
  {
    id: 'keyinfo-65',
    comment: 'with keyinfo of 65 bytes',
    code: 'E_LENGTH',
    spec: P31,
    flag: 'SurveyState',
    touches: 'keyinfo',
    put: { keyinfo: cat(ENC, zeros(1)) },
  },
  {
    id: 'epoch',
    comment: "of another epoch than the question's",
    code: 'E_EPOCH',
    spec: P31,
    flag: 'SurveyState',
    touches: 'epoch',
    put: { epoch: 8 },
  },
  {
    id: 'stale',
    comment: 'while the view is not fresh',
    code: 'E_STALE',
    spec: P31,
    flag: 'Freshness',
    touches: 'fresh',
    over: { fresh: false },
  },
  {
    id: 'deadline',
    comment: 'after the deadline',
    code: 'E_EXPIRED',
    spec: P31,
    flag: 'SurveyState',
    touches: 'now',
    now: NOW + 20_001n,
  },
  {
    id: 'taken',
    comment: 'when max_reply are taken',
    code: 'E_LIMIT',
    spec: P31,
    flag: 'SurveyState',
    touches: 'taken',
    before: true,
  },
  {
    id: 'suite',
    comment: 'in another suite',
    code: 'E_SUITE',
    spec: P31,
    flag: 'Downgrade',
    touches: 'suite',
    put: { suite: 2 },
  },
  {
    id: 'sender',
    comment: 'by somebody unknown',
    code: 'E_SENDER',
    spec: 'patterns.32',
    flag: 'Impersonation',
    touches: 'sender',
    over: { responders: [] },
  },
  {
    id: 'responder',
    comment: 'by one who may not respond',
    code: 'E_POLICY',
    spec: 'patterns.32',
    flag: 'Responder',
    touches: 'sender',
    put: { from: MALLORY },
  },
  {
    id: 'future',
    comment: 'from too far ahead',
    code: 'E_FUTURE',
    spec: 'replay.3',
    flag: 'Freshness',
    touches: 'timestamp',
    put: { timestamp: NOW + 30_001n },
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
    spec: 'patterns.34',
    flag: 'BrokenSender',
    touches: 'aead',
    put: { bend: { sealed: (_leaf, right) => flip(right, 0) } },
  },
];

function header(add: Add): void {
  const made = (
    name: string,
    list: readonly Defect[],
  ): { steps: (code: string) => w.Step[]; over: Members; goesOn: boolean } => {
    const spec = Object.assign({}, ...list.map((d) => d.put ?? {})) as Partial<w.OpinionSpec>;
    let bytes = opinion(name, spec, NEXT).bytes;
    if (spec.keyinfo !== undefined)
      bytes = opinion(name, { ...spec, keyinfo: cat(NEXT.questionId, zeros(33)) }, NEXT).bytes;
    for (const d of list) bytes = d.after === undefined ? bytes : d.after(bytes);
    const over: Members = Object.assign({}, ...list.map((d) => d.over ?? {})) as Members;
    const now = list.reduce((n, d) => d.now ?? n, NOW);
    const before = list.some((d) => d.before === true);
    const first = before ? [w.counted(opinion('taken before', { from: ALICE }, NEXT))] : [];
    return {
      steps: (code) => [...first, w.refused(bytes, code, now)],
      over,
      goesOn: !before && now === NOW && Object.keys(over).length === 0,
    };
  };
  for (const d of DEFECTS) {
    const m = made(`header ${d.id}`, [d]);
    const after = m.goesOn ? [w.counted(opinion(`after ${d.id}`, {}, NEXT))] : [];
    add(d.id, `A reply ${d.comment}`, [...m.steps(d.code), ...after], [d.spec], [d.flag], m.over);
  }
  for (const [i, a] of DEFECTS.entries()) {
    let pairs = 0;
    for (const b of DEFECTS.slice(i + 1)) {
      const unready = (x: Defect, y: Defect): boolean => x.before === true && y.over !== undefined;
      const clash = a.touches === b.touches || a.code === b.code || unready(a, b) || unready(b, a);
      if (pairs === 3 || clash) continue;
      pairs++;
      const m = made(`order ${a.id} ${b.id}`, [b, a]);
      add(
        `order-${a.id}-${b.id}`,
        `A reply ${a.comment}, and ${b.comment}`,
        m.steps(a.code),
        ['envelope.27', ...new Set([a.spec, b.spec])],
        ['Order'],
        m.over,
      );
    }
  }
  const bob = opinion('bob');
  const no = (id: string, comment: string, put: Partial<w.OpinionSpec>, code: string, flags: string[]): void =>
    add(id, comment, [w.refused(opinion(`header ${id}`, put).bytes, code), w.counted(bob)], [P31], flags);
  for (const [id, comment, kind] of [
    ['question', 'A question under the answer tag', 0x50],
    ['bus', 'Of BUS', 0x60],
    ['dealer-reply', 'A reply to a message of ROUTER/DEALER', 0x71],
    ['push', 'A job', w.PUSH],
  ] as [string, string, number][])
    no(`pattern-${id}`, comment, { patternKind: kind }, 'E_ENCODING', ['Purpose']);
  no('merkle', 'A reply in leaves', { form: 'merkle' }, 'E_ENCODING', ['SurveyState']);
  no('chain-1', 'One value in extension 9', { extensions: [w.HEAD_SEQ, ext(9, CHAIN.slice(0, 16))] }, 'E_EXT', [
    'AnswerTag',
  ]);
  no('chain-3', 'Three values in extension 9', { extensions: [w.HEAD_SEQ, ext(9, cat(CHAIN, zeros(16)))] }, 'E_EXT', [
    'AnswerTag',
  ]);
  for (const length of [0, 16, 31, 32, 33, 48, 63])
    no(`keyinfo-${length}`, `keyinfo of ${length} bytes`, { keyinfo: ENC.slice(0, length) }, 'E_LENGTH', [
      'SurveyState',
    ]);
  no('keyinfo-128', 'keyinfo twice', { keyinfo: cat(ENC, ENC) }, 'E_LENGTH', ['SurveyState']);
  const short = { keyinfo: seeded('short keyinfo', 31) };
  no('keyinfo-31-unknown', 'keyinfo of 31 bytes that begin no question', short, 'E_LENGTH', ['SurveyState']);
  const O = ['SurveyState', 'Order'];
  no(
    'keyinfo-31-pattern',
    'The same, with the pattern of a request',
    { ...short, patternKind: w.REPLY },
    'E_ENCODING',
    O,
  );
  no('keyinfo-31-no-extensions', 'The same, without extensions', { ...short, extensions: [] }, 'E_EXT', O);
  no('keyinfo-31-epoch', 'The same, of another epoch', { ...short, epoch: 8 }, 'E_LENGTH', O);
  add(
    'keyinfo-31-stale',
    'The same, while the view is not fresh',
    [w.refused(opinion('header keyinfo-31-stale', short).bytes, 'E_LENGTH')],
    [P31],
    O,
    { fresh: false },
  );
  const U = ['patterns.30'];
  const unknown = w.survey('forgotten');
  add(
    'unknown',
    'A reply to a survey that is not known',
    [w.unseen(opinion('unknown', {}, unknown).bytes), w.counted(bob)],
    U,
    ['SurveyState'],
  );
  // step 7 comes before all that step 8 asks
  for (const [id, comment, spec] of [
    ['pattern', 'with the pattern of a request', { patternKind: w.REPLY }],
    ['batch', 'as a batch', { form: 'batch' }],
    ['seq', 'with number 2', { seq: 2n }],
    ['no-extensions', 'without extensions', { extensions: [] }],
    ['epoch', 'of another epoch', { epoch: 8 }],
    ['suite', 'in another suite', { suite: 2 }],
    ['sender', 'by one who may not respond', { from: MALLORY }],
    ['keyinfo-32', 'with an id32 alone as keyinfo', { keyinfo: unknown.questionId }],
    ['keyinfo-33', 'with keyinfo of 33 bytes', { keyinfo: cat(unknown.questionId, zeros(1)) }],
    ['keyinfo-65', 'with keyinfo of 65 bytes', { keyinfo: cat(unknown.questionId, zeros(33)) }],
  ] as [string, string, Partial<w.OpinionSpec>][])
    add(
      `unknown-${id}`,
      `A reply to a survey that is not known, ${comment}`,
      [w.unseen(opinion(`unknown ${id}`, spec, unknown).bytes), w.counted(bob)],
      U,
      ['SurveyState', 'Order'],
    );
  add(
    'unknown-stale',
    'A reply to a survey that is not known, while the view is not fresh',
    [w.unseen(opinion('unknown', {}, unknown).bytes)],
    U,
    ['SurveyState', 'Order'],
    { fresh: false },
  );
  add(
    'unknown-late',
    'A reply to a survey that is not known, after the deadline of another',
    [w.unseen(opinion('unknown', {}, unknown).bytes, NOW + 20_001n)],
    U,
    ['SurveyState', 'Order'],
  );
  add(
    'other-tag',
    'A reply under another tag',
    [w.unseen(opinion('other tag', { topicTag: OTHER_TAG }).bytes)],
    ['envelope.29'],
    ['AnswerTag'],
  );
  const long = w.survey('long', { deadline: NOW + 3_600_000n });
  const early = opinion('early', {}, long);
  add(
    'old',
    'Freshness counts also where the deadline is later',
    [w.refused(early.bytes, 'E_EXPIRED', NOW + 120_001n), w.counted(early, NOW + 120_000n)],
    ['replay.2'],
    ['Freshness'],
    { surveys: w.surveyIn([], [long])['surveys'] ?? [] },
  );
}

function bindings(add: Add): void {
  const bob = opinion('bob');
  const F = ['SurveyBinding'];
  const no = (id: string, comment: string, bytes: Bytes, code: string, flags = F): void =>
    add(id, comment, [w.refused(bytes, code), w.counted(bob)], ['patterns.34', 'suites.18'], flags);
  const bindOf = (who: { keyId: Bytes }, s = FIRST): Bytes => H(surveyInfo(s.suite, s.questionId, who.keyId));
  const copied = resign(put(bob.bytes, AT.senderId, ALICE.senderId), ALICE.seed, bindOf(ALICE));
  no('copied', "Alice signs bob's reply as her own: it opens as nobody's", copied, 'E_AEAD', [...F, 'Impersonation']);
  const lent = opinion('lent', { from: ALICE, responder: BOB });
  no('lent', 'A reply with the info of bob, by alice', lent.bytes, 'E_SIG', [...F, 'Impersonation']);
  no('lent-resigned', 'The same, signed for her own info', resign(lent.bytes, ALICE.seed, bindOf(ALICE)), 'E_AEAD', [
    ...F,
    'Impersonation',
  ]);
  no(
    'other-question',
    'A reply to another question',
    opinion('other question', { questionId: seeded('other', 32) }).bytes,
    'E_SIG',
  );
  const asked = opinion('asked again', { questionId: seeded('other', 32) });
  no(
    'other-question-resigned',
    'The same, signed anew for this question',
    resign(asked.bytes, BOB.seed, bindOf(BOB)),
    'E_AEAD',
  );
  // the asker uses one reply key for two surveys; what was said in the first is said anew in the second
  const same = w.survey('same key', { privateKey: FIRST.privateKey });
  const moved = put(bob.bytes, 96 + bob.sealed.header.extLen, same.questionId);
  const over = { surveys: w.surveyIn([], [FIRST, same])['surveys'] ?? [] };
  add(
    'next-survey',
    'A reply carried over to the next survey, which has the same key',
    [w.refused(moved, 'E_SIG')],
    ['patterns.34'],
    F,
    over,
  );
  add(
    'next-survey-resigned',
    'The same, signed anew by its responder for the next one',
    [w.refused(resign(moved, BOB.seed, bindOf(BOB, same)), 'E_AEAD')],
    ['patterns.34'],
    F,
    over,
  );
  add(
    'next-survey-replayed',
    'A reply to the last survey, unchanged, in the next one',
    [w.unseen(bob.bytes)],
    ['patterns.30'],
    F,
    {
      surveys: w.surveyIn([], [NEXT])['surveys'] ?? [],
    },
  );
  no('other-key', 'Sealed to another reply_pk', opinion('other key', { publicKey: keyOf(NEXT) }).bytes, 'E_AEAD');
  no('info-suite', 'With the info of another suite', opinion('info suite', { infoSuite: 2 }).bytes, 'E_SIG', [
    ...F,
    'Downgrade',
  ]);
  for (const [id, name, enc] of [
    ['zeros', 'zeros', zeros(32)],
    ['one', '1', cat(u8(1), zeros(31))],
  ] as [string, string, Bytes][]) {
    const low = opinion(`low ${id}`, { keyinfo: cat(FIRST.questionId, enc) });
    no(`low-order-${id}`, `enc32 is ${name}: no shared secret`, low.bytes, 'E_AEAD', ['KeyUse']);
    no(`low-order-${id}-signature`, 'The same, not validly signed', flip(low.bytes, -1), 'E_SIG', ['Order']);
  }
  no(
    'signed-by-other',
    "Alice signs in bob's name",
    opinion('in name', { bend: { signSeed: ALICE.seed } }).bytes,
    'E_SIG',
    ['Impersonation'],
  );
  const asReply = opinion('as reply', { patternKind: w.REPLY });
  no(
    'reply-as-survey',
    'A reply to a request presented as one to a survey',
    put(asReply.bytes, AT.patternKind, u8(w.SURVEY_REPLY)),
    'E_SIG',
    ['Purpose', 'Tampered'],
  );
  const keyinfoAt = 96 + bob.sealed.header.extLen;
  for (const [id, at] of [
    ['timestamp', AT.timestamp + 7],
    ['stream-id', AT.streamId],
    ['salt', AT.salt],
    ['chain', keyinfoAt - 1],
    ['enc', keyinfoAt + 32],
    ['body', keyinfoAt + 64],
    ['signature', -1],
  ] as [string, number][])
    no(`flip-${id}`, `One bit of ${id}`, flip(bob.bytes, at), 'E_SIG', ['Tampered']);
  add(
    'flip-question',
    'One bit of the id32 in keyinfo: it names no question',
    [w.unseen(flip(bob.bytes, keyinfoAt)), w.counted(bob)],
    ['patterns.30'],
    ['Tampered'],
  );
  add(
    'keyinfo-exchanged',
    "The keyinfo of the same member's reply to the other survey",
    [w.refused(put(bob.bytes, keyinfoAt, opinion('next', {}, NEXT).sealed.keyinfo), 'E_SIG'), w.counted(bob)],
    ['patterns.34', 'suites.18'],
    [...F, 'Tampered'],
  );
  const label = (name: string, ...parts: Bytes[]): Bytes => H(text(name), u8(0), ...parts);
  const { questionId } = FIRST;
  for (const [id, comment, bind] of [
    ['no-suite', 'an info without the suite', label('tdc1 survey', questionId, BOB.keyId)],
    ['no-responder', 'an info without the responder', label('tdc1 survey', u16(1), questionId)],
    [
      'survey-id',
      'an info with 16 bytes before the id32',
      label('tdc1 survey', u16(1), zeros(16), questionId, BOB.keyId),
    ],
    ['order', 'an info with the ids exchanged', label('tdc1 survey', u16(1), BOB.keyId, questionId)],
    ['label', 'an info with another label', label('tdc1 rctx', u16(1), questionId, BOB.keyId)],
    ['zeros', 'zeros', zeros(32)],
  ] as [string, string, Bytes][])
    no(
      `bind-${id}`,
      `Bound to ${comment}`,
      opinion(`bind ${id}`, { source: { sourceSecret: seeded('any secret', 32), groupCtx: bind, bind } }).bytes,
      'E_SIG',
    );
}
