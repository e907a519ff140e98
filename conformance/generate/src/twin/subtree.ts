/** The tree of chapter 08: nodes numbered like a heap, covers of what is not excluded, steps. */
import { zeros, type Bytes } from './bytes.ts';
import { xp } from './hash.ts';

/** The smallest set of nodes whose leaves are exactly those that are not excluded, by first leaf. */
export function cover(height: number, excluded: readonly number[]): bigint[] {
  const out: bigint[] = [];
  const visit = (node: bigint, depth: number, gone: readonly number[]): void => {
    if (gone.length === 0) {
      out.push(node);
      return;
    }
    if (depth === height) return;
    const half = 2 ** (height - depth - 1);
    const first = Number(node - (1n << BigInt(depth))) * 2 * half;
    visit(
      2n * node,
      depth + 1,
      gone.filter((leaf) => leaf < first + half),
    );
    visit(
      2n * node + 1n,
      depth + 1,
      gone.filter((leaf) => leaf >= first + half),
    );
  };
  visit(1n, 0, excluded);
  return out;
}

export function stepKey(key: Bytes, steps: number): Bytes {
  let k = key;
  for (let i = 0; i < steps; i++) k = xp(k, 'cs step', zeros(0), 32);
  return k;
}

/** The nodes from a leaf to the root. */
export function pathOf(height: number, leaf: number): bigint[] {
  const out: bigint[] = [];
  for (let v = (1n << BigInt(height)) + BigInt(leaf); v > 0n; v /= 2n) out.push(v);
  return out;
}

/** First and last leaf under a node; undefined where it is not in the tree. */
export function leavesUnder(height: number, node: bigint): { first: bigint; last: bigint } | undefined {
  if (node < 1n || node >= 2n << BigInt(height)) return undefined;
  const depth = BigInt(node.toString(2).length - 1);
  const width = 1n << (BigInt(height) - depth);
  const first = (node - (1n << depth)) * width;
  return { first, last: first + width - 1n };
}
