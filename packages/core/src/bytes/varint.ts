import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';

/**
 * A position that moves forward over bytes: the state of a decoder without an object for each value.
 */
export interface Cursor {
  readonly bytes: Uint8Array;
  offset: number;
}

/** Bytes that the varint of `value`, 0 to 2^53−1, takes: 1 to 8. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/**
 * Writes the minimal varint of `value`, 0 to 2^53−1.
 *
 * @returns the offset after it
 * @throws TridcommError `E_LIMIT` above 2^53−1
 * @spec conventions.1
 */
export function writeVarint(bytes: Uint8Array, offset: number, value: number): number {
  if (value > limits.safeInteger) throw new TridcommError('E_LIMIT', 'varint above 2^53-1');
  let rest = value;
  let at = offset;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

/**
 * Reads one varint and moves the cursor past it.
 *
 * @param end - offset that the varint must not reach
 * @throws TridcommError `E_ENCODING`; the cursor is then where it was
 * @spec conventions.2
 */
export function readVarint(cursor: Cursor, end: number): number {
  const { bytes } = cursor;
  // Most values take one byte.
  const first = cursor.offset < end ? bytes[cursor.offset]! : 0x80;
  if (first < 0x80) {
    cursor.offset++;
    return first;
  }
  let value = 0;
  let scale = 1;
  let at = cursor.offset;
  for (;;) {
    if (at >= end) throw new TridcommError('E_ENCODING', 'varint ends early');
    if (at - cursor.offset === limits.varintBytes) throw new TridcommError('E_ENCODING', 'varint of more than 8 bytes');
    const byte = bytes[at++]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (byte === 0 && scale > 1) throw new TridcommError('E_ENCODING', 'varint is not minimal');
      break;
    }
    scale *= 0x80;
  }
  // Eight groups hold 56 bits; sums above 2^53 round, but never back below it.
  if (value > limits.safeInteger) throw new TridcommError('E_ENCODING', 'varint above 2^53-1');
  cursor.offset = at;
  return value;
}
