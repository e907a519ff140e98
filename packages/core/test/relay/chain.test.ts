import { expect, test } from 'vitest';
import { readU64 } from '../../src/bytes/bytes.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { addressOf } from '../../src/keys/address.ts';
import { World } from '../client/world.ts';

const nothing = new Uint8Array(0);

test('principals.10: authority records that it holds may come once more, in a bundle with everything', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  const groupId16 = world.group('orders/**', [alice], [bob]);
  bob.subscribe('orders/**');
  world.authority.delegate(world.nowMs);
  world.authority.delegate(world.nowMs);
  world.authority.republish(world.nowMs);
  world.authority.rotate(groupId16, world.nowMs);
  const chainAddress16 = addressOf(
    world.provider,
    world.authority.authorityId32,
    addressTypes.authorityRecord,
    nothing,
  );
  expect(world.relay.retained(chainAddress16)).toHaveLength(3);
  alice.publish('orders/new', 'goes on');
  expect(bob.texts()).toEqual(['goes on']);
});

test('the newest head is kept under its own address too, where group heads came with it', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  const groupId16 = world.group('orders/**', [alice], [bob]);
  world.advance(65_000);
  const headAddress16 = addressOf(world.provider, world.authority.authorityId32, addressTypes.head, nothing);
  const [head] = world.relay.retained(headAddress16);
  expect(readU64(head!, 40)).toBe(alice.view(groupId16)!.headSeq);
});
