import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine, VirtualTime } from '../../src/network/virtual-time.ts';

const startMs = 1_000_000;
let time: VirtualTime;
let giveBack: () => void;

beforeEach(() => {
  time = new VirtualTime(startMs);
  giveBack = time.install();
});
afterEach(() => giveBack());

describe('VirtualTime', () => {
  it('runs timers by their times, each with the clock of the machine that asked', async () => {
    const seen: string[] = [];
    for (const [name, skewMs] of [
      ['ahead', 500],
      ['behind', -300],
    ] as const) {
      new Machine(time, skewMs).after(10, () => {
        setTimeout(() => seen.push(`${name} ${Date.now() - startMs} ${performance.now()}`), 20);
      });
    }
    await time.advanceTo(startMs + 29);
    expect(seen).toEqual([]);
    await time.advanceTo(startMs + 40);
    expect(seen).toEqual(['ahead 530 30', 'behind -270 30']);
  });

  it('lets promises settle before the next thing that is due', async () => {
    const seen: string[] = [];
    const machine = new Machine(time);
    machine.after(5, () => {
      void (async () => {
        for (let i = 0; i < 50; i++) await Promise.resolve();
        seen.push('settled');
        await machine.sleep(7);
        seen.push(`slept to ${time.nowMs - startMs}`);
      })();
    });
    machine.after(5, () => seen.push('next'));
    await time.advanceTo(startMs + 100);
    expect(seen).toEqual(['settled', 'next', 'slept to 12']);
  });

  it('repeats and clears as Node does', async () => {
    const times: number[] = [];
    setTimeout(() => {
      const interval = setInterval(() => {
        times.push(performance.now());
        if (times.length === 3) clearInterval(interval);
      }, 10);
      clearTimeout(setTimeout(() => times.push(-1), 1));
      clearTimeout(undefined);
    }, 0);
    await time.advanceTo(startMs + 100);
    expect(times).toEqual([11, 21, 31]);
  });

  it('does nothing of what a dead machine asked for', async () => {
    const seen: string[] = [];
    const machine = new Machine(time);
    machine.after(1, () => {
      setTimeout(() => seen.push('timer'), 5);
      void machine.sleep(6).then(() => seen.push('slept'));
    });
    time.clock.after(3, () => machine.kill());
    await time.advanceTo(startMs + 100);
    expect(seen).toEqual([]);
  });
});
