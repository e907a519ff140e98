import type { Readable } from 'node:stream';
import type { BundleSink } from '../authority/broker-feed.ts';
import type { Clock } from '../authority/clock.ts';
import type { RestoreSource } from '../authority/restore-sources.ts';
import type { ServicePrincipal } from '../authority/service-principal.ts';

/** What a command has to do with the world. */
export interface AuthorityIo {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown };
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What paths are relative to. */
  readonly cwd: string;
  /** Ends `serve`. */
  readonly signal?: AbortSignal;
  /** Default that of the machine. */
  readonly clock?: Clock;
  /**
   * A link to a broker that bundles go to.
   *
   * @throws TridcommError `E_USAGE` for an address that is none
   */
  readonly connectSink: (url: string, self: ServicePrincipal) => BundleSink;
  /** A link to a broker that is asked what it retains. @throws TridcommError `E_USAGE` for an address that is none */
  readonly connectSource: (url: string, self: ServicePrincipal) => RestoreSource;
}

/** Where text goes. */
export interface TextOutput {
  write(text: string): unknown;
}

/** The command line was not understood: exit code 2, and a hint at the help. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}

/**
 * The next line of standard input, without its end; undefined at the end of the input. What comes after it is left for the next one.
 */
export async function readLine({ stdin }: AuthorityIo): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk as string);
    const end = bytes.indexOf(newline);
    chunks.push(end < 0 ? bytes : bytes.subarray(0, end));
    length += bytes.length;
    if (length > mostLineBytes) throw new CommandLineError('line on standard input is too long');
    if (end < 0) continue;
    if (end + 1 < bytes.length) stdin.unshift(bytes.subarray(end + 1));
    return textOf(chunks);
  }
  return length === 0 ? undefined : textOf(chunks);
}

/**
 * Asks somebody at a terminal for a secret, which is not shown.
 *
 * @throws CommandLineError where it is broken off
 */
export async function askSecret({ stdin, stderr }: AuthorityIo, question: string): Promise<string> {
  stderr.write(question);
  stdin.setRawMode?.(true);
  try {
    const typed: number[] = [];
    for await (const chunk of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer | string>) {
      const bytes = Buffer.from(chunk as string);
      for (const [i, byte] of bytes.entries()) {
        if (byte === keys.interrupt || byte === keys.endOfInput) throw new CommandLineError('no passphrase was given');
        if (byte === keys.enter || byte === newline) {
          if (i + 1 < bytes.length) stdin.unshift(bytes.subarray(i + 1));
          return Buffer.from(typed).toString('utf8');
        }
        if (byte === keys.backspace || byte === keys.delete) dropCharacter(typed);
        else typed.push(byte);
      }
    }
    throw new CommandLineError('no passphrase was given');
  } finally {
    stdin.setRawMode?.(false);
    stderr.write('\n');
  }
}

/** Removes the last character, which has several bytes beyond ASCII. */
function dropCharacter(typed: number[]): void {
  let byte = typed.pop();
  while (byte !== undefined && (byte & 0xc0) === 0x80) byte = typed.pop();
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8').replace(/\r$/, '');
}

const newline = 10;
const keys = { interrupt: 3, endOfInput: 4, backspace: 8, enter: 13, delete: 127 } as const;
const mostLineBytes = 65_536;
