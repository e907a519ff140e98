import { ascii, compareBytes } from '../bytes/bytes.ts';
import { delegatedRoles } from '../codepoints/delegated-roles.gen.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { decodeBody, encodeBody } from './body.ts';
import { checkInterval } from './interval.ts';
import { keyBody, publicKeyOf, type PublicKey } from './public-key.ts';
import type { SignedObject } from './signed-object.ts';

/** Who speaks for an authority, and until when. */
export interface AuthorityRecord {
  readonly object: SignedObject;
  readonly serial: number;
  /** How many root keys sign for the root. */
  readonly threshold: number;
  /** 1 to 8, ascending by key id. */
  readonly rootKeys: readonly PublicKey[];
  /** Ascending by key id; none is a root key. */
  readonly delegations: readonly Delegation[];
  /** `object_hash32` of the record before; undefined in the first. */
  readonly previousHash32: Uint8Array | undefined;
  readonly name: string | undefined;
}

/** A key that may sign for a while in place of the root. */
export interface Delegation {
  readonly key: PublicKey;
  /** Bits of the registry of delegated roles. */
  readonly roles: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What an authority record says. */
export interface AuthorityRecordFields {
  readonly serial: number;
  readonly threshold: number;
  /** In any order. */
  readonly rootKeys: readonly PublicKey[];
  /** In any order. */
  readonly delegations?: readonly Delegation[] | undefined;
  readonly previousHash32?: Uint8Array | undefined;
  readonly name?: string | undefined;
}

/**
 * Step 5 of an authority record.
 *
 * @param object - of kind 1; what comes out holds views of it
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`, `E_KEY`
 * @spec principals.8
 */
export function decodeAuthorityRecord(provider: CryptoProvider, object: SignedObject): AuthorityRecord {
  const body = decodeBody('AuthorityRecord', object.body);
  const { serial, threshold, root_keys, delegations = [], previous_hash32: previousHash32, name } = body;
  if (threshold > root_keys.length) throw refusal(`threshold ${threshold} of ${root_keys.length} root keys`);
  if ((serial === 1) !== (previousHash32 === undefined)) throw refusal(`hash of the record before serial ${serial}`);
  for (const { alg } of [...root_keys, ...delegations.map(({ key }) => key)]) {
    if (alg !== keyAlgorithms.ed25519) throw refusal(`key algorithm ${alg}`);
  }
  for (const { roles, not_before_ms, not_after_ms } of delegations) {
    const isStatus = (roles & delegatedRoles.status) !== 0;
    checkInterval(not_before_ms, not_after_ms, isStatus ? limits.statusDelegationMs : limits.delegationMs);
  }
  const rootKeys = root_keys.map(({ alg, public_key }) => publicKeyOf(provider, alg, public_key));
  const delegated = delegations.map(({ key, roles, not_before_ms, not_after_ms }): Delegation => ({
    key: publicKeyOf(provider, key.alg, key.public_key),
    roles,
    notBeforeMs: not_before_ms,
    notAfterMs: not_after_ms,
  }));
  checkAscending(rootKeys);
  checkAscending(delegated.map(({ key }) => key));
  for (const { key } of delegated) {
    if (rootKeys.some(({ keyId32 }) => compareBytes(keyId32, key.keyId32) === 0)) {
      throw refusal('a root key that is delegated too');
    }
  }
  return { object, serial, threshold, rootKeys, delegations: delegated, previousHash32, name };
}

/**
 * The body of an authority record; the caller's.
 *
 * @throws TridcommError `E_USAGE`, `E_LIMIT` for what the form does not allow
 * @spec principals.1
 */
export function encodeAuthorityRecordBody(fields: AuthorityRecordFields): Uint8Array {
  const { serial, threshold, rootKeys, delegations = [], previousHash32, name } = fields;
  return encodeBody('AuthorityRecord', {
    serial,
    threshold,
    root_keys: rootKeys.toSorted((a, b) => compareBytes(a.keyId32, b.keyId32)).map(keyBody),
    delegations: delegations
      .toSorted((a, b) => compareBytes(a.key.keyId32, b.key.keyId32))
      .map(({ key, roles, notBeforeMs, notAfterMs }) => ({
        key: keyBody(key),
        roles,
        not_before_ms: notBeforeMs,
        not_after_ms: notAfterMs,
      })),
    previous_hash32: previousHash32,
    name,
  });
}

/**
 * The id of an authority: the one value that who trusts it holds; 32 bytes, the caller's.
 *
 * @param firstBody - body of the record with serial 1
 * @spec principals.11
 */
export function authorityIdOf(provider: CryptoProvider, firstBody: Uint8Array): Uint8Array {
  return provider.sha256(idPrefix, firstBody);
}

function checkAscending(keys: readonly PublicKey[]): void {
  for (const [i, { keyId32 }] of keys.entries()) {
    if (i > 0 && compareBytes(keys[i - 1]!.keyId32, keyId32) >= 0) throw refusal('keys out of order');
  }
}

function refusal(detail: string): TridcommError {
  return new TridcommError('E_ENCODING', detail);
}

const idPrefix = ascii(`${labels.authorityId}\0`);
