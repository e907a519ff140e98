import { ascii, checkWidth, concat, readU32, writeU32 } from '../bytes/bytes.ts';
import { errorTable, type ErrorCode } from '../codepoints/errors.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { KeySource } from '../envelope/key-source.ts';
import type { SealInput } from '../envelope/seal.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { decodeUtf8 } from '../topics/utf8.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import type { ExtensionInput } from '../wire/extensions.ts';
import { flagBits } from '../wire/header.ts';
import type { Records } from '../wire/records.ts';
import { headSeqExtension } from './head-seq.ts';
import type { PoolTerms } from './pool-stream.ts';
import { refusal } from './refusal.ts';
import { reservedToForward } from './split-runs.ts';
import type { RecordName } from './work.ts';

/* record = id32 ‖ u32 leaf ‖ u32 index ‖ u8 status ‖ body */

/** What became of a request. */
export const replyStatus = {
  /** The body is the answer. */
  final: 0,
  /** Somebody works on it; without a body, but of a message of a dealer: there it is what is said before the last. */
  inProgress: 1,
  /** The body is an outward code of chapter 14. */
  refused: 2,
} as const;

/** The answer to one request. */
export interface ReplyRecord extends RecordName {
  /** One of {@link replyStatus}. */
  readonly status: number;
  readonly body: Uint8Array;
}

/** What the replies to one pool stream are sealed with. */
export interface ReplySource {
  readonly keySource: KeySource;
  readonly keyinfo: Uint8Array;
}

/**
 * rctx32: binds replies to the stream and to the pool, by what everybody sees of both; 32 bytes, the caller's.
 *
 * @param keyinfo - of the replies
 * @throws TridcommError `E_USAGE` for arguments of wrong lengths
 */
export function replyContext(provider: CryptoProvider, keyinfo: Uint8Array, poolHash32: Uint8Array): Uint8Array {
  checkWidth('keyinfo', keyinfo, 32);
  checkWidth('pool hash', poolHash32, 32);
  return provider.sha256(contextPrefix, keyinfo, poolHash32);
}

/** The keyinfo of the replies to a pool stream; 32 bytes, the caller's. */
export function replyKeyinfo(provider: CryptoProvider, enc32: Uint8Array): Uint8Array {
  return provider.sha256(enc32);
}

/**
 * The key source of the replies to a pool stream, at both ends.
 *
 * @param terms - of the stream
 * @param replySecret32 - of its setup; copied
 * @spec patterns.21
 */
export function replySource(
  provider: CryptoProvider,
  { suite, poolHash32 }: Pick<PoolTerms, 'suite' | 'poolHash32'>,
  enc32: Uint8Array,
  replySecret32: Uint8Array,
): ReplySource {
  const keyinfo = replyKeyinfo(provider, enc32);
  const context32 = replyContext(provider, keyinfo, poolHash32);
  return {
    keySource: {
      suite,
      sourceSecret32: new Uint8Array(replySecret32),
      groupContext32: context32,
      bind32: context32,
    },
    keyinfo,
  };
}

/**
 * The payload of one reply; the caller's.
 *
 * @param takesNews - whether it is to a message of a dealer, so that status 1 has a body
 * @throws TridcommError `E_LIMIT`, `E_USAGE` for what no requester takes
 */
export function encodeReply({ id32, leaf, index, status, body }: ReplyRecord, takesNews = false): Uint8Array {
  checkWidth('id', id32, 32);
  const head = new Uint8Array(9);
  for (const [at, name, value] of [[0, 'leaf', leaf] as const, [4, 'index', index] as const]) {
    checkLimit(name, value, 0xffff_ffff);
    if (!Number.isInteger(value) || value < 0) throw new TridcommError('E_USAGE', `${name} ${value}`);
    writeU32(head, at, value);
  }
  head[8] = status;
  const payload = concat(id32, head, body);
  const fault = faultOf(payload, takesNews);
  if (fault !== undefined) throw new TridcommError('E_USAGE', fault);
  return payload;
}

/** Bytes of the payload of a reply. */
export function replyBytes({ body }: Pick<ReplyRecord, 'body'>): number {
  return headBytes + body.length;
}

/** What the other records of an envelope of replies to messages leave free, so that a forward can hold it. */
export function replyReservedBytes(): number {
  return reservedToForward(32, [8, 2 * 16]);
}

/** A reply from its payload, which {@link checkReplyRecords} has seen; views. */
export function decodeReply(payload: Uint8Array): ReplyRecord {
  return {
    id32: payload.subarray(0, 32),
    leaf: readU32(payload, 32),
    index: readU32(payload, 36),
    status: payload[40]!,
    body: payload.subarray(headBytes),
  };
}

/** What step 14 asks of the records of a reply. @spec patterns.24, patterns.42 */
export function checkReplyRecords({ header }: EnvelopeView | JobView, records: Records): void {
  const takesNews = header.patternKind === patternKinds.routerDealer.reply;
  for (const { payload } of records) {
    const fault = faultOf(payload, takesNews);
    if (fault !== undefined) throw new TridcommError('E_ENCODING', fault);
  }
}

/**
 * What the body of status 2 says: `E_REFUSED` where it is a code that is not known.
 *
 * @spec patterns.24
 */
export function replyCode(body: Uint8Array): ErrorCode {
  const text = decodeUtf8(body);
  return text !== undefined && Object.hasOwn(errorTable, text) ? (text as ErrorCode) : 'E_REFUSED';
}

/**
 * What step 8 asks of the form of a reply to a pool stream, before anything else.
 *
 * @param isOfMessages - whether the stream is one of messages of a dealer; undefined where there is no stream
 * @throws TridcommError `E_ENCODING`, `E_EXT`, `E_LENGTH`
 * @spec patterns.23, patterns.42
 */
export function checkReplyForm(view: EnvelopeView, isOfMessages: boolean | undefined): void {
  const { keyinfo } = view;
  const { patternKind, flags } = view.header;
  const isBatch = (flags & (flagBits.batch | flagBits.merkle)) === flagBits.batch;
  const isOfRequests = isOfMessages !== true && patternKind === patternKinds.reqRep.reply;
  const isOfDealers = isOfMessages !== false && patternKind === patternKinds.routerDealer.reply;
  if ((!isOfRequests && !isOfDealers) || !isBatch) {
    throw refusal('E_ENCODING', 'no reply, or not as a whole batch');
  }
  checkAnswerExtensions(view);
  if (keyinfo.length !== 32) throw refusal('E_LENGTH', `keyinfo of ${keyinfo.length} bytes, not 32`);
}

/**
 * What to seal for replies to one pool stream: a whole batch.
 *
 * @param replies - 1 or more
 * @param fields - as {@link answerExtensions} takes them; `keyinfo` of the {@link ReplySource}; the clock
 * @param takesNews - whether they are to messages of a dealer, so that a forward has to hold the envelope
 * @spec patterns.21, patterns.42
 */
export function replyInput(
  replies: readonly ReplyRecord[],
  fields: AnswerFields & { readonly keyinfo: Uint8Array; readonly timestampMs: number },
  takesNews = false,
): SealInput {
  const { timestampMs, keyinfo } = fields;
  const messages = replies.map((reply) => ({ timestampMs, payload: encodeReply(reply, takesNews) }));
  const input: SealInput = { form: 'batch', messages, timestampMs, keyinfo, extensions: answerExtensions(fields) };
  return takesNews ? { ...input, mostBytes: limits.forwardableBytes } : input;
}

/** What an answer says of the group that it travels in. */
export interface AnswerFields {
  /** Of the responder's view. */
  readonly headSeq: number;
  /** The answer chain. */
  readonly chain: Uint8Array;
}

/** Extensions of an answer: 8, and 9 with the answer chain. @spec topics.13, principals.31 */
export function answerExtensions({ headSeq, chain }: AnswerFields): ExtensionInput[] {
  return [headSeqExtension(headSeq), { number: numbers.topicChain, value: chain }];
}

/** That of every answer: extension 8, and 9 with two values. */
export function checkAnswerExtensions({ extensions }: EnvelopeView | JobView): void {
  if (extensions.value(numbers.headSeq) === undefined) throw refusal('E_EXT', 'no extension 8');
  if (extensions.value(numbers.topicChain)?.length !== 2 * 16) throw refusal('E_EXT', 'no extension 9 of two values');
}

function faultOf(payload: Uint8Array, takesNews: boolean): string | undefined {
  if (payload.length < headBytes) return `reply of ${payload.length} bytes`;
  const status = payload[40]!;
  if (status > replyStatus.refused) return `status ${status}`;
  const hasBody = payload.length > headBytes;
  return status === replyStatus.inProgress && hasBody && !takesNews ? 'status 1 with a body' : undefined;
}

const headBytes = 32 + 4 + 4 + 1;
const contextPrefix = ascii(`${labels.replyContext}\0`);
