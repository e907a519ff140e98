// Generated from spec/v1/registries/limits.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry limits. */
export const limits = {
  /** Default cap of a frame body (framing.5) */
  frameCapBytes: 1_048_576,
  /** A frame cap is never above this (framing.8) */
  frameHardCapBytes: 16_777_216,
  /** An envelope (envelope.34) */
  envelopeBytes: 1_048_576,
  /** ext_len (envelope.34) */
  extensionsBytes: 4_096,
  /** Extensions in an envelope (envelope.15) */
  extensionsCount: 32,
  /** keyinfo_len (envelope.34) */
  keyinfoBytes: 4_096,
  /** body_len (envelope.34) */
  bodyBytes: 1_040_224,
  /** Plaintext of an envelope (envelope.6) */
  plaintextBytes: 983_040,
  /** Records in an envelope (envelope.36) */
  recordsCount: 65_535,
  /** Leaves in an envelope (envelope.36) */
  leavesCount: 4_096,
  /** Default records in a leaf (envelope.18) */
  jobsPerLeaf: 16,
  /** Highest seq of a stream (envelope.36) */
  streamSeq: 1_099_511_627_776,
  /** Highest value of a u64 on the wire (envelope.36) */
  safeInteger: 9_007_199_254_740_991,
  /** A varint (conventions.2) */
  varintBytes: 8,
  /** Age of a live message (replay.2) */
  maxAgeMs: 120_000,
  /** Lead of a sender's clock (replay.3) */
  skewMs: 30_000,
  /** Replay window (replay.6) */
  windowEnvelopes: 1_024,
  /** Replay window on links that keep order (replay.6) */
  orderedWindowEnvelopes: 64,
  /** Envelopes of a stream whose identity is kept (replay.11) */
  evidenceEnvelopes: 64,
  /** Streams whose identities are kept (replay.11) */
  evidenceStreams: 10_000,
  /** Streams held for one sender, epoch and tag (replay.16) */
  streamsPerSender: 64,
  /** Token bucket of new streams (replay.18) */
  newStreamsBurst: 64,
  /** Time to gain one token for a new stream (replay.18) */
  newStreamsIntervalMs: 1_000,
  /** Envelopes of which some leaves were seen (replay.21) */
  partialEnvelopes: 65_536,
  /** What a stored floor runs ahead (replay.22) */
  floorSlackEnvelopes: 64,
  /** What a stored timestamp bound runs ahead (replay.22) */
  floorSlackMs: 60_000,
  /** Segments of a topic (topics.2) */
  topicSegments: 8,
  /** UTF-8 bytes of a segment (topics.2) */
  segmentBytes: 255,
  /** Life of a tag (topics.8) */
  tagPeriodMs: 86_400_000,
} as const;
