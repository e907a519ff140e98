import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { styleText } from 'node:util';
import { TridcommError } from '@tridcomm/core';
import { AdminRefusal } from '../authority/admin-client.ts';
import { StoreError } from '../store/fs-error.ts';

/** Where text and bytes go. */
export interface Output {
  readonly isTTY?: boolean;
  write(data: string | Uint8Array): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

/** What a command has to do with the world. */
export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What paths are relative to. */
  readonly cwd: string;
  /** Ends what would not end by itself. */
  readonly signal: AbortSignal;
}

/** The command line was not understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Writes, and waits while who reads is slow. */
export async function write({ stdout, signal }: CliIo, data: string | Uint8Array): Promise<void> {
  if (stdout.write(data)) return;
  await new Promise<void>((resolve) => {
    stdout.once('drain', resolve);
    // Who does not read any more must not keep the process.
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * The bytes of a file, or with `-` all that comes on standard input.
 *
 * @throws TridcommError `E_USAGE` for a file that cannot be read
 */
export async function readInput({ stdin, cwd, signal }: CliIo, file: string): Promise<Buffer> {
  if (file !== '-') {
    return readFile(resolve(cwd, file), { signal }).catch((cause: NodeJS.ErrnoException) => {
      const why = whyUnreadable[cause.code ?? ''] ?? 'it cannot be read';
      throw new TridcommError('E_USAGE', `${file}: ${why} (${cause.code ?? cause.name})`, { cause });
    });
  }
  // Without this it would be waited for what comes, whatever the signal says.
  const stop = () => stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  const chunks: Buffer[] = [];
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) chunks.push(Buffer.from(chunk as string));
  signal.removeEventListener('abort', stop);
  return Buffer.concat(chunks);
}

const whyUnreadable: Readonly<Record<string, string | undefined>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'that is a folder, not a file',
  EACCES: 'this user may not read it',
};

/** A text that stands out on a terminal, unless that is not wanted. */
export function strong({ stdout, env }: CliIo, text: string): string {
  const isWanted = stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '';
  return isWanted ? styleText('bold', text) : text;
}

/**
 * One line about what went wrong: code and sentence.
 *
 * @returns undefined for what is a mistake of this program
 */
export function explain(error: unknown): string | undefined {
  if (error instanceof TridcommError) return `${error.code}: ${sentenceOf(error)}`;
  // As an authority says it to who asks.
  if (error instanceof StoreError) return `E_INTERNAL: ${error.message}`;
  if (error instanceof AdminRefusal) return `${error.code}: ${sentenceOf(error)}`;
  if (error instanceof Error && 'syscall' in error) return `E_USAGE: ${error.message}`;
  return undefined;
}

/** What stands in brackets behind the sentence of the registry says more, where it is there. */
export function sentenceOf({ code, message }: { readonly code: string; readonly message: string }): string {
  const text = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
  const detail = /^[^(]*\((.*)\)$/s.exec(text)?.[1];
  return (detail ?? text).replaceAll('\n', ' ');
}
