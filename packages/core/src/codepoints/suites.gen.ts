// Generated from spec/v1/registries/suites.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry suites. */
export const suites = {
  /** Must implement; the default where AES is not accelerated (suites.1) */
  x25519ChaCha20Poly1305Ed25519: 0x0001,
  /** Must implement; the default where AES is accelerated (suites.1) */
  x25519Aes256GcmEd25519: 0x0002,
  /** Reserved. Interoperability profile on P-256 (suites) */
  p256Aes256GcmEcdsa: 0x0003,
  /** Reserved. Post-quantum hybrid of suite 0x0001 (suites) */
  xwingChaCha20Poly1305Ed25519: 0x0011,
  /** Reserved. Post-quantum hybrid of suite 0x0002 (suites) */
  xwingAes256GcmEd25519: 0x0012,
  /** Reserved. Post-quantum hybrid on P-256 (suites) */
  mlkemP256Aes256GcmEcdsa: 0x0013,
  /** Reserved. Suite 0x0011 with ML-DSA-65 (suites) */
  xwingChaCha20Poly1305MlDsa: 0x0021,
  /** Reserved. Suite 0x0012 with ML-DSA-65 (suites) */
  xwingAes256GcmMlDsa: 0x0022,
  /** Reserved. Suite 0x0013 with ML-DSA-65 (suites) */
  mlkemP256Aes256GcmMlDsa: 0x0023,
} as const;

/** A code of {@link suites}. */
export type Suite = (typeof suites)[keyof typeof suites];

/** Strength of each of {@link suites}. */
export const suiteStrengths = {
  /** Must implement; the default where AES is not accelerated (suites.1) */
  x25519ChaCha20Poly1305Ed25519: 1,
  /** Must implement; the default where AES is accelerated (suites.1) */
  x25519Aes256GcmEd25519: 1,
  /** Reserved. Interoperability profile on P-256 (suites) */
  p256Aes256GcmEcdsa: 1,
  /** Reserved. Post-quantum hybrid of suite 0x0001 (suites) */
  xwingChaCha20Poly1305Ed25519: 2,
  /** Reserved. Post-quantum hybrid of suite 0x0002 (suites) */
  xwingAes256GcmEd25519: 2,
  /** Reserved. Post-quantum hybrid on P-256 (suites) */
  mlkemP256Aes256GcmEcdsa: 2,
  /** Reserved. Suite 0x0011 with ML-DSA-65 (suites) */
  xwingChaCha20Poly1305MlDsa: 2,
  /** Reserved. Suite 0x0012 with ML-DSA-65 (suites) */
  xwingAes256GcmMlDsa: 2,
  /** Reserved. Suite 0x0013 with ML-DSA-65 (suites) */
  mlkemP256Aes256GcmMlDsa: 2,
} as const;
