// Generated from spec/v1/registries/address-types.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** What an address of a retained object stands for. */
export const addressTypes = {
  /** Chain of authority records (principals.37) */
  authorityRecord: 0x01,
  /** Principal record of a key (principals.37) */
  principalRecord: 0x02,
  /** Key record of a principal (principals.37) */
  keyRecord: 0x03,
  /** Policy (principals.37) */
  policy: 0x04,
  /** Group record (principals.37) */
  groupRecord: 0x05,
  /** Revocation list (principals.37) */
  revocationList: 0x06,
  /** List of writers (principals.37) */
  writers: 0x07,
  /** Edge list (principals.37) */
  edgeList: 0x08,
  /** Key blocks of a group (principals.37) */
  keyBlock: 0x09,
  /** Enrolment of a member in a group (principals.37) */
  enrolment: 0x0a,
  /** Head with the leaf of a group (principals.37) */
  groupHead: 0x0b,
  /** Head (principals.37) */
  head: 0x0c,
  /** Pool records of a front (principals.37) */
  poolRecord: 0x0d,
} as const;

/** A code of {@link addressTypes}. */
export type AddressType = (typeof addressTypes)[keyof typeof addressTypes];
