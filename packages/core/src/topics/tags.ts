import { ascii, checkWidth, concat, copyOf, writeU32 } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { expandLabel } from '../crypto/key-schedule.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import type { Topic, TopicPattern } from './grammar.ts';
import { encodeUtf8 } from './utf8.ts';

/** What a broker sees of a topic. */
export interface TopicTag {
  /** For the header; 16 bytes, the caller's. */
  readonly tag16: Uint8Array;
  /** For extension 9: one value of 16 bytes for each segment, in order; the caller's. */
  readonly chain: Uint8Array;
}

/** What a broker gets of a pattern. A `prefix` matches an envelope whose chain has more than `level` values, the one at `level` equal. */
export type PatternToken =
  | { readonly kind: 'exact'; readonly token16: Uint8Array }
  | { readonly kind: 'prefix'; readonly token16: Uint8Array; readonly level: number };

/** Times that decide which tags a receiver routes by. */
export interface TagPeriodRule {
  /** Of the group; default one day. */
  readonly periodMs?: number;
  /** Default 120,000. */
  readonly maxAgeMs?: number;
  /** Default 30,000. */
  readonly skewMs?: number;
}

/**
 * The period of a timestamp.
 *
 * @throws TridcommError `E_USAGE` where it does not fit 32 bits, or the arguments are no times
 * @spec topics.8
 */
export function tagPeriod(timestampMs: number, periodMs: number = limits.tagPeriodMs): number {
  const period = Math.floor(timestampMs / periodMs);
  if (!(timestampMs >= 0 && Number.isInteger(periodMs) && periodMs >= 1 && period <= 0xffff_ffff)) {
    throw new TridcommError('E_USAGE', `period of time ${timestampMs}, ${periodMs} ms long`);
  }
  return period;
}

/**
 * The periods that a receiver routes by, in order: all that overlap the time from now − max_age to now + skew, both ends included.
 * Time starts at 0.
 *
 * @throws TridcommError `E_USAGE` as {@link tagPeriod}
 * @spec topics.10
 */
export function routedPeriods(nowMs: number, rule: TagPeriodRule = {}): readonly number[] {
  const { periodMs = limits.tagPeriodMs, maxAgeMs = limits.maxAgeMs, skewMs = limits.skewMs } = rule;
  const first = tagPeriod(Math.max(0, nowMs - maxAgeMs), periodMs);
  const last = tagPeriod(nowMs + skewMs, periodMs);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/**
 * The secret of a group's tags in one period; 32 bytes, the caller's. It never leaves the members.
 *
 * @param routeSecret32 - comes with the group
 * @param groupId16 - likewise
 * @param period - {@link tagPeriod}
 * @throws TridcommError `E_USAGE` for arguments of wrong lengths
 */
export function deriveRouteKey(
  provider: CryptoProvider,
  routeSecret32: Uint8Array,
  groupId16: Uint8Array,
  period: number,
): Uint8Array {
  if (groupId16.length !== 16) throw new TridcommError('E_USAGE', `group id of ${groupId16.length} bytes, not 16`);
  return expandLabel(provider, routeSecret32, labels.route, concat(groupId16, periodBytes(period)), 32);
}

/**
 * Tag and chain of a topic.
 *
 * A sender takes both for the period of the timestamp that it writes into the header.
 *
 * @param routeKey32 - {@link deriveRouteKey} of the same period
 * @spec topics.8, topics.9, topics.11
 */
export function tagTopic(provider: CryptoProvider, routeKey32: Uint8Array, period: number, topic: Topic): TopicTag {
  const { segments } = topic;
  const chain = new Uint8Array(segments.length * tokenBytes);
  let value = rootValue(provider, routeKey32, period);
  for (const [i, segment] of segments.entries()) {
    chain.set(value.subarray(0, tokenBytes), i * tokenBytes);
    value = nextValue(provider, value, segment);
  }
  return { tag16: copyOf(value, 0, tokenBytes), chain };
}

/**
 * What a broker gets to match a pattern by. With wildcards it is only the part before the first: the receiver filters the rest.
 *
 * @param routeKey32 - {@link deriveRouteKey} of the same period
 * @spec topics.11
 */
export function tokenOfPattern(
  provider: CryptoProvider,
  routeKey32: Uint8Array,
  period: number,
  pattern: TopicPattern,
): PatternToken {
  const { segments, literals } = pattern;
  let value = rootValue(provider, routeKey32, period);
  for (const segment of segments.slice(0, literals)) value = nextValue(provider, value, segment);
  const token16 = copyOf(value, 0, tokenBytes);
  return literals === segments.length ? { kind: 'exact', token16 } : { kind: 'prefix', token16, level: literals };
}

/** The tags under which travels what is for one principal: answers to it, or what routers forward to it. */
export interface AnswerTags {
  /** For the header; 16 bytes, the caller's. */
  readonly tag16: Uint8Array;
  /** What a broker matches to let all such pass; 16 bytes, the caller's. */
  readonly root16: Uint8Array;
  /** For extension 9: two values of 16 bytes; the caller's. */
  readonly chain: Uint8Array;
}

/**
 * The answer tags of who asked: they follow from its key id, so no envelope says where its answer goes.
 *
 * @param routeKey32 - {@link deriveRouteKey} of the group of the question, for the period of the answer's timestamp
 * @param askerKeyId32 - of the identity key
 * @spec topics.13
 */
export function tagAnswers(
  provider: CryptoProvider,
  routeKey32: Uint8Array,
  period: number,
  askerKeyId32: Uint8Array,
): AnswerTags {
  return tagsOfPrincipal(provider, routeKey32, period, answerSegment, askerKeyId32);
}

/**
 * The inbox tags of a member of a crew, under which routers forward to it: they follow from its key id, as answer tags do.
 *
 * @param routeKey32 - {@link deriveRouteKey} of the front, for the period of the forward's timestamp
 * @param workerKeyId32 - of the identity key
 * @spec patterns.39
 */
export function tagInbox(
  provider: CryptoProvider,
  routeKey32: Uint8Array,
  period: number,
  workerKeyId32: Uint8Array,
): AnswerTags {
  return tagsOfPrincipal(provider, routeKey32, period, inboxSegment, workerKeyId32);
}

function tagsOfPrincipal(
  provider: CryptoProvider,
  routeKey32: Uint8Array,
  period: number,
  segment: Uint8Array,
  keyId32: Uint8Array,
): AnswerTags {
  checkWidth('key id', keyId32, 32);
  const root = rootValue(provider, routeKey32, period);
  const all = nextValueOf(provider, root, segment);
  const own = nextValueOf(provider, all, keyId32);
  return {
    tag16: copyOf(own, 0, tokenBytes),
    root16: copyOf(all, 0, tokenBytes),
    chain: concat(root.subarray(0, tokenBytes), all.subarray(0, tokenBytes)),
  };
}

/** t_0. A whole t_i stays inside this file: with it, children could be searched by dictionary. */
function rootValue(provider: CryptoProvider, routeKey32: Uint8Array, period: number): Uint8Array {
  return expandLabel(provider, routeKey32, labels.topicRoot, periodBytes(period), 32);
}

/** t_i from t_{i−1}. */
function nextValue(provider: CryptoProvider, value32: Uint8Array, segment: string): Uint8Array {
  return nextValueOf(provider, value32, encodeUtf8(segment));
}

function nextValueOf(provider: CryptoProvider, value32: Uint8Array, segment: Uint8Array): Uint8Array {
  return provider.hmacSha256(value32, Uint8Array.of(segment.length), segment);
}

function periodBytes(period: number): Uint8Array {
  if (!(Number.isInteger(period) && period >= 0 && period <= 0xffff_ffff)) {
    throw new TridcommError('E_USAGE', `period ${period}, not from 0 to 2^32-1`);
  }
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, period);
  return bytes;
}

/** All that anybody outside the group gets of a t_i. */
const tokenBytes = 16;

/** No topic has a segment that begins so. */
const answerSegment = ascii('\0answer');
const inboxSegment = ascii('\0inbox');
