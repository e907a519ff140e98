/** An authority and its people, for the vectors of chapters 07 to 09. All of it follows from names by SHA-256. */
import { seeded, type Bytes } from './twin/bytes.ts';
import {
  authorityFields,
  edKey,
  firstAuthority,
  keyPair,
  keyRecord,
  principalRecord,
  ROLE,
  xKey,
  type DelegationSpec,
  type Fields,
  type KeyPair,
  type SignedObject,
} from './twin/objects.ts';
import { x25519Public } from './twin/x25519.ts';
import { ALICE, BOB, NOW } from './world.ts';

export const HOUR = 3_600_000n;
export const DAY = 86_400_000n;

export const named = (name: string): KeyPair => keyPair(seeded(`key of ${name}`, 32));

export const ROOT: KeyPair = named('root');
export const ISSUER: KeyPair = named('issuer');
export const POLICY_KEY: KeyPair = named('policy');
export const STATUS: KeyPair = named('status');
export const STRANGER: KeyPair = named('stranger');
export const ALICE_KEY: KeyPair = keyPair(ALICE.seed);
export const BOB_KEY: KeyPair = keyPair(BOB.seed);

export const delegation = (
  key: KeyPair,
  roles: number,
  notBefore: bigint = NOW - DAY,
  notAfter: bigint = NOW + 6n * DAY,
): DelegationSpec => ({ key, roles, notBefore, notAfter });

export const DELEGATIONS: readonly DelegationSpec[] = [
  delegation(ISSUER, ROLE.issuer),
  delegation(POLICY_KEY, ROLE.policy),
  delegation(STATUS, ROLE.status),
];

/** One root key, three delegated ones. */
export const AUTHORITY: { authorityId: Bytes; object: SignedObject } = firstAuthority(
  authorityFields(1, 1, [ROOT], DELEGATIONS),
  [ROOT],
);

export const GROUP_ID: Bytes = seeded('group', 16);

export function principalFields(serial: number | bigint = 1, more: Fields = {}): Fields {
  return {
    serial: BigInt(serial),
    not_before_ms: NOW - DAY,
    not_after_ms: NOW + 20n * DAY,
    name: 'alice',
    roles: 1,
    suites: [1, 2],
    suite_floor: 1,
    max_version: 1,
    ...more,
  };
}
export function principalOf(subject: KeyPair, serial: number | bigint = 1, more: Fields = {}): SignedObject {
  return principalRecord(AUTHORITY.authorityId, subject, ISSUER, principalFields(serial, more));
}

export const xPublic = (name: string): Bytes => x25519Public(seeded(`x25519 secret of ${name}`, 32));

export function keyFields(serial: number | bigint = 1, more: Fields = {}): Fields {
  return {
    principal_serial: 1n,
    serial: BigInt(serial),
    not_before_ms: NOW - HOUR,
    not_after_ms: NOW + 47n * HOUR,
    prekeys: [xKey(xPublic('prekey 1'))],
    ...more,
  };
}
export function keysOf(subject: KeyPair, serial: number | bigint = 1, more: Fields = {}): SignedObject {
  return keyRecord(AUTHORITY.authorityId, subject, keyFields(serial, more));
}

export function groupFields(serial: number | bigint = 1, more: Fields = {}): Fields {
  return {
    group_id16: GROUP_ID,
    serial: BigInt(serial),
    purpose: 1,
    suite: 1,
    block_kind: 2,
    controller: edKey(named('controller').publicKey),
    max_head_age_ms: 60_000,
    epoch_life_ms: 3_600_000,
    drain_ms: 600_000,
    period_ms: 86_400_000,
    ...more,
  };
}

export function policyFields(version: number | bigint = 1, more: Fields = {}): Fields {
  return {
    version: BigInt(version),
    authority_record_hash32: AUTHORITY.object.hash,
    groups: [
      {
        group_id16: GROUP_ID,
        group_record_hash32: seeded('group record hash', 32),
        writers_root32: seeded('writers root', 32),
        edge_root32: seeded('edge root', 32),
        private_hash32: seeded('private hash', 32),
      },
    ],
    ...more,
  };
}
