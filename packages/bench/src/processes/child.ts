import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Request } from './serve.ts';

type Methods<T> = {
  [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (...args: infer A) => infer R
    ? { readonly args: A; readonly result: Awaited<R> }
    : never;
};

/** A process of the bench, asked over the channel to it; `T` is what it serves. */
export class Child<T> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  /** @param program - path of a file of this package, from its `src` on @param execArgv - for Node */
  constructor(program: string, execArgv: readonly string[] = profileArguments()) {
    this.#process = fork(fileURLToPath(new URL(`../${program}`, import.meta.url)), [], {
      execArgv: [...execArgv],
      serialization: 'advanced',
    });
    this.#process.on('message', (message) => this.#take(message as Answer));
    this.#process.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${program} has ended`));
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  async call<K extends keyof Methods<T>>(
    op: K,
    ...args: Methods<T>[K]['args'] & readonly unknown[]
  ): Promise<Methods<T>[K]['result']> {
    const id = ++this.#lastId;
    return await new Promise<Methods<T>[K]['result']>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#process.send({ id, op: op as string, args } satisfies Request, (error) => {
        if (error !== null) this.#take({ id, error: error.message });
      });
    });
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    // It ends by itself when the channel does, and writes its profile where one is asked for.
    if (this.#process.connected) this.#process.disconnect();
    await once(this.#process, 'exit');
  }

  #take({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }
}

/** With a folder in BENCH_PROFILE every process of the bench writes a profile there. */
export function profileArguments(): readonly string[] {
  const folder = process.env['BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
