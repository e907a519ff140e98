// Generated from spec/v1/registries/purposes.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** What a group is for. */
export const purposes = {
  /** PUB/SUB (groups) */
  pubSub: 0x01,
  /** BUS (groups) */
  bus: 0x02,
  /** SURVEY (groups) */
  survey: 0x03,
  /** Pool of responders or workers (groups) */
  pool: 0x04,
} as const;

/** A code of {@link purposes}. */
export type Purpose = (typeof purposes)[keyof typeof purposes];
