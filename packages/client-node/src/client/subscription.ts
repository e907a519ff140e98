import type { StandardSchemaV1 } from '@standard-schema/spec';
import { TridcommError } from '@tridcomm/core';
import { TridcommMessage, type MessageBatch } from './message.ts';
import { decodeBySchema, SchemaError } from './schema.ts';
import type { ClientStatus } from './status.ts';

/** A batch, and what is called when the application is done with its bytes. */
interface Queued {
  readonly batch: MessageBatch;
  readonly consumed: () => void;
}

/** What a subscription is made of. */
export interface SubscriptionParts {
  readonly pattern: string;
  readonly schema: StandardSchemaV1 | undefined;
  readonly onBatch: ((batch: MessageBatch) => void | Promise<void>) | undefined;
  readonly tell: (status: ClientStatus) => void;
  /** It takes nothing any more. */
  readonly onClose: () => void;
}

/**
 * Messages of the topics that a pattern matches, as far as this client may read them, now and later.
 *
 * They wait here until they are asked for, one by one with `for await`, or an envelope at a time with {@link batches}; whoever asks for
 * the next is done with the last. Together the subscriptions of a client hold at most its window of bytes: a loop that stands still makes
 * the broker wait, first for this client and then, when it has waited for too much, end the link.
 */
export class Subscription<T = Uint8Array> implements AsyncIterable<TridcommMessage<T>>, AsyncDisposable {
  readonly pattern: string;
  readonly #parts: SubscriptionParts;
  #queue: Queued[] = [];
  #wake: (() => void)[] = [];
  #isClosed = false;
  #error: TridcommError | undefined;

  /** @internal */
  constructor(parts: SubscriptionParts) {
    this.pattern = parts.pattern;
    this.#parts = parts;
    if (parts.onBatch !== undefined) void this.#handOver(parts.onBatch);
  }

  /** Batches that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Ends the subscription: loops over it end, and what waits is let go. */
  close(): void {
    this.#end(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /**
   * The messages, one by one. A loop that is left closes the subscription; one over a client that fails throws what it fails with.
   *
   * @throws TridcommError `E_USAGE` where batches are handed to a callback
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<TridcommMessage<T>, void, undefined> {
    const { schema } = this.#parts;
    for await (const batch of this.batches()) {
      for (let index = 0; index < batch.count; index++) {
        const message = schema === undefined ? batch.message(index) : await this.#validated(schema, batch, index);
        if (message !== undefined) yield message as TridcommMessage<T>;
      }
    }
  }

  /** The messages as they came, an envelope at a time, without a look at the schema; otherwise as the loop over messages. */
  async *batches(): AsyncGenerator<MessageBatch, void, undefined> {
    if (this.#parts.onBatch !== undefined) {
      throw new TridcommError('E_USAGE', 'loop over a subscription whose batches go to onBatch');
    }
    yield* this.#batches();
  }

  /** @internal @param consumed - called once, also for a batch that nobody takes */
  add(batch: MessageBatch, consumed: () => void): void {
    if (this.#isClosed) {
      consumed();
      return;
    }
    this.#queue.push({ batch, consumed });
    this.#wakeAll();
  }

  /** @internal The client is over. */
  fail(error: TridcommError | undefined): void {
    this.#end(error);
  }

  async *#batches(): AsyncGenerator<MessageBatch, void, undefined> {
    try {
      for (;;) {
        const next = this.#queue.shift();
        if (next !== undefined) {
          try {
            yield next.batch;
          } finally {
            next.consumed();
          }
        } else if (this.#error !== undefined) throw this.#error;
        else if (this.#isClosed) return;
        else await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    } finally {
      this.close();
    }
  }

  async #handOver(onBatch: (batch: MessageBatch) => void | Promise<void>): Promise<void> {
    const loop = this.#batches();
    for (;;) {
      try {
        const { value, done } = await loop.next();
        if (done === true) return;
        await onBatch(value);
      } catch (error) {
        // The client tells by itself what it failed with.
        if (error === this.#error) return;
        this.#parts.tell({ type: 'failed', what: 'handler', error });
      }
    }
  }

  async #validated(
    schema: StandardSchemaV1,
    batch: MessageBatch,
    index: number,
  ): Promise<TridcommMessage<unknown> | undefined> {
    const raw = batch.message(index);
    try {
      return new TridcommMessage(batch, index, await decodeBySchema(schema, () => raw.json()));
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      // It will not be allowed when it comes again either.
      if (batch.position !== undefined) raw.ack();
      this.#parts.tell({ type: 'invalid', topic: batch.topic, sender: batch.sender, issues: error.issues });
      return undefined;
    }
  }

  #end(error: TridcommError | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#error = error;
    // What had come before the client failed may still be read.
    if (error === undefined) for (const { consumed } of this.#queue.splice(0)) consumed();
    this.#parts.onClose();
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
