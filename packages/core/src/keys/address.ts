import { ascii, checkWidth, copyOf } from '../bytes/bytes.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';

/**
 * Where a carrier keeps an object; 16 bytes, the caller's.
 *
 * @param type - one of the registry of address types
 * @param id - what the type asks for: nothing, a key id, a group id, or group id ‖ key id
 * @throws TridcommError `E_USAGE` for a type that is not known, and an id of another width than that of its type
 */
export function addressOf(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  type: number,
  id: Uint8Array,
): Uint8Array {
  checkWidth('authority id', authorityId32, 32);
  const width = idWidths.get(type);
  if (width === undefined) throw new TridcommError('E_USAGE', `address type ${type}`);
  checkWidth('id of an address', id, width);
  return copyOf(provider.sha256(prefix, authorityId32, Uint8Array.of(type), id), 0, 16);
}

const idWidths: ReadonlyMap<number, number> = new Map<number, number>([
  [addressTypes.authorityRecord, 0],
  [addressTypes.principalRecord, 32],
  [addressTypes.keyRecord, 32],
  [addressTypes.policy, 0],
  [addressTypes.groupRecord, 16],
  [addressTypes.revocationList, 0],
  [addressTypes.writers, 16],
  [addressTypes.edgeList, 16],
  [addressTypes.keyBlock, 16],
  [addressTypes.enrolment, 48],
  [addressTypes.groupHead, 16],
  [addressTypes.head, 0],
  [addressTypes.poolRecord, 16],
]);

const prefix = ascii(`${labels.address}\0`);
