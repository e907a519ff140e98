import { Adapter } from './adapter.ts';
import type { AdapterOptions, Breakdown } from './adapter.ts';
import { groupBy } from './group-by.ts';
import type { HelloReply } from './protocol.ts';
import { windowSize } from './protocol.ts';
import type { Recorder } from './recorder.ts';
import type { Case } from './vector-file.ts';

const maxBreakdowns = 10;

class AdapterBroken extends Error {
  override message = [
    `adapter broken: it crashed, hung or wrote broken lines ${maxBreakdowns} times in a row, and answered no case in between.`,
    'The report has what was found until then; the other cases were not run.',
    "Run one case alone with --run ID. An op that the adapter doesn't know is answered with skip; --skip PATTERN leaves",
    'cases out, and --timeout MS gives each more time.',
  ].join('\n');
}

/** Runs cases whatever the adapter does, starting it again where needed. */
export class Runner {
  readonly #options: AdapterOptions;
  readonly #recorder: Recorder;
  #adapter: Adapter | undefined;
  /** Since the last answer to a case. */
  #breakdowns = 0;

  /** Starts nothing yet. */
  constructor(options: AdapterOptions, recorder: Recorder) {
    this.#options = options;
    this.#recorder = recorder;
  }

  /** What the adapter says about itself. */
  async identity(): Promise<HelloReply> {
    return (await this.#ready()).identity;
  }

  /**
   * Runs cases file by file, each file with a fresh state. An adapter that only breaks down is given up, and the cases
   * that are left are skipped.
   *
   * @returns why the adapter was given up, or undefined if it wasn't
   */
  async run(cases: readonly Case[]): Promise<string | undefined> {
    try {
      await this.#runFiles(cases);
      return undefined;
    } catch (broken) {
      if (!(broken instanceof AdapterBroken)) throw broken;
      this.#recorder.skipRest(cases, 'not run: adapter broken');
      return broken.message;
    }
  }

  async #runFiles(cases: readonly Case[]): Promise<void> {
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
      const breakdown = await this.#try(queue, windowSize);
      if (breakdown === undefined) return;
      await this.#findCulprits(breakdown);
      queue = breakdown.unsent;
      this.#giveUpIfBroken();
    }
  }

  async #try(cases: readonly Case[], window: number): Promise<Breakdown | undefined> {
    const breakdown = await (await this.#ready()).run(cases, window);
    if (breakdown === undefined || breakdown.answered) this.#breakdowns = 0;
    if (breakdown !== undefined) this.#breakdowns++;
    return breakdown;
  }

  // Each breakdown costs a start or a time-out, so an adapter that does nothing else would take hours.
  #giveUpIfBroken(): void {
    if (this.#breakdowns >= maxBreakdowns) throw new AdapterBroken();
  }

  // With several cases in flight any of them may have caused the breakdown, so each is run again with nothing beside it.
  async #findCulprits({ why, unanswered, circumstances }: Breakdown): Promise<void> {
    const [first, ...others] = unanswered;
    if (first === undefined) return;
    if (others.length === 0) return this.#recorder.fail(first, `the adapter ${why}`, circumstances);
    let found = false;
    for (const suspect of unanswered) {
      const again = await this.#try([suspect], 1);
      if (again === undefined) continue;
      found = true;
      this.#recorder.fail(suspect, `the adapter ${again.why}`, again.circumstances);
      this.#giveUpIfBroken();
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
