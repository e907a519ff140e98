import { randomBytes } from 'node:crypto';
import { TridcommError, type ErrorCode } from '@tridcomm/core';
import { expect } from 'vitest';
import { workerNames, type Crew } from './patterns-crew.ts';
import { wait } from './scene.ts';

/** Requests in many loops: each asks for something new as soon as it has its answer, and for the same again when there was none in time. */
export class RequestLoad {
  /** Body of each key. */
  readonly asked = new Map<string, string>();
  /** What each key was answered with. */
  readonly answers = new Map<string, string>();
  /** Answers that cannot be. */
  readonly #wrong: string[] = [];
  readonly #names = new Set<string>();
  readonly #crew: Crew;
  readonly #random: () => number;
  readonly #topic: string;
  readonly #expected: (body: string, answer: string) => string;
  readonly #failures: Map<string, number>;
  #requests = 0;
  #latestMs = -Infinity;

  /**
   * @param expected - what the answer to a body has to be
   * @param failures - codes that a request may fail with: it is asked again
   */
  constructor(
    crew: Crew,
    random: () => number,
    topic: string,
    expected: (body: string, answer: string) => string,
    failures: readonly ErrorCode[],
  ) {
    this.#crew = crew;
    this.#random = random;
    this.#failures = new Map(failures.map((code) => [code, 0]));
    this.#topic = topic;
    this.#expected = expected;
  }

  get told(): string {
    const { kills } = this.#crew;
    const failed = [...this.#failures].map(([code, count]) => `${count} ${code}`).join(', ');
    return `${kills} kills, ${this.#requests} requests for ${this.asked.size} keys, of which failed ${failed}`;
  }

  /** Asks all the time while something is done, and ends when all is answered. */
  async during(act: () => Promise<void>): Promise<void> {
    const end = new AbortController();
    const loops = Array.from({ length: inFlight }, async () => {
      while (!end.signal.aborted) await this.#next();
    });
    const load = Promise.all(loops);
    load.catch(() => undefined);
    await Promise.race([act(), load]);
    end.abort();
    await load;
  }

  /** Asks until there is an answer. */
  async ask(key: Uint8Array, body: string): Promise<void> {
    while (!(await this.#once(key, body))) await wait(this.#random() * 200);
  }

  /** No answer was wrong, and nothing was settled when it was over. */
  check(): void {
    expect(this.#wrong).toEqual([]);
    expect([...this.asked.keys()].filter((key) => !this.answers.has(key))).toEqual([]);
    expect([...this.#names].toSorted()).toEqual(workerNames.toSorted());
    expect(this.#latestMs).toBeLessThan(aLittleMs);
  }

  async #next(): Promise<void> {
    const key = new Uint8Array(randomBytes(16));
    const body = `${this.asked.size} a${this.asked.size % 64}`;
    this.asked.set(Buffer.from(key).toString('hex'), body);
    // Some ask twice at a time.
    const copies = this.#random() < 0.1 ? 2 : 1;
    await Promise.all(Array.from({ length: copies }, async () => this.ask(key, body)));
  }

  /** @returns whether it was answered */
  async #once(key: Uint8Array, body: string): Promise<boolean> {
    const deadlineMs = Date.now() + timeoutMs;
    this.#requests++;
    try {
      const { data, sender } = await this.#crew.client.request(this.#topic, body, { deadlineMs, key });
      this.#names.add(sender.name);
      this.#note(Buffer.from(key).toString('hex'), body, Buffer.from(data).toString());
      return true;
    } catch (error) {
      if (!(error instanceof TridcommError) || !this.#failures.has(error.code)) throw error;
      this.#failures.set(error.code, this.#failures.get(error.code)! + 1);
      return false;
    } finally {
      this.#latestMs = Math.max(this.#latestMs, Date.now() - deadlineMs);
    }
  }

  #note(key: string, body: string, answer: string): void {
    const before = this.answers.get(key) ?? this.#expected(body, answer);
    if (answer !== before) this.#wrong.push(`${body}: ${answer}, not ${before}`);
    this.answers.set(key, answer);
  }
}

/** Numbers from 0 up to 1: a linear congruential generator. */
export function seeded(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const inFlight = 64;
const timeoutMs = 8_000;
/** On a machine that is slow. */
const aLittleMs = 15_000;
