import { describe, expect, it } from 'vitest';
import { Outgoing } from '../../src/authority/outgoing.ts';
import { firstUnusedPeriod, withRouteSecret } from '../../src/authority/route-secrets.ts';
import { heightFor, SeatTree } from '../../src/authority/seat-tree.ts';
import { hexOf } from '../../src/client/hex.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { addressOf } from '../../src/keys/address.ts';
import { decodeBundle } from '../../src/keys/bundle.ts';
import { coverOf, pathOf, stepNodeKeys } from '../../src/keys/complete-subtree.ts';
import { nodeProvider } from '../../src/node/index.ts';
import { codeOf, randomOf } from './world.ts';

describe('Outgoing', () => {
  const authorityId32 = new Uint8Array(32);
  const addressOfType = (type: number, id: Uint8Array) => addressOf(nodeProvider, authorityId32, type, id);

  it('sends records and enrolments ahead where one bundle cannot hold all', () => {
    const out = new Outgoing(nodeProvider, authorityId32);
    out.add(addressTypes.head, new Uint8Array(0), new Uint8Array(3));
    for (let i = 0; i < 20_000; i++) out.add(addressTypes.enrolment, new Uint8Array(48).fill(i), new Uint8Array(1));
    out.add(addressTypes.policy, new Uint8Array(0), new Uint8Array(2));
    const bundles = out.bundles().map(decodeBundle);
    expect(bundles.map((objects) => objects.length)).toEqual([16_384, 3_616, 2]);
    const [first, last] = bundles[2]!.map(({ address16 }) => hexOf(address16));
    expect(first).toBe(hexOf(addressOfType(addressTypes.policy, new Uint8Array(0))));
    expect(last).toBe(hexOf(addressOfType(addressTypes.head, new Uint8Array(0))));
  });

  it('cuts by bytes too, and never what has to stay together', () => {
    const out = new Outgoing(nodeProvider, authorityId32);
    const large = new Uint8Array(7_000_000);
    for (let i = 0; i < 3; i++) out.add(addressTypes.enrolment, new Uint8Array(48).fill(i), large);
    expect(out.bundles().map((bundle) => decodeBundle(bundle).length)).toEqual([2, 1, 0]);
    for (let i = 0; i < 3; i++) out.add(addressTypes.keyBlock, new Uint8Array(16).fill(i), large);
    expect(codeOf(() => out.bundles())).toBe('E_LIMIT');
  });
});

describe('firstUnusedPeriod', () => {
  it('groups.19: leaves out every period in which a sender may seal that has not heard of it', () => {
    const record = { periodMs: 60_000, maxHeadAgeMs: 35_000 };
    expect(firstUnusedPeriod(600_000, record)).toBe(11);
    expect(firstUnusedPeriod(624_999, record)).toBe(11);
    expect(firstUnusedPeriod(625_000, record)).toBe(12);
  });

  it('groups.19: is never so late that more than eight secrets would be held', () => {
    const record = { periodMs: 60_000, maxHeadAgeMs: 86_400_000 };
    let held = withRouteSecret([], 0, new Uint8Array(32), 0);
    for (let period = 3; period < 40; period++) {
      const from = firstUnusedPeriod(period * 60_000, record);
      expect(from).toBe(period + 4);
      // What was sent up to max_age and skew ago is routed still: 150 s.
      held = withRouteSecret(held, from, new Uint8Array(32), period - 3);
      expect(held.length).toBeLessThanOrEqual(8);
    }
  });
});

describe('withRouteSecret', () => {
  const secret = (fromPeriod: number) => ({ fromPeriod, secret32: new Uint8Array(32).fill(fromPeriod) });
  const froms = (held: readonly { fromPeriod: number }[]) => held.map(({ fromPeriod }) => fromPeriod);

  it('drops what no period needs, and what was drawn for the same or later ones', () => {
    const held = [secret(0), secret(5), secret(8), secret(12)];
    expect(froms(withRouteSecret(held, 10, new Uint8Array(32), 6))).toEqual([5, 8, 10]);
    expect(froms(withRouteSecret(held, 12, new Uint8Array(32), 8))).toEqual([8, 12]);
    expect(froms(withRouteSecret([], 0, new Uint8Array(32), 6))).toEqual([0]);
  });
});

describe('SeatTree', () => {
  it('gives every leaf once, and says when room ends', () => {
    const tree = new SeatTree(4, randomOf(1));
    const given = new Set<number>();
    while (tree.hasRoomFor(1)) given.add(tree.giveLeaf());
    expect(given.size).toBe(12);
    for (let i = 0; i < 4; i++) given.add(tree.giveLeaf());
    expect(given.size).toBe(16);
    expect(codeOf(() => tree.giveLeaf())).toBe('E_INTERNAL');
  });

  it('draws leaves evenly', () => {
    const random = randomOf(3);
    const counts = new Uint32Array(16);
    for (let i = 0; i < 8000; i++) counts[new SeatTree(4, random).giveLeaf()]!++;
    // 500 each; 7 standard deviations.
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(155);
  });

  it('keeps a key of its own for each node, and steps all that were drawn', () => {
    const tree = new SeatTree(3, randomOf(2));
    const leaves = [tree.giveLeaf(), tree.giveLeaf()];
    const before = leaves.map((leaf) => tree.keysOf(leaf));
    const keys = new Map<number, string>();
    for (const [i, leaf] of leaves.entries()) {
      for (const [j, node] of pathOf(3, leaf).entries()) {
        const key = hexOf(before[i]!.subarray(32 * j, 32 * j + 32));
        expect(keys.get(node) ?? key).toBe(key);
        keys.set(node, key);
      }
    }
    expect(new Set(keys.values()).size).toBe(keys.size);
    tree.step(nodeProvider);
    for (const [i, leaf] of leaves.entries()) {
      stepNodeKeys(nodeProvider, before[i]!, 1);
      expect(hexOf(tree.keysOf(leaf))).toBe(hexOf(before[i]!));
    }
  });

  it('covers all leaves but the revoked ones, with keys', () => {
    const tree = new SeatTree(5, randomOf(4));
    const revoked = [tree.giveLeaf(), tree.giveLeaf(), tree.giveLeaf()];
    for (const leaf of revoked) tree.revokeLeaf(leaf);
    expect(tree.cover).toEqual(coverOf(5, revoked));
    expect(tree.cover).toBe(tree.cover);
    const keys = tree.coverKeys().map(({ key32 }) => hexOf(key32));
    expect(new Set(keys).size).toBe(keys.length);
    expect(tree.coverKeys().map(({ key32 }) => hexOf(key32))).toEqual(keys);
  });

  it('copies without sharing what changes', () => {
    const tree = new SeatTree(6, randomOf(5));
    const leaf = tree.giveLeaf();
    const keys = hexOf(tree.keysOf(leaf));
    const copy = tree.copy();
    const other = copy.giveLeaf();
    expect(hexOf(copy.keysOf(leaf))).toBe(keys);
    copy.keysOf(other);
    copy.revokeLeaf(leaf);
    copy.step(nodeProvider);
    expect(hexOf(tree.keysOf(leaf))).toBe(keys);
    expect(tree.cover).toEqual([1]);
    // Each draws keys of its own from here on.
    const own = hexOf(tree.keysOf(other));
    expect(hexOf(copy.keysOf(other))).not.toBe(own);
    tree.erase();
    expect(hexOf(tree.keysOf(leaf))).toBe('00'.repeat(7 * 32));
  });

  it('fits its height to the members', () => {
    expect([0, 4, 5, 16, 17, 10_000].map((members) => heightFor(members, 0))).toEqual([4, 4, 4, 5, 6, 15]);
    expect(heightFor(1, 9)).toBe(9);
  });
});
