import { TridcommError } from '../errors.ts';

/** One array with the bytes of all parts, in order; the caller's. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/**
 * A copy of the bytes from `from` up to, not including, `to`; the caller's.
 *
 * Not `slice`: that of a Node `Buffer`, which callers and providers may hand in, is a view.
 */
export function copyOf(bytes: Uint8Array, from = 0, to: number = bytes.length): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}

/**
 * Whether two byte strings are the same, in time that depends on their lengths only.
 *
 * For what an attacker chooses against a secret or an authenticator; lengths are never secret here.
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** The bytes of a text that is ASCII by construction, such as a label. */
export function ascii(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

/** Big-endian u16 at `offset`, which the caller has checked. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

/** Big-endian u32 at `offset`, which the caller has checked. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}

/**
 * Big-endian u64 at `offset`, which the caller has checked, as a number.
 *
 * Exact up to 2^53−1; whatever is larger comes out as a number above 2^53−1, so a limit check refuses it.
 */
export function readU64(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset) * 0x1_0000_0000 + readU32(bytes, offset + 4);
}

/** Writes `value`, 0 to 2^16−1, big-endian. */
export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/** Writes `value`, 0 to 2^32−1, big-endian. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Writes `value`, 0 to 2^53−1, as a big-endian u64. */
export function writeU64(bytes: Uint8Array, offset: number, value: number): void {
  writeU32(bytes, offset, Math.floor(value / 0x1_0000_0000));
  writeU32(bytes, offset + 4, value >>> 0);
}

/**
 * Makes sure that bytes have the width that their name says.
 *
 * @throws TridcommError `E_USAGE` for another
 */
export function checkWidth(what: string, bytes: Uint8Array, width: number): void {
  if (bytes.length !== width) throw new TridcommError('E_USAGE', `${what} of ${bytes.length} bytes, not ${width}`);
}

/** Below 0, 0 or above 0 as `a` stands before, is equal to, or stands behind `b`: byte by byte, the shorter of equal starts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
