import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/testing/clock.ts';
import { SeededRandom } from '../../src/testing/random.ts';

describe('ManualClock', () => {
  it('runs what is due by time, then in the order of asking', () => {
    const clock = new ManualClock(100);
    const ran: string[] = [];
    const note = (name: string) => (): void => void ran.push(`${name}@${clock.nowMs}`);
    clock.after(20, note('c'));
    clock.at(110, note('a'));
    clock.at(110, note('b'));
    clock.at(50, note('late'));
    clock.at(121, note('never'));
    clock.advanceTo(120);
    expect(ran).toEqual(['late@100', 'a@110', 'b@110', 'c@120']);
    expect(clock.nowMs).toBe(120);
    expect(clock.waitingCount).toBe(1);
  });

  it('runs what is asked for on the way', () => {
    const clock = new ManualClock();
    const times: number[] = [];
    const tick = (): void => {
      times.push(clock.nowMs);
      clock.after(3, tick);
    };
    clock.after(3, tick);
    clock.advanceTo(10);
    expect(times).toEqual([3, 6, 9]);
  });

  it('does one thing at a time where it is asked to', () => {
    const clock = new ManualClock();
    const ran: number[] = [];
    for (const atMs of [4, 2, 9]) clock.at(atMs, () => ran.push(clock.nowMs));
    expect(clock.runNext(5)).toBe(true);
    expect(ran).toEqual([2]);
    expect(clock.runNext(5)).toBe(true);
    expect(clock.runNext(5)).toBe(false);
    expect([ran, clock.nowMs]).toEqual([[2, 4], 4]);
  });

  it('never goes back', () => {
    const clock = new ManualClock(5);
    clock.advanceTo(3);
    expect(clock.nowMs).toBe(5);
  });

  it('keeps the order of many', () => {
    const random = new SeededRandom(1);
    const clock = new ManualClock();
    const asked = Array.from({ length: 500 }, (_, i) => ({ timeMs: random.below(40), i }));
    const ran: typeof asked = [];
    for (const one of asked) clock.at(one.timeMs, () => void ran.push(one));
    clock.advanceTo(40);
    expect(ran).toEqual([...asked].sort((a, b) => a.timeMs - b.timeMs || a.i - b.i));
  });
});
