/** One message in mode Base, with a context of its own: RFC 9180 section 6.1. */
import type { AeadAlgorithm, CryptoProvider, KeyPair, RandomSource } from '../crypto/provider.ts';
import { setupReceiver, setupSender } from './setup.ts';

/** One sealed message: the receiver needs both parts. */
export interface SealedBase {
  /** The encapsulated key, 32 bytes. */
  readonly enc32: Uint8Array;
  /** Ciphertext ‖ 16-byte tag. */
  readonly sealed: Uint8Array;
}

/**
 * Seals one message to the holder of a public key.
 *
 * Source: RFC 9180 section 6.1, SealBase.
 *
 * @param publicKey32 - the receiver's; not changed, not kept
 * @param plaintext - any length; not changed, not kept
 * @param random - asked once, for 32 bytes, which are overwritten
 * @returns both the caller's
 * @throws TridcommError `E_KEY` for a public key of another length or of small order; `E_USAGE` where not 32 bytes are drawn
 */
export function sealBase(
  provider: CryptoProvider,
  aead: AeadAlgorithm,
  publicKey32: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  random: RandomSource,
): SealedBase {
  const { enc32, context } = setupSender(provider, aead, publicKey32, info, { random });
  return { enc32, sealed: context.seal(aad, plaintext) };
}

/**
 * Opens what {@link sealBase} sealed.
 *
 * Source: RFC 9180 section 6.1, OpenBase.
 *
 * @param enc32 - as received; not changed, not kept
 * @param keyPair - the receiver's
 * @param sealed - ciphertext ‖ 16-byte tag; not changed, not kept
 * @returns the plaintext, the caller's; undefined where it does not open
 * @throws TridcommError `E_KEY` for an `enc` or key of another length, and an `enc` of small order
 */
export function openBase(
  provider: CryptoProvider,
  aead: AeadAlgorithm,
  enc32: Uint8Array,
  keyPair: KeyPair,
  info: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  return setupReceiver(provider, aead, enc32, keyPair, info).open(aad, sealed);
}
