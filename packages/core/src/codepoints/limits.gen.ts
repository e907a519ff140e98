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
  /** A signed object (principals.8) */
  objectBytes: 262_144,
  /** Signatures of an object (principals.8) */
  objectSignatures: 16,
  /** Messages inside messages of a body (principals.5) */
  bodyDepth: 8,
  /** Life of a delegation (principals.8) */
  delegationMs: 7_776_000_000,
  /** Life of a delegation with the status bit (principals.8) */
  statusDelegationMs: 604_800_000,
  /** Life of a principal record (principals.14) */
  principalRecordMs: 2_592_000_000,
  /** Life of a key record (principals.16) */
  keyRecordMs: 172_800_000,
  /** Entries of a list of writers (principals.21) */
  writersEntries: 4_096,
  /** Entries of an edge list (principals.21) */
  edgeEntries: 65_536,
  /** Entries of a revocation list (principals.24) */
  revokedEntries: 16_384,
  /** Time between heads (principals.26) */
  headIntervalMs: 20_000,
  /** Default of fresh_until − issued, and of max_head_age (principals.26) */
  headFreshMs: 60_000,
  /** Most of fresh_until − issued (principals.27) */
  headFreshMaxMs: 86_400_000,
  /** Most of max_head_age of a pool (groups) */
  poolHeadAgeMs: 60_000,
  /** Time to get to a head that one knows of (principals.32) */
  behindMs: 5_000,
  /** Objects of a bundle (principals.37) */
  bundleObjects: 16_384,
  /** A bundle (principals.37) */
  bundleBytes: 16_777_216,
  /** A key block (groups.3) */
  keyBlockBytes: 8_388_608,
  /** Entries of a key block (groups.3) */
  keyBlockEntries: 65_536,
  /** The own part of a group, sealed (groups.3) */
  keyBlockPrivateBytes: 65_536,
  /** Height of a tree (groups.3) */
  treeHeight: 24,
  /** Epochs of a generation (groups.3) */
  generationEpochs: 1_048_576,
  /** Steps of node keys for one block (groups.11) */
  stepsPerBlock: 4_096,
  /** Default and most of epoch_life_ms (groups) */
  epochLifeMs: 3_600_000,
  /** Least of epoch_life_ms (groups) */
  epochLifeMinMs: 1_000,
  /** Default of drain_ms (groups) */
  drainMs: 600_000,
  /** Most of drain_ms (groups) */
  drainMaxMs: 3_600_000,
  /** Least of max_head_age (groups) */
  headAgeMinMs: 5_000,
  /** Least of period_ms (groups) */
  tagPeriodMinMs: 60_000,
  /** Most of period_ms (groups) */
  tagPeriodMaxMs: 604_800_000,
  /** What the epoch of a restored group skips (groups.22) */
  restoredEpochs: 65_536,
  /** What head_seq of a restored authority skips (groups.23) */
  restoredHeads: 1_048_576,
  /** Body of a hello (messages.9) */
  helloBytes: 1_024,
  /** Body of an auth (messages.9) */
  authBytes: 49_152,
  /** Body of a stored frame, and least frame_cap (messages.9) */
  storedBytes: 1_048_584,
  /** Body of an object frame (messages.9) */
  objectFrameBytes: 8_388_624,
  /** Body of the small frames (messages.9) */
  controlBytes: 4_096,
  /** Addresses of a watch frame (messages.3) */
  watchAddresses: 256,
  /** Life of a connection that is not open (link.8) */
  openingMs: 5_000,
  /** What is held for a connection that is not open (link.8) */
  openingBytes: 65_536,
  /** Plaintext of a record of N (link.16) */
  recordPlaintextBytes: 65_519,
  /** Records of a direction between rekeys (link.18) */
  recordsPerRekey: 1_048_576,
  /** Subscriptions of a link (delivery.9) */
  subsPerLink: 4_096,
  /** Messages of a principal in a second (delivery.18) */
  messagesPerSecond: 1_000,
  /** Envelopes of a principal in a second (delivery.18) */
  envelopesPerSecond: 2_000,
  /** Life of a pool stream (patterns) */
  poolStreamMs: 600_000,
  /** Envelopes of a pool stream (patterns) */
  poolStreamEnvelopes: 1_048_576,
  /** Pool streams of a sender that a worker keeps (patterns) */
  poolSetups: 256,
  /** Requests outstanding at a requester (patterns.35) */
  requestsOutstanding: 65_536,
  /** The envelope of a message or a reply that a forward holds (patterns.36) */
  forwardableBytes: 983_000,
  /** Routing data of a message (patterns.36) */
  routingDataBytes: 1_024,
  /** Time from question to deadline (patterns) */
  surveyMs: 3_600_000,
  /** Replies to a survey (patterns) */
  surveyReplies: 65_535,
  /** A lease (delivery.24) */
  leaseMs: 30_000,
  /** Leases of a unit (delivery.25) */
  leasesPerUnit: 16,
  /** Units that wait for one match (delivery.26) */
  workBytes: 67_108_864,
} as const;
