/**
 * Chance that follows from a seed: the same seed gives the same draws everywhere. For tests and simulations, never for keys that
 * protect anything.
 *
 * sfc32 of PractRand: three words of state and a counter, 32 bits for each step.
 */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /**
   * @param seed - any integer; all 53 bits count
   * @param lane - tells generators apart that share a seed
   */
  constructor(seed: number, lane = 0) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) | 0;
    this.#c = (0x9e3779b9 ^ lane) | 0;
    for (let i = 0; i < 12; i++) this.u32();
  }

  /** 0 to 2^32 − 1. */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** An integer from 0 to `end` − 1; 0 for an end of 0. */
  below(end: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * end);
  }

  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True in that share of all draws; a draw is made in any case. */
  chance(share: number): boolean {
    return this.u32() < share * 0x1_0000_0000;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** `length` bytes, the caller's; usable as a `RandomSource`, also when taken off the object. */
  readonly bytes = (length: number): Uint8Array => {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = this.u32();
      for (let k = 0; k < 4 && i + k < length; k++) out[i + k] = word >>> (8 * k);
    }
    return out;
  };

  /** A generator of its own, whose draws do not depend on how many are made here afterwards. */
  fork(): SeededRandom {
    return new SeededRandom(this.u32() * 0x20_0000 + (this.u32() >>> 11), this.u32());
  }
}
