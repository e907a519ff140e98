import { equalBytes, writeU32 } from '../bytes/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';

/*
 * leaf hash = H(0x00 ‖ u32 leaf ‖ u32 ct_len ‖ ct ‖ tag16)        node hash = H(0x01 ‖ left ‖ right)
 */

/**
 * The hash of one leaf; 32 bytes, the caller's.
 *
 * @param sealed - ct ‖ tag
 */
export function hashLeaf(provider: CryptoProvider, leaf: number, sealed: Uint8Array): Uint8Array {
  const head = new Uint8Array(9);
  writeU32(head, 1, leaf);
  writeU32(head, 5, sealed.length - 16);
  return provider.sha256(head, sealed);
}

/**
 * The tree over the leaf hashes of one batch.
 *
 * Source: RFC 9162 section 2.1. Level 0 holds the leaf hashes, each next level the hashes of pairs; a node without a sibling rises
 * as it is, which gives the same tree as the definition by the largest power of two.
 */
export class MerkleTree {
  readonly #levels: (readonly Uint8Array[])[];

  /** @param leafHashes - one or more, in order; kept */
  constructor(provider: CryptoProvider, leafHashes: readonly Uint8Array[]) {
    this.#levels = [leafHashes];
    for (let level = leafHashes; level.length > 1;) {
      const above: Uint8Array[] = [];
      for (let i = 0; i < level.length; i += 2) {
        const right = level[i + 1];
        above.push(right === undefined ? level[i]! : hashNode(provider, level[i]!, right));
      }
      this.#levels.push(above);
      level = above;
    }
  }

  /** The tree head, 32 bytes. */
  get root(): Uint8Array {
    return this.#levels.at(-1)![0]!;
  }

  /**
   * The inclusion path of one leaf, from the leaf upwards: 0 to 12 hashes for up to 4,096 leaves.
   *
   * Source: RFC 9162 section 2.1.3.1.
   *
   * @param leaf - below the number of leaf hashes
   */
  path(leaf: number): Uint8Array[] {
    const path: Uint8Array[] = [];
    let index = leaf;
    for (const level of this.#levels) {
      const sibling = level[index ^ 1];
      if (sibling !== undefined) path.push(sibling);
      index >>>= 1;
    }
    return path;
  }
}

/**
 * Whether a path proves a leaf under a root.
 *
 * Source: RFC 9162 section 2.1.3.2, which also fixes the length of the path.
 *
 * @param path - a multiple of 32 bytes, from the leaf upwards
 * @spec envelope.25
 */
export function verifyMerklePath(
  provider: CryptoProvider,
  leafHash: Uint8Array,
  leaf: number,
  leafCount: number,
  path: Uint8Array,
  root32: Uint8Array,
): boolean {
  const root = rootOfPath(provider, leafHash, leaf, leafCount, path);
  return root !== undefined && equalBytes(root, root32);
}

/**
 * The root that a path leads to; 32 bytes. Undefined where there is no such leaf, or the path has not the length that it asks for.
 *
 * Source: RFC 9162 section 2.1.3.2.
 *
 * @param path - a multiple of 32 bytes, from the leaf upwards
 */
export function rootOfPath(
  provider: CryptoProvider,
  leafHash: Uint8Array,
  leaf: number,
  leafCount: number,
  path: Uint8Array,
): Uint8Array | undefined {
  if (leaf >= leafCount) return undefined;
  let index = leaf;
  let last = leafCount - 1;
  let hash = leafHash;
  for (let at = 0; at < path.length; at += 32) {
    // A path that goes on above the root.
    if (last === 0) return undefined;
    const sibling = path.subarray(at, at + 32);
    if ((index & 1) === 1 || index === last) {
      hash = hashNode(provider, sibling, hash);
      while ((index & 1) === 0 && index !== 0) {
        index >>>= 1;
        last >>>= 1;
      }
    } else {
      hash = hashNode(provider, hash, sibling);
    }
    index >>>= 1;
    last >>>= 1;
  }
  return last === 0 ? hash : undefined;
}

function hashNode(provider: CryptoProvider, left: Uint8Array, right: Uint8Array): Uint8Array {
  return provider.sha256(nodePrefix, left, right);
}

const nodePrefix = Uint8Array.of(1);
