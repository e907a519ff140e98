import { aeadTagBytes } from '../crypto/argument-checks.ts';
import type { AeadAlgorithm, CryptoProvider } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { noiseNonce, rekeyNonce } from './nonce.ts';

/**
 * Most bytes of a message of Noise, in the handshake and after it.
 *
 * Source: Noise revision 34, section 3.
 */
export const noiseMessageMaxBytes = 65_535;

/** Most bytes that {@link NoiseCipher.encrypt} takes. */
export const noisePlaintextMaxBytes: number = noiseMessageMaxBytes - aeadTagBytes;

/**
 * One direction after the handshake: a key and the count of its records, which are opened in the order they were made in.
 *
 * One end encrypts and the other decrypts, never both with one cipher: two encrypting ends would use one nonce twice.
 *
 * Source: Noise revision 34, section 5.1, CipherState, with empty associated data.
 */
export class NoiseCipher {
  readonly #provider: CryptoProvider;
  readonly #aead: AeadAlgorithm;
  readonly #key32: Uint8Array;
  #count = 0;
  #isClosed = false;

  /** @param key32 - this cipher's from now on, and overwritten by it */
  constructor(provider: CryptoProvider, aead: AeadAlgorithm, key32: Uint8Array) {
    this.#provider = provider;
    this.#aead = aead;
    this.#key32 = key32;
  }

  /** Records so far, which is the number of the next one; {@link rekey} does not set it back. */
  get count(): number {
    return this.#count;
  }

  /**
   * Encrypts the next record.
   *
   * @param plaintext - 0 to {@link noisePlaintextMaxBytes} bytes; not changed, not kept
   * @returns ciphertext ‖ 16-byte tag, the caller's
   * @throws TridcommError `E_LIMIT` for a longer one and where the counts are used up; `E_CLOSED` after the end
   */
  encrypt(plaintext: Uint8Array): Uint8Array {
    this.#checkOpen();
    checkLimit('Noise plaintext bytes', plaintext.length, noisePlaintextMaxBytes);
    const nonce = noiseNonce(this.#aead, this.#count);
    const record = this.#provider.aeadSeal(this.#aead, this.#key32, nonce, none, plaintext);
    this.#count += 1;
    return record;
  }

  /**
   * Decrypts the next record. The first one that is refused ends the cipher: on a link that keeps order it is damage or an
   * attack, and nothing after it can be in its place.
   *
   * @param record - ciphertext ‖ tag; not changed, not kept
   * @returns the plaintext, the caller's
   * @throws TridcommError `E_LENGTH` for less than a tag or more than {@link noiseMessageMaxBytes}; `E_AEAD` where it does not
   *   open; `E_CLOSED` after either, and after the end; `E_LIMIT` where the counts are used up
   */
  decrypt(record: Uint8Array): Uint8Array {
    this.#checkOpen();
    const nonce = noiseNonce(this.#aead, this.#count);
    if (record.length < aeadTagBytes || record.length > noiseMessageMaxBytes) {
      this.erase();
      throw new TridcommError(
        'E_LENGTH',
        `Noise record of ${record.length} bytes, ${aeadTagBytes} to ${noiseMessageMaxBytes}`,
      );
    }
    const plaintext = this.#provider.aeadOpen(this.#aead, this.#key32, nonce, none, record);
    if (plaintext === undefined) {
      this.erase();
      throw new TridcommError('E_AEAD', `Noise record ${this.#count}`);
    }
    this.#count += 1;
    return plaintext;
  }

  /**
   * Goes on with the key that follows from this one, which is overwritten. The other end does the same at the same record.
   *
   * Source: Noise revision 34, sections 4.2 and 11.3, REKEY.
   *
   * @throws TridcommError `E_CLOSED` after the end
   */
  rekey(): void {
    this.#checkOpen();
    const sealed = this.#provider.aeadSeal(this.#aead, this.#key32, rekeyNonce(), none, new Uint8Array(32));
    this.#key32.set(sealed.subarray(0, 32));
    sealed.fill(0);
  }

  /** Overwrites the key: the end. */
  erase(): void {
    this.#isClosed = true;
    this.#key32.fill(0);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new TridcommError('E_CLOSED', 'Noise cipher that has ended');
  }
}

const none: Uint8Array = new Uint8Array(0);
