import { expect, test, vi } from 'vitest';
import { TridcommError } from '@tridcomm/core';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { matchKinds } from '../../src/codepoints/match-kinds.gen.ts';
import { addressOf } from '../../src/keys/address.ts';
import { decodeBundle, encodeBundle } from '../../src/keys/bundle.ts';
import { Relay } from '../../src/relay/relay.ts';
import { typeOfObject } from '../../src/relay/object-form.ts';
import { codeOf, World, type Member } from '../client/world.ts';

const pattern = 'orders/**';

function setUp(): { world: World; alice: Member; bob: Member; eve: Member; groupId16: Uint8Array } {
  const world = new World();
  const [alice, bob, eve] = [world.join('alice'), world.join('bob'), world.join('eve')];
  const groupId16 = world.group(pattern, [alice], [bob]);
  bob.subscribe(pattern);
  return { world, alice, bob, eve, groupId16 };
}

test('principals.22: the edge takes envelopes of the principal of the link only, and only where the list lets it', () => {
  const { world, alice, bob, eve } = setUp();
  const envelope = alice.publish('orders/new', 'one');
  expect(codeOf(() => eve.link.publish(envelope))).toBe('E_POLICY');
  expect(codeOf(() => bob.link.publish(envelope))).toBe('E_POLICY');
  expect(codeOf(() => alice.link.publish(envelope.subarray(1)))).toBe('E_ENCODING');
  world.authority.withdraw({ keyId32: alice.keyId32, action: 'publish', pattern }, world.nowMs);
  expect(codeOf(() => alice.link.publish(envelope))).toBe('E_POLICY');
  expect(bob.texts()).toEqual(['one']);
});

test('principals.22, delivery.6: a writer takes no envelope of another writer to the edge', () => {
  const world = new World();
  const [alice, carol] = [world.join('alice'), world.join('carol')];
  world.group(pattern, [alice, carol], []);
  const envelope = alice.publish('orders/new', 'one');
  expect(codeOf(() => carol.link.publish(envelope))).toBe('E_POLICY');
  expect(codeOf(() => alice.link.publish(envelope))).toBeUndefined();
});

test('a subscription must be exactly as wide as the list says', () => {
  const { eve, bob } = setUp();
  const match = { matchKind: matchKinds.prefix, level: 0, match16: new Uint8Array(16) };
  expect(codeOf(() => eve.link.subscribe(match))).toBe('E_POLICY');
  expect(codeOf(() => bob.link.subscribe(match))).toBe('E_POLICY');
  expect(codeOf(() => bob.link.subscribe({ ...match, matchKind: matchKinds.group }))).toBe('E_POLICY');
});

test('an envelope comes once to a link, however many subscriptions match, and to the publisher that subscribed', () => {
  const world = new World();
  const alice = world.join('alice');
  world.group(pattern, [alice], [alice]);
  alice.subscribe(pattern);
  alice.subscribe('orders/new');
  alice.publish('orders/new', 'once');
  expect(alice.deliveries).toHaveLength(1);
  expect(world.relayEvents.filter(({ type }) => type === 'envelope')).toMatchObject([{ to: [alice.keyId32] }]);
});

test('principals.37: a bundle is applied as a whole or not at all', () => {
  const { world, alice, bob, groupId16 } = setUp();
  const before = world.bundles.length;
  world.censor = () => false;
  world.authority.rotate(groupId16, world.nowMs);
  world.censor = () => true;
  const objects = world.bundles.slice(before).flatMap((bundle) => decodeBundle(bundle));
  const spoilt = objects.map((object) => {
    if (typeOfObject(object.bytes) !== addressTypes.head) return object;
    const bytes = new Uint8Array(object.bytes);
    bytes[100]! ^= 1;
    return { ...object, bytes };
  });
  const { epoch } = bob.view(groupId16)!;
  expect(codeOf(() => world.relay.apply(encodeBundle(spoilt)))).toBe('E_SIG');
  const blockAddress16 = addressOf(world.provider, world.authority.authorityId32, addressTypes.keyBlock, groupId16);
  expect(world.relay.retained(blockAddress16)).not.toContainEqual(
    objects.find(({ bytes }) => typeOfObject(bytes) === addressTypes.keyBlock)!.bytes,
  );
  expect(bob.view(groupId16)!.epoch).toBe(epoch);
  world.relay.apply(encodeBundle(objects));
  expect(bob.view(groupId16)!.epoch).toBe(epoch + 1);
  alice.publish('orders/new', 'goes on');
  expect(bob.texts()).toEqual(['goes on']);
});

test('an object under the address of another is refused', () => {
  const { world } = setUp();
  const objects = decodeBundle(world.bundles.at(-1)!);
  const moved = objects.map(({ bytes }) => ({ bytes, address16: new Uint8Array(16) }));
  expect(codeOf(() => world.relay.apply(encodeBundle(moved)))).toBe('E_BINDING');
  expect(
    codeOf(() => world.relay.apply(encodeBundle([{ address16: new Uint8Array(16), bytes: new Uint8Array(50) }]))),
  ).toBe('E_ENCODING');
});

test('a relay that comes late is told everything by a republished bundle', () => {
  const { world } = setUp();
  const relay = new Relay({
    provider: world.provider,
    authorityId32: world.authority.authorityId32,
    now: () => world.nowMs,
  });
  const before = world.bundles.length;
  world.censor = () => false;
  world.authority.republish(world.nowMs);
  for (const bundle of world.bundles.slice(before)) relay.apply(bundle);
  const address16 = addressOf(world.provider, world.authority.authorityId32, addressTypes.policy, new Uint8Array(0));
  expect(relay.retained(address16)).toHaveLength(1);
});

test('blocks of epochs that drain are kept with the newest, and gone after', () => {
  const { world, groupId16 } = setUp();
  const address16 = addressOf(world.provider, world.authority.authorityId32, addressTypes.keyBlock, groupId16);
  const before = world.relay.retained(address16).length;
  world.authority.rotate(groupId16, world.nowMs);
  expect(world.relay.retained(address16)).toHaveLength(before + 1);
  world.advance(700_000, 10_000);
  expect(world.relay.retained(address16)).toHaveLength(1);
});

test('principals.38: who is revoked loses its link and what waits for it', () => {
  const { world, alice, bob } = setUp();
  expect(bob.link.isOpen).toBe(true);
  world.authority.revoke(bob.keyId32, world.nowMs);
  expect(bob.link.isOpen).toBe(false);
  alice.publish('orders/new', 'not for bob');
  expect(bob.texts()).toEqual([]);
  expect(world.relayEvents.some(({ type }) => type === 'ended')).toBe(true);
});

test('replay.18: new streams are refused when they come too fast', () => {
  const { world, alice } = setUp();
  const original = alice.link.publish.bind(alice.link);
  let refused = 0;
  for (let i = 0; i < 70; i++) {
    // Each life of a process starts a stream of its own.
    alice.end();
    alice.begin();
    try {
      alice.publish('orders/new', `${i}`);
    } catch (error) {
      if (!(error instanceof TridcommError) || error.code !== 'E_LIMIT') throw error;
      refused++;
    }
  }
  expect(refused).toBe(6);
  expect(codeOf(() => original(new Uint8Array(3)))).toBe('E_CLOSED');
  world.advance(1_000);
  alice.publish('orders/new', 'a second later');
});

test('what a delivery causes comes after it', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group(pattern, [alice, bob], [alice, bob]);
  const heard: string[] = [];
  for (const one of [alice, bob]) {
    one.client.subscribe(pattern, world.nowMs, ({ topic }) => {
      heard.push(`${one.name} ${topic}`);
      if (one === alice && topic === 'orders/question') alice.publish('orders/answer', 'y');
    });
  }
  bob.publish('orders/question', 'x');
  expect(heard).toEqual(['alice orders/question', 'bob orders/question', 'alice orders/answer', 'bob orders/answer']);
});

test('what a receiver throws or does to its bytes reaches nobody else', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group(pattern, [alice], [alice, bob]);
  for (const one of [alice, bob]) one.subscribe(pattern);
  const real = alice.lets;
  alice.lets = (_what, bytes) => {
    bytes.fill(0);
    throw new Error('bug');
  };
  const envelope = alice.publish('orders/new', 'x');
  expect(envelope.some((byte) => byte !== 0)).toBe(true);
  expect(bob.texts()).toEqual(['x']);
  expect(world.relayEvents.filter(({ type }) => type === 'receiverFailed')).toMatchObject([{ keyId32: alice.keyId32 }]);
  const address16 = addressOf(world.provider, world.authority.authorityId32, addressTypes.policy, new Uint8Array(0));
  const before = world.relay.retained(address16);
  alice.link.fetch(address16);
  world.relay.retained(address16)[0]!.fill(0);
  expect(world.relay.retained(address16)).toEqual(before);
  alice.lets = real;
});

test('one link watches so much and no more, and leaves nothing behind', () => {
  const { world, eve } = setUp();
  const link = world.relay.attach(eve.keyId32, { envelope() {}, object() {} });
  const address = (i: number) => world.provider.sha256(Uint8Array.of(i >> 8, i & 255)).subarray(0, 16);
  for (let i = 0; i < 4_096; i++) link.watch(address(i));
  link.watch(address(0));
  expect(codeOf(() => link.watch(address(4_096)))).toBe('E_LIMIT');
  const deleted = vi.spyOn(Map.prototype, 'delete');
  link.detach();
  expect(deleted.mock.calls.length).toBeGreaterThanOrEqual(4_096);
  deleted.mockRestore();
  expect(codeOf(() => link.watch(address(0)))).toBe('E_CLOSED');
});

test('who is revoked is refused at once, and told why', () => {
  const { world, bob } = setUp();
  world.authority.revoke(bob.keyId32, world.nowMs);
  const match = { matchKind: matchKinds.exact, level: 0, match16: new Uint8Array(16) };
  const why = (call: () => void): unknown => {
    try {
      call();
    } catch (error) {
      return error;
    }
    return undefined;
  };
  const calls = (link: Member['link']) => [
    () => link.publish(new Uint8Array(200)),
    () => link.subscribe(match),
    () => link.unsubscribe(match),
    () => link.watch(new Uint8Array(16)),
    () => link.fetch(new Uint8Array(16)),
  ];
  for (const call of calls(bob.link)) {
    expect(why(call)).toMatchObject({ code: 'E_CLOSED', cause: { code: 'E_REVOKED' } });
  }
  const link = world.relay.attach(bob.keyId32, { envelope() {}, object() {} });
  expect(link.isOpen).toBe(false);
  for (const call of calls(link)) expect(codeOf(call)).toBe('E_REVOKED');
});

test('a bundle that is refused costs what was looked at, and undoes what it changed', () => {
  const { world, groupId16 } = setUp();
  for (let i = 0; i < 20; i++) world.join(`m${i}`);
  const before = world.bundles.length;
  world.censor = () => false;
  world.authority.rotate(groupId16, world.nowMs);
  world.censor = () => true;
  const objects = world.bundles.slice(before).flatMap((bundle) => decodeBundle(bundle));
  const verify = vi.spyOn(world.provider, 'ed25519Verify');
  const spoilt = [...objects, { address16: new Uint8Array(16), bytes: objects[0]!.bytes }];
  expect(codeOf(() => world.relay.apply(encodeBundle(spoilt)))).toBe('E_BINDING');
  expect(verify.mock.calls.length).toBeLessThanOrEqual(objects.length + 1);
  verify.mockRestore();
  world.relay.apply(encodeBundle(objects));
});
