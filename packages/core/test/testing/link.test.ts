import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/testing/clock.ts';
import { SimulatedLink, soundLink, type LinkQuality } from '../../src/testing/link.ts';
import { SeededRandom } from '../../src/testing/random.ts';

const sent = Array.from({ length: 300 }, (_, i) => i);

function runOf(quality: Partial<LinkQuality>, seed = 1): { got: number[]; link: SimulatedLink<number> } {
  const clock = new ManualClock();
  const got: number[] = [];
  const link = new SimulatedLink<number>(clock, new SeededRandom(seed), { ...soundLink, ...quality }, (item) => {
    got.push(item);
  });
  for (const item of sent) clock.at(item, () => link.send(item));
  clock.advanceTo(10_000);
  return { got, link };
}

describe('SimulatedLink', () => {
  it('keeps everything, in order, while it is sound', () => {
    const { got, link } = runOf({});
    expect(got).toEqual(sent);
    expect(link.counts).toEqual({ sent: 300, lost: 0, duplicated: 0, reordered: 0 });
  });

  it('loses and repeats as many as it counts', () => {
    const { got, link } = runOf({ lossShare: 0.3, duplicateShare: 0.2 });
    const { lost, duplicated } = link.counts;
    expect(lost).toBeGreaterThan(60);
    expect(duplicated).toBeGreaterThan(20);
    expect(got).toHaveLength(300 - lost + duplicated);
    expect(got).toEqual([...got].sort((a, b) => a - b));
  });

  it('lets some overtake others, and loses none by it', () => {
    const { got, link } = runOf({ reorderShare: 0.5, maxDelayMs: 50 });
    expect(link.counts.reordered).toBeGreaterThan(10);
    expect(got).not.toEqual(sent);
    expect([...got].sort((a, b) => a - b)).toEqual(sent);
  });

  it('delivers within its delays', () => {
    const clock = new ManualClock(1_000);
    const times: number[] = [];
    const link = new SimulatedLink<number>(
      clock,
      new SeededRandom(1),
      { ...soundLink, minDelayMs: 5, maxDelayMs: 9 },
      () => times.push(clock.nowMs),
    );
    for (const item of sent) link.send(item);
    clock.advanceTo(2_000);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(1_005);
    expect(Math.max(...times)).toBeLessThanOrEqual(1_009);
  });

  it('loses what is under way when it is cut, and nothing later', () => {
    const clock = new ManualClock();
    const got: string[] = [];
    const link = new SimulatedLink<string>(clock, new SeededRandom(1), soundLink, (item) => void got.push(item));
    link.send('before');
    link.cut();
    link.send('after');
    clock.advanceTo(100);
    expect(got).toEqual(['after']);
  });

  it('does the same for the same seed', () => {
    const quality = { lossShare: 0.1, duplicateShare: 0.1, reorderShare: 0.3 };
    expect(runOf(quality, 5).got).toEqual(runOf(quality, 5).got);
    expect(runOf(quality, 5).got).not.toEqual(runOf(quality, 6).got);
  });
});
