import { printable } from './printable.ts';

/** The last lines of an adapter's stderr, for the report of a failing case. */
export class StderrTail {
  #lines: string[] = [''];

  /** Adds what was read. */
  push(chunk: string): void {
    const [first = '', ...others] = chunk.split('\n');
    // A process that never writes a line feed must not fill the memory either.
    const last = ((this.#lines.pop() ?? '') + first).slice(0, maxLineChars);
    this.#lines = [...this.#lines, last, ...others].slice(-maxLines - 1);
  }

  /** Gives the lines that no earlier call gave, so that each shows under the first case that fails after it. */
  take(): string[] {
    const lines = this.#lines.map(printable).filter((line) => line !== '');
    this.#lines = [''];
    return lines.slice(-maxLines);
  }
}

const maxLines = 20;
const maxLineChars = 1000;
