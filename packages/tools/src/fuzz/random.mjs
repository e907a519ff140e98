/** Chance that a seed decides: the same seed gives the same run, on every machine. */

/** sfc32 of PractRand: fast, and 32 bits at a time. */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  /** @param {number} seed any integer */
  constructor(seed) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) | 0;
    this.#c = 0x9e3779b9;
    for (let i = 0; i < 12; i++) this.u32();
  }

  /** @returns {number} 0 to 2^32 − 1 */
  u32() {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** @param {number} end @returns {number} 0 to end − 1; 0 for an end of 0 */
  below(end) {
    return Math.floor((this.u32() / 0x1_0000_0000) * end);
  }

  /** @template T @param {readonly T[]} list not empty @returns {T} */
  pick(list) {
    return /** @type {T} */ (list[this.below(list.length)]);
  }

  /** @param {number} length */
  bytes(length) {
    return Uint8Array.from({ length }, () => this.u32() & 0xff);
  }
}
