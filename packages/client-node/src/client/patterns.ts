import { parseTopic, TridcommError, type RandomSource } from '@tridcomm/core';
import { replyHeadBytes } from './pattern-bounds.ts';
import type { PatternParts } from './pattern-parts.ts';
import { payloadOf } from './payloads.ts';
import type { Reply } from './pending-request.ts';
import type { Durability, Receipt } from './publish-outcome.ts';
import { pushJobs } from './pushes.ts';
import { QuestionAnswers, type QuestionHandler } from './question-answers.ts';
import type { AskOptions, JobInput, PushOptions, RequestOptions } from './request-options.ts';
import { Requests } from './requests.ts';
import { runWork, type RunResult } from './run-work.ts';
import type { SurveyReplies } from './survey-replies.ts';
import { Surveys } from './surveys.ts';
import { TopicWork, type TopicWorkParts } from './topic-work.ts';
import {
  checkHandler,
  checkWork,
  type JobHandler,
  type RequestContext,
  type RequestHandler,
  type WorkOptions,
} from './work-options.ts';

/** What the patterns besides PUB/SUB need of their client. */
export interface PatternsParts extends PatternParts {
  readonly random: RandomSource;
}

/** What a handler does with one request or job; what comes of it is not looked at yet. */
type Handle<Transaction> = (context: RequestContext<Transaction>) => Promise<Uint8Array | string>;

/** Requests, jobs and surveys of a client, on both sides. */
export class Patterns {
  readonly #parts: PatternsParts;
  readonly #requests: Requests;
  readonly #surveys: Surveys;
  readonly #works = new Set<TopicWork>();
  readonly #answers = new Set<QuestionAnswers>();

  constructor(parts: PatternsParts) {
    this.#parts = parts;
    this.#requests = new Requests(parts);
    this.#surveys = new Surveys(parts);
  }

  async request(topic: string, body: Uint8Array | string, options: RequestOptions): Promise<Reply> {
    return this.#requests.request(topic, body, options);
  }

  async push(
    topic: string,
    jobs: readonly (Uint8Array | string | JobInput)[],
    options: PushOptions & { readonly durability: Durability },
  ): Promise<Receipt> {
    return pushJobs(this.#parts, topic, jobs, options);
  }

  respond<T>(topic: string, handler: RequestHandler<T>, options: WorkOptions<T>): TopicWork {
    checkHandler(handler);
    return this.#work('request', topic, options, async (request) => handler(request));
  }

  pull<T>(topic: string, handler: JobHandler<T>, options: WorkOptions<T>): TopicWork {
    checkHandler(handler);
    return this.#work('job', topic, options, async (context) => {
      const { data, sender, topic: ofTopic, deadlineMs, key, signal, transaction } = context;
      await handler({ data, sender, topic: ofTopic, deadlineMs, key, signal, transaction });
      return '';
    });
  }

  ask(topic: string, body: Uint8Array | string, options: AskOptions): SurveyReplies {
    return this.#surveys.ask(topic, body, options);
  }

  answer(topic: string, handler: QuestionHandler): QuestionAnswers {
    checkHandler(handler);
    const { text } = parseTopic(topic);
    for (const other of this.#answers) {
      // Each member replies once to a question: the second would find that it is answered.
      if (other.topic === text) throw new TridcommError('E_USAGE', 'questions that this client answers already');
    }
    const answers: QuestionAnswers = new QuestionAnswers(this.#parts, topic, handler, () =>
      this.#answers.delete(answers),
    );
    this.#answers.add(answers);
    return answers;
  }

  /** A link is open, and everything was asked of its broker. */
  opened(): void {
    this.#requests.opened();
  }

  lost(): void {
    for (const work of this.#works) work.lost();
  }

  tick(): void {
    this.#requests.tick();
    for (const work of this.#works) work.tick();
  }

  /** Takes nothing any more. Resolves when what handlers are at is done. */
  async rest(): Promise<void> {
    for (const answers of this.#answers) answers.close();
    await Promise.all(Array.from(this.#works, async (work) => work.close()));
  }

  close(error: TridcommError): void {
    for (const answers of this.#answers) answers.close();
    for (const work of this.#works) work.end(error);
    this.#requests.close(error);
    this.#surveys.close(error);
  }

  #work<T>(kind: TopicWorkParts['kind'], topic: string, options: WorkOptions<T>, handle: Handle<T>): TopicWork {
    const concurrency = checkWork(options);
    const { effects } = options;
    const run: TopicWorkParts['run'] = async ({ work }, unit, signal, progress) => {
      const { sender: record, topic: ofTopic, groupId16, timestampMs: sealedMs } = unit.delivery!;
      const sender = { name: record.name, keyId32: record.key.keyId32 };
      const { body, deadlineMs, key16 } = work;
      const toRun = { kind, topic: ofTopic, work, requesterKeyId32: sender.keyId32, frontId16: groupId16, sealedMs };
      let thrown: unknown;
      const result = await runWork(effects, toRun, async (transaction) => {
        // It may run more than once, and gets bytes of its own each time.
        const [data, key] = [new Uint8Array(body), new Uint8Array(key16)];
        const context = { data, sender, topic: ofTopic, deadlineMs, key, signal, transaction, progress };
        let answer: unknown;
        try {
          answer = await handle(context);
        } catch (error) {
          thrown = error;
          throw error;
        }
        return this.#bytesOf(ofTopic, answer);
      });
      if (result.type !== 'failed' || kind === 'job' || result.error !== thrown || !isToldAsIs(thrown)) {
        this.#tell(result, groupId16);
      }
      return result;
    };
    const onClose = () => this.#works.delete(topicWork);
    const topicWork: TopicWork = new TopicWork({ ...this.#parts, kind, topic, concurrency, run, onClose });
    this.#works.add(topicWork);
    return topicWork;
  }

  /** What a handler gave, as a copy: it is sealed later, maybe more than once. What fits no envelope can be no answer. */
  #bytesOf(topic: string, answer: unknown): Uint8Array {
    const bytes = payloadOf(topic, answer);
    const most = this.#parts.mostItemBytes() - replyHeadBytes;
    if (bytes.length > most) throw new TridcommError('E_LIMIT', `answer of ${bytes.length} bytes, at most ${most}`);
    return new Uint8Array(bytes);
  }

  /** What whoever asked is not told, or not in so many words. */
  #tell(result: RunResult, groupId16: Uint8Array): void {
    if (result.type !== 'failed' && result.type !== 'refused' && result.type !== 'unknown') return;
    const { type, error } = result;
    if (type === 'failed') this.#parts.tell({ type, what: 'handler', error });
    else if (error instanceof TridcommError) this.#parts.tell({ type: 'refused', what: 'envelope', error, groupId16 });
    else this.#parts.tell({ type: 'failed', what: 'store', error });
  }
}

/** Whether who asked learns what a handler threw: then it is an answer, and nothing to tell here. */
function isToldAsIs(thrown: unknown): boolean {
  return thrown instanceof TridcommError && thrown.outward === thrown.code;
}
