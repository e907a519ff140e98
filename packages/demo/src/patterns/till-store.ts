import { connect, type Socket } from 'node:net';
import {
  ConflictError,
  TridcommError,
  type Begun,
  type EffectRun,
  type EffectStore,
  type EffectWork,
  type ErrorCode,
} from '@tridcomm/client-node';
import { readLines, writeLine, type TillAnswer, type TillRequest } from './till-wire.ts';

/** What a handler writes its effect with. */
export interface Cashbox {
  /** @returns cents that are in the till then, if nobody else is faster */
  add(cents: number): Promise<number>;
}

/** The store of effects in another process, as its workers have it. */
export class TillStore implements EffectStore<Cashbox> {
  /** What happens behind each commit, before the worker hears of it. */
  afterCommit: () => Promise<void> = async () => Promise.resolve();
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  readonly #runs = new WeakMap<EffectRun<Cashbox>, number>();
  #lastId = 0;

  constructor(socketPath: string) {
    this.#socket = connect(socketPath);
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the till is closed'));
    });
    readLines(this.#socket, (answer) => this.#take(answer as TillAnswer));
  }

  async begin(work: EffectWork, leaseMs: number, nowMs: number): Promise<Begun<Cashbox>> {
    const begun = (await this.#ask('begin', work, leaseMs, nowMs)) as
      Exclude<Begun<Cashbox>, { readonly status: 'run' }> | { readonly status: 'run'; readonly run: number };
    if (begun.status !== 'run') return begun;
    const number = begun.run;
    const run = { transaction: { add: async (cents: number) => (await this.#ask('add', number, cents)) as number } };
    this.#runs.set(run, number);
    return { status: 'run', run };
  }

  async commit(run: EffectRun<Cashbox>, result: Uint8Array): Promise<void> {
    await this.#ask('commit', this.#runs.get(run), result);
    await this.afterCommit();
  }

  async abandon(run: EffectRun<Cashbox>): Promise<void> {
    await this.#ask('abandon', this.#runs.get(run));
  }

  async #ask(op: TillRequest['op'], ...args: readonly unknown[]): Promise<unknown> {
    const id = ++this.#lastId;
    return await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      writeLine(this.#socket, { id, op, args });
    });
  }

  #take({ id, result, error }: TillAnswer): void {
    const { resolve, reject } = this.#waiting.get(id)!;
    this.#waiting.delete(id);
    if (error === undefined) resolve(result);
    else if (error.name === 'ConflictError') reject(new ConflictError(error.message));
    else if (error.name === 'TridcommError') reject(new TridcommError(error.code as ErrorCode, error.message));
    else reject(new Error(error.message));
  }
}
