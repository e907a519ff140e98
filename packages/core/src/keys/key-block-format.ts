import {
  ascii,
  compareBytes,
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
import { keyBlockKinds } from '../codepoints/key-block-kinds.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import { rootOfPath } from '../crypto/merkle.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { firstLeafOf, lastLeafOf } from './complete-subtree.ts';
import { checkAsReceiver } from './receiver-check.ts';
import { signInputOf } from './sign-input.ts';
import { leafHashOf, treeHead } from './tree-head.ts';

/*
 * block = hdr184 ‖ epoch_commit32 ‖ u32 count ‖ entries ‖ u32 private_len ‖ private ‖ signature64
 * partial block = "TDKP" ‖ hdr184 ‖ epoch_commit32 ‖ u32 count ‖ u32 index ‖ entry ‖ u8 path_len ‖ path ‖ u32 private_len ‖ private ‖ signature64
 */

/** The 184 bytes at the front of a key block, as chapter 08 names them. Times are in ms; byte fields are as long as their names say. */
export interface KeyBlockHeader {
  readonly kind: number;
  readonly suite: number;
  readonly groupId16: Uint8Array;
  readonly generation: number;
  readonly epoch: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Until when envelopes of the previous epoch are accepted. */
  readonly drainUntilMs: number;
  readonly salt16: Uint8Array;
  readonly prevBlockHash32: Uint8Array;
  readonly policyRoot32: Uint8Array;
  readonly controllerKeyId32: Uint8Array;
  readonly policyVersion: number;
  /** First epoch of the generation. */
  readonly baseEpoch: number;
  readonly purpose: number;
  /** Bits of {@link keyBlockFlags}. */
  readonly flags: number;
  /** Of the tree; 0 but for kind 2. */
  readonly height: number;
}

/** Flags of a key block. */
export const keyBlockFlags = {
  /** The block revokes: sealing goes over to it at once (groups.25). */
  revocation: 0x01,
} as const;

/** Bytes of the header of a key block. */
const blockHeaderBytes = 184;

/** Bytes of one entry, by kind. */
const entryBytes: ReadonlyMap<number, number> = new Map([
  [keyBlockKinds.list, 96],
  [keyBlockKinds.completeSubtree, 56],
  [keyBlockKinds.psk, 0],
]);

const purposeNumbers: ReadonlySet<number> = new Set(Object.values(purposes));

/**
 * Writes the header of a key block.
 *
 * @returns 184 bytes, the caller's
 * @throws TridcommError `E_LIMIT` for a number above its limit; `E_USAGE` for anything else that a receiver would refuse
 */
export function encodeBlockHeader(header: KeyBlockHeader): Uint8Array {
  const bytes = new Uint8Array(blockHeaderBytes);
  bytes.set(wholeMagic);
  bytes[4] = formatVersion;
  bytes[5] = header.kind;
  writeU16(bytes, 6, header.suite);
  setField(bytes, 8, 'groupId16', header.groupId16, 16);
  writeU32(bytes, 24, header.generation);
  writeU32(bytes, 28, header.epoch);
  setU64(bytes, 32, 'notBeforeMs', header.notBeforeMs);
  setU64(bytes, 40, 'notAfterMs', header.notAfterMs);
  setU64(bytes, 48, 'drainUntilMs', header.drainUntilMs);
  setField(bytes, 56, 'salt16', header.salt16, 16);
  setField(bytes, 72, 'prevBlockHash32', header.prevBlockHash32, 32);
  setField(bytes, 104, 'policyRoot32', header.policyRoot32, 32);
  setField(bytes, 136, 'controllerKeyId32', header.controllerKeyId32, 32);
  setU64(bytes, 168, 'policyVersion', header.policyVersion);
  writeU32(bytes, 176, header.baseEpoch);
  bytes[180] = header.purpose;
  bytes[181] = header.flags;
  bytes[182] = header.height;
  checkWritten(header, bytes);
  return bytes;
}

/** What was written must read as what was asked for, and be what a receiver takes. */
function checkWritten(header: KeyBlockHeader, bytes: Uint8Array): void {
  checkAsReceiver('key block', () => {
    checkHeaderForm(bytes, false);
    checkHeaderLimits(decodeHeader(bytes));
    checkHeaderSense(decodeHeader(bytes), 0);
  });
  const read = decodeHeader(bytes);
  for (const name of ['kind', 'suite', 'generation', 'epoch', 'baseEpoch', 'purpose', 'flags', 'height'] as const) {
    if (read[name] !== header[name])
      throw new TridcommError('E_USAGE', `${name} ${header[name]} does not fit its field`);
  }
}

function setField(bytes: Uint8Array, offset: number, name: string, value: Uint8Array, width: number): void {
  if (value.length !== width) throw new TridcommError('E_USAGE', `${name} of ${value.length} bytes, not ${width}`);
  bytes.set(value, offset);
}

function setU64(bytes: Uint8Array, offset: number, name: string, value: number): void {
  checkLimit(name, value, limits.safeInteger);
  if (!Number.isInteger(value) || value < 0) throw new TridcommError('E_USAGE', `${name} ${value}`);
  writeU64(bytes, offset, value);
}

/**
 * Reads a whole or partial key block: steps 1 to 6 of the checks, nothing of which needs a key.
 *
 * No count is believed before the lengths add up, and nothing is copied: the block keeps views of the bytes.
 *
 * @param bytes - as received; kept, and not to be changed while the block is in use
 * @throws TridcommError `E_LENGTH`, `E_LIMIT`, `E_ENCODING`, `E_VERSION`, `E_SUITE`, `E_PROOF`, by the first check that fails
 * @spec groups.3, groups.4
 */
export function parseBlock(provider: CryptoProvider, bytes: Uint8Array): ParsedBlock {
  const isPartial = startsWith(bytes, partialMagic);
  const least = isPartial ? leastPartialBytes : leastWholeBytes;
  if (bytes.length < least)
    throw new TridcommError('E_LENGTH', `key block of ${bytes.length} bytes, at least ${least}`);
  checkLimit('key block bytes', bytes.length, limits.keyBlockBytes);
  const body = isPartial ? bytes.subarray(partialMagic.length) : bytes;
  checkHeaderForm(body, isPartial);
  const header = decodeHeader(body);
  checkHeaderLimits(header);
  const count = readU32(body, countAt);
  checkLimit('key block count', count, limits.keyBlockEntries);
  const layout = layoutOf(body, header.kind, count, isPartial);
  if (layout.privateBytes !== undefined) {
    checkLimit('key block private_len', layout.privateBytes, limits.keyBlockPrivateBytes);
  }
  checkHeaderSense(header, count);
  if (layout.end !== body.length) throw new TridcommError('E_LENGTH', `key block of ${body.length} bytes`);
  if (isPartial) checkProofForm(layout, count);
  const block = new ParsedBlock(provider, body, header, layout, isPartial);
  block.checkEntries();
  return block;
}

/** Step 2. */
function checkHeaderForm(header: Uint8Array, isPartial: boolean): void {
  if (!startsWith(header, wholeMagic)) throw new TridcommError('E_ENCODING', 'not a key block');
  if (header[4] !== formatVersion) throw new TridcommError('E_VERSION', `key block version ${header[4]}`);
  const kind = header[5]!;
  if (!entryBytes.has(kind) || (isPartial && kind === keyBlockKinds.psk)) {
    throw new TridcommError('E_ENCODING', `key block kind ${kind}`);
  }
  const suite = readU16(header, 6);
  if (aeadOfSuite(suite) === undefined) throw new TridcommError('E_SUITE', `key block suite ${suite}`);
  if ((header[181]! & ~keyBlockFlags.revocation) !== 0) {
    throw new TridcommError('E_ENCODING', `key block flags ${header[181]}`);
  }
  if (header[183] !== 0) throw new TridcommError('E_ENCODING', `last byte ${header[183]} of a key block header`);
  if (!purposeNumbers.has(header[180]!)) throw new TridcommError('E_ENCODING', `key block purpose ${header[180]}`);
}

/** Step 3, what the header alone can break. */
function checkHeaderLimits(header: KeyBlockHeader): void {
  checkLimit('not_before', header.notBeforeMs, limits.safeInteger);
  checkLimit('not_after', header.notAfterMs, limits.safeInteger);
  checkLimit('drain_until', header.drainUntilMs, limits.safeInteger);
  checkLimit('policy_version', header.policyVersion, limits.safeInteger);
  checkLimit('tree height', header.height, limits.treeHeight);
  checkLimit('epochs of the generation', header.epoch - header.baseEpoch, limits.generationEpochs);
}

/** Step 4. */
function checkHeaderSense(header: KeyBlockHeader, count: number): void {
  const { kind, height, baseEpoch, epoch, notBeforeMs, notAfterMs } = header;
  if (height !== 0 && kind !== keyBlockKinds.completeSubtree) {
    throw new TridcommError('E_ENCODING', `tree height ${height} in a block of kind ${kind}`);
  }
  if (baseEpoch > epoch) throw new TridcommError('E_ENCODING', `base_epoch ${baseEpoch} above epoch ${epoch}`);
  if (notBeforeMs > notAfterMs) throw new TridcommError('E_ENCODING', 'not_before above not_after');
  if (count !== 0 && kind === keyBlockKinds.psk)
    throw new TridcommError('E_ENCODING', `${count} entries of a psk block`);
}

/** The header's fields, before any check; byte fields are copies. */
function decodeHeader(bytes: Uint8Array): KeyBlockHeader {
  return {
    kind: bytes[5]!,
    suite: readU16(bytes, 6),
    groupId16: copyOf(bytes, 8, 24),
    generation: readU32(bytes, 24),
    epoch: readU32(bytes, 28),
    notBeforeMs: readU64(bytes, 32),
    notAfterMs: readU64(bytes, 40),
    drainUntilMs: readU64(bytes, 48),
    salt16: copyOf(bytes, 56, 72),
    prevBlockHash32: copyOf(bytes, 72, 104),
    policyRoot32: copyOf(bytes, 104, 136),
    controllerKeyId32: copyOf(bytes, 136, 168),
    policyVersion: readU64(bytes, 168),
    baseEpoch: readU32(bytes, 176),
    purpose: bytes[180]!,
    flags: bytes[181]!,
    height: bytes[182]!,
  };
}

/** Where the parts of a block begin; offsets count from its header. */
interface Layout {
  readonly entryBytes: number;
  readonly entriesAt: number;
  /** Entries that are in the bytes: all, or the one of a partial block. */
  readonly present: number;
  /** Number of the first of them in the whole block. */
  readonly first: number;
  readonly pathAt: number;
  readonly pathLength: number;
  readonly privateAt: number;
  /** Undefined where the number itself is beyond the end. */
  readonly privateBytes: number | undefined;
  /** Where the block ends by its own account; beyond any block where a number is beyond the end. */
  readonly end: number;
}

function layoutOf(body: Uint8Array, kind: number, count: number, isPartial: boolean): Layout {
  const width = entryBytes.get(kind)!;
  const entriesAt = isPartial ? countAt + 8 : countAt + 4;
  const present = isPartial ? 1 : count;
  const entriesEnd = entriesAt + present * width;
  // Beyond the end the length of the path reads as 0, and the number behind it is beyond the end too.
  const pathLength = isPartial ? (body[entriesEnd] ?? 0) : 0;
  const pathAt = isPartial ? entriesEnd + 1 : entriesEnd;
  const privateAt = pathAt + pathLength * 32 + 4;
  const privateBytes = privateAt <= body.length ? readU32(body, privateAt - 4) : undefined;
  return {
    entryBytes: width,
    entriesAt,
    present,
    first: isPartial ? readU32(body, countAt + 4) : 0,
    pathAt,
    pathLength,
    privateAt,
    privateBytes,
    end: privateBytes === undefined ? Infinity : privateAt + privateBytes + signatureBytes,
  };
}

function checkProofForm({ first, pathLength }: Layout, count: number): void {
  if (pathLength > mostPathHashes) {
    throw new TridcommError('E_PROOF', `path of ${pathLength} hashes, at most ${mostPathHashes}`);
  }
  if (first >= count) throw new TridcommError('E_PROOF', `entry ${first} of ${count}`);
}

/**
 * A key block whose form is right; who made it is not known yet. Byte fields are views of what was received, unless they are
 * hashes; these are made when they are first asked for.
 */
export class ParsedBlock {
  readonly header: KeyBlockHeader;
  /** hdr184. */
  readonly headerBytes: Uint8Array;
  readonly epochCommit32: Uint8Array;
  /** Entries of the whole block. */
  readonly count: number;
  readonly isPartial: boolean;
  /** The own part of the group, sealed. */
  readonly privateSealed: Uint8Array;
  readonly signature64: Uint8Array;
  readonly #provider: CryptoProvider;
  readonly #body: Uint8Array;
  readonly #layout: Layout;
  #groupContext32: Uint8Array | undefined;
  #entriesRoot32: Uint8Array | undefined;
  #statement: Uint8Array | undefined;

  /** For {@link parseBlock}, which knows that the lengths add up. */
  constructor(provider: CryptoProvider, body: Uint8Array, header: KeyBlockHeader, layout: Layout, isPartial: boolean) {
    this.#provider = provider;
    this.#body = body;
    this.#layout = layout;
    this.header = header;
    this.isPartial = isPartial;
    this.headerBytes = body.subarray(0, blockHeaderBytes);
    this.epochCommit32 = body.subarray(blockHeaderBytes, countAt);
    this.count = readU32(body, countAt);
    this.privateSealed = body.subarray(layout.privateAt, layout.end - signatureBytes);
    this.signature64 = body.subarray(layout.end - signatureBytes);
  }

  /** H(hdr184), 32 bytes. */
  get groupContext32(): Uint8Array {
    return (this.#groupContext32 ??= this.#provider.sha256(this.headerBytes));
  }

  /**
   * The tree head over the entries; of a partial block, that to which entry and path lead.
   *
   * @throws TridcommError `E_PROOF` for a path that has not the length that index and count ask for
   * @spec groups.6
   */
  get entriesRoot32(): Uint8Array {
    return (this.#entriesRoot32 ??= this.isPartial ? this.#rootOfPath() : treeHead(this.#provider, this.entries()));
  }

  /** @throws TridcommError as {@link entriesRoot32} */
  get blockHash32(): Uint8Array {
    return this.#provider.sha256(blockHashPrefix, this.headerBytes, this.#signedBody());
  }

  /**
   * What the controller signs.
   *
   * @throws TridcommError as {@link entriesRoot32}
   */
  get signInput(): Uint8Array {
    return blockSignInput(
      this.#provider,
      this.header.controllerKeyId32,
      this.groupContext32,
      this.headerBytes,
      this.#signedBody(),
    );
  }

  /** The entries that are in the bytes, in order, as views: all, or the one of a partial block. */
  entries(): Uint8Array[] {
    return Array.from({ length: this.#layout.present }, (_, i) => this.#presentEntry(i));
  }

  /** An entry by its number in the whole block, as a view; undefined where it is not in the bytes. */
  entry(index: number): Uint8Array | undefined {
    const at = index - this.#layout.first;
    return at >= 0 && at < this.#layout.present ? this.#presentEntry(at) : undefined;
  }

  /**
   * The number of the entry whose node covers a leaf, in a block of kind 2; undefined where there is none.
   *
   * Takes O(log count) steps.
   */
  indexOfLeaf(leaf: number): number | undefined {
    const { height } = this.header;
    const at = this.#lastNotBehind((i) => firstLeafOf(height, this.#node(i)) <= leaf);
    return at >= 0 && lastLeafOf(height, this.#node(at)) >= leaf ? at + this.#layout.first : undefined;
  }

  /**
   * The number of the entry of a name, in a block of kind 1; undefined where there is none.
   *
   * Takes O(log count) steps.
   *
   * @param id16 - {@link listEntryId} of a prekey
   */
  indexOfName(id16: Uint8Array): number | undefined {
    const at = this.#lastNotBehind((i) => compareBytes(this.#name(i), id16) <= 0);
    return at >= 0 && equalBytes(this.#name(at), id16) ? at + this.#layout.first : undefined;
  }

  /**
   * Step 6: the entries are in order and disjoint.
   *
   * @throws TridcommError `E_ENCODING`; `E_LIMIT` for a node number above 2^53−1
   * @spec groups.4
   */
  checkEntries(): void {
    const { kind, height } = this.header;
    const { present } = this.#layout;
    if (kind === keyBlockKinds.list) {
      for (let i = 1; i < present; i++) {
        if (compareBytes(this.#name(i - 1), this.#name(i)) >= 0)
          throw new TridcommError('E_ENCODING', `entry ${i} not in order`);
      }
    } else if (kind === keyBlockKinds.completeSubtree) {
      checkCoverOrder(height, present, (i) => this.#node(i));
    }
  }

  /** The last entry of which `holds` is true, when it is true of those up to some entry; −1 for none. */
  #lastNotBehind(holds: (index: number) => boolean): number {
    let low = -1;
    let high = this.#layout.present;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (holds(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  #presentEntry(index: number): Uint8Array {
    const { entriesAt, entryBytes: width } = this.#layout;
    return this.#body.subarray(entriesAt + index * width, entriesAt + (index + 1) * width);
  }

  #node(index: number): number {
    const { entriesAt, entryBytes: width } = this.#layout;
    return readU64(this.#body, entriesAt + index * width);
  }

  #name(index: number): Uint8Array {
    const { entriesAt, entryBytes: width } = this.#layout;
    return this.#body.subarray(entriesAt + index * width, entriesAt + index * width + 16);
  }

  #rootOfPath(): Uint8Array {
    const { pathAt, pathLength, first } = this.#layout;
    const path = this.#body.subarray(pathAt, pathAt + pathLength * 32);
    const leafHash32 = leafHashOf(this.#provider, this.#presentEntry(0));
    const root32 = rootOfPath(this.#provider, leafHash32, first, this.count, path);
    if (root32 === undefined) {
      throw new TridcommError('E_PROOF', `path of ${pathLength} hashes for entry ${first} of ${this.count}`);
    }
    return root32;
  }

  #signedBody(): Uint8Array {
    return (this.#statement ??= blockSignedBody(
      this.#provider,
      this.epochCommit32,
      this.count,
      this.entriesRoot32,
      this.privateSealed,
    ));
  }
}

/**
 * Whether nodes are of the tree, in order and disjoint, as the entries of a subtree block are.
 *
 * @param nodeAt - the node of each of the `count` entries
 * @throws TridcommError `E_ENCODING`; `E_LIMIT` for a node number above 2^53−1
 * @spec groups.4
 */
export function checkCoverOrder(height: number, count: number, nodeAt: (index: number) => number): void {
  const nodes = 2 ** (height + 1);
  for (let i = 0, lastLeaf = -1; i < count; i++) {
    const node = nodeAt(i);
    checkLimit('node', node, limits.safeInteger);
    if (!Number.isInteger(node) || node < 1 || node >= nodes) {
      throw new TridcommError('E_ENCODING', `node ${node} in a tree of height ${height}`);
    }
    if (firstLeafOf(height, node) <= lastLeaf) throw new TridcommError('E_ENCODING', `entry ${i} not in order`);
    lastLeaf = lastLeafOf(height, node);
  }
}

/** What is signed and hashed of a block besides its header: epoch_commit32 ‖ u32 count ‖ entries_root32 ‖ H(private). */
export function blockSignedBody(
  provider: CryptoProvider,
  epochCommit32: Uint8Array,
  count: number,
  entriesRoot32: Uint8Array,
  privateSealed: Uint8Array,
): Uint8Array {
  const counted = new Uint8Array(4);
  writeU32(counted, 0, count);
  return concat(epochCommit32, counted, entriesRoot32, provider.sha256(privateSealed));
}

/** What the controller signs of a block. */
export function blockSignInput(
  provider: CryptoProvider,
  controllerKeyId32: Uint8Array,
  groupContext32: Uint8Array,
  headerBytes: Uint8Array,
  signedBody: Uint8Array,
): Uint8Array {
  return signInputOf(provider, labels.keyBlock, controllerKeyId32, groupContext32, headerBytes, signedBody);
}

/** block_hash32, of a header and its {@link blockSignedBody}. */
export function blockHashOf(provider: CryptoProvider, headerBytes: Uint8Array, signedBody: Uint8Array): Uint8Array {
  return provider.sha256(blockHashPrefix, headerBytes, signedBody);
}

/** The name of an entry of a list block: 16 bytes that tell nobody whose it is who does not know the prekey. */
export function listEntryId(provider: CryptoProvider, groupContext32: Uint8Array, kemKeyId32: Uint8Array): Uint8Array {
  return copyOf(provider.sha256(listEntryPrefix, groupContext32, kemKeyId32), 0, 16);
}

function startsWith(bytes: Uint8Array, magic: Uint8Array): boolean {
  return equalBytes(bytes.subarray(0, magic.length), magic);
}

/** The magic of a partial block; a whole one begins with that of its header. */
export const partialMagic: Uint8Array = ascii('TDKP');
const wholeMagic = ascii('TDKB');
const formatVersion = 1;
const countAt = blockHeaderBytes + 32;
const signatureBytes = 64;
const leastWholeBytes = 288;
const leastPartialBytes = 297;
const mostPathHashes = 64;
const blockHashPrefix = ascii(`${labels.blockHash}\0`);
const listEntryPrefix = ascii(`${labels.listEntry}\0`);
