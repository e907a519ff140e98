/** A pool with its streams, requests, jobs and replies, and a survey: what the vectors of chapter 09 share. */
import type { Json, Members } from './json.ts';
import { cat, hex, seeded, text, u32, u64, u8, type Bytes } from './twin/bytes.ts';
import { cut, makeJob, sealEnvelope, type Form, type Recipe, type Sealed } from './twin/envelope.ts';
import { known as ext, type Extension } from './twin/extensions.ts';
import { H } from './twin/hash.ts';
import { poolKey, poolSetup, replyContext, surveySetup, type PoolStream } from './twin/pools.ts';
import { answerOf, inboxOf } from './twin/topics.ts';
import { ALICE, BOB, HEDGE, MALLORY, NOW, type Person } from './world.ts';

export const REQUEST = 0x30;
export const REPLY = 0x31;
export const PUSH = 0x40;

export interface PoolEpoch {
  epoch: number;
  suite: number;
  epochSecret: Bytes;
  groupCtx: Bytes;
  poolHash: Bytes;
}
export function poolEpoch(name: string, epoch = 7, suite = 1): PoolEpoch {
  return {
    epoch,
    suite,
    epochSecret: seeded(`crew epoch secret ${name}`, 32),
    groupCtx: seeded(`crew group ctx ${name}`, 32),
    poolHash: seeded(`pool hash ${name}`, 32),
  };
}
export const POOL: PoolEpoch = poolEpoch('seven');
export const FRONT_TAG: Bytes = seeded('front tag', 16);
const FRONT_ID = seeded('front group id', 16);
const FRONT_ROUTE = seeded('front route secret', 32);
const PERIOD = Number(NOW / 86_400_000n);

/** Answer tag and chain of one who asks in the front. */
export function answerTag(asker: Person): { tag: Bytes; chain: Bytes } {
  const a = answerOf(FRONT_ROUTE, FRONT_ID, PERIOD, asker.keyId);
  return { tag: a.own.slice(0, 16), chain: cat(a.first.slice(0, 16), a.root.slice(0, 16)) };
}
/** Inbox tag and chain of one who works. */
export function inboxTag(worker: Person): { tag: Bytes; chain: Bytes } {
  const a = inboxOf(FRONT_ROUTE, FRONT_ID, PERIOD, worker.keyId);
  return { tag: a.own.slice(0, 16), chain: cat(a.first.slice(0, 16), a.root.slice(0, 16)) };
}

const streams = new Map<string, PoolStream>();
export interface StreamSpec {
  pool?: PoolEpoch;
  from?: Person;
  started?: bigint;
  suite?: number;
  /** in place of the pool's */
  publicKey?: Bytes;
  poolHash?: Bytes;
}
/** A pool stream; its ephemeral follows from the name. */
export function stream(name: string, s: StreamSpec = {}): PoolStream {
  const pool = s.pool ?? POOL;
  const publicKey = s.publicKey ?? poolKey(pool.epochSecret, pool.groupCtx).publicKey;
  const [suite, hash, who] = [s.suite ?? pool.suite, s.poolHash ?? pool.poolHash, (s.from ?? ALICE).keyId];
  const started = s.started ?? NOW - 1000n;
  const id = `${name} ${suite} ${started} ${hex(publicKey)} ${hex(hash)} ${hex(who)}`;
  const made = streams.get(id) ?? poolSetup(suite, hash, publicKey, who, started, seeded(`ephemeral of ${name}`, 32));
  streams.set(id, made);
  return made;
}

export interface Item {
  key: Bytes;
  deadline: bigint;
  body: Bytes;
}
export const DEADLINE: bigint = NOW + 60_000n;
export function item(name: string, deadline: bigint = DEADLINE): Item {
  return { key: seeded(`idempotency key of ${name}`, 16), deadline, body: text(`body of ${name}`) };
}
const itemBytes = (i: Item): Bytes => cat(i.key, u64(i.deadline), i.body);

export interface WorkSpec extends Partial<Recipe> {
  stream?: PoolStream;
  from?: Person;
  items?: Item[];
  /** payloads in place of those of the items */
  payloads?: Bytes[];
}
export interface Sent {
  sealed: Sealed;
  bytes: Bytes;
  items: Item[];
  recipe: Recipe;
}

export const HEAD_SEQ: Extension = ext(8, u64(10));

/** An envelope of requests, or with `patternKind` of jobs. */
export function work(name: string, spec: WorkSpec = {}): Sent {
  const { stream: given, from = ALICE, items = [item(name)], payloads, ...over } = spec;
  const s = given ?? stream(name, { from });
  const timestamp = over.timestamp ?? NOW;
  const form: Form = over.form ?? 'batch';
  const recipe: Recipe = {
    form,
    patternKind: REQUEST,
    suite: POOL.suite,
    topicTag: FRONT_TAG,
    epoch: POOL.epoch,
    streamId: s.streamId,
    seq: 1n,
    timestamp,
    seed: from.seed,
    source: { sourceSecret: s.sourceSecret, groupCtx: s.bind, bind: s.bind },
    hedgeSecret: HEDGE,
    random: seeded(`pool random of ${name} ${over.seq ?? 1n}`, 16),
    records: (payloads ?? items.map(itemBytes)).map((payload) => ({ timestamp, payload })),
    padded: false,
    jobsPerLeaf: 2,
    extensions: [HEAD_SEQ],
    recordCommit: false,
    keyinfo: s.keyinfo,
    ...over,
  };
  const sealed = sealEnvelope(recipe);
  return { sealed, bytes: sealed.bytes, items, recipe };
}
export const jobs = (name: string, spec: WorkSpec = {}): Sent => work(name, { patternKind: PUSH, ...spec });

// ---- Steps of the three runs

export interface Step {
  in: Members;
  result: Json;
}
export function arrives(bytes: Bytes, result: Json, now: bigint, job = false): Step {
  return { in: { now: now.toString(), [job ? 'job' : 'envelope']: hex(bytes) }, result };
}
export function refused(bytes: Bytes, error: string, now: bigint = NOW, job = false): Step {
  return arrives(bytes, { error }, now, job);
}
export function unseen(bytes: Bytes, now: bigint = NOW): Step {
  return arrives(bytes, { delivered: false }, now);
}

function itemsJson(items: readonly Item[], now: bigint): Json {
  return items.map((i) => ({
    key: hex(i.key),
    deadline: i.deadline.toString(),
    body: hex(i.body),
    late: i.deadline !== 0n && i.deadline < now,
  }));
}
/** Accepted whole by a member of the crew. */
export function taken(m: Sent, now: bigint = NOW): Step {
  const result = { verdict: 'new', id: hex(m.sealed.id), records: itemsJson(m.items, now) };
  return arrives(m.bytes, result, now);
}
/** One leaf of it, accepted as a job. */
export function takenJob(m: Sent, leaf: number, now: bigint = NOW): Step {
  const order = m.items.map((i) => ({ timestamp: 0n, payload: i.key }));
  const keys = (cut(order, m.recipe.jobsPerLeaf)[leaf] ?? []).map((x) => hex(x.payload));
  const items = m.items.filter((i) => keys.includes(hex(i.key)));
  const result = { verdict: 'new', id: hex(m.sealed.id), records: itemsJson(items, now), leaf };
  return arrives(makeJob(m.bytes, leaf), result, now, true);
}

export function epochIn(e: PoolEpoch, over: Members = {}): Members {
  return {
    epoch: e.epoch,
    suite: e.suite,
    epochSecret: hex(e.epochSecret),
    groupCtx: hex(e.groupCtx),
    poolHash: hex(e.poolHash),
    open: true,
    ...over,
  };
}
export const mayWrite = (p: Person, may = true): Members => ({ publicKey: hex(p.publicKey), mayWrite: may });
export function crewIn(steps: readonly Step[], over: Members = {}): Members {
  return {
    tags: [hex(FRONT_TAG)],
    epochs: [epochIn(POOL)],
    senders: [mayWrite(ALICE), mayWrite(BOB), mayWrite(MALLORY, false)],
    ...over,
    steps: steps.map((s) => s.in),
  };
}

// ---- Replies

export interface Answer {
  id: Bytes;
  leaf: number;
  index: number;
  status: number;
  body: Bytes;
  /** what the body of status 2 is taken as, where that is not its text */
  code?: string;
}
export function answer(m: Sent, index = 0, over: Partial<Answer> = {}): Answer {
  return { id: m.sealed.id, leaf: 0, index, status: 0, body: text(`answer ${index}`), ...over };
}
const answerBytes = (a: Answer): Bytes => cat(a.id, u32(a.leaf), u32(a.index), u8(a.status), a.body);

export interface ReplySpec extends Partial<Recipe> {
  from?: Person;
  /** whose answer tag it has, and on which stream was asked */
  to?: Person;
  on: PoolStream;
  poolHash?: Bytes;
  answers?: Answer[];
  payloads?: Bytes[];
}
export interface Replied {
  sealed: Sealed;
  bytes: Bytes;
  answers: Answer[];
}
export function reply(name: string, spec: ReplySpec): Replied {
  const { from = BOB, to = ALICE, on, poolHash = POOL.poolHash, answers = [], payloads, ...over } = spec;
  const context = replyContext(on.enc, poolHash);
  const { tag, chain } = answerTag(to);
  const timestamp = over.timestamp ?? NOW;
  const sealed = sealEnvelope({
    form: 'batch',
    patternKind: REPLY,
    suite: POOL.suite,
    topicTag: tag,
    epoch: POOL.epoch,
    streamId: seeded(`stream of reply ${name}`, 8),
    seq: 1n,
    timestamp,
    seed: from.seed,
    source: { sourceSecret: on.replySecret, groupCtx: context, bind: context },
    hedgeSecret: HEDGE,
    random: seeded(`reply random of ${name} ${over.seq ?? 1n}`, 16),
    records: (payloads ?? answers.map(answerBytes)).map((payload) => ({ timestamp, payload })),
    padded: false,
    jobsPerLeaf: 16,
    extensions: [HEAD_SEQ, ext(9, chain)],
    recordCommit: false,
    keyinfo: H(on.enc),
    ...over,
  });
  return { sealed, bytes: sealed.bytes, answers };
}

export function streamIn(on: PoolStream, asked: { of: Sent; indexes: number[] }[], over: Members = {}): Members {
  return {
    enc: hex(on.enc),
    poolHash: hex(POOL.poolHash),
    epoch: POOL.epoch,
    replySecret: hex(on.replySecret),
    requests: asked.flatMap(({ of, indexes }): Json[] =>
      indexes.map((index) => ({ id: hex(of.sealed.id), leaf: 0, index })),
    ),
    ...over,
  };
}
export const mayRespond = (p: Person, may = true): Members => ({ publicKey: hex(p.publicKey), mayRespond: may });
/** Bob and alice of these may respond, mallory may not. */
const RESPONDERS: Json = [mayRespond(BOB), mayRespond(ALICE), mayRespond(MALLORY, false)];
export function requesterIn(steps: readonly Step[], open: readonly Members[], over: Members = {}): Members {
  return {
    tags: [hex(answerTag(ALICE).tag)],
    suite: POOL.suite,
    streams: [...open],
    responders: RESPONDERS,
    ...over,
    steps: steps.map((s) => s.in),
  };
}
/** Handed over are those of `list`; the rest is ignored. */
export function heard(m: Replied, list: readonly Answer[] = m.answers, now: bigint = NOW): Step {
  const replies = list.map((a) => ({
    id: hex(a.id),
    leaf: a.leaf,
    index: a.index,
    status: a.status,
    body: hex(a.body),
    ...(a.status === 2 ? { code: a.code ?? Buffer.from(a.body).toString('latin1') } : {}),
  }));
  const result = { verdict: 'new', id: hex(m.sealed.id), replies, ignored: m.answers.length - list.length };
  return arrives(m.bytes, result, now);
}

// ---- Surveys

export const SURVEY_REPLY = 0x51;
export interface Survey {
  questionId: Bytes;
  suite: number;
  epoch: number;
  deadline: bigint;
  maxReply: number;
  privateKey: Bytes;
}
export function survey(name: string, over: Partial<Survey> = {}): Survey {
  return {
    questionId: seeded(`question id ${name}`, 32),
    suite: 1,
    epoch: 7,
    deadline: NOW + 10_000n,
    maxReply: 3,
    privateKey: seeded(`survey private key ${name}`, 32),
    ...over,
  };
}
export interface OpinionSpec extends Partial<Recipe> {
  from?: Person;
  publicKey: Bytes;
  body?: string;
  /** of whom the info speaks, in place of the signer */
  responder?: Person;
  /** what the info names in place of the question */
  questionId?: Bytes;
  infoSuite?: number;
}
export interface Opinion {
  sealed: Sealed;
  bytes: Bytes;
  from: Person;
  body: Bytes;
  questionId: Bytes;
}
export function opinion(name: string, s: Survey, spec: OpinionSpec): Opinion {
  const { from = BOB, publicKey, body = `opinion of ${name}`, responder = from, questionId, infoSuite, ...over } = spec;
  const drawn = seeded(`ephemeral of opinion ${name}`, 32);
  const asked = questionId ?? s.questionId;
  const k = surveySetup(infoSuite ?? over.suite ?? s.suite, asked, responder.keyId, publicKey, drawn);
  const { tag, chain } = answerTag(ALICE);
  const timestamp = over.timestamp ?? NOW;
  const sealed = sealEnvelope({
    form: 'single',
    patternKind: SURVEY_REPLY,
    suite: s.suite,
    topicTag: tag,
    epoch: s.epoch,
    streamId: seeded(`stream of opinion ${name}`, 8),
    seq: 1n,
    timestamp,
    seed: from.seed,
    source: { sourceSecret: k.sourceSecret, groupCtx: k.bind, bind: k.bind },
    hedgeSecret: HEDGE,
    random: seeded(`opinion random of ${name}`, 16),
    records: [{ timestamp, payload: text(body) }],
    padded: false,
    jobsPerLeaf: 16,
    extensions: [HEAD_SEQ, ext(9, chain)],
    recordCommit: false,
    keyinfo: cat(s.questionId, k.enc),
    ...over,
  });
  return { sealed, bytes: sealed.bytes, from, body: text(body), questionId: s.questionId };
}
export function surveyIn(steps: readonly Step[], open: readonly Survey[], over: Members = {}): Members {
  return {
    tags: [hex(answerTag(ALICE).tag)],
    surveys: open.map((s) => ({
      questionId: hex(s.questionId),
      suite: s.suite,
      epoch: s.epoch,
      deadline: s.deadline.toString(),
      maxReply: s.maxReply,
      privateKey: hex(s.privateKey),
    })),
    responders: RESPONDERS,
    ...over,
    steps: steps.map((s) => s.in),
  };
}
export function counted(o: Opinion, now: bigint = NOW): Step {
  const result = {
    verdict: 'new',
    id: hex(o.sealed.id),
    questionId: hex(o.questionId),
    body: hex(o.body),
    sender: hex(o.from.keyId),
  };
  return arrives(o.bytes, result, now);
}
