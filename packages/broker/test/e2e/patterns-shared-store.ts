import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { TridcommError, type ErrorCode } from '@tridcomm/core';
import {
  ConflictError,
  StoreError,
  type Begun,
  type EffectRun,
  type EffectStore,
  type EffectWork,
} from '@tridcomm/client-node';

/** What a handler of these tests writes its effect with: numbers by name, in the transaction of the store. */
export interface Ledger {
  get(name: string): Promise<number>;
  put(name: string, value: number): void;
}

/** What a worker asks the process that holds the store, a line of JSON each; bytes are in hex. */
export type Question =
  | { readonly ask: 'begin'; readonly work: WorkText; readonly leaseMs: number; readonly nowMs: number }
  | { readonly ask: 'get'; readonly run: number; readonly name: string }
  | {
      readonly ask: 'commit';
      readonly run: number;
      readonly writes: Readonly<Record<string, number>>;
      readonly result: string;
    }
  | { readonly ask: 'abandon'; readonly run: number };

/** What it is answered, under the number of the question. */
export interface Answer {
  readonly status?: Begun<Ledger>['status'];
  readonly run?: number;
  readonly value?: number;
  readonly result?: string;
  /** Name or code of an error, and what it says. */
  readonly error?: readonly [string, string];
}

export type WorkText = { readonly [K in keyof EffectWork]: EffectWork[K] extends number ? number : string };

interface LedgerRun extends EffectRun<Ledger> {
  readonly number: number;
  /** On which it was begun: with it the run is over. */
  readonly connection: Connection;
  readonly writes: Map<string, number>;
}

/**
 * The effect store of workers in many processes: one process holds it, as that of a database does. A handler reads in the transaction, and
 * what it writes goes with the commit.
 */
export class SharedStore implements EffectStore<Ledger> {
  readonly #path: string;
  #connection: Promise<Connection> | undefined;

  /** @param path - of the local socket */
  constructor(path: string) {
    this.#path = path;
  }

  async begin(work: EffectWork, leaseMs: number, nowMs: number): Promise<Begun<Ledger>> {
    this.#connection ??= this.#connect();
    const connection = await this.#connection;
    const text = Object.fromEntries(
      Object.entries(work).map(([name, value]) => [name, value instanceof Uint8Array ? hex(value) : (value as number)]),
    ) as unknown as WorkText;
    const { status, run: number, result } = await connection.ask({ ask: 'begin', work: text, leaseMs, nowMs });
    if (status === 'done') return { status, result: bytes(result!) };
    if (status === 'running') return { status };
    const writes = new Map<string, number>();
    const transaction: Ledger = {
      get: async (name) => writes.get(name) ?? (await connection.ask({ ask: 'get', run: number!, name })).value!,
      put: (name, value) => void writes.set(name, value),
    };
    const run: LedgerRun = { number: number!, connection, writes, transaction };
    return { status: 'run', run };
  }

  async commit(run: EffectRun<Ledger>, result: Uint8Array): Promise<void> {
    const { connection, number, writes } = run as LedgerRun;
    await connection.ask({ ask: 'commit', run: number, writes: Object.fromEntries(writes), result: hex(result) });
  }

  async abandon(run: EffectRun<Ledger>): Promise<void> {
    const { connection, number } = run as LedgerRun;
    await connection.ask({ ask: 'abandon', run: number });
  }

  async #connect(): Promise<Connection> {
    const lost = () => (this.#connection = undefined);
    try {
      return await Connection.open(this.#path, lost);
    } catch (error) {
      lost();
      throw new StoreError('the process of the store is not there', { cause: error });
    }
  }
}

/** Questions that wait for their answers, which come in any order. */
class Connection {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  #last = 0;

  private constructor(socket: Socket, onLost: () => void) {
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    for (const one of [socket, lines]) one.on('error', () => undefined);
    lines.on('line', (line) => this.#answered(JSON.parse(line) as Answer & { readonly call: number }));
    socket.once('close', () => {
      onLost();
      for (const { reject } of this.#waiting.values()) reject(new StoreError('the process of the store is gone'));
      this.#waiting.clear();
    });
  }

  static async open(path: string, onLost: () => void): Promise<Connection> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Connection(socket, onLost);
  }

  async ask(question: Question): Promise<Answer> {
    if (this.#socket.destroyed) throw new StoreError('the process of the store is gone');
    const call = ++this.#last;
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ call, ...question })}\n`);
    });
  }

  #answered({ call, ...answer }: Answer & { readonly call: number }): void {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    if (answer.error === undefined) waiting?.resolve(answer);
    else waiting?.reject(errorOf(answer.error));
  }
}

function errorOf([name, detail]: readonly [string, string]): Error {
  if (name === 'ConflictError') return new ConflictError(detail);
  return name.startsWith('E_') ? new TridcommError(name as ErrorCode, detail) : new StoreError(detail);
}

export const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
