import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '@tridcomm/core/testing';
import { DamagedError } from '../../src/store/envelope-log.ts';
import { nodeFiles } from '../../src/store/node-files.ts';
import { SegmentLog } from '../../src/store/segment-log.ts';
import { numberOf } from './support.ts';

/** Numbers of acknowledged envelopes by position. */
export type Acknowledged = ReadonlyMap<number, number>;

/** A process that appends to a log as fast as it can, and what it said was acknowledged. */
export class Writer {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #rest = '';
  #errors = '';

  /** Runs the built package, as a process cannot run the sources. */
  constructor(folder: string, firstNumber: number, mode: 'sync' | 'no-sync' = 'sync') {
    const built = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
    if (!existsSync(built)) throw new Error('the broker is not built: npm test builds it');
    const script = fileURLToPath(new URL('fixtures/writer.mjs', import.meta.url));
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    this.#child = spawn(process.execPath, [script, folder, String(firstNumber), mode], { stdio: [...stdio] });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop()!;
      this.#lines.push(...lines);
    });
  }

  /** Waits until so many appends were acknowledged, and so much longer. */
  async write(appends: number, extraMs: number): Promise<void> {
    while (this.#lines.length < appends) {
      if (this.#child.exitCode !== null) throw new Error(`the writer ended: ${this.#errors}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, extraMs));
  }

  /** What was acknowledged so far. */
  get acknowledged(): Acknowledged {
    return new Map(
      this.#lines.flatMap((line) => {
        const [position = 0, first = 0, count = 0] = line.split(' ').map(Number);
        return Array.from({ length: count }, (_, i) => [position + i, first + i] as const);
      }),
    );
  }

  /** Ends the process as `kill -9` does. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/**
 * Opens the log of a folder and looks for everything that was acknowledged.
 *
 * @returns the positions that are gone or hold something else, and how many envelopes there are
 */
export async function lostOf(folder: string, acknowledged: Acknowledged): Promise<{ lost: number[]; count: number }> {
  const log = await SegmentLog.open({ files: nodeFiles(folder), now: Date.now, random: new SeededRandom(1).bytes });
  if (log.failure !== undefined) throw log.failure;
  const found = new Map<number, number>();
  for (let position = log.firstPosition; position < log.nextPosition;) {
    try {
      for (const { position: at, bytes } of await log.read(position, 1_000_000)) {
        found.set(at, numberOf(bytes));
        position = at + 1;
      }
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      position = error.toPosition;
    }
  }
  await log.close();
  const lost = [...acknowledged].filter(([position, number]) => found.get(position) !== number);
  return { lost: lost.map(([position]) => position), count: found.size };
}
