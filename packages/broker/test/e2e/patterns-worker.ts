/*
 * A process that works on topics until it is killed. Its argument is JSON, a WorkerJob. Says `there` when the broker gives it work, and `noted`
 * or `counted` for each request or job whose handler is at its end.
 */
import { appendFileSync } from 'node:fs';
import { connect, type JobContext } from '@tridcomm/client-node';
import { hex, SharedStore, type Ledger } from './patterns-shared-store.ts';

/** What a worker is told. */
export interface WorkerJob {
  readonly address: string;
  readonly identity: string;
  readonly topics: readonly {
    readonly topic: string;
    readonly kind: 'request' | 'job';
    /** With the effect store; otherwise the handler says of itself that it is idempotent. */
    readonly isStored: boolean;
  }[];
  /** Where handlers without the store note what they do: a file that all workers add to. */
  readonly notes: string;
  /** Socket of the process of the effect store. */
  readonly store: string;
  readonly mostPauseMs: number;
}

const { address, identity, topics, notes, store, mostPauseMs } = JSON.parse(process.argv[2]!) as WorkerJob;
const shared = new SharedStore(store);
const client = await connect(address, { identity, brokerName: 'localhost' });
for (const { topic, kind, isStored } of topics) {
  if (isStored && kind === 'request') client.respond(topic, count, { effects: shared });
  else if (isStored) client.pull(topic, async (job) => void (await count(job)), { effects: shared });
  else if (kind === 'request') client.respond(topic, note, { effects: 'idempotent' });
  else client.pull(topic, async (job) => void (await note(job)), { effects: 'idempotent' });
}
await client.ready();
say('there');

/** Its effect is that two lines stand there for its key: to add them once more changes nothing. */
async function note({ data, key }: JobContext): Promise<string> {
  appendFileSync(notes, `begun ${hex(key)}\n`);
  await pause();
  appendFileSync(notes, `ended ${hex(key)}\n`);
  say('noted');
  return `echo ${textOf(data)}`;
}

/** Its effect is one more on the account that the body names, and one more for its key. */
async function count({ data, key, transaction }: JobContext<Ledger>): Promise<string> {
  const text = textOf(data);
  const [, account] = text.split(' ');
  const balance = 1 + (await transaction.get(`balance/${account}`));
  const times = 1 + (await transaction.get(`count/${hex(key)}`));
  await pause();
  transaction.put(`balance/${account}`, balance);
  transaction.put(`count/${hex(key)}`, times);
  say('counted');
  return `${text} ${balance}`;
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * mostPauseMs));
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data).toString();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
