/** One AES-256-GCM ciphertext of two blocks that opens under two keys: why an entry says nothing about its key. */
import { createCipheriv } from 'node:crypto';
import { cat, number, u32, u64, zeros, type Bytes } from './bytes.ts';

const POLYNOMIAL: bigint = 0xe1n << 120n;
const MASK: bigint = (1n << 128n) - 1n;

/** Multiplication of NIST SP 800-38D §6.3; bit 127 is the coefficient of 1. */
function times(x: bigint, y: bigint): bigint {
  let z = 0n;
  let v = y;
  for (let i = 127n; i >= 0n; i--) {
    if ((x >> i) & 1n) z ^= v;
    v = v & 1n ? (v >> 1n) ^ POLYNOMIAL : v >> 1n;
  }
  return z & MASK;
}

const ONE: bigint = 1n << 127n;
function invert(x: bigint): bigint {
  let result = ONE;
  let square = x;
  for (let i = 1; i < 128; i++) {
    square = times(square, square);
    result = times(result, square);
  }
  return result;
}

function block128(key: Bytes, input: Bytes): bigint {
  const c = createCipheriv('aes-256-ecb', key, null);
  c.setAutoPadding(false);
  return number(cat(c.update(input), c.final()));
}

function blocksOf(bytes: Bytes): bigint[] {
  const out: bigint[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const piece = bytes.slice(at, at + 16);
    out.push(number(cat(piece, zeros(16 - piece.length))));
  }
  return out;
}

const bytes16 = (x: bigint): Bytes => cat(u64(x >> 64n), u64(x & ((1n << 64n) - 1n)));

export interface Opener {
  key: Bytes;
  nonce: Bytes;
  aad: Bytes;
}

/** The tag of `first ‖ second`, as a polynomial: all but what `second` adds, and the factor of `second`. */
function tagParts(o: Opener, first: Bytes): { rest: bigint; factor: bigint } {
  const h = block128(o.key, zeros(16));
  const lengths = number(cat(u64(8 * o.aad.length), u64(256)));
  let y = 0n;
  for (const b of [...blocksOf(o.aad), number(first)]) y = times(y ^ b, h);
  const rest = times(times(y, h) ^ lengths, h) ^ block128(o.key, cat(o.nonce, u32(1)));
  return { rest, factor: times(h, h) };
}

/** ct ‖ tag, 48 bytes, that opens under both; its first block is given. */
export function collide(a: Opener, b: Opener, first: Bytes): Bytes {
  const p = tagParts(a, first);
  const q = tagParts(b, first);
  const second = times(p.rest ^ q.rest, invert(p.factor ^ q.factor));
  return cat(first, bytes16(second), bytes16(p.rest ^ times(second, p.factor)));
}
