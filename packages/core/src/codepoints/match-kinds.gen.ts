// Generated from spec/v1/registries/match-kinds.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry match-kinds. */
export const matchKinds = {
  /** All topics of the group (principals.20) */
  group: 0x00,
  /** One tag (principals.20) */
  exact: 0x01,
  /** One value of the topic chain (principals.20) */
  prefix: 0x02,
} as const;

/** A code of {@link matchKinds}. */
export type MatchKind = (typeof matchKinds)[keyof typeof matchKinds];
