/** Bytes of a file, which grow by doubling. Where nothing was written they are zeros. */
export class GrowingBytes {
  #buffer: Buffer;
  #length: number;

  /** @param bytes - copied */
  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#buffer = Buffer.from(bytes);
    this.#length = bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  /** A view, good until the next change. */
  get view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  write(bytes: Uint8Array, offset: number): void {
    this.resize(Math.max(this.#length, offset + bytes.length));
    this.#buffer.set(bytes, offset);
  }

  resize(length: number): void {
    if (length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(length, this.#buffer.length * 2));
      this.view.copy(larger);
      this.#buffer = larger;
    }
    this.#buffer.fill(0, length, Math.max(length, this.#length));
    this.#length = length;
  }
}
