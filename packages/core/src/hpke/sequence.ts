import { copyOf, writeU64 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { checkLimit } from '../errors.ts';

/**
 * The nonce of one message of a context: the base nonce with the sequence number XORed into its end; 12 bytes, the caller's.
 *
 * Narrower than RFC 9180 section 5.2, which counts to 2^96 − 2: a number here is exact to 2^53 − 1, so 2^53 − 2 is the last.
 *
 * Source: RFC 9180 section 5.2, ComputeNonce and IncrementSeq.
 *
 * @param baseNonce12 - not changed
 * @param seq - 0 for the first message
 * @throws TridcommError `E_LIMIT` after the last
 */
export function sequenceNonce(baseNonce12: Uint8Array, seq: number): Uint8Array {
  checkLimit('HPKE sequence number', seq, limits.safeInteger - 1);
  const nonce = copyOf(baseNonce12);
  const counted = new Uint8Array(8);
  writeU64(counted, 0, seq);
  for (let i = 0; i < 8; i++) nonce[4 + i]! ^= counted[i]!;
  return nonce;
}
