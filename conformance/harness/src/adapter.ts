import { AdapterProcess } from './adapter-process.ts';
import { excerpt } from './excerpt.ts';
import { greet } from './hello.ts';
import type { LineCheck } from './line-check.ts';
import { parseLine } from './parse-line.ts';
import type { JsonObject } from './parse-line.ts';
import { ProtocolFault } from './protocol.ts';
import type { HelloLine, HelloReply } from './protocol.ts';
import type { Circumstances, Recorder } from './recorder.ts';
import type { Case } from './vector-file.ts';

/** How to start an adapter. */
export interface AdapterOptions {
  readonly command: readonly [string, ...string[]];
  readonly hello: HelloLine;
  readonly timeoutMs: number;
  readonly check?: LineCheck;
}

/** What is left when an adapter breaks down. */
export interface Breakdown {
  /** Completes "the adapter …". */
  readonly why: string;
  /** Whether it answered a case since it was started. */
  readonly answered: boolean;
  /** Cases that were sent and not answered, in the order sent; at least one. */
  readonly unanswered: readonly Case[];
  readonly unsent: readonly Case[];
  readonly circumstances: Circumstances;
}

/** One adapter process that has said hello, and the cases in flight to it. Results go to the recorder. */
export class Adapter {
  readonly identity: HelloReply;
  readonly #process: AdapterProcess;
  readonly #options: AdapterOptions;
  readonly #recorder: Recorder;
  readonly #inFlight = new Map<string, { readonly vector: Case; readonly sentAt: number }>();
  readonly #answered = new Map<string, Case>();
  #lastAnswered: Case | undefined;
  #queue: readonly Case[] = [];
  #window = 1;
  #finish: ((breakdown: Breakdown | undefined) => void) | undefined;
  #stall: NodeJS.Timeout | undefined;
  #leaving = false;
  #onEnd: (() => void) | undefined;
  #alive = true;

  private constructor(adapter: AdapterProcess, identity: HelloReply, options: AdapterOptions, recorder: Recorder) {
    this.#process = adapter;
    this.identity = identity;
    this.#options = options;
    this.#recorder = recorder;
    adapter.listener = {
      line: (text, lineNumber) => this.#receive(text, lineNumber),
      drained: () => this.#pump(),
      end: (why) => (this.#leaving && adapter.unendedLine === '' ? this.#end() : this.#breakDown(why)),
    };
  }

  /**
   * Starts a process and says hello.
   *
   * @throws {@link CannotRun} if it doesn't answer properly
   */
  static async start(options: AdapterOptions, recorder: Recorder): Promise<Adapter> {
    const adapter = new AdapterProcess(options.command);
    return new Adapter(
      adapter,
      await greet(adapter, options.hello, options.timeoutMs, options.check),
      options,
      recorder,
    );
  }

  /** False once the process has ended. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Runs cases, at most `window` of them in flight, until all are answered or the adapter breaks down. */
  run(cases: readonly Case[], window: number): Promise<Breakdown | undefined> {
    return new Promise((resolve) => {
      this.#queue = cases;
      this.#window = window;
      this.#finish = resolve;
      // Measured from the last sign of life, not from the sending: a slow but steady adapter must not be blamed for the
      // time that a case waits for those before it.
      this.#stall = setTimeout(
        () => this.#breakDown(`gave no answer within ${this.#options.timeoutMs} ms${this.#process.unendedLine}`),
        this.#options.timeoutMs,
      );
      this.#pump();
    });
  }

  /** Asks the adapter to drop its state. */
  reset(): void {
    this.#process.send({ cmd: 'reset' });
  }

  /** Lets the adapter exit by itself, and ends it if it doesn't. */
  async bye(): Promise<void> {
    if (!this.#alive) return;
    this.#leaving = true;
    this.#process.send({ cmd: 'bye' });
    this.#process.closeStdin();
    const timer = setTimeout(() => this.#end(), byeMs);
    await new Promise<void>((resolve) => (this.#onEnd = resolve));
    clearTimeout(timer);
  }

  #pump(): void {
    if (this.#finish === undefined) return;
    const batch = this.#queue.slice(0, this.#window - this.#inFlight.size);
    this.#queue = this.#queue.slice(batch.length);
    for (const vector of batch) {
      const { id, in: input } = vector.test;
      this.#inFlight.set(id, { vector, sentAt: performance.now() });
      this.#process.send({ cmd: 'run', id, op: vector.group.op, in: input });
    }
    if (this.#inFlight.size === 0) this.#conclude(undefined);
  }

  #receive(text: string, lineNumber: number): void {
    try {
      const line = parseLine(text, lineNumber);
      const { id } = line;
      if (typeof id === 'string' && this.#acceptReply(id, line)) return;
      throw new ProtocolFault(`wrote line ${lineNumber}, which answers no case: ${excerpt(text)}`);
    } catch (fault) {
      if (!(fault instanceof ProtocolFault)) throw fault;
      this.#breakDown(fault.message);
    }
  }

  #acceptReply(id: string, line: JsonObject): boolean {
    const sent = this.#inFlight.get(id);
    if (sent === undefined) return this.#rejectSecondReply(id, line);
    this.#inFlight.delete(id);
    this.#answered.set(id, sent.vector);
    this.#lastAnswered = sent.vector;
    this.#stall?.refresh();
    const circumstances = this.#since(sent.sentAt);
    const violation = this.#options.check?.('runReply', line);
    if (violation === undefined) this.#recorder.answer(sent.vector, line, circumstances);
    else this.#recorder.fail(sent.vector, `the answer is against the schema: ${violation}`, circumstances, line);
    return true;
  }

  #rejectSecondReply(id: string, line: JsonObject): boolean {
    const vector = this.#answered.get(id);
    if (vector === undefined) return false;
    this.#recorder.fail(vector, 'the adapter answered twice', this.#since(performance.now()), line);
    return true;
  }

  #breakDown(why: string): void {
    this.#end();
    const flights = [...this.#inFlight.values()];
    this.#inFlight.clear();
    const circumstances = this.#since(flights[0]?.sentAt ?? performance.now());
    if (this.#finish !== undefined) {
      const unanswered = flights.map(({ vector }) => vector);
      const answered = this.#answered.size > 0;
      this.#conclude({ why, answered, unanswered, unsent: this.#queue, circumstances });
    } else if (this.#lastAnswered !== undefined) {
      // Nothing was in flight, so what it did last is the likeliest cause; passing over it would hide a crash.
      this.#recorder.fail(this.#lastAnswered, `after answering this case the adapter ${why}`, circumstances);
    }
  }

  #end(): void {
    this.#alive = false;
    this.#process.kill();
    this.#onEnd?.();
  }

  #conclude(breakdown: Breakdown | undefined): void {
    clearTimeout(this.#stall);
    const finish = this.#finish;
    this.#finish = undefined;
    finish?.(breakdown);
  }

  #since(sentAt: number): Circumstances {
    return { ms: performance.now() - sentAt, takeStderr: () => this.#process.stderr.take() };
  }
}

const byeMs = 1000;
