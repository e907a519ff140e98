import { equalBytes } from '../bytes/bytes.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { SealInput } from '../envelope/seal.ts';
import { TridcommError } from '../errors.ts';
import { matchesTopic, parseTopic, type Topic, type TopicPattern } from '../topics/grammar.ts';
import type { TopicTag } from '../topics/tags.ts';
import { encodeUtf8 } from '../topics/utf8.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import { flagBits } from '../wire/header.ts';
import type { Message, Records } from '../wire/records.ts';
import { headSeqExtension } from './head-seq.ts';
import { refusal } from './refusal.ts';
import { splitRuns } from './split-runs.ts';

/** What an envelope of PUB/SUB is filled with, beyond what its stream knows. */
export interface PubSubFields {
  readonly topic: Topic;
  /** The chain of the topic in a group with topic_chains; undefined in others. */
  readonly chain: Uint8Array | undefined;
  /** Of the sender's view of the group. */
  readonly headSeq: number;
  readonly timestampMs: number;
}

/**
 * What to seal for messages of one topic: single or whole batch, extension 8 always, and in a group with topic_chains extension 9 and
 * the topic as record 0.
 *
 * @param messages - 1 or more that fit one envelope: {@link splitMessages}
 * @spec patterns.1, principals.31, topics.9
 */
export function pubSubInput(fields: PubSubFields, messages: readonly Message[]): SealInput {
  const { topic, chain, headSeq, timestampMs } = fields;
  const extension8 = headSeqExtension(headSeq);
  if (chain === undefined) {
    const isSingle = messages.length === 1 && messages[0]!.timestampMs === timestampMs;
    return { form: isSingle ? 'single' : 'batch', messages, timestampMs, extensions: [extension8] };
  }
  return {
    form: 'batch',
    messages: [{ timestampMs, payload: encodeUtf8(topic.text) }, ...messages],
    timestampMs,
    extensions: [extension8, { number: numbers.topicChain, value: chain }],
  };
}

/**
 * Cuts messages, in order, into runs that each fit one envelope: by plaintext and by number.
 *
 * @param topicChains - whether the topic takes a record too
 * @throws TridcommError `E_USAGE` for no message, `E_LIMIT` for one that is too large for any envelope
 */
export function splitMessages(messages: readonly Message[], topicChains: boolean): (readonly Message[])[] {
  const shared = topicChains ? { reservedBytes: topicRecordBytes, reservedRecords: 1 } : { aloneUnframed: true };
  return splitRuns(messages, ({ payload }) => payload.length, shared);
}

/**
 * What step 8 asks of an envelope in a group for PUB/SUB, BUS or SURVEY beyond its epoch.
 *
 * @param topicChains - of the group
 * @param patternKind - of its purpose
 * @throws TridcommError `E_ENCODING`, `E_EXT`
 * @spec patterns.3, patterns.8, patterns.28
 */
export function checkPubSubForm(
  view: EnvelopeView | JobView,
  topicChains: boolean,
  patternKind: number = patternKinds.pubSub.data,
): void {
  const { header, extensions, keyinfo } = view;
  if (header.patternKind !== patternKind) throw refusal('E_ENCODING', 'another pattern than that of the group');
  if ((header.flags & flagBits.merkle) !== 0) throw refusal('E_ENCODING', 'published in leaves');
  if (keyinfo.length > 0) throw refusal('E_ENCODING', 'published with keyinfo');
  if (extensions.value(numbers.headSeq) === undefined) throw refusal('E_EXT', 'no extension 8');
  if (topicChains && extensions.value(numbers.topicChain) === undefined) throw refusal('E_EXT', 'no extension 9');
}

/**
 * The topic that record 0 of an envelope says, in a group with topic_chains, once it is clear that it belongs there.
 *
 * @param patterns - of the rules of the group
 * @param tagsOf - tags that the topic may have at the time of the header: one for each route secret in use
 * @throws TridcommError `E_ENCODING`
 * @spec patterns.4
 */
export function topicOfRecords(
  view: EnvelopeView | JobView,
  records: Records,
  patterns: readonly TopicPattern[],
  tagsOf: (topic: Topic) => Iterable<TopicTag>,
): Topic {
  const { header, extensions } = view;
  if ((header.flags & flagBits.batch) === 0 || records.count < 2) {
    throw new TridcommError('E_ENCODING', 'no record beside that of the topic');
  }
  const topic = readTopic(records.payload(0));
  if (!patterns.some((pattern) => matchesTopic(pattern, topic))) {
    throw new TridcommError('E_ENCODING', 'record 0 is a topic of no rule');
  }
  const chain = extensions.value(numbers.topicChain)!;
  for (const tag of tagsOf(topic)) {
    if (equalBytes(tag.tag16, header.topicTag) && equalBytes(tag.chain, chain)) return topic;
  }
  throw new TridcommError('E_ENCODING', 'record 0 is a topic of another tag or chain');
}

/**
 * The application's messages among the records: all but that of the topic, where there is one.
 *
 * @spec patterns.5
 */
export function messagesOfRecords(records: Records, topicChains: boolean): Records {
  return topicChains ? records.behind(1) : records;
}

/** Whatever is wrong with a topic in a record, the record is no topic. */
function readTopic(payload: Uint8Array): Topic {
  try {
    return parseTopic(payload);
  } catch (cause) {
    throw new TridcommError('E_ENCODING', 'record 0 is no topic', { cause });
  }
}

/** Most that a record of a topic takes: its head and 8 segments with separators. */
const topicRecordBytes = 3 + 3 + limits.topicSegments * (limits.segmentBytes + 1);
