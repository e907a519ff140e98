import { describe, expect, it } from 'vitest';
import { nobleProvider } from '@tridcomm/core/noble';
import { nodeProvider } from '@tridcomm/core/node';
import { MemberKeys, type OpenedBlock } from '../../src/keys/member-keys.ts';
import { partialBlock, type MadeBlock } from '../../src/keys/key-block.ts';
import { PrekeyStore } from '../../src/keys/prekeys.ts';
import { extended, refusedWith } from '../property/support.ts';
import {
  listBlock,
  newMember,
  optionsOf,
  prekey,
  privateBody,
  psk32,
  pskBlock,
  settings,
  TestController,
} from './controller.ts';

const group = settings();
const take = (member: MemberKeys, block: MadeBlock, over = {}) =>
  refusedWith(() => member.takeBlock(block.bytes, settings(over)));

/** What a block opens to; fails where it is known already. */
function open(member: MemberKeys, block: MadeBlock, over = {}): OpenedBlock {
  const opened = member.takeBlock(block.bytes, settings(over));
  if (opened === 'known') throw new Error('known');
  return opened;
}

/** A controller and a member that is enrolled at a leaf. */
function enrolled(leaf = 3, height = 3) {
  const controller = new TestController(height);
  const member = newMember(1);
  member.takeEnrolment(controller.enrol(leaf, 1), group);
  return { controller, member };
}

describe.each([nodeProvider, nobleProvider])('with $name', (provider) => {
  it('groups.5 groups.12 opens blocks of all kinds, whole and in parts, in both suites', () => {
    for (const suite of [1, 2]) {
      const controller = new TestController(3);
      const member = newMember(1, { provider });
      const over = { suite };
      member.takeEnrolment(controller.enrol(3, 1, over), settings(over));
      const block = controller.block([2], over);
      const opened = open(member, block, over);
      expect(opened.epochSecret32).toEqual(block.epochSecret32);
      expect(opened.private.body).toEqual(privateBody);
      expect(opened.blockHash32).toEqual(block.blockHash32);
      controller.step();
      const next = controller.block([2], over);
      const part = { ...next, bytes: partialBlock(nodeProvider, next.bytes, 1) };
      expect(open(member, part, over).epochSecret32).toEqual(next.epochSecret32);
      const list = listBlock([1, 2], over);
      const inList = open(newMember(2, { provider }), list, { ...over, blockKind: 1 });
      expect(inList.epochSecret32).toEqual(list.epochSecret32);
      const fromPsk = pskBlock(over);
      const inPsk = open(newMember(3, { provider, psk32 }), fromPsk, { ...over, blockKind: 5 });
      expect(inPsk.epochSecret32).toEqual(fromPsk.epochSecret32);
    }
  });
});

it('groups.1 groups.3 has the codes of steps 7 and 8 in their order', () => {
  const { controller, member } = enrolled();
  const block = controller.block();
  const forged = { ...block, bytes: new Uint8Array(block.bytes).fill(0, -1) };
  const { controller: key } = group;
  expect(take(member, forged, { groupId16: new Uint8Array(16) })).toBe('E_BINDING');
  expect(take(member, forged, { controller: { ...key, keyId32: new Uint8Array(32) } })).toBe('E_POLICY');
  expect(take(member, forged, { blockKind: 1 })).toBe('E_POLICY');
  expect(take(member, forged, { suite: 2 })).toBe('E_POLICY');
  expect(take(member, forged, { purpose: 2 })).toBe('E_POLICY');
  member.useOwnSuites({ suites: [2], suiteFloor: 1 });
  expect(take(member, forged)).toBe('E_POLICY');
  member.useOwnSuites({ suites: [1], suiteFloor: 2 });
  expect(take(member, forged)).toBe('E_POLICY');
  member.useOwnSuites({ suites: [1], suiteFloor: 1 });
  expect(take(member, forged)).toBe('E_SIG');
  expect(take(member, block)).toBeUndefined();
});

it('groups.7 knows the block held, and refuses what is behind it', () => {
  const { controller, member } = enrolled();
  const first = controller.block();
  controller.step();
  const second = controller.block();
  open(member, second);
  expect(member.takeBlock(second.bytes, group)).toBe('known');
  expect(member.takeBlock(partialBlock(nodeProvider, second.bytes, 0), group)).toBe('known');
  expect(take(member, first)).toBe('E_EPOCH');
  expect(take(member, controller.fork([], { generation: 0 }))).toBe('E_EPOCH');
  controller.step();
  expect(take(member, controller.fork([], { generation: 0 }))).toBe('E_EPOCH');
  expect(member.isForked).toBe(false);
});

it('groups.8 keeps the first of two blocks of an epoch, until there is a higher one', () => {
  const { controller, member } = enrolled();
  const first = controller.block();
  const second = controller.fork();
  open(member, first);
  expect(take(member, second)).toBe('E_FORK');
  expect(take(member, controller.fork([], { generation: 2 }))).toBe('E_FORK');
  expect(member.isForked).toBe(true);
  expect(member.takeBlock(first.bytes, group)).toBe('known');
  const restored = MemberKeys.restore(optionsOf(1), member.export());
  expect(restored.isForked).toBe(true);
  controller.step();
  open(member, controller.block());
  expect(member.isForked).toBe(false);
});

it('groups.9 asks of the next block that it follows the one held, not of a later one', () => {
  const { controller, member } = enrolled();
  open(member, controller.block());
  controller.step();
  const prevBlockHash32 = new Uint8Array(32).fill(1);
  expect(take(member, controller.fork([], { prevBlockHash32 }))).toBe('E_FORK');
  expect(member.isForked).toBe(false);
  controller.step();
  expect(take(member, controller.fork([], { prevBlockHash32 }))).toBeUndefined();
});

it('groups.10 opens nothing without a leaf, a prekey or the PSK', () => {
  const { controller, member } = enrolled();
  expect(take(member, controller.fork([3]))).toBe('E_REVOKED');
  expect(take(newMember(2), controller.fork())).toBe('E_REVOKED');
  const later = newMember(2);
  controller.step();
  later.takeEnrolment(controller.enrol(4, 2), group);
  expect(take(later, controller.fork([], { epoch: controller.epoch - 1 }))).toBe('E_REVOKED');
  expect(take(later, controller.fork([], { generation: 2 }))).toBe('E_REVOKED');
  expect(take(newMember(3), listBlock([1, 2]), { blockKind: 1 })).toBe('E_REVOKED');
  expect(take(newMember(3), pskBlock(), { blockKind: 5 })).toBe('E_REVOKED');
  expect(take(newMember(3, { psk32: new Uint8Array(32) }), pskBlock(), { blockKind: 5 })).toBe('E_COMMIT');
});

it('groups.10 opens nothing in a tree of another height than that of its leaf', () => {
  const { controller, member } = enrolled(1);
  const smaller = new TestController(2);
  expect(smaller.epoch).toBe(controller.epoch);
  expect(take(member, smaller.fork([0]))).toBe('E_REVOKED');
});

it('groups.10 opens a list by any prekey that is held', () => {
  const prekeys = new PrekeyStore(nodeProvider);
  for (const seed of [8, 2, 9]) prekeys.add(prekey(seed).secret32);
  const member = newMember(1, { prekeys });
  open(member, listBlock([1, 2]), { blockKind: 1 });
  prekeys.erase(prekey(2).key.keyId32);
  expect(take(member, listBlock([1, 2], { epoch: 9 }), { blockKind: 1 })).toBe('E_REVOKED');
});

it('groups.11 steps 4,096 times for one block and no more', () => {
  const { controller, member } = enrolled(3, 3);
  controller.step(4_096);
  const last = controller.fork();
  controller.step();
  const before = member.export();
  expect(take(member, controller.fork())).toBe('E_LIMIT');
  expect(member.export()).toEqual(before);
  expect(take(member, last)).toBeUndefined();
  expect(take(member, controller.fork([], { prevBlockHash32: last.blockHash32 }))).toBeUndefined();
});

it('groups.12 holds the keys of the epoch of the block, and overwrites those before', () => {
  const { controller, member } = enrolled();
  const [before] = member.enrolments;
  open(member, controller.block());
  controller.step(3);
  open(member, controller.block());
  const [after] = member.enrolments;
  expect(after).toMatchObject({ generation: 1, epoch: controller.epoch, leaf: 3 });
  expect([...(after?.nodeKeys.subarray(0, 32) ?? [])]).toEqual([...controller.keys.subarray(32 * 11, 32 * 12)]);
  expect(before?.nodeKeys).toEqual(after?.nodeKeys);
});

it('groups.3 changes nothing on a refusal in step 11', () => {
  const { controller, member } = enrolled();
  const before = member.export();
  const bad = controller.fork([], {}, Uint8Array.of(8, 1));
  expect(take(member, bad)).toBe('E_ENCODING');
  controller.keys.fill(0);
  expect(take(member, controller.fork())).toBe('E_AEAD');
  expect(member.export()).toEqual(before);
});

it('groups.13 groups.14 keeps the leaf in use until a block opens under the new one', () => {
  const { controller, member } = enrolled();
  open(member, controller.block());
  const old = member.enrolments[0];
  const now = controller.epoch;
  const reseated = new TestController(3);
  reseated.step(2);
  const enrolment = reseated.enrol(6, 1);
  expect(member.takeEnrolment(enrolment, group)).toBe('held');
  expect(member.takeEnrolment(enrolment, group)).toBe('known');
  expect(member.enrolments.map(({ leaf, epoch }) => [leaf, epoch])).toEqual([
    [3, now],
    [6, now + 2],
  ]);
  controller.step();
  open(member, controller.block());
  expect(member.enrolments).toHaveLength(2);
  controller.step();
  open(member, controller.block([3]));
  expect(member.enrolments.map(({ leaf, epoch }) => [leaf, epoch])).toEqual([[6, now + 2]]);
  expect(old?.nodeKeys.every((byte) => byte === 0)).toBe(true);
  expect(refusedWith(() => member.takeEnrolment(new TestController(3).enrol(1, 1), group))).toBe('E_EPOCH');
});

it('groups.13 groups.14 goes over to a new generation with its first block', () => {
  const { controller, member } = enrolled();
  open(member, controller.block());
  controller.newGeneration();
  expect(take(member, controller.fork())).toBe('E_REVOKED');
  member.takeEnrolment(controller.enrol(0, 1), group);
  open(member, controller.block());
  expect(member.enrolments.map(({ generation, leaf }) => [generation, leaf])).toEqual([[2, 0]]);
});

it('groups.14 drops an enrolment that waited in vain for a newer one', () => {
  const { controller, member } = enrolled();
  open(member, controller.block());
  controller.newGeneration();
  member.takeEnrolment(controller.enrol(0, 1), group);
  const dropped = member.enrolments[1];
  controller.newGeneration();
  member.takeEnrolment(controller.enrol(1, 1), group);
  expect(member.enrolments.map(({ generation }) => generation)).toEqual([1, 3]);
  expect(dropped?.nodeKeys.every((byte) => byte === 0)).toBe(true);
});

it('groups.7 groups.12 goes on where an earlier life stopped', () => {
  const { controller, member } = enrolled();
  const first = controller.block();
  open(member, first);
  controller.step();
  const second = controller.block();
  open(member, second);
  const state = member.export();
  const restored = MemberKeys.restore(optionsOf(1), state);
  expect(restored.export()).toEqual(state);
  expect(take(restored, first)).toBe('E_EPOCH');
  expect(restored.takeBlock(second.bytes, group)).toBe('known');
  controller.step();
  open(restored, controller.block());
  expect(newMember(1).export()).toEqual(MemberKeys.restore(optionsOf(1), newMember(1).export()).export());
});

it('groups.12 refuses to restore what no export gave', () => {
  const { controller, member } = enrolled();
  open(member, controller.block());
  const state = member.export();
  const restore = (bytes: Uint8Array) => refusedWith(() => MemberKeys.restore(optionsOf(1), bytes));
  for (let length = 0; length < state.length; length++) expect(restore(state.subarray(0, length))).toBe('E_LENGTH');
  expect(restore(extended(state, 0))).toBe('E_LENGTH');
  const patched = (at: number, value: number) => new Uint8Array(state).fill(value, at, at + 1);
  expect(restore(patched(0, 0))).toBe('E_ENCODING');
  expect(restore(patched(4, 2))).toBe('E_VERSION');
  expect(restore(patched(5, 0x1d))).toBe('E_ENCODING');
  // A fork is one of a block.
  expect(restore(patched(5, 0x02))).toBe('E_ENCODING');
  expect(restore(patched(86 + 11, 25))).toBe('E_ENCODING');
  expect(restore(patched(86 + 15, 8))).toBe('E_ENCODING');
});

it('groups.12 principals.17 overwrites a prekey that is erased', () => {
  const prekeys = new PrekeyStore(nodeProvider);
  const held = prekeys.add(prekey(1).secret32);
  expect(prekeys.add(prekey(1).secret32)).toBe(held);
  expect(prekeys.find(held.keyId32)).toBe(held);
  prekeys.erase(new Uint8Array(32));
  expect(prekeys.all()).toHaveLength(1);
  prekeys.erase(held.keyId32);
  expect(held.secretKey.every((byte) => byte === 0)).toBe(true);
  expect(prekeys.find(held.keyId32)).toBeUndefined();
  expect(prekey(1).secret32[0]).toBe(1);
});
