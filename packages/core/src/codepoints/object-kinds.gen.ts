// Generated from spec/v1/registries/object-kinds.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Kinds of signed objects. */
export const objectKinds = {
  /** Root keys and what they delegate (principals.11) */
  authorityRecord: 0x01,
  /** Who a key belongs to (principals.14) */
  principalRecord: 0x02,
  /** Prekeys of a principal (principals.16) */
  keyRecord: 0x03,
  /** Hashes of what holds for each group (principals.8) */
  policy: 0x04,
  /** Settings and controller of a group (principals.8) */
  groupRecord: 0x05,
  /** Public key of a pool for an epoch (patterns) */
  poolRecord: 0x06,
  /** Reserved. Log sizes at the end of an epoch (storage) */
  epochClose: 0x07,
  /** Reserved. A grant that its holder may narrow and pass on (principals) */
  capability: 0x08,
} as const;

/** A code of {@link objectKinds}. */
export type ObjectKind = (typeof objectKinds)[keyof typeof objectKinds];
