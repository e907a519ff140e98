import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Request } from './serve.ts';

type Methods<T> = {
  [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (...args: infer A) => infer R
    ? { readonly args: A; readonly result: Awaited<R> }
    : never;
};

/** What a child process failed with. */
class ChildError extends Error {
  override readonly name = 'ChildError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Asks a process over the channel to it; `T` is what it serves. */
export class Caller<T> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  /** @param name - for people */
  constructor(process: ChildProcess, name: string) {
    this.#process = process;
    this.#process.on('message', (message) => this.#take(message as Answer));
    this.#process.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${name} has ended`));
      this.#waiting.clear();
    });
  }

  async call<K extends keyof Methods<T>>(
    op: K,
    ...args: Methods<T>[K]['args'] & readonly unknown[]
  ): Promise<Methods<T>[K]['result']> {
    const id = ++this.#lastId;
    return await new Promise<Methods<T>[K]['result']>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#process.send({ id, op: op as string, args } satisfies Request);
    });
  }

  #take({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new ChildError(error.code, error.message));
  }
}

/** A process of the demonstration; `T` is what it serves. */
export class Child<T> extends Caller<T> {
  readonly #process: ChildProcess;

  /** @param program - file beside this one, or a path from here */
  constructor(program: string) {
    const path = fileURLToPath(new URL(program, import.meta.url));
    const process = fork(path, [], { execArgv: [], serialization: 'advanced' });
    super(process, program);
    this.#process = process;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** `kill -9`, at once; for the end of this process too. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  async ended(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'exit');
  }
}
