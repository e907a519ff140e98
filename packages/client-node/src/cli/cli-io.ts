import type { Readable } from 'node:stream';
import { styleText } from 'node:util';
import { TridcommError } from '@tridcomm/core';
import { AdminRefusal } from '../authority/admin-client.ts';

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
  if (error instanceof AdminRefusal)
    return error.message.startsWith(error.code) ? error.message : `${error.code}: ${error.message}`;
  if (error instanceof Error && 'syscall' in error) return `E_USAGE: ${error.message}`;
  return undefined;
}

/** What stands in brackets behind the sentence of the registry says more, where it is there. */
function sentenceOf({ code, message }: TridcommError): string {
  const text = message.slice(code.length + 2);
  const detail = /^[^(]*\((.*)\)$/s.exec(text)?.[1];
  return (detail ?? text).replaceAll('\n', ' ');
}
