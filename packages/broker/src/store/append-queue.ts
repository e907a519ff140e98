import { TridcommError } from '@tridcomm/core';
import { storedBytes } from './batch.ts';

/**
 * Appends that are not durable yet, in the order of their calls.
 *
 * @spec storage.3, storage.8
 */
export class AppendQueue {
  readonly #batchBytes: number;
  readonly #waiting: Append[] = [];
  #bytes = 0;
  /** How many of them are durable when the batch is that was taken. */
  #whole = 0;

  /** @param batchBytes - of a batch's envelopes; one envelope always fits */
  constructor(batchBytes: number) {
    this.#batchBytes = batchBytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * Puts an append behind all others.
   *
   * @param onTaken - called at once where it was taken
   * @returns the position of its first envelope, when all of them are durable
   * @throws TridcommError `E_LIMIT` where others wait and all together are too much; what {@link fail} is given
   */
  async add(list: readonly Uint8Array[], onTaken?: () => void): Promise<number> {
    const bytes = list.reduce((sum, envelope) => sum + storedBytes(envelope), 0);
    if (!this.isEmpty && this.#bytes + bytes > maxBytes) {
      throw new TridcommError('E_LIMIT', `${this.#bytes + bytes} bytes wait to be written, at most ${maxBytes}`);
    }
    this.#bytes += bytes;
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ list, bytes, taken: 0, position: 0, resolve, reject });
      onTaken?.();
    });
  }

  /** The envelopes of the next batch, as many as fit. @param firstPosition - of the first of them */
  takeBatch(firstPosition: number): Uint8Array[] {
    const envelopes: Uint8Array[] = [];
    let room = this.#batchBytes;
    this.#whole = 0;
    for (const append of this.#waiting) {
      if (append.taken === 0) append.position = firstPosition + envelopes.length;
      for (; append.taken < append.list.length; append.taken++) {
        const envelope = append.list[append.taken]!;
        room -= storedBytes(envelope);
        if (room < 0 && envelopes.length > 0) return envelopes;
        envelopes.push(envelope);
      }
      this.#whole++;
    }
    return envelopes;
  }

  /** Answers the appends of which nothing is left to write: the batch that was taken is durable. */
  acknowledge(): void {
    for (const { bytes, position, resolve } of this.#waiting.splice(0, this.#whole)) {
      this.#bytes -= bytes;
      resolve(position);
    }
  }

  /** Rejects all. */
  fail(error: TridcommError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#bytes = 0;
  }
}

/** One call of append. */
interface Append {
  readonly list: readonly Uint8Array[];
  readonly bytes: number;
  /** How many of its envelopes are in a batch. */
  taken: number;
  /** Of the first, once that is in a batch. */
  position: number;
  readonly resolve: (position: number) => void;
  readonly reject: (error: TridcommError) => void;
}

const maxBytes = 67_108_864;
