import {
  parseTopic,
  TridcommError,
  type HeardReply,
  type RandomSource,
  type RoutedDelivery,
  type WorkDelivery,
} from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { Forwards } from './forwards.ts';
import { messageReplyHeadBytes, replyHeadBytes } from './pattern-bounds.ts';
import type { PatternParts } from './pattern-parts.ts';
import { payloadOf } from './payloads.ts';
import type { Reply } from './pending-request.ts';
import type { Durability, Receipt } from './publish-outcome.ts';
import { pushJobs } from './pushes.ts';
import { QuestionAnswers, type QuestionHandler } from './question-answers.ts';
import type { AskOptions, DealOptions, JobInput, PushOptions, RequestOptions } from './request-options.ts';
import { ReplyForwarding } from './reply-forwarding.ts';
import { Requests } from './requests.ts';
import { checkRoute, type Forwarder, type RouteHandler, type RouteOptions } from './route-options.ts';
import { runWork, type RunResult } from './run-work.ts';
import type { SurveyReplies } from './survey-replies.ts';
import { Surveys } from './surveys.ts';
import { isThenable } from './thenable.ts';
import { TopicRoute } from './topic-route.ts';
import { TopicWork, type TopicWorkParts } from './topic-work.ts';
import { JobRun, noNews, RequestRun, type RequestSpeech } from './work-context.ts';
import {
  checkHandler,
  checkWork,
  type JobContext,
  type JobHandler,
  type RequestContext,
  type RequestHandler,
  type RespondOptions,
  type WorkOptions,
} from './work-options.ts';

/** What the patterns besides PUB/SUB need of their client. */
export interface PatternsParts extends PatternParts {
  readonly random: RandomSource;
}

/** What a handler does with one request, job or message; what comes of it, or of its promise, is not looked at yet. */
type Handle<Transaction> = (context: JobContext<Transaction>) => unknown;

/** Requests, jobs, messages of dealers and surveys of a client, on both sides; and what routers do. */
export class Patterns {
  readonly #parts: PatternsParts;
  readonly #requests: Requests;
  readonly #surveys: Surveys;
  readonly #forwards: Forwards;
  readonly #works = new Set<TopicWork>();
  readonly #routes = new Set<TopicRoute>();
  readonly #forwardings = new Set<ReplyForwarding>();
  readonly #answers = new Set<QuestionAnswers>();

  constructor(parts: PatternsParts) {
    this.#parts = parts;
    this.#requests = new Requests(parts);
    this.#surveys = new Surveys(parts);
    this.#forwards = new Forwards(parts);
  }

  async request(topic: string, body: Uint8Array | string, options: RequestOptions): Promise<Reply> {
    return this.#requests.request(topic, body, options);
  }

  async deal(topic: string, body: Uint8Array | string, options: DealOptions): Promise<Reply> {
    return this.#requests.deal(topic, body, options);
  }

  async push(
    topic: string,
    jobs: readonly (Uint8Array | string | JobInput)[],
    options: PushOptions & { readonly durability: Durability },
  ): Promise<Receipt> {
    return pushJobs(this.#parts, topic, jobs, options);
  }

  respond<T>(topic: string, handler: RequestHandler<T>, options: RespondOptions<T>): TopicWork {
    checkHandler(handler);
    // What #work makes for a request or message.
    return this.#work('request', topic, options, (request) => handler(request as RequestContext<T>));
  }

  pull<T>(topic: string, handler: JobHandler<T>, options: WorkOptions<T>): TopicWork {
    checkHandler(handler);
    return this.#work('job', topic, options, (job) => {
      const done: unknown = handler(job);
      return isThenable(done) ? done.then(() => '') : '';
    });
  }

  route(topic: string, handler: RouteHandler, options: RouteOptions, own: Forwarder): TopicRoute {
    checkHandler(handler);
    const capacity = checkRoute(options);
    const onClose = () => this.#routes.delete(route);
    const route: TopicRoute = new TopicRoute({ ...this.#parts, topic, handler, capacity, own, onClose });
    this.#routes.add(route);
    return route;
  }

  async forward(delivery: RoutedDelivery, workerKeyId32: Uint8Array): Promise<void> {
    await this.#forwards.forward(delivery, workerKeyId32);
  }

  async forwardReply(reply: HeardReply): Promise<void> {
    await this.#forwards.forwardReply(reply);
  }

  forwardReplies(topic: string, to: Forwarder): ReplyForwarding {
    const onClose = () => this.#forwardings.delete(forwarding);
    const forwarding: ReplyForwarding = new ReplyForwarding(this.#parts, topic, to, onClose);
    this.#forwardings.add(forwarding);
    return forwarding;
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
    for (const forwarding of this.#forwardings) forwarding.close();
    await Promise.all(Array.from([...this.#works, ...this.#routes], async (work) => work.close()));
  }

  close(error: TridcommError): void {
    for (const answers of this.#answers) answers.close();
    for (const forwarding of this.#forwardings) forwarding.close();
    for (const work of [...this.#works, ...this.#routes]) work.end(error);
    this.#requests.close(error);
    this.#surveys.close(error);
  }

  #work<T>(kind: TopicWorkParts['kind'], topic: string, options: RespondOptions<T>, handle: Handle<T>): TopicWork {
    const concurrency = checkWork(options);
    const { effects, forwardedOnly } = options;
    const capacity = forwardedOnly === true ? 0 : undefined;
    const run: TopicWorkParts['run'] = ({ work }, unit, running, { progress, say: sayBytes }) => {
      const { kind: ofKind, sender: record, topic: ofTopic, groupId16, timestampMs: sealedMs } = unit.delivery!;
      const sender = { name: record.name, keyId32: record.key.keyId32 };
      const { body, deadlineMs, key16 } = work;
      const toRun = {
        kind: ofKind,
        topic: ofTopic,
        work,
        requesterKeyId32: sender.keyId32,
        frontId16: groupId16,
        sealedMs,
      };
      let hasEnded = false;
      // oxlint-disable-next-line typescript/promise-function-async -- a refusal that nobody awaits must not end the process
      const say = (news: Uint8Array | string): Promise<void> => {
        if (hasEnded) throw new TridcommError('E_USAGE', 'news of a message that was answered');
        return sayBytes(this.#bytesOf(ofTopic, ofKind, news));
      };
      const speech: RequestSpeech =
        ofKind === 'message' ? { kind: 'message', progress, say } : { kind: 'request', progress, say: noNews };
      let thrown: unknown;
      const failed = (error: unknown): never => {
        thrown = error;
        throw error;
      };
      const result = runWork(effects, toRun, (transaction) => {
        // It may run more than once, and gets bytes of its own each time.
        const [data, key] = [new Uint8Array(body), new Uint8Array(key16)];
        const fields = { data, sender, topic: ofTopic, deadlineMs, key, transaction };
        const context = kind === 'job' ? new JobRun(fields, running) : new RequestRun(fields, running, speech);
        let answer: unknown;
        try {
          answer = handle(context);
        } catch (error) {
          return failed(error);
        }
        if (!isThenable(answer)) return this.#bytesOf(ofTopic, ofKind, answer);
        return Promise.resolve(answer)
          .catch(failed)
          .then((later) => this.#bytesOf(ofTopic, ofKind, later));
      });
      const told = (what: RunResult) => {
        hasEnded = true;
        if (what.type !== 'failed' || kind === 'job' || what.error !== thrown || !isToldAsIs(thrown)) {
          this.#tell(what, groupId16);
        }
        return what;
      };
      return result instanceof Promise ? result.then(told) : told(result);
    };
    const onClose = () => this.#works.delete(topicWork);
    const topicWork: TopicWork = new TopicWork({ ...this.#parts, kind, topic, concurrency, capacity, run, onClose });
    this.#works.add(topicWork);
    return topicWork;
  }

  /** What a handler gave, as a copy: it is sealed later, maybe more than once. What fits no envelope can be no answer. */
  #bytesOf(topic: string, kind: WorkDelivery['kind'], answer: unknown): Uint8Array {
    const bytes = payloadOf(topic, answer);
    const mostItem = this.#parts.mostItemBytes() - replyHeadBytes;
    // Routers have to be able to forward it.
    const most = kind === 'message' ? Math.min(mostItem, limits.forwardableBytes - messageReplyHeadBytes) : mostItem;
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
