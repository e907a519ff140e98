/** What chapter 06 asks of X25519 beyond RFC 7748; both parts are bytes only. */
import { TridcommError } from '../errors.ts';

/**
 * Refuses a public key that has more than one encoding, or none, so that it cannot have two key ids.
 *
 * For key ids alone: the function of RFC 7748 itself ignores the top bit and reduces u.
 *
 * @param publicKey - u, little-endian; not changed, not kept
 * @throws {@link TridcommError} `E_KEY` unless 32 bytes with u < 2^255 − 19 and top bit 0
 * @spec suites.4
 */
export function checkX25519PublicKey(publicKey: Uint8Array): void {
  if (publicKey.length !== 32)
    throw new TridcommError('E_KEY', `X25519 public key of ${publicKey.length} bytes, not 32`);
  if (!isCanonical(publicKey)) throw new TridcommError('E_KEY', 'X25519 public key with u not below 2^255 - 19');
}

/**
 * Passes a shared secret on, unless the peer's key was of small order.
 *
 * @param sharedSecret - 32 bytes, given back as they are
 * @throws {@link TridcommError} `E_KEY` where all are zero
 * @spec suites.5
 */
export function checkX25519Result(sharedSecret: Uint8Array): Uint8Array {
  // Without an early exit: the time must not say where the first set bit of a secret is.
  let bits = 0;
  for (const byte of sharedSecret) bits |= byte;
  if (bits === 0) throw x25519Refusal();
  return sharedSecret;
}

/** The one refusal of every engine for a peer's key of small order. */
export function x25519Refusal(): TridcommError {
  return new TridcommError('E_KEY', 'X25519 result is all zero');
}

function isCanonical(u: Uint8Array): boolean {
  const top = u[31] ?? 0;
  if (top !== 0x7f) return top < 0x7f;
  for (let i = 30; i > 0; i--) if (u[i] !== 0xff) return true;
  return (u[0] ?? 0) < 0xed;
}
