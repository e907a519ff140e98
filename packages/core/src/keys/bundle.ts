import { ascii, checkWidth, concat, equalBytes, readU32, writeU32 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { checkLimit, TridcommError } from '../errors.ts';

/*
 * bundle = "TDBU" ‖ u8 1 ‖ 3 zero bytes ‖ u32 count ‖ count × ( address16 ‖ u32 len ‖ bytes )
 */

/** An object and where a carrier keeps it. */
export interface AddressedObject {
  readonly address16: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * Objects that a broker takes as a whole; the caller's.
 *
 * @throws TridcommError `E_LIMIT` for too many objects or bytes
 */
export function encodeBundle(objects: readonly AddressedObject[]): Uint8Array {
  checkLimit('objects', objects.length, limits.bundleObjects);
  const head = new Uint8Array(headBytes);
  head.set(magic);
  head[4] = 1;
  writeU32(head, 8, objects.length);
  const parts: Uint8Array[] = [head];
  let length = headBytes;
  for (const { address16, bytes } of objects) {
    checkWidth('address', address16, 16);
    length += objectHeadBytes + bytes.length;
    const size = new Uint8Array(4);
    writeU32(size, 0, bytes.length);
    parts.push(address16, size, bytes);
  }
  checkLimit('bundle bytes', length, limits.bundleBytes);
  return concat(...parts);
}

/**
 * The objects of a bundle, in their order; views. Nothing of what they say is verified.
 *
 * @param bundle - exactly
 * @throws TridcommError `E_LENGTH`, `E_LIMIT`, `E_ENCODING`, `E_VERSION`
 */
export function decodeBundle(bundle: Uint8Array): AddressedObject[] {
  if (bundle.length < headBytes) throw new TridcommError('E_LENGTH', `bundle of ${bundle.length} bytes`);
  checkLimit('bundle bytes', bundle.length, limits.bundleBytes);
  if (!equalBytes(bundle.subarray(0, 4), magic)) throw new TridcommError('E_ENCODING', 'not the magic of a bundle');
  if (bundle[4] !== 1) throw new TridcommError('E_VERSION', `bundle version ${bundle[4]}`);
  if (bundle[5] !== 0 || bundle[6] !== 0 || bundle[7] !== 0) {
    throw new TridcommError('E_ENCODING', 'bytes of a bundle that must be 0');
  }
  const count = readU32(bundle, 8);
  checkLimit('objects', count, limits.bundleObjects);
  const objects: AddressedObject[] = [];
  let at = headBytes;
  for (let i = 0; i < count; i++) {
    const start = at + objectHeadBytes;
    if (start > bundle.length) throw new TridcommError('E_LENGTH', `bundle ends before object ${i}`);
    const end = start + readU32(bundle, at + 16);
    if (end > bundle.length) throw new TridcommError('E_LENGTH', `object ${i} ends behind the bundle`);
    objects.push({ address16: bundle.subarray(at, at + 16), bytes: bundle.subarray(start, end) });
    at = end;
  }
  if (at !== bundle.length) throw new TridcommError('E_LENGTH', 'bytes behind the last object of a bundle');
  return objects;
}

const magic = ascii('TDBU');
const headBytes = 12;
const objectHeadBytes = 16 + 4;
