import { limits } from '../codepoints/limits.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { UnsignedEnvelope } from '../envelope/seal.ts';
import { StreamSealer } from '../envelope/stream-sealer.ts';
import { TridcommError } from '../errors.ts';
import { nameOf } from '../patterns/names.ts';
import { questionInput, setupSurveyReply, surveyReplyInput } from '../patterns/survey.ts';
import { SurveyAsker } from '../patterns/survey-asker.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { AnswerTags } from './answer-tags.ts';
import type { Carrier } from './carrier.ts';
import type { EventSink } from './event-sink.ts';
import type { Delivery } from './events.ts';
import type { Group } from './group.ts';
import type { Holdings } from './holdings.ts';
import { openSealed } from './open-steps.ts';
import { askedKind } from './purpose.ts';
import type { SurveyEnd, SurveyHandlers, SurveyReply } from './reply.ts';
import { respondersOf } from './responders.ts';
import { answerTagToSeal, viewToSeal } from './seal-view.ts';
import type { Sealers } from './sealers.ts';
import type { Prepared, Published, Sealing } from './sealing.ts';
import type { SendingParts } from './sending-parts.ts';

/** How a survey is asked. */
export interface SurveyFields {
  /** By when replies are taken, by the asker's clock: at most an hour from now. */
  readonly deadlineMs: number;
  /** How many are taken; default 1,024. */
  readonly maxReplies?: number;
}

/** A question that was sealed and handed to the carrier. */
export interface Asked {
  readonly groupId16: Uint8Array;
  readonly epoch: number;
  readonly headSeq: number;
  readonly envelope: Uint8Array;
  /** Identity of the question. */
  readonly questionId32: Uint8Array;
  /** Takes no reply any more; the end is told. */
  cancel(): void;
}

/** A survey of one's own, until its end was told. */
interface OpenSurvey {
  readonly asker: SurveyAsker;
  readonly questionId32: Uint8Array;
  readonly deadlineMs: number;
  readonly maxReplies: number;
  readonly handlers: SurveyHandlers;
  taken: number;
}

/** A question that may be answered. */
interface Question {
  readonly group: Group;
  readonly suite: number;
}

/** Surveys: the questions of a member with their replies, and its replies to the questions of others. */
export class Surveying {
  readonly #holdings: Holdings;
  readonly #carrier: Carrier;
  readonly #events: EventSink;
  readonly #sealing: Sealing;
  readonly #sealers: Sealers;
  readonly #answers: AnswerTags;
  readonly #hedgeSecret32: Uint8Array;
  readonly #askers = new Map<Group, SurveyAsker>();
  /** By the name of the question. */
  readonly #open = new Map<string, OpenSurvey>();
  readonly #questions = new WeakMap<Delivery, Question>();

  constructor(parts: SendingParts, sealing: Sealing, answers: AnswerTags) {
    this.#holdings = parts.holdings;
    this.#carrier = parts.carrier;
    this.#events = parts.events;
    this.#sealers = parts.sealers;
    this.#hedgeSecret32 = parts.hedgeSecret32;
    this.#sealing = sealing;
    this.#answers = answers;
  }

  /** What there is to ask with for a topic now. @throws TridcommError the refusal */
  prepare(topic: string, nowMs: number): Prepared {
    return this.#sealing.prepare(topic, nowMs, askedKind);
  }

  /** @spec patterns.27, patterns.33, topics.13 */
  ask(topic: string, body: Uint8Array, fields: SurveyFields, nowMs: number, handlers: SurveyHandlers): Asked {
    const { deadlineMs, maxReplies = defaultReplies } = fields;
    const waitsMs = deadlineMs - nowMs;
    if (waitsMs < 0) throw new TridcommError('E_EXPIRED', `deadline ${deadlineMs}, clock ${nowMs}`);
    if (waitsMs > limits.surveyMs) throw new TridcommError('E_LIMIT', `survey of ${waitsMs} ms`);
    const { group, view, epoch, tag16, patternKind } = this.prepare(topic, nowMs);
    const { provider, random, identity } = this.#holdings;
    const { headSeq } = view.head;
    const asker = this.#askerOf(group);
    asker.checkRoom();
    const keyPair = provider.generateKeyPair('x25519');
    const question = { surveyId16: random(16), deadlineMs, maxReplies, replyKey32: keyPair.publicKey };
    const sealer = this.#sealers.of(group.id, epoch, tag16, patternKind);
    const unsigned = sealer.seal(questionInput(question, body, headSeq, nowMs));
    const questionId32 = unsigned.id32;
    const envelope = unsigned.finish(identity.key.sign(unsigned.signInput));
    const { suite } = epoch.keySource;
    asker.asked({ questionId32, suite, epoch: epoch.number, deadlineMs, maxReplies, privateKey32: keyPair.secretKey });
    keyPair.secretKey.fill(0);
    const survey: OpenSurvey = { asker, questionId32, deadlineMs, maxReplies, handlers, taken: 0 };
    this.#open.set(nameOf(questionId32), survey);
    try {
      this.#answers.use(group, nowMs);
      this.#carrier.publish(envelope);
    } catch (error) {
      this.#open.delete(nameOf(questionId32));
      asker.withdraw(questionId32);
      throw error;
    }
    const cancel = () => {
      if (this.#open.has(nameOf(questionId32))) this.#events.run(() => this.#end(survey, 'cancelled'));
    };
    return { groupId16: group.groupId16, epoch: epoch.number, headSeq, envelope, questionId32, cancel };
  }

  /** A question came that may be answered, once. */
  asked(delivery: Delivery, group: Group, suite: number): void {
    this.#questions.set(delivery, { group, suite });
  }

  /** @spec patterns.27, patterns.29, topics.13, principals.29, principals.31 */
  answer(delivery: Delivery, body: Uint8Array, nowMs: number): Published {
    const { survey, id32: questionId32, epoch } = delivery;
    const question = this.#questions.get(delivery);
    if (question === undefined || survey === undefined) {
      throw new TridcommError(
        'E_USAGE',
        'no question that was delivered to this member as new, or one that it has answered',
      );
    }
    if (nowMs > survey.deadlineMs)
      throw new TridcommError('E_EXPIRED', `survey until ${survey.deadlineMs}, clock ${nowMs}`);
    const { group, suite } = question;
    const { provider, random, identity, keyId32 } = this.#holdings;
    const view = viewToSeal(this.#holdings, group, nowMs);
    const { tag16, chain } = answerTagToSeal(this.#holdings, group, view, delivery.sender.key.keyId32, nowMs);
    const terms = { suite, questionId32, responderKeyId32: keyId32 };
    const { keySource, keyinfo } = setupSurveyReply(provider, terms, survey.replyKey32, random);
    const sealer = new StreamSealer({
      provider,
      random,
      keySource,
      senderKeyId32: keyId32,
      hedgeSecret32: this.#hedgeSecret32,
      patternKind: patternKinds.survey.reply,
      topicTag16: tag16,
      epoch,
    });
    keySource.sourceSecret32.fill(0);
    const { headSeq } = view.head;
    let unsigned: UnsignedEnvelope;
    try {
      unsigned = sealer.seal(surveyReplyInput(body, { keyinfo, headSeq, chain, timestampMs: nowMs }));
    } finally {
      sealer.erase();
    }
    const envelope = unsigned.finish(identity.key.sign(unsigned.signInput));
    this.#carrier.publish(envelope);
    // What the carrier did not take is no answer.
    this.#questions.delete(delivery);
    return { groupId16: group.groupId16, epoch, headSeq, envelopes: [envelope] };
  }

  /**
   * Takes an envelope under an answer tag in a group for surveys.
   *
   * @returns false where it answers nothing of ours
   * @throws TridcommError the refusal
   * @spec patterns.30, patterns.31, patterns.32, patterns.34
   */
  take(group: Group, view: EnvelopeView, nowMs: number): boolean {
    const asker = this.#askers.get(group);
    const pending = asker?.begin(view, nowMs);
    if (asker === undefined || pending === undefined) return false;
    openSealed(this.#holdings, group, pending, view, nowMs);
    const opened = pending.commit();
    const questionId32 = asker.questionOf(opened);
    const survey = this.#open.get(nameOf(questionId32));
    if (survey === undefined) return true;
    survey.taken += 1;
    const sender = this.#holdings.trust.principal(opened.sender.keyId32)!;
    const reply: SurveyReply = { questionId32: survey.questionId32, sender, body: opened.records.payload(0) };
    this.#events.emit({ type: 'surveyReply', reply });
    this.#events.handle(survey.handlers.onReply, reply);
    if (survey.taken === survey.maxReplies) this.#end(survey, 'enough');
    return true;
  }

  /** Lets time pass. @spec patterns.33 */
  tick(nowMs: number): void {
    for (const asker of this.#askers.values()) asker.tick(nowMs);
    for (const survey of this.#open.values()) if (nowMs > survey.deadlineMs) this.#end(survey, 'deadline');
  }

  stop(): void {
    for (const asker of this.#askers.values()) asker.stop();
    this.#askers.clear();
    this.#open.clear();
  }

  #end(survey: OpenSurvey, reason: SurveyEnd['reason']): void {
    survey.asker.end(survey.questionId32);
    if (!this.#open.delete(nameOf(survey.questionId32))) return;
    const end: SurveyEnd = { questionId32: survey.questionId32, replies: survey.taken, reason };
    this.#events.emit({ type: 'surveyEnd', end });
    this.#events.handle(survey.handlers.onEnd, end);
  }

  #askerOf(group: Group): SurveyAsker {
    const held = this.#askers.get(group);
    if (held !== undefined) return held;
    const { provider, maxAgeMs, skewMs } = this.#holdings;
    const asker = new SurveyAsker({
      provider,
      freshness: { maxAgeMs, skewMs },
      // Who asks has found the group by the tag.
      isAnswerTag: () => true,
      ...respondersOf(group),
    });
    this.#askers.set(group, asker);
    return asker;
  }
}

const defaultReplies = 1_024;
