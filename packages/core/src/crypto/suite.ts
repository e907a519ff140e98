import { suites } from '../codepoints/suites.gen.ts';
import { TridcommError } from '../errors.ts';
import type { AeadAlgorithm } from './provider.ts';

/** The suites that this implementation knows, by number: all of KEM, KDF, AEAD and signature at once. */
const aeads: ReadonlyMap<number, AeadAlgorithm> = new Map([
  [suites.x25519ChaCha20Poly1305Ed25519, 'chacha20-poly1305'],
  [suites.x25519Aes256GcmEd25519, 'aes-256-gcm'],
]);

/**
 * The AEAD of a suite; undefined for a suite that is not known.
 *
 * @spec suites.1, suites.2
 */
export function aeadOfSuite(suite: number): AeadAlgorithm | undefined {
  return aeads.get(suite);
}

/** The AEAD of a suite. @throws TridcommError `E_USAGE` for a suite that is not known */
export function requireAead(suite: number): AeadAlgorithm {
  const aead = aeadOfSuite(suite);
  if (aead === undefined) throw new TridcommError('E_USAGE', `suite ${suite}`);
  return aead;
}
