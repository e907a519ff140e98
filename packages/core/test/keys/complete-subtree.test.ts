import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nobleProvider } from '@tridcomm/core/noble';
import { nodeProvider } from '@tridcomm/core/node';
import { expandLabel } from '../../src/crypto/key-schedule.ts';
import { coverOf, firstLeafOf, lastLeafOf, pathOf, stepNodeKeys } from '../../src/keys/complete-subtree.ts';
import { refusedWith, useSeed } from '../property/support.ts';

useSeed();

it('groups.17 covers exactly the leaves that are not excluded, by the first leaf, with no two nodes that one could replace', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6 }), fc.array(fc.nat(), { maxLength: 70 }), (height, picks) => {
      const excluded = new Set(picks.map((pick) => pick % 2 ** height));
      const cover = coverOf(height, excluded);
      const leaves = cover.flatMap((node) => {
        const first = firstLeafOf(height, node);
        return Array.from({ length: lastLeafOf(height, node) - first + 1 }, (_, i) => first + i);
      });
      expect(leaves).toEqual([...Array(2 ** height).keys()].filter((leaf) => !excluded.has(leaf)));
      for (const node of cover) expect(node === 1 || !cover.includes(node ^ 1)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

it('groups.17 covers at the largest height: all, none, one out', () => {
  expect(coverOf(24, [])).toEqual([1]);
  expect(coverOf(24, [2 ** 24 - 1])).toHaveLength(24);
  expect(coverOf(24, [0])[0]).toBe(2 ** 24 + 1);
  expect(coverOf(3, [0, 1, 2, 3, 4, 5, 6, 7, 7])).toEqual([]);
  expect(coverOf(0, [0])).toEqual([]);
});

it('groups.17 refuses heights and leaves that are not in the tree', () => {
  expect(refusedWith(() => coverOf(25, []))).toBe('E_LIMIT');
  for (const [height, leaf] of [
    [-1, 0],
    [1.5, 0],
    [3, 8],
    [3, -1],
    [3, 0.5],
    [3, NaN],
  ] as const) {
    expect(refusedWith(() => coverOf(height, [leaf]))).toBe('E_USAGE');
    expect(refusedWith(() => pathOf(height, leaf))).toBe('E_USAGE');
  }
});

it('groups.12 has the nodes from a leaf to the root', () => {
  expect(pathOf(3, 5)).toEqual([13, 6, 3, 1]);
  expect(pathOf(0, 0)).toEqual([1]);
});

it('groups.12 groups.18 steps in place what XP says, on both providers alike', () => {
  for (const provider of [nodeProvider, nobleProvider]) {
    const keys = new Uint8Array(96).map((_, i) => i);
    const expected = [0, 32, 64].map((at) => {
      let key = keys.slice(at, at + 32);
      for (let i = 0; i < 3; i++) key = new Uint8Array(expandLabel(provider, key, 'cs step', new Uint8Array(0), 32));
      return key;
    });
    const first = keys.slice(0, 32);
    stepNodeKeys(provider, keys, 0);
    expect(keys.slice(0, 32)).toEqual(first);
    stepNodeKeys(provider, keys, 3);
    expect(keys).toEqual(new Uint8Array(Buffer.concat(expected)));
  }
  expect(refusedWith(() => stepNodeKeys(nodeProvider, new Uint8Array(33), 1))).toBe('E_USAGE');
});
