import { equalBytes } from '../bytes/bytes.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { decodeBody, encodeBody, type Body } from './body.ts';
import { keyBody, publicKeyOf, type PublicKey } from './public-key.ts';
import type { SignedObject } from './signed-object.ts';

/** Settings and controller of a group. */
export interface GroupRecord {
  readonly object: SignedObject;
  readonly groupId16: Uint8Array;
  readonly serial: number;
  /** One of the registry of purposes. */
  readonly purpose: number;
  /** Of its blocks and envelopes. */
  readonly suite: number;
  /** One of the registry of key block kinds. */
  readonly blockKind: number;
  /** Ed25519: who makes its blocks and enrols its members. */
  readonly controller: PublicKey;
  readonly maxHeadAgeMs: number;
  readonly epochLifeMs: number;
  readonly drainMs: number;
  /** How long topic tags live. */
  readonly periodMs: number;
  /** Envelopes carry extension 9, and rules may end in `**`. */
  readonly topicChains: boolean;
  /** What is delivered without a fresh head is marked, not refused. */
  readonly staleOk: boolean;
  /** Of a front, and of no other: its crew. */
  readonly crewId16: Uint8Array | undefined;
}

/** What a group record says. */
export type GroupRecordFields = Omit<GroupRecord, 'object' | 'controller' | 'crewId16'> & {
  readonly controller: Pick<PublicKey, 'alg' | 'publicKey32'>;
  readonly crewId16?: Uint8Array | undefined;
};

/**
 * Step 5 of a group record.
 *
 * @param object - of kind 5; what comes out holds views of it
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`, `E_KEY`
 * @spec principals.8
 */
export function decodeGroupRecord(provider: CryptoProvider, object: SignedObject): GroupRecord {
  const body = decodeBody('GroupRecord', object.body);
  const { controller, purpose, drain_ms: drainMs = 0 } = body;
  if (controller.alg !== keyAlgorithms.ed25519) {
    throw new TridcommError('E_ENCODING', `controller key algorithm ${controller.alg}`);
  }
  checkPurpose(body);
  const isOfPool = purpose === purposes.front || purpose === purposes.crew;
  const mostHeadAgeMs = isOfPool ? limits.poolHeadAgeMs : limits.headFreshMaxMs;
  checkRange('max_head_age_ms', body.max_head_age_ms, limits.headAgeMinMs, mostHeadAgeMs);
  checkRange('epoch_life_ms', body.epoch_life_ms, limits.epochLifeMinMs, limits.epochLifeMs);
  checkLimit('drain_ms', drainMs, limits.drainMaxMs);
  checkRange('period_ms', body.period_ms, limits.tagPeriodMinMs, limits.tagPeriodMaxMs);
  return {
    object,
    groupId16: body.group_id16,
    serial: body.serial,
    purpose,
    suite: body.suite,
    blockKind: body.block_kind,
    controller: publicKeyOf(provider, controller.alg, controller.public_key),
    maxHeadAgeMs: body.max_head_age_ms,
    epochLifeMs: body.epoch_life_ms,
    drainMs,
    periodMs: body.period_ms,
    topicChains: body.topic_chains ?? false,
    staleOk: body.stale_ok ?? false,
    crewId16: body.crew_id16,
  };
}

/**
 * The body of a group record; the caller's.
 *
 * @throws TridcommError `E_USAGE`, `E_LIMIT` for what the form does not allow
 * @spec principals.1
 */
export function encodeGroupRecordBody(fields: GroupRecordFields): Uint8Array {
  return encodeBody('GroupRecord', {
    group_id16: fields.groupId16,
    serial: fields.serial,
    purpose: fields.purpose,
    suite: fields.suite,
    block_kind: fields.blockKind,
    controller: keyBody(fields.controller),
    max_head_age_ms: fields.maxHeadAgeMs,
    epoch_life_ms: fields.epochLifeMs,
    drain_ms: fields.drainMs,
    period_ms: fields.periodMs,
    topic_chains: fields.topicChains,
    stale_ok: fields.staleOk,
    crew_id16: fields.crewId16,
  });
}

/** What each purpose has, or must not have. */
function checkPurpose(body: Body<'GroupRecord'>): void {
  const { purpose, group_id16: groupId16, crew_id16: crewId16, topic_chains: topicChains = false } = body;
  if ((purpose === purposes.front) !== (crewId16 !== undefined)) {
    throw new TridcommError('E_ENCODING', 'a front names its crew, and no other group does');
  }
  if (crewId16 !== undefined && equalBytes(crewId16, groupId16)) {
    throw new TridcommError('E_ENCODING', 'front that is its own crew');
  }
  if (topicChains && withoutChains.has(purpose)) {
    throw new TridcommError('E_ENCODING', `topic chains in a group of purpose ${purpose}`);
  }
}

function checkRange(field: string, value: number, least: number, most: number): void {
  if (value < least) throw new TridcommError('E_LIMIT', `${field} ${value}, at least ${least}`);
  checkLimit(field, value, most);
}

/** Who answers knows a topic by its tag. */
const withoutChains: ReadonlySet<number> = new Set([purposes.survey, purposes.front, purposes.crew]);
