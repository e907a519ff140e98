import { concat } from '../bytes/bytes.ts';
import { readVarint, varintLength, writeVarint, type Cursor } from '../bytes/varint.ts';
import { TridcommError } from '../errors.ts';

/* record = u8 rflags ‖ varint age_ms ‖ varint len ‖ payload, len bytes */

/** Bytes of the smallest record: flags, age and length, no payload. */
export const minRecordBytes = 3;

/** One message of an envelope. */
export interface Message {
  /** When it was made, ms; not after the envelope was sealed. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

/**
 * The records of an opened envelope or leaf, in order.
 *
 * Nothing is made for a record before it is asked for, and payloads are views of one plaintext.
 */
export class Records implements Iterable<Message> {
  readonly #plaintext: Uint8Array;
  readonly #timestampMs: number;
  /** Start and end of each payload. */
  readonly #bounds: Uint32Array;
  readonly #agesMs: Float64Array;

  /** @internal */
  constructor(plaintext: Uint8Array, timestampMs: number, bounds: Uint32Array, agesMs: Float64Array) {
    this.#plaintext = plaintext;
    this.#timestampMs = timestampMs;
    this.#bounds = bounds;
    this.#agesMs = agesMs;
  }

  /** The records of several leaves as one; the plaintexts are copied together. */
  static join(leaves: readonly Records[]): Records {
    const bounds: number[] = [];
    const agesMs: number[] = [];
    let offset = 0;
    for (const leaf of leaves) {
      for (const bound of leaf.#bounds) bounds.push(offset + bound);
      for (const ageMs of leaf.#agesMs) agesMs.push(ageMs);
      offset += leaf.#plaintext.length;
    }
    const plaintext = concat(...leaves.map((leaf) => leaf.#plaintext));
    return new Records(plaintext, leaves[0]!.#timestampMs, Uint32Array.from(bounds), Float64Array.from(agesMs));
  }

  get count(): number {
    return this.#agesMs.length;
  }

  /**
   * The payload of record `index`, 0 to count − 1: a view that stays valid as long as it is held.
   *
   * @throws TridcommError `E_USAGE` where there is no such record
   */
  payload(index: number): Uint8Array {
    this.#check(index);
    const { buffer, byteOffset } = this.#plaintext;
    const start = this.#bounds[2 * index]!;
    // A tenth faster than subarray, which has to ask what kind of array to make.
    return new Uint8Array(buffer, byteOffset + start, this.#bounds[2 * index + 1]! - start);
  }

  /** When record `index` was made, ms; throws as {@link payload}. */
  timestampMs(index: number): number {
    this.#check(index);
    return this.#timestampMs - this.#agesMs[index]!;
  }

  /** Those behind the first so many: views of the same plaintext. */
  behind(count: number): Records {
    return new Records(
      this.#plaintext,
      this.#timestampMs,
      this.#bounds.subarray(2 * count),
      this.#agesMs.subarray(count),
    );
  }

  /** All as objects. */
  toArray(): Message[] {
    const messages: Message[] = [];
    for (let i = 0; i < this.count; i++) messages.push({ timestampMs: this.timestampMs(i), payload: this.payload(i) });
    return messages;
  }

  #check(index: number): void {
    if (Number.isInteger(index) && index >= 0 && index < this.count) return;
    throw new TridcommError('E_USAGE', `record ${index} of ${this.count}`);
  }

  [Symbol.iterator](): Iterator<Message> {
    return this.toArray().values();
  }
}

/** The one record of a single envelope: the whole plaintext. */
export function singleRecord(plaintext: Uint8Array, timestampMs: number): Records {
  return new Records(plaintext, timestampMs, Uint32Array.of(0, plaintext.length), new Float64Array(1));
}

/**
 * Decodes the framed records of a whole batch or a leaf.
 *
 * @param count - how many there must be; the caller has met it with the length of the plaintext, so it may reserve memory
 * @param timestampMs - the header's
 * @throws TridcommError `E_ENCODING`
 * @spec envelope.19, envelope.20
 */
export function decodeRecords(plaintext: Uint8Array, count: number, timestampMs: number, padded: boolean): Records {
  const bounds = new Uint32Array(2 * count);
  const agesMs = new Float64Array(count);
  const cursor: Cursor = { bytes: plaintext, offset: 0 };
  for (let i = 0; i < count; i++) {
    if (cursor.offset >= plaintext.length) throw new TridcommError('E_ENCODING', `fewer records than ${count}`);
    const recordFlags = plaintext[cursor.offset++]!;
    if (recordFlags !== 0) throw new TridcommError('E_ENCODING', 'record flags that are not 0');
    const ageMs = readVarint(cursor, plaintext.length);
    if (ageMs > timestampMs) throw new TridcommError('E_ENCODING', 'record older than time');
    const lengthBytes = readVarint(cursor, plaintext.length);
    const end = cursor.offset + lengthBytes;
    if (end > plaintext.length) throw new TridcommError('E_ENCODING', 'record that overruns');
    agesMs[i] = ageMs;
    bounds[2 * i] = cursor.offset;
    bounds[2 * i + 1] = end;
    cursor.offset = end;
  }
  if (!padded && cursor.offset !== plaintext.length)
    throw new TridcommError('E_ENCODING', 'bytes after the last record');
  for (let at = cursor.offset; at < plaintext.length; at++) {
    if (plaintext[at] !== 0) throw new TridcommError('E_ENCODING', 'padding that is not 0');
  }
  return new Records(plaintext, timestampMs, bounds, agesMs);
}

/**
 * Frames messages `from` up to, not including, `to`.
 *
 * @param timestampMs - the header's; no message is later
 * @returns the plaintext, with zeros up to its Padmé length where `padded`; the caller's
 * @throws TridcommError `E_USAGE` for a message later than `timestampMs`
 * @spec envelope.16, envelope.17
 */
export function encodeRecords(
  messages: readonly Message[],
  from: number,
  to: number,
  timestampMs: number,
  padded: boolean,
): Uint8Array {
  const out = new Uint8Array(framedBytes(messages, from, to, timestampMs, padded));
  writeRecords(out, messages, from, to, timestampMs);
  return out;
}

/** How long the plaintext of {@link encodeRecords} is. @throws TridcommError as that */
export function framedBytes(
  messages: readonly Message[],
  from: number,
  to: number,
  timestampMs: number,
  padded: boolean,
): number {
  let length = 0;
  for (let i = from; i < to; i++) {
    const { payload, timestampMs: madeMs } = messages[i]!;
    const ageMs = timestampMs - madeMs;
    if (!(ageMs >= 0) || !Number.isInteger(madeMs) || madeMs < 0) {
      throw new TridcommError('E_USAGE', `message time ${madeMs}, sealed at ${timestampMs}`);
    }
    length += 1 + varintLength(ageMs) + varintLength(payload.length) + payload.length;
  }
  return padded ? padmeLength(length) : length;
}

/** Frames messages into memory that holds zeros, as many as {@link framedBytes} says. */
export function writeRecords(
  out: Uint8Array,
  messages: readonly Message[],
  from: number,
  to: number,
  timestampMs: number,
): void {
  let offset = 0;
  for (let i = from; i < to; i++) {
    const { payload, timestampMs: madeMs } = messages[i]!;
    offset = writeVarint(out, offset + 1, timestampMs - madeMs);
    offset = writeVarint(out, offset, payload.length);
    out.set(payload, offset);
    offset += payload.length;
  }
}

/**
 * The length that a plaintext of `lengthBytes` is padded to: at most 12 % more, few distinct values.
 *
 * Source: Nikitin et al., Reducing Metadata Leakage from Encrypted Files and Communication with PURBs, PETS 2019.
 *
 * @spec envelope.17
 */
export function padmeLength(lengthBytes: number): number {
  if (lengthBytes < 2) return lengthBytes;
  const exponent = 31 - Math.clz32(lengthBytes);
  const zeroBits = exponent - (32 - Math.clz32(exponent));
  const mask = 2 ** zeroBits - 1;
  return lengthBytes + ((2 ** zeroBits - (lengthBytes & mask)) & mask);
}
