import { readU32 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { decodeExtensions, type Extensions, type MerkleExtension } from './extensions.ts';
import { areFlagsDefined, definedPatternKinds, definedSuites, flagBits, headerBytes, HeaderView } from './header.ts';
import { minRecordBytes } from './records.ts';

/*
 * envelope = header96 ‖ extensions ‖ keyinfo ‖ body ‖ signature64
 * job      = header96 ‖ extensions ‖ keyinfo ‖ u32 leaf ‖ u32 ct_len ‖ ct ‖ tag16 ‖ u8 path_len ‖ path ‖ signature64
 */

/** Bytes of a signature. */
export const signatureBytes = 64;

/** Bytes of an AEAD tag, in every suite. */
export const tagBytes = 16;
const nodeBytes = 32;
const jobFixedBytes = 4 + 4 + tagBytes + 1;

/** What an envelope and a job share; all byte fields are views of the bytes received. */
interface SealedView {
  readonly header: HeaderView;
  readonly extensions: Extensions;
  /** The header and the extensions, as received: PH. */
  readonly protectedHeader: Uint8Array;
  readonly keyinfo: Uint8Array;
  readonly signature: Uint8Array;
}

/** An envelope whose form is right: steps 1 to 6 of chapter 03 passed. Nothing in it is authenticated. */
export interface EnvelopeView extends SealedView {
  readonly body: Uint8Array;
}

/** A job whose form is right, in the same sense. */
export interface JobView extends SealedView {
  readonly leaf: number;
  /** ct ‖ tag. */
  readonly sealed: Uint8Array;
  /** path_len × 32 bytes. */
  readonly path: Uint8Array;
}

/** One leaf in the body of a Merkle batch. */
export interface LeafView {
  readonly leaf: number;
  /** ct ‖ tag, a view. */
  readonly sealed: Uint8Array;
}

/**
 * Checks the form of an envelope: steps 1 to 6 of chapter 03.
 *
 * @param bytes - as received, one whole envelope; kept and viewed, not changed
 * @throws TridcommError `E_LENGTH`, `E_LIMIT`, `E_ENCODING`, `E_VERSION`, `E_SUITE`, `E_EXT`
 * @spec envelope.27, envelope.31, framing.15, errors.2
 */
export function parseEnvelope(bytes: Uint8Array): EnvelopeView {
  const header = decodeHeader(bytes);
  const { extensionsLengthBytes, keyinfoLengthBytes, bodyLengthBytes } = header;
  const bodyAt = headerBytes + extensionsLengthBytes + keyinfoLengthBytes;
  checkSum(bodyAt + bodyLengthBytes + signatureBytes, bytes.length);
  const shared = parseShared(bytes, header);
  const body = bytes.subarray(bodyAt, bodyAt + bodyLengthBytes);
  checkBody(header, shared.extensions, body);
  return { ...shared, body };
}

/**
 * Checks the form of a job: steps 1 to 6 of chapter 03.
 *
 * @param bytes - as received, one whole job; kept and viewed, not changed
 * @throws TridcommError as {@link parseEnvelope}
 * @spec envelope.24, envelope.27, envelope.31, framing.15
 */
export function parseJob(bytes: Uint8Array): JobView {
  const header = decodeHeader(bytes, true);
  const leafAt = headerBytes + header.extensionsLengthBytes + header.keyinfoLengthBytes;
  if (bytes.length < leafAt + jobFixedBytes + signatureBytes) {
    throw new TridcommError('E_LENGTH', `job of ${bytes.length} bytes ends inside its fixed fields`);
  }
  const ciphertextBytes = readU32(bytes, leafAt + 4);
  const pathLengthAt = leafAt + 8 + ciphertextBytes + tagBytes;
  if (pathLengthAt >= bytes.length) throw new TridcommError('E_LENGTH', `ct_len ${ciphertextBytes} overruns the job`);
  const pathBytes = bytes[pathLengthAt]! * nodeBytes;
  checkSum(pathLengthAt + 1 + pathBytes + signatureBytes, bytes.length);
  const shared = parseShared(bytes, header);
  const leaf = readU32(bytes, leafAt);
  const merkle = checkMerkle(header, shared.extensions);
  checkPlaintext(ciphertextBytes);
  if (leaf < merkle.leafCount) checkLeafSize(ciphertextBytes, recordsInLeaf(header.count, merkle, leaf));
  return {
    ...shared,
    leaf,
    sealed: bytes.subarray(leafAt + 8, pathLengthAt),
    path: bytes.subarray(pathLengthAt + 1, pathLengthAt + 1 + pathBytes),
  };
}

/** How many records leaf `leaf` holds; it is below the leaf count. */
export function recordsInLeaf(count: number, merkle: MerkleExtension, leaf: number): number {
  return Math.min(merkle.jobsPerLeaf, count - leaf * merkle.jobsPerLeaf);
}

/**
 * The leaves of a Merkle batch, in order.
 *
 * @throws TridcommError `E_LENGTH` where they do not end with the body
 * @spec envelope.22
 */
export function* leavesOf(body: Uint8Array, leafCount: number): Generator<LeafView, void, undefined> {
  let offset = 0;
  for (let leaf = 0; leaf < leafCount; leaf++) {
    const sealedAt = offset + 4;
    const end = sealedAt > body.length ? Infinity : sealedAt + readU32(body, offset) + tagBytes;
    if (end > body.length) throw new TridcommError('E_LENGTH', `leaf ${leaf} overruns the body`);
    yield { leaf, sealed: body.subarray(sealedAt, end) };
    offset = end;
  }
  if (offset !== body.length) throw new TridcommError('E_LENGTH', `${body.length - offset} bytes after the last leaf`);
}

/**
 * Reads the header of what may be an envelope: steps 1 to 3 of chapter 03, and the limits of step 4.
 *
 * What a broker needs before it forwards; allocates the view and nothing else.
 *
 * @param bytes - an envelope or a job as received; kept and viewed, not changed
 * @param asJob - whether it came as a job
 * @throws TridcommError `E_LENGTH`, `E_LIMIT`, `E_ENCODING`, `E_VERSION`, `E_SUITE`
 * @spec envelope.32, envelope.33, envelope.34
 */
export function decodeHeader(bytes: Uint8Array, asJob = false): HeaderView {
  if (bytes.length < headerBytes + signatureBytes)
    throw new TridcommError('E_LENGTH', `${bytes.length} bytes, at least 160`);
  if (bytes.length > limits.envelopeBytes) throw new TridcommError('E_LIMIT', `${bytes.length} bytes, at most 1048576`);
  if (bytes[0] !== 0x54 || bytes[1] !== 0x44) throw new TridcommError('E_ENCODING', 'magic is not 54 44');
  if (bytes[2] !== 1) throw new TridcommError('E_VERSION', `version ${bytes[2]}, not 1`);
  const header = new HeaderView(bytes);
  const { suite, flags, patternKind } = header;
  if (!definedSuites.has(suite)) throw new TridcommError('E_SUITE', `suite ${suite} is not known`);
  if (!areFlagsDefined(flags)) throw new TridcommError('E_ENCODING', `flags ${flags} are not defined`);
  if (!definedPatternKinds.has(patternKind)) {
    throw new TridcommError('E_ENCODING', `pattern and kind ${patternKind} are not defined`);
  }
  if (asJob && (flags & flagBits.merkle) === 0) throw new TridcommError('E_ENCODING', 'job without the Merkle flag');
  checkLimit('ext_len', header.extensionsLengthBytes, limits.extensionsBytes);
  checkLimit('keyinfo_len', header.keyinfoLengthBytes, limits.keyinfoBytes);
  checkLimit('body_len', header.bodyLengthBytes, limits.bodyBytes);
  return header;
}

/** Step 5, and the fixed fields of step 6. */
function parseShared(bytes: Uint8Array, header: HeaderView): SealedView {
  const { seq } = header;
  const keyinfoAt = headerBytes + header.extensionsLengthBytes;
  const merkle = (header.flags & flagBits.merkle) !== 0;
  const extensions = decodeExtensions(bytes.subarray(headerBytes, keyinfoAt), { merkle, seq });
  checkNumbers(header);
  return {
    header,
    extensions,
    protectedHeader: bytes.subarray(0, keyinfoAt),
    keyinfo: bytes.subarray(keyinfoAt, keyinfoAt + header.keyinfoLengthBytes),
    signature: bytes.subarray(bytes.length - signatureBytes),
  };
}

/** @spec envelope.35, envelope.36 */
function checkNumbers(header: HeaderView): void {
  const { count, seq, flags } = header;
  if (count === 0) throw new TridcommError('E_ENCODING', 'count 0');
  if (seq === 0) throw new TridcommError('E_ENCODING', 'seq 0');
  checkLimit('count', count, limits.recordsCount);
  checkLimit('seq', seq, limits.streamSeq);
  checkLimit('timestamp', header.timestampMs, limits.safeInteger);
  if ((flags & flagBits.batch) === 0 && count !== 1)
    throw new TridcommError('E_ENCODING', `single with count ${count}`);
}

/** The rest of step 6 for an envelope. */
function checkBody(header: HeaderView, extensions: Extensions, body: Uint8Array): void {
  const { flags, count } = header;
  if ((flags & flagBits.merkle) === 0) {
    checkPlaintext(body.length - tagBytes);
    const least = (flags & flagBits.batch) === 0 ? 0 : minRecordBytes * count;
    if (body.length - tagBytes < least)
      throw new TridcommError('E_ENCODING', `body_len ${body.length} for count ${count}`);
    return;
  }
  const merkle = checkMerkle(header, extensions);
  let plaintextBytes = 0;
  for (const { sealed } of leavesOf(body, merkle.leafCount)) plaintextBytes += sealed.length - tagBytes;
  checkPlaintext(plaintextBytes);
  for (const { leaf, sealed } of leavesOf(body, merkle.leafCount)) {
    checkLeafSize(sealed.length - tagBytes, recordsInLeaf(count, merkle, leaf));
  }
}

/** @spec envelope.21, envelope.35, envelope.36 */
function checkMerkle(header: HeaderView, extensions: Extensions): MerkleExtension {
  const merkle = extensions.merkle!;
  const { leafCount, jobsPerLeaf } = merkle;
  checkLimit('leaf_count', leafCount, limits.leavesCount);
  if (jobsPerLeaf === 0) throw new TridcommError('E_ENCODING', 'jobs_per_leaf 0');
  if (leafCount !== Math.ceil(header.count / jobsPerLeaf)) {
    throw new TridcommError('E_ENCODING', `leaf_count ${leafCount} for count ${header.count} at ${jobsPerLeaf}`);
  }
  if (header.bodyLengthBytes < (4 + tagBytes) * leafCount + minRecordBytes * header.count) {
    throw new TridcommError('E_ENCODING', `body_len ${header.bodyLengthBytes} for count ${header.count}`);
  }
  return merkle;
}

/** @spec envelope.35 */
function checkLeafSize(ciphertextBytes: number, records: number): void {
  if (ciphertextBytes < minRecordBytes * records) {
    throw new TridcommError('E_ENCODING', `leaf of ${ciphertextBytes} bytes for ${records} records`);
  }
}

function checkPlaintext(lengthBytes: number): void {
  checkLimit('plaintext', lengthBytes, limits.plaintextBytes);
}

function checkSum(expected: number, received: number): void {
  if (expected !== received)
    throw new TridcommError('E_LENGTH', `lengths add up to ${expected} bytes, ${received} received`);
}
