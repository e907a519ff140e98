// Generated from spec/v1/registries/flags.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Codes are bit numbers: flag n has the value 2^n. */
export const flags = {
  /** The body holds framed records (envelope.2) */
  batch: 0,
  /** The body holds leaves that a broker may split (envelope.2) */
  merkle: 1,
  /** Reserved. Must be 0 (envelope.33) */
  sealedSender: 2,
  /** Reserved. Must be 0 (envelope.33) */
  blobManifest: 3,
  /** Framed records are followed by zeros (envelope.17) */
  padded: 4,
  /** Reserved. Must be 0 (envelope.33) */
  compressed: 5,
  /** Reserved. Must be 0 (envelope.33) */
  signedInPair: 6,
  /** Reserved. Must be 0 (envelope.33) */
  multi: 7,
} as const;

/** A code of {@link flags}. */
export type Flag = (typeof flags)[keyof typeof flags];
