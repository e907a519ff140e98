// Generated from spec/v1/registries/key-block-kinds.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Defined with groups (chapter 08). */
export const keyBlockKinds = {
  /** Reserved. One wrap for each member (envelope) */
  list: 0x01,
  /** Reserved. Complete subtree, stepped (envelope) */
  completeSubtree: 0x02,
  /** Reserved. Subset difference (envelope) */
  subsetDifference: 0x03,
  /** Reserved. Secret from an MLS exporter (envelope) */
  mls: 0x04,
  /** Reserved. Secret from a key service (envelope) */
  psk: 0x05,
} as const;

/** A code of {@link keyBlockKinds}. */
export type KeyBlockKind = (typeof keyBlockKinds)[keyof typeof keyBlockKinds];
