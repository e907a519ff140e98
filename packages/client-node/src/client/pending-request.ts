import { TridcommError, type RecordName, type RequestFields } from '@tridcomm/core';
import { longestTimerMs, workHeadBytes } from './pattern-bounds.ts';
import type { Begun } from './publisher.ts';
import type { DealOptions, RequestOptions } from './request-options.ts';
import type { Sender } from './message.ts';
import type { Sized } from './send-queue.ts';
import type { SentEnvelope } from './sent-envelopes.ts';

/** An answer to a request, or to a message of a dealer. */
export interface Reply {
  /** What whoever answered gave; it belongs to the receiver. */
  readonly data: Uint8Array;
  /** Who answered, and signed it. */
  readonly sender: Sender;
  /** Of the envelope that it went in: 32 hex digits, the same that whoever answered sees. */
  readonly id: string;
}

/** What a message of a dealer has, and a request has not. */
export interface Dealt {
  readonly routing: Uint8Array;
  readonly onNews: DealOptions['onNews'];
}

/** What a request waits with. */
export interface PendingParts {
  readonly topic: string;
  readonly body: Uint8Array;
  readonly key16: Uint8Array;
  readonly deadlineMs: number;
  readonly onProgress: RequestOptions['onProgress'];
  /** Of a message of a dealer alone. */
  readonly dealt: Dealt | undefined;
  /** It is settled: called once, before the application hears of it. */
  readonly onSettled: (request: PendingRequest) => void;
}

/** A request, or a message of a dealer, from the call of the application until its answer. */
export class PendingRequest implements Sized, RequestFields {
  readonly topic: string;
  readonly body: Uint8Array;
  readonly key16: Uint8Array;
  readonly deadlineMs: number;
  readonly onProgress: RequestOptions['onProgress'];
  readonly dealt: Dealt | undefined;
  /** Under which it is outstanding: one for each time that it was sealed. */
  readonly names: RecordName[] = [];
  /** What it was sealed in last. */
  sent: SentEnvelope | undefined;
  /** While it waits to be sealed. */
  waiting: Begun | undefined;
  readonly answer: Promise<Reply>;
  readonly #onSettled: PendingParts['onSettled'];
  #resolve!: (reply: Reply) => void;
  #reject!: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #isSettled = false;

  constructor({ topic, body, key16, deadlineMs, onProgress, dealt, onSettled }: PendingParts) {
    this.topic = topic;
    this.body = body;
    this.key16 = key16;
    this.deadlineMs = deadlineMs;
    this.onProgress = onProgress;
    this.dealt = dealt;
    this.#onSettled = onSettled;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#watchTime();
  }

  /** Of its record, in bytes. */
  get length(): number {
    return workHeadBytes + this.body.length;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  answered(reply: Reply): void {
    if (this.#settle()) this.#resolve(reply);
  }

  failed(error: unknown): void {
    if (this.#settle()) this.#reject(error as Error);
  }

  /** Its deadline has passed. */
  late(): void {
    this.failed(new TridcommError('E_EXPIRED', 'nobody answered the request by its deadline'));
  }

  /** @returns whether it was not */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#onSettled(this);
    return true;
  }

  #watchTime(): void {
    const leftMs = Math.max(0, this.deadlineMs - Date.now());
    const check = () => {
      if (Date.now() > this.deadlineMs) this.late();
      else this.#watchTime();
    };
    this.#timer = setTimeout(check, Math.min(leftMs + 1, longestTimerMs));
  }
}
