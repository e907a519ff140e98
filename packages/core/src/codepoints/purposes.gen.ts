// Generated from spec/v1/registries/purposes.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** What a group is for. */
export const purposes = {
  /** PUB/SUB (groups) */
  pubSub: 0x01,
  /** BUS (groups) */
  bus: 0x02,
  /** SURVEY (groups) */
  survey: 0x03,
  /** Front of a pool: who asks and who works (groups) */
  front: 0x04,
  /** Crew of a pool: who works (groups) */
  crew: 0x05,
} as const;

/** A code of {@link purposes}. */
export type Purpose = (typeof purposes)[keyof typeof purposes];
