/** Dealers, routers and what they send: what the vectors of ROUTER/DEALER share. */
import { named } from './authority.ts';
import { str, type Json, type Members } from './json.ts';
import * as p from './poolworld.ts';
import { hex, seeded, text, unhex, zeros, type Bytes } from './twin/bytes.ts';
import { sealEnvelope, type Recipe, type Sealed } from './twin/envelope.ts';
import { known as ext, type Extension } from './twin/extensions.ts';
import { ALICE, BOB, HEDGE, MALLORY, NOW, type Person } from './world.ts';

export const MESSAGE = 0x70;
export const ANSWER = 0x71;
export const FORWARD = 0x72;

const personOf = (name: string): Person => {
  const key = named(name);
  return { ...key, senderId: key.keyId.slice(0, 16) };
};
/** Two who may route, and nothing else. */
export const ROBIN: Person = personOf('robin');
export const RITA: Person = personOf('rita');

export interface FrontEpoch {
  epoch: number;
  suite: number;
  epochSecret: Bytes;
  groupCtx: Bytes;
  epochCommit: Bytes;
}
export function frontEpoch(name: string, epoch = 3, suite = 1): FrontEpoch {
  return {
    epoch,
    suite,
    epochSecret: seeded(`front epoch secret ${name}`, 32),
    groupCtx: seeded(`front group ctx ${name}`, 32),
    epochCommit: seeded(`front epoch commit ${name}`, 32),
  };
}
export const FRONT: FrontEpoch = frontEpoch('three');

export interface MessageSpec extends Omit<p.WorkSpec, 'routing'> {
  front?: FrontEpoch;
  /** in place of that of the front's epoch */
  routingEpoch?: number;
  data?: Bytes;
  /** changes the value of extension 12 */
  change?: (right: Bytes, salt: Bytes) => Bytes;
  /** of 8 and 12 */
  without?: number[];
  more?: Extension[];
}
export interface Message extends p.Sent {
  data: Bytes;
  from: Person;
}
export function message(name: string, spec: MessageSpec = {}): Message {
  const {
    front = FRONT,
    routingEpoch,
    data = text(`routing of ${name}`),
    change,
    without = [],
    more = [],
    ...over
  } = spec;
  const from = over.from ?? ALICE;
  const stream = over.stream ?? p.stream(name, { from });
  const extensions = [p.HEAD_SEQ, ...more].filter((x) => !without.includes(x.number));
  const routing = { front, epoch: routingEpoch ?? front.epoch, data, ...(change === undefined ? {} : { change }) };
  const own: p.WorkSpec = { patternKind: MESSAGE, extensions, ...over, stream };
  return { ...p.work(name, without.includes(12) ? own : { ...own, routing }), data, from };
}

export interface ForwardSpec extends Partial<Recipe> {
  from?: Person;
  /** a member of the crew, or with `answers` a dealer */
  to?: Person;
  answers?: boolean;
  front?: FrontEpoch;
}
export interface Forward {
  sealed: Sealed;
  bytes: Bytes;
}
export function forward(name: string, envelopes: readonly Bytes[], spec: ForwardSpec = {}): Forward {
  const { from = ROBIN, answers = false, to = answers ? ALICE : BOB, front = FRONT, ...over } = spec;
  const { tag, chain } = answers ? p.answerTag(to) : p.inboxTag(to);
  const timestamp = over.timestamp ?? NOW;
  const sealed = sealEnvelope({
    form: 'batch',
    patternKind: FORWARD,
    suite: front.suite,
    topicTag: tag,
    epoch: front.epoch,
    streamId: seeded(`stream of forward ${name}`, 8),
    seq: 1n,
    timestamp,
    seed: from.seed,
    source: { sourceSecret: front.epochSecret, groupCtx: front.groupCtx, bind: front.epochCommit },
    hedgeSecret: HEDGE,
    random: seeded(`forward random of ${name} ${over.seq ?? 1n}`, 16),
    records: envelopes.map((payload) => ({ timestamp, payload })),
    padded: false,
    jobsPerLeaf: 16,
    extensions: [p.HEAD_SEQ, ext(9, chain)],
    recordCommit: false,
    keyinfo: zeros(0),
    ...over,
  });
  return { sealed, bytes: sealed.bytes };
}

// ---- Steps of the runs

/** Accepted by a router. */
export function routed(m: Message, now: bigint = NOW): p.Step {
  return p.arrives(
    m.bytes,
    { verdict: 'new', id: hex(m.sealed.id), sender: hex(m.from.keyId), data: hex(m.data) },
    now,
  );
}
/** Accepted; `inner` are the steps that its records would be by themselves. */
export function forwarded(f: Forward, inner: readonly p.Step[], now: bigint = NOW): p.Step {
  const results: Json = inner.map((s) => s.result);
  return p.arrives(f.bytes, { verdict: 'new', id: hex(f.sealed.id), forwarded: results }, now);
}
/** The bytes that each step brings, for a forward of them. */
export const bytesOf = (steps: readonly p.Step[]): Bytes[] => steps.map((s) => unhex(str(s.in['envelope'])));
/** A forward of what `inner` brings, accepted. */
export function forwards(name: string, inner: readonly p.Step[], spec: ForwardSpec = {}, now: bigint = NOW): p.Step {
  return forwarded(forward(name, bytesOf(inner), spec), inner, now);
}

/** A reply that a router heard, and is to forward. */
export function carries(bytes: Bytes, result: Json = { forwards: true }, now: bigint = NOW): p.Step {
  return { in: { now: now.toString(), reply: hex(bytes) }, result };
}
export const declines = (bytes: Bytes, error: string, now: bigint = NOW): p.Step => carries(bytes, { error }, now);

export function frontIn(f: FrontEpoch, over: Members = {}): Members {
  return {
    epoch: f.epoch,
    suite: f.suite,
    epochSecret: hex(f.epochSecret),
    groupCtx: hex(f.groupCtx),
    epochCommit: hex(f.epochCommit),
    open: true,
    ...over,
  };
}
/** As `router.run` has it. */
export function frontOfRouter(f: FrontEpoch, over: Members = {}): Members {
  const { epochCommit: _, ...rest } = frontIn(f, over);
  return rest;
}
export function poolIn(e: p.PoolEpoch, over: Members = {}): Members {
  return {
    epoch: e.epoch,
    suite: e.suite,
    poolHash: hex(e.poolHash),
    notBefore: (NOW - 1000n).toString(),
    notAfter: (NOW + 3_600_000n).toString(),
    ...over,
  };
}
export function routerIn(steps: readonly p.Step[], over: Members = {}): Members {
  return {
    tags: [hex(p.FRONT_TAG)],
    front: [frontOfRouter(FRONT)],
    pools: [poolIn(p.POOL)],
    senders: [p.mayWrite(ALICE), p.mayWrite(BOB), p.mayWrite(MALLORY, false)],
    ...over,
    steps: steps.map((s) => s.in),
  };
}
const mayRoute = (who: Person): Members => ({ ...p.mayWrite(who, false), mayRoute: true });
/** A member of the crew, bob, with an inbox. */
export function workerIn(steps: readonly p.Step[], over: Members = {}): Members {
  return p.crewIn(steps, {
    inboxes: [hex(p.inboxTag(BOB).tag)],
    front: [frontIn(FRONT)],
    senders: [p.mayWrite(ALICE), p.mayWrite(BOB), p.mayWrite(MALLORY, false), mayRoute(ROBIN), mayRoute(RITA)],
    ...over,
  });
}
/** Alice, who asked on streams of pattern 7. */
export function dealerIn(steps: readonly p.Step[], open: readonly Members[], over: Members = {}): Members {
  return p.requesterIn(steps, open, {
    pattern: 7,
    front: [frontIn(FRONT)],
    routers: [hex(ROBIN.publicKey), hex(RITA.publicKey)],
    ...over,
  });
}
