import type { AeadAlgorithm, CryptoProvider, KeyPair } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { openBase } from '../hpke/one-shot.ts';

/**
 * Opens what was sealed to a prekey of one's own by HPKE.
 *
 * An `enc32` that makes the shared secret zero opens nothing, like any other that is wrong: chapter 08 knows one answer for both.
 *
 * @param enc32 - as received; not changed, not kept
 * @returns the plaintext, the caller's; undefined where it does not open
 */
export function openSealedToPrekey(
  provider: CryptoProvider,
  aead: AeadAlgorithm,
  enc32: Uint8Array,
  prekey: KeyPair,
  info: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  try {
    return openBase(provider, aead, enc32, prekey, info, aad, sealed);
  } catch (error) {
    if (error instanceof TridcommError && error.code === 'E_KEY') return undefined;
    throw error;
  }
}
