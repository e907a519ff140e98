import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nodeProvider as provider } from '@tridcomm/core/node';
import { hashLeaf, MerkleTree, verifyMerklePath } from '../../src/crypto/merkle.ts';
import { flip, useSeed } from './support.ts';

useSeed();

/** MTH of RFC 9162 §2.1.1, as it is written there. */
function headOf(hashes: readonly Uint8Array[]): Uint8Array {
  const [first = new Uint8Array(0)] = hashes;
  if (hashes.length === 1) return first;
  const left = 2 ** (31 - Math.clz32(hashes.length - 1));
  return provider.sha256(Uint8Array.of(1), headOf(hashes.slice(0, left)), headOf(hashes.slice(left)));
}

it('envelope.25 envelope.26 has the tree head of RFC 9162, and a path for each leaf that proves it and nothing else', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), fc.nat(), (count, pick, bit) => {
      const hashes = Array.from({ length: count }, (_, leaf) => hashLeaf(provider, leaf, new Uint8Array(16 + leaf)));
      const tree = new MerkleTree(provider, hashes);
      expect(Buffer.compare(tree.root, headOf(hashes))).toBe(0);
      const leaf = pick % count;
      const path = new Uint8Array(Buffer.concat(tree.path(leaf)));
      const verify = (tried: Uint8Array, at = leaf, hash = hashes[leaf] ?? path, root = tree.root) =>
        verifyMerklePath(provider, hash, at, count, tried, root);
      expect(verify(path)).toBe(true);
      expect(verify(path, (leaf + 1 + (bit % count)) % (count + 1))).toBe(false);
      expect(verify(path, leaf, flip(hashes[leaf] ?? path, bit % 256))).toBe(false);
      expect(verify(path, leaf, hashes[leaf], flip(tree.root, bit % 256))).toBe(false);
      expect(verify(new Uint8Array(Buffer.concat([path, tree.root])))).toBe(false);
      if (path.length === 0) return;
      expect(verify(flip(path, bit % (8 * path.length)))).toBe(false);
      expect(verify(path.subarray(32))).toBe(false);
      expect(verify(path.subarray(0, -32))).toBe(false);
    }),
    { numRuns: 300 },
  );
});
