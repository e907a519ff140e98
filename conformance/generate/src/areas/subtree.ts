/** subtree.json: covers and steps of the tree of chapter 08. */
import { VectorFile } from '../cases.ts';
import { hex, seeded, zeros, type Bytes } from '../twin/bytes.ts';
import { xp } from '../twin/hash.ts';

/** The cover, said otherwise: the nodes that have no excluded leaf and whose parent has one. */
function coverOf(height: number, excluded: readonly number[]): string[] {
  if (excluded.length === 0) return ['1'];
  const above = new Set<number>();
  for (const leaf of excluded) for (let v = 2 ** height + leaf; v >= 1; v = Math.floor(v / 2)) above.add(v);
  const nodes: number[] = [];
  for (const v of above) {
    if (v >= 2 ** height) continue;
    for (const child of [2 * v, 2 * v + 1]) if (!above.has(child)) nodes.push(child);
  }
  const firstLeaf = (v: number): number => {
    let at = v;
    while (at < 2 ** height) at *= 2;
    return at - 2 ** height;
  };
  return nodes.sort((a, b) => firstLeaf(a) - firstLeaf(b)).map(String);
}

function steps(key: Bytes, n: number): Bytes {
  let k = key;
  for (let i = 0; i < n; i++) k = xp(k, 'cs step', zeros(0), 32);
  return k;
}

export function subtree(): VectorFile {
  const file = new VectorFile('subtree');
  const covers = file.group('cover', 'cs.cover', 'groups', 'body');
  const cover = (id: string, comment: string, height: number, excluded: number[], nodes?: string[]): void => {
    covers.valid(id, {
      comment,
      in: { height, excluded },
      out: { nodes: nodes ?? coverOf(height, excluded) },
      spec: ['groups.4', 'groups.17'],
      flags: ['Cover'],
    });
  };
  const all = (height: number): number[] => Array.from({ length: 2 ** height }, (_, i) => i);
  cover('none', 'Nobody is excluded: the root alone', 3, [], ['1']);
  cover('all', 'Everybody is excluded: no node', 3, all(3), []);
  cover('height-0', 'A tree of one leaf: the root is the leaf', 0, [], ['1']);
  cover('height-0-all', 'A tree of one leaf, which is excluded', 0, [0], []);
  cover('height-1', 'Two leaves, nobody excluded', 1, [], ['1']);
  cover('height-1-left', 'Two leaves, the left one excluded', 1, [0], ['3']);
  cover('height-1-right', 'Two leaves, the right one excluded', 1, [1], ['2']);
  cover('height-1-all', 'Two leaves, both excluded', 1, [0, 1], []);
  cover('first', 'The first leaf of eight', 3, [0], ['9', '5', '3']);
  cover('last', 'The last leaf of eight', 3, [7], ['2', '6', '14']);
  cover('middle', 'One leaf in the middle: nodes on both sides, by their first leaf', 3, [2], ['4', '11', '3']);
  cover('siblings', 'Two neighbours that are siblings go with their parent', 3, [2, 3], ['4', '3']);
  cover(
    'neighbours',
    'Two neighbours that are no siblings, left and right of the middle',
    3,
    [3, 4],
    ['4', '10', '13', '7'],
  );
  cover('cousins', 'Neighbours 1 and 2: no siblings, one grandparent', 3, [1, 2], ['8', '11', '3']);
  cover('half', 'The left half: the right one is one node', 3, [0, 1, 2, 3], ['3']);
  cover('alternate', 'Every other leaf: each of the others alone', 3, [0, 2, 4, 6], ['9', '11', '13', '15']);
  cover('all-but-one', 'All but one leaf', 3, [0, 1, 2, 3, 4, 6, 7], ['13']);
  cover('ends', 'The first and the last leaf', 4, [0, 15]);
  cover('unordered', 'The excluded leaves in another order', 3, [6, 0, 3]);
  cover('scattered', 'Five of 256 leaves', 8, [0, 17, 18, 200, 255]);
  cover('height-24-none', 'The highest tree, nobody excluded', 24, [], ['1']);
  cover('height-24-first', 'The highest tree without its first leaf: one node of each level', 24, [0]);
  cover('height-24-last', 'The highest tree without its last leaf', 24, [2 ** 24 - 1]);
  cover('height-24-ends', 'The highest tree without both ends: 46 nodes', 24, [0, 2 ** 24 - 1]);
  cover('height-24-neighbours', 'The highest tree, two neighbours left and right of the middle', 24, [
    2 ** 23 - 1,
    2 ** 23,
  ]);
  cover('height-24-siblings', 'The highest tree, two siblings', 24, [1_000_000, 1_000_001]);

  const stepping = file.group('step', 'cs.step', 'groups', 'key');
  for (const n of [0, 1, 2, 3, 100, 4096]) {
    const key = seeded('node key to step', 32);
    stepping.valid(`${n}`, {
      comment: n === 0 ? 'No step: the key itself' : `${n} step${n === 1 ? '' : 's'}`,
      in: { nodeKey: hex(key), steps: n },
      out: { nodeKey: hex(steps(key, n)) },
      spec: ['groups.12', 'groups.18'],
      flags: ['Stepped'],
    });
  }
  stepping.valid('zeros', {
    comment: 'A key of zeros steps like any other',
    in: { nodeKey: hex(zeros(32)), steps: 1 },
    out: { nodeKey: hex(steps(zeros(32), 1)) },
    spec: ['groups.12'],
    flags: ['Stepped'],
  });
  stepping.valid('twice', {
    comment: 'What 3 steps give, stepped once more, is what 4 give',
    in: { nodeKey: hex(steps(seeded('node key to step', 32), 3)), steps: 1 },
    out: { nodeKey: hex(steps(seeded('node key to step', 32), 4)) },
    spec: ['groups.12'],
    flags: ['Stepped'],
  });
  return file;
}
