/** Varints of chapter 00: base 128, least significant group first. */
import type { Bytes } from './bytes.ts';
import { refuse } from './refusal.ts';

const MAX: bigint = (1n << 53n) - 1n;

export function encodeVarint(value: bigint): Bytes {
  if (value < 0n || value > MAX) throw new Error('no varint for this value');
  const out: number[] = [];
  let rest = value;
  while (rest >= 128n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return new Uint8Array(out);
}

/** Any encoding of a value in exactly `length` bytes, also one that is too long. For negative cases. */
export function stretchVarint(value: bigint, length: number): Bytes {
  const out: number[] = [];
  let rest = value;
  for (let i = 0; i < length; i++) {
    out.push(Number(rest & 127n) | (i + 1 < length ? 128 : 0));
    rest >>= 7n;
  }
  return new Uint8Array(out);
}

/** Reads one varint at `offset`; returns the value and the offset after it. */
export function readVarint(bytes: Bytes, offset: number): { value: bigint; next: number } {
  let value = 0n;
  for (let i = 0; ; i++) {
    if (i === 8) refuse('E_ENCODING', 'longer than 8 bytes');
    const byte = bytes[offset + i];
    if (byte === undefined) refuse('E_ENCODING', 'ends early');
    value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) {
      if (byte === 0 && i > 0) refuse('E_ENCODING', 'not minimal');
      if (value > MAX) refuse('E_ENCODING', 'above 2^53 - 1');
      return { value, next: offset + i + 1 };
    }
  }
}
