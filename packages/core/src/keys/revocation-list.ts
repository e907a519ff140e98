import { ascii, checkWidth, compareBytes, equalBytes, readU32, readU64, writeU32, writeU64 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';

/*
 * revocation list = "TDRV" ‖ u8 1 ‖ 3 zero bytes ‖ u32 count ‖ count × ( key_id32 ‖ u64 min_serial )
 */

/** One key of which no record below a serial counts any more. */
export interface RevocationEntry {
  readonly keyId32: Uint8Array;
  /** 2^53−1 ends the key for good, whatever the serial of its record. */
  readonly minSerial: number;
}

/** A revocation list that keeps the form of chapter 07. */
export class RevocationList {
  /** The list as it was received; kept. */
  readonly bytes: Uint8Array;
  /** What a head has to name; 32 bytes. */
  readonly hash32: Uint8Array;

  private constructor(bytes: Uint8Array, hash32: Uint8Array) {
    this.bytes = bytes;
    this.hash32 = hash32;
  }

  /**
   * @param bytes - the list, exactly; kept
   * @throws TridcommError `E_LENGTH`, `E_ENCODING`, `E_VERSION`, `E_LIMIT`
   * @spec principals.24
   */
  static decode(provider: CryptoProvider, bytes: Uint8Array): RevocationList {
    if (bytes.length < headBytes) throw new TridcommError('E_LENGTH', `revocation list of ${bytes.length} bytes`);
    if (!equalBytes(bytes.subarray(0, 4), magic)) throw new TridcommError('E_ENCODING', 'not the magic of a list');
    if (bytes[4] !== 1) throw new TridcommError('E_VERSION', `revocation list version ${bytes[4]}`);
    if (bytes[5] !== 0 || bytes[6] !== 0 || bytes[7] !== 0) {
      throw new TridcommError('E_ENCODING', 'bytes of a revocation list that must be 0');
    }
    const count = readU32(bytes, 8);
    checkLimit('entries', count, limits.revokedEntries);
    if (bytes.length !== headBytes + count * entryBytes) {
      throw new TridcommError('E_LENGTH', `revocation list of ${bytes.length} bytes with ${count} entries`);
    }
    for (let at = headBytes; at < bytes.length; at += entryBytes) {
      checkLimit('min_serial', readU64(bytes, at + 32), limits.safeInteger);
      if (at > headBytes && compareBytes(bytes.subarray(at - entryBytes, at - 8), bytes.subarray(at, at + 32)) >= 0) {
        throw new TridcommError('E_ENCODING', 'revoked key ids out of order');
      }
    }
    return new RevocationList(bytes, provider.sha256(bytes));
  }

  /**
   * Whether a principal is revoked. Who gets true refuses with `E_REVOKED`.
   *
   * @param serial - of its record
   * @spec principals.24
   */
  isRevoked(keyId32: Uint8Array, serial: number): boolean {
    checkWidth('key id', keyId32, 32);
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = headBytes + middle * entryBytes;
      const order = compareBytes(this.bytes.subarray(at, at + 32), keyId32);
      if (order === 0) {
        const minSerial = readU64(this.bytes, at + 32);
        return minSerial > serial || minSerial === limits.safeInteger;
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return false;
  }

  /** All entries in their order; key ids are views. */
  get entries(): readonly RevocationEntry[] {
    return Array.from({ length: this.#count }, (_, i) => {
      const at = headBytes + i * entryBytes;
      return { keyId32: this.bytes.subarray(at, at + 32), minSerial: readU64(this.bytes, at + 32) };
    });
  }

  get #count(): number {
    return (this.bytes.length - headBytes) / entryBytes;
  }
}

/**
 * A revocation list; the caller's.
 *
 * @param entries - in any order
 * @throws TridcommError `E_LIMIT` for too many, or a serial above its limit; `E_USAGE` for a key id that stands twice
 * @spec principals.24
 */
export function encodeRevocationList(entries: readonly RevocationEntry[]): Uint8Array {
  checkLimit('entries', entries.length, limits.revokedEntries);
  const bytes = new Uint8Array(headBytes + entries.length * entryBytes);
  bytes.set(magic);
  bytes[4] = 1;
  writeU32(bytes, 8, entries.length);
  const sorted = entries.toSorted((a, b) => compareBytes(a.keyId32, b.keyId32));
  for (const [i, { keyId32, minSerial }] of sorted.entries()) {
    checkWidth('key id', keyId32, 32);
    checkLimit('min_serial', minSerial, limits.safeInteger);
    if (!(Number.isInteger(minSerial) && minSerial >= 0)) throw new TridcommError('E_USAGE', `min_serial ${minSerial}`);
    if (i > 0 && equalBytes(sorted[i - 1]!.keyId32, keyId32)) throw new TridcommError('E_USAGE', 'a key id twice');
    const at = headBytes + i * entryBytes;
    bytes.set(keyId32, at);
    writeU64(bytes, at + 32, minSerial);
  }
  return bytes;
}

const magic = ascii('TDRV');
const headBytes = 12;
const entryBytes = 40;
