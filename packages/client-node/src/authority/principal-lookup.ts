import { TridcommError, type CryptoProvider, type PrincipalRecord } from '@tridcomm/core';
import { decodePrincipalRecord, objectKinds, parseObject, type AuthorityMemory } from '@tridcomm/core/internal';

/**
 * The record of a principal that an authority remembers, where it is valid now.
 *
 * @throws TridcommError `E_SENDER` where none was issued for this key id; `E_REVOKED`, `E_EXPIRED`
 */
export function validRecord(
  provider: CryptoProvider,
  { principals, revocations }: AuthorityMemory,
  keyId32: Uint8Array,
  nowMs: number,
): PrincipalRecord {
  const isIt = (other: Uint8Array) => Buffer.compare(other, keyId32) === 0;
  const record = principals
    .map((one) => decodePrincipalRecord(provider, parseObject(provider, one.record, objectKinds.principalRecord)))
    .find(({ key }) => isIt(key.keyId32));
  if (record === undefined) throw new TridcommError('E_SENDER', 'no record was issued for this key id');
  if (revocations.some((one) => isIt(one.keyId32) && one.minSerial > record.serial)) {
    throw new TridcommError('E_REVOKED', 'record was revoked');
  }
  if (nowMs > record.notAfterMs) throw new TridcommError('E_EXPIRED', 'principal record has ended');
  return record;
}
