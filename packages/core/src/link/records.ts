import { concat, writeU16 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';
import type { NoiseCipher } from '../noise/cipher.ts';

/*
 * record = u16 length ‖ ciphertext          1 to 65,519 bytes of plaintext, and a tag of 16
 */

/** Cuts what a link in N sends into records. */
export class RecordWriter {
  readonly #cipher: NoiseCipher;
  readonly #recordsPerRekey: number;

  /** @param cipher - of the direction, fresh; this writer's from now on */
  constructor(cipher: NoiseCipher, recordsPerRekey: number = limits.recordsPerRekey) {
    this.#cipher = cipher;
    this.#recordsPerRekey = recordsPerRekey;
  }

  /**
   * Encrypts bytes, which are not changed and not kept.
   *
   * @param chunks - at least one byte in all
   * @returns the records, the caller's
   * @spec link.16, link.18
   */
  write(chunks: readonly Uint8Array[]): Uint8Array[] {
    const plaintext = chunks.length === 1 ? chunks[0]! : concat(...chunks);
    const out: Uint8Array[] = [];
    for (let at = 0; at < plaintext.length; at += limits.recordPlaintextBytes) {
      const record = this.#cipher.encrypt(plaintext.subarray(at, at + limits.recordPlaintextBytes));
      if (this.#cipher.count % this.#recordsPerRekey === 0) this.#cipher.rekey();
      const head = new Uint8Array(lengthBytes);
      writeU16(head, 0, record.length);
      out.push(head, record);
    }
    return out;
  }

  /** Overwrites the key: the end. */
  erase(): void {
    this.#cipher.erase();
  }
}

/** Opens the records of a link in N, as their bytes come in; holds at most one that is not whole. */
export class RecordReader {
  readonly #cipher: NoiseCipher;
  readonly #recordsPerRekey: number;
  /** Of the length, as far as it has come: two numbers take a tenth of what an array of two bytes does. */
  #recordBytes = 0;
  #headFilled = 0;
  #record: Uint8Array | undefined;
  #recordFilled = 0;
  #chunk: Uint8Array = none;
  #offset = 0;

  /** @param cipher - of the direction, fresh; this reader's from now on */
  constructor(cipher: NoiseCipher, recordsPerRekey: number = limits.recordsPerRekey) {
    this.#cipher = cipher;
    this.#recordsPerRekey = recordsPerRekey;
  }

  /** Whether the bytes so far end inside a record. */
  get isInside(): boolean {
    return this.#headFilled > 0;
  }

  /**
   * Takes the next bytes, whose records {@link next} opens one by one, to the last, before more are taken.
   *
   * @param chunk - not changed, and not kept longer than that
   */
  take(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /**
   * The plaintext of the next record of the chunk taken, the caller's; undefined when the next chunk may come.
   *
   * @throws TridcommError `E_LENGTH`, `E_AEAD`; the link is over then
   * @spec link.17, link.18
   */
  next(): Uint8Array | undefined {
    const chunk = this.#chunk;
    while (this.#headFilled < lengthBytes) {
      if (this.#offset === chunk.length) return this.#wait();
      this.#recordBytes = (this.#recordBytes << 8) | chunk[this.#offset++]!;
      this.#headFilled++;
    }
    const recordBytes = this.#recordBytes;
    if (recordBytes < leastRecordBytes) throw new TridcommError('E_LENGTH', `record of ${recordBytes} bytes`);
    const left = chunk.length - this.#offset;
    if (this.#record === undefined) {
      if (left >= recordBytes) return this.#open(chunk.subarray(this.#offset, (this.#offset += recordBytes)));
      if (left === 0) return this.#wait();
      this.#record = new Uint8Array(recordBytes);
    }
    const taken = Math.min(recordBytes - this.#recordFilled, left);
    this.#record.set(chunk.subarray(this.#offset, this.#offset + taken), this.#recordFilled);
    this.#recordFilled += taken;
    this.#offset += taken;
    return this.#recordFilled < recordBytes ? this.#wait() : this.#open(this.#record);
  }

  /** Overwrites the key: the end. */
  erase(): void {
    this.#cipher.erase();
  }

  #open(record: Uint8Array): Uint8Array {
    const plaintext = this.#cipher.decrypt(record);
    if (this.#cipher.count % this.#recordsPerRekey === 0) this.#cipher.rekey();
    this.#headFilled = 0;
    this.#recordBytes = 0;
    this.#record = undefined;
    this.#recordFilled = 0;
    return plaintext;
  }

  #wait(): undefined {
    this.#chunk = none;
    return undefined;
  }
}

const none: Uint8Array = new Uint8Array(0);
const lengthBytes = 2;
/** One byte and a tag. */
const leastRecordBytes = 17;
