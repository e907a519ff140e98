import { copyOf } from '../bytes/bytes.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { KeySource, LateKeySource } from '../envelope/key-source.ts';
import { beginParsed, type Opened, type PendingOpen, type SenderKey, type TopicKeys } from '../envelope/open.ts';
import { TridcommError } from '../errors.ts';
import { freshnessLimits, type FreshnessRule } from '../replay/freshness.ts';
import type { ReplayState } from '../replay/sourced-replay.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Extensions } from '../wire/extensions.ts';
import { HeaderView } from '../wire/header.ts';
import { nameOf } from './names.ts';
import { checkAnswerExtensions } from './replies.ts';
import { refusal } from './refusal.ts';
import { openSurveyReply, surveyInfo } from './survey.ts';

/** A survey of one's own, from its question on. */
export interface OwnSurvey {
  /** `id32` of the question: it names the survey. */
  readonly questionId32: Uint8Array;
  readonly suite: number;
  readonly epoch: number;
  readonly deadlineMs: number;
  readonly maxReplies: number;
  /** Copied. */
  readonly privateKey32: Uint8Array;
}

/** What an asker asks of the group behind it. */
export interface SurveyAskerOptions {
  readonly provider: CryptoProvider;
  /** Step 10. */
  readonly freshness?: FreshnessRule;
  /** Step 7: whether a tag is an answer tag of our own in the group. */
  isAnswerTag(topicTag16: Uint8Array): boolean;
  /** Step 8: throws `E_STALE` where the view of the group is not fresh, and the group does not take that. */
  checkView(nowMs: number): void;
  /** Step 9, as of a `Receiver`. */
  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined;
  /** Step 9: whether the writers of the view let this sender respond. */
  mayRespond(sender: SenderKey, header: HeaderView, extensions: Extensions): boolean;
  /** Surveys that are open at a time; default 4,096. */
  readonly mostSurveys?: number;
}

/**
 * Who asks surveys: one reply of each responder, up to a deadline and a number.
 *
 * A survey that is over is known for a while, so that its late replies are told from those to nobody.
 *
 * @spec patterns.30, patterns.31, patterns.32, patterns.33, patterns.34
 */
export class SurveyAsker {
  readonly #options: SurveyAskerOptions;
  readonly #freshness: FreshnessRule;
  readonly #most: number;
  readonly #surveys = new Map<string, AskedSurvey>();
  /** Names of those that have not ended. */
  readonly #open = new Set<string>();

  constructor(options: SurveyAskerOptions) {
    this.#options = options;
    this.#freshness = options.freshness ?? {};
    this.#most = options.mostSurveys ?? defaultSurveys;
  }

  /** Surveys that are not forgotten. */
  get held(): number {
    return this.#surveys.size;
  }

  /** @throws TridcommError `E_LIMIT` where too many are open */
  checkRoom(): void {
    if (this.#open.size >= this.#most) throw new TridcommError('E_LIMIT', `${this.#most} surveys are open`);
  }

  /** A question goes out. @throws TridcommError `E_LIMIT` where too many are open */
  asked(survey: OwnSurvey): void {
    const name = nameOf(survey.questionId32);
    if (this.#surveys.has(name)) throw new TridcommError('E_USAGE', 'survey that was asked');
    this.checkRoom();
    this.#surveys.set(name, new AskedSurvey(survey, this.#freshness, () => void this.#open.delete(name)));
    this.#open.add(name);
  }

  /**
   * Steps 7 to 11 for a reply.
   *
   * @param view - kept; its bytes stay as they are until the end
   * @returns undefined where the tag is none of ours, or the reply names no question that is known: not delivered, and nothing is said to anybody
   * @throws TridcommError the refusal
   * @spec patterns.30, patterns.31, patterns.32
   */
  begin(view: EnvelopeView, nowMs: number): PendingOpen | undefined {
    const { provider } = this.#options;
    if (!this.#options.isAnswerTag(view.header.topicTag)) return undefined;
    const survey = this.#surveys.get(nameOf(view.keyinfo.subarray(0, 32)));
    if (survey === undefined && view.keyinfo.length >= 32) return undefined;
    checkSurveyReplyForm(view);
    if (survey === undefined) return undefined;
    const keys: TopicKeys = {
      keySource: (epoch) => {
        if (epoch !== survey.epoch)
          throw refusal('E_EPOCH', `reply of epoch ${epoch} to a question of ${survey.epoch}`);
        this.#options.checkView(nowMs);
        survey.checkOpen(nowMs);
        return survey.keySource(provider, view.keyinfo.subarray(32));
      },
    };
    return beginParsed(
      {
        provider,
        replay: survey,
        findTopic: () => keys,
        findSender: (senderId16, atMs) => this.#options.findSender(senderId16, atMs),
        mayWrite: (sender, header, extensions) => this.#options.mayRespond(sender, header, extensions),
      },
      view,
      nowMs,
    );
  }

  /** The id of the question that an opened reply answers; views. */
  questionOf({ keyinfo }: Opened): Uint8Array {
    return keyinfo.subarray(0, 32);
  }

  /** A survey takes no reply any more, and is known until no fresh reply can name it. */
  end(questionId32: Uint8Array): void {
    this.#surveys.get(nameOf(questionId32))?.erase();
  }

  /** A question did not go out: nobody can answer it. */
  withdraw(questionId32: Uint8Array): void {
    this.end(questionId32);
    this.#surveys.delete(nameOf(questionId32));
  }

  /** Lets time pass: overwrites the keys of surveys that are over, and forgets those that no fresh reply can name any more. @spec patterns.33 */
  tick(nowMs: number): void {
    const { maxAgeMs, skewMs } = freshnessLimits(this.#freshness);
    for (const [name, survey] of this.#surveys) {
      if (nowMs > survey.deadlineMs) survey.erase();
      if (nowMs > survey.deadlineMs + maxAgeMs + skewMs) this.#surveys.delete(name);
    }
  }

  /** Overwrites all keys. */
  stop(): void {
    for (const survey of this.#surveys.values()) survey.erase();
    this.#surveys.clear();
  }
}

/**
 * One survey: its key and who has replied. That takes the place of chapter 10's streams, as everybody replies once, whatever stream it uses.
 *
 * @spec patterns.32
 */
class AskedSurvey implements ReplayState {
  readonly freshness: FreshnessRule;
  readonly epoch: number;
  readonly deadlineMs: number;
  readonly #survey: OwnSurvey;
  readonly #onEnd: () => void;
  /** Sender ids of those whose reply was taken, until the end. */
  readonly #taken = new Set<string>();
  #isFull = false;
  #isErased = false;

  /** @param onEnd - called when the key is overwritten */
  constructor(survey: OwnSurvey, freshness: FreshnessRule, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.freshness = freshness;
    this.epoch = survey.epoch;
    this.deadlineMs = survey.deadlineMs;
    this.#survey = {
      ...survey,
      questionId32: copyOf(survey.questionId32),
      privateKey32: copyOf(survey.privateKey32),
    };
  }

  /** @spec patterns.31 */
  checkOpen(nowMs: number): void {
    if (nowMs > this.deadlineMs) throw refusal('E_EXPIRED', `survey until ${this.deadlineMs}, clock ${nowMs}`);
    this.#checkTakes();
  }

  /** @spec patterns.34 */
  keySource(provider: CryptoProvider, enc32: Uint8Array): LateKeySource {
    const { suite, questionId32, privateKey32 } = this.#survey;
    const termsOf = (responderKeyId32: Uint8Array) => ({ suite, questionId32, responderKeyId32 });
    return {
      suite,
      bindTo: (senderKeyId32) => provider.sha256(surveyInfo(termsOf(senderKeyId32))),
      take: (senderKeyId32): KeySource => {
        // Another reply may have been faster, or the deadline, and the key is gone.
        this.#checkTakes();
        return openSurveyReply(provider, termsOf(senderKeyId32), privateKey32, enc32).keySource;
      },
      keep: () => undefined,
    };
  }

  lookUp(header: Uint8Array): 'new' {
    if (this.#taken.has(senderOf(header))) throw refusal('E_REPLAY', 'second reply of one responder');
    return 'new';
  }

  /** Nothing is said about numbers of streams, so there is nothing to compare. */
  compare(): void {}

  decideFork(): void {}

  pendingWrites(): undefined {
    return undefined;
  }

  stored(): undefined {
    return undefined;
  }

  commit(header: Uint8Array): void {
    // What was opened before the end and comes here after it: who had replied is not known any more.
    this.#checkTakes();
    this.lookUp(header);
    this.#taken.add(senderOf(header));
    this.#isFull = this.#taken.size === this.#survey.maxReplies;
    if (this.#isFull) this.erase();
  }

  /** Overwrites the key: the survey takes no reply any more, whoever has sent one. @spec patterns.33 */
  erase(): void {
    if (this.#isErased) return;
    this.#isErased = true;
    this.#survey.privateKey32.fill(0);
    this.#taken.clear();
    this.#onEnd();
  }

  #checkTakes(): void {
    if (this.#isFull) throw refusal('E_LIMIT', `${this.#survey.maxReplies} replies are taken`);
    if (this.#isErased) throw refusal('E_EXPIRED', 'survey that was ended');
  }
}

/** What step 8 asks of the form of a reply to a survey, before anything else. @spec patterns.31 */
function checkSurveyReplyForm(view: EnvelopeView): void {
  const { header, keyinfo } = view;
  if (header.patternKind !== patternKinds.survey.reply || header.flags !== 0 || header.seq !== 1) {
    throw refusal('E_ENCODING', 'no reply to a survey, or not as the only single of its stream');
  }
  checkAnswerExtensions(view);
  if (keyinfo.length !== 32 + 32) throw refusal('E_LENGTH', `keyinfo of ${keyinfo.length} bytes, not 64`);
}

function senderOf(header: Uint8Array): string {
  return nameOf(new HeaderView(header).senderId);
}

const defaultSurveys = 4096;
