import { compareBytes } from '../bytes/bytes.ts';
import { hexOf } from '../client/hex.ts';
import { delegatedRoles } from '../codepoints/delegated-roles.gen.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import {
  authorityIdOf,
  decodeAuthorityRecord,
  encodeAuthorityRecordBody,
  type AuthorityRecord,
  type AuthorityRecordFields,
  type Delegation,
} from '../keys/authority-record.ts';
import { publicKeyOf, type PublicKey } from '../keys/public-key.ts';
import { encodeObject, parseObject } from '../keys/signed-object.ts';
import type { SigningKey } from '../keys/signing-key.ts';

/** A signing key with the seed that a snapshot needs. */
export interface HeldKey {
  readonly seed32: Uint8Array;
  readonly key: SigningKey;
  readonly publicKey: PublicKey;
}

/** What the authority signs with. */
export interface AuthorityKeys {
  readonly root: HeldKey;
  readonly issuer: HeldKey;
  readonly policy: HeldKey;
  readonly status: HeldKey;
  /** Of all groups. */
  readonly controller: HeldKey;
}

/** The keys that the root delegates, by the role that each has. */
export type DelegatedRoleName = 'issuer' | 'policy' | 'status';

/** @param seed32 - kept, and nowhere else: who overwrites it ends the key */
export function heldKeyOf(provider: CryptoProvider, seed32: Uint8Array): HeldKey {
  const publicKey = publicKeyOf(provider, keyAlgorithms.ed25519, provider.publicKey('ed25519', seed32));
  const { publicKey32, keyId32 } = publicKey;
  const sign = (message: Uint8Array) => provider.ed25519Sign(seed32, message);
  return { seed32, key: { publicKey32, keyId32, sign }, publicKey };
}

/** Overwrites the seeds of keys that others took the place of. */
export function eraseReplaced(before: AuthorityKeys, keys: AuthorityKeys): void {
  const kept = new Set<HeldKey>(Object.values(keys));
  for (const held of Object.values<HeldKey>({ ...before })) if (!kept.has(held)) held.seed32.fill(0);
}

/** Fresh keys for all that the authority signs. */
export function drawKeys(provider: CryptoProvider, random: RandomSource): AuthorityKeys {
  const draw = () => heldKeyOf(provider, random(32));
  return { root: draw(), issuer: draw(), policy: draw(), status: draw(), controller: draw() };
}

/**
 * The keys with fresh ones in these roles.
 *
 * @param roles - the others stay as they are
 */
export function redrawKeys(
  provider: CryptoProvider,
  random: RandomSource,
  keys: AuthorityKeys,
  roles: readonly DelegatedRoleName[],
): AuthorityKeys {
  const fresh = roles.map((role) => [role, heldKeyOf(provider, random(32))] as const);
  return { ...keys, ...Object.fromEntries(fresh) };
}

/** The first record: what the authority's id is the hash of. */
export function firstRecord(
  provider: CryptoProvider,
  keys: AuthorityKeys,
  nowMs: number,
): { readonly authorityId32: Uint8Array; readonly record: AuthorityRecord } {
  const delegations = allRoles.map((role) => delegationOf(role, keys[role], nowMs));
  const fields = { serial: 1, threshold: 1, rootKeys: [keys.root.publicKey], delegations };
  const authorityId32 = authorityIdOf(provider, encodeAuthorityRecordBody(fields));
  return { authorityId32, record: signRecord(provider, authorityId32, fields, [keys.root]) };
}

/**
 * The record in which the keys of these roles begin.
 *
 * Of the keys before them only issuers stay, until their time is over, that signed a record which still counts: records go on with
 * the signature they have, while everything that the other two sign is signed anew.
 *
 * @param keys - with the fresh ones
 * @param roles - none where only an issuer that stayed until now is to go
 * @param liveIssuers - in hex, the key ids of who signed a principal record that still counts
 * @throws TridcommError `E_LIMIT` where too many issuers stay
 */
export function recordWithDelegations(
  provider: CryptoProvider,
  before: AuthorityRecord,
  keys: AuthorityKeys,
  roles: readonly DelegatedRoleName[],
  liveIssuers: ReadonlySet<string>,
  nowMs: number,
): AuthorityRecord {
  const current = new Set(
    allRoles.filter((role) => !roles.includes(role)).map((role) => hexOf(keys[role].key.keyId32)),
  );
  const staying = before.delegations.filter(({ key, roles: bits, notAfterMs }) => {
    const id = hexOf(key.keyId32);
    return current.has(id) || (bits === delegatedRoles.issuer && liveIssuers.has(id) && nowMs <= notAfterMs);
  });
  const fresh = roles.map((role) => delegationOf(role, keys[role], nowMs));
  return followingRecord(provider, before, { delegations: [...staying, ...fresh] }, [keys.root]);
}

/** The record in which another root key takes the place of the one before; both sign. */
export function recordWithRoot(
  provider: CryptoProvider,
  before: AuthorityRecord,
  root: HeldKey,
  rootBefore: HeldKey,
): AuthorityRecord {
  return followingRecord(provider, before, { rootKeys: [root.publicKey] }, [rootBefore, root]);
}

/**
 * Whether a record delegates a key as issuer now. One that is distrusted is in no record since.
 */
export function isIssuer({ delegations }: AuthorityRecord, { key }: HeldKey, nowMs: number): boolean {
  return delegations.some(
    (one) =>
      hexOf(one.key.keyId32) === hexOf(key.keyId32) &&
      (one.roles & delegatedRoles.issuer) !== 0 &&
      one.notBeforeMs <= nowMs &&
      nowMs <= one.notAfterMs,
  );
}

/** The roles whose delegation has used up half of its life, so that the new one is known long before the old one ends. */
export function rolesDue(record: AuthorityRecord, keys: AuthorityKeys, nowMs: number): readonly DelegatedRoleName[] {
  return allRoles.filter((role) => renewalMs(record, keys, role) <= nowMs);
}

/** When {@link rolesDue} is the next to name one. */
export function nextRenewalMs(record: AuthorityRecord, keys: AuthorityKeys): number {
  return Math.min(...allRoles.map((role) => renewalMs(record, keys, role)));
}

function renewalMs(record: AuthorityRecord, keys: AuthorityKeys, role: DelegatedRoleName): number {
  const id = hexOf(keys[role].key.keyId32);
  const held = record.delegations.find(({ key }) => hexOf(key.keyId32) === id);
  return held === undefined ? 0 : held.notBeforeMs + Math.ceil((held.notAfterMs - held.notBeforeMs) / 2);
}

function delegationOf(role: DelegatedRoleName, { publicKey }: HeldKey, nowMs: number): Delegation {
  const lifeMs = role === 'status' ? limits.statusDelegationMs : limits.delegationMs;
  return { key: publicKey, roles: delegatedRoles[role], notBeforeMs: nowMs, notAfterMs: nowMs + lifeMs };
}

function followingRecord(
  provider: CryptoProvider,
  before: AuthorityRecord,
  change: Partial<AuthorityRecordFields>,
  signers: readonly HeldKey[],
): AuthorityRecord {
  const { object, serial, threshold, rootKeys, delegations, name } = before;
  const fields = {
    threshold,
    rootKeys,
    delegations,
    name,
    ...change,
    serial: serial + 1,
    previousHash32: object.hash32,
  };
  return signRecord(provider, object.authorityId32, fields, signers);
}

function signRecord(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  fields: AuthorityRecordFields,
  signers: readonly HeldKey[],
): AuthorityRecord {
  const kind = objectKinds.authorityRecord;
  const sorted = signers.toSorted((a, b) => compareBytes(a.key.keyId32, b.key.keyId32));
  const body = encodeAuthorityRecordBody(fields);
  const labelled = sorted.map(({ key }) => ({ label: labels.authorityRecord, key }));
  const bytes = encodeObject(provider, kind, authorityId32, body, labelled);
  return decodeAuthorityRecord(provider, parseObject(provider, bytes, kind));
}

/** Every role that the root delegates. */
export const allRoles: readonly DelegatedRoleName[] = ['issuer', 'policy', 'status'];
