/** relay.json, relayreplies.json, relaysurveys.json: what a broker verifies, delivery.6 and delivery.7, and applies, principals.37. */
import { STRANGER } from '../authority.ts';
import { VectorFile } from '../cases.ts';
import * as p from '../poolworld.ts';
import * as w from '../relayworld.ts';
import { runsOf, type AddRun } from '../runs.ts';
import { cat, flip, put, seeded, text, u16, u32, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { resign, sealEnvelope, type Recipe, type Sealed } from '../twin/envelope.ts';
import { known as ext } from '../twin/extensions.ts';
import { H } from '../twin/hash.ts';
import { AT } from '../twin/header.ts';
import { poolInfo, replyContext, surveyInfo, surveySetup, type PoolStream } from '../twin/pools.ts';
import { x25519Public } from '../twin/x25519.ts';
import { ALICE, BOB, HEDGE, MALLORY, NOW, type Person } from '../world.ts';

const { verified, refused, applied } = w;
const F = ['BrokerCheck'];
const S = ['delivery.7'];
type Add = AddRun<w.Step>;

// ---- Pools

const POOL = w.state();
const FRONT = w.tagOf('front');
const stream = (name: string, over: p.StreamSpec = {}, s: w.State = POOL): PoolStream =>
  p.stream(name, { pool: s.pool, ...over });
const ON = stream('relayed');
/** What `name` asks or pushes by the pool record of a state. */
function asked(name: string, over: p.WorkSpec = {}, s: w.State = POOL): p.Sent {
  const { epoch, suite } = s.pool;
  return p.work(name, { stream: ON, topicTag: FRONT, epoch, suite, ...over });
}
const pushed = (name: string, over: p.WorkSpec = {}): p.Sent => asked(name, { patternKind: p.PUSH, ...over });

const TO_ALICE = w.answerTo('front', ALICE);
const AS_ANSWER = { topicTag: TO_ALICE.tag, extensions: [p.HEAD_SEQ, ext(9, TO_ALICE.chain)] };
const REQUEST = asked('request');
const OTHER = stream('relayed otherwise');
const OTHER_REQUEST = asked('other request', { stream: OTHER });
function answered(name: string, over: Partial<p.ReplySpec> = {}, s: w.State = POOL): p.Replied {
  const { epoch, suite, poolHash } = s.pool;
  const answers = [p.answer(REQUEST)];
  return p.reply(name, { on: ON, poolHash, epoch, suite, answers, ...AS_ANSWER, ...over });
}

/** A key source that does not open, as what is verified is the signature. */
const bound = (bind: Bytes): Partial<Recipe> => ({
  source: { sourceSecret: seeded('any source secret', 32), groupCtx: bind, bind },
});
const label = (name: string, ...parts: Bytes[]): Bytes => H(text(name), u8(0), ...parts);

export function relay(): VectorFile {
  const file = new VectorFile('relay');
  const group = (name: string): Add => runsOf(file.group(name, 'relay.run', 'relay', 'signature'), w.relayIn, S, F);
  requests(group('requests'));
  bundles(group('bundles'));
  return file;
}

export function relayReplies(): VectorFile {
  const file = new VectorFile('relayreplies');
  const group = (name: string): Add => runsOf(file.group(name, 'relay.run', 'relay', 'signature'), w.relayIn, S, F);
  replies(group('replies'));
  epochs(group('epochs'));
  return file;
}

function requests(add: Add): void {
  const START = applied(POOL);
  const good = verified(ALICE, REQUEST.bytes);
  const yes = (id: string, comment: string, m: p.Sent, state = START): void =>
    add(id, comment, [state, verified(ALICE, m.bytes)]);
  const five = (name: string): p.Item[] => [0, 1, 2, 3, 4].map((i) => p.item(`${name} ${i}`));
  yes('request', 'a request, whose binding follows from the pool record, the sender and keyinfo', REQUEST);
  yes('requests', 'five requests', asked('requests', { items: five('requests') }));
  yes('job', 'a job', pushed('job'));
  yes('jobs', 'five jobs in leaves', pushed('jobs', { form: 'merkle', items: five('jobs') }));
  const two = w.state({ suite: 2 });
  const in2 = asked('suite 2', { stream: stream('relayed in 2', {}, two) }, two);
  add('suite-2', 'a pool in suite 0x0002', [applied(two), verified(ALICE, in2.bytes)]);
  const later = asked('later stream', { stream: stream('later', { started: NOW - 600_000n }), seq: 1n << 20n });
  yes('stream-end', 'the last envelope of a stream, in its last millisecond', later);

  const no = (id: string, comment: string, bytes: Bytes, flags: string[] = [], from: Person = ALICE): void =>
    add(id, comment, [START, refused(from, bytes, 'E_SIG'), good], S, [...F, ...flags]);
  const T = ['Tampered'];
  const { bytes } = REQUEST;
  const keyinfoAt = 96 + REQUEST.sealed.header.extLen;
  for (const [id, what, at] of [
    ['timestamp', 'the timestamp', AT.timestamp + 7],
    ['salt', 'the salt', AT.salt],
    ['stream-id', 'stream_id', AT.streamId],
    ['head-seq', 'extension 8', keyinfoAt - 1],
    ['enc', 'enc32', keyinfoAt],
    ['started', 'started', keyinfoAt + 39],
    ['body', 'the body', keyinfoAt + 40],
    ['signature', 'the signature', -1],
  ] as [string, string, number][])
    no(`flip-${id}`, `One bit of ${what}`, flip(bytes, at), T);
  no('keyinfo-exchanged', 'The keyinfo of another stream', put(bytes, keyinfoAt, OTHER.keyinfo), T);
  const renamed = put(put(bytes, keyinfoAt, OTHER.keyinfo), AT.streamId, OTHER.streamId);
  no('stream-exchanged', 'The keyinfo and stream_id of another stream', renamed, T);
  no('pattern', 'A request presented as a job', put(bytes, AT.patternKind, u8(p.PUSH)), [...T, 'Purpose']);
  no('job-as-request', 'A job presented as a request', put(pushed('job').bytes, AT.patternKind, u8(p.REQUEST)), [
    ...T,
    'Purpose',
  ]);
  const leaves = pushed('leaves', { form: 'merkle', items: five('leaves') });
  no('leaves-signature', 'One bit of the signature of a batch in leaves', flip(leaves.bytes, -1), T);
  no('signed-by-other', "Bob signs in alice's name", asked('e01', { bend: { signSeed: BOB.seed } }).bytes, [
    'Impersonation',
  ]);
  const { epochCommit } = POOL.blocks.crew ?? { epochCommit: zeros(32) };
  const { epochCommit: ofFront } = POOL.blocks.front ?? { epochCommit: zeros(32) };
  const { poolHash } = POOL.pool;
  const started = NOW - 1000n;
  for (const [id, comment, bind] of [
    ['other-pool', 'another pool record', H(poolInfo(1, seeded('another pool hash', 32), ALICE.keyId, started))],
    ['other-sender', 'the info of another sender', H(poolInfo(1, poolHash, BOB.keyId, started))],
    ['other-start', 'another start than keyinfo says', H(poolInfo(1, poolHash, ALICE.keyId, started + 1n))],
    ['other-suite', 'the info of another suite', H(poolInfo(2, poolHash, ALICE.keyId, started))],
    ['crew-block', "the crew's block", epochCommit],
    ['front-block', "the front's block", ofFront],
    ['reply', 'the rctx32 of its own stream', replyContext(ON.enc, poolHash)],
    ['zeros', 'zeros', zeros(32)],
  ] as [string, string, Bytes][])
    no(`bound-${id}`, `Bound to ${comment}`, asked(`bound ${id}`, bound(bind)).bytes, ['PoolBinding']);

  const P = ['delivery.6'];
  const edge = (id: string, comment: string, from: Person, m: Bytes): void =>
    add(id, comment, [START, refused(from, m, 'E_POLICY'), good], P, [...F, 'AccessList']);
  edge('other-link', "Alice's request on the link of bob", BOB, bytes);
  const earlier = asked('earlier', { timestamp: NOW - 1n }).bytes;
  edge('other-link-asker', "Alice's request on the link of another who might send it then", w.DAVID, earlier);
  edge('other-link-mallory', "Alice's request on the link of one without any right", MALLORY, bytes);
  const by = (from: Person, over: p.WorkSpec = {}): Bytes =>
    asked(`by ${from.keyId[0]}`, { from, stream: stream('relayed', { from }), ...over }).bytes;
  edge('no-right', 'A request of one without any right', MALLORY, by(MALLORY));
  edge('worker', 'A request of one who may only work', BOB, by(BOB));
  edge('ended', 'A request of one whose right has ended', w.DAVID, by(w.DAVID));
  add(
    'ended-before',
    'The same, sealed while it had not',
    [START, verified(w.DAVID, by(w.DAVID, { timestamp: NOW - 1n }))],
    P,
  );
  edge(
    'other-topic',
    'A request on a topic that alice may not use',
    ALICE,
    by(ALICE, { topicTag: w.tagOf('front', w.OTHER_TOPIC) }),
  );
  edge(
    'no-topic',
    'A request under a tag that is none of the front',
    ALICE,
    by(ALICE, { topicTag: seeded('no tag', 16) }),
  );
}

function replies(add: Add): void {
  const START = applied(POOL);
  const reply = answered('reply');
  const good = verified(BOB, reply.bytes);
  const yes = (id: string, comment: string, m: p.Replied, from: Person = BOB): void =>
    add(id, comment, [START, verified(from, m.bytes)]);
  yes('reply', 'a reply, whose binding follows from the pool record and keyinfo', reply);
  yes('other-responder', 'of another who may respond', answered('of carla', { from: w.CARLA }), w.CARLA);
  yes('other-stream', 'to another stream', answered('other', { on: OTHER, answers: [p.answer(OTHER_REQUEST)] }));
  yes('padded', 'with padding', answered('padded', { padded: true }));
  yes('several', 'with two answers', answered('two', { answers: [p.answer(REQUEST), p.answer(REQUEST, 1)] }));
  yes(
    'unknown-stream',
    'to a stream of which nobody knows: a broker cannot tell',
    answered('none', { on: stream('none') }),
  );
  const DAVIDS = w.answerTo('front', w.DAVID);
  yes(
    'any-asker',
    'under the answer tag of anybody: the root is what the edge asks for',
    answered('to david', {
      topicTag: DAVIDS.tag,
      extensions: [p.HEAD_SEQ, ext(9, DAVIDS.chain)],
    }),
  );
  const two = w.state({ suite: 2 });
  const on2 = stream('relayed in 2', {}, two);
  add('suite-2', 'in suite 0x0002', [applied(two), verified(BOB, answered('suite 2', { on: on2 }, two).bytes)]);

  const no = (id: string, comment: string, bytes: Bytes, flags: string[] = []): void =>
    add(id, comment, [START, refused(BOB, bytes, 'E_SIG'), good], S, [...F, ...flags]);
  const T = ['Tampered'];
  const { bytes } = reply;
  const keyinfoAt = 96 + reply.sealed.header.extLen;
  const body = keyinfoAt + 32;
  const other = answered('reply', { on: OTHER, answers: [p.answer(OTHER_REQUEST)] });
  const exchanged = put(bytes, keyinfoAt, H(OTHER.enc));
  no('keyinfo-exchanged', 'The keyinfo of another stream', exchanged, T);
  no('keyinfo-enc', 'enc32 itself as keyinfo', put(bytes, keyinfoAt, ON.enc), T);
  const { poolHash } = POOL.pool;
  add('keyinfo-resigned', 'The same, signed anew by its responder for that stream: to a broker it is right', [
    START,
    refused(BOB, exchanged, 'E_SIG'),
    verified(BOB, resign(exchanged, BOB.seed, replyContext(OTHER.enc, poolHash))),
  ]);
  no('body-swapped', 'The body of the reply to another stream', cat(bytes.slice(0, body), other.bytes.slice(body)), T);
  no('signature-swapped', 'The signature of it', cat(bytes.slice(0, -64), other.bytes.slice(-64)), T);
  no('tag-moved', "Moved to another's answer tag", put(bytes, AT.topicTag, DAVIDS.tag), [...T, 'AnswerTag']);
  no(
    'pattern',
    'A reply of SURVEY presented as one to a request',
    put(answered('t20', { patternKind: p.SURVEY_REPLY }).bytes, AT.patternKind, u8(p.REPLY)),
    [...T, 'Purpose'],
  );
  for (const [id, what, at] of [
    ['keyinfo', 'keyinfo', keyinfoAt],
    ['chain', 'the first value of extension 9', 96 + 12 + 4],
    ['timestamp', 'the timestamp', AT.timestamp + 7],
    ['body', 'the body', body],
    ['signature', 'the signature', -1],
  ] as [string, string, number][])
    no(`flip-${id}`, `One bit of ${what}`, flip(bytes, at), T);
  no('signed-by-other', "Carla signs in bob's name", answered('in name', { bend: { signSeed: w.CARLA.seed } }).bytes, [
    'Impersonation',
  ]);
  const mine = asked('own request', { from: BOB, stream: stream('of bob', { from: BOB }), ...AS_ANSWER });
  no(
    'request-as-reply',
    'A request under an answer tag, presented as a reply',
    put(mine.bytes, AT.patternKind, u8(p.REPLY)),
    [...T, 'Purpose'],
  );
  const { epochCommit } = POOL.blocks.crew ?? { epochCommit: zeros(32) };
  const { epochCommit: ofFront } = POOL.blocks.front ?? { epochCommit: zeros(32) };
  for (const [id, comment, bind] of [
    ['other-stream', 'another stream than keyinfo names', replyContext(OTHER.enc, poolHash)],
    ['other-pool', 'another pool record', replyContext(ON.enc, seeded('another pool hash', 32))],
    ['enc', 'a rctx32 with enc32 itself', label('tdc1 rctx', ON.enc, poolHash)],
    ['requester', "a rctx32 with the requester's key id", label('tdc1 rctx', ALICE.keyId, ON.enc, poolHash)],
    ['hash-twice', 'a rctx32 with the hash of keyinfo', label('tdc1 rctx', H(H(ON.enc)), poolHash)],
    ['stream', 'the info of the stream, as requests are', ON.bind],
    ['crew-block', "the crew's block", epochCommit],
    ['front-block', "the front's block", ofFront],
    ['zeros', 'zeros', zeros(32)],
  ] as [string, string, Bytes][])
    no(`bound-${id}`, `Bound to ${comment}`, answered(`bound ${id}`, bound(bind)).bytes, ['PoolBinding']);

  const edge = (id: string, comment: string, m: p.Replied, from: Person = BOB): void =>
    add(
      id,
      comment,
      [START, refused(from, m.bytes, 'E_POLICY'), good],
      ['delivery.6', 'principals.22'],
      [...F, 'AnswerTag'],
    );
  const { chain } = TO_ALICE;
  edge('other-link', "Bob's reply on the link of carla", reply, w.CARLA);
  edge('no-chain', 'Without extension 9', answered('no chain', { extensions: [p.HEAD_SEQ] }));
  edge(
    'chain-1',
    'With one value in extension 9',
    answered('chain 1', { extensions: [p.HEAD_SEQ, ext(9, chain.slice(0, 16))] }),
  );
  edge(
    'other-root',
    'Under another answer root',
    answered('root', { extensions: [p.HEAD_SEQ, ext(9, flip(chain, 16))] }),
  );
  const roots = cat(chain.slice(16), chain.slice(16));
  edge(
    'root-first',
    'With the answer root in the first place only',
    answered('root first', {
      extensions: [p.HEAD_SEQ, ext(9, cat(roots.slice(0, 16), zeros(16)))],
    }),
  );
  edge('asker', 'By alice, who may ask and not respond', answered('by alice', { from: ALICE }), ALICE);
  edge('mallory', 'By one without any right', answered('by mallory', { from: MALLORY }), MALLORY);
}

/** The crew's epoch changes, and both pool records are needed for a while. */
function epochs(add: Add): void {
  const next = w.state({ prev: POOL, crewEpoch: 2 });
  const START = [applied(POOL), applied(next)];
  const on2 = stream('relayed', {}, next);
  const second = asked('of epoch 2', { stream: on2 }, next);
  const answer = (name: string, over: Partial<p.ReplySpec>, s: w.State): Bytes => answered(name, over, s).bytes;
  const reply2 = answer('of epoch 2', { on: on2, answers: [p.answer(second)] }, next);
  const D = [...S, 'patterns.12'];
  add(
    'next',
    'a request and a reply by the next pool record',
    [...START, verified(ALICE, second.bytes), verified(BOB, reply2)],
    D,
  );
  add(
    'before',
    'a request and a reply by the one before, whose epoch drains',
    [...START, verified(ALICE, REQUEST.bytes), verified(BOB, answered('reply').bytes)],
    D,
  );
  const no = (id: string, comment: string, from: Person, bytes: Bytes): void =>
    add(id, comment, [...START, refused(from, bytes, 'E_SIG')], D, [...F, 'PoolBinding']);
  no('request-old-record', 'A request of epoch 2 by the record of epoch 1', ALICE, asked('x', {}, next).bytes);
  no('request-new-record', 'A request of epoch 1 by the record of epoch 2', ALICE, asked('x', { stream: on2 }).bytes);
  no(
    'request-renamed',
    'A request of epoch 1 presented as one of epoch 2',
    ALICE,
    put(REQUEST.bytes, AT.epoch, u32(2)),
  );
  no(
    'reply-old-record',
    'A reply of epoch 2 by the record of epoch 1',
    BOB,
    answer('y', { poolHash: POOL.pool.poolHash }, next),
  );
  no(
    'reply-new-record',
    'A reply of epoch 1 by the record of epoch 2',
    BOB,
    answer('y', { poolHash: next.pool.poolHash }, POOL),
  );
  no(
    'reply-renamed',
    'A reply of epoch 1 presented as one of epoch 2',
    BOB,
    put(answered('reply').bytes, AT.epoch, u32(2)),
  );
}

function bundles(add: Add): void {
  const B = ['principals.37'];
  const good = verified(ALICE, REQUEST.bytes);
  const reply = answered('reply').bytes;
  const next = w.state({ prev: POOL, crewEpoch: 2 });
  const second = asked('of epoch 2', { stream: stream('relayed', {}, next) }, next);
  const forged = w.state({ prev: POOL, crewEpoch: 2, poolSigner: STRANGER });
  add(
    'foreign-pool-record',
    'A bundle with a pool record that a stranger signed: nothing of it is applied',
    [applied(POOL), applied(forged, 'E_POLICY'), good, applied(next), verified(ALICE, second.bytes)],
    [...B, 'patterns.9'],
    ['Bundle', 'PoolRecord'],
  );
  const ofFront = w.state({ prev: POOL, crewEpoch: 2, poolSigner: w.CONTROLLER.front });
  add(
    'pool-record-of-front',
    "One that the front's controller signed",
    [applied(POOL), applied(ofFront, 'E_POLICY'), good],
    B,
    ['Bundle', 'PoolRecord'],
  );
  add(
    'cut',
    'A bundle without its last byte',
    [applied(POOL), applied(next.bundle.slice(0, -1), 'E_LENGTH'), good],
    B,
    ['Bundle'],
  );
  const gone = w.state({
    prev: POOL,
    frontEpoch: 2,
    grants: w.GRANTS.filter((g) => !(g.where === 'front' && g.keyId === ALICE.keyId)),
  });
  const P = [...B, 'delivery.6'];
  const half = w.state({
    prev: POOL,
    crewEpoch: 2,
    frontEpoch: 2,
    poolSigner: STRANGER,
    grants: w.GRANTS.filter((g) => !(g.where === 'front' && g.keyId === ALICE.keyId)),
  });
  add(
    'half',
    'One that takes alice her grant, and has a pool record that a stranger signed: she keeps it',
    [applied(POOL), applied(half, 'E_POLICY'), good],
    P,
    ['Bundle', 'PoolRecord'],
  );
  add(
    'asker-gone',
    'Alice loses her grant: her request is refused, and a reply to her is not',
    [applied(POOL), good, applied(gone), refused(ALICE, REQUEST.bytes, 'E_POLICY'), verified(BOB, reply)],
    P,
    ['Bundle', 'AccessList'],
  );
  const left = w.state({
    prev: POOL,
    frontEpoch: 2,
    crewEpoch: 2,
    grants: w.GRANTS.filter((g) => !(g.where === 'front' && g.keyId === BOB.keyId)),
  });
  add(
    'worker-gone',
    'Bob loses his grant: his reply is refused, and requests of the epoch before are not',
    [applied(POOL), verified(BOB, reply), applied(left), refused(BOB, reply, 'E_POLICY'), good],
    P,
    ['Bundle', 'AnswerTag'],
  );
  const newer = w.state({ serial: 2 });
  const older = w.state({ prev: newer, serial: 1, crewEpoch: 2 });
  add(
    'older-record',
    "An older principal record of alice's in a bundle is left out, and the rest applied",
    [
      applied(newer),
      applied(older),
      good,
      verified(ALICE, asked('of epoch 2', { stream: stream('relayed', {}, older) }, older).bytes),
    ],
    B,
    ['Bundle', 'Rollback'],
  );
  add('again', 'The same bundle twice', [applied(POOL), applied(POOL), good], B, ['Bundle']);
}

// ---- Groups whose binding is that of a block, and replies to surveys

const SURVEY = w.state({ groups: ['survey', 'news'] });
const PATTERN = { news: 0x20, survey: 0x50 } as const;
const REPLY_SECRET = seeded('relayed reply key', 32);
const QUESTION_INFO = cat(
  seeded('relayed survey', 16),
  u64(NOW + 10_000n),
  u32(10),
  u16(32),
  x25519Public(REPLY_SECRET),
);

function said(where: 'news' | 'survey', name: string, over: Partial<Recipe> = {}, s: w.State = SURVEY): Sealed {
  const block = s.blocks[where];
  if (block === undefined) throw new Error(where);
  const { epochSecret: sourceSecret, groupCtx, epochCommit: bind } = block;
  return sealEnvelope({
    form: 'single',
    patternKind: PATTERN[where],
    suite: s.spec.suite,
    topicTag: w.tagOf(where),
    epoch: 1,
    streamId: seeded(`relayed stream of ${name}`, 8),
    seq: 1n,
    timestamp: NOW,
    seed: ALICE.seed,
    source: { sourceSecret, groupCtx, bind },
    hedgeSecret: HEDGE,
    random: seeded(`relayed random of ${name}`, 16),
    records: [{ timestamp: NOW, payload: text(name) }],
    padded: false,
    jobsPerLeaf: 16,
    extensions: [...(where === 'survey' ? [ext(2, QUESTION_INFO)] : []), p.HEAD_SEQ],
    recordCommit: false,
    keyinfo: zeros(0),
    ...over,
  });
}

const QUESTION = said('survey', 'a question');
const ASKER = w.answerTo('survey', ALICE);
const AS_OPINION = { topicTag: ASKER.tag, extensions: [p.HEAD_SEQ, ext(9, ASKER.chain)] };
interface OpinionSpec extends Partial<Recipe> {
  from?: Person;
  /** in place of the question's id32 */
  question?: Bytes;
}
function opinion(name: string, spec: OpinionSpec = {}, suite = 1): { bytes: Bytes; sealed: Sealed; enc: Bytes } {
  const { from = BOB, question = QUESTION.id, ...over } = spec;
  const drawn = seeded(`relayed ephemeral ${name}`, 32);
  const k = surveySetup(suite, question, from.keyId, x25519Public(REPLY_SECRET), drawn);
  const sealed = sealEnvelope({
    form: 'single',
    patternKind: p.SURVEY_REPLY,
    suite,
    epoch: 1,
    streamId: seeded(`relayed stream of ${name}`, 8),
    seq: 1n,
    timestamp: NOW,
    seed: from.seed,
    source: { sourceSecret: k.sourceSecret, groupCtx: k.bind, bind: k.bind },
    hedgeSecret: HEDGE,
    random: seeded(`relayed random of ${name}`, 16),
    records: [{ timestamp: NOW, payload: text(name) }],
    padded: false,
    jobsPerLeaf: 16,
    recordCommit: false,
    keyinfo: k.keyinfo,
    ...AS_OPINION,
    ...over,
  });
  return { bytes: sealed.bytes, sealed, enc: k.enc };
}

export function relaySurveys(): VectorFile {
  const file = new VectorFile('relaysurveys');
  const group = (name: string): Add => runsOf(file.group(name, 'relay.run', 'relay', 'signature'), w.relayIn, S, F);
  opinions(group('replies'));
  blocks(group('blocks'));
  return file;
}

function opinions(add: Add): void {
  const START = applied(SURVEY);
  const bob = opinion('bob');
  const good = verified(BOB, bob.bytes);
  const yes = (id: string, comment: string, m: { bytes: Bytes }, from: Person = BOB): void =>
    add(id, comment, [START, verified(from, m.bytes)]);
  yes('reply', 'a reply, whose binding follows from keyinfo and its sender alone', bob);
  yes('other-responder', 'of another who may respond', opinion('carla', { from: w.CARLA }), w.CARLA);
  yes(
    'unknown-question',
    'to a question that the broker never saw',
    opinion('unknown', { question: seeded('unknown', 32) }),
  );
  const two = w.state({ groups: ['survey', 'news'], suite: 2 });
  const asked2 = said('survey', 'a question in 2', {}, two);
  add('suite-2', 'in suite 0x0002', [
    applied(two),
    verified(ALICE, asked2.bytes),
    verified(BOB, opinion('suite 2', { question: asked2.id }, 2).bytes),
  ]);
  const CARLA = w.CARLA;
  const infoOf = (who: Person, question: Bytes = QUESTION.id): Bytes => H(surveyInfo(1, question, who.keyId));
  const asCarla = put(bob.bytes, AT.senderId, CARLA.senderId);
  add('copied', "Carla signs bob's reply as her own: to a broker it is right, and who asked cannot open it", [
    START,
    refused(CARLA, asCarla, 'E_SIG'),
    verified(CARLA, resign(asCarla, CARLA.seed, infoOf(CARLA))),
  ]);

  const no = (id: string, comment: string, bytes: Bytes, flags: string[] = []): void =>
    add(id, comment, [START, refused(BOB, bytes, 'E_SIG'), good], S, [...F, ...flags]);
  const T = ['Tampered'];
  const keyinfoAt = 96 + bob.sealed.header.extLen;
  const body = keyinfoAt + 64;
  const other = opinion('bob', { question: seeded('other question', 32) });
  no(
    'keyinfo-exchanged',
    "The keyinfo of bob's reply to another question",
    put(bob.bytes, keyinfoAt, other.sealed.keyinfo),
    T,
  );
  no('question-exchanged', 'The id32 of another question', put(bob.bytes, keyinfoAt, seeded('other question', 32)), T);
  no('enc-exchanged', 'The enc32 of another reply', put(bob.bytes, keyinfoAt + 32, opinion('carla').enc), T);
  no(
    'body-swapped',
    'The body of the reply to another question',
    cat(bob.bytes.slice(0, body), other.bytes.slice(body)),
    T,
  );
  no('signature-swapped', 'The signature of it', cat(bob.bytes.slice(0, -64), other.bytes.slice(-64)), T);
  for (const [id, what, at] of [
    ['question', 'the id32 in keyinfo', keyinfoAt],
    ['enc', 'enc32', keyinfoAt + 32],
    ['timestamp', 'the timestamp', AT.timestamp + 7],
    ['body', 'the body', body],
    ['signature', 'the signature', -1],
  ] as [string, string, number][])
    no(`flip-${id}`, `One bit of ${what}`, flip(bob.bytes, at), T);
  no(
    'pattern',
    'A reply to a request presented as one to a survey',
    put(opinion('as reply', { patternKind: p.REPLY }).bytes, AT.patternKind, u8(p.SURVEY_REPLY)),
    [...T, 'Purpose'],
  );
  no('signed-by-other', "Carla signs in bob's name", opinion('in name', { bend: { signSeed: CARLA.seed } }).bytes, [
    'Impersonation',
  ]);
  const { epochCommit } = SURVEY.blocks.survey ?? { epochCommit: zeros(32) };
  for (const [id, comment, bind] of [
    ['other-question', 'another question than keyinfo names', infoOf(BOB, seeded('other question', 32))],
    ['other-responder', 'the info of another responder', infoOf(CARLA)],
    ['other-suite', 'the info of another suite', H(surveyInfo(2, QUESTION.id, BOB.keyId))],
    [
      'survey-id',
      'an info with 16 bytes before the id32',
      label('tdc1 survey', u16(1), zeros(16), QUESTION.id, BOB.keyId),
    ],
    ['block', 'the block of the group', epochCommit],
    ['zeros', 'zeros', zeros(32)],
  ] as [string, string, Bytes][])
    no(`bound-${id}`, `Bound to ${comment}`, opinion(`bound ${id}`, bound(bind)).bytes, ['SurveyBinding']);

  const edge = (id: string, comment: string, m: { bytes: Bytes }, from: Person = BOB): void =>
    add(
      id,
      comment,
      [START, refused(from, m.bytes, 'E_POLICY'), good],
      ['delivery.6', 'principals.22'],
      [...F, 'AnswerTag'],
    );
  edge('other-link', "Bob's reply on the link of carla", bob, CARLA);
  edge('no-chain', 'Without extension 9', opinion('no chain', { extensions: [p.HEAD_SEQ] }));
  edge(
    'other-root',
    'Under another answer root',
    opinion('root', {
      extensions: [p.HEAD_SEQ, ext(9, flip(ASKER.chain, 16))],
    }),
  );
  edge('asker', 'By alice, who may ask and not respond', opinion('by alice', { from: ALICE }), ALICE);
  edge('mallory', 'By one without any right', opinion('by mallory', { from: MALLORY }), MALLORY);
}

function blocks(add: Add): void {
  const START = applied(SURVEY);
  const message = said('news', 'a message');
  const good = [verified(ALICE, QUESTION.bytes), verified(ALICE, message.bytes)];
  add('both', 'a question and a message of PUB/SUB, bound to the blocks of their groups', [START, ...good]);
  const no = (id: string, comment: string, bytes: Bytes, flags: string[] = []): void =>
    add(id, comment, [START, refused(ALICE, bytes, 'E_SIG'), ...good], S, [...F, ...flags]);
  const [ofNews, ofSurvey] = [SURVEY.blocks.news, SURVEY.blocks.survey];
  if (ofNews === undefined || ofSurvey === undefined) throw new Error('unreachable');
  no(
    'question-of-news',
    'A question bound to the block of another group',
    said('survey', 'x', bound(ofNews.epochCommit)).bytes,
  );
  no(
    'message-of-survey',
    'A message bound to the block of another group',
    said('news', 'x', bound(ofSurvey.epochCommit)).bytes,
  );
  no('context', 'A message bound to group_ctx32', said('news', 'y', bound(ofNews.groupCtx)).bytes);
  no('block-hash', 'A message bound to block_hash32', said('news', 'z', bound(ofNews.blockHash)).bytes);
  for (const [id, sealed] of [
    ['question', QUESTION],
    ['message', message],
  ] as [string, Sealed][]) {
    no(`${id}-flip-body`, `One bit of the body of a ${id}`, flip(sealed.bytes, -65), ['Tampered']);
    no(`${id}-flip-signature`, `One bit of the signature of a ${id}`, flip(sealed.bytes, -1), ['Tampered']);
  }
  no('deadline-moved', 'Another deadline in a question', put(QUESTION.bytes, 96 + 4 + 16, u64(NOW + 20_000n)), [
    'Tampered',
  ]);
  const edge = (id: string, comment: string, bytes: Bytes, from: Person): void =>
    add(id, comment, [START, refused(from, bytes, 'E_POLICY'), ...good], ['delivery.6'], [...F, 'AccessList']);
  edge(
    'respondent',
    'A question by one who may only respond',
    said('survey', 'bob asks', { seed: BOB.seed }).bytes,
    BOB,
  );
  edge('reader', 'A message by one who may only read', said('news', 'bob speaks', { seed: BOB.seed }).bytes, BOB);
  edge('other-link', "Alice's question on the link of bob", QUESTION.bytes, BOB);
}
