import { ascii, copyOf } from '../bytes/bytes.ts';
import type { AeadAlgorithm, CryptoProvider } from '../crypto/provider.ts';
import { NoiseCipher } from './cipher.ts';
import { noiseNonce } from './nonce.ts';

/**
 * What a handshake has hashed and agreed on so far: SymmetricState of Noise revision 34, section 5.2.
 *
 * Every key and chaining key is overwritten when the next one takes its place.
 */
export class SymmetricState {
  readonly #provider: CryptoProvider;
  readonly #aead: AeadAlgorithm;
  #hash32: Uint8Array;
  #chainingKey32: Uint8Array;
  /** Undefined until the first MixKey: nothing is encrypted before. */
  #key32: Uint8Array | undefined;
  #count = 0;

  /** @param prologue - hashed, not kept */
  constructor(provider: CryptoProvider, aead: AeadAlgorithm, prologue: Uint8Array) {
    this.#provider = provider;
    this.#aead = aead;
    // Both names fit into the 32 bytes of a hash, so they are padded with zeros and not hashed.
    this.#chainingKey32 = new Uint8Array(32);
    this.#chainingKey32.set(ascii(protocolNames[aead]));
    this.#hash32 = provider.sha256(this.#chainingKey32, prologue);
  }

  /** The handshake hash h; 32 bytes, the caller's. */
  get hash32(): Uint8Array {
    return copyOf(this.#hash32);
  }

  /** Puts what both ends see into the hash. */
  mixHash(data: Uint8Array): void {
    this.#hash32 = this.#provider.sha256(this.#hash32, data);
  }

  /**
   * Puts a secret that both ends have into the keys.
   *
   * @param inputKey - overwritten
   */
  mixKey(inputKey: Uint8Array): void {
    const [chainingKey32, key32] = this.#hkdf(inputKey);
    inputKey.fill(0);
    this.#chainingKey32.fill(0);
    this.#key32?.fill(0);
    this.#chainingKey32 = chainingKey32;
    this.#key32 = key32;
    this.#count = 0;
  }

  /**
   * Encrypts under the hash, where there is a key by now, and hashes what goes out.
   *
   * @returns ciphertext ‖ 16-byte tag, the caller's; before the first key the plaintext array itself
   */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sent = this.#key32 === undefined ? plaintext : this.#seal(this.#key32, plaintext);
    this.mixHash(sent);
    return sent;
  }

  /**
   * The other end of {@link encryptAndHash}.
   *
   * @returns the plaintext, the caller's; undefined, and nothing changed, where it does not open
   */
  decryptAndHash(received: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#key32 === undefined ? copyOf(received) : this.#open(this.#key32, received);
    if (plaintext !== undefined) this.mixHash(received);
    return plaintext;
  }

  /** The ciphers of both directions: first from the initiator, then from the responder. */
  split(): readonly [NoiseCipher, NoiseCipher] {
    const [first32, second32] = this.#hkdf(none);
    return [
      new NoiseCipher(this.#provider, this.#aead, first32),
      new NoiseCipher(this.#provider, this.#aead, second32),
    ];
  }

  /** Overwrites the keys; the state must not be used any more. */
  erase(): void {
    this.#chainingKey32.fill(0);
    this.#key32?.fill(0);
  }

  #seal(key32: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const nonce = noiseNonce(this.#aead, this.#count);
    this.#count += 1;
    return this.#provider.aeadSeal(this.#aead, key32, nonce, this.#hash32, plaintext);
  }

  #open(key32: Uint8Array, received: Uint8Array): Uint8Array | undefined {
    const nonce = noiseNonce(this.#aead, this.#count);
    const plaintext = this.#provider.aeadOpen(this.#aead, key32, nonce, this.#hash32, received);
    if (plaintext !== undefined) this.#count += 1;
    return plaintext;
  }

  /** HKDF of Noise revision 34, section 4.3, with two outputs; spelled out, so that no copy of a secret stays behind. */
  #hkdf(inputKey: Uint8Array): readonly [Uint8Array, Uint8Array] {
    const temporary = this.#provider.hmacSha256(this.#chainingKey32, inputKey);
    const first = this.#provider.hmacSha256(temporary, Uint8Array.of(1));
    const second = this.#provider.hmacSha256(temporary, first, Uint8Array.of(2));
    temporary.fill(0);
    return [first, second];
  }
}

const none: Uint8Array = new Uint8Array(0);

/** Noise revision 34, section 8. */
const protocolNames: Readonly<Record<AeadAlgorithm, string>> = {
  'chacha20-poly1305': 'Noise_XX_25519_ChaChaPoly_SHA256',
  'aes-256-gcm': 'Noise_XX_25519_AESGCM_SHA256',
};
