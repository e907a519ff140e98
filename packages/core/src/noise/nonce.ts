import { writeU64 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { AeadAlgorithm } from '../crypto/provider.ts';
import { checkLimit } from '../errors.ts';

/**
 * The nonce of one encryption under a key: 4 zero bytes and the count as a u64; 12 bytes, the caller's.
 *
 * Narrower than Noise, which counts to 2^64 − 2: a number here is exact to 2^53 − 1, so 2^53 − 2 is the last.
 *
 * Source: Noise revision 34, sections 12.3 and 12.4.
 *
 * @param aead - ChaCha20-Poly1305 has the count in little-endian, AES-GCM in big-endian
 * @param count - 0 for the first
 * @throws TridcommError `E_LIMIT` after the last
 */
export function noiseNonce(aead: AeadAlgorithm, count: number): Uint8Array {
  checkLimit('Noise count', count, limits.safeInteger - 1);
  const nonce = new Uint8Array(12);
  writeU64(nonce, 4, count);
  if (aead === 'chacha20-poly1305') nonce.subarray(4).reverse();
  return nonce;
}

/**
 * The nonce 2^64 − 1 of both ciphers, kept for REKEY; 12 bytes, the caller's.
 *
 * Source: Noise revision 34, section 4.2.
 */
export function rekeyNonce(): Uint8Array {
  return new Uint8Array(12).fill(0xff, 4);
}
