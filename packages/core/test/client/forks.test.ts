import { expect, test } from 'vitest';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { decodeBundle } from '../../src/keys/bundle.ts';
import { typeOfObject } from '../../src/relay/object-form.ts';
import { codeOf, World, type Member } from './world.ts';

const pattern = 'orders/**';

interface Twin {
  readonly world: World;
  readonly alice: Member;
  readonly bob: Member;
  readonly groupId16: Uint8Array;
}

/** Worlds whose authorities and members have the same keys, as chance repeats: what a clone of a machine is. */
function twin(): Twin {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  const groupId16 = world.group(pattern, [alice, bob], [alice, bob]);
  for (const one of [alice, bob]) one.subscribe(pattern);
  return { world, alice, bob, groupId16 };
}

/** The last object of a type that an authority published. */
function lastOf(world: World, type: number): Uint8Array {
  return world.bundles.flatMap((bundle) => decodeBundle(bundle)).findLast(({ bytes }) => typeOfObject(bytes) === type)!
    .bytes;
}

test('two blocks of one epoch stop sealing until the next', () => {
  const [one, two] = [twin(), twin()];
  one.world.authority.rotate(one.groupId16, one.world.nowMs);
  two.world.advance(1_000);
  two.world.authority.rotate(two.groupId16, two.world.nowMs);
  one.world.advance(1_000);
  const rival = lastOf(two.world, addressTypes.keyBlock);
  expect(codeOf(() => one.alice.client.object(addressTypes.keyBlock, rival, one.world.nowMs))).toBe('E_FORK');
  expect(codeOf(() => one.alice.publish('orders/new', 'x'))).toBe('E_FORK');
  one.bob.publish('orders/new', 'still opens');
  expect(one.alice.texts()).toEqual(['still opens']);
  one.world.authority.rotate(one.groupId16, one.world.nowMs);
  one.alice.publish('orders/new', 'again');
});

test('two heads of one number raise an alarm, and the first counts', () => {
  const [one, two] = [twin(), twin()];
  one.world.authority.rotate(one.groupId16, one.world.nowMs);
  two.world.advance(1_000);
  two.world.authority.rotate(two.groupId16, two.world.nowMs);
  one.world.advance(1_000);
  const rival = lastOf(two.world, addressTypes.groupHead);
  const before = one.alice.view(one.groupId16);
  expect(codeOf(() => one.alice.client.object(addressTypes.groupHead, rival, one.world.nowMs))).toBe('E_FORK');
  expect(one.alice.view(one.groupId16)).toEqual(before);
});

test('a number that is higher than all heads stops sealing until a head shows that it is false', () => {
  const [one, two] = [twin(), twin()];
  for (let i = 0; i < 5; i++) two.world.group(`other/${i}`, [], []);
  // The same keys and epoch, and a view with a higher number.
  const lie = two.alice.publish('orders/new', 'I know more');
  expect(one.bob.client.envelope(lie, one.world.nowMs)).toBeDefined();
  one.world.advance(4_500);
  one.bob.publish('orders/new', 'not yet');
  one.world.advance(500);
  expect(codeOf(() => one.bob.publish('orders/new', 'x'))).toBe('E_STALE');
  // A head 20 s later may have been made before the number was known to all.
  one.world.advance(16_000);
  expect(codeOf(() => one.bob.publish('orders/new', 'x'))).toBe('E_STALE');
  one.world.advance(20_000);
  one.bob.publish('orders/new', 'goes on');
});

test('a group that takes what is stale marks it', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group('weather', [alice], [bob], { staleOk: true });
  bob.subscribe('weather');
  bob.lets = (what) => what === 'envelope';
  world.advance(80_000);
  alice.publish('weather', 'rain');
  expect(bob.deliveries).toMatchObject([{ stale: true }]);
});

test('a member without news asks for the head with a nonce', () => {
  const { world, alice } = twin();
  const nonce32 = world.random(32);
  for (const one of world.members) one.lets = (what) => what === 'envelope';
  world.advance(21_000);
  const answer = world.authority.answer(nonce32, world.nowMs);
  expect(codeOf(() => alice.client.headAnswer(answer, world.random(32), world.nowMs))).toBe('E_SIG');
  expect(alice.client.headAnswer(answer, nonce32, world.nowMs)).toBe('held');
  // It knows now that its view is behind.
  world.advance(5_000);
  expect(codeOf(() => alice.publish('orders/new', 'x'))).toBe('E_STALE');
});

test('a view without its parts stays what it was, however many heads come', () => {
  const { world, alice, groupId16 } = twin();
  const before = alice.view(groupId16)!;
  alice.lets = (what, bytes) => what === 'envelope' || typeOfObject(bytes) !== addressTypes.revocationList;
  const carol = world.join('carol');
  world.authority.revoke(carol.keyId32, world.nowMs);
  world.advance(40_000);
  expect(alice.view(groupId16)!.headSeq).toBe(before.headSeq);
  alice.lets = () => true;
  world.advance(8_000);
  expect(alice.view(groupId16)!.headSeq).toBeGreaterThan(before.headSeq);
});

test('groups.28: a block that came without its head stops sealing at once', () => {
  const { world, alice, bob, groupId16 } = twin();
  const heads = new Set<number>([addressTypes.groupHead, addressTypes.head]);
  alice.lets = (what, bytes) => what === 'envelope' || !heads.has(typeOfObject(bytes));
  world.authority.rotate(groupId16, world.nowMs);
  expect(codeOf(() => alice.publish('orders/new', 'x'))).toBe('E_STALE');
  bob.publish('orders/new', 'opens');
  expect(alice.texts()).toEqual(['opens']);
  alice.lets = () => true;
  world.advance(25_000);
  alice.publish('orders/new', 'again');
});
