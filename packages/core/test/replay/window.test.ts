import { describe, expect, it } from 'vitest';
import { recordWords } from '../../src/replay/stream-record.ts';
import { seqStates, Windows } from '../../src/replay/window.ts';
import { chanceOf } from './chance.ts';

describe('Windows', () => {
  it('replay.8 keeps in-order, swapped and jumping streams in their records', () => {
    const windows = new Windows(1024);
    const words = new Int32Array(recordWords);
    const accept = (seq: number): void => {
      if (windows.look(words, 0, seq) !== seqStates.unseen) expect.fail(`${seq} is not unseen`);
      windows.advance(words, 0, seq);
      windows.mark(words, 0, seq);
    };
    for (let seq = 1; seq < 5_000; seq++) accept(seq);
    accept(50_000);
    expect(windows.byteLength).toBe(0);
  });

  it('replay.8 gives a bitmap back when the loss that asked for it is out of the window', () => {
    const windows = new Windows(1024);
    const lossy = new Int32Array(recordWords);
    const accept = (words: Int32Array, seq: number): void => {
      windows.advance(words, 0, seq);
      windows.mark(words, 0, seq);
    };
    for (let seq = 1; seq < 3_000; seq++) if (seq !== 500) accept(lossy, seq);
    const bytes = windows.byteLength;
    expect(bytes).toBeGreaterThan(0);
    // Other streams take the place: the pool does not grow for one at a time.
    for (let n = 0; n < 50; n++) {
      const words = new Int32Array(recordWords);
      for (let seq = 1; seq < 3_000; seq++) if (seq !== 700) accept(words, seq);
      expect(windows.look(words, 0, 2_000)).toBe(seqStates.seen);
    }
    expect(windows.byteLength).toBe(bytes);
  });

  it.each([64, 128, 1024])('replay.6 replay.7 replay.8 window of %i against a set, 100,000 numbers', (size) => {
    const windows = new Windows(size);
    const words = new Int32Array(recordWords);
    const seen = new Set<number>();
    const chance = chanceOf(size);
    let hi = 0;
    for (let i = 0; i < 100_000; i++) {
      const near = chance(10) < 7;
      const seq = Math.max(
        1,
        hi + (near ? chance(6) - 3 : chance(200) === 0 ? chance(3 * size) - size : chance(90) - 80),
      );
      const expected = seq <= hi - size ? seqStates.tooOld : seen.has(seq) ? seqStates.seen : seqStates.unseen;
      if (windows.look(words, 0, seq) !== expected) expect.fail(`step ${i}: ${seq} below ${hi}, not ${expected}`);
      if (expected !== seqStates.unseen) continue;
      if (seq > hi) windows.advance(words, 0, seq);
      hi = Math.max(hi, seq);
      // Jobs move the window without a mark.
      if (chance(30) === 0) continue;
      windows.mark(words, 0, seq);
      seen.add(seq);
    }
  });
});
