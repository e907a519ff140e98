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
  /** Id of an authority (principals.11) */
  authorityId: 'tdc1 authority',
  /** Hash of a signed object (principals.9) */
  objectHash: 'tdc1 object',
  /** Hash of a head (principals.27) */
  headHash: 'tdc1 head',
  /** Address of a retained object (principals.37) */
  address: 'tdc1 address',
  /** Signature of an authority record (principals.11) */
  authorityRecord: 'authority',
  /** Signature of a principal under its own record (principals.14) */
  principalRecord: 'principal',
  /** Signature of an issuer under a principal record (principals.14) */
  issuer: 'issuer',
  /** Signature of a key record (principals.16) */
  keyRecord: 'keys',
  /** Signature of a policy (principals.8) */
  policy: 'policy',
  /** Signature of a group record (principals.8) */
  groupRecord: 'group',
  /** Signature of a head (principals.27) */
  head: 'head',
  /** Signature of a head that answers a nonce (principals.33) */
  headNonce: 'head nonce',
  /** Signature of a key block (groups.3) */
  keyBlock: 'keyblock',
  /** Signature of an enrolment (groups.13) */
  enrolment: 'enrol',
  /** Signature of an epoch close; reserved (storage) */
  epochClose: 'close',
  /** Signature of a capability; reserved (principals) */
  capability: 'capability',
  /** Signature of a pool record (principals) */
  pool: 'pool',
  /** Commitment to an epoch secret (groups.5) */
  epochCommit: 'epoch commit',
  /** Key of one entry of a complete subtree block (groups.5) */
  keyBlockWrap: 'kb wrap',
  /** Epoch secret from a pre-shared key (groups.5) */
  keyBlockPsk: 'kb psk',
  /** Key of the own part of a group (groups.5) */
  keyBlockPrivate: 'kb private',
  /** Next value of a node key (groups.12) */
  csStep: 'cs step',
  /** Hash of a key block (groups.9) */
  blockHash: 'tdc1 block',
  /** Name of an entry of a list block (groups.10) */
  listEntry: 'tdc1 le',
  /** Hash of the own part of a group (principals.35) */
  privateHash: 'tdc1 private',
  /** HPKE info of an entry of a list block (groups.5) */
  keyBlockListInfo: 'tdc1 kb list',
  /** HPKE info of an enrolment (groups.13) */
  enrolmentInfo: 'tdc1 enrol',
  /** Auth of a link in T mode (link.9) */
  hopTls: 'hop-t',
  /** Auth of a link in N mode (link.9) */
  hopNoise: 'hop-n',
  /** Prefaces and hellos of a link (link) */
  linkTranscript: 'tdc1 link',
  /** Input to the key pair of a pool (patterns) */
  poolKey: 'pool kem',
  /** HPKE info of a pool stream (patterns) */
  poolInfo: 'tdc1 pool',
  /** HPKE info of a reply to a survey (patterns) */
  surveyInfo: 'tdc1 survey',
  /** Source secret of a pool stream (patterns) */
  poolStream: 'tdc1 pool stream',
  /** Source secret of the replies to a pool stream (patterns) */
  poolReply: 'tdc1 reply',
  /** Source secret of a reply to a survey (patterns) */
  surveyReply: 'tdc1 survey reply',
  /** Key and nonce of routing data (patterns) */
  poolRouting: 'pool routing',
  /** Context of the replies to a pool stream (patterns) */
  replyContext: 'tdc1 rctx',
} as const;
