import { parseTopic, type Delivery } from '@tridcomm/core';
import type { Sender } from './message.ts';
import type { PatternParts } from './pattern-parts.ts';
import { payloadOf } from './payloads.ts';

/** A question as its handler gets it. */
export interface QuestionContext {
  /** It belongs to the handler. */
  readonly data: Uint8Array;
  /** Who asks, and signed it. */
  readonly sender: Sender;
  readonly topic: string;
  /** Up to when whoever asks takes replies, by the clock of this machine: ms since 1970. */
  readonly deadlineMs: number;
  /** Aborted when the handler is not to answer any more: at the end of the client, or of the answers. */
  readonly signal: AbortSignal;
}

/** Answers a question: gives the body of the reply, which is copied. Where it throws, nothing is replied. */
export type QuestionHandler = (question: QuestionContext) => Uint8Array | string | Promise<Uint8Array | string>;

/**
 * The answers of a client to the questions on a topic, one to each, until it is closed.
 *
 * @spec patterns.29
 */
export class QuestionAnswers implements AsyncDisposable {
  readonly topic: string;
  readonly #parts: PatternParts;
  readonly #handler: QuestionHandler;
  readonly #end = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #onClose: () => void;

  /** @internal @throws TridcommError `E_ENCODING`, `E_LIMIT` for what is no topic */
  constructor(parts: PatternParts, topic: string, handler: QuestionHandler, onClose: () => void) {
    this.topic = parseTopic(topic).text;
    this.#parts = parts;
    this.#handler = handler;
    this.#onClose = onClose;
    const take = (delivery: Delivery) => this.#take(delivery);
    const live = parts.client().subscribe(topic, Date.now(), take);
    this.#unsubscribe = () => live.close(Date.now());
  }

  /**
   * Hears no question any more. The signals of handlers that run are aborted, and what they would reply goes nowhere; nobody waits for them. The
   * topic is free for another `answer` then.
   */
  close(): void {
    if (this.#end.signal.aborted) return;
    this.#unsubscribe();
    this.#end.abort(new Error('answers that were closed'));
    this.#onClose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #take(delivery: Delivery): void {
    if (delivery.survey === undefined) return;
    // While handlers are at their questions, the broker has no credit for more.
    const consumed = this.#parts.use();
    void this.#answer(delivery, delivery.survey.deadlineMs).finally(consumed);
  }

  async #answer(delivery: Delivery, deadlineMs: number): Promise<void> {
    const { topic, sender, records } = delivery;
    const { signal } = this.#end;
    let body: Uint8Array;
    try {
      const { name, key } = sender;
      const question = {
        data: new Uint8Array(records.payload(0)),
        sender: { name, keyId32: key.keyId32 },
        topic,
        deadlineMs,
        signal,
      };
      body = new Uint8Array(payloadOf(topic, await this.#handler(question)));
    } catch (error) {
      this.#parts.tell({ type: 'failed', what: 'handler', error });
      return;
    }
    if (signal.aborted || Date.now() > deadlineMs) return;
    const seal = () => ({ envelopes: this.#parts.client().answer(delivery, body, Date.now()).envelopes, ids: [] });
    const kind = `answer/${Buffer.from(delivery.id32).toString('hex')}`;
    try {
      await this.#parts.publisher().send({ topic, durability: 'memory', kind, items: [body], seal }, signal);
    } catch (error) {
      this.#parts.tellUnsent(error, delivery.groupId16);
    }
  }
}
