import { ascii, checkWidth, concat, copyOf, writeU16 } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { TridcommError } from '../errors.ts';
import type { CryptoProvider } from './provider.ts';

/**
 * HKDF-Extract with SHA-256; 32 bytes, the caller's.
 *
 * Source: RFC 5869 section 2.2.
 */
export function hkdfExtract(provider: CryptoProvider, salt: Uint8Array, inputKey: Uint8Array): Uint8Array {
  return provider.hmacSha256(salt, inputKey);
}

/**
 * HKDF-Expand with SHA-256; `lengthBytes` bytes, the caller's.
 *
 * Source: RFC 5869 section 2.3.
 *
 * @param lengthBytes - 1 to 8,160
 */
export function hkdfExpand(
  provider: CryptoProvider,
  prk: Uint8Array,
  info: Uint8Array,
  lengthBytes: number,
): Uint8Array {
  if (lengthBytes < 1 || lengthBytes > 255 * 32) throw new TridcommError('E_USAGE', `HKDF length ${lengthBytes}`);
  const counted = new Uint8Array(info.length + 1);
  counted.set(info);
  const out = new Uint8Array(lengthBytes);
  let block = none;
  for (let filled = 0, counter = 1; filled < lengthBytes; filled += 32, counter++) {
    counted[info.length] = counter;
    block = counter === 1 ? provider.hmacSha256(prk, counted) : provider.hmacSha256(prk, block, counted);
    out.set(block.subarray(0, Math.min(32, lengthBytes - filled)), filled);
  }
  return out;
}

/**
 * The labelled expansion XP of chapter 06.
 *
 * @param secret32 - exactly 32 bytes
 * @param label - a label of the registry, without the prefix `tdc1 `
 * @param context - hashed, so of any length
 * @returns `lengthBytes` bytes, the caller's
 * @throws TridcommError `E_USAGE` for a secret of another length
 * @spec suites.9
 */
export function expandLabel(
  provider: CryptoProvider,
  secret32: Uint8Array,
  label: string,
  context: Uint8Array,
  lengthBytes: number,
): Uint8Array {
  // HMAC pads short keys with zeros: secrets of two lengths could be one key.
  if (secret32.length !== 32) throw new TridcommError('E_USAGE', `XP secret of ${secret32.length} bytes, not 32`);
  const head = infoHeads.get(label) ?? infoHeadOf(label);
  const info = new Uint8Array(head.length + 32);
  info.set(head);
  writeU16(info, 0, lengthBytes);
  info.set(provider.sha256(context), head.length);
  return hkdfExpand(provider, secret32, info, lengthBytes);
}

/**
 * The secret that hedges a sender process against bad randomness; 32 bytes, the caller's.
 *
 * @param processRandom32 - drawn once at each start of the process, never stored
 * @param localSecret32 - a long-lived secret of the machine that is not a signing key, or 32 zero bytes
 * @throws TridcommError `E_USAGE` for other lengths
 * @spec suites.10, suites.11, suites.12
 */
export function deriveHedgeSecret(
  provider: CryptoProvider,
  processRandom32: Uint8Array,
  localSecret32: Uint8Array = new Uint8Array(32),
): Uint8Array {
  checkWidth('processRandom32', processRandom32, 32);
  checkWidth('localSecret32', localSecret32, 32);
  return expandLabel(provider, hkdfExtract(provider, processRandom32, localSecret32), labels.hedge, none, 32);
}

/**
 * The salt of one envelope; 16 bytes.
 *
 * It depends on randomness and on header, binding and plaintext, so a dead or cloned random source repeats a key only for the
 * same record with the same header, which is the same ciphertext twice.
 *
 * @param saltHeader - PHS: the protected header with salt, root32, record_commit32 and what is sealed of extension 12 zeroed
 * @param plaintexts - of the envelope, or of its leaves in order, framed and padded; then the routing data, where there are any
 * @spec suites.10, suites.16
 */
export function deriveSalt(
  provider: CryptoProvider,
  hedgeSecret32: Uint8Array,
  random16: Uint8Array,
  saltHeader: Uint8Array,
  bind32: Uint8Array,
  plaintexts: readonly Uint8Array[],
): Uint8Array {
  const headerHash = provider.sha256(saltHeader, bind32);
  const mac = provider.hmacSha256(hedgeSecret32, random16, headerHash, provider.sha256(...plaintexts));
  return copyOf(mac, 0, 16);
}

/** What one envelope is encrypted with. */
export interface RecordKey {
  readonly key32: Uint8Array;
  readonly nonce12: Uint8Array;
}

/**
 * The secret of one stream; 32 bytes, the caller's.
 *
 * The full key id of the sender is in it, so another member cannot sign the same ciphertext as its own.
 *
 * @spec suites.13
 */
export function deriveStreamSecret(
  provider: CryptoProvider,
  sourceSecret32: Uint8Array,
  groupContext32: Uint8Array,
  senderKeyId32: Uint8Array,
  streamId8: Uint8Array,
): Uint8Array {
  const context = concat(groupContext32, senderKeyId32, streamId8);
  return expandLabel(provider, sourceSecret32, labels.stream, context, 32);
}

/**
 * Key and nonce of one envelope.
 *
 * @spec suites.13
 */
export function deriveRecordKey(provider: CryptoProvider, streamSecret32: Uint8Array, salt16: Uint8Array): RecordKey {
  const bytes = expandLabel(provider, streamSecret32, labels.record, salt16, 44);
  return { key32: bytes.subarray(0, 32), nonce12: bytes.subarray(32) };
}

/**
 * The commitment to a record key that extension 11 carries; 32 bytes, the caller's.
 *
 * @spec suites.15
 */
export function commitRecordKey(provider: CryptoProvider, recordKey: RecordKey): Uint8Array {
  return provider.sha256(recordCommitPrefix, recordKey.key32, recordKey.nonce12);
}

const none: Uint8Array = new Uint8Array(0);
const recordCommitPrefix = ascii(`${labels.recordCommit}\0`);

/** All of XP's info before the hashed context: u16 L, still zero, then the label and the length of the hash. */
function infoHeadOf(label: string): Uint8Array {
  const name = ascii(`tdc1 ${label}`);
  return concat(Uint8Array.of(0, 0, name.length), name, Uint8Array.of(32));
}

/** Made once, as every envelope needs two of them. */
const infoHeads: ReadonlyMap<string, Uint8Array> = new Map(
  Object.values(labels).map((label) => [label, infoHeadOf(label)]),
);
