import { TridcommError } from '@tridcomm/core';
import type { Sender } from './message.ts';
import type { RunningWork } from './running-work.ts';
import type { JobContext, RequestContext } from './work-options.ts';

/** What the handler of a job gets. Its signal is made when it is read. */
export class JobRun<Transaction> implements JobContext<Transaction> {
  readonly data: Uint8Array;
  readonly sender: Sender;
  readonly topic: string;
  readonly deadlineMs: number;
  readonly key: Uint8Array;
  readonly transaction: Transaction;
  readonly #running: RunningWork;

  constructor(
    { data, sender, topic, deadlineMs, key, transaction }: Omit<JobContext<Transaction>, 'signal'>,
    running: RunningWork,
  ) {
    this.data = data;
    this.sender = sender;
    this.topic = topic;
    this.deadlineMs = deadlineMs;
    this.key = key;
    this.transaction = transaction;
    this.#running = running;
  }

  get signal(): AbortSignal {
    return this.#running.signal;
  }
}

/** What a handler may say to who asked: of a job nobody hears. */
export type RequestSpeech = Pick<RequestContext, 'kind' | 'progress' | 'say'>;

/** What the handler of a request or message gets. */
export class RequestRun<Transaction> extends JobRun<Transaction> implements RequestContext<Transaction> {
  readonly kind: RequestContext['kind'];
  readonly progress: RequestContext['progress'];
  readonly say: RequestContext['say'];

  constructor(
    fields: Omit<JobContext<Transaction>, 'signal'>,
    running: RunningWork,
    { kind, progress, say }: RequestSpeech,
  ) {
    super(fields, running);
    this.kind = kind;
    this.progress = progress;
    this.say = say;
  }
}

/** `say` of a request. @throws TridcommError `E_USAGE` */
export function noNews(): never {
  throw new TridcommError('E_USAGE', 'news of a request: nobody but a dealer hears any');
}
