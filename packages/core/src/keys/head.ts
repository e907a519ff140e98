import {
  ascii,
  checkWidth,
  concat,
  equalBytes,
  readU16,
  readU32,
  readU64,
  writeU16,
  writeU32,
  writeU64,
} from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { verifyMerklePath } from '../crypto/merkle.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { signInputOf } from './sign-input.ts';
import type { SigningKey } from './signing-key.ts';
import { leafHashOf, treePaths } from './tree-head.ts';

/*
 * head       = "TDHD" ‖ u8 1 ‖ u8 0 ‖ u16 0x0001 ‖ status_key_id32 ‖ u64 head_seq ‖ u64 issued ‖ u64 fresh_until ‖
 *              u64 policy_version ‖ policy_hash32 ‖ groups_root32 ‖ revoked_hash32 ‖ prev_head_hash32 ‖ signature64
 * group leaf = 0x01 ‖ group_id16 ‖ u32 generation ‖ u32 epoch ‖ block_hash32
 * group head = head ‖ group leaf ‖ u32 index ‖ u32 count ‖ u8 path_len ‖ path, path_len × 32 bytes
 */

/** What is newest. Hashes and ids are views of the bytes. */
export interface Head {
  /** All 264 bytes; kept. */
  readonly bytes: Uint8Array;
  readonly statusKeyId32: Uint8Array;
  readonly headSeq: number;
  readonly issuedMs: number;
  readonly freshUntilMs: number;
  readonly policyVersion: number;
  readonly policyHash32: Uint8Array;
  readonly groupsRoot32: Uint8Array;
  readonly revokedHash32: Uint8Array;
  /** Zeros in the first. */
  readonly prevHeadHash32: Uint8Array;
  /** `head_hash32`. */
  readonly hash32: Uint8Array;
}

/** What a head says. */
export type HeadFields = Omit<Head, 'bytes' | 'hash32' | 'statusKeyId32'>;

/** The newest key block of a group. */
export interface GroupLeaf {
  readonly groupId16: Uint8Array;
  readonly generation: number;
  readonly epoch: number;
  readonly blockHash32: Uint8Array;
}

/** A head with the leaf of one group and the path to it. */
export interface GroupHead {
  readonly head: Head;
  readonly leaf: GroupLeaf;
  /** The 57 bytes of the leaf; a view. */
  readonly leafBytes: Uint8Array;
  readonly index: number;
  readonly count: number;
  /** A multiple of 32 bytes; a view. */
  readonly path: Uint8Array;
}

/** A head and a signature over somebody's nonce. */
export interface HeadAnswer {
  readonly head: Head;
  readonly nonce32: Uint8Array;
  readonly signature64: Uint8Array;
}

/**
 * The form of a head. Who signed it, and whether it is the newest, is `Trust.takeHead`'s to say.
 *
 * @param bytes - the head, exactly; kept
 * @throws TridcommError `E_LENGTH`, `E_ENCODING`, `E_VERSION`, `E_LIMIT`
 * @spec principals.27
 */
export function decodeHead(provider: CryptoProvider, bytes: Uint8Array): Head {
  if (bytes.length !== headBytes) throw new TridcommError('E_LENGTH', `head of ${bytes.length} bytes`);
  if (!equalBytes(bytes.subarray(0, 4), magic)) throw new TridcommError('E_ENCODING', 'not the magic of a head');
  if (bytes[4] !== 1) throw new TridcommError('E_VERSION', `head version ${bytes[4]}`);
  if (bytes[5] !== 0 || readU16(bytes, 6) !== keyAlgorithms.ed25519) {
    throw new TridcommError('E_ENCODING', `head of algorithm ${readU16(bytes, 6)}`);
  }
  const [headSeq, issuedMs, freshUntilMs, policyVersion] = [40, 48, 56, 64].map((at) => {
    const value = readU64(bytes, at);
    checkLimit('u64 of a head', value, limits.safeInteger);
    return value;
  }) as [number, number, number, number];
  if (headSeq === 0) throw new TridcommError('E_ENCODING', 'head_seq 0');
  if (freshUntilMs < issuedMs) throw new TridcommError('E_ENCODING', `fresh from ${issuedMs} to ${freshUntilMs}`);
  checkLimit('freshness in ms', freshUntilMs - issuedMs, limits.headFreshMaxMs);
  return {
    bytes,
    statusKeyId32: bytes.subarray(8, 40),
    headSeq,
    issuedMs,
    freshUntilMs,
    policyVersion,
    policyHash32: bytes.subarray(72, 104),
    groupsRoot32: bytes.subarray(104, 136),
    revokedHash32: bytes.subarray(136, 168),
    prevHeadHash32: bytes.subarray(168, signedBytes),
    hash32: provider.sha256(hashPrefix, bytes.subarray(0, signedBytes)),
  };
}

/**
 * A signed head, 264 bytes; the caller's.
 *
 * @param key - delegated for status
 * @throws TridcommError `E_USAGE`, `E_LIMIT` for what the form does not allow
 * @spec principals.26
 */
export function encodeHead(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  key: SigningKey,
  fields: HeadFields,
): Uint8Array {
  const { headSeq, issuedMs, freshUntilMs, policyVersion } = fields;
  for (const value of [headSeq, issuedMs, freshUntilMs, policyVersion]) {
    checkLimit('u64 of a head', value, limits.safeInteger);
    if (!(Number.isInteger(value) && value >= 0)) throw new TridcommError('E_USAGE', `u64 of a head ${value}`);
  }
  if (headSeq === 0 || freshUntilMs < issuedMs) throw new TridcommError('E_USAGE', 'a head that nobody takes');
  checkLimit('freshness in ms', freshUntilMs - issuedMs, limits.headFreshMaxMs);
  const bytes = new Uint8Array(headBytes);
  bytes.set(magic);
  bytes[4] = 1;
  writeU16(bytes, 6, keyAlgorithms.ed25519);
  bytes.set(key.keyId32, 8);
  for (const [i, value] of [headSeq, issuedMs, freshUntilMs, policyVersion].entries())
    writeU64(bytes, 40 + 8 * i, value);
  const { policyHash32, groupsRoot32, revokedHash32, prevHeadHash32 } = fields;
  for (const [i, hash32] of [policyHash32, groupsRoot32, revokedHash32, prevHeadHash32].entries()) {
    checkWidth('hash of a head', hash32, 32);
    bytes.set(hash32, 72 + 32 * i);
  }
  const signed = headSignInput(provider, authorityId32, key.keyId32, bytes);
  bytes.set(key.sign(signed), signedBytes);
  return bytes;
}

/** What the signature of a head is over; the caller's. */
export function headSignInput(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  statusKeyId32: Uint8Array,
  head: Uint8Array,
): Uint8Array {
  return signInputOf(provider, labels.head, statusKeyId32, authorityId32, head.subarray(0, signedBytes), nothing);
}

/** The signature of a head; a view. */
export function headSignature(head: Head): Uint8Array {
  return head.bytes.subarray(signedBytes);
}

/** The hash of a head that was made or received, 32 bytes; the caller's. */
export function headHashOf(provider: CryptoProvider, head: Uint8Array): Uint8Array {
  return provider.sha256(hashPrefix, head.subarray(0, signedBytes));
}

/**
 * Whether a head is fresh for a group.
 *
 * @param maxHeadAgeMs - of the group's record
 * @spec principals.29, principals.30
 */
export function isFresh(head: Head, nowMs: number, skewMs: number, maxHeadAgeMs: number): boolean {
  const { issuedMs, freshUntilMs } = head;
  return issuedMs - skewMs <= nowMs && nowMs <= Math.min(freshUntilMs, issuedMs + maxHeadAgeMs);
}

/** The leaf of a group, 57 bytes; the caller's. Heads order them as bytes. */
export function encodeGroupLeaf({ groupId16, generation, epoch, blockHash32 }: GroupLeaf): Uint8Array {
  checkWidth('group id', groupId16, 16);
  checkWidth('block hash', blockHash32, 32);
  const bytes = new Uint8Array(leafBytesCount);
  bytes[0] = groupLeafKind;
  bytes.set(groupId16, 1);
  writeU32(bytes, 17, generation);
  writeU32(bytes, 21, epoch);
  bytes.set(blockHash32, 25);
  return bytes;
}

/**
 * A head with the leaf of each group, in the order of the leaves; the caller's.
 *
 * @param head - 264 bytes, whose `groups_root32` is over the leaves
 * @param leaves - all of them, ascending as bytes
 */
export function encodeGroupHeads(
  provider: CryptoProvider,
  head: Uint8Array,
  leaves: readonly Uint8Array[],
): Uint8Array[] {
  checkWidth('head', head, headBytes);
  const paths = treePaths(provider, leaves);
  return leaves.map((leaf, index) => {
    const path = paths[index]!;
    const place = new Uint8Array(9);
    writeU32(place, 0, index);
    writeU32(place, 4, leaves.length);
    place[8] = path.length / 32;
    return concat(head, leaf, place, path);
  });
}

/**
 * The form of a group head, and of the head in it. Whether the path leads to the head is {@link isProven}'s to say.
 *
 * @param bytes - the group head, exactly; kept
 * @throws TridcommError `E_LENGTH`, `E_ENCODING`, `E_PROOF`, and those of {@link decodeHead}
 */
export function decodeGroupHead(provider: CryptoProvider, bytes: Uint8Array): GroupHead {
  if (bytes.length < pathOffset) throw new TridcommError('E_LENGTH', `group head of ${bytes.length} bytes`);
  if (bytes[headBytes] !== groupLeafKind) throw new TridcommError('E_ENCODING', `leaf of kind ${bytes[headBytes]}`);
  const pathLength = bytes[pathOffset - 1]!;
  if (pathLength > maxPathLength) throw new TridcommError('E_PROOF', `path of ${pathLength} hashes`);
  if (bytes.length !== pathOffset + 32 * pathLength) {
    throw new TridcommError('E_LENGTH', `group head of ${bytes.length} bytes, path of ${pathLength} hashes`);
  }
  const leafBytes = bytes.subarray(headBytes, headBytes + leafBytesCount);
  return {
    head: decodeHead(provider, bytes.subarray(0, headBytes)),
    leaf: {
      groupId16: leafBytes.subarray(1, 17),
      generation: readU32(leafBytes, 17),
      epoch: readU32(leafBytes, 21),
      blockHash32: leafBytes.subarray(25),
    },
    leafBytes,
    index: readU32(bytes, headBytes + leafBytesCount),
    count: readU32(bytes, headBytes + leafBytesCount + 4),
    path: bytes.subarray(pathOffset),
  };
}

/** Whether the path of a group head leads from its leaf to its head. Who gets false refuses with `E_PROOF`. */
export function isProven(provider: CryptoProvider, { head, leafBytes, index, count, path }: GroupHead): boolean {
  return verifyMerklePath(provider, leafHashOf(provider, leafBytes), index, count, path, head.groupsRoot32);
}

/**
 * A head with a signature over the nonce of who asks, 360 bytes; the caller's.
 *
 * @param key - the one that signed the head
 * @spec principals.33
 */
export function encodeHeadAnswer(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  key: SigningKey,
  head: Uint8Array,
  nonce32: Uint8Array,
): Uint8Array {
  checkWidth('head', head, headBytes);
  checkWidth('nonce', nonce32, 32);
  return concat(head, nonce32, key.sign(answerSignInput(provider, authorityId32, key.keyId32, head, nonce32)));
}

/**
 * The form of a head answer, and of the head in it; views.
 *
 * @param bytes - the answer, exactly; kept
 * @throws TridcommError `E_LENGTH`, and those of {@link decodeHead}
 */
export function decodeHeadAnswer(provider: CryptoProvider, bytes: Uint8Array): HeadAnswer {
  if (bytes.length !== answerBytes) throw new TridcommError('E_LENGTH', `head answer of ${bytes.length} bytes`);
  return {
    head: decodeHead(provider, bytes.subarray(0, headBytes)),
    nonce32: bytes.subarray(headBytes, headBytes + 32),
    signature64: bytes.subarray(headBytes + 32),
  };
}

/** What the second signature of a head answer is over; the caller's. */
export function answerSignInput(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  statusKeyId32: Uint8Array,
  head: Uint8Array,
  nonce32: Uint8Array,
): Uint8Array {
  return signInputOf(provider, labels.headNonce, statusKeyId32, authorityId32, head.subarray(0, signedBytes), nonce32);
}

const magic = ascii('TDHD');
const hashPrefix = ascii(`${labels.headHash}\0`);
const headBytes = 264;
const signedBytes = 200;
const groupLeafKind = 0x01;
const leafBytesCount = 57;
const pathOffset = headBytes + leafBytesCount + 9;
const maxPathLength = 64;
const answerBytes = headBytes + 32 + 64;
const nothing = new Uint8Array(0);
