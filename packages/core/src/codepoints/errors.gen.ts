// Generated from spec/v1/registries/errors.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry errors. */
export const errorTable = {
  /** Bytes are missing, left over, or lengths do not add up. (envelope.34) */
  E_LENGTH: {
    kind: 'DecodeError',
    reporter: 'any',
    severity: 'input',
    outward: 'same',
    section: 'envelope.34',
    summary: 'Bytes are missing, left over, or lengths do not add up.',
  },
  /** A size, number or rate is above its limit. (envelope.34) */
  E_LIMIT: {
    kind: 'LimitError',
    reporter: 'any',
    severity: 'input',
    outward: 'same',
    section: 'envelope.34',
    summary: 'A size, number or rate is above its limit.',
  },
  /** The bytes are not of a form that a sender may write. (envelope.33) */
  E_ENCODING: {
    kind: 'DecodeError',
    reporter: 'any',
    severity: 'input',
    outward: 'same',
    section: 'envelope.33',
    summary: 'The bytes are not of a form that a sender may write.',
  },
  /** The wire version is not one that we speak. (envelope.32) */
  E_VERSION: {
    kind: 'IncompatibleError',
    reporter: 'any',
    severity: 'input',
    outward: 'same',
    section: 'envelope.32',
    summary: 'The wire version is not one that we speak.',
  },
  /** The suite is unknown, or not that of the key source. (envelope.33) */
  E_SUITE: {
    kind: 'IncompatibleError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'same',
    section: 'envelope.33',
    summary: 'The suite is unknown, or not that of the key source.',
  },
  /** The extensions are out of order, malformed, misplaced, or unknown and critical. (envelope.10) */
  E_EXT: {
    kind: 'DecodeError',
    reporter: 'any',
    severity: 'input',
    outward: 'same',
    section: 'envelope.10',
    summary: 'The extensions are out of order, malformed, misplaced, or unknown and critical.',
  },
  /** The epoch is unknown or closed. (envelope.27) */
  E_EPOCH: {
    kind: 'ProtocolError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'envelope.27',
    summary: 'The epoch is unknown or closed.',
  },
  /** No key is known for this sender. (envelope.27) */
  E_SENDER: {
    kind: 'AuthenticationError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'envelope.27',
    summary: 'No key is known for this sender.',
  },
  /** The sender has no right to write here. (envelope.27) */
  E_POLICY: {
    kind: 'AuthenticationError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'envelope.27',
    summary: 'The sender has no right to write here.',
  },
  /** The message is older than allowed, or past its expiry. (replay.2) */
  E_EXPIRED: {
    kind: 'ReplayError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'replay.2',
    summary: 'The message is older than allowed, or past its expiry.',
  },
  /** The message is further ahead than the clock skew allowed. (replay.3) */
  E_FUTURE: {
    kind: 'ReplayError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'replay.3',
    summary: 'The message is further ahead than the clock skew allowed.',
  },
  /** This message was seen before. (replay.7) */
  E_REPLAY: {
    kind: 'ReplayError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'replay.7',
    summary: 'This message was seen before.',
  },
  /** The message is below the replay window, or of a stream that is not admitted. (replay.6) */
  E_TOO_OLD: {
    kind: 'ReplayError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'replay.6',
    summary: 'The message is below the replay window, or of a stream that is not admitted.',
  },
  /** Two validly signed messages carry the same numbers. (replay.12) */
  E_FORK: {
    kind: 'ReplayError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'replay.12',
    summary: 'Two validly signed messages carry the same numbers.',
  },
  /** The replay state that this message needs is not there. (replay.27) */
  E_REPLAY_STATE: {
    kind: 'ReplayError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'replay.27',
    summary: 'The replay state that this message needs is not there.',
  },
  /** The public key must not be used. (suites.6) */
  E_KEY: {
    kind: 'AuthenticationError',
    reporter: 'any',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'suites.6',
    summary: 'The public key must not be used.',
  },
  /** The signature does not verify. (suites.18) */
  E_SIG: {
    kind: 'AuthenticationError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'suites.18',
    summary: 'The signature does not verify.',
  },
  /** The Merkle root, path or leaf number does not fit. (envelope.25) */
  E_PROOF: {
    kind: 'AuthenticationError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'envelope.25',
    summary: 'The Merkle root, path or leaf number does not fit.',
  },
  /** The key commitment does not fit. (suites.15) */
  E_COMMIT: {
    kind: 'AuthenticationError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'suites.15',
    summary: 'The key commitment does not fit.',
  },
  /** The ciphertext does not open. (suites.14) */
  E_AEAD: {
    kind: 'AuthenticationError',
    reporter: 'receiver',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'suites.14',
    summary: 'The ciphertext does not open.',
  },
  /** The peer refused; it does not say why. (errors.3) */
  E_REFUSED: {
    kind: 'AuthenticationError',
    reporter: 'peer',
    severity: 'input',
    outward: 'same',
    section: 'errors.3',
    summary: 'The peer refused; it does not say why.',
  },
  /** The newest statement of the authority is too old. (principals.29) */
  E_STALE: {
    kind: 'ProtocolError',
    reporter: 'any',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'principals.29',
    summary: 'The newest statement of the authority is too old.',
  },
  /** The right to read or write was withdrawn. (groups.10) */
  E_REVOKED: {
    kind: 'AuthenticationError',
    reporter: 'any',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'groups.10',
    summary: 'The right to read or write was withdrawn.',
  },
  /** The message is bound to another link, group or identity. (groups.15) */
  E_BINDING: {
    kind: 'AuthenticationError',
    reporter: 'any',
    severity: 'input',
    outward: 'E_REFUSED',
    section: 'groups.15',
    summary: 'The message is bound to another link, group or identity.',
  },
  /** The handshake failed. (link.6) */
  E_HANDSHAKE: {
    kind: 'AuthenticationError',
    reporter: 'any',
    severity: 'link',
    outward: 'E_REFUSED',
    section: 'link.6',
    summary: 'The handshake failed.',
  },
  /** Input after an end. (framing.14) */
  E_CLOSED: {
    kind: 'ProtocolError',
    reporter: 'any',
    severity: 'local',
    outward: 'same',
    section: 'framing.14',
    summary: 'Input after an end.',
  },
  /** The transport failed. (link.21) */
  E_TRANSPORT: {
    kind: 'TransportError',
    reporter: 'local',
    severity: 'local',
    outward: 'never',
    section: 'link.21',
    summary: 'The transport failed.',
  },
  /** The call is a mistake of the caller. (errors.1) */
  E_USAGE: {
    kind: 'UsageError',
    reporter: 'local',
    severity: 'local',
    outward: 'never',
    section: 'errors.1',
    summary: 'The call is a mistake of the caller.',
  },
  /** A mistake of this implementation. (errors) */
  E_INTERNAL: {
    kind: 'InternalError',
    reporter: 'local',
    severity: 'local',
    outward: 'never',
    section: 'errors',
    summary: 'A mistake of this implementation.',
  },
} as const;

/** Name of an error, the same in code, vectors, adapters and logs. */
export type ErrorCode = keyof typeof errorTable;
/** Class of an error: whose fault it is. */
export type ErrorKind = (typeof errorTable)[ErrorCode]['kind'];
