import {
  ascii,
  checkWidth,
  concat,
  copyOf,
  equalBytes,
  readU16,
  readU32,
  readU64,
  writeU16,
  writeU32,
  writeU64,
} from '../bytes/bytes.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { keyBlockKinds } from '../codepoints/key-block-kinds.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { aeadTagBytes } from '../crypto/argument-checks.ts';
import type { CryptoProvider, KeyPair, RandomSource } from '../crypto/provider.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { sealBase } from '../hpke/one-shot.ts';
import { nodeKeyBytes } from './complete-subtree.ts';
import type { PublicKey } from './public-key.ts';
import { openSealedToPrekey } from './sealed-to-prekey.ts';
import { signInputOf } from './sign-input.ts';
import type { SigningKey } from './signing-key.ts';

/*
 * enrolment = hdr160 ‖ enc32 ‖ ct, (height + 1) × 32 + 16 bytes ‖ signature64
 */

/** What the controller says of an enrolment; byte fields are as long as their names say. */
export interface EnrolmentFields {
  readonly suite: number;
  readonly groupId16: Uint8Array;
  readonly generation: number;
  /** To which the node keys have been stepped. */
  readonly epoch: number;
  readonly height: number;
  readonly leaf: number;
  readonly memberKeyId32: Uint8Array;
  readonly issuedMs: number;
  readonly policyVersion: number;
}

/** The 160 bytes at the front of an enrolment. */
export interface EnrolmentHeader extends EnrolmentFields {
  readonly kind: number;
  /** Of the prekey that the node keys are sealed to. */
  readonly kemKeyId32: Uint8Array;
  readonly controllerKeyId32: Uint8Array;
}

/** An enrolment whose form is right; who made it is not known yet. Byte fields are views of what was received. */
export interface ParsedEnrolment {
  readonly header: EnrolmentHeader;
  /** hdr160. */
  readonly headerBytes: Uint8Array;
  /** enc32 ‖ ct. */
  readonly sealedBytes: Uint8Array;
  readonly signature64: Uint8Array;
}

/**
 * Gives one member its leaf; the caller's.
 *
 * @param authorityId32 - whose group it is
 * @param prekey - the member's, X25519
 * @param nodeKeys - (height + 1) × 32 bytes, from the leaf to the root, stepped to the epoch; not changed, not kept
 * @param random - draws 32 bytes, for the ephemeral
 * @throws TridcommError `E_LIMIT` for a number above its limit; `E_USAGE` for anything else that a member would refuse
 * @spec conventions.5
 */
export function makeEnrolment(
  provider: CryptoProvider,
  fields: EnrolmentFields,
  controller: SigningKey,
  authorityId32: Uint8Array,
  prekey: PublicKey,
  nodeKeys: Uint8Array,
  random: RandomSource,
): Uint8Array {
  const aead = aeadOfSuite(fields.suite);
  if (aead === undefined) throw new TridcommError('E_USAGE', `suite ${fields.suite} is not known`);
  if (prekey.alg !== keyAlgorithms.x25519) throw new TridcommError('E_USAGE', `prekey of algorithm ${prekey.alg}`);
  const headerBytes = encodeHeader(fields, prekey.keyId32, controller.keyId32);
  if (nodeKeys.length !== (fields.height + 1) * nodeKeyBytes) {
    throw new TridcommError('E_USAGE', `node keys of ${nodeKeys.length} bytes for a tree of height ${fields.height}`);
  }
  const info = enrolmentInfo(provider, headerBytes);
  const { enc32, sealed } = sealBase(provider, aead, prekey.publicKey32, info, none, nodeKeys, random);
  const sealedBytes = concat(enc32, sealed);
  const signInput = signInputOf(
    provider,
    labels.enrolment,
    controller.keyId32,
    authorityId32,
    headerBytes,
    sealedBytes,
  );
  return concat(headerBytes, sealedBytes, controller.sign(signInput));
}

/**
 * Reads an enrolment: the checks up to its length, nothing of which needs a key.
 *
 * @param bytes - as received; kept, and not to be changed while the enrolment is in use
 * @throws TridcommError `E_LENGTH`, `E_ENCODING`, `E_VERSION`, `E_SUITE`, `E_LIMIT`, by the first check that fails
 * @spec groups.13
 */
export function parseEnrolment(bytes: Uint8Array): ParsedEnrolment {
  if (bytes.length < leastBytes) {
    throw new TridcommError('E_LENGTH', `enrolment of ${bytes.length} bytes, at least ${leastBytes}`);
  }
  if (!equalBytes(bytes.subarray(0, magic.length), magic)) throw new TridcommError('E_ENCODING', 'not an enrolment');
  if (bytes[4] !== formatVersion) throw new TridcommError('E_VERSION', `enrolment version ${bytes[4]}`);
  const header = decodeHeader(bytes);
  const { kind, suite, height, leaf, issuedMs, policyVersion } = header;
  if (kind !== keyBlockKinds.completeSubtree) throw new TridcommError('E_ENCODING', `enrolment of kind ${kind}`);
  if (aeadOfSuite(suite) === undefined) throw new TridcommError('E_SUITE', `enrolment suite ${suite}`);
  if (bytes.subarray(33, 40).some((byte) => byte !== 0))
    throw new TridcommError('E_ENCODING', 'enrolment without its zero bytes');
  checkLimit('leaf', leaf, limits.safeInteger);
  checkLimit('issued', issuedMs, limits.safeInteger);
  checkLimit('policy_version', policyVersion, limits.safeInteger);
  checkLimit('tree height', height, limits.treeHeight);
  if (leaf >= 2 ** height) throw new TridcommError('E_ENCODING', `leaf ${leaf} in a tree of height ${height}`);
  const length = leastBytes + height * nodeKeyBytes;
  if (bytes.length !== length) throw new TridcommError('E_LENGTH', `enrolment of ${bytes.length} bytes, not ${length}`);
  return {
    header,
    headerBytes: bytes.subarray(0, headerBytesCount),
    sealedBytes: bytes.subarray(headerBytesCount, -signatureBytes),
    signature64: bytes.subarray(-signatureBytes),
  };
}

/** What the controller signs of an enrolment. */
export function enrolmentSignInput(
  provider: CryptoProvider,
  { header, headerBytes, sealedBytes }: ParsedEnrolment,
  authorityId32: Uint8Array,
): Uint8Array {
  return signInputOf(provider, labels.enrolment, header.controllerKeyId32, authorityId32, headerBytes, sealedBytes);
}

/**
 * The node keys of an enrolment, from the leaf to the root; undefined where they do not open. The caller's.
 *
 * @param prekey - that of the enrolment's `kem_key_id32`
 */
export function openEnrolment(
  provider: CryptoProvider,
  { header, headerBytes, sealedBytes }: ParsedEnrolment,
  prekey: KeyPair,
): Uint8Array | undefined {
  const aead = aeadOfSuite(header.suite)!;
  const enc32 = sealedBytes.subarray(0, 32);
  return openSealedToPrekey(
    provider,
    aead,
    enc32,
    prekey,
    enrolmentInfo(provider, headerBytes),
    none,
    sealedBytes.subarray(32),
  );
}

function encodeHeader(fields: EnrolmentFields, kemKeyId32: Uint8Array, controllerKeyId32: Uint8Array): Uint8Array {
  const { suite, groupId16, generation, epoch, height, leaf, memberKeyId32, issuedMs, policyVersion } = fields;
  checkLimit('tree height', height, limits.treeHeight);
  checkLimit('issued', issuedMs, limits.safeInteger);
  checkLimit('policy_version', policyVersion, limits.safeInteger);
  if (leaf >= 2 ** height) throw new TridcommError('E_USAGE', `leaf ${leaf} in a tree of height ${height}`);
  checkWidth('groupId16', groupId16, 16);
  checkWidth('memberKeyId32', memberKeyId32, 32);
  const bytes = new Uint8Array(headerBytesCount);
  bytes.set(magic);
  bytes[4] = formatVersion;
  bytes[5] = keyBlockKinds.completeSubtree;
  writeU16(bytes, 6, suite);
  bytes.set(groupId16, 8);
  writeU32(bytes, 24, generation);
  writeU32(bytes, 28, epoch);
  bytes[32] = height;
  writeU64(bytes, 40, leaf);
  bytes.set(memberKeyId32, 48);
  bytes.set(kemKeyId32, 80);
  bytes.set(controllerKeyId32, 112);
  writeU64(bytes, 144, issuedMs);
  writeU64(bytes, 152, policyVersion);
  return bytes;
}

function decodeHeader(bytes: Uint8Array): EnrolmentHeader {
  return {
    kind: bytes[5]!,
    suite: readU16(bytes, 6),
    groupId16: copyOf(bytes, 8, 24),
    generation: readU32(bytes, 24),
    epoch: readU32(bytes, 28),
    height: bytes[32]!,
    leaf: readU64(bytes, 40),
    memberKeyId32: copyOf(bytes, 48, 80),
    kemKeyId32: copyOf(bytes, 80, 112),
    controllerKeyId32: copyOf(bytes, 112, 144),
    issuedMs: readU64(bytes, 144),
    policyVersion: readU64(bytes, 152),
  };
}

/** The whole header is in it, so the keys open for no other leaf, epoch or group. */
function enrolmentInfo(provider: CryptoProvider, headerBytes: Uint8Array): Uint8Array {
  return concat(infoPrefix, provider.sha256(headerBytes));
}

const none: Uint8Array = new Uint8Array(0);
const magic = ascii('TDEN');
const formatVersion = 1;
const headerBytesCount = 160;
const signatureBytes = 64;
const leastBytes = headerBytesCount + 32 + nodeKeyBytes + aeadTagBytes + signatureBytes;
const infoPrefix = ascii(`${labels.enrolmentInfo}\0`);
