import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import type { GroupRecord } from '../keys/group-record.ts';
import type { Head } from '../keys/head.ts';
import type { Policy } from '../keys/policy.ts';
import type { RevocationList } from '../keys/revocation-list.ts';
import type { Trust } from '../keys/trust.ts';
import { EvidencePool } from '../replay/evidence.ts';
import { LeafBudget } from '../replay/leaves.ts';
import { hexOf } from './hex.ts';
import type { Identity } from './identity.ts';
import { KnownHeads } from './known-heads.ts';
import { KnownSignatures } from './known-signatures.ts';
import { RevocationLists } from './revocation-lists.ts';
import type { ClientStore } from './store.ts';

/** Objects by their hash, the latest few: a view may still need what {@link Trust} has replaced, or need what it will name next. */
export class Recent<T> {
  readonly #held = new Map<string, T>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(hash32: Uint8Array, value: T): void {
    const name = hexOf(hash32);
    this.#held.delete(name);
    this.#held.set(name, value);
    if (this.#held.size <= this.#most) return;
    const [oldest] = this.#held.keys();
    this.#held.delete(oldest!);
  }

  get(hash32: Uint8Array): T | undefined {
    return this.#held.get(hexOf(hash32));
  }
}

/** What a client is made with that its groups need too. */
export interface HoldingsOptions {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  readonly authorityId32: Uint8Array;
  readonly identity: Identity;
  readonly trust: Trust;
  readonly store: ClientStore | undefined;
  readonly bootMs: number;
  readonly maxAgeMs: number | undefined;
  readonly skewMs: number | undefined;
}

/** What the groups of one member share. */
export class Holdings {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  readonly authorityId32: Uint8Array;
  readonly identity: Identity;
  readonly trust: Trust;
  readonly store: ClientStore | undefined;
  readonly bootMs: number;
  readonly maxAgeMs: number;
  readonly skewMs: number;
  readonly psks: Map<string, Uint8Array> = new Map<string, Uint8Array>();
  readonly knownHeads: KnownHeads = new KnownHeads();
  /** Of jobs. */
  readonly knownSignatures: KnownSignatures = new KnownSignatures();
  readonly evidence: EvidencePool = new EvidencePool();
  readonly leafBudget: LeafBudget = new LeafBudget();
  /** Serials, by the hashes of authority records. */
  readonly authoritySerials: Recent<number> = new Recent(64);
  readonly policies: Recent<Policy> = new Recent(4);
  readonly groupRecords: Recent<GroupRecord> = new Recent(4 * 1024);
  readonly revocationLists: RevocationLists = new RevocationLists();
  #newestRevoked: { readonly head: Head; readonly list: RevocationList } | undefined;

  constructor(options: HoldingsOptions) {
    this.provider = options.provider;
    this.random = options.random;
    this.authorityId32 = options.authorityId32;
    this.identity = options.identity;
    this.trust = options.trust;
    this.store = options.store;
    this.bootMs = options.bootMs;
    this.maxAgeMs = options.maxAgeMs ?? limits.maxAgeMs;
    this.skewMs = options.skewMs ?? limits.skewMs;
  }

  get keyId32(): Uint8Array {
    return this.identity.key.keyId32;
  }

  /** The revocation list that the highest head names, if it is there. */
  get newestRevoked(): RevocationList | undefined {
    const { head } = this.trust;
    if (head === undefined) return undefined;
    if (this.#newestRevoked?.head !== head) {
      const list = this.revocationLists.named(head.revokedHash32);
      if (list === undefined) return undefined;
      this.#newestRevoked = { head, list };
    }
    return this.#newestRevoked.list;
  }
}
