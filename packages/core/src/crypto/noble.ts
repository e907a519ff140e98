/** The provider that runs everywhere, in JavaScript alone; the only importer of @noble. */
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE } from '@noble/curves/utils.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { checkAeadArguments, checkSecretKey, checkX25519Arguments } from './argument-checks.ts';
import { checkEd25519PublicKey, isEd25519SignatureForm } from './ed25519-rule.ts';
import type { CryptoProvider } from './provider.ts';
import { checkX25519Result, x25519Refusal } from './x25519-rule.ts';

/**
 * Cryptography by the @noble packages, for runtimes without native engines.
 *
 * Signatures and X25519 take about 20 times as long as with `@tridcomm/core/node`, and AES-GCM 3 times as long as
 * ChaCha20-Poly1305. JavaScript promises no constant time; @noble comes as near as it can.
 *
 * @spec suites.1
 */
export const nobleProvider: CryptoProvider = {
  name: 'noble',

  sha256(...parts) {
    const hash = sha256.create();
    for (const part of parts) hash.update(part);
    return hash.digest();
  },

  hmacSha256(key, ...parts) {
    const mac = hmac.create(sha256, key);
    for (const part of parts) mac.update(part);
    return mac.digest();
  },

  aeadSeal(algorithm, key32, nonce12, aad, plaintext) {
    checkAeadArguments(key32, nonce12);
    return aeads[algorithm](key32, nonce12, aad).encrypt(plaintext);
  },

  aeadOpen(algorithm, key32, nonce12, aad, sealed) {
    checkAeadArguments(key32, nonce12);
    try {
      return aeads[algorithm](key32, nonce12, aad).decrypt(sealed);
    } catch {
      // The key and the nonce are right, so it is too short for a tag, or the tag does not fit.
      return undefined;
    }
  },

  generateKeyPair(algorithm) {
    return curves[algorithm].keygen();
  },

  publicKey(algorithm, secretKey32) {
    checkSecretKey(secretKey32);
    return curves[algorithm].getPublicKey(secretKey32);
  },

  ed25519Sign(seed32, message) {
    checkSecretKey(seed32);
    return ed25519.sign(message, seed32);
  },

  ed25519Verify(publicKey32, message, signature) {
    checkEd25519PublicKey(publicKey32);
    return isEd25519SignatureForm(signature) && equationHolds(publicKey32, message, signature);
  },

  x25519(secretKey32, publicKey32) {
    checkX25519Arguments(secretKey32, publicKey32);
    let sharedSecret: Uint8Array;
    try {
      sharedSecret = x25519.getSharedSecret(secretKey32, publicKey32);
    } catch {
      // All lengths are right, so this is @noble's own refusal of a zero result.
      throw x25519Refusal();
    }
    return checkX25519Result(sharedSecret);
  },
};

/**
 * Whether A decodes and [S]B − [k]A encodes to the bytes R: the cofactorless equation. `ed25519.verify` cannot serve, as it
 * multiplies by the cofactor with either value of `zip215`.
 *
 * @spec suites.8
 */
function equationHolds(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const { Point } = ed25519;
  const r = signature.subarray(0, 32);
  let a: InstanceType<typeof Point>;
  try {
    a = Point.fromBytes(publicKey);
  } catch {
    return false;
  }
  const k = Point.Fn.create(bytesToNumberLE(sha512.create().update(r).update(publicKey).update(message).digest()));
  const s = bytesToNumberLE(signature.subarray(32));
  const encoded = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).toBytes();
  return encoded.every((byte, i) => byte === r[i]);
}

const aeads = { 'chacha20-poly1305': chacha20poly1305, 'aes-256-gcm': gcm } as const;
const curves = { ed25519, x25519 } as const;
