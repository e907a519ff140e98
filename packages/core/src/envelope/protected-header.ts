import { copyOf } from '../bytes/bytes.ts';
import type { Extensions } from '../wire/extensions.ts';

/**
 * AADH of chapter 03: the protected header, with root32 of extension 1 zeroed where there is one.
 *
 * The root depends on the tags and the tags on the associated data, so the root cannot be part of it.
 *
 * @param protectedHeader - as received; `parsed` holds views into it
 * @returns the given bytes where nothing is to be zeroed, a copy otherwise
 * @spec suites.13
 */
export function aadHeaderOf(protectedHeader: Uint8Array, parsed: Extensions): Uint8Array {
  const root = parsed.merkle?.root32;
  if (root === undefined) return protectedHeader;
  const copy = copyOf(protectedHeader);
  const at = root.byteOffset - protectedHeader.byteOffset;
  copy.fill(0, at, at + root.length);
  return copy;
}
