import type { StandardSchemaV1 } from '@standard-schema/spec';
import { parsePattern, TridcommError, type HeardReply, type RoutedDelivery } from '@tridcomm/core';
import { Member, type MemberParts } from './member.ts';
import type { PublishOptions, SubscribeOptions } from './options.ts';
import { payloadsOf } from './payloads.ts';
import type { Reply } from './pending-request.ts';
import type { Durability, Receipt } from './publish-outcome.ts';
import type { QuestionAnswers, QuestionHandler } from './question-answers.ts';
import type { ReplyForwarding } from './reply-forwarding.ts';
import type { AskOptions, DealOptions, JobInput, PushOptions, RequestOptions } from './request-options.ts';
import type { Forwarder, RouteHandler, RouteOptions } from './route-options.ts';
import type { ClientStatus, StatusEvent } from './status.ts';
import { StatusTarget } from './status-target.ts';
import { Subscription } from './subscription.ts';
import type { SurveyReplies } from './survey-replies.ts';
import type { TopicRoute } from './topic-route.ts';
import type { TopicWork } from './topic-work.ts';
import type { JobHandler, RequestHandler, RespondOptions, WorkOptions } from './work-options.ts';

export type { ClientEventMap } from './status-target.ts';

/** What a client is made of. */
export interface ClientParts extends Omit<MemberParts, 'tell'> {
  readonly durability: Durability;
  /** Called last when the client is closed. */
  readonly onClose: () => void;
}

/**
 * A member of groups, connected to a broker: made by `connect`.
 *
 * It keeps its link: when one is lost it opens another, asks for everything again, and sends once more what was not acknowledged. Its
 * `status` events tell of that, and of what goes wrong besides.
 */
export class TridcommClient extends StatusTarget implements AsyncDisposable {
  readonly #durability: Durability;
  readonly #onClose: () => void;
  readonly #member: Member;
  readonly #subscriptions = new Set<Subscription<unknown>>();
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor({ durability, onClose, ...parts }: ClientParts) {
    super();
    this.#durability = durability;
    this.#onClose = onClose;
    this.#member = new Member({ ...parts, tell: (status) => this.tell(status) });
  }

  /** The name that the authority gave this client; undefined before its record has come. */
  get name(): string | undefined {
    return this.#member.client.trust.principal(this.keyId32)?.name;
  }

  /** 32 bytes; not to be changed. */
  get keyId32(): Uint8Array {
    return this.#member.client.keyId32;
  }

  /** Whether there is a link now. */
  get isOpen(): boolean {
    return this.#member.isOpen;
  }

  /** @internal Opens the first link. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    await this.#member.start(signal);
  }

  /**
   * Signs, seals and sends messages of one topic. What is given in one call, or in one turn, shares an envelope as far as it fits one, and
   * messages of one topic keep their order, but where the broker refuses some for its rate: those go out again later, behind others.
   *
   * While the client has no link it waits; with one, it waits up to 5 s for the right to publish, and then throws why not.
   *
   * @param data - text goes as UTF-8; an array is many messages; bytes are not to be changed before this resolves. With a schema: values, which
   *   go as JSON, and an array is many of them
   * @returns resolves when the broker has the messages as the durability says. For `none` that is when they are handed to the socket: to await
   *   it is what keeps a fast sender from filling the memory
   * @throws TridcommError `E_USAGE` for what is no message, `E_POLICY` without the right to publish, or for a durability that there is not;
   *   `E_STALE` where the authority has not been heard of; `E_LIMIT` for a message above 960 KiB, and when too much waits; the broker's code
   *   where that does not take it; {@link UnacknowledgedError} where nobody knows; {@link SchemaError}; the reason of `signal`; `E_CLOSED`
   */
  async publish<S extends StandardSchemaV1>(
    topic: string,
    data: StandardSchemaV1.InferInput<S> | readonly StandardSchemaV1.InferInput<S>[],
    options: PublishOptions<S> & { readonly schema: S },
  ): Promise<Receipt>;
  async publish(
    topic: string,
    data: Uint8Array | string | readonly (Uint8Array | string)[],
    options?: PublishOptions,
  ): Promise<Receipt>;
  async publish(
    topic: string,
    data: unknown,
    { durability = this.#durability, schema, signal }: PublishOptions<StandardSchemaV1 | undefined> = {},
  ): Promise<Receipt> {
    this.#checkOpen();
    checkDurability(durability, this.#member.carrier);
    const payloads = payloadsOf(topic, data, schema);
    const { publisher } = this.#member;
    return publisher.publish(topic, payloads instanceof Promise ? await payloads : payloads, durability, signal);
  }

  /**
   * Hears of the topics that a pattern matches, as far as this client may read them, now and later.
   *
   * @param pattern - literal segments, `*` for one, and `**` at the end for the rest
   * @throws TridcommError `E_ENCODING`, `E_LIMIT` for what is no pattern; `E_USAGE` for a place in the log that cannot be, and for a second reader
   *   from the cursor of one pattern; `E_POLICY` for one from the log of a carrier; `E_CLOSED`
   */
  subscribe<S extends StandardSchemaV1>(
    pattern: string,
    options: SubscribeOptions<S> & { readonly schema: S },
  ): Subscription<StandardSchemaV1.InferOutput<S>>;
  subscribe(pattern: string, options?: SubscribeOptions): Subscription;
  subscribe(
    pattern: string,
    { schema, signal, from = 'live', onBatch }: SubscribeOptions<StandardSchemaV1 | undefined> = {},
  ): Subscription<unknown> {
    this.#checkOpen();
    parsePattern(pattern);
    checkPlace(from);
    let end = (): void => {};
    const close = () => subscription.close();
    const subscription: Subscription<unknown> = new Subscription<unknown>({
      pattern,
      schema,
      onBatch,
      tell: (status) => this.tell(status),
      onClose: () => {
        this.#subscriptions.delete(subscription);
        signal?.removeEventListener('abort', close);
        end();
      },
    });
    const take: Parameters<Member['subscribeLive']>[1] = (batch, consumed) => subscription.add(batch, consumed);
    const member = this.#member;
    end = from === 'live' ? member.subscribeLive(pattern, take) : member.subscribeLog(pattern, from, take);
    this.#subscriptions.add(subscription);
    if (signal?.aborted === true) close();
    else signal?.addEventListener('abort', close);
    return subscription;
  }

  /**
   * Asks those who work on a topic, in a pool that this client may publish to, and gives the answer of one of them.
   *
   * Requests that are on their way together share envelopes. What nobody answers is asked again, on a new link and now and then, up to the
   * deadline: as the same bytes, and later, when receivers would find those too old, sealed anew with the same key. So a request may be done twice
   * where the pool has no effect store.
   *
   * @param body - text goes as UTF-8; bytes are not to be changed before this settles
   * @throws RequestRefused what whoever took it said; TridcommError `E_EXPIRED` at the deadline, `E_USAGE` for what is no request, `E_POLICY`,
   *   `E_STALE` as {@link publish}, `E_LIMIT` where 65,536 requests or 64 MiB wait for their answers, and for a body of more than 960 KiB, the
   *   broker's code where that does not take it; the reason of `signal`; `E_CLOSED`
   * @example
   * const { data, sender } = await client.request('images/resize', image, { timeoutMs: 5_000 });
   */
  async request(topic: string, body: Uint8Array | string, options: RequestOptions): Promise<Reply> {
    this.#checkOpen();
    return this.#member.patterns.request(topic, body, options);
  }

  /**
   * Sends a message to a pool, as a dealer: as {@link request}, but routers may choose who works by what `routing` tells them, and whoever does may
   * say several things before the answer. Without a router a broker chooses. The message is sent again as a request is, so what routers hand on, and
   * nobody answers, they get once more.
   *
   * A promise, and not a loop over the news: the answer is what a message is sent for, it fails as a request does, and a loop that nobody reads would
   * have to keep them all.
   *
   * @param body - text goes as UTF-8; bytes are not to be changed before this settles
   * @throws RequestRefused what whoever took it said; TridcommError as {@link request}, and `E_LIMIT` for more than 1,024 bytes of routing data, and for a
   *   body with which the message is too long to be forwarded, about 981,000 bytes
   * @example
   * const onNews = ({ data }) => console.log(`${data}`);
   * const { data } = await client.deal('kitchen/brew', 'a flat white', { routing: 'table 4', timeoutMs: 60_000, onNews });
   */
  async deal(topic: string, body: Uint8Array | string, options: DealOptions): Promise<Reply> {
    this.#checkOpen();
    return this.#member.patterns.deal(topic, body, options);
  }

  /**
   * Routes the messages of dealers on a topic of a pool, by a right to `route`, until it is closed: reads what dealers tell routers, and hands the
   * messages on to whoever is to work, without a key for what is in them. Workers need no other registration than {@link respond}, and answer who
   * asked. A broker gives messages to routers and to workers alike, to whoever has room, but for workers that take what is
   * forwarded only.
   *
   * Where dealers and workers are at two brokers, a router has a client at each, of an identity of its own: `forward` takes the other client, and
   * {@link forwardReplies} brings the replies back.
   *
   * @param topic - without wildcards
   * @throws TridcommError `E_USAGE` without a handler, for a capacity that cannot be, and for a topic that this client routes, or works on, already;
   *   `E_ENCODING`, `E_LIMIT` for what is no topic; `E_CLOSED`. That there is no right to route a `status` event tells
   * @example
   * const routing = client.route('kitchen/brew', ({ routing, forward }) => forward(whoServes(`${routing}`)), { capacity: 64 });
   */
  route(topic: string, handler: RouteHandler, options: RouteOptions = {}): TopicRoute {
    this.#checkOpen();
    return this.#member.patterns.route(topic, handler, options, this);
  }

  /**
   * Hands the replies to all dealers in the pool of a topic on to another broker, by a right to `route`: what this client hears at its own broker,
   * and is a reply of somebody who may respond, the other client sends to the dealer at its. A reply names no topic: where this is done for two topics
   * of one pool, or to a client of the same broker, dealers get each reply twice, and refuse the second.
   *
   * @param to - another client that may route in the same front
   * @throws TridcommError `E_USAGE` for this client itself, and where the replies are heard already; `E_ENCODING`, `E_LIMIT` for what is no topic; `E_CLOSED`
   */
  forwardReplies(topic: string, to: Forwarder): ReplyForwarding {
    this.#checkOpen();
    if (to === this) throw new TridcommError('E_USAGE', 'replies that go back to where they come from');
    return this.#member.patterns.forwardReplies(topic, to);
  }

  /** @internal See {@link Forwarder}. */
  async forward(delivery: RoutedDelivery, workerKeyId32: Uint8Array): Promise<void> {
    this.#checkOpen();
    await this.#member.patterns.forward(delivery, workerKeyId32);
  }

  /** @internal See {@link Forwarder}. */
  async forwardReply(reply: HeardReply): Promise<void> {
    this.#checkOpen();
    await this.#member.patterns.forwardReply(reply);
  }

  /**
   * Answers requests and messages of dealers on a topic of a pool, as one of those who may, until it is closed.
   *
   * What routers forward to this client comes here too, in no lease of the broker: at most 1,024 such messages, and 8 MiB of them, wait for a
   * handler, and more are refused with `E_LIMIT`. One that comes again is answered with what was answered before, and not done twice here; `effects` says what stands against it elsewhere, and in
   * a later life of this client. Late ones are refused, and go to no handler.
   *
   * A topic is for requests and messages, or for jobs, and all who work on it take the same: one of the other kind goes back to the broker, which drops it at last,
   * and a `status` event tells of it.
   *
   * @param topic - without wildcards
   * @throws TridcommError `E_USAGE` without a handler or `effects`, for a concurrency that cannot be, and for a topic whose work this client takes already;
   *   `E_ENCODING`, `E_LIMIT` for what is no topic; `E_CLOSED`
   * @example
   * const work = client.respond('images/resize', ({ data }) => resize(data), { effects: 'idempotent', concurrency: 4 });
   */
  respond<Transaction = undefined>(
    topic: string,
    handler: RequestHandler<Transaction>,
    options: RespondOptions<Transaction>,
  ): TopicWork {
    this.#checkOpen();
    return this.#member.patterns.respond(topic, handler, options);
  }

  /**
   * Pushes jobs to those who work on a topic: each is done by one of them, and nobody answers.
   *
   * @param jobs - 1 or more, text as UTF-8; not to be changed before this resolves
   * @returns resolves when the broker has the jobs in its memory, or for `none` when they are handed to the socket
   * @throws TridcommError `E_POLICY` for the durability `disk`, and on a carrier for more than `none` or for `jobsPerLeaf`; as {@link publish}
   */
  async push(
    topic: string,
    jobs: readonly (Uint8Array | string | JobInput)[],
    { durability = this.#durability, ...options }: PushOptions = {},
  ): Promise<Receipt> {
    this.#checkOpen();
    checkDurability(durability, this.#member.carrier);
    return this.#member.patterns.push(topic, jobs, { durability, ...options });
  }

  /**
   * Does jobs of a topic of a pool, as one of those who may, until it is closed: as {@link respond}, and nobody is answered. A topic of jobs is for
   * no requests or messages.
   *
   * @throws TridcommError as {@link respond}
   */
  pull<Transaction = undefined>(
    topic: string,
    handler: JobHandler<Transaction>,
    options: WorkOptions<Transaction>,
  ): TopicWork {
    this.#checkOpen();
    return this.#member.patterns.pull(topic, handler, options);
  }

  /**
   * Asks all who may answer on a topic for surveys, and gives what they reply, one reply each, up to a deadline.
   *
   * The question goes out at once, whether anybody loops over the replies or not. They have to be read, or closed: see {@link SurveyReplies}.
   *
   * @param body - text goes as UTF-8; copied
   * @throws TridcommError `E_USAGE`, `E_LIMIT` for options that cannot be; the reason of `signal`; `E_CLOSED`. The loop throws what the question
   *   is refused with, as {@link publish} does
   * @example
   * for await (const { data, sender } of client.ask('nodes/load', '', { timeoutMs: 2_000 })) console.log(sender.name, data);
   */
  ask(topic: string, body: Uint8Array | string, options: AskOptions): SurveyReplies {
    this.#checkOpen();
    return this.#member.patterns.ask(topic, body, options);
  }

  /**
   * Answers the questions on a topic for surveys, each once, until it is closed.
   *
   * @param topic - without wildcards
   * @throws TridcommError `E_USAGE` without a handler, and for a topic whose questions this client answers already; `E_ENCODING`, `E_LIMIT` for what is no topic; `E_CLOSED`
   */
  answer(topic: string, handler: QuestionHandler): QuestionAnswers {
    this.#checkOpen();
    return this.#member.patterns.answer(topic, handler);
  }

  /**
   * Waits until the broker has answered everything that this client asked of it so far: subscriptions are taken, and what the authority
   * says has come.
   *
   * @throws TridcommError `E_CLOSED` for a client that is closed meanwhile; the reason of `signal`
   */
  async ready({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#checkOpen();
    signal?.throwIfAborted();
    for (;;) {
      const isSettled = await this.#member.round();
      signal?.throwIfAborted();
      this.#checkOpen();
      if (isSettled) return;
      if (!this.isOpen) await this.#statusOf(['open', 'closed'], signal);
    }
  }

  /**
   * Ends the client: takes no work any more, waits up to 5 s for handlers of work that run, and for what was published, ends the link in order, and
   * lets the identity go. Without a link it waits for nothing.
   *
   * Handlers that still run then have their signals aborted, and what they had goes to others; those of questions are not waited for. Loops over
   * subscriptions end; requests and surveys that wait for answers end with `E_CLOSED`, but for those that were answered within the wait.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (this.isOpen) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, closeMs);
      });
      await Promise.race([this.#rest(), late]);
      clearTimeout(timer);
    }
    // What readers of the log acknowledged is written down with this.
    for (const subscription of this.#subscriptions) subscription.close();
    this.#member.close();
    this.#onClose();
    this.tell({ type: 'closed' });
  }

  async #rest(): Promise<void> {
    await this.#member.patterns.rest();
    await this.#member.publisher.rest();
  }

  async #statusOf(types: readonly ClientStatus['type'][], signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.removeEventListener('status', heard);
        signal?.removeEventListener('abort', aborted);
      };
      const heard = ({ status }: StatusEvent) => {
        if (!types.includes(status.type)) return;
        leave();
        resolve();
      };
      const aborted = () => {
        leave();
        reject(signal?.reason as Error);
      };
      this.addEventListener('status', heard);
      signal?.addEventListener('abort', aborted);
    });
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new TridcommError('E_CLOSED', 'client that was closed');
  }
}

/**
 * @param carrier - in place of a broker
 * @throws TridcommError `E_POLICY`, `E_USAGE`
 * @spec delivery.5, bindings.12
 */
export function checkDurability(durability: string, carrier: string | undefined): void {
  if (durability === 'cluster') throw new TridcommError('E_POLICY', 'durability cluster: no broker has it yet');
  if (durability === 'disk' && carrier !== undefined) {
    throw new TridcommError('E_POLICY', `durability disk: ${carrier} does not say what it has on disk`);
  }
  if (!['none', 'memory', 'disk'].includes(durability)) {
    throw new TridcommError('E_USAGE', `durability ${durability}: none, memory or disk is taken`);
  }
}

function checkPlace(from: unknown): void {
  if (from === 'live' || from === 'cursor' || (Number.isSafeInteger(from) && (from as number) >= 1)) return;
  throw new TridcommError('E_USAGE', `from ${String(from)}: 'live', 'cursor' or a position from 1 on is taken`);
}

const closeMs = 5_000;
