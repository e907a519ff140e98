/** An integer from 0 to `below` − 1. */
export type Chance = (below: number) => number;

/** Numbers that follow from a seed (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mix = Math.imul(state ^ (state >>> 15), state | 1);
    mix ^= mix + Math.imul(mix ^ (mix >>> 7), mix | 61);
    return Math.floor((((mix ^ (mix >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
