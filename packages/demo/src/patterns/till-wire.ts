import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';

/** What a worker asks of the till. */
export interface TillRequest {
  readonly id: number;
  readonly op: 'begin' | 'add' | 'commit' | 'abandon';
  readonly args: readonly unknown[];
}

/** What the till answers. */
export interface TillAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
}

/** Writes a value as a line. */
export function writeLine(socket: Socket, value: TillRequest | TillAnswer): void {
  socket.write(`${serialize(value).toString('base64')}\n`);
}

/** Hands on each line that comes, as the value that it was. */
export function readLines(socket: Socket, take: (value: unknown) => void): void {
  let rest = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(deserialize(Buffer.from(line, 'base64')));
  });
}
