import { addressTypes } from '../codepoints/address-types.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { decodeAuthorityRecord } from '../keys/authority-record.ts';
import { decodeGroupRecord } from '../keys/group-record.ts';
import { decodePoolRecord, type PoolRecord } from '../keys/pool-record.ts';
import { decodePrincipalRecord } from '../keys/principal-record.ts';
import { parseObject } from '../keys/signed-object.ts';
import { hexOf } from './hex.ts';

/** Under what everything stands that {@link storedNameOf} names. */
export const storedPrefix = 'object/';

/**
 * Where a durable member stores an object that it holds; undefined for one that it would only ask for again. {@link compareStoredNames} gives
 * the order in which the objects are to be taken.
 *
 * What is stored saves the questions after a restart; that numbers do not go back is seen to elsewhere.
 */
export function storedNameOf(provider: CryptoProvider, type: number, bytes: Uint8Array): string | undefined {
  switch (type) {
    case addressTypes.authorityRecord: {
      const { serial } = decodeAuthorityRecord(provider, parseObject(provider, bytes, objectKinds.authorityRecord));
      return `${storedPrefix}${type}/${String(serial).padStart(16, '0')}`;
    }
    case addressTypes.principalRecord: {
      const { key } = decodePrincipalRecord(provider, parseObject(provider, bytes, objectKinds.principalRecord));
      return `${storedPrefix}${type}/${hexOf(key.keyId32)}`;
    }
    case addressTypes.policy:
      return `${storedPrefix}${type}/`;
    case addressTypes.groupRecord: {
      const { groupId16 } = decodeGroupRecord(provider, parseObject(provider, bytes, objectKinds.groupRecord));
      return `${storedPrefix}${type}/${hexOf(groupId16)}`;
    }
    case addressTypes.poolRecord:
      return storedPoolRecordName(decodePoolRecord(provider, parseObject(provider, bytes, objectKinds.poolRecord)));
    default:
      return undefined;
  }
}

/** Where a durable member stores a pool record: those of one front in the order of their epochs. */
export function storedPoolRecordName({ groupId16, epoch }: PoolRecord): string {
  return `${storedPrefix}${addressTypes.poolRecord}/${hexOf(groupId16)}/${String(epoch).padStart(10, '0')}`;
}

/** Orders stored names: by what the objects need of each other. */
export function compareStoredNames(a: string, b: string): number {
  const byType = typeOfStoredName(a) - typeOfStoredName(b);
  return byType === 0 && a !== b ? (a < b ? -1 : 1) : byType;
}

/** The type of an object by its stored name. */
export function typeOfStoredName(name: string): number {
  return Number(name.slice(storedPrefix.length).split('/')[0]);
}
