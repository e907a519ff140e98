/** Bytes, the slow and obvious way. Notation of chapter 00. */
import { createHash } from 'node:crypto';

export type Bytes = Uint8Array;

export function hex(bytes: Bytes): string {
  return Buffer.from(bytes).toString('hex');
}

export function unhex(text: string): Bytes {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error(`not hex: ${text.slice(0, 40)}`);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** ASCII or UTF-8 bytes of a text, without a terminator. */
export function text(value: string): Bytes {
  return new Uint8Array(Buffer.from(value, 'utf8'));
}

export function cat(...parts: Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

export function zeros(length: number): Bytes {
  return new Uint8Array(length);
}

/** Big-endian unsigned integer of `width` bytes. */
function uint(value: number | bigint, width: number): Bytes {
  let rest = BigInt(value);
  if (rest < 0n || rest >= 1n << BigInt(8 * width)) throw new Error(`${value} does not fit ${width} bytes`);
  const out = new Uint8Array(width);
  for (let i = width - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

export function u8(value: number): Bytes {
  return uint(value, 1);
}
export function u16(value: number): Bytes {
  return uint(value, 2);
}
export function u32(value: number): Bytes {
  return uint(value, 4);
}
export function u64(value: number | bigint): Bytes {
  return uint(value, 8);
}

/** The big-endian number that bytes hold. */
export function number(bytes: Bytes): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

export function vec8(x: Bytes): Bytes {
  return cat(u8(x.length), x);
}
export function vec16(x: Bytes): Bytes {
  return cat(u16(x.length), x);
}

export function same(a: Bytes, b: Bytes): boolean {
  return hex(a) === hex(b);
}

/** A copy with some bytes overwritten. */
export function put(bytes: Bytes, offset: number, value: Bytes): Bytes {
  if (offset < 0 || offset + value.length > bytes.length) throw new Error('put beyond the end');
  const out = new Uint8Array(bytes);
  out.set(value, offset);
  return out;
}

/** A copy with one bit inverted; `bit` 0 is the lowest of its byte. */
export function flip(bytes: Bytes, offset: number, bit = 0): Bytes {
  const at = offset < 0 ? bytes.length + offset : offset;
  const byte = bytes[at];
  if (byte === undefined) throw new Error('flip beyond the end');
  return put(bytes, at, u8(byte ^ (1 << bit)));
}

/** Reproducible bytes that look random: SHA-256 of the name in counter mode. */
export function seeded(name: string, length: number): Bytes {
  const parts: Bytes[] = [];
  for (let i = 0; i * 32 < length; i++) {
    parts.push(new Uint8Array(createHash('sha256').update(`tridcomm vectors: ${name} #${i}`).digest()));
  }
  return cat(...parts).slice(0, length);
}
