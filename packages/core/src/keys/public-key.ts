import { keyId } from '../crypto/key-id.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Body } from './body.ts';

/** A public key that may be used, with its id. */
export interface PublicKey {
  /** A number of the registry of key algorithms. */
  readonly alg: number;
  readonly publicKey32: Uint8Array;
  readonly keyId32: Uint8Array;
}

/**
 * A public key with its id.
 *
 * @param publicKey32 - kept as it is
 * @throws TridcommError `E_KEY` for an algorithm that is not known, and a key that is not canonical
 * @spec suites.4
 */
export function publicKeyOf(provider: CryptoProvider, alg: number, publicKey32: Uint8Array): PublicKey {
  return { alg, publicKey32, keyId32: keyId(provider, alg, publicKey32) };
}

/** A public key as the message `Key` of a body. */
export function keyBody({ alg, publicKey32 }: Pick<PublicKey, 'alg' | 'publicKey32'>): Body<'Key'> {
  return { alg, public_key: publicKey32 };
}
