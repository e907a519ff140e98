import { ManualClock } from '@tridcomm/core/testing';

/**
 * Time that stands still until it is told, for code that asks Node for it: while it is installed, `Date.now`, `performance.now` and the
 * timers of this thread are its own.
 *
 * So nothing of a client or a broker knows of it, and no timer can be forgotten. Promises are settled by Node as ever: after each thing
 * that is due, all that follows from it without time comes to an end before the next.
 */
export class VirtualTime {
  readonly clock: ManualClock;
  readonly #startMs: number;
  /** Whose turn it is: what it asks for is its own. */
  #machine: Machine;

  constructor(startMs: number) {
    this.#startMs = startMs;
    this.clock = new ManualClock(startMs);
    this.#machine = new Machine(this);
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  /** Takes the place of Node's clock and timers. @returns gives them back */
  install(): () => void {
    const globals = globalThis as unknown as Record<string, unknown>;
    const kept = timerNames.map((name) => [name, globals[name]] as const);
    const dateNow = Date.now;
    const ownNow = Object.getOwnPropertyDescriptor(performance, 'now');
    Object.assign(globals, this.#timers());
    Date.now = () => this.nowMs + this.#machine.skewMs;
    Object.defineProperty(performance, 'now', { configurable: true, value: () => this.nowMs - this.#startMs });
    return () => {
      for (const [name, value] of kept) globals[name] = value;
      Date.now = dateNow;
      Reflect.deleteProperty(performance, 'now');
      if (ownNow !== undefined) Object.defineProperty(performance, 'now', ownNow);
    };
  }

  /** Goes on to a time, and does on the way what is due. Only while it is installed. */
  async advanceTo(timeMs: number): Promise<void> {
    while (this.clock.runNext(timeMs)) await settled();
    this.clock.advanceTo(timeMs);
  }

  /** @internal */
  at(timeMs: number, machine: Machine, action: () => void): void {
    this.clock.at(timeMs, () => {
      if (!machine.isAlive) return;
      this.#machine = machine;
      action();
    });
  }

  /** What Node has, but in this time; each belongs to the machine that asked for it. */
  #timers(): Record<(typeof timerNames)[number], unknown> {
    const once = (action: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): Timer => {
      const timer = new Timer();
      this.#machine.after(delayOf(ms), () => {
        if (!timer.isCleared) action(...args);
      });
      return timer;
    };
    const clear = (timer: Timer | undefined): void => timer?.clear();
    return {
      setTimeout: once,
      setImmediate: (action: (...args: unknown[]) => void, ...args: unknown[]) => {
        const timer = new Timer();
        this.#machine.after(0, () => {
          if (!timer.isCleared) action(...args);
        });
        return timer;
      },
      setInterval: (action: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
        const timer = new Timer();
        const machine = this.#machine;
        const next = (): void =>
          machine.after(delayOf(ms), () => {
            if (timer.isCleared) return;
            next();
            action(...args);
          });
        next();
        return timer;
      },
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    };
  }
}

/** A process on a machine with a clock of its own. What it asked for does not come when it is dead. */
export class Machine {
  /** What its clock is ahead of the true time. */
  readonly skewMs: number;
  readonly #time: VirtualTime;
  #isAlive = true;

  constructor(time: VirtualTime, skewMs = 0) {
    this.#time = time;
    this.skewMs = skewMs;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get localMs(): number {
    return this.#time.nowMs + this.skewMs;
  }

  /** Does something there, so much later. */
  after(delayMs: number, action: () => void): void {
    this.at(this.#time.nowMs + delayMs, action);
  }

  /** Does something there, at a true time. */
  at(timeMs: number, action: () => void): void {
    this.#time.at(timeMs, this, action);
  }

  /** Waits, with what it waits in. */
  async sleep(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => this.after(delayMs, resolve));
  }

  /** Ends the process without a word. */
  kill(): void {
    this.#isAlive = false;
  }
}

/** As much of Node's own as callers use. */
class Timer {
  isCleared = false;

  clear(): void {
    this.isCleared = true;
  }

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }
}

/** Lets all promises settle that need no time. One whose rejection nobody has heard of by then is Node's business. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => realImmediate(resolve));
}

/** As Node takes it. */
function delayOf(ms: number | undefined): number {
  return ms !== undefined && ms >= 1 ? Math.trunc(ms) : 1;
}

const timerNames = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
] as const;
const realImmediate = setImmediate;
