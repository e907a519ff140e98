/** Merkle paths as RFC 9162 defines them, not as it verifies them: the other side of a comparison. */

/** @typedef {import('@tridcomm/core').CryptoProvider} CryptoProvider */

/**
 * The root that a path yields (§2.1.3.1, read as a recursion from the root downwards); undefined for a leaf or path that does
 * not fit.
 * @param {CryptoProvider} provider @param {Uint8Array} leafHash @param {number} leaf @param {number} leafCount @param {Uint8Array} path
 * @returns {Uint8Array | undefined}
 */
export function rootOfPath(provider, leafHash, leaf, leafCount, path) {
  if (leaf >= leafCount) return undefined;
  if (leafCount === 1) return path.length === 0 ? leafHash : undefined;
  if (path.length < 32) return undefined;
  const left = 2 ** (31 - Math.clz32(leafCount - 1));
  const below = path.subarray(0, -32);
  const sibling = path.subarray(-32);
  const own =
    leaf < left
      ? rootOfPath(provider, leafHash, leaf, left, below)
      : rootOfPath(provider, leafHash, leaf - left, leafCount - left, below);
  if (own === undefined) return undefined;
  const pair = leaf < left ? [own, sibling] : [sibling, own];
  return provider.sha256(Uint8Array.of(1), ...pair);
}

/**
 * The tree head of §2.1.1, by its recursion.
 * @param {CryptoProvider} provider @param {readonly Uint8Array[]} leaves @returns {Uint8Array}
 */
export function treeHead(provider, leaves) {
  const [only] = leaves;
  if (only === undefined) return provider.sha256();
  if (leaves.length === 1) return provider.sha256(Uint8Array.of(0), only);
  const left = 2 ** (31 - Math.clz32(leaves.length - 1));
  const halves = [leaves.slice(0, left), leaves.slice(left)].map((half) => treeHead(provider, half));
  return provider.sha256(Uint8Array.of(1), ...halves);
}
