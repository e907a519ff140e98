import { quantile } from '../measure.ts';
import type { ClientOptions, WorkClient } from '../peers/peer.ts';
import { inLanes, nowUs, randomMessages } from './load.ts';

/** What is to be asked. */
export interface Requests {
  readonly topic: string;
  readonly count: number;
  readonly bytes: number;
  /** Requests that may be unanswered. */
  readonly inFlight: number;
}

/** What came of it. */
export interface Asked {
  readonly perSecond: number;
  /** From the call that asks to its answer. */
  readonly p50Us: number;
  readonly p99Us: number;
}

/** What is to be pushed. */
export interface Jobs {
  readonly topic: string;
  readonly count: number;
  readonly bytes: number;
  /** Jobs that are handed over in one call. */
  readonly perCall: number;
  /** Calls that may be unanswered. */
  readonly inFlight: number;
}

/** What a worker got since it began to count. */
export interface Came {
  readonly count: number;
  readonly bytes: number;
  /** When the last came, µs, to the turn of the event loop. */
  readonly atUs: number;
}

/** One who asks or pushes, or a worker. */
export class WorkRole {
  readonly #connect: (options: ClientOptions) => Promise<WorkClient>;
  #client: WorkClient | undefined;
  #count = 0;
  #bytes = 0;
  #atUs = 0;
  #isTiming = false;

  constructor(connect: (options: ClientOptions) => Promise<WorkClient>) {
    this.#connect = connect;
  }

  async open(options: ClientOptions): Promise<void> {
    this.#client = await this.#connect(options);
  }

  /** Answers requests with what they ask. */
  async respond(topic: string): Promise<void> {
    await this.#client!.respond(topic, (body) => body);
  }

  /** Asks until all is answered. @throws Error for an answer to something else */
  async ask({ topic, count, bytes, inFlight }: Requests): Promise<Asked> {
    const client = this.#client!;
    const tookUs = new Float64Array(count);
    let next = 0;
    const lane = async (body: Uint8Array) => {
      for (let number = next++; number < count; number = next++) {
        viewOf(body).setUint32(0, number);
        const atUs = nowUs();
        const answer = await client.request(topic, body);
        tookUs[number] = nowUs() - atUs;
        if (Buffer.compare(answer, body) !== 0) throw new Error(`request ${number} got another answer`);
      }
    };
    const fromUs = nowUs();
    await Promise.all(randomMessages(inFlight, bytes).map(lane));
    const perSecond = (count * 1_000_000) / (nowUs() - fromUs);
    tookUs.sort();
    return { perSecond, p50Us: quantile(tookUs, 0.5), p99Us: quantile(tookUs, 0.99) };
  }

  async pull(topic: string): Promise<void> {
    await this.#client!.pull(topic, (job) => this.#take(job));
  }

  /** Begins to count, before anything is pushed. */
  arm(): void {
    this.#count = 0;
    this.#bytes = 0;
  }

  came(): Came {
    return { count: this.#count, bytes: this.#bytes, atUs: this.#isTiming ? nowUs() : this.#atUs };
  }

  /** Pushes as fast as it goes. @returns when it began, µs */
  async push({ topic, count, bytes, perCall, inFlight }: Jobs): Promise<number> {
    const client = this.#client!;
    const jobs = randomMessages(perCall, bytes);
    const fromUs = nowUs();
    await inLanes(jobs, { count, inFlight }, async (some) => await client.push(topic, some));
    return fromUs;
  }

  #take({ length }: Uint8Array): void {
    this.#count++;
    this.#bytes += length;
    if (this.#isTiming) return;
    this.#isTiming = true;
    // Nobody knows which job is its last, and to look at the clock for each would cost.
    setImmediate(() => {
      this.#isTiming = false;
      this.#atUs = nowUs();
    });
  }
}

function viewOf({ buffer, byteOffset }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset);
}

/**
 * When the last job came, µs; undefined while some are lacking.
 *
 * @throws Error where it was not each once, or not all workers had a share
 */
export function doneUs(came: readonly Came[], { count, bytes }: Pick<Jobs, 'count' | 'bytes'>): number | undefined {
  const [jobs, all] = [sumOf(came, 'count'), sumOf(came, 'bytes')];
  if (jobs < count) return undefined;
  if (jobs > count) throw new Error(`${jobs} jobs came, ${count} were pushed`);
  if (all !== count * bytes) throw new Error(`${all} bytes came`);
  if (came.some((one) => one.count === 0)) throw new Error('a worker got nothing');
  return Math.max(...came.map(({ atUs }) => atUs));
}

export function sumOf(came: readonly Came[], what: 'count' | 'bytes'): number {
  return came.reduce((sum, one) => sum + one[what], 0);
}
