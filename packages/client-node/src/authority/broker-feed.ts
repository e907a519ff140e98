import { TridcommError } from '@tridcomm/core';
import type { Clock } from './clock.ts';

/** A broker, or a link to one, as an authority hands bundles to it. */
export interface BundleSink {
  /** For people. */
  readonly name: string;
  /** Resolves when the broker has applied the bundle; rejects where it has not, and perhaps never will. Called for one at a time. */
  publish(bundle: Uint8Array): Promise<void>;
  /** Called at the end of the service. */
  close?(): Promise<void>;
}

/** How far a broker is. */
export interface FeedStatus {
  readonly name: string;
  /** Number of the newest head that it has applied; 0 before the first. */
  readonly takenHeadSeq: number;
  /** Why it is behind, where it is; undefined while all is well. */
  readonly error: unknown;
}

/** What a feed tells. */
export interface FeedReports {
  /** It is time to give this broker everything once more. */
  readonly needsAll: () => void;
  readonly behind: (error: unknown) => void;
  readonly current: (headSeq: number) => void;
}

/**
 * Hands one broker what an authority publishes, one bundle after the other, each once the one before was applied.
 *
 * A broker that fails misses something that cannot be told, so from then on it gets nothing but everything: see {@link pushAll}. The same
 * goes for one that takes too long.
 */
export class BrokerFeed {
  readonly #sink: BundleSink;
  readonly #clock: Clock;
  readonly #reports: FeedReports;
  #waiting: { readonly bundle: Uint8Array; readonly headSeq: number }[] = [];
  #waitingBytes = 0;
  #isBusy = false;
  /** Everything has to be sent, and nothing else. */
  #isLost = true;
  #isPaused = false;
  #isClosed = false;
  #failures = 0;
  #takenHeadSeq = 0;
  #error: unknown;
  #callOff: () => void = () => {};
  #onRest: (() => void)[] = [];

  constructor(sink: BundleSink, clock: Clock, reports: FeedReports) {
    this.#sink = sink;
    this.#clock = clock;
    this.#reports = reports;
  }

  get status(): FeedStatus {
    return { name: this.#sink.name, takenHeadSeq: this.#takenHeadSeq, error: this.#error };
  }

  /** Whether only {@link pushAll} helps. Not while the broker is left alone after a failure. */
  get wantsAll(): boolean {
    return this.#isLost && !this.#isPaused;
  }

  /** Everything that a carrier should retain. */
  pushAll(bundles: readonly Uint8Array[], headSeq: number): void {
    this.#isLost = false;
    this.#push(bundles, headSeq);
  }

  /** What changed; of no use for a broker that {@link wantsAll}. */
  push(bundles: readonly Uint8Array[], headSeq: number): void {
    if (!this.#isLost) this.#push(bundles, headSeq);
  }

  /** Resolves when the broker has applied all that it was given, or has failed. */
  async rest(): Promise<void> {
    if (!this.#isBusy && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => this.#onRest.push(resolve));
  }

  /** Hands over nothing more. */
  stop(): void {
    this.#isClosed = true;
    this.#callOff();
    this.#waiting = [];
    this.#rested();
  }

  #push(bundles: readonly Uint8Array[], headSeq: number): void {
    for (const [i, bundle] of bundles.entries()) {
      // The head is in the last of them.
      this.#waiting.push({ bundle, headSeq: i === bundles.length - 1 ? headSeq : this.#takenHeadSeq });
      this.#waitingBytes += bundle.length;
    }
    if (this.#isBusy && (this.#waiting.length > mostWaiting || this.#waitingBytes > mostWaitingBytes)) {
      this.#lose();
      return;
    }
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      const { bundle, headSeq } = next;
      try {
        await this.#sink.publish(bundle);
        this.#takenHeadSeq = headSeq;
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#isBusy = false;
    if (!this.#isClosed && !this.#isLost) this.#succeed();
    // What came while a slow broker was busy was let go.
    else if (this.#isLost && !this.#isPaused)
      this.#fail(new TridcommError('E_LIMIT', 'broker takes bundles too slowly'));
    this.#rested();
  }

  #take(): { readonly bundle: Uint8Array; readonly headSeq: number } | undefined {
    const next = this.#waiting.shift();
    if (next !== undefined) this.#waitingBytes -= next.bundle.length;
    return next;
  }

  #succeed(): void {
    const wasBehind = this.#error !== undefined || this.#failures > 0;
    this.#failures = 0;
    this.#error = undefined;
    if (wasBehind) this.#reports.current(this.#takenHeadSeq);
  }

  #fail(error: unknown): void {
    this.#lose();
    if (this.#isClosed) return;
    this.#error = error;
    this.#isPaused = true;
    const pauseMs = Math.min(firstPauseMs * 2 ** this.#failures, longestPauseMs);
    this.#failures++;
    this.#callOff = this.#clock.after(pauseMs, () => {
      this.#isPaused = false;
      this.#reports.needsAll();
    });
    this.#reports.behind(error);
  }

  #lose(): void {
    this.#isLost = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #rested(): void {
    const waiting = this.#onRest;
    this.#onRest = [];
    for (const resolve of waiting) resolve();
  }
}

const firstPauseMs = 1_000;
/** A head lasts a minute, of which a try that nobody answers takes 15 s: with a longer pause members of a broker that is back would be stale. */
const longestPauseMs = 10_000;
/** For a broker that is busy: about 20 minutes of heads. */
const mostWaiting = 64;
const mostWaitingBytes = 67_108_864;
