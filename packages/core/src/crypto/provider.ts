/**
 * What the core asks of a cryptographic engine. Synchronous; every provider gives the same verdict on every vector.
 *
 * Implementations: `@tridcomm/core/noble` (everywhere) and `@tridcomm/core/node` (node:crypto).
 */
export interface CryptoProvider {
  /** Short name for logs and reports, such as `noble`. */
  readonly name: string;

  /** SHA-256 over the concatenation of the parts; 32 bytes, the caller's. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;

  /** HMAC-SHA-256 (RFC 2104) over the concatenation of the parts; 32 bytes, the caller's. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;

  /**
   * Encrypts with a key that is used for this nonce only.
   *
   * @param plaintext - not changed but by `out`, not kept
   * @param out - memory of the right width that the engine may write to when it has read the plaintext, which may lie in it: so large plaintexts
   *   are spared a copy. It may leave it alone
   * @returns ciphertext ‖ 16-byte tag, the caller's: `out`, or an array of its own
   * @spec suites.13
   */
  aeadSeal(
    algorithm: AeadAlgorithm,
    key32: Uint8Array,
    nonce12: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
    out?: Uint8Array,
  ): Uint8Array;

  /**
   * Decrypts.
   *
   * @param sealed - ciphertext ‖ tag
   * @returns the plaintext, the caller's; undefined where the tag does not fit or is not there, and then no byte of it is given out
   * @spec suites.14
   */
  aeadOpen(
    algorithm: AeadAlgorithm,
    key32: Uint8Array,
    nonce12: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined;

  /** A fresh key pair, from the engine's own source of randomness. */
  generateKeyPair(algorithm: KeyAlgorithm): KeyPair;

  /** The public key of a 32-byte Ed25519 seed or X25519 secret. */
  publicKey(algorithm: KeyAlgorithm, secretKey32: Uint8Array): Uint8Array;

  /** Pure Ed25519 (RFC 8032); 64 bytes. */
  ed25519Sign(seed32: Uint8Array, message: Uint8Array): Uint8Array;

  /**
   * Verifies by the rule of chapter 06, whatever the engine's own rule is.
   *
   * @throws TridcommError `E_KEY` for a public key that must not be used
   * @returns false where the signature must be refused with `E_SIG`
   * @spec suites.6, suites.7, suites.8
   */
  ed25519Verify(publicKey32: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;

  /**
   * X25519 (RFC 7748); 32 bytes.
   *
   * @throws TridcommError `E_KEY` where the result is all zero, or a key is not 32 bytes
   * @spec suites.5
   */
  x25519(secretKey32: Uint8Array, publicKey32: Uint8Array): Uint8Array;
}

export type AeadAlgorithm = 'chacha20-poly1305' | 'aes-256-gcm';
export type KeyAlgorithm = 'ed25519' | 'x25519';

/** Both halves as raw 32-byte strings; for Ed25519 the secret is the seed. */
export interface KeyPair {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** A source of random bytes: returns `length` fresh bytes that the caller owns. */
export type RandomSource = (length: number) => Uint8Array;
