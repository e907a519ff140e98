import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A process that says lines, and may be killed. */
export class Speaker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #onLine: (line: string) => void;
  #isKilled = false;
  #text = '';
  #errors = '';
  isThere = false;
  /** Lines since it is there. */
  said = 0;

  constructor(child: ChildProcess, onLine: (line: string) => void = () => {}) {
    this.#child = child;
    this.#onLine = onLine;
    this.#ended = once(child, 'close');
    child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#heard(text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
  }

  /** @throws Error for one that ended by itself */
  check(): void {
    if (!this.#isKilled && (this.#child.exitCode ?? this.#child.signalCode) !== null) {
      throw new Error(`a process ended by itself: ${this.#errors}`);
    }
  }

  async kill(): Promise<void> {
    this.check();
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #heard(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop()!;
    for (const line of lines) {
      if (line === 'there') this.isThere = true;
      else this.said++;
      this.#onLine(line);
    }
  }
}
