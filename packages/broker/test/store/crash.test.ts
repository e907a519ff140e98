import { TridcommError } from '@tridcomm/core';
import { SeededRandom } from '@tridcomm/core/testing';
import { expect, it } from 'vitest';
import { DamagedError } from '../../src/store/envelope-log.ts';
import { SegmentLog, type SegmentLogOptions } from '../../src/store/segment-log.ts';
import { SimulatedDisk } from '../../src/testing/disk.ts';
import { envelopeOf, numberOf } from './support.ts';

/** What went wrong, so that the test names the seed. */
class Violation extends Error {}

/** Counts of all runs together: a test that did nothing must not pass. */
const totals = { acknowledged: 0, read: 0, powerCuts: 0, kills: 0, failures: 0, torn: 0, dropped: 0 };

/**
 * One disk, several processes one after the other, each ended by a power cut, a kill or in order, some with faults.
 *
 * Holds what was acknowledged or read at each position: from then on that position names those bytes, whatever happens, until the
 * retention drops it.
 */
class Run {
  readonly #random: SeededRandom;
  readonly #queue: (() => void)[] = [];
  readonly #disk: SimulatedDisk;
  readonly #known = new Map<number, number>();
  #nextNumber = 1;
  #nowMs = 1_000;
  #hasRetention = false;
  #failedWith: unknown;

  constructor(seed: number, ignoresSync: boolean) {
    this.#random = new SeededRandom(seed);
    const random = this.#random.fork();
    this.#disk = new SimulatedDisk({ random, schedule: (run) => this.#queue.push(run), ignoresSync });
  }

  async go(): Promise<void> {
    for (let lives = this.#random.between(2, 4); lives > 0; lives--) await this.#life();
    await this.#check();
  }

  async #life(): Promise<void> {
    const random = this.#random;
    this.#plantFault();
    let steps = random.between(1, 120);
    const log = await this.#drive(SegmentLog.open(this.#options()), () => steps-- > 0).catch(expectedFailure);
    if (log !== undefined) await this.#use(log, steps);
    if (log?.failure !== undefined) totals.failures++;
    if (random.chance(0.2) && log !== undefined) await this.#drive(log.close()).catch(expectedFailure);
    else if (random.chance(0.3)) {
      this.#disk.kill();
      totals.kills++;
    } else {
      this.#disk.powerCut();
      totals.powerCuts++;
    }
    this.#queue.length = 0;
    this.#throwFailed();
  }

  async #use(log: SegmentLog, steps: number): Promise<void> {
    const random = this.#random;
    for (let left = steps; left > 0; left--) {
      this.#nowMs += random.below(20);
      if (random.chance(0.25)) this.#append(log);
      if (random.chance(0.05)) void this.#read(log, random.between(1, log.nextPosition));
      if (log.failure !== undefined && random.chance(0.1)) break;
      await this.#step();
    }
  }

  /** Opens the log on a disk that works, and reads all of it. */
  async #check(): Promise<void> {
    this.#disk.fault = undefined;
    this.#disk.capacityBytes = Infinity;
    const log = await this.#drive(SegmentLog.open(this.#options()));
    if (log === undefined) throw new Violation('open did not end');
    if (log.failure !== undefined || log.recovery.isDamaged) throw new Violation('a sound disk was found damaged');
    totals.torn += log.recovery.tornBytes > 0 ? 1 : 0;
    for (let position = log.firstPosition; position < log.nextPosition;) {
      const found = await this.#drive(this.#read(log, position));
      this.#throwFailed();
      if (found === undefined || found === 0) throw new Violation(`nothing at ${position}`);
      position += found;
    }
    for (const position of this.#known.keys()) {
      if (position >= log.nextPosition) throw new Violation(`lost position ${position} of ${log.nextPosition - 1}`);
      if (position >= log.firstPosition) continue;
      totals.dropped++;
      if (!this.#hasRetention) throw new Violation(`lost position ${position} before ${log.firstPosition}`);
    }
  }

  #options(): SegmentLogOptions {
    const random = this.#random;
    const maxBytes = random.pick([undefined, undefined, undefined, 4_000]);
    if (maxBytes !== undefined) this.#hasRetention = true;
    return {
      files: this.#disk.attach(),
      now: () => this.#nowMs,
      random: random.fork().bytes,
      segmentBytes: random.pick([400, 2_000, 10_000]),
      batchBytes: random.pick([200, 1_000, 5_000]),
      ...(maxBytes === undefined ? {} : { retention: { maxBytes } }),
    };
  }

  #plantFault(): void {
    const random = this.#random.fork();
    const used = this.#disk.names.reduce((sum, name) => sum + this.#disk.bytesOf(name).length, 0);
    this.#disk.capacityBytes = random.chance(0.1) ? used + random.below(3_000) : Infinity;
    let left = random.chance(0.2) ? random.below(100) : Infinity;
    const isForEver = random.chance(0.5);
    this.#disk.fault = () => (left-- === 0 || (left < 0 && isForEver) ? random.pick(['EIO', 'ENOSPC']) : undefined);
  }

  #append(log: SegmentLog): void {
    const { nextPosition } = log;
    const numbers = Array.from({ length: this.#random.between(1, 3) }, () => this.#nextNumber++);
    const envelopes = numbers.map((number) => envelopeOf(number, this.#random.pick([8, 40, 100, 700, 2_000])));
    log.append(envelopes).then(
      (position) => {
        if (position < nextPosition) this.#fail(`position ${position} is not behind ${nextPosition - 1}`);
        numbers.forEach((number, i) => this.#know(position + i, number));
        totals.acknowledged += numbers.length;
      },
      (error: unknown) => this.#note(error),
    );
  }

  /** @returns how many were read */
  async #read(log: SegmentLog, from: number): Promise<number> {
    try {
      const found = await log.read(from, 1_000);
      for (const { position, bytes } of found) this.#know(position, numberOf(bytes));
      totals.read += found.length;
      return found.length;
    } catch (error) {
      if (error instanceof DamagedError) this.#fail(error.message);
      this.#note(error);
      return 0;
    }
  }

  #know(position: number, number: number): void {
    const known = this.#known.get(position);
    if (known !== undefined && known !== number) this.#fail(`position ${position} named ${known} and names ${number}`);
    this.#known.set(position, number);
  }

  /** Errors of the log are expected; all others are found. */
  #note(error: unknown): void {
    if (!(error instanceof TridcommError)) this.#failedWith ??= error;
  }

  #fail(message: string): void {
    this.#failedWith ??= new Violation(message);
  }

  #throwFailed(): void {
    if (this.#failedWith !== undefined) throw this.#failedWith as Error;
  }

  /** Lets the disk work until something settles; undefined where it is told to stop before. */
  async #drive<T>(work: Promise<T>, goesOn: () => boolean = () => true): Promise<T | undefined> {
    const state = { isSettled: false, idle: 0 };
    const settle = (): void => void (state.isSettled = true);
    work.then(settle, settle);
    while (!state.isSettled && goesOn()) {
      state.idle = this.#queue.length === 0 ? state.idle + 1 : 0;
      if (state.idle > 100) throw new Violation('nothing happens any more');
      await this.#step();
    }
    return state.isSettled ? await work : undefined;
  }

  /** One operation of the disk, any of those that are under way. */
  async #step(): Promise<void> {
    const at = this.#random.below(this.#queue.length);
    this.#queue.splice(at, 1)[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function expectedFailure(error: unknown): undefined {
  if (!(error instanceof TridcommError) || error instanceof DamagedError) throw error;
  expect(error.code).toBe('E_TRANSPORT');
  return undefined;
}

it(
  'storage.3, storage.12, storage.16: no crash of 2,000 seeds loses or changes what was acknowledged or read',
  { timeout: 300_000 },
  async () => {
    const found: string[] = [];
    for (let seed = 1; seed <= 2_000; seed++) {
      await new Run(seed, false).go().catch((error: unknown) => found.push(`seed ${seed}: ${String(error)}`));
    }
    expect(found).toEqual([]);
    // Each kind of what may happen did happen, often.
    expect(Object.entries(totals).filter(([, count]) => count < 100)).toEqual([]);
  },
);

it('the same runs find a disk that does not sync', { timeout: 60_000 }, async () => {
  let found = 0;
  for (let seed = 1; seed <= 100; seed++) await new Run(seed, true).go().catch(() => found++);
  expect(found).toBeGreaterThan(50);
});
