import { copyOf } from '../bytes/bytes.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { keyId } from '../crypto/key-id.ts';
import type { CryptoProvider } from '../crypto/provider.ts';

/** A key that signs, wherever its secret half is. */
export interface SigningKey {
  readonly publicKey32: Uint8Array;
  readonly keyId32: Uint8Array;
  /** Pure Ed25519 over the message; 64 bytes, the caller's. */
  sign(message: Uint8Array): Uint8Array;
}

/**
 * The signing key of a seed.
 *
 * @param seed32 - Ed25519 seed; copied
 * @throws TridcommError `E_USAGE` unless the seed has 32 bytes
 */
export function signingKeyOf(provider: CryptoProvider, seed32: Uint8Array): SigningKey {
  const seed = copyOf(seed32);
  const publicKey32 = provider.publicKey('ed25519', seed);
  return {
    publicKey32,
    keyId32: keyId(provider, keyAlgorithms.ed25519, publicKey32),
    sign: (message) => provider.ed25519Sign(seed, message),
  };
}
