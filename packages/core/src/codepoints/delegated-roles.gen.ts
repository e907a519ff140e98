// Generated from spec/v1/registries/delegated-roles.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Bits. */
export const delegatedRoles = {
  /** Issues principal records (principals) */
  issuer: 0x01,
  /** Signs policies and group records (principals) */
  policy: 0x02,
  /** Signs heads (principals) */
  status: 0x04,
} as const;

/** A code of {@link delegatedRoles}. */
export type DelegatedRole = (typeof delegatedRoles)[keyof typeof delegatedRoles];
