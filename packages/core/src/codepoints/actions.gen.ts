// Generated from spec/v1/registries/actions.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Bits. */
export const actions = {
  /** Publish (principals.20) */
  publish: 0x0001,
  /** Subscribe (principals.20) */
  subscribe: 0x0002,
  /** Answer, in lists of writers (principals.20) */
  respond: 0x0004,
  /** Forward, in lists of writers (principals.20) */
  route: 0x0008,
} as const;

/** A code of {@link actions}. */
export type Action = (typeof actions)[keyof typeof actions];
