/** An authority with a pool, a group for SURVEY and one for PUB/SUB, as a broker is told of them: bundles, and who is who. */
import { AUTHORITY, DAY, named, POLICY_KEY, principalOf, STATUS } from './authority.ts';
import { prekeyOf, pub, ANNA } from './groupworld.ts';
import type { Json, Members } from './json.ts';
import { poolEpoch, type PoolEpoch } from './poolworld.ts';
import { makeBlock, type MadeBlock } from './twin/blocks.ts';
import { cat, hex, same, seeded, text, zeros, type Bytes } from './twin/bytes.ts';
import { H } from './twin/hash.ts';
import * as o from './twin/objects.ts';
import { compile, type Compiled, type Grant, type Rule } from './twin/policy.ts';
import { poolKey } from './twin/pools.ts';
import { privateHash } from './twin/private.ts';
import { answerOf, chainOf, inboxOf, parseTopic } from './twin/topics.ts';
import { ALICE, BOB, MALLORY, NOW, type Person } from './world.ts';

const ID = AUTHORITY.authorityId;
const PERIOD: number = Number(NOW / DAY);
const FOREVER = 2n ** 53n - 1n;

const personOf = (name: string): Person => {
  const key = named(name);
  return { ...key, senderId: key.keyId.slice(0, 16) };
};
export const CARLA: Person = personOf('carla');
/** Of fronts with routers only. */
export const ROBIN: Person = personOf('robin');
export const RITA: Person = personOf('rita');
export const DAVID: Person = personOf('david');
const PEOPLE: readonly [string, Person][] = [
  ['alice', ALICE],
  ['bob', BOB],
  ['carla', CARLA],
  ['david', DAVID],
  ['mallory', MALLORY],
];

type Where = 'front' | 'survey' | 'news';
const TOPIC: Readonly<Record<Where, string>> = {
  front: 'orders/new',
  survey: 'opinions/lunch',
  news: 'news/day',
};
/** Of the front, and only workers have to do with it. */
export const OTHER_TOPIC = 'orders/old';
const PURPOSE = { news: 1, survey: 3, front: 4, crew: 5 } as const;
type Name = keyof typeof PURPOSE;
const idOf = (name: Name): Bytes => seeded(`relayed group ${name}`, 16);
const routeOf = (name: Name): Bytes => seeded(`relayed route secret ${name}`, 32);
export const CONTROLLER: Readonly<Record<Name, o.KeyPair>> = {
  news: named('controller of news'),
  survey: named('controller of surveys'),
  front: named('controller of the front'),
  crew: named('controller of the crew'),
};

const { publish, subscribe, route } = o.ACTION;
interface Granted extends Grant {
  where: Where;
}
const grant = (
  p: Person,
  action: number,
  where: Where,
  pattern: string = TOPIC[where],
  notAfter: bigint = FOREVER,
): Granted => ({
  where,
  keyId: p.keyId,
  action,
  pattern: text(pattern),
  notAfter,
});
/** Alice asks, bob and carla answer, david might ask until now. */
export const GRANTS: readonly Granted[] = [
  grant(ALICE, publish, 'front'),
  grant(BOB, subscribe, 'front', 'orders/**'),
  grant(CARLA, subscribe, 'front', 'orders/**'),
  grant(DAVID, publish, 'front', TOPIC.front, NOW - 1n),
  grant(ALICE, publish, 'survey'),
  grant(BOB, subscribe, 'survey'),
  grant(CARLA, subscribe, 'survey'),
  grant(ALICE, publish, 'news'),
  grant(BOB, subscribe, 'news'),
];
/** Robin forwards, rita might until now. */
export const ROUTED: readonly Granted[] = [
  ...GRANTS,
  grant(ROBIN, route, 'front'),
  grant(RITA, route, 'front', 'orders/**', NOW - 1n),
];
export const ROUTERS: readonly [string, Person][] = [
  ['robin', ROBIN],
  ['rita', RITA],
];
interface Ruled {
  where: Where;
  pattern: string;
}
const RULES: readonly Ruled[] = [
  { where: 'front', pattern: TOPIC.front },
  { where: 'front', pattern: OTHER_TOPIC },
  { where: 'survey', pattern: TOPIC.survey },
  { where: 'news', pattern: TOPIC.news },
];

/** A front of all that begins with "orders": alice may ask on all of it, which a prefix says; david on one topic. */
export const WIDE_RULES: readonly Ruled[] = [{ where: 'front', pattern: 'orders/**' }];
export const WIDE: readonly Granted[] = [
  grant(ALICE, publish, 'front', 'orders/**'),
  grant(DAVID, publish, 'front'),
  grant(BOB, subscribe, 'front', 'orders/**'),
  grant(ROBIN, route, 'front', 'orders/**'),
];

/** Tag of a topic, and its answer tag and chain for who asks. */
export function tagOf(where: Where, topic: string = TOPIC[where]): Bytes {
  const { values } = chainOf(routeOf(where), idOf(where), PERIOD, parseTopic(text(topic)));
  return (values.pop() ?? zeros(16)).slice(0, 16);
}
export function chainTo(where: Where, topic: string = TOPIC[where]): Bytes {
  const { values } = chainOf(routeOf(where), idOf(where), PERIOD, parseTopic(text(topic)));
  return cat(...values.slice(0, -1).map((v) => v.slice(0, 16)));
}
export function answerTo(where: Where, asker: Person): { tag: Bytes; chain: Bytes } {
  const a = answerOf(routeOf(where), idOf(where), PERIOD, asker.keyId);
  return { tag: a.own.slice(0, 16), chain: cat(a.first.slice(0, 16), a.root.slice(0, 16)) };
}
export function inboxTo(where: Where, worker: Person): { tag: Bytes; chain: Bytes } {
  const a = inboxOf(routeOf(where), idOf(where), PERIOD, worker.keyId);
  return { tag: a.own.slice(0, 16), chain: cat(a.first.slice(0, 16), a.root.slice(0, 16)) };
}

interface StateSpec {
  /** which groups there are; a front has its crew */
  groups?: readonly Where[];
  suite?: number;
  crewEpoch?: number;
  frontEpoch?: number;
  rules?: readonly Ruled[];
  grants?: readonly Granted[];
  /** beside those whom every state has */
  people?: readonly [string, Person][];
  /** who signs the pool record in place of the crew's controller */
  poolSigner?: o.KeyPair;
  /** of alice's record */
  serial?: number;
  /** the one before */
  prev?: State;
}
export interface State {
  spec: Settled;
  blocks: Partial<Record<Name, MadeBlock>>;
  pool: PoolEpoch;
  head: o.Head;
  seq: bigint;
  /** hex of what was said up to here */
  all: string[];
  bundle: Bytes;
}
type Settled = Required<
  Pick<StateSpec, 'groups' | 'suite' | 'crewEpoch' | 'frontEpoch' | 'rules' | 'grants' | 'people' | 'serial'>
>;

const USUAL: Settled = {
  groups: ['front'],
  suite: 1,
  crewEpoch: 1,
  frontEpoch: 1,
  rules: RULES,
  grants: GRANTS,
  people: [],
  serial: 1,
};

/** What an authority says at once; a later state says what is new. */
export function state(given: StateSpec = {}): State {
  const { prev, poolSigner, ...own } = given;
  const spec: Settled = {
    ...USUAL,
    ...prev?.spec,
    ...own,
  };
  const seq = (prev?.seq ?? 0n) + 1n;
  const names: Name[] = spec.groups.flatMap((g): Name[] => (g === 'front' ? ['front', 'crew'] : [g]));
  const rules = spec.rules.filter((r) => spec.groups.includes(r.where));
  const asRule = (r: Ruled): Rule => ({ pattern: text(r.pattern), groupId: idOf(r.where) });
  const grants = spec.grants.filter((g) => spec.groups.includes(g.where));
  const lists = compile(
    rules.map(asRule),
    grants,
    names.map((name) => ({
      groupId: idOf(name),
      purpose: PURPOSE[name],
      routeSecrets: [{ fromPeriod: 0, secret: routeOf(name) }],
      periods: [PERIOD],
    })),
  );

  const listsOf = (name: Name): Compiled | undefined => lists.find((l) => same(l.groupId, idOf(name)));
  const made = names
    .map((name) => group(name, spec, listsOf(name), seq, prev?.blocks[name]))
    .sort((a, b) => Buffer.compare(a.id, b.id));
  const policy = o.policyObject(ID, POLICY_KEY, {
    version: seq,
    authority_record_hash32: AUTHORITY.object.hash,
    groups: made.map((g) => ({
      group_id16: g.id,
      group_record_hash32: g.record.hash,
      writers_root32: g.writers.root,
      edge_root32: g.edge.root,
      private_hash32: privateHash(g.id, g.own),
    })),
  });
  const revoked = o.encodeRevoked([]);
  const leaves = made.map((g): o.GroupLeaf => ({
    groupId: g.id,
    generation: 1,
    epoch: g.epoch,
    blockHash: g.block.blockHash,
  }));
  const head = o.makeHead(ID, STATUS, {
    headSeq: seq,
    issued: NOW,
    freshUntil: NOW + 60_000n,
    policyVersion: seq,
    policyHash: policy.hash,
    groupsRoot: o.groupsRoot(leaves),
    revokedHash: H(revoked),
    prevHeadHash: prev?.head.hash ?? zeros(32),
  });
  const blocks = Object.fromEntries(made.map((g) => [g.name, g.block])) as Partial<Record<Name, MadeBlock>>;
  const pool = poolOf(spec, blocks.crew, poolSigner);

  const at = (type: number, id: Bytes, bytes: Bytes): { address: Bytes; bytes: Bytes } => ({
    address: o.address16(ID, type, id),
    bytes,
  });
  const none = zeros(0);
  const A = o.ADDRESS;
  const all = [
    at(A.authority, none, AUTHORITY.object.bytes),
    ...[...PEOPLE, ...spec.people].map(([name, p]) =>
      at(A.principal, p.keyId, principalOf(p, p === ALICE ? spec.serial : 1, { name }).bytes),
    ),
    ...made.map((g) => at(A.group, g.id, g.record.bytes)),
    at(A.policy, none, policy.bytes),
    ...made.flatMap((g) => [at(A.writers, g.id, g.writers.bytes), at(A.edge, g.id, g.edge.bytes)]),
    at(A.revoked, none, revoked),
    ...made.map((g) => at(A.block, g.id, g.block.bytes)),
    ...(pool.record === undefined ? [] : [at(A.pool, idOf('front'), pool.record.bytes)]),
    at(A.head, none, head.bytes),
    ...made.map((g) => at(A.groupHead, g.id, o.groupHead(head.bytes, leaves, g.id))),
  ];
  const known = new Set(prev?.all);
  const objects = all.filter((x) => !known.has(hex(x.bytes)));
  return {
    spec,
    blocks,
    pool: pool.epoch,
    head,
    seq,
    all: [...known, ...objects.map((x) => hex(x.bytes))],
    bundle: o.encodeBundle(objects),
  };
}

interface MadeGroup {
  name: Name;
  id: Bytes;
  record: o.SignedObject;
  writers: { bytes: Bytes; root: Bytes };
  edge: { bytes: Bytes; root: Bytes };
  own: Bytes;
  block: MadeBlock;
  epoch: number;
}
const blocksOf = new Map<string, MadeBlock>();

function group(
  name: Name,
  spec: Settled,
  lists: Compiled | undefined,
  seq: bigint,
  before: MadeBlock | undefined,
): MadeGroup {
  const id = idOf(name);
  const record = o.groupRecord(ID, POLICY_KEY, {
    group_id16: id,
    serial: 1,
    purpose: PURPOSE[name],
    suite: spec.suite,
    block_kind: 1,
    controller: o.edKey(CONTROLLER[name].publicKey),
    max_head_age_ms: 60_000,
    epoch_life_ms: 3_600_000,
    drain_ms: 600_000,
    period_ms: Number(DAY),
    ...(name === 'front' ? { crew_id16: idOf('crew') } : {}),
  });
  const writers = o.encodeList(o.USE.writers, id, lists?.writers ?? []);
  const edge = o.encodeList(o.USE.edge, id, lists?.edge ?? []);
  const own = o.encodeBody('GroupPrivate', {
    patterns: spec.rules.filter((r) => r.where === (name === 'crew' ? 'front' : name)).map((r) => r.pattern),
    route_secrets: [{ from_period: 0, secret32: routeOf(name) }],
  });
  const epoch = name === 'crew' ? spec.crewEpoch : name === 'front' ? spec.frontEpoch : 1;
  const key = `${name} ${epoch} ${spec.suite} ${hex(writers.root)}`;
  const block =
    blocksOf.get(key) ??
    makeBlock({
      header: {
        kind: 1,
        suite: spec.suite,
        groupId: id,
        generation: 1,
        epoch,
        notBefore: NOW - 1000n,
        notAfter: NOW + 3_600_000n,
        drainUntil: NOW + 600_000n,
        salt: seeded(`relayed block salt ${key}`, 16),
        prevBlockHash: before?.blockHash ?? zeros(32),
        policyRoot: writers.root,
        policyVersion: seq,
        baseEpoch: 1,
        purpose: PURPOSE[name],
        flags: 0,
        height: 0,
      },
      seed: CONTROLLER[name].seed,
      private: own,
      epochSecret: seeded(`relayed epoch secret ${key}`, 32),
      recipients: [pub(prekeyOf(ANNA))],
      rng: seeded(`relayed ephemeral ${key}`, 32),
    });
  blocksOf.set(key, block);
  return { name, id, record, writers, edge, own, block, epoch };
}

/** The pool of a crew's block; its own key source where there is no front. */
function poolOf(
  spec: Settled,
  block: MadeBlock | undefined,
  signer: o.KeyPair = CONTROLLER.crew,
): { epoch: PoolEpoch; record?: o.SignedObject } {
  if (block === undefined) return { epoch: poolEpoch('nowhere') };
  const { epochSecret, groupCtx } = block;
  const record = o.poolRecord(ID, signer, {
    group_id16: idOf('front'),
    crew_id16: idOf('crew'),
    generation: 1,
    epoch: spec.crewEpoch,
    block_hash32: block.blockHash,
    suite: spec.suite,
    public_key32: poolKey(epochSecret, groupCtx).publicKey,
    not_before_ms: NOW - 1000n,
    not_after_ms: NOW + 3_600_000n,
  });
  return { epoch: { epoch: spec.crewEpoch, suite: spec.suite, epochSecret, groupCtx, poolHash: record.hash }, record };
}

// ---- Steps of relay.run

export interface Step {
  in: Members;
  result: Json;
}
export function applied(s: State | Bytes, error?: string, now: bigint = NOW): Step {
  const bundle = s instanceof Uint8Array ? s : s.bundle;
  return {
    in: { now: now.toString(), bundle: hex(bundle) },
    result: error === undefined ? { applied: true } : { error },
  };
}
const carried = (from: Person, bytes: Bytes, result: Json): Step => ({
  in: { now: NOW.toString(), keyId: hex(from.keyId), envelope: hex(bytes) },
  result,
});
export const verified = (from: Person, bytes: Bytes): Step => carried(from, bytes, { verified: true });
export const refused = (from: Person, bytes: Bytes, error: string): Step => carried(from, bytes, { error });
export function relayIn(steps: readonly Step[]): Members {
  return { authorityId: hex(ID), steps: steps.map((s) => s.in) };
}
