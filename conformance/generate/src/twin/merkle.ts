/** The tree of RFC 9162 §2.1 with the two hashes of chapter 03; recursive, as the RFC writes it. */
import { same, text, u32, u8, type Bytes } from './bytes.ts';
import { H } from './hash.ts';
import { refuse } from './refusal.ts';

export function leafHash(leaf: number, sealed: Bytes): Bytes {
  return H(u8(0), u32(leaf), u32(sealed.length - 16), sealed);
}

export function nodeHash(left: Bytes, right: Bytes): Bytes {
  return H(u8(1), left, right);
}

/** The largest power of two smaller than n. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** §2.1.1 over leaf hashes. */
export function merkleRoot(leaves: readonly Bytes[]): Bytes {
  const [only] = leaves;
  if (only === undefined) return H(text(''));
  if (leaves.length === 1) return only;
  const k = split(leaves.length);
  return nodeHash(merkleRoot(leaves.slice(0, k)), merkleRoot(leaves.slice(k)));
}

/** §2.1.3.1: the inclusion path, from the leaf upwards. */
export function merklePath(leaves: readonly Bytes[], leaf: number): Bytes[] {
  if (leaf >= leaves.length) throw new Error('no such leaf');
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return leaf < k
    ? [...merklePath(leaves.slice(0, k), leaf), merkleRoot(leaves.slice(k))]
    : [...merklePath(leaves.slice(k), leaf - k), merkleRoot(leaves.slice(0, k))];
}

/** §2.1.3.2 */
export function verifyPath(hash: Bytes, leaf: number, leafCount: number, path: readonly Bytes[], root: Bytes): void {
  if (leaf >= leafCount) refuse('E_PROOF', 'no such leaf');
  let fn = leaf;
  let sn = leafCount - 1;
  let r = hash;
  for (const p of path) {
    if (sn === 0) refuse('E_PROOF', 'path too long');
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      r = nodeHash(r, p);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) refuse('E_PROOF', 'path too short');
  if (!same(r, root)) refuse('E_PROOF', 'other root');
}
