import { delegatedRoles } from '../../src/codepoints/delegated-roles.gen.ts';
import { keyAlgorithms } from '../../src/codepoints/key-algorithms.gen.ts';
import { labels } from '../../src/codepoints/labels.gen.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { objectKinds } from '../../src/codepoints/object-kinds.gen.ts';
import { TridcommError } from '../../src/errors.ts';
import {
  authorityIdOf,
  encodeAuthorityRecordBody,
  type AuthorityRecordFields,
  type Delegation,
} from '../../src/keys/authority-record.ts';
import { encodeGroupRecordBody, type GroupRecordFields } from '../../src/keys/group-record.ts';
import { encodeHead, headHashOf, type HeadFields } from '../../src/keys/head.ts';
import { encodeKeyRecordBody, type KeyRecordFields } from '../../src/keys/key-record.ts';
import { encodePolicyBody, type PolicyFields } from '../../src/keys/policy.ts';
import { encodePrincipalRecordBody, type PrincipalRecordFields } from '../../src/keys/principal-record.ts';
import { publicKeyOf, type PublicKey } from '../../src/keys/public-key.ts';
import { encodeObject, parseObject, type ObjectSigner } from '../../src/keys/signed-object.ts';
import { signingKeyOf, type SigningKey } from '../../src/keys/signing-key.ts';
import { Trust } from '../../src/keys/trust.ts';
import { nodeProvider } from '../../src/node/index.ts';

export const provider = nodeProvider;
export const now = 1_800_000_000_000;
export const day = 86_400_000;
export const empty = new Uint8Array(0);

export function codeOf(run: () => unknown): string {
  try {
    const result = run();
    return typeof result === 'string' ? result : 'ok';
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
}

export const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** The same value so many times. */
export const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

/** A signing key with the seed of 32 times this byte. */
export const keyOf = (value: number): SigningKey => signingKeyOf(provider, filled(32, value));

export function publicOf({ publicKey32 }: SigningKey): PublicKey {
  return publicKeyOf(provider, keyAlgorithms.ed25519, publicKey32);
}

export const prekeyOf = (value: number): PublicKey =>
  publicKeyOf(provider, keyAlgorithms.x25519, provider.publicKey('x25519', filled(32, value)));

export const ascending = (keys: readonly SigningKey[]): SigningKey[] =>
  keys.toSorted((a, b) => Buffer.compare(a.keyId32, b.keyId32));

/** Keys of an authority, and its objects with whatever a test wants to be different. */
export class World {
  readonly root = keyOf(1);
  readonly issuer = keyOf(2);
  readonly policyKey = keyOf(3);
  readonly status = keyOf(4);
  readonly alice = keyOf(5);
  readonly bob = keyOf(6);
  readonly controller = keyOf(7);
  readonly groupId16 = filled(16, 0x61);
  readonly first: Uint8Array;
  readonly firstHash32: Uint8Array;
  readonly authorityId32: Uint8Array;

  constructor(first: Partial<AuthorityRecordFields> = {}, signers: readonly SigningKey[] = [keyOf(1)]) {
    const body = encodeAuthorityRecordBody({ ...this.authorityFields(), ...first });
    this.authorityId32 = authorityIdOf(provider, body);
    this.first = this.object(objectKinds.authorityRecord, body, rootSigners(signers));
    this.firstHash32 = this.hashOf(this.first);
  }

  delegations(): Delegation[] {
    const delegate = (key: SigningKey, roles: number, life: number): Delegation => ({
      key: publicOf(key),
      roles,
      notBeforeMs: now - day,
      notAfterMs: now - day + life,
    });
    return [
      delegate(this.issuer, delegatedRoles.issuer, limits.delegationMs),
      delegate(this.policyKey, delegatedRoles.policy, limits.delegationMs),
      delegate(this.status, delegatedRoles.status, limits.statusDelegationMs),
    ];
  }

  authorityFields(): AuthorityRecordFields {
    return { serial: 1, threshold: 1, rootKeys: [publicOf(this.root)], delegations: this.delegations(), name: 'acme' };
  }

  object(kind: number, body: Uint8Array, signers: readonly ObjectSigner[]): Uint8Array {
    return encodeObject(provider, kind, this.authorityId32, body, signers);
  }

  hashOf(object: Uint8Array): Uint8Array {
    return parseObject(provider, object, object[5]!).hash32;
  }

  authorityRecord(change: Partial<AuthorityRecordFields>, signers: readonly SigningKey[] = [this.root]): Uint8Array {
    const fields = { ...this.authorityFields(), serial: 2, previousHash32: this.firstHash32, ...change };
    return this.object(objectKinds.authorityRecord, encodeAuthorityRecordBody(fields), rootSigners(signers));
  }

  principalFields(key: SigningKey): PrincipalRecordFields {
    return {
      key: publicOf(key),
      serial: 5,
      notBeforeMs: now - day,
      notAfterMs: now + day,
      name: 'alice',
      roles: 1,
      suites: [1, 2],
      suiteFloor: 1,
      maxVersion: 1,
    };
  }

  principal(
    change: Partial<PrincipalRecordFields> = {},
    { key = this.alice, issuer = this.issuer }: { key?: SigningKey; issuer?: SigningKey } = {},
  ): Uint8Array {
    const body = encodePrincipalRecordBody({ ...this.principalFields(key), ...change });
    return this.object(objectKinds.principalRecord, body, [
      { label: labels.principalRecord, key },
      { label: labels.issuer, key: issuer },
    ]);
  }

  keys(change: Partial<KeyRecordFields> = {}, key: SigningKey = this.alice): Uint8Array {
    const body = encodeKeyRecordBody({
      principalKeyId32: key.keyId32,
      principalSerial: 5,
      serial: 3,
      notBeforeMs: now,
      notAfterMs: now + day,
      prekeys: [prekeyOf(40)],
      ...change,
    });
    return this.object(objectKinds.keyRecord, body, [{ label: labels.keyRecord, key }]);
  }

  policy(change: Partial<PolicyFields> = {}, key: SigningKey = this.policyKey): Uint8Array {
    const fields = { version: 7, authorityRecordHash32: this.firstHash32, groups: [], ...change };
    return this.object(objectKinds.policy, encodePolicyBody(fields), [{ label: labels.policy, key }]);
  }

  groupFields(): GroupRecordFields {
    return {
      groupId16: this.groupId16,
      serial: 2,
      purpose: 1,
      suite: 1,
      blockKind: 2,
      controller: publicOf(this.controller),
      maxHeadAgeMs: 60_000,
      epochLifeMs: 3_600_000,
      drainMs: 600_000,
      periodMs: day,
      topicChains: true,
      staleOk: false,
    };
  }

  group(change: Partial<GroupRecordFields> = {}, key: SigningKey = this.policyKey): Uint8Array {
    const body = encodeGroupRecordBody({ ...this.groupFields(), ...change });
    return this.object(objectKinds.groupRecord, body, [{ label: labels.groupRecord, key }]);
  }

  head(change: Partial<HeadFields> = {}, key: SigningKey = this.status): Uint8Array {
    return encodeHead(provider, this.authorityId32, key, {
      headSeq: 10,
      issuedMs: now,
      freshUntilMs: now + 60_000,
      policyVersion: 7,
      policyHash32: filled(32, 1),
      groupsRoot32: filled(32, 2),
      revokedHash32: filled(32, 3),
      prevHeadHash32: filled(32, 4),
      ...change,
    });
  }

  headHash(head: Uint8Array): Uint8Array {
    return headHashOf(provider, head);
  }

  /** A node that holds the first record. */
  trust(): Trust {
    const trust = new Trust({ provider, authorityId32: this.authorityId32 });
    trust.takeAuthorityRecord(this.first, now);
    return trust;
  }
}

function rootSigners(keys: readonly SigningKey[]): ObjectSigner[] {
  return ascending(keys).map((key) => ({ label: labels.authorityRecord, key }));
}
