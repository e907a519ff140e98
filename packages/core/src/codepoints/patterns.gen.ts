// Generated from spec/v1/registries/patterns.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry patterns. */
export const patterns = {
  /** Reserved. PAIR has a header of its own (envelope) */
  pair: 0x1,
  /** One publisher, many subscribers, no back channel (envelope.33) */
  pubSub: 0x2,
  /** Requests to a pool of responders, replies to the requester (envelope.33) */
  reqRep: 0x3,
  /** Jobs, each for one worker of a pool (envelope.33) */
  pipeline: 0x4,
  /** One question, one reply of each respondent, a deadline (envelope.33) */
  survey: 0x5,
  /** Many to many (envelope.33) */
  bus: 0x6,
  /** Messages with routing data to a pool, and what is answered when it will (envelope.33) */
  routerDealer: 0x7,
  /** Reserved. Typed control messages (envelope) */
  control: 0x8,
} as const;

/** A code of {@link patterns}. */
export type Pattern = (typeof patterns)[keyof typeof patterns];

/** Kinds of {@link patterns}, each with the whole byte: code × 16 + kind. */
export const patternKinds = {
  /** Reserved. PAIR has a header of its own (envelope) */
  pair: {},
  /** One publisher, many subscribers, no back channel (envelope.33) */
  pubSub: {
    /** Published messages */
    data: 0x20,
    /** Reserved. Last number of a stream */
    heartbeat: 0x21,
  },
  /** Requests to a pool of responders, replies to the requester (envelope.33) */
  reqRep: {
    /** Requests */
    request: 0x30,
    /** Replies */
    reply: 0x31,
  },
  /** Jobs, each for one worker of a pool (envelope.33) */
  pipeline: {
    /** Jobs */
    push: 0x40,
  },
  /** One question, one reply of each respondent, a deadline (envelope.33) */
  survey: {
    /** The question */
    question: 0x50,
    /** One reply */
    reply: 0x51,
  },
  /** Many to many (envelope.33) */
  bus: {
    /** Messages */
    data: 0x60,
  },
  /** Messages with routing data to a pool, and what is answered when it will (envelope.33) */
  routerDealer: {
    /** Messages of dealers */
    message: 0x70,
    /** Replies */
    reply: 0x71,
    /** Messages and replies, handed on by a router */
    forward: 0x72,
  },
  /** Reserved. Typed control messages (envelope) */
  control: {},
} as const;
