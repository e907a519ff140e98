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

/** What the handler of a request gets: of a job nobody hears. */
export class RequestRun<Transaction> extends JobRun<Transaction> implements RequestContext<Transaction> {
  readonly progress: () => void;

  constructor(
    fields: Omit<JobContext<Transaction>, 'signal'>,
    running: RunningWork,
    progress: RequestContext['progress'],
  ) {
    super(fields, running);
    this.progress = progress;
  }
}
