import { parseArgs } from 'node:util';
import { parsePattern } from '@tridcomm/core';
import type { MessageBatch } from '../client/message.ts';
import { UsageError, write, type CliIo } from './cli-io.ts';
import { openSession, sessionOptions } from './session.ts';

/** `tridcomm sub`: prints messages as they come. */
export async function sub(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...sessionOptions,
      from: { type: 'string' },
      count: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const [pattern, ...others] = positionals;
  if (pattern === undefined) throw new UsageError('pattern is missing');
  if (others.length > 0)
    throw new UsageError(`one pattern is taken, not ${positionals.length}: quote it for the shell`);
  // Before anybody is connected to.
  parsePattern(pattern);
  const most = values.count === undefined ? Infinity : numberOf('count', values.count);
  const from = fromOf(values.from);
  const { client, close } = await openSession(io, values, { action: 'subscribe', text: pattern });
  try {
    const subscription = client.subscribe(pattern, { from, signal: io.signal });
    let printed = 0;
    for await (const batch of subscription.batches()) {
      const count = Math.min(batch.count, most - printed);
      await write(io, values.json === true ? jsonOf(batch, count) : payloadsOf(batch, count));
      if (batch.position !== undefined) for (let index = 0; index < count; index++) batch.ackOne(index);
      printed += count;
      if (printed >= most) break;
    }
  } finally {
    await close();
  }
  return 0;
}

/** Each payload on a line, as it is. */
function payloadsOf(batch: MessageBatch, count: number): Uint8Array {
  return Buffer.concat(batch.records.slice(0, count).flatMap(({ payload }) => [payload, newline]));
}

/** Each message as an object on a line: its bytes as text where they are UTF-8, else in base64. */
function jsonOf(batch: MessageBatch, count: number): string {
  const { topic, sender, id, verdict, stale, position } = batch;
  const keyId = Buffer.from(sender.keyId32).toString('hex');
  return batch.records
    .slice(0, count)
    .map(({ payload, timestampMs }, index) => {
      const said = { topic, sender: sender.name, keyId, id, index, timestampMs, verdict, stale, position };
      return `${JSON.stringify({ ...said, ...dataOf(payload) })}\n`;
    })
    .join('');
}

function dataOf(payload: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: decoder.decode(payload) };
  } catch {
    return { base64: Buffer.from(payload).toString('base64') };
  }
}

function fromOf(text: string | undefined): 'live' | 'cursor' | number {
  return text === undefined || text === 'cursor' ? (text ?? 'live') : numberOf('from', text);
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < 1) {
    throw new UsageError(`--${name} ${text}: a number from 1 on is taken${name === 'from' ? ', or cursor' : ''}`);
  }
  return number;
}

const newline = Uint8Array.of(10);
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
