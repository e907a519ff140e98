/** Length checks that every provider makes in the same way, before its engine has a word of its own to say. */
import { TridcommError } from '../errors.ts';

/** Bytes of the tag at the end of every sealed body, for both algorithms (Nt of chapter 06). */
export const aeadTagBytes = 16;

/** @throws {@link TridcommError} `E_USAGE` unless the key has 32 and the nonce 12 bytes */
export function checkAeadArguments(key32: Uint8Array, nonce12: Uint8Array): void {
  checkLength('AEAD key', key32, 32, 'E_USAGE');
  checkLength('AEAD nonce', nonce12, 12, 'E_USAGE');
}

/** @throws {@link TridcommError} `E_USAGE` unless the seed or secret has 32 bytes */
export function checkSecretKey(secretKey32: Uint8Array): void {
  checkLength('secret key', secretKey32, 32, 'E_USAGE');
}

/** @throws {@link TridcommError} `E_KEY` unless both have 32 bytes */
export function checkX25519Arguments(secretKey32: Uint8Array, publicKey32: Uint8Array): void {
  checkLength('X25519 secret key', secretKey32, 32, 'E_KEY');
  checkLength('X25519 public key', publicKey32, 32, 'E_KEY');
}

function checkLength(name: string, bytes: Uint8Array, length: number, code: 'E_KEY' | 'E_USAGE'): void {
  if (bytes.length !== length) throw new TridcommError(code, `${name} of ${bytes.length} bytes, not ${length}`);
}
