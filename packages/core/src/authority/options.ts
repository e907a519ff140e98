import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';

/** What an authority is made with, and has to be given again when it is restored. */
export interface AuthorityOptions {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  /**
   * Where bundles go: called inside the operation that made them, after the authority's own state has moved on, in order. What it
   * throws goes to the caller of the operation; the numbers in the bundle are spent then, and `Authority.republish` makes up for it.
   */
  readonly publish: (bundle: Uint8Array) => void;
  /** By how much clocks may differ; default 30,000. */
  readonly skewMs?: number;
  /** How long a head stays fresh at most; default 60,000, at most 24 h. */
  readonly headFreshMs?: number;
  /** Time between heads; default 20,000, which is also the most that chapter 07 allows. */
  readonly headIntervalMs?: number;
}

/** What the authority says of a principal. */
export interface PrincipalFields {
  /** 1 to 255 bytes of UTF-8. */
  readonly name: string;
  readonly tenant?: string;
  /** Bits of the registry of principal roles; default member. */
  readonly roles?: number;
  /** Ascending; default all that this implementation knows. */
  readonly suites?: readonly number[];
  /** Default 1. */
  readonly suiteFloor?: number;
  /** Default, and most: 30 days from now. */
  readonly notAfterMs?: number;
}

/** What the authority says of a group. Defaults are those of chapter 08. */
export interface GroupFields {
  /** Of the rules: topics that belong to the group; without segments `*`. A `**` makes its envelopes carry topic chains. */
  readonly patterns: readonly string[];
  /**
   * Default PUB/SUB. A front is what a pool is added by: who may publish to it asks and pushes, who may subscribe works and answers. Fronts and
   * groups for surveys have whole topics, without `**`.
   */
  readonly purpose?: 'pubSub' | 'bus' | 'survey' | 'front';
  /** Default 0x0001. */
  readonly suite?: number;
  /** Of the registry of key block kinds; default complete subtree. */
  readonly blockKind?: number;
  readonly maxHeadAgeMs?: number;
  readonly epochLifeMs?: number;
  readonly drainMs?: number;
  readonly periodMs?: number;
  readonly staleOk?: boolean;
  /**
   * For kind psk, and only there: 32 uniform bytes that the members got elsewhere; copied. Whoever has it reads every block of the
   * group, earlier and later ones, revoked or not: only a group with another one ends that.
   */
  readonly psk32?: Uint8Array;
  /** Least height of the tree of a complete subtree, and of that of a crew; default the smallest that holds four times the members, at least 4. */
  readonly height?: number;
}

/** What a principal is to be allowed. */
export interface GrantFields {
  readonly keyId32: Uint8Array;
  /** `route`: to take the messages of dealers, and forward them, in the fronts that the pattern reaches; of other groups it says nothing. */
  readonly action: 'publish' | 'subscribe' | 'route';
  /** Without segments `*`. */
  readonly pattern: string;
  /** Until when; without it, until it is withdrawn. */
  readonly notAfterMs?: number;
  /**
   * From which epoch on the member can read: the next one, which begins with the grant, or the running one from its start. Where
   * the block of the next epoch has been published ahead, or the group is no complete subtree, `now` is as `next`.
   */
  readonly join?: 'next' | 'now';
}

/** Which grant to withdraw. */
export type GrantName = Pick<GrantFields, 'keyId32' | 'action' | 'pattern'>;

/** What other nodes know, for a restore: see `Authority.restore`. */
export interface RestoreSources {
  /** Heads or group heads, the newest of each of at least two sources. */
  readonly heads: readonly Uint8Array[];
  /** Key blocks, whole or partial. */
  readonly blocks: readonly Uint8Array[];
  /** Authority records made after the snapshot, in order; needed where there are any. */
  readonly authorityRecords?: readonly Uint8Array[];
  /** Each named by one of the heads; that of the highest is needed, unless the snapshot has it. */
  readonly revocationLists?: readonly Uint8Array[];
  /** Each named by one of the heads; that of the highest is needed, unless it is the one of the snapshot. */
  readonly policies?: readonly Uint8Array[];
  /** Each named by one of the policies. */
  readonly edgeLists?: readonly Uint8Array[];
}

/** What went wrong with a group, which has been left as it was: see `Authority.failures`. */
export interface GroupFailure {
  readonly groupId16: Uint8Array;
  /** What was thrown. */
  readonly error: unknown;
}

/** Who has a right in a group but cannot open its newest block, and what is missing. */
export interface WaitingMember {
  readonly keyId32: Uint8Array;
  readonly reason: 'no valid key record' | 'record not valid' | 'suite not allowed';
}
