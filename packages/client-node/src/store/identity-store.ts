import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  addressTypes,
  Identity,
  TridcommError,
  type ClientStore,
  type CryptoProvider,
  type PrincipalRecord,
  type RandomSource,
} from '@tridcomm/core';
import { decodePrincipalRecord, hexOf, objectKinds, parseObject } from '@tridcomm/core/internal';
import { FileStore } from './file-store.ts';

/*
 * What belongs to one principal stands in one directory:
 *
 *   store          the values of a FileStore: what core's Client stores, under `client/` and `log/` what this package does
 *   authority-id   the authority that it is enrolled with, 64 hex digits
 *   tls-*.pem      certificate, its key, and the CA of brokers, where links go over TLS
 */

/** The secret keys of a store. @throws TridcommError `E_USAGE` where it has none; `E_VERSION`, `E_LENGTH` for what it has */
export function identityOf(store: ClientStore, provider: CryptoProvider, random: RandomSource): Identity {
  const stored = store.get(names.identity);
  if (stored === undefined) {
    throw new TridcommError('E_USAGE', `${placeOf(store)} holds no identity: enrol first, or run tridcomm keys create`);
  }
  return Identity.restore(provider, random, stored);
}

/** The same, made where there is none. */
export function identityIn(store: ClientStore, provider: CryptoProvider, random: RandomSource): Identity {
  if (store.get(names.identity) === undefined) {
    store.put(names.identity, Identity.create(provider, random, Date.now()).export());
  }
  return identityOf(store, provider, random);
}

/** The newest record of the identity that the store has; undefined before the first. */
export function ownRecordOf(
  store: ClientStore,
  provider: CryptoProvider,
  keyId32: Uint8Array,
): PrincipalRecord | undefined {
  // Core's Client stores what comes over links; what came by enrolment may be newer, or the only one.
  const stored = [store.get(`object/${addressTypes.principalRecord}/${hexOf(keyId32)}`), store.get(names.record)];
  return stored
    .filter((bytes) => bytes !== undefined)
    .map((bytes) => decodePrincipalRecord(provider, parseObject(provider, bytes, objectKinds.principalRecord)))
    .reduce<PrincipalRecord | undefined>((a, b) => (a === undefined || b.serial > a.serial ? b : a), undefined);
}

/** The authority records that a store holds with a serial above one, in order. */
export function authorityRecordsOf(store: ClientStore, afterSerial: number): Uint8Array[] {
  const prefix = `object/${addressTypes.authorityRecord}/`;
  return [...store.entries(prefix)]
    .map(([name, bytes]) => ({ serial: Number(name.slice(prefix.length)), bytes }))
    .filter(({ serial }) => serial > afterSerial)
    .sort((a, b) => a.serial - b.serial)
    .map(({ bytes }) => bytes);
}

/**
 * The authority that the directory of a store names.
 *
 * @returns undefined where there is no such file
 * @throws TridcommError `E_USAGE` for one that holds something else
 */
export function authorityIdOf(store: FileStore): Uint8Array | undefined {
  const path = join(store.directory, 'authority-id');
  if (!existsSync(path)) return undefined;
  return parseAuthorityId(readFileSync(path, 'utf8').trim(), path);
}

/** Reads 64 hex digits. @param where - for the message */
export function parseAuthorityId(text: string, where = 'authority id'): Uint8Array {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new TridcommError('E_USAGE', `${where}: 64 hex digits are taken`);
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function placeOf(store: ClientStore): string {
  return store instanceof FileStore ? store.directory : 'the store';
}

/** Names of values in the store. */
export const names = {
  /** Core's own. */
  identity: 'identity',
  /** The record that came with the enrolment. */
  record: 'client/principal-record',
  /** A key record that the authority has not got yet. */
  keyRecord: 'client/key-record',
  /** Path of the authority's socket that it enrolled by. */
  socket: 'client/authority-socket',
  /** Followed by the pattern. */
  cursor: 'client/cursor/',
} as const;

/** Certificates beside the store. */
export const tlsFileNames = { ca: 'tls-ca.pem', cert: 'tls-cert.pem', key: 'tls-key.pem' } as const;
