import { TridcommError } from '@tridcomm/core';
import type { EffectStore } from '../effects/effect-store.ts';
import type { Sender } from './message.ts';
import { checkObject } from './request-options.ts';

/** A job as its handler gets it. */
export interface JobContext<Transaction = undefined> {
  /** It belongs to the handler. */
  readonly data: Uint8Array;
  /** Who pushed it, and signed it. */
  readonly sender: Sender;
  readonly topic: string;
  /** When it is of no use any more, by the clock of this machine: ms since 1970; 0 is never, which requests do not have. */
  readonly deadlineMs: number;
  /** The idempotency key: 16 bytes; it belongs to the handler. */
  readonly key: Uint8Array;
  /** Aborted at the deadline, and when the client ends without waiting for the handler. Made when it is read: a copy of the context by a spread has none. */
  readonly signal: AbortSignal;
  /** What the handler writes its effect with: of the effect store, undefined without one. Over when the handler is. */
  readonly transaction: Transaction;
}

/** A request, or a message of a dealer, as its handler gets it. */
export interface RequestContext<Transaction = undefined> extends JobContext<Transaction> {
  /** `message`: of a dealer, who hears what is said before the answer. */
  readonly kind: 'request' | 'message';
  /** Tells who asked that the handler is at it. */
  readonly progress: () => void;
  /**
   * Says something to a dealer before the answer, as often as there is something to say; it comes in this order. Where a work is done twice it is said
   * twice, and what was answered before is answered without it. Copied.
   *
   * @returns resolves when the broker has it, or will not get it, which a `status` event tells: who says much awaits it
   * @throws TridcommError `E_USAGE` to a request, for what is neither text nor bytes, and when the handler has ended; `E_LIMIT` for more than fits an
   *   envelope that routers can forward
   */
  readonly say: (body: Uint8Array | string) => Promise<void>;
}

/**
 * Answers a request, or a message of a dealer: gives the body of the answer, which is copied.
 *
 * What it throws is a refusal: who asked is told the outward code of a TridcommError, and `E_REFUSED` for everything else. What they are not told
 * as it is, and a result that can be no answer, a `status` event tells here.
 */
export type RequestHandler<Transaction = undefined> = (
  request: RequestContext<Transaction>,
) => Uint8Array | string | Promise<Uint8Array | string>;

/** Does a job. Where it throws, the job goes back to the broker, which gives it to somebody up to 16 times. */
export type JobHandler<Transaction = undefined> = (job: JobContext<Transaction>) => void | Promise<void>;

/** How work is taken. */
export interface WorkOptions<Transaction = undefined> {
  /**
   * What stands against work that comes twice, as it does where a link breaks, a worker dies, or a broker lies.
   *
   * An effect store that all workers of the pool share: a key is done once, and whoever asks again is told the same. The handler must have no
   * effect but what it writes with its transaction. Or `idempotent`: the handler says of itself that to do a thing twice is as to do it once.
   */
  readonly effects: EffectStore<Transaction> | 'idempotent';
  /** Handlers that run at a time, and envelopes or leaves that the broker gives at a time; default 16. One that a handler holds longer than 30 s goes to another, too. */
  readonly concurrency?: number;
}

/** How requests and messages of dealers are taken. */
export interface RespondOptions<Transaction = undefined> extends WorkOptions<Transaction> {
  /**
   * Takes what routers forward to this client, and nothing that a broker gives by its own choice: for topics on which routers say who works. Requests
   * have other workers then, or none.
   */
  readonly forwardedOnly?: boolean;
}

/** For callers without types. @throws TridcommError `E_USAGE` */
export function checkHandler(handler: unknown): void {
  if (typeof handler !== 'function') throw new TridcommError('E_USAGE', `handler: ${typeof handler}`);
}

/** @throws TridcommError `E_USAGE` for callers without types */
export function checkWork<Transaction>(options: WorkOptions<Transaction>): number {
  checkObject('options', options);
  const { effects, concurrency } = options;
  const isStore = typeof effects === 'object' && (effects as object | null) !== null;
  if (effects !== 'idempotent' && !isStore) {
    throw new TridcommError('E_USAGE', "effects: an effect store or 'idempotent' has to be said");
  }
  return checkCount('concurrency', concurrency);
}

/** How much at a time. @throws TridcommError `E_USAGE` for callers without types */
export function checkCount(name: string, count: number = defaultConcurrency): number {
  if (!Number.isInteger(count) || count < 1 || count > mostConcurrency) {
    throw new TridcommError('E_USAGE', `${name} ${count}, from 1 to ${mostConcurrency}`);
  }
  return count;
}

const defaultConcurrency = 16;
const mostConcurrency = 65_536;
