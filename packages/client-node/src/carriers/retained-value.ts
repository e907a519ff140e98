import { decodeBundle, TridcommError } from '@tridcomm/core';
import { encodeBundle } from '@tridcomm/core/internal';

/**
 * What a carrier retains under an address: its objects, oldest first.
 *
 * @throws TridcommError `E_LIMIT` for too many objects or bytes
 * @spec bindings.9
 */
export function encodeValue(address16: Uint8Array, objects: readonly Uint8Array[]): Uint8Array {
  return encodeBundle(objects.map((bytes) => ({ address16, bytes })));
}

/**
 * The objects of a value that came under an address; views. Nothing of them is verified.
 *
 * @throws TridcommError those of `decodeBundle`; `E_BINDING` for an object of another address
 * @spec bindings.10
 */
export function decodeValue(address16: Uint8Array, value: Uint8Array): Uint8Array[] {
  return decodeBundle(value).map((object) => {
    if (Buffer.compare(object.address16, address16) === 0) return object.bytes;
    throw new TridcommError('E_BINDING', 'retained value with an object of another address');
  });
}
