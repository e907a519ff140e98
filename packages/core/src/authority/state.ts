import { labels } from '../codepoints/labels.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { AuthorityRecord } from '../keys/authority-record.ts';
import {
  decodeGroupRecord,
  encodeGroupRecordBody,
  type GroupRecord,
  type GroupRecordFields,
} from '../keys/group-record.ts';
import type { Head } from '../keys/head.ts';
import { decodePolicy, encodePolicyBody, type Policy, type PolicyFields } from '../keys/policy.ts';
import type { PrincipalRecord } from '../keys/principal-record.ts';
import { encodeObject, parseObject } from '../keys/signed-object.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import type { ControlledGroup, GroupChange, GroupFoundation } from './controlled-group.ts';
import type { AuthorityKeys } from './delegated-keys.ts';
import type { HeadPlace } from './heads.ts';
import type { HeldFailure } from './group-failures.ts';
import type { PolicySource } from './policy-source.ts';
import type { Revocations } from './revocations.ts';

/** Where an authority begins, before the first policy and head of a life. */
export interface AuthorityBeginning {
  readonly keys: AuthorityKeys;
  /** Authority records, the first one first. */
  readonly chain: readonly AuthorityRecord[];
  readonly source: PolicySource;
  readonly revocations: Revocations;
  /** By group id in hex. */
  readonly groups: ReadonlyMap<string, ControlledGroup>;
  /** Of the newest policy; 0 before the very first. */
  readonly policyVersion: number;
  /** The newest head; undefined before the very first. */
  readonly place: HeadPlace | undefined;
}

/** All that heads speak of, and what it is made with. Never changed: every operation makes another one. */
export interface AuthorityState extends AuthorityBeginning {
  readonly policy: Policy;
  readonly head: Head;
  /** By group id in hex. */
  readonly failures: ReadonlyMap<string, HeldFailure>;
}

/** What an operation asks for; what is not named stays as it is. */
export interface AuthorityChange {
  readonly keys?: AuthorityKeys;
  /** New ones, to follow the chain. */
  readonly records?: readonly AuthorityRecord[];
  readonly source?: PolicySource;
  readonly revocations?: Revocations;
  /** By group id in hex. */
  readonly groups?: ReadonlyMap<string, GroupChange>;
  /** Groups that begin, each with an entry in `groups`. */
  readonly foundations?: ReadonlyMap<string, GroupFoundation>;
  /** In hex, ids of groups that are no more; each is in no other field. */
  readonly removes?: ReadonlySet<string>;
  /** Somebody loses a right: policy and revocation list go out whether they change or not. */
  readonly withdraws?: boolean;
  /** Key id that ends for good. */
  readonly ends?: Uint8Array;
  /** A principal record to go out with it. */
  readonly issued?: PrincipalRecord;
  /** A group that fails stays as it is, and all else goes on. */
  readonly isolates?: boolean;
  /** Sends everything that a carrier should retain. */
  readonly resends?: boolean;
}

/** Signs a policy. */
export function signPolicy(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  key: SigningKey,
  fields: PolicyFields,
): Policy {
  const signers = [{ label: labels.policy, key }];
  const bytes = encodeObject(provider, objectKinds.policy, authorityId32, encodePolicyBody(fields), signers);
  return decodePolicy(parseObject(provider, bytes, objectKinds.policy));
}

/**
 * Signs a group record.
 *
 * @throws TridcommError `E_LIMIT`, `E_USAGE` for what a receiver would refuse
 */
export function signGroupRecord(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  key: SigningKey,
  fields: GroupRecordFields,
): GroupRecord {
  const signers = [{ label: labels.groupRecord, key }];
  const bytes = encodeObject(provider, objectKinds.groupRecord, authorityId32, encodeGroupRecordBody(fields), signers);
  return decodeGroupRecord(provider, parseObject(provider, bytes, objectKinds.groupRecord));
}
