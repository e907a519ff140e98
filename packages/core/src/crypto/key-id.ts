import { ascii } from '../bytes/bytes.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { TridcommError } from '../errors.ts';
import { checkEd25519PublicKey } from './ed25519-rule.ts';
import type { CryptoProvider } from './provider.ts';
import { checkX25519PublicKey } from './x25519-rule.ts';

/**
 * The id of a public key; 32 bytes, the caller's. The `sender_id` of an Ed25519 key is its first 16.
 *
 * @param algorithm - a number of the registry of key algorithms
 * @param publicKey - 32 bytes, canonical
 * @throws TridcommError `E_KEY` for an unknown algorithm, and a key of a wrong length or form
 * @spec suites.4
 */
export function keyId(provider: CryptoProvider, algorithm: number, publicKey: Uint8Array): Uint8Array {
  if (algorithm === keyAlgorithms.ed25519) checkEd25519PublicKey(publicKey);
  else if (algorithm === keyAlgorithms.x25519) checkX25519PublicKey(publicKey);
  else throw new TridcommError('E_KEY', `key algorithm ${algorithm} is not known`);
  return provider.sha256(prefix, Uint8Array.of(0, algorithm, 0, publicKey.length), publicKey);
}

const prefix = ascii(`${labels.keyId}\0`);
