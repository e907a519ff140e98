import { Adapter } from './adapter.ts';
import type { AdapterOptions, Breakdown } from './adapter.ts';
import { groupBy } from './group-by.ts';
import type { HelloReply } from './protocol.ts';
import { windowSize } from './protocol.ts';
import type { Recorder } from './recorder.ts';
import type { Case } from './vector-file.ts';

/** Runs cases whatever the adapter does, starting it again where needed. */
export class Runner {
  readonly #options: AdapterOptions;
  readonly #recorder: Recorder;
  #adapter: Adapter | undefined;

  /** Starts nothing yet. */
  constructor(options: AdapterOptions, recorder: Recorder) {
    this.#options = options;
    this.#recorder = recorder;
  }

  /** What the adapter says about itself. */
  async identity(): Promise<HelloReply> {
    return (await this.#ready()).identity;
  }

  /** Runs cases file by file, each file with a fresh state. */
  async run(cases: readonly Case[]): Promise<void> {
    const files = [...groupBy(cases, ({ file }) => file).values()];
    for (const [index, file] of files.entries()) {
      if (index > 0 && this.#adapter?.alive) this.#adapter.reset();
      await this.#runFile(file);
    }
  }

  /** Lets the adapter exit. */
  async bye(): Promise<void> {
    await this.#adapter?.bye();
  }

  async #runFile(cases: readonly Case[]): Promise<void> {
    let queue = cases;
    while (queue.length > 0) {
      const breakdown = await (await this.#ready()).run(queue, windowSize);
      if (breakdown === undefined) return;
      await this.#findCulprits(breakdown);
      queue = breakdown.unsent;
    }
  }

  // With several cases in flight any of them may have caused the breakdown, so each is run again with nothing beside it.
  async #findCulprits({ why, unanswered, circumstances }: Breakdown): Promise<void> {
    const [first, ...others] = unanswered;
    if (first === undefined) return;
    if (others.length === 0) return this.#recorder.fail(first, `the adapter ${why}`, circumstances);
    let found = false;
    for (const suspect of unanswered) {
      const again = await (await this.#ready()).run([suspect], 1);
      if (again === undefined) continue;
      found = true;
      this.#recorder.fail(suspect, `the adapter ${again.why}`, again.circumstances);
    }
    if (found) return;
    const all = `${unanswered.length} cases, each of which it answered when run alone; this is the first of them`;
    this.#recorder.fail(first, `the adapter ${why} while it had ${all}`, circumstances);
  }

  async #ready(): Promise<Adapter> {
    if (!this.#adapter?.alive) this.#adapter = await Adapter.start(this.#options, this.#recorder);
    return this.#adapter;
  }
}
