/** An authority with one group, its states one after the other, and envelopes in it: what the vectors of whole nodes share. */
import type { Json, Members } from './json.ts';
import { ANNA, BEN, CARA, CONTROLLER, pub, prekeyOf, type MemberPerson } from './groupworld.ts';
import { makeBlock, type BlockBend, type BlockHeader, type MadeBlock } from './twin/blocks.ts';
import { hex, seeded, text, u64, zeros, type Bytes } from './twin/bytes.ts';
import { sealEnvelope, type Recipe, type Sealed } from './twin/envelope.ts';
import { known as ext } from './twin/extensions.ts';
import { H } from './twin/hash.ts';
import * as o from './twin/objects.ts';
import { privateHash } from './twin/private.ts';
import { stepKey } from './twin/subtree.ts';
import { chainOf, parseTopic } from './twin/topics.ts';
import { HEDGE, NOW } from './world.ts';

const DAY = 86_400_000n;
export const FOREVER: bigint = 2n ** 53n - 1n;
const ROOT = o.keyPair(seeded('seed of node root', 32));
const ISSUER: o.KeyPair = o.keyPair(seeded('seed of node issuer', 32));
export const POLICY: o.KeyPair = o.keyPair(seeded('seed of node policy', 32));
export const STATUS: o.KeyPair = o.keyPair(seeded('seed of node status', 32));
const during = { notBefore: NOW - DAY, notAfter: NOW + 5n * DAY };
const FIRST = o.firstAuthority(
  o.authorityFields(
    1,
    1,
    [ROOT],
    [
      { key: ISSUER, roles: o.ROLE.issuer, ...during },
      { key: POLICY, roles: o.ROLE.policy, ...during },
      { key: STATUS, roles: o.ROLE.status, ...during },
    ],
  ),
  [ROOT],
);
export const AUTHORITY_ID: Bytes = FIRST.authorityId;
/** The key of the only node of a tree of one leaf, at epoch 7. */
export const ONLY_NODE: Bytes = seeded('only node', 32);
export const GROUP_ID: Bytes = seeded('node group id', 16);
export const TOPIC = 'orders/new';

export interface Step {
  step: Members;
  result: Members;
}
export const HELD: Members = { held: true };

export function take(type: number, bytes: Bytes, result: Members | string = HELD, now: bigint = NOW): Step {
  return {
    step: { now: now.toString(), object: { type, bytes: hex(bytes) } },
    result: typeof result === 'string' ? { error: result } : result,
  };
}

export function principal(p: o.KeyPair, name: string, over: o.Fields = {}): Bytes {
  return o.principalRecord(AUTHORITY_ID, p, ISSUER, {
    serial: 2,
    not_before_ms: NOW - DAY,
    not_after_ms: NOW + DAY,
    name,
    roles: 1,
    suites: [1, 2],
    suite_floor: 1,
    max_version: 1,
    ...over,
  }).bytes;
}
const ANNAS: Bytes = principal(ANNA, 'anna');
const BENS: Bytes = principal(BEN, 'ben');
export const CARAS: Bytes = principal(CARA, 'cara');

export function writer(p: o.KeyPair, over: Partial<o.Entry> = {}): o.Entry {
  return { keyId: p.keyId, actions: 1, matchKind: 0, level: 0, match: zeros(16), notAfter: FOREVER, ...over };
}

export interface StageSpec {
  /** of the head */
  seq?: bigint;
  issued?: bigint;
  freshUntil?: bigint;
  version?: bigint;
  writers?: o.Entry[];
  patterns?: string[];
  secrets?: { from: number; name: string }[];
  record?: o.Fields;
  block?: Partial<BlockHeader> & { name?: string; bend?: BlockBend; recipients?: Bytes[] };
  revoked?: o.Revoked[];
  /** what the policy says in place of the right hash of the own part */
  privateHash?: Bytes;
  /** what the leaf names in place of the block */
  leafHash?: Bytes;
  /** what block says in place of the root of the writers */
  policyRoot?: Bytes;
  prevHead?: Bytes;
}

export interface Stage {
  spec: StageSpec;
  record: o.SignedObject;
  recordFields: o.Fields;
  policy: o.SignedObject;
  list: Bytes;
  revoked: Bytes;
  own: Bytes;
  block: MadeBlock;
  header: BlockHeader;
  head: o.Head;
  groupHead: Bytes;
  prev?: Stage;
}

/** A state of the group; what `spec` leaves open is that of `prev`. */
export function stage(spec: StageSpec = {}, prev?: Stage): Stage {
  const before: StageSpec = prev?.spec ?? {};
  const s: StageSpec = {
    ...before,
    seq: (before.seq ?? 9n) + 1n,
    ...spec,
    record: { ...before.record, ...spec.record },
    block: { ...before.block, ...spec.block },
  };
  delete s.leafHash;
  delete s.privateHash;
  delete s.policyRoot;
  if (spec.leafHash !== undefined) s.leafHash = spec.leafHash;
  if (spec.privateHash !== undefined) s.privateHash = spec.privateHash;
  if (spec.policyRoot !== undefined) s.policyRoot = spec.policyRoot;
  const version = s.version ?? 3n;
  const issued = s.issued ?? NOW;
  const recordFields: o.Fields = {
    group_id16: GROUP_ID,
    serial: 1,
    purpose: 1,
    suite: 1,
    block_kind: 1,
    controller: o.edKey(CONTROLLER.publicKey),
    max_head_age_ms: 60_000,
    epoch_life_ms: 3_600_000,
    period_ms: 86_400_000,
    ...s.record,
  };
  const record = o.groupRecord(AUTHORITY_ID, POLICY, recordFields);
  const writers = o.encodeList(o.USE.writers, GROUP_ID, s.writers ?? [writer(ANNA), writer(BEN)]);
  const own = o.encodeBody('GroupPrivate', {
    patterns: s.patterns ?? [TOPIC],
    route_secrets: (s.secrets ?? [{ from: 0, name: 'first' }]).map((r) => ({
      from_period: r.from,
      secret32: seeded(`node route secret ${r.name}`, 32),
    })),
  });
  const { name, bend, recipients, ...over } = s.block ?? {};
  const epoch = over.epoch ?? 7;
  const list = recipients ?? [pub(prekeyOf(ANNA))];
  const header: BlockHeader = {
    kind: Number(recordFields['block_kind']),
    suite: Number(recordFields['suite']),
    groupId: GROUP_ID,
    generation: 1,
    epoch,
    notBefore: NOW - 1000n,
    notAfter: NOW + 3_600_000n,
    drainUntil: NOW + 600_000n,
    salt: seeded(`node block salt ${epoch} ${name ?? ''}`, 16),
    prevBlockHash: prev === undefined ? zeros(32) : prev.block.blockHash,
    policyRoot: s.policyRoot ?? writers.root,
    policyVersion: version,
    baseEpoch: recordFields['block_kind'] === 2 ? 7 : 5,
    purpose: 1,
    flags: 0,
    height: 0,
    ...over,
  };
  const unchanged = prev !== undefined && spec.block === undefined;
  const block = unchanged
    ? prev.block
    : makeBlock({
        header,
        seed: CONTROLLER.seed,
        private: own,
        epochSecret: seeded(`node epoch secret ${epoch} ${name ?? ''}`, 32),
        ...(header.kind === 1
          ? { recipients: list, rng: seeded(`node ephemerals ${epoch} ${name ?? ''}`, 32 * list.length) }
          : { nodes: [{ node: 1n, key: stepKey(ONLY_NODE, epoch - header.baseEpoch) }] }),
        ...(bend === undefined ? {} : { bend }),
      });
  const policy = o.policyObject(AUTHORITY_ID, POLICY, {
    version,
    authority_record_hash32: FIRST.object.hash,
    groups: [
      {
        group_id16: GROUP_ID,
        group_record_hash32: record.hash,
        writers_root32: writers.root,
        edge_root32: H(zeros(0)),
        private_hash32: s.privateHash ?? privateHash(GROUP_ID, own),
      },
    ],
  });
  const revoked = o.encodeRevoked(s.revoked ?? []);
  const leaf: o.GroupLeaf = {
    groupId: GROUP_ID,
    generation: header.generation,
    epoch: (unchanged ? prev.header : header).epoch,
    blockHash: s.leafHash ?? block.blockHash,
  };
  const head = o.makeHead(AUTHORITY_ID, STATUS, {
    headSeq: s.seq ?? 10n,
    issued,
    freshUntil: s.freshUntil ?? issued + 60_000n,
    policyVersion: version,
    policyHash: policy.hash,
    groupsRoot: o.groupsRoot([leaf]),
    revokedHash: H(revoked),
    prevHeadHash: spec.prevHead ?? prev?.head.hash ?? zeros(32),
  });
  delete s.freshUntil;
  return {
    spec: s,
    record,
    recordFields,
    policy,
    list: writers.bytes,
    revoked,
    own,
    block,
    header: unchanged ? prev.header : header,
    head,
    groupHead: o.groupHead(head.bytes, [leaf], GROUP_ID),
    ...(prev === undefined ? {} : { prev }),
  };
}

/** The objects that the stage before did not have, in the order of a bundle; without those of `but`. */
export function news(s: Stage, now: bigint = NOW, but: number[] = []): Step[] {
  const p = s.prev;
  const list: [number, Bytes, Bytes | undefined][] = [
    [o.ADDRESS.group, s.record.bytes, p?.record.bytes],
    [o.ADDRESS.policy, s.policy.bytes, p?.policy.bytes],
    [o.ADDRESS.writers, s.list, p?.list],
    [o.ADDRESS.revoked, s.revoked, p?.revoked],
    [o.ADDRESS.block, s.block.bytes, p?.block.bytes],
    [o.ADDRESS.groupHead, s.groupHead, p?.groupHead],
  ];
  return list
    .filter(([type, bytes, before]) => !but.includes(type) && (before === undefined || hex(bytes) !== hex(before)))
    .map(([type, bytes]) => take(type, bytes, HELD, now));
}

/** From nothing to the view of a stage; `people` are principal records beside anna's and ben's. */
export function start(s: Stage, people: Bytes[] = [], but: number[] = []): Step[] {
  return [
    take(o.ADDRESS.authority, FIRST.object.bytes),
    ...[ANNAS, BENS, ...people].map((p) => take(o.ADDRESS.principal, p)),
    ...news(s, NOW, but),
  ];
}

export interface EnvelopeSpec extends Partial<Recipe> {
  from?: MemberPerson;
  topic?: string;
  payloads?: string[];
  headSeq?: bigint;
  name?: string;
  /** the period of the tag, in place of that of the timestamp */
  period?: number;
  /** record 0 of a group with topic_chains */
  record0?: Bytes;
  /** the value of extension 9 */
  chain?: Bytes;
}

export interface Made {
  sealed: Sealed;
  payloads: Bytes[];
  topic: string;
  from: MemberPerson;
}

export function periodOf(s: Stage, timestamp: bigint): number {
  return Number(timestamp / BigInt(Number(s.recordFields['period_ms'])));
}

export function valuesOf(s: Stage, topic: string, period: number): Bytes[] {
  const secrets = (s.spec.secrets ?? [{ from: 0, name: 'first' }]).filter((r) => r.from <= period);
  const secret = seeded(`node route secret ${secrets[secrets.length - 1]?.name ?? ''}`, 32);
  return chainOf(secret, GROUP_ID, period, parseTopic(text(topic))).values.map((v) => v.slice(0, 16));
}
export function tagOf(s: Stage, topic: string = TOPIC, timestamp: bigint = NOW): Bytes {
  return valuesOf(s, topic, periodOf(s, timestamp)).pop() ?? zeros(16);
}

/** An envelope as chapter 09 writes it. */
export function envelope(s: Stage, spec: EnvelopeSpec = {}): Made {
  const { from = BEN, topic = TOPIC, payloads, headSeq, name = 'one', period, record0, chain, ...over } = spec;
  const timestamp = over.timestamp ?? NOW;
  const chains = s.recordFields['topic_chains'] === true;
  const values = valuesOf(s, topic, period ?? periodOf(s, timestamp));
  const list = (payloads ?? [`payload of ${name}`]).map(text);
  const records = (chains ? [record0 ?? text(topic), ...list] : list).map((payload) => ({ timestamp, payload }));
  const sealed = sealEnvelope({
    form: records.length === 1 ? 'single' : 'batch',
    patternKind: 0x20,
    suite: s.header.suite,
    topicTag: values[values.length - 1] ?? zeros(16),
    epoch: s.header.epoch,
    streamId: seeded(`node stream of ${name}`, 8),
    seq: 1n,
    timestamp,
    seed: from.seed,
    source: { sourceSecret: s.block.epochSecret, groupCtx: s.block.groupCtx, bind: s.block.epochCommit },
    hedgeSecret: HEDGE,
    random: seeded(`node random of ${name} ${over.seq ?? 1n}`, 16),
    records,
    padded: false,
    jobsPerLeaf: 16,
    extensions: [
      ext(8, u64(headSeq ?? s.spec.seq ?? 10n)),
      ...(chains ? [ext(9, chain ?? new Uint8Array(Buffer.concat(values.slice(0, -1))))] : []),
    ],
    recordCommit: false,
    keyinfo: zeros(0),
    ...over,
  });
  return { sealed, payloads: list, topic, from };
}

export interface Seen {
  now?: bigint;
  stale?: boolean;
  gaps?: [number, number][];
}
export function delivered(m: Made, seen: Seen = {}): Step {
  const result: Members = {
    messages: m.payloads.map(hex),
    topic: hex(text(m.topic)),
    sender: hex(m.from.keyId),
    stale: seen.stale ?? false,
  };
  if (seen.gaps !== undefined) {
    result['gaps'] = seen.gaps.map(([from, to]): Json => ({ from: String(from), to: String(to) }));
  }
  return { step: { now: (seen.now ?? NOW).toString(), envelope: hex(m.sealed.bytes) }, result };
}
/** The same step out of a log, where a broker says that it stands at `position`. */
export function outOfLog({ step, result }: Step, position: bigint): Step {
  const { envelope: bytes, ...rest } = step;
  const stored = { position: position.toString(), envelope: bytes ?? '' };
  const isDelivered = result['messages'] !== undefined;
  return { step: { ...rest, stored }, result: isDelivered ? { ...result, position: position.toString() } : result };
}
export function notDelivered(bytes: Bytes, now: bigint = NOW): Step {
  return { step: { now: now.toString(), envelope: hex(bytes) }, result: { delivered: false } };
}
export function refused(m: Made | Bytes, error: string, now: bigint = NOW): Step {
  const bytes = m instanceof Uint8Array ? m : m.sealed.bytes;
  return { step: { now: now.toString(), envelope: hex(bytes) }, result: { error } };
}
export function publish(
  result: string | { epoch: number; headSeq: bigint },
  now: bigint = NOW,
  topic: string = TOPIC,
): Step {
  return {
    step: { now: now.toString(), publish: { topic: hex(text(topic)), payloads: [hex(text('news'))] } },
    result:
      typeof result === 'string' ? { error: result } : { epoch: result.epoch, headSeq: result.headSeq.toString() },
  };
}
export function sees(result: { headSeq: bigint; epoch: number; fresh: boolean } | undefined, now: bigint = NOW): Step {
  return {
    step: { now: now.toString(), view: hex(GROUP_ID) },
    result:
      result === undefined
        ? { none: true }
        : { headSeq: result.headSeq.toString(), epoch: result.epoch, fresh: result.fresh },
  };
}

export function nodeIn(
  steps: readonly Step[],
  over: { subscriptions?: string[]; logSubscriptions?: string[]; bootMs?: bigint } = {},
): Members {
  const out: Members = {
    authorityId: hex(AUTHORITY_ID),
    seed: hex(ANNA.seed),
    prekeys: ANNA.prekeys.slice(0, 2).map(hex),
    subscriptions: (over.subscriptions ?? [TOPIC]).map((s) => hex(text(s))),
    steps: steps.map((s) => s.step),
  };
  if (over.logSubscriptions !== undefined) out['logSubscriptions'] = over.logSubscriptions.map((s) => hex(text(s)));
  if (over.bootMs !== undefined) out['bootMs'] = over.bootMs.toString();
  return out;
}
