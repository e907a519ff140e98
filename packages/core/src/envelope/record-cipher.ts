import { copyOf, writeU32 } from '../bytes/bytes.ts';

/**
 * The nonce of one leaf: the envelope's, with the leaf number XORed into its last eight bytes.
 *
 * @param nonce12 - not changed
 * @spec suites.13
 */
export function leafNonce(nonce12: Uint8Array, leaf: number): Uint8Array {
  const nonce = copyOf(nonce12);
  // Leaf numbers end below 2^12, so the last four bytes hold them.
  for (let i = 0; i < 4; i++) nonce[8 + i]! ^= leaf >>> (24 - 8 * i);
  return nonce;
}

/**
 * The associated data of one leaf: AADH ‖ bind32 ‖ u32 leaf; the caller's.
 *
 * @spec suites.13
 */
export function leafAad(aadHeader: Uint8Array, bind32: Uint8Array, leaf: number): Uint8Array {
  const aad = new Uint8Array(aadHeader.length + 32 + 4);
  aad.set(aadHeader);
  aad.set(bind32, aadHeader.length);
  writeU32(aad, aadHeader.length + 32, leaf);
  return aad;
}
