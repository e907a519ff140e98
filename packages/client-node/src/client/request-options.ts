import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import type { Sender } from './message.ts';
import { payloadOf } from './payloads.ts';

/** Adjusts a request. One of `deadlineMs` and `timeoutMs` is given. */
export interface RequestOptions {
  /** By when an answer is of use, by the clock of this machine: ms since 1970. */
  readonly deadlineMs?: number;
  /** The same, from now on: ms. */
  readonly timeoutMs?: number;
  /**
   * Names what is asked, 16 bytes; default random. Who asks once more with the same key, topic and body asks for the same: a pool with an effect
   * store does it once. Copied.
   */
  readonly key?: Uint8Array;
  /** Called each time somebody says that they are at it. */
  readonly onProgress?: (sender: Sender) => void;
  /** Ends the wait: nothing is heard of the request any more. Who has it already may still do it. */
  readonly signal?: AbortSignal;
}

/** What who works says to a dealer before the answer. */
export interface News {
  /** It belongs to the receiver. */
  readonly data: Uint8Array;
  /** Who says so, and signed it. */
  readonly sender: Sender;
}

/** Adjusts a message of a dealer. */
export interface DealOptions extends RequestOptions {
  /**
   * What routers are told, so that they can choose who works: text goes as UTF-8, at most 1,024 bytes. Every member of the front can read it, those
   * who may only ask too: it is no place for secrets. Copied.
   */
  readonly routing: Uint8Array | string;
  /** Called for each thing that is said before the answer, as it comes. What says nothing but that somebody is at it goes to `onProgress`. */
  readonly onNews?: (news: News) => void;
}

/** A job with more to it than its body. */
export interface JobInput {
  readonly body: Uint8Array | string;
  /** As of a request; default random. */
  readonly key?: Uint8Array;
  /** Nobody begins with it after that, by the clock of whoever takes it: ms since 1970. Default none. */
  readonly deadlineMs?: number;
}

/** Adjusts a push. */
export interface PushOptions {
  /** How far the jobs have to get: `memory` or `none`; default that of the client. */
  readonly durability?: 'none' | 'memory' | 'disk';
  /** The broker may give each so many jobs to another; default all that share an envelope to one. */
  readonly jobsPerLeaf?: number;
  /** Takes jobs back that have not been sealed, and ends the wait for the others. */
  readonly signal?: AbortSignal;
}

/** Adjusts a survey. */
export interface AskOptions {
  /** How long replies are taken, ms; at most an hour. */
  readonly timeoutMs: number;
  /** How many are taken; default 1,024, at most 65,535. */
  readonly maxReplies?: number;
  /** Ends the survey: the loop over it throws the reason. */
  readonly signal?: AbortSignal;
}

/**
 * When a request ends.
 *
 * @throws TridcommError `E_USAGE` for none, or two, or what is no time; `E_EXPIRED` for a deadline that is over
 */
export function deadlineOf({ deadlineMs, timeoutMs }: RequestOptions, nowMs: number): number {
  if ((deadlineMs === undefined) === (timeoutMs === undefined)) {
    throw new TridcommError('E_USAGE', 'a request takes deadlineMs or timeoutMs, one of them');
  }
  const untilMs = deadlineMs ?? nowMs + Math.ceil(timeoutMs!);
  if (!Number.isSafeInteger(untilMs) || untilMs <= 0) throw new TridcommError('E_USAGE', `deadline ${untilMs}`);
  if (untilMs < nowMs) throw new TridcommError('E_EXPIRED', `deadline ${untilMs}, clock ${nowMs}`);
  return untilMs;
}

/** @returns a copy @throws TridcommError `E_USAGE` for what is neither text nor bytes, `E_LIMIT` @spec patterns.36 */
export function routingOf(topic: unknown, { routing }: DealOptions): Uint8Array {
  const bytes = payloadOf(topic, routing);
  if (bytes.length > limits.routingDataBytes) {
    throw new TridcommError('E_LIMIT', `routing data of ${bytes.length} bytes, at most ${limits.routingDataBytes}`);
  }
  return new Uint8Array(bytes);
}

/** For callers without types. @throws TridcommError `E_USAGE` */
export function checkObject(name: string, value: unknown): asserts value is object {
  if (typeof value === 'object' && value !== null) return;
  throw new TridcommError('E_USAGE', `${name}: ${typeof value}; an object is taken`);
}

/** @throws TridcommError `E_USAGE` */
export function checkKey(key: Uint8Array | undefined): void {
  if (key === undefined || (key instanceof Uint8Array && key.length === 16)) return;
  throw new TridcommError('E_USAGE', 'key: 16 bytes are taken');
}

/** @throws TridcommError `E_USAGE`, `E_LIMIT` */
export function checkAsk({ timeoutMs, maxReplies = 1 }: AskOptions): void {
  if (!(timeoutMs > 0)) throw new TridcommError('E_USAGE', `timeoutMs ${timeoutMs}, above 0`);
  if (!Number.isInteger(maxReplies) || maxReplies < 1) throw new TridcommError('E_USAGE', `maxReplies ${maxReplies}`);
  if (timeoutMs > limits.surveyMs || maxReplies > limits.surveyReplies) {
    throw new TridcommError('E_LIMIT', `survey of ${timeoutMs} ms and ${maxReplies} replies`);
  }
}
