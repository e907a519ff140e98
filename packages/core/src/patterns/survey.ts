import { ascii, checkWidth, concat, readU16, readU32, readU64, writeU16, writeU32, writeU64 } from '../bytes/bytes.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import { requireAead } from '../crypto/suite.ts';
import type { KeySource } from '../envelope/key-source.ts';
import type { SealInput } from '../envelope/seal.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { setupSender } from '../hpke/setup.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import { flagBits } from '../wire/header.ts';
import { exportedSource, receiverContext } from './hpke-source.ts';
import { checkPubSubForm } from './pub-sub.ts';
import { headSeqExtension } from './head-seq.ts';
import { answerExtensions, type AnswerFields } from './replies.ts';
import { refusal } from './refusal.ts';

/*
 * extension 2 = survey_id16 ‖ u64 deadline ‖ u32 max_reply ‖ vec16(reply_pk)
 * info        = "tdc1 survey" ‖ 0x00 ‖ u16 suite ‖ id32 of the question ‖ responder_key_id32
 * keyinfo     = id32 of the question ‖ enc32
 */

/** What a question says besides its payload. */
export interface SurveyQuestion {
  readonly surveyId16: Uint8Array;
  readonly deadlineMs: number;
  /** How many replies are taken. */
  readonly maxReplies: number;
  /** X25519, made for this survey. */
  readonly replyKey32: Uint8Array;
}

/** What the reply of one responder is sealed with. */
export interface SurveyTerms {
  /** Of the question. */
  readonly suite: number;
  /** `id32` of the question. */
  readonly questionId32: Uint8Array;
  readonly responderKeyId32: Uint8Array;
}

/** The key source of a reply, and what it is made of. */
export interface SurveySetup {
  readonly info: Uint8Array;
  readonly keySource: KeySource;
}

/**
 * The value of extension 2; the caller's.
 *
 * @throws TridcommError `E_LIMIT`, `E_USAGE` for what no receiver takes
 * @spec patterns.27
 */
export function encodeSurvey({ surveyId16, deadlineMs, maxReplies, replyKey32 }: SurveyQuestion): Uint8Array {
  checkWidth('survey id', surveyId16, 16);
  checkWidth('reply key', replyKey32, 32);
  checkLimit('deadline', deadlineMs, limits.safeInteger);
  checkLimit('replies', maxReplies, limits.surveyReplies);
  if (!(Number.isInteger(maxReplies) && maxReplies >= 1)) throw new TridcommError('E_USAGE', `${maxReplies} replies`);
  if (!(Number.isInteger(deadlineMs) && deadlineMs >= 0)) throw new TridcommError('E_USAGE', `deadline ${deadlineMs}`);
  const numbersAndLength = new Uint8Array(8 + 4 + 2);
  writeU64(numbersAndLength, 0, deadlineMs);
  writeU32(numbersAndLength, 8, maxReplies);
  writeU16(numbersAndLength, 12, 32);
  return concat(surveyId16, numbersAndLength, replyKey32);
}

/** What extension 2 says, in an envelope that {@link checkQuestionForm} has seen; views. */
export function decodeSurvey(value: Uint8Array): SurveyQuestion {
  return {
    surveyId16: value.subarray(0, 16),
    deadlineMs: readU64(value, 16),
    maxReplies: readU32(value, 24),
    replyKey32: value.subarray(30),
  };
}

/**
 * What step 8 asks of an envelope in a group for SURVEY beyond its epoch.
 *
 * @throws TridcommError `E_ENCODING`, `E_EXT`
 * @spec patterns.28
 */
export function checkQuestionForm(view: EnvelopeView | JobView): void {
  checkPubSubForm(view, false, patternKinds.survey.question);
  const { extensions, header } = view;
  if ((header.flags & flagBits.batch) !== 0) throw refusal('E_ENCODING', 'question as a batch');
  const value = extensions.value(numbers.survey);
  if (value === undefined) throw refusal('E_EXT', 'no extension 2');
  const { deadlineMs, maxReplies } = decodeSurvey(value);
  const waitsMs = deadlineMs - header.timestampMs;
  if (waitsMs < 0 || waitsMs > limits.surveyMs) throw refusal('E_EXT', `deadline ${deadlineMs}`);
  if (maxReplies === 0 || maxReplies > limits.surveyReplies) throw refusal('E_EXT', `${maxReplies} replies`);
  if (readU16(value, 28) !== 32) throw refusal('E_EXT', `reply key of ${readU16(value, 28)} bytes`);
}

/** What HPKE is told of a reply; the caller's. Its hash is group_ctx32 and bind32. */
export function surveyInfo({ suite, questionId32, responderKeyId32 }: SurveyTerms): Uint8Array {
  checkWidth('id of the question', questionId32, 32);
  checkWidth('key id', responderKeyId32, 32);
  const suiteBytes = new Uint8Array(2);
  writeU16(suiteBytes, 0, suite);
  return concat(infoPrefix, suiteBytes, questionId32, responderKeyId32);
}

/**
 * Begins the reply of one responder.
 *
 * @param replyKey32 - of the question; not changed, not kept
 * @param random - asked once, for 32 bytes, which are overwritten
 * @throws TridcommError `E_KEY` for a reply key of small order; `E_USAGE` for a suite or width that cannot be
 * @spec patterns.27
 */
export function setupSurveyReply(
  provider: CryptoProvider,
  terms: SurveyTerms,
  replyKey32: Uint8Array,
  random: RandomSource,
): SurveySetup & { readonly enc32: Uint8Array; readonly keyinfo: Uint8Array } {
  const info = surveyInfo(terms);
  const { enc32, context } = setupSender(provider, requireAead(terms.suite), replyKey32, info, { random });
  const keySource = exportedSource(provider, terms.suite, info, context, replyContext);
  return { info, keySource, enc32, keyinfo: concat(terms.questionId32, enc32) };
}

/**
 * The same at the asker's end.
 *
 * @param privateKey32 - of the survey; not changed, not kept
 * @throws TridcommError `E_AEAD` for an `enc` that gives no shared secret; `E_USAGE` for a suite or width that cannot be
 * @spec patterns.34
 */
export function openSurveyReply(
  provider: CryptoProvider,
  terms: SurveyTerms,
  privateKey32: Uint8Array,
  enc32: Uint8Array,
): SurveySetup {
  const info = surveyInfo(terms);
  const keyPair = { secretKey: privateKey32, publicKey: provider.publicKey('x25519', privateKey32) };
  const context = receiverContext(provider, terms.suite, enc32, keyPair, info);
  return { info, keySource: exportedSource(provider, terms.suite, info, context, replyContext) };
}

/**
 * What to seal for a question: a single.
 *
 * @param headSeq - of the asker's view of the group
 * @throws TridcommError as {@link encodeSurvey}
 * @spec patterns.27, principals.31
 */
export function questionInput(
  question: SurveyQuestion,
  body: Uint8Array,
  headSeq: number,
  timestampMs: number,
): SealInput {
  const extensions = [{ number: numbers.survey, value: encodeSurvey(question) }, headSeqExtension(headSeq)];
  return { form: 'single', messages: [{ timestampMs, payload: body }], timestampMs, extensions };
}

/**
 * What to seal for the reply of one responder: a single.
 *
 * @param fields - as `answerExtensions` takes them; `keyinfo` of the setup; the clock
 * @spec patterns.27
 */
export function surveyReplyInput(
  body: Uint8Array,
  fields: AnswerFields & { readonly keyinfo: Uint8Array; readonly timestampMs: number },
): SealInput {
  const { timestampMs, keyinfo } = fields;
  const extensions = answerExtensions(fields);
  return { form: 'single', messages: [{ timestampMs, payload: body }], timestampMs, keyinfo, extensions };
}

const infoPrefix = ascii(`${labels.surveyInfo}\0`);
const replyContext = ascii(labels.surveyReply);
