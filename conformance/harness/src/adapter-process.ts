import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';

import { excerpt } from './excerpt.ts';
import { LineSplitter } from './line-splitter.ts';
import { ProtocolFault } from './protocol.ts';
import type { HarnessLine } from './protocol.ts';
import { StderrTail } from './stderr-tail.ts';

/** What a process reports to whoever drives it. Nothing follows `end`. */
export interface ProcessListener {
  /** A line of stdout; the first has number 1. */
  line(text: string, lineNumber: number): void;
  /** The lines of one read were all given: the moment to send more. */
  drained(): void;
  /** The process can't be used any more; the reason completes "the adapter …". */
  end(why: string): void;
}

/** A running adapter: lines in, lines out, and exactly one end. */
export class AdapterProcess {
  readonly stderr: StderrTail = new StderrTail();
  listener: ProcessListener | undefined;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #splitter = new LineSplitter();
  #lineNumber = 0;
  #grace: NodeJS.Timeout | undefined;
  #ended = false;

  /** Starts the command, without a shell. Failure to start shows as an end. */
  constructor(command: readonly [string, ...string[]]) {
    const [file, ...args] = command;
    // A process group of its own, so that a kill also reaches what a wrapper (npx, sh -c) has started.
    const child = spawn(file, args, { stdio: 'pipe', detached: ownGroup });
    this.#child = child;
    process.once('exit', this.kill);
    child.on('error', (error) => this.#finish(`could not be started: ${error.message}`));
    child.on('exit', () => this.#finishSoon());
    child.on('close', () => setImmediate(() => this.#finish(this.#howItEnded())));
    child.stdin.on('error', () => this.#finishSoon());
    child.stdout.on('end', () => this.#finishSoon());
    // A turn later, so that what the adapter wrote to stderr before an answer is here when the answer is judged.
    child.stdout.on('data', (chunk: Buffer) => setImmediate(() => this.#receive(chunk)));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => this.stderr.push(chunk));
  }

  /** Writes one line. */
  send(line: HarnessLine): void {
    this.#child.stdin.write(`${JSON.stringify(line)}\n`);
  }

  /** Tells the process that nothing more will come. */
  closeStdin(): void {
    this.#child.stdin.end();
  }

  /** A remark on a last line without a line feed, or nothing. */
  get unendedLine(): string {
    const { rest } = this.#splitter;
    return rest === '' ? '' : ` (its last line has no line feed: ${excerpt(rest)})`;
  }

  /** Ends the process now. Its listener hears nothing more. */
  readonly kill = (): void => {
    this.listener = undefined;
    this.#finish('was ended');
  };

  #receive(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.push(chunk)) this.listener?.line(line, ++this.#lineNumber);
    } catch (fault) {
      if (!(fault instanceof ProtocolFault)) throw fault;
      this.#finish(`${fault.message} (line ${this.#lineNumber + 1})`);
    }
    this.listener?.drained();
  }

  // What a dying process wrote last may still be in the pipes; `close` says that they are empty, but never comes while a
  // grandchild holds them.
  #finishSoon(): void {
    this.#grace ??= setTimeout(() => this.#finish(this.#howItEnded()), graceMs);
  }

  #howItEnded(): string {
    const { exitCode, signalCode } = this.#child;
    if (signalCode !== null) return `was ended by signal ${signalCode}${this.unendedLine}`;
    const how = exitCode === null ? 'closed its stdin or stdout' : `exited with status ${exitCode}`;
    return how + this.unendedLine;
  }

  #finish(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#grace);
    process.off('exit', this.kill);
    this.#killGroup();
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    this.#child.unref();
    const { listener } = this;
    this.listener = undefined;
    listener?.end(why);
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(ownGroup ? -pid : pid, 'SIGKILL');
    } catch {
      // Already gone, which is what was wanted.
    }
  }
}

const ownGroup = process.platform !== 'win32';
const graceMs = 200;
