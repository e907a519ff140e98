import type { Sender } from './message.ts';

/** One reply to a survey. */
export interface SurveyReply {
  /** It belongs to the receiver. */
  readonly data: Uint8Array;
  /** Who replied, and signed it: each of them once. */
  readonly sender: Sender;
}

/** A reply, and what is called when the application is done with it. */
interface Queued {
  readonly reply: SurveyReply;
  readonly consumed: () => void;
}

/**
 * The replies to a survey, as they come: the loop ends at the deadline, or with the last that is taken. They wait here until they are asked for,
 * also those that came before the loop began. A loop that is left ends the survey; only one takes part of the replies each.
 *
 * What waits here is of the window of the client: a survey has to be read to its end, or closed, or the broker gives the client less, and at last
 * nothing. One that fails, or that its signal ends, lets go by itself of what nobody has read.
 */
export class SurveyReplies implements AsyncIterable<SurveyReply>, AsyncDisposable {
  readonly #queue: Queued[] = [];
  readonly #onClose: () => void;
  #wake: (() => void)[] = [];
  #isOver = false;
  #error: { readonly error: unknown } | undefined;

  /** @internal @param onClose - called once, when no reply is taken any more */
  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  /** Replies that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Ends the survey: loops over it end, and what waits is let go. */
  close(): void {
    this.#drop();
    this.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** @throws TridcommError what the question was refused with, as `publish` would throw it */
  async *[Symbol.asyncIterator](): AsyncGenerator<SurveyReply, void, undefined> {
    try {
      for (;;) {
        const next = this.#queue.shift();
        if (next !== undefined) {
          try {
            yield next.reply;
          } finally {
            next.consumed();
          }
        } else if (this.#error !== undefined) throw this.#error.error;
        else if (this.#isOver) return;
        else await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    } finally {
      this.close();
    }
  }

  /** @internal */
  add(reply: SurveyReply, consumed: () => void): void {
    if (this.#isOver) {
      consumed();
      return;
    }
    this.#queue.push({ reply, consumed });
    this.#wakeAll();
  }

  /** @internal No reply comes any more: what came may still be read. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onClose();
    this.#wakeAll();
  }

  /** @internal The survey did not come about, or was given up: loops throw the error, and what waits is let go. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#error = { error };
    this.#drop();
    this.end();
  }

  #drop(): void {
    for (const { consumed } of this.#queue.splice(0)) consumed();
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
