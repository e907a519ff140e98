import { ascii, checkWidth, compareBytes, concat, equalBytes, writeU32, writeU64 } from '../bytes/bytes.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { keyBlockKinds } from '../codepoints/key-block-kinds.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { aeadTagBytes } from '../crypto/argument-checks.ts';
import { expandLabel } from '../crypto/key-schedule.ts';
import type { AeadAlgorithm, CryptoProvider, KeyPair, RandomSource } from '../crypto/provider.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { sealBase } from '../hpke/one-shot.ts';
import { nodeKeyBytes } from './complete-subtree.ts';
import {
  blockHashOf,
  blockSignedBody,
  blockSignInput,
  checkCoverOrder,
  encodeBlockHeader,
  listEntryId,
  parseBlock,
  partialMagic,
  type KeyBlockHeader,
  type ParsedBlock,
} from './key-block-format.ts';
import type { PublicKey } from './public-key.ts';
import { checkAsReceiver } from './receiver-check.ts';
import { openSealedToPrekey } from './sealed-to-prekey.ts';
import type { SigningKey } from './signing-key.ts';
import { treeHead, treePath } from './tree-head.ts';

/** A key block that its controller made; everything is the caller's. */
export interface MadeBlock {
  readonly bytes: Uint8Array;
  readonly groupContext32: Uint8Array;
  readonly epochCommit32: Uint8Array;
  readonly blockHash32: Uint8Array;
  /** What the block gives to its members: to be erased when the epoch is closed. */
  readonly epochSecret32: Uint8Array;
}

/** A node of a cover with its key at the epoch of the block. */
export interface CoverNode {
  readonly node: number;
  readonly key32: Uint8Array;
}

/**
 * A block of kind 1: one entry for each recipient.
 *
 * @param header - of kind 1, with the controller's key id
 * @param privateBody - the group's own part, by `encodeGroupPrivate`; not changed, not kept
 * @param recipients - prekeys, in any order, none twice
 * @param random - draws the epoch secret, then 32 bytes for each entry in their order
 * @throws TridcommError `E_LIMIT` for more than 65,536 recipients or too large an own part; `E_USAGE` for what no receiver takes
 * @spec groups.19, conventions.5
 */
export function makeListBlock(
  provider: CryptoProvider,
  header: KeyBlockHeader,
  controller: SigningKey,
  privateBody: Uint8Array,
  recipients: readonly PublicKey[],
  random: RandomSource,
): MadeBlock {
  const draft = draftBlock(provider, header, controller, keyBlockKinds.list, recipients.length);
  const { groupContext32, aead } = draft;
  const epochSecret32 = drawSecret(random);
  const epochCommit32 = epochCommitOf(provider, epochSecret32, groupContext32);
  const info = listInfo(groupContext32);
  const named = recipients.map((prekey) => ({ prekey, id16: listEntryId(provider, groupContext32, prekey.keyId32) }));
  named.sort((a, b) => compareBytes(a.id16, b.id16));
  const entries = named.map(({ prekey, id16 }, i) => {
    if (prekey.alg !== keyAlgorithms.x25519) throw new TridcommError('E_USAGE', `prekey of algorithm ${prekey.alg}`);
    if (i > 0 && equalBytes(named[i - 1]!.id16, id16)) throw new TridcommError('E_USAGE', 'one recipient twice');
    const aad = concat(epochCommit32, id16);
    const { enc32, sealed } = sealBase(provider, aead, prekey.publicKey32, info, aad, epochSecret32, random);
    return concat(id16, enc32, sealed);
  });
  return finishBlock(provider, draft, controller, privateBody, epochSecret32, epochCommit32, entries);
}

/**
 * A block of kind 2: one entry for each node of the cover.
 *
 * @param header - of kind 2, with the controller's key id
 * @param privateBody - as for {@link makeListBlock}
 * @param nodes - by their first leaf, as `coverOf` gives them, with the keys at the epoch of the block; not changed, not kept
 * @param random - draws the epoch secret
 * @throws TridcommError as {@link makeListBlock}
 * @spec groups.19, conventions.5
 */
export function makeSubtreeBlock(
  provider: CryptoProvider,
  header: KeyBlockHeader,
  controller: SigningKey,
  privateBody: Uint8Array,
  nodes: readonly CoverNode[],
  random: RandomSource,
): MadeBlock {
  const draft = draftBlock(provider, header, controller, keyBlockKinds.completeSubtree, nodes.length);
  checkAsReceiver('cover', () => {
    checkCoverOrder(header.height, nodes.length, (i) => nodes[i]!.node);
  });
  const { groupContext32, aead } = draft;
  const epochSecret32 = drawSecret(random);
  const epochCommit32 = epochCommitOf(provider, epochSecret32, groupContext32);
  const aad = concat(groupContext32, epochCommit32);
  const entries = nodes.map(({ node, key32 }) => {
    checkWidth('node key', key32, nodeKeyBytes);
    const node8 = new Uint8Array(8);
    writeU64(node8, 0, node);
    const wrap32 = wrapKeyOf(provider, key32, groupContext32, node8);
    const sealed = provider.aeadSeal(aead, wrap32, zeroNonce12, aad, epochSecret32);
    wrap32.fill(0);
    return concat(node8, sealed);
  });
  return finishBlock(provider, draft, controller, privateBody, epochSecret32, epochCommit32, entries);
}

/**
 * A block of kind 5: its secret follows from one that the members have already.
 *
 * @param header - of kind 5, with the controller's key id
 * @param privateBody - as for {@link makeListBlock}
 * @param psk32 - 32 uniform bytes, never a password: `epoch_commit32` would let anyone try passwords
 * @throws TridcommError as {@link makeListBlock}
 */
export function makePskBlock(
  provider: CryptoProvider,
  header: KeyBlockHeader,
  controller: SigningKey,
  privateBody: Uint8Array,
  psk32: Uint8Array,
): MadeBlock {
  const draft = draftBlock(provider, header, controller, keyBlockKinds.psk, 0);
  const epochSecret32 = secretOfPsk(provider, psk32, draft.groupContext32);
  const epochCommit32 = epochCommitOf(provider, epochSecret32, draft.groupContext32);
  return finishBlock(provider, draft, controller, privateBody, epochSecret32, epochCommit32, []);
}

/**
 * One entry of a whole block with its proof: what a member of a large group needs instead of the block.
 *
 * @param bytes - a whole block of kind 1 or 2; not changed
 * @param index - of the entry: `ParsedBlock.indexOfLeaf`, `indexOfName`
 * @returns the partial block, the caller's
 * @throws TridcommError as `parseBlock`; `E_PROOF` where there is no such entry; `E_USAGE` for a partial block
 */
export function partialBlock(provider: CryptoProvider, bytes: Uint8Array, index: number): Uint8Array {
  const block = parseBlock(provider, bytes);
  if (block.isPartial) throw new TridcommError('E_USAGE', 'a partial block has no parts');
  const entry = block.entry(index);
  if (entry === undefined) throw new TridcommError('E_PROOF', `entry ${index} of ${block.count}`);
  const path = treePath(provider, block.entries(), index);
  return concat(
    partialMagic,
    block.headerBytes,
    block.epochCommit32,
    u32(block.count),
    u32(index),
    entry,
    Uint8Array.of(path.length / 32),
    path,
    u32(block.privateSealed.length),
    block.privateSealed,
    block.signature64,
  );
}

/**
 * The epoch secret of a list entry; undefined where it does not open. 32 bytes, the caller's.
 *
 * @param entry - of the block, named after the prekey
 */
export function openListEntry(
  provider: CryptoProvider,
  block: ParsedBlock,
  entry: Uint8Array,
  prekey: KeyPair,
): Uint8Array | undefined {
  const id16 = entry.subarray(0, 16);
  const aad = concat(block.epochCommit32, id16);
  const enc32 = entry.subarray(16, 48);
  return openSealedToPrekey(
    provider,
    aeadOf(block.header),
    enc32,
    prekey,
    listInfo(block.groupContext32),
    aad,
    entry.subarray(48),
  );
}

/**
 * The epoch secret of a subtree entry; undefined where it does not open. 32 bytes, the caller's.
 *
 * @param entry - of the block
 * @param nodeKey32 - of the entry's node, at the epoch of the block; not changed, not kept
 */
export function openSubtreeEntry(
  provider: CryptoProvider,
  block: ParsedBlock,
  entry: Uint8Array,
  nodeKey32: Uint8Array,
): Uint8Array | undefined {
  const { groupContext32, epochCommit32 } = block;
  const wrap32 = wrapKeyOf(provider, nodeKey32, groupContext32, entry.subarray(0, 8));
  const aad = concat(groupContext32, epochCommit32);
  const secret = provider.aeadOpen(aeadOf(block.header), wrap32, zeroNonce12, aad, entry.subarray(8));
  wrap32.fill(0);
  return secret;
}

/** The epoch secret of a block of kind 5: 32 bytes, the caller's. */
export function secretOfPsk(provider: CryptoProvider, psk32: Uint8Array, groupContext32: Uint8Array): Uint8Array {
  return expandLabel(provider, psk32, labels.keyBlockPsk, groupContext32, 32);
}

/** What a block commits to: 32 bytes, the caller's. */
export function epochCommitOf(
  provider: CryptoProvider,
  epochSecret32: Uint8Array,
  groupContext32: Uint8Array,
): Uint8Array {
  return expandLabel(provider, epochSecret32, labels.epochCommit, groupContext32, 32);
}

/** The group's own part of a block; undefined where it does not open. The caller's. */
export function openPrivate(
  provider: CryptoProvider,
  block: ParsedBlock,
  epochSecret32: Uint8Array,
): Uint8Array | undefined {
  const { groupContext32, epochCommit32, privateSealed } = block;
  const key32 = expandLabel(provider, epochSecret32, labels.keyBlockPrivate, groupContext32, 32);
  const aad = concat(groupContext32, epochCommit32);
  const body = provider.aeadOpen(aeadOf(block.header), key32, zeroNonce12, aad, privateSealed);
  key32.fill(0);
  return body;
}

/** What a block begins with, before it has a secret. */
interface Draft {
  readonly headerBytes: Uint8Array;
  readonly groupContext32: Uint8Array;
  readonly aead: AeadAlgorithm;
}

function draftBlock(
  provider: CryptoProvider,
  header: KeyBlockHeader,
  controller: SigningKey,
  kind: number,
  count: number,
): Draft {
  if (header.kind !== kind) throw new TridcommError('E_USAGE', `header of kind ${header.kind}, not ${kind}`);
  if (!equalBytes(header.controllerKeyId32, controller.keyId32)) {
    throw new TridcommError('E_USAGE', 'header names another controller');
  }
  checkLimit('key block entries', count, limits.keyBlockEntries);
  const headerBytes = encodeBlockHeader(header);
  return { headerBytes, groupContext32: provider.sha256(headerBytes), aead: aeadOf(header) };
}

function finishBlock(
  provider: CryptoProvider,
  { headerBytes, groupContext32, aead }: Draft,
  controller: SigningKey,
  privateBody: Uint8Array,
  epochSecret32: Uint8Array,
  epochCommit32: Uint8Array,
  entries: readonly Uint8Array[],
): MadeBlock {
  checkLimit('key block private_len', privateBody.length + aeadTagBytes, limits.keyBlockPrivateBytes);
  const key32 = expandLabel(provider, epochSecret32, labels.keyBlockPrivate, groupContext32, 32);
  const sealed = provider.aeadSeal(aead, key32, zeroNonce12, concat(groupContext32, epochCommit32), privateBody);
  key32.fill(0);
  const signedBody = blockSignedBody(provider, epochCommit32, entries.length, treeHead(provider, entries), sealed);
  const signInput = blockSignInput(provider, controller.keyId32, groupContext32, headerBytes, signedBody);
  const bytes = concat(
    headerBytes,
    epochCommit32,
    u32(entries.length),
    joined(entries),
    u32(sealed.length),
    sealed,
    controller.sign(signInput),
  );
  checkLimit('key block bytes', bytes.length, limits.keyBlockBytes);
  const blockHash32 = blockHashOf(provider, headerBytes, signedBody);
  return { bytes, groupContext32, epochCommit32, blockHash32, epochSecret32 };
}

/** As `concat`, for more parts than a call takes arguments. */
function joined(entries: readonly Uint8Array[]): Uint8Array {
  const width = entries[0]?.length ?? 0;
  const out = new Uint8Array(width * entries.length);
  for (const [i, entry] of entries.entries()) out.set(entry, i * width);
  return out;
}

function drawSecret(random: RandomSource): Uint8Array {
  const secret = random(32);
  checkWidth('epoch secret', secret, 32);
  return secret;
}

function wrapKeyOf(
  provider: CryptoProvider,
  nodeKey32: Uint8Array,
  groupContext32: Uint8Array,
  node8: Uint8Array,
): Uint8Array {
  return expandLabel(provider, nodeKey32, labels.keyBlockWrap, concat(groupContext32, node8), 32);
}

function listInfo(groupContext32: Uint8Array): Uint8Array {
  return concat(listInfoPrefix, groupContext32);
}

/** Of a header whose suite is known. */
function aeadOf({ suite }: { readonly suite: number }): AeadAlgorithm {
  return aeadOfSuite(suite)!;
}

function u32(value: number): Uint8Array {
  const out = new Uint8Array(4);
  writeU32(out, 0, value);
  return out;
}

/** Each key below is used once, so one nonce does for all. */
const zeroNonce12 = new Uint8Array(12);
const listInfoPrefix = ascii(`${labels.keyBlockListInfo}\0`);
