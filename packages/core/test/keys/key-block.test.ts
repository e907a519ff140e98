import { describe, expect, it } from 'vitest';
import { nobleProvider } from '@tridcomm/core/noble';
import { nodeProvider } from '@tridcomm/core/node';
import { encodeBlockHeader, parseBlock } from '../../src/keys/key-block-format.ts';
import { makeListBlock, makeSubtreeBlock, partialBlock } from '../../src/keys/key-block.ts';
import { treeHead } from '../../src/keys/tree-head.ts';
import { extended, flip, refusedWith } from '../property/support.ts';
import {
  controllerKey,
  counted,
  header,
  listBlock,
  newMember,
  prekey,
  privateBody,
  psk32,
  pskBlock,
  settings,
  TestController,
} from './controller.ts';

const subtree = new TestController(3).block([2, 5]).bytes;
const list = listBlock([1, 2, 3]).bytes;
const psk = pskBlock().bytes;
const partial = partialBlock(nodeProvider, subtree, 1);
const partialList = partialBlock(nodeProvider, list, 2);
const blocks = { subtree, list, psk, partial, 'partial list': partialList };
const parse = (bytes: Uint8Array) => refusedWith(() => parseBlock(nodeProvider, bytes));

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A copy with some bytes replaced, counted from the header. */
function patched(bytes: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const out = new Uint8Array(bytes);
  out.set(values, at + (bytes[3] === 0x50 ? 4 : 0));
  return out;
}

describe.each(Object.entries(blocks))('%s block', (_, bytes) => {
  it('groups.3 refuses every truncation and every byte too many', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(parse(bytes.subarray(0, length)), `${length}`).toMatch(/^E_(LENGTH|LIMIT)$/);
    }
    expect(parse(extended(bytes, 0))).toBe('E_LENGTH');
    expect(parse(bytes)).toBeUndefined();
  });

  it('groups.3 refuses each bit that is turned, and the right bytes open afterwards', () => {
    const member = memberFor(bytes);
    const kind = bytes === psk ? 5 : bytes === list || bytes === partialList ? 1 : 2;
    const group = settings({ blockKind: kind });
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      expect(
        refusedWith(() => member.takeBlock(flip(bytes, bit), group)),
        `bit ${bit}`,
      ).toMatch(/^E_/);
    }
    expect(member.takeBlock(bytes, group)).not.toBe('known');
  });
});

/** A member that opens the block: of a list block in parts, the one whose entry it is. */
function memberFor(bytes: Uint8Array) {
  const isOpenedBy = (seed: number) =>
    refusedWith(() => newMember(seed).takeBlock(bytes, settings({ blockKind: 1 }))) === undefined;
  if (bytes === partialList) return newMember([1, 2, 3].find(isOpenedBy) ?? 0);
  const member = newMember(1, { psk32 });
  if (bytes === subtree || bytes === partial) member.takeEnrolment(new TestController(3).enrol(3, 1), settings());
  return member;
}

it('groups.3 has the codes of steps 1 to 6, the first that fails', () => {
  const u32 = (value: number) => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
  const big = [0, 0x20, 0, 0, 0, 0, 0, 0];
  const cases: [string, Uint8Array, number, readonly number[], string][] = [
    ['magic', subtree, 0, [0], 'E_ENCODING'],
    ['magic inside', partial, 3, [0x50], 'E_ENCODING'],
    ['version', subtree, 4, [2, 9], 'E_VERSION'],
    ['kind', subtree, 5, [3, 9, 9], 'E_ENCODING'],
    ['psk in a partial', partial, 5, [5], 'E_ENCODING'],
    ['suite', subtree, 6, [0, 3], 'E_SUITE'],
    ['flags', subtree, 181, [2], 'E_ENCODING'],
    ['last byte', subtree, 183, [1], 'E_ENCODING'],
    ['purpose', subtree, 180, [6], 'E_ENCODING'],
    ['purpose 0', subtree, 180, [0], 'E_ENCODING'],
    ['not_before', subtree, 32, big, 'E_LIMIT'],
    ['not_after', subtree, 40, big, 'E_LIMIT'],
    ['drain_until', subtree, 48, big, 'E_LIMIT'],
    ['policy_version', subtree, 168, big, 'E_LIMIT'],
    ['height', subtree, 182, [25], 'E_LIMIT'],
    ['epochs', subtree, 28, u32(5 + 1_048_577), 'E_LIMIT'],
    ['count', subtree, 216, u32(65_537), 'E_LIMIT'],
    ['count beyond the end', subtree, 216, u32(65_536), 'E_LENGTH'],
    ['private_len', psk, 220, u32(65_537), 'E_LIMIT'],
    ['private_len beyond the end', psk, 220, u32(65_536), 'E_LENGTH'],
    ['height of a list', list, 182, [1], 'E_ENCODING'],
    ['base_epoch', subtree, 176, u32(6), 'E_ENCODING'],
    ['not_before above not_after', subtree, 40, u32(0).concat(u32(999)), 'E_ENCODING'],
    ['count of a psk', psk, 216, u32(1), 'E_ENCODING'],
    ['index', partial, 220, u32(4), 'E_PROOF'],
    ['node 0', subtree, 220, [0, 0, 0, 0, 0, 0, 0, 0], 'E_ENCODING'],
    ['node behind the tree', partial, 224, [0, 0, 0, 0, 0, 0, 0, 16], 'E_ENCODING'],
    ['node over another', subtree, 220 + 56, [0, 0, 0, 0, 0, 0, 0, 2], 'E_ENCODING'],
    ['names out of order', list, 220, [0xff, 0xff, 0xff, 0xff], 'E_ENCODING'],
  ];
  for (const [name, bytes, at, values, code] of cases) expect(parse(patched(bytes, at, ...values)), name).toBe(code);
});

it('groups.3 has a bound, which stands before the magic', () => {
  expect(parse(new Uint8Array(8_388_609))).toBe('E_LIMIT');
  expect(parse(new Uint8Array(8_388_608))).toBe('E_ENCODING');
});

it('groups.3 refuses a part of a psk block for its kind, before anything else', () => {
  const bytes = patched(patched(patched(partial, 5, 5), 182, 0), 216, 0, 0, 0, 0);
  expect(parse(bytes)).toBe('E_ENCODING');
});

it('groups.3 takes no memory for a count that the bytes do not have', () => {
  const bytes = patched(new Uint8Array(Buffer.concat([subtree, new Uint8Array(1_000)])), 216, 0, 0, 0xff, 0xff);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 2_000; i++) expect(parse(bytes)).toBe('E_LENGTH');
  // 2,000 × 65,535 entries would take 4 GB as views alone.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
});

it('groups.6 refuses a path of a wrong length with E_PROOF and a wrong path of the right length with E_SIG', () => {
  const controller = new TestController(3);
  const member = newMember(1);
  member.takeEnrolment(controller.enrol(3, 1), settings());
  const take = (bytes: Uint8Array) => refusedWith(() => member.takeBlock(bytes, settings()));
  const pathAt = 4 + 184 + 32 + 8 + 56;
  expect(partial[pathAt]).toBe(2);
  expect(take(flip(partial, 8 * (pathAt + 1)))).toBe('E_SIG');
  const shorter = joined(partial.subarray(0, pathAt), Uint8Array.of(1), partial.subarray(pathAt + 33));
  expect(take(shorter)).toBe('E_PROOF');
  const longer = joined(
    partial.subarray(0, pathAt),
    Uint8Array.of(3),
    new Uint8Array(32),
    partial.subarray(pathAt + 1),
  );
  expect(take(longer)).toBe('E_PROOF');
  const endless = joined(
    partial.subarray(0, pathAt),
    Uint8Array.of(65),
    new Uint8Array(63 * 32),
    partial.subarray(pathAt + 1),
  );
  expect(parse(endless)).toBe('E_PROOF');
  expect(take(partial)).toBeUndefined();
});

it('groups.5 groups.6 has the same hash and the same statement, whole or in parts', () => {
  const whole = parseBlock(nodeProvider, subtree);
  expect(whole.entriesRoot32).toEqual(treeHead(nodeProvider, whole.entries()));
  for (let index = 0; index < whole.count; index++) {
    const part = parseBlock(nodeProvider, partialBlock(nodeProvider, subtree, index));
    expect(part.blockHash32).toEqual(whole.blockHash32);
    expect(part.signInput).toEqual(whole.signInput);
    expect(part.entry(index)).toEqual(whole.entry(index));
    expect(part.entry(index + 1)).toBeUndefined();
    expect(part.entry(index - 1)).toBeUndefined();
  }
  expect(refusedWith(() => partialBlock(nodeProvider, subtree, whole.count))).toBe('E_PROOF');
  expect(refusedWith(() => partialBlock(nodeProvider, psk, 0))).toBe('E_PROOF');
  expect(refusedWith(() => partialBlock(nodeProvider, partial, 1))).toBe('E_USAGE');
});

it('groups.4 finds the entry of each leaf, and none for those that are excluded', () => {
  const block = parseBlock(nodeProvider, subtree);
  const found = Array.from({ length: 8 }, (_, leaf) => block.indexOfLeaf(leaf));
  expect(found).toEqual([0, 0, undefined, 1, 2, undefined, 3, 3]);
  const part = parseBlock(nodeProvider, partial);
  expect(part.indexOfLeaf(3)).toBe(1);
  expect(part.indexOfLeaf(4)).toBeUndefined();
  expect(parseBlock(nodeProvider, list).indexOfName(new Uint8Array(16))).toBeUndefined();
});

it('groups.19 makes the same block with both providers, from the draws in their order', () => {
  const made = [nodeProvider, nobleProvider].map((provider) => {
    const nodes = [{ node: 1, key32: new Uint8Array(32).fill(1) }];
    const draws: number[] = [];
    const random = (length: number) => {
      draws.push(length);
      return new Uint8Array(length).fill(draws.length);
    };
    const recipients = [3, 1, 2].map((seed) => prekey(seed).key);
    const cs = makeSubtreeBlock(provider, header(), controllerKey, privateBody, nodes, counted(3));
    const many = makeListBlock(provider, header({ kind: 1 }), controllerKey, privateBody, recipients, random);
    expect(draws).toEqual([32, 32, 32, 32]);
    expect(many.epochSecret32).toEqual(new Uint8Array(32).fill(1));
    return Buffer.concat([cs.bytes, many.bytes]);
  });
  expect(made[0]).toEqual(made[1]);
});

it('groups.3 writes no header that a receiver refuses', () => {
  const cases: [Parameters<typeof header>[0], string][] = [
    [{ kind: 3 }, 'E_USAGE'],
    [{ kind: 258 }, 'E_USAGE'],
    [{ suite: 3 }, 'E_USAGE'],
    [{ purpose: 0 }, 'E_USAGE'],
    [{ flags: 2 }, 'E_USAGE'],
    [{ epoch: 2 ** 32 + 7 }, 'E_USAGE'],
    [{ baseEpoch: 8 }, 'E_USAGE'],
    [{ notBeforeMs: 2_001 }, 'E_USAGE'],
    [{ notBeforeMs: -1 }, 'E_USAGE'],
    [{ height: 25 }, 'E_LIMIT'],
    [{ epoch: 2_000_000 }, 'E_LIMIT'],
    [{ policyVersion: 2 ** 53 }, 'E_LIMIT'],
    [{ kind: 1, height: 1 }, 'E_USAGE'],
    [{ salt16: new Uint8Array(15) }, 'E_USAGE'],
  ];
  for (const [over, code] of cases)
    expect(
      refusedWith(() => encodeBlockHeader(header(over))),
      JSON.stringify(over),
    ).toBe(code);
  const make = (over: Parameters<typeof header>[0], body = privateBody, seeds = [1]) =>
    refusedWith(() =>
      makeListBlock(
        nodeProvider,
        header({ kind: 1, ...over }),
        controllerKey,
        body,
        seeds.map((seed) => prekey(seed).key),
        counted(1),
      ),
    );
  expect(make({ kind: 2 })).toBe('E_USAGE');
  expect(make({ controllerKeyId32: new Uint8Array(32) })).toBe('E_USAGE');
  expect(make({}, privateBody, [1, 1])).toBe('E_USAGE');
  expect(make({}, new Uint8Array(65_521))).toBe('E_LIMIT');
  expect(make({}, new Uint8Array(65_520))).toBeUndefined();
});

it('groups.3 makes and opens a block with as many entries as there may be, and none with more', () => {
  const height = 17;
  const key32 = new Uint8Array(32);
  const nodes = Array.from({ length: 65_536 }, (_, i) => ({ node: 2 ** height + 2 * i, key32 }));
  const make = (cover: typeof nodes) =>
    makeSubtreeBlock(nodeProvider, header({ height }), controllerKey, privateBody, cover, counted(1));
  const block = parseBlock(nodeProvider, make(nodes).bytes);
  expect(block.count).toBe(65_536);
  expect([0, 1, 2 ** 17 - 2, 2 ** 17 - 1].map((leaf) => block.indexOfLeaf(leaf))).toEqual([
    0,
    undefined,
    65_535,
    undefined,
  ]);
  expect(refusedWith(() => make([...nodes, { node: 2 ** (height + 1) - 1, key32 }]))).toBe('E_LIMIT');
});

it('groups.4 makes no block with nodes out of order or outside of the tree', () => {
  const key32 = new Uint8Array(32);
  const make = (...nodes: readonly number[]) =>
    refusedWith(() =>
      makeSubtreeBlock(
        nodeProvider,
        header(),
        controllerKey,
        privateBody,
        nodes.map((node) => ({ node, key32 })),
        counted(1),
      ),
    );
  expect(make(4, 5, 3)).toBeUndefined();
  expect(make()).toBeUndefined();
  for (const nodes of [[3, 2], [2, 2], [1, 15], [2, 5], [0], [16], [1.5], [Number.NaN]]) {
    expect(make(...nodes), nodes.join(' ')).toBe('E_USAGE');
  }
});
