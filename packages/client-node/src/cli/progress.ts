import type { CliIo } from './cli-io.ts';

/** Counts on a terminal what takes longer than a second; elsewhere it says nothing. */
export class Progress {
  readonly #io: CliIo;
  readonly #what: string;
  readonly #startMs: number = performance.now();
  #count = 0;
  #shownMs = 0;

  constructor(io: CliIo, what: string) {
    this.#io = io;
    this.#what = what;
  }

  add(count: number): void {
    this.#count += count;
    const nowMs = performance.now();
    if (this.#io.stderr.isTTY !== true || nowMs < this.#startMs + quietMs || nowMs < this.#shownMs + showMs) return;
    this.#shownMs = nowMs;
    this.#io.stderr.write(`\r${this.#count} ${this.#what}`);
  }

  /** Leaves the line. */
  end(): void {
    if (this.#shownMs > 0) this.#io.stderr.write(`\r${this.#count} ${this.#what}\n`);
  }
}

const quietMs = 1_000;
const showMs = 200;
