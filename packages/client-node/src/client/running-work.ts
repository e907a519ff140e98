import { TridcommError } from '@tridcomm/core';
import { longestTimerMs } from './pattern-bounds.ts';

/** A handler that runs, with its signal: made where it is asked for, as few handlers look at it, and it costs more than all else of a job. */
export class RunningWork {
  readonly #deadlineMs: number;
  #controller: AbortController | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** Why it was stopped. */
  #reason: Error | undefined;
  #isOver = false;

  /** @param deadlineMs - 0: none */
  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  /** Aborted at the deadline, and by {@link stop}. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
      else if (!this.#isOver) this.#watchTime(this.#controller);
    }
    return this.#controller.signal;
  }

  /** The handler has ended: nothing is aborted any more. */
  ended(): void {
    this.#isOver = true;
    clearTimeout(this.#deadline);
  }

  /** Nobody waits for the handler any more. */
  stop(reason: Error): void {
    this.ended();
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  #watchTime(controller: AbortController): void {
    if (this.#deadlineMs === 0) return;
    const leftMs = Math.max(0, this.#deadlineMs - Date.now());
    const abort = () => controller.abort(new TridcommError('E_EXPIRED', 'deadline of the work'));
    if (leftMs === 0) abort();
    // Handlers of longer ones are not stopped, and no timer of the platform takes them. One that never ends is no reason for the process not to.
    else if (leftMs <= longestTimerMs) this.#deadline = setTimeout(abort, leftMs).unref();
  }
}
