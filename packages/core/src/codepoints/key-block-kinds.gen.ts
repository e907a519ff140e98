// Generated from spec/v1/registries/key-block-kinds.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry key-block-kinds. */
export const keyBlockKinds = {
  /** One wrap for each member (groups.3) */
  list: 0x01,
  /** Complete subtree, stepped (groups.3) */
  completeSubtree: 0x02,
  /** Reserved. Subset difference (groups) */
  subsetDifference: 0x03,
  /** Reserved. Secret from an MLS exporter (groups) */
  mls: 0x04,
  /** Secret from a key service (groups.3) */
  psk: 0x05,
} as const;

/** A code of {@link keyBlockKinds}. */
export type KeyBlockKind = (typeof keyBlockKinds)[keyof typeof keyBlockKinds];
