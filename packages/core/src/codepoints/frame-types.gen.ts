// Generated from spec/v1/registries/frame-types.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Bodies are defined in chapter 04; the framing layer passes them on. */
export const frameTypes = {
  /** Offers and choices at the start of a link (messages.7) */
  hello: 0x01,
  /** Principal record and signature over the link (messages.7) */
  auth: 0x02,
  /** A refusal with its outward code (messages.7) */
  reject: 0x03,
  /** One envelope (framing.15) */
  envelope: 0x10,
  /** One message of a PAIR session (messages.7) */
  pair: 0x11,
  /** One piece of a blob (messages.7) */
  blob: 0x12,
  /** One job: a leaf of a split batch (framing.15) */
  job: 0x13,
  /** One envelope of a log, with its position (messages.7) */
  stored: 0x14,
  /** One envelope of work, with its lease (messages.7) */
  leased: 0x15,
  /** A retained object under its address (messages.7) */
  object: 0x20,
  /** What an authority publishes together (messages.7) */
  bundle: 0x21,
  /** Addresses to fetch or to watch (messages.7) */
  watch: 0x22,
  /** Start of a subscription (messages.7) */
  sub: 0x30,
  /** End of a subscription (messages.7) */
  unsub: 0x31,
  /** Flow credit (messages.7) */
  credit: 0x32,
  /** Acknowledgement (messages.7) */
  ack: 0x33,
  /** A proof of inclusion or consistency (messages.7) */
  proof: 0x34,
  /** A signed log head (messages.7) */
  checkpoint: 0x35,
  /** Work that a link takes (messages.7) */
  work: 0x36,
  /** End of a lease (messages.7) */
  settle: 0x37,
  /** Liveness and time (messages.7) */
  ping: 0x3e,
  /** Orderly end of the link (messages.7) */
  close: 0x3f,
} as const;

/** A code of {@link frameTypes}. */
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];
