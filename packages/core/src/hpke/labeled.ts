/** The labelled HKDF of HPKE, over HKDF-SHA256 (KDF 0x0001): RFC 9180 section 4. */
import { ascii, concat, writeU16 } from '../bytes/bytes.ts';
import { hkdfExpand, hkdfExtract } from '../crypto/key-schedule.ts';
import type { CryptoProvider } from '../crypto/provider.ts';

/**
 * LabeledExtract; 32 bytes, the caller's.
 *
 * Source: RFC 9180 section 4.
 *
 * @param suiteId - of the KEM, or of the whole ciphersuite
 * @param salt - any length; empty where the RFC writes `""`
 * @param inputKey - any length
 */
export function labeledExtract(
  provider: CryptoProvider,
  suiteId: Uint8Array,
  salt: Uint8Array,
  label: string,
  inputKey: Uint8Array,
): Uint8Array {
  const labeled = concat(version, suiteId, ascii(label), inputKey);
  const prk = hkdfExtract(provider, salt, labeled);
  labeled.fill(0);
  return prk;
}

/**
 * LabeledExpand; `lengthBytes` bytes, the caller's.
 *
 * Source: RFC 9180 section 4.
 *
 * @param suiteId - of the KEM, or of the whole ciphersuite
 * @param prk32 - 32 bytes: what {@link labeledExtract} or another expansion gave
 * @param lengthBytes - 1 to 8,160
 * @throws TridcommError `E_USAGE` for another length
 */
export function labeledExpand(
  provider: CryptoProvider,
  suiteId: Uint8Array,
  prk32: Uint8Array,
  label: string,
  info: Uint8Array,
  lengthBytes: number,
): Uint8Array {
  const length = new Uint8Array(2);
  writeU16(length, 0, lengthBytes);
  return hkdfExpand(provider, prk32, concat(length, version, suiteId, ascii(label), info), lengthBytes);
}

const version = ascii('HPKE-v1');
