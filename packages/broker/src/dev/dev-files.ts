/** Names in the folder of a world for development. */
export const enrolSocketName = 'enrol.sock';
export const adminSocketName = 'admin.sock';

/** What the broker tells the authority's process: where it listens. */
export interface ToAuthority {
  readonly address: string;
}

/** What the authority's process tells: once, when its sockets are there, who it is; and what goes wrong, by its code or the name of its class. */
export type FromAuthority = { readonly authorityId: string } | { readonly fault: string };
