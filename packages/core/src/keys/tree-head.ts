import { concat } from '../bytes/bytes.ts';
import { MerkleTree } from '../crypto/merkle.ts';
import type { CryptoProvider } from '../crypto/provider.ts';

/*
 * Trees of RFC 9162 section 2.1 over data of any length: leaf hash = H(0x00 ‖ leaf), node hash = H(0x01 ‖ left ‖ right).
 */

/**
 * The tree head over the leaves in their order; 32 bytes, the caller's. Without leaves it is H of nothing.
 *
 * Source: RFC 9162 section 2.1.1.
 */
export function treeHead(provider: CryptoProvider, leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return provider.sha256();
  return treeOf(provider, leaves).root;
}

/**
 * The inclusion path of one leaf, from the leaf upwards, joined: a multiple of 32 bytes, the caller's.
 *
 * Source: RFC 9162 section 2.1.3.1.
 *
 * @param index - below the number of leaves
 */
export function treePath(provider: CryptoProvider, leaves: readonly Uint8Array[], index: number): Uint8Array {
  return concat(...treeOf(provider, leaves).path(index));
}

/** The paths of all leaves, each as {@link treePath} gives it, of one tree. */
export function treePaths(provider: CryptoProvider, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 0) return [];
  const tree = treeOf(provider, leaves);
  return leaves.map((_, index) => concat(...tree.path(index)));
}

/** The hash of one leaf, to begin a path with; 32 bytes, the caller's. */
export function leafHashOf(provider: CryptoProvider, leaf: Uint8Array): Uint8Array {
  return provider.sha256(leafPrefix, leaf);
}

function treeOf(provider: CryptoProvider, leaves: readonly Uint8Array[]): MerkleTree {
  return new MerkleTree(
    provider,
    leaves.map((leaf) => leafHashOf(provider, leaf)),
  );
}

const leafPrefix = Uint8Array.of(0);
