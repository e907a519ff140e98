/**
 * Whole windows of the few streams whose state does not fit their record: rings of one bit for each number, as RFC 6479.
 *
 * A number's bit stands at the number modulo W, so a ring of exactly W bits holds exactly the window.
 */
export class WideBitmaps {
  readonly #size: number;
  readonly #slotWords: number;
  readonly #free: number[] = [];
  #words: Int32Array = new Int32Array(0);
  #slots = 0;

  /** @param size - W, a power of two and a multiple of 32 */
  constructor(size: number) {
    this.#size = size;
    this.#slotWords = size / 32;
  }

  get byteLength(): number {
    return this.#words.byteLength;
  }

  /** A slot in which no number is seen. */
  allocate(): number {
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#words.fill(0, free * this.#slotWords, (free + 1) * this.#slotWords);
      return free;
    }
    const slot = this.#slots++;
    if (this.#slots * this.#slotWords > this.#words.length) {
      const grown = new Int32Array(Math.max(4, this.#slots * 2) * this.#slotWords);
      grown.set(this.#words);
      this.#words = grown;
    }
    return slot;
  }

  release(slot: number): void {
    this.#free.push(slot);
  }

  has(slot: number, seq: number): boolean {
    const bit = seq & (this.#size - 1);
    return (((this.#words[slot * this.#slotWords + (bit >>> 5)] as number) >>> (bit & 31)) & 1) === 1;
  }

  add(slot: number, seq: number): void {
    const bit = seq & (this.#size - 1);
    const at = slot * this.#slotWords + (bit >>> 5);
    this.#words[at] = (this.#words[at] as number) | (1 << (bit & 31));
  }

  /** Forgets the numbers above `above` up to `upTo`; at most W of them. */
  clear(slot: number, above: number, upTo: number): void {
    for (let seq = above + 1; seq <= upTo; seq++) {
      const bit = seq & (this.#size - 1);
      const at = slot * this.#slotWords + (bit >>> 5);
      this.#words[at] = (this.#words[at] as number) & ~(1 << (bit & 31));
    }
  }
}
