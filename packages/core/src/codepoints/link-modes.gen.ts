// Generated from spec/v1/registries/link-modes.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry link-modes. */
export const linkModes = {
  /** T: TLS 1.3 with certificates of both sides (link.14) */
  tls: 0x01,
  /** N: Noise_XX_25519 inside any byte stream (link.16) */
  noise: 0x02,
} as const;

/** A code of {@link linkModes}. */
export type LinkMode = (typeof linkModes)[keyof typeof linkModes];
