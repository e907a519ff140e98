// Generated from spec/v1/registries/key-algorithms.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry key-algorithms. */
export const keyAlgorithms = {
  /** Ed25519 public key (suites.4) */
  ed25519: 0x0001,
  /** X25519 public key; the number of its HPKE KEM (suites.4) */
  x25519: 0x0020,
  /** Reserved. ECDSA P-256 public key, uncompressed (suites) */
  ecdsaP256: 0x0002,
  /** Reserved. P-256 KEM public key, uncompressed (suites) */
  p256: 0x0010,
  /** Reserved. ML-KEM-768 with X25519 (suites) */
  xwing: 0x647a,
} as const;

/** A code of {@link keyAlgorithms}. */
export type KeyAlgorithm = (typeof keyAlgorithms)[keyof typeof keyAlgorithms];
