/*
 * The till, as a process of its own: the store of effects that all workers share, behind a socket, as a database would be.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { FileEffectStore, type EffectMap, type EffectRun, type EffectWork } from '@tridcomm/client-node';
import { codeOf, serve } from '../network/serve.ts';
import { readLines, writeLine, type TillRequest } from './till-wire.ts';

/** What the process serves to its parent. */
export class Till {
  #store!: FileEffectStore;
  #lastRun = 0;

  /** @param folder - of the store, which is made */
  async listen(folder: string, socketPath: string): Promise<void> {
    // There was no store before this one that could have been lost.
    this.#store = await FileEffectStore.open(folder, { bornMs: 0 });
    const server = createServer((socket) => this.#take(socket));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  }

  /** Cents that are in it. */
  async cents(): Promise<number> {
    const work = { requesterKeyId32: new Uint8Array(32), frontId16: new Uint8Array(16), key16: randomBytes(16) };
    const nowMs = Date.now();
    const nothing = { bodyHash32: new Uint8Array(32), sealedMs: nowMs, deadlineMs: nowMs + 60_000 };
    const begun = await this.#store.begin({ ...work, ...nothing }, 1_000, nowMs);
    if (begun.status !== 'run') throw new Error('a key that nobody has is not free');
    const cents = centsIn(begun.run.transaction);
    await this.#store.abandon(begun.run);
    return cents;
  }

  /** One worker. */
  #take(socket: Socket): void {
    const runs = new Map<number, EffectRun<EffectMap>>();
    // Whoever was killed says nothing more; what it had begun runs out.
    socket.on('error', () => undefined);
    readLines(socket, (request) => {
      const { id, op, args } = request as TillRequest;
      this.#do(runs, op, args).then(
        (result) => writeLine(socket, { id, result }),
        (error: unknown) => {
          const { name, message } = error instanceof Error ? error : new Error(String(error));
          writeLine(socket, { id, error: { name, code: codeOf(error), message } });
        },
      );
    });
  }

  async #do(
    runs: Map<number, EffectRun<EffectMap>>,
    op: TillRequest['op'],
    args: readonly unknown[],
  ): Promise<unknown> {
    if (op === 'begin') {
      const [work, leaseMs, nowMs] = args as [EffectWork, number, number];
      const begun = await this.#store.begin(work, leaseMs, nowMs);
      if (begun.status !== 'run') return begun;
      runs.set(++this.#lastRun, begun.run);
      return { status: 'run', run: this.#lastRun };
    }
    const [number, value] = args as [number, unknown];
    const run = runs.get(number)!;
    switch (op) {
      case 'add': {
        const cents = centsIn(run.transaction) + (value as number);
        run.transaction.put('cents', Buffer.from(String(cents)));
        return cents;
      }
      case 'commit':
        runs.delete(number);
        await this.#store.commit(run, value as Uint8Array);
        break;
      case 'abandon':
        runs.delete(number);
        await this.#store.abandon(run);
    }
    return undefined;
  }
}

function centsIn(transaction: EffectMap): number {
  return Number(Buffer.from(transaction.get('cents') ?? []).toString() || 0);
}

serve(new Till());
