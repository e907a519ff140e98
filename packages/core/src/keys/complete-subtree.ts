import { ascii, concat, writeU16 } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';

/*
 * A tree of height h has the leaves 0 … 2^h − 1. Nodes are numbered like a heap: the root is 1, the children of v are 2v and
 * 2v + 1, leaf l is 2^h + l. With h ≤ 24 every number fits into 25 bits.
 */

/**
 * The cover of a set of excluded leaves: the smallest set of nodes whose leaves are exactly the others, by their first leaf.
 *
 * @param height - of the tree, 0 to 24
 * @param excludedLeaves - in any order, also twice; not changed
 * @returns empty when all leaves are excluded; the root alone when none is
 * @throws TridcommError `E_LIMIT` for a height above 24; `E_USAGE` for a leaf that is not in the tree
 * @spec groups.17
 */
export function coverOf(height: number, excludedLeaves: Iterable<number>): number[] {
  checkHeight(height);
  const excluded = Float64Array.from(excludedLeaves).sort();
  const lowest = excluded[0] ?? 0;
  const highest = excluded.at(-1) ?? 0;
  if (lowest < 0 || highest >= 2 ** height || !excluded.every(Number.isInteger)) {
    throw new TridcommError('E_USAGE', `excluded leaf outside of a tree of height ${height}`);
  }
  const cover: number[] = [];
  // Depth is the height, so the recursion is shallow; each call has the excluded leaves below its node as [from, to).
  const visit = (node: number, firstLeaf: number, width: number, from: number, to: number): void => {
    if (from === to) {
      cover.push(node);
      return;
    }
    if (width === 1) return;
    const half = width / 2;
    const middle = lowerBound(excluded, firstLeaf + half, from, to);
    visit(2 * node, firstLeaf, half, from, middle);
    visit(2 * node + 1, firstLeaf + half, half, middle, to);
  };
  visit(1, 0, 2 ** height, 0, excluded.length);
  return cover;
}

/** The first index in [from, to) whose value is not below `value`; `to` where there is none. */
function lowerBound(sorted: Float64Array, value: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The nodes from a leaf to the root: height + 1 numbers.
 *
 * @throws TridcommError `E_LIMIT` for a height above 24; `E_USAGE` for a leaf that is not in the tree
 */
export function pathOf(height: number, leaf: number): number[] {
  checkHeight(height);
  if (!Number.isInteger(leaf) || leaf < 0 || leaf >= 2 ** height) {
    throw new TridcommError('E_USAGE', `leaf ${leaf} outside of a tree of height ${height}`);
  }
  const path: number[] = [];
  for (let node = 2 ** height + leaf; node > 0; node >>>= 1) path.push(node);
  return path;
}

/** How many levels below the root a node is. */
export function depthOf(node: number): number {
  return 31 - Math.clz32(node);
}

/** The first leaf below a node of the tree. */
export function firstLeafOf(height: number, node: number): number {
  return (node << (height - depthOf(node))) - 2 ** height;
}

/** The last leaf below a node of the tree. */
export function lastLeafOf(height: number, node: number): number {
  return firstLeafOf(height, node) + 2 ** (height - depthOf(node)) - 1;
}

/**
 * Steps node keys in place, each as often as epochs went by; the values before are gone.
 *
 * @param keys - n × 32 bytes, such as all keys of a tree without the unused place of node 0: overwritten
 * @param steps - 0 or more
 * @throws TridcommError `E_USAGE` for bytes that are not whole keys
 * @spec groups.12, groups.18
 */
export function stepNodeKeys(provider: CryptoProvider, keys: Uint8Array, steps: number): void {
  if (keys.length % nodeKeyBytes !== 0) throw new TridcommError('E_USAGE', `${keys.length} bytes are not node keys`);
  if (steps === 0) return;
  // XP for one block of output is one HMAC, and its input is the same for every node.
  const info = stepInfo(provider);
  for (let at = 0; at < keys.length; at += nodeKeyBytes) {
    const key = keys.subarray(at, at + nodeKeyBytes);
    for (let step = 0; step < steps; step++) {
      const next = provider.hmacSha256(key, info);
      key.set(next);
      next.fill(0);
    }
  }
}

/** What HKDF-Expand hashes for its one block: u16 32 ‖ vec8(label) ‖ vec8(H(nothing)) ‖ 0x01. */
function stepInfo(provider: CryptoProvider): Uint8Array {
  const label = ascii(`tdc1 ${labels.csStep}`);
  const length = new Uint8Array(2);
  writeU16(length, 0, nodeKeyBytes);
  const context = provider.sha256(new Uint8Array(0));
  return concat(length, Uint8Array.of(label.length), label, Uint8Array.of(context.length), context, Uint8Array.of(1));
}

function checkHeight(height: number): void {
  if (!Number.isInteger(height) || height < 0) throw new TridcommError('E_USAGE', `tree height ${height}`);
  if (height > limits.treeHeight)
    throw new TridcommError('E_LIMIT', `tree height ${height}, at most ${limits.treeHeight}`);
}

/** Bytes of a node key. */
export const nodeKeyBytes = 32;
