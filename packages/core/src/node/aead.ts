import { createCipheriv, createDecipheriv, type CipherGCM, type DecipherGCM } from 'node:crypto';
import { checkWidth } from '../bytes/bytes.ts';
import { aeadTagBytes, checkAeadArguments } from '../crypto/argument-checks.ts';
import { nobleProvider } from '../crypto/noble.ts';
import type { AeadAlgorithm } from '../crypto/provider.ts';
import { plainView } from './views.ts';

/** Encrypts; ciphertext ‖ tag in one array, `out` where it is given, else the caller's. */
export function seal(
  algorithm: AeadAlgorithm,
  key32: Uint8Array,
  nonce12: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  out?: Uint8Array,
): Uint8Array {
  if (isForNoble(algorithm, plaintext.length)) return nobleProvider.aeadSeal(algorithm, key32, nonce12, aad, plaintext);
  checkAeadArguments(key32, nonce12);
  const cipher = createCipher(algorithm, key32, nonce12, options);
  cipher.setAAD(aad);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  const tag = cipher.getAuthTag();
  if (out === undefined) return withTag(ciphertext, tag);
  checkWidth('out', out, ciphertext.length + tag.length);
  out.set(ciphertext);
  out.set(tag, ciphertext.length);
  return out;
}

/** Decrypts; undefined where the tag does not fit. */
export function open(
  algorithm: AeadAlgorithm,
  key32: Uint8Array,
  nonce12: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const length = sealed.length - aeadTagBytes;
  if (isForNoble(algorithm, length)) return nobleProvider.aeadOpen(algorithm, key32, nonce12, aad, sealed);
  checkAeadArguments(key32, nonce12);
  if (length < 0) return undefined;
  const decipher = createDecipher(algorithm, key32, nonce12, options);
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(length));
  const plaintext = decipher.update(sealed.subarray(0, length));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    return undefined;
  }
  return plainView(plaintext);
}

/**
 * Ciphertext and tag in one array. Node 22 and later grow the memory of the ciphertext in place where they can, which saves
 * the copy: 64 KiB of AES-GCM on Node 24 take 30 µs so, and 39 µs copied.
 */
function withTag(ciphertext: Buffer, tag: Buffer): Uint8Array {
  const length = ciphertext.length + tag.length;
  const memory = ciphertext.buffer as ArrayBuffer & { transfer?(byteLength: number): ArrayBuffer };
  let sealed: Uint8Array;
  if (memory.transfer !== undefined && memory.byteLength === ciphertext.length) {
    sealed = new Uint8Array(memory.transfer(length));
  } else {
    sealed = new Uint8Array(length);
    sealed.set(ciphertext);
  }
  sealed.set(tag, length - tag.length);
  return sealed;
}

function isForNoble(algorithm: AeadAlgorithm, length: number): boolean {
  return algorithm === 'chacha20-poly1305' && length <= nobleMaxBytes;
}

/**
 * Node 24 takes 10 µs to set up a cipher, within which noble's ChaCha20-Poly1305 does 1 KiB; its AES-GCM never gains.
 *
 * µs to seal, measured on Node 20.20 / 24.21, with 160 bytes of associated data:
 *
 * | bytes | ChaCha20 node | ChaCha20 noble | AES-GCM node | AES-GCM noble |
 * | ----- | ------------- | -------------- | ------------ | ------------- |
 * | 0     | 4.2 / 15.4    | 7.0 / 8.5      | 3.2 / 14.9   | 15.8 / 15.1   |
 * | 64    | 4.3 / 16.4    | 8.9 / 6.6      | 4.3 / 14.1   | 18.1 / 16.6   |
 * | 256   | 4.8 / 15.1    | 10.1 / 7.3     | 5.0 / 17.1   | 20.9 / 23.3   |
 * | 512   | 6.1 / 15.8    | 12.6 / 10.1    | 5.2 / 18.4   | 30.0 / 31.9   |
 * | 1,024 | 6.0 / 15.9    | 15.8 / 13.4    | 5.7 / 16.5   | 39.4 / 41.5   |
 * | 1,536 | 6.3 / 16.4    | 20.5 / 16.1    |              |               |
 * | 2,048 | 6.0 / 16.6    | 22.5 / 19.1    | 5.4 / 16.3   |               |
 *
 * Node 22 sets up a cipher in 2 µs with the same OpenSSL 3.5, so the version of Node is what decides.
 */
const nobleMaxBytes = Number.parseInt(process.versions.node, 10) >= 24 ? 1_024 : -1;

const options = { authTagLength: aeadTagBytes } as const;

// Both ciphers are used in the same way; Node's types give each algorithm an overload of its own, and none for either.
type Create<C> = (algorithm: AeadAlgorithm, key: Uint8Array, nonce: Uint8Array, how: typeof options) => C;
const createCipher = createCipheriv as Create<CipherGCM>;
const createDecipher = createDecipheriv as Create<DecipherGCM>;
