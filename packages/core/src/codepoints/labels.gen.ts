// Generated from spec/v1/registries/labels.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Every label is used for one purpose; none is a prefix of another on the same secret. */
export const labels = {
  /** Stream secret from the source secret (suites.13) */
  stream: 'stream',
  /** Record key and nonce from the stream secret (suites.13) */
  record: 'record',
  /** Hedge secret of a sender process (suites.10) */
  hedge: 'hedge',
  /** Routing key of a group and period (topics.8) */
  route: 'route',
  /** First value of the topic chain (topics.8) */
  topicRoot: 'topic root',
  /** Key id of a public key (suites.4) */
  keyId: 'tdc1 keyid',
  /** Identity of an envelope (envelope.37) */
  envelopeId: 'tdc1 id',
  /** Commitment to a record key (suites.15) */
  recordCommit: 'tdc1 rc',
  /** Signature of an envelope (suites.17) */
  envelope: 'envelope',
} as const;
