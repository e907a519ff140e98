// Generated from spec/v1/registries/frame-types.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Bodies other than envelope and job are defined in chapter 04; the framing layer passes them on. */
export const frameTypes = {
  /** Offers and choices at the start of a link (framing) */
  hello: 0x01,
  /** Principal record and signature over the link (framing) */
  auth: 0x02,
  /** A refusal with its outward code (framing) */
  reject: 0x03,
  /** One envelope (framing.15) */
  envelope: 0x10,
  /** One message of a PAIR session (framing) */
  pair: 0x11,
  /** One piece of a blob (framing) */
  blob: 0x12,
  /** One job: a leaf of a split batch (framing.15) */
  job: 0x13,
  /** A group key block (framing) */
  keyBlock: 0x20,
  /** A pool record (framing) */
  poolRecord: 0x21,
  /** A principal record (framing) */
  principal: 0x22,
  /** Start of a subscription (framing) */
  sub: 0x30,
  /** End of a subscription (framing) */
  unsub: 0x31,
  /** Flow credit (framing) */
  credit: 0x32,
  /** Acknowledgement (framing) */
  ack: 0x33,
  /** A proof of inclusion or consistency (framing) */
  proof: 0x34,
  /** A signed log head (framing) */
  checkpoint: 0x35,
  /** Liveness and time (framing) */
  ping: 0x3e,
  /** Orderly end of the link (framing) */
  close: 0x3f,
} as const;

/** A code of {@link frameTypes}. */
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];
