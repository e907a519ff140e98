import { parseArgs } from 'node:util';
import { parseTopic, TridcommError } from '@tridcomm/core';
import type { TridcommClient } from '../client/client.ts';
import type { Durability } from '../client/publish-outcome.ts';
import { readInput, sentenceOf, UsageError, write, type CliIo } from './cli-io.ts';
import { Progress } from './progress.ts';
import { openSession, sessionOptions } from './session.ts';

/** `tridcomm pub`: publishes lines of standard input, or files. */
export async function pub(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...sessionOptions, durability: { type: 'string' }, json: { type: 'boolean' } },
  });
  const [topic, ...files] = positionals;
  if (topic === undefined) throw new UsageError('topic is missing');
  // Before anybody is connected to.
  parseTopic(topic);
  const { durability = 'memory' } = values;
  if (!['none', 'memory', 'disk'].includes(durability)) {
    throw new UsageError(`--durability ${durability}: none, memory or disk is taken`);
  }
  const { client, close } = await openSession(io, values, { action: 'publish', text: topic });
  const sending = new Sending(io, client, topic, durability as Durability, values.json === true);
  try {
    if (files.length === 0) await publishLines(io, sending);
    for (const file of files) {
      if (io.signal.aborted) break;
      await sending.add([await readInput(io, file)]);
    }
    await sending.rest();
  } catch (error) {
    throw error instanceof TridcommError && error.code === 'E_POLICY' ? withAdvice(error) : error;
  } finally {
    sending.end();
    await close();
  }
  return io.signal.aborted ? 1 : 0;
}

/** Who may not publish is told who can change that. */
function withAdvice(error: TridcommError): TridcommError {
  const advice =
    'tridcomm authority grant lets you publish, from the next epoch of the group on or, with --join now, at once';
  return new TridcommError(error.code, `${sentenceOf(error)}: ${advice}`, { cause: error });
}

/** Each line is a message; the lines that come together go together. */
async function publishLines(io: CliIo, sending: Sending): Promise<void> {
  let rest: Buffer[] = [];
  const stop = () => io.stdin.destroy();
  io.signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of io.stdin as AsyncIterable<Buffer | string>) {
      const bytes = Buffer.from(chunk as string);
      const lines: Uint8Array[] = [];
      let start = 0;
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
        lines.push(Buffer.concat([...rest, bytes.subarray(start, end)]));
        rest = [];
        start = end + 1;
      }
      if (start < bytes.length) rest.push(bytes.subarray(start));
      if (lines.length > 0) await sending.add(lines);
    }
  } catch (error) {
    // The input was let go of, above.
    if (!io.signal.aborted) throw error;
  }
  if (rest.length > 0) await sending.add([Buffer.concat(rest)]);
}

/** Publishes one after the other, a few of them on their way at a time. */
class Sending {
  readonly #io: CliIo;
  readonly #client: TridcommClient;
  readonly #topic: string;
  readonly #durability: Durability;
  readonly #isJson: boolean;
  readonly #progress: Progress;
  #onTheirWay: Promise<void>[] = [];
  #error: unknown;

  constructor(io: CliIo, client: TridcommClient, topic: string, durability: Durability, isJson: boolean) {
    this.#io = io;
    this.#client = client;
    this.#topic = topic;
    this.#durability = durability;
    this.#isJson = isJson;
    this.#progress = new Progress(io, 'messages published');
  }

  /** @throws what an earlier one failed with */
  async add(messages: readonly Uint8Array[]): Promise<void> {
    if (this.#onTheirWay.length >= mostOnTheirWay) await this.#onTheirWay.shift();
    if (this.#error !== undefined) throw this.#error;
    this.#onTheirWay.push(
      this.#publish(messages).catch((error: unknown) => {
        this.#error ??= error;
      }),
    );
  }

  /** @throws what one of them failed with */
  async rest(): Promise<void> {
    await Promise.all(this.#onTheirWay.splice(0));
    if (this.#error !== undefined) throw this.#error;
  }

  end(): void {
    this.#progress.end();
  }

  async #publish(messages: readonly Uint8Array[]): Promise<void> {
    const { id, ids } = await this.#client.publish(this.#topic, messages, { durability: this.#durability });
    this.#progress.add(messages.length);
    if (!this.#isJson) return;
    const receipt = { topic: this.#topic, id, ids, messages: messages.length, durability: this.#durability };
    await write(this.#io, `${JSON.stringify(receipt)}\n`);
  }
}

const newline = 10;
const mostOnTheirWay = 16;
