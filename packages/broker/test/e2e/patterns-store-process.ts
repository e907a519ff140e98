/*
 * A process that holds the effect store of workers in other processes, until it is killed: `directory socket`.
 *
 * The transaction is a record of the file of a FileEffectStore: the entry of the key, with the result, and all numbers that the handler wrote are
 * in it, and it is on the disk as a whole or not at all. Says `there` when it listens, `done KEY` for what is on the disk before anybody is
 * answered, and `left` for a run whose worker is gone.
 */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { FileEffectStore, type EffectMap, type EffectRun, type EffectWork } from '@tridcomm/client-node';
import { bytes, hex, type Answer, type Question } from './patterns-shared-store.ts';

const [directory, path] = process.argv.slice(2) as [string, string];
const store = await FileEffectStore.open(directory, { bornMs: 0 });
rmSync(path, { force: true });
createServer(serve).listen(path, () => say('there'));

interface Run {
  readonly run: EffectRun<EffectMap>;
  readonly key: string;
}

/** Runs are of a connection: with it they are over, and nothing of them has happened. */
function serve(socket: Socket): void {
  const runs = new Map<number, Run>();
  let last = 0;
  const lines = createInterface({ input: socket });
  // Both tell of it; a worker that is killed is what this is about.
  for (const one of [socket, lines]) one.on('error', () => undefined);
  socket.once('close', () => {
    for (const { run } of runs.values()) {
      say('left');
      void store.abandon(run);
    }
  });
  lines.on('line', (line) => {
    const { call, ...question } = JSON.parse(line) as Question & { readonly call: number };
    const reply = (answer: Answer) => {
      if (!socket.destroyed) socket.write(`${JSON.stringify({ call, ...answer })}\n`);
    };
    answerTo(question).then(reply, (error: Error & { readonly code?: string }) => {
      reply({ error: [error.code ?? error.name, error.message] });
    });
  });

  async function answerTo(question: Question): Promise<Answer> {
    if (question.ask === 'begin') {
      const { leaseMs, nowMs } = question;
      const work = Object.fromEntries(
        Object.entries(question.work).map(([name, value]) => [name, typeof value === 'string' ? bytes(value) : value]),
      ) as unknown as EffectWork;
      const begun = await store.begin(work, leaseMs, nowMs);
      const key = hex(work.key16);
      if (begun.status === 'running') return { status: 'running' };
      if (begun.status === 'done') {
        say(`done ${key}`);
        return { status: 'done', result: hex(begun.result) };
      }
      runs.set(++last, { run: begun.run, key });
      return { status: 'run', run: last };
    }
    const { run, key } = runs.get(question.run)!;
    if (question.ask === 'get') return { value: numberOf(run.transaction.get(question.name)) };
    // From here on it is not for the end of the connection to end it.
    runs.delete(question.run);
    if (question.ask === 'abandon') {
      await store.abandon(run);
      return {};
    }
    for (const [name, value] of Object.entries(question.writes)) run.transaction.put(name, Buffer.from(`${value}`));
    await store.commit(run, bytes(question.result));
    say(`done ${key}`);
    return {};
  }
}

function numberOf(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : Number(Buffer.from(value).toString());
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
