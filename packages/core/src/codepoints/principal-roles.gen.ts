// Generated from spec/v1/registries/principal-roles.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Bits. */
export const principalRoles = {
  /** Takes part in groups (principals) */
  member: 0x01,
  /** Brokers (principals) */
  broker: 0x02,
  /** Hands bundles to brokers (delivery.8) */
  authority: 0x04,
} as const;

/** A code of {@link principalRoles}. */
export type PrincipalRole = (typeof principalRoles)[keyof typeof principalRoles];
