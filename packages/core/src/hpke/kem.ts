/** DHKEM(X25519, HKDF-SHA256), KEM 0x0020: RFC 9180 sections 4.1 and 7.1. */
import { ascii, concat } from '../bytes/bytes.ts';
import type { CryptoProvider, KeyPair, RandomSource } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { labeledExpand, labeledExtract } from './labeled.ts';

/** The number of the KEM. */
export const kemId = 0x0020;

/**
 * The key pair that follows from input key material; both halves of 32 bytes, the caller's.
 *
 * Narrower than RFC 9180 section 4, where `ikm` SHOULD have the entropy of 32 bytes: fewer bytes cannot, and are refused.
 *
 * Source: RFC 9180 section 7.1.3.
 *
 * @param ikm - 32 bytes or more, with the entropy of 32; not changed, not kept
 * @returns the secret is not clamped: RFC 7748 does that at each use
 * @throws TridcommError `E_USAGE` for less
 */
export function deriveKeyPair(provider: CryptoProvider, ikm: Uint8Array): KeyPair {
  if (ikm.length < 32) throw new TridcommError('E_USAGE', `HPKE key material of ${ikm.length} bytes, at least 32`);
  const prk = labeledExtract(provider, suiteId, none, 'dkp_prk', ikm);
  const secretKey = labeledExpand(provider, suiteId, prk, 'sk', none, 32);
  return { secretKey, publicKey: provider.publicKey('x25519', secretKey) };
}

/** What the sender's side of the KEM gives. */
export interface Encapsulated {
  readonly sharedSecret32: Uint8Array;
  /** The ephemeral public key: goes to the receiver as it is. */
  readonly enc32: Uint8Array;
}

/**
 * A fresh shared secret for the holder of a public key.
 *
 * Source: RFC 9180 section 4.1, Encap; the ephemeral is DeriveKeyPair of what is drawn, as in the RFC's vectors.
 *
 * @param publicKey32 - not changed, not kept
 * @param random - asked once, for 32 bytes, which are overwritten
 * @returns both of 32 bytes, the caller's
 * @throws TridcommError `E_KEY` for a public key of another length or of small order; `E_USAGE` where not 32 bytes are drawn
 */
export function encapsulate(provider: CryptoProvider, publicKey32: Uint8Array, random: RandomSource): Encapsulated {
  checkPublicKey('receiver', publicKey32);
  const ikm = random(32);
  if (ikm.length !== 32) throw new TridcommError('E_USAGE', `random key material of ${ikm.length} bytes, not 32`);
  const ephemeral = deriveKeyPair(provider, ikm);
  ikm.fill(0);
  const dh = provider.x25519(ephemeral.secretKey, publicKey32);
  ephemeral.secretKey.fill(0);
  return {
    sharedSecret32: extractAndExpand(provider, dh, concat(ephemeral.publicKey, publicKey32)),
    enc32: ephemeral.publicKey,
  };
}

/**
 * The shared secret that a sender encapsulated; 32 bytes, the caller's.
 *
 * `enc` need not be canonical: its bytes as received are in the secret, so a second encoding of the same point opens nothing.
 *
 * Source: RFC 9180 section 4.1, Decap.
 *
 * @param enc32 - as received; not changed, not kept
 * @param keyPair - the receiver's; that the halves belong together is not checked, and a pair where they do not opens nothing
 * @throws TridcommError `E_KEY` for an `enc` or key of another length, and an `enc` of small order
 */
export function decapsulate(provider: CryptoProvider, enc32: Uint8Array, keyPair: KeyPair): Uint8Array {
  checkPublicKey('enc', enc32);
  checkPublicKey('receiver', keyPair.publicKey);
  const dh = provider.x25519(keyPair.secretKey, enc32);
  return extractAndExpand(provider, dh, concat(enc32, keyPair.publicKey));
}

/** ExtractAndExpand of RFC 9180 section 4.1; overwrites `dh`. */
function extractAndExpand(provider: CryptoProvider, dh: Uint8Array, kemContext: Uint8Array): Uint8Array {
  const prk = labeledExtract(provider, suiteId, none, 'eae_prk', dh);
  dh.fill(0);
  return labeledExpand(provider, suiteId, prk, 'shared_secret', kemContext, 32);
}

/** Here and not only in the provider: the lengths of the two keys hold the KEM context apart. */
function checkPublicKey(name: string, publicKey: Uint8Array): void {
  if (publicKey.length !== 32)
    throw new TridcommError('E_KEY', `HPKE ${name} public key of ${publicKey.length} bytes, not 32`);
}

const none: Uint8Array = new Uint8Array(0);
const suiteId = concat(ascii('KEM'), Uint8Array.of(kemId >>> 8, kemId & 0xff));
