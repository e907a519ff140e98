// Generated from spec/v1/registries/list-uses.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry list-uses. */
export const listUses = {
  /** For receivers: who may publish (principals.20) */
  writers: 0x01,
  /** For brokers: who may publish and subscribe (principals.22) */
  edge: 0x02,
} as const;

/** A code of {@link listUses}. */
export type ListUse = (typeof listUses)[keyof typeof listUses];
