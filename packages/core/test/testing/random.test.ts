import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/testing/random.ts';

const draws = (random: SeededRandom): number[] => Array.from({ length: 8 }, () => random.u32());

describe('SeededRandom', () => {
  it('draws the same from the same seed, and something else from any other', () => {
    expect(draws(new SeededRandom(7))).toEqual(draws(new SeededRandom(7)));
    const others = [8, -7, 7 + 2 ** 32, 2 ** 53 - 1].map((seed) => draws(new SeededRandom(seed)).join());
    expect(new Set([draws(new SeededRandom(7)).join(), ...others]).size).toBe(5);
    expect(draws(new SeededRandom(7, 1))).not.toEqual(draws(new SeededRandom(7)));
  });

  it('keeps its ranges', () => {
    const random = new SeededRandom(1);
    const seen = new Set(Array.from({ length: 500 }, () => random.between(3, 6)));
    expect([...seen].sort((a, b) => a - b)).toEqual([3, 4, 5, 6]);
    expect(random.below(0)).toBe(0);
    expect(random.below(1)).toBe(0);
    expect(['a', 'b']).toContain(random.pick(['a', 'b']));
  });

  it('takes a chance as often as its share says', () => {
    const random = new SeededRandom(2);
    const taken = (share: number): number =>
      Array.from({ length: 4_000 }, () => random.chance(share)).filter(Boolean).length;
    expect(taken(0)).toBe(0);
    expect(taken(1)).toBe(4_000);
    expect(Math.abs(taken(0.25) - 1_000)).toBeLessThan(120);
  });

  it('fills every length, taken off the object too', () => {
    const { bytes } = new SeededRandom(3);
    for (const length of [0, 1, 3, 4, 5, 33]) expect(bytes(length)).toHaveLength(length);
    expect(new Set(bytes(64)).size).toBeGreaterThan(30);
  });

  it('forks into generators of their own', () => {
    const [left, right] = [new SeededRandom(4), new SeededRandom(4)];
    const fork = left.fork();
    left.u32();
    expect(draws(right.fork())).toEqual(draws(fork));
    expect(draws(left)).not.toEqual(draws(left.fork()));
  });
});
