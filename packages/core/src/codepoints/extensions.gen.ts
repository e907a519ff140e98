// Generated from spec/v1/registries/extensions.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Codes are extension numbers; the type on the wire adds bit 15 where critical is true. */
export const extensions = {
  /** root32, u32 leaf_count, u16 jobs_per_leaf (envelope.13) */
  merkle: 0x0001,
  /** survey_id16, u64 deadline, u32 max_reply, vec16 reply_pk (envelope.13) */
  survey: 0x0002,
  /** id32 of the envelope before in the stream (envelope.13) */
  prevEnvelope: 0x0003,
  /** u64 ms (envelope.13) */
  expiry: 0x0004,
  /** 16 bytes (envelope.13) */
  compactionTag: 0x0005,
  /** 32 bytes (envelope.13) */
  trace: 0x0006,
  /** 16 bytes (envelope.13) */
  idempotencyKey: 0x0007,
  /** u64 (envelope.13) */
  headSeq: 0x0008,
  /** 1 to 8 values of 16 bytes (envelope.13) */
  topicChain: 0x0009,
  /** topic tag, 16 bytes (envelope.13) */
  replyRoute: 0x000a,
  /** record_commit32 (envelope.13) */
  recordCommit: 0x000b,
  /** u32 epoch, sealed routing data (envelope.13) */
  routing: 0x000c,
} as const;

/** A code of {@link extensions}. */
export type Extension = (typeof extensions)[keyof typeof extensions];
