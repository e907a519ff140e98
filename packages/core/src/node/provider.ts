/** The provider on node:crypto, from Node 20.19. */
import { diffieHellman, sign, verify } from 'node:crypto';
import { checkSecretKey, checkX25519Arguments } from '../crypto/argument-checks.ts';
import { checkEd25519PublicKey, isEd25519SignatureForm } from '../crypto/ed25519-rule.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { checkX25519Result, x25519Refusal } from '../crypto/x25519-rule.ts';
import { open, seal } from './aead.ts';
import { hmacSha256, sha256 } from './hash.ts';
import { freshKeyPair, publicKeyObject, rawPublicKey, secretKeyObject } from './keys.ts';
import { plainView } from './views.ts';

/**
 * Cryptography by node:crypto, with the verdicts of chapter 06 on every version of Node and OpenSSL.
 *
 * Imported keys are remembered, public ones by value and secret ones for as long as the caller keeps the array: pass the
 * same array each time, since importing a secret key takes up to 15 times as long as signing with it.
 *
 * @spec suites.1
 */
export const nodeProvider: CryptoProvider = {
  name: 'node',
  sha256,
  hmacSha256,
  aeadSeal: seal,
  aeadOpen: open,
  generateKeyPair: freshKeyPair,

  publicKey(algorithm, secretKey32) {
    checkSecretKey(secretKey32);
    return rawPublicKey(secretKeyObject(algorithm, secretKey32));
  },

  ed25519Sign(seed32, message) {
    checkSecretKey(seed32);
    return plainView(sign(null, message, secretKeyObject('ed25519', seed32)));
  },

  ed25519Verify(publicKey32, message, signature) {
    // OpenSSL 3.0 (Node 20) accepts keys and R of small order, 3.5 (Node 24) does not: the bytes decide before either does.
    checkEd25519PublicKey(publicKey32);
    return (
      isEd25519SignatureForm(signature) && verify(null, message, publicKeyObject('ed25519', publicKey32), signature)
    );
  },

  x25519(secretKey32, publicKey32) {
    checkX25519Arguments(secretKey32, publicKey32);
    const privateKey = secretKeyObject('x25519', secretKey32);
    const publicKey = publicKeyObject('x25519', publicKey32);
    let sharedSecret: Uint8Array;
    try {
      sharedSecret = plainView(diffieHellman({ privateKey, publicKey }));
    } catch {
      // Both keys are imported, so this is OpenSSL's own refusal of a zero result.
      throw x25519Refusal();
    }
    return checkX25519Result(sharedSecret);
  },
};
