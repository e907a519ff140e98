import { ascii, concat, equalBytes } from '../bytes/bytes.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { listUses } from '../codepoints/list-uses.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { TridcommError } from '../errors.ts';

/**
 * The address type of an object, by how it begins.
 *
 * @throws TridcommError `E_ENCODING` for what is none that a broker keeps
 */
export function typeOfObject(bytes: Uint8Array): number {
  const magic = bytes.subarray(0, 4);
  let type: number | undefined;
  if (equalBytes(magic, magics.object)) type = typesOfKinds.get(bytes[5] ?? 0);
  else if (equalBytes(magic, magics.list)) type = typesOfUses.get(bytes[5] ?? 0);
  else if (equalBytes(magic, magics.revocation)) type = addressTypes.revocationList;
  else if (equalBytes(magic, magics.block)) type = addressTypes.keyBlock;
  else if (equalBytes(magic, magics.enrolment)) type = addressTypes.enrolment;
  else if (equalBytes(magic, magics.head)) {
    type = bytes.length > headBytes ? addressTypes.groupHead : addressTypes.head;
  }
  if (type === undefined) throw new TridcommError('E_ENCODING', 'object of no kind that brokers keep');
  return type;
}

/** The id of an address, from the bytes of an object that is long enough. */
export function idOfObject(type: number, bytes: Uint8Array): Uint8Array {
  switch (type) {
    case addressTypes.writers:
    case addressTypes.edgeList:
    case addressTypes.keyBlock:
      return bytes.subarray(8, 24);
    case addressTypes.groupHead:
      return bytes.subarray(headBytes + 1, headBytes + 17);
    case addressTypes.enrolment:
      return concat(bytes.subarray(8, 24), bytes.subarray(48, 80));
    default:
      return new Uint8Array(0);
  }
}

const magics = {
  object: ascii('TDOB'),
  list: ascii('TDAL'),
  revocation: ascii('TDRV'),
  block: ascii('TDKB'),
  enrolment: ascii('TDEN'),
  head: ascii('TDHD'),
} as const;

const headBytes = 264;

const typesOfKinds: ReadonlyMap<number, number> = new Map<number, number>([
  [objectKinds.authorityRecord, addressTypes.authorityRecord],
  [objectKinds.principalRecord, addressTypes.principalRecord],
  [objectKinds.keyRecord, addressTypes.keyRecord],
  [objectKinds.policy, addressTypes.policy],
  [objectKinds.groupRecord, addressTypes.groupRecord],
  [objectKinds.poolRecord, addressTypes.poolRecord],
]);

const typesOfUses: ReadonlyMap<number, number> = new Map<number, number>([
  [listUses.writers, addressTypes.writers],
  [listUses.edge, addressTypes.edgeList],
]);
