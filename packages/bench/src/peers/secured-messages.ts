import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import type { MessageKeys } from './peer.ts';

/**
 * Each message sealed with AES-256-GCM and signed with Ed25519 by node:crypto, keys imported once:
 * signature64 ‖ nonce12 ‖ tag16 ‖ ciphertext. What people write who secure messages over a broker by themselves.
 */
export class SecuredMessages {
  readonly #key: KeyObject;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;

  constructor({ key32, privateKey, publicKey }: MessageKeys) {
    const der = (text: string) => Buffer.from(text, 'base64');
    this.#key = createSecretKey(der(key32));
    this.#privateKey = createPrivateKey({ key: der(privateKey), format: 'der', type: 'pkcs8' });
    this.#publicKey = createPublicKey({ key: der(publicKey), format: 'der', type: 'spki' });
  }

  seal(message: Uint8Array): Uint8Array {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const ciphertext = cipher.update(message);
    cipher.final();
    const sealed = Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
    return Buffer.concat([sign(null, sealed, this.#privateKey), sealed]);
  }

  /** @throws Error where it is not what its sender made */
  open(bytes: Uint8Array): Uint8Array {
    const sealed = bytes.subarray(64);
    if (!verify(null, sealed, this.#publicKey, bytes.subarray(0, 64))) throw new Error('signature');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(12, 28));
    const message = decipher.update(sealed.subarray(28));
    decipher.final();
    return message;
  }
}
