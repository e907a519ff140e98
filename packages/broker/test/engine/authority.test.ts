import { expect, test } from 'vitest';
import { addressOf, addressTypes, Identity, TridcommError } from '@tridcomm/core';
import { decodeBundle, encodeBundle, limits, objectKinds, type AddressedObject } from '@tridcomm/core/internal';
import { durabilities, principalRoles } from '@tridcomm/core/link';
import { BrokerEngine } from '../../src/engine/broker-engine.ts';
import { FakeLog } from './fake-log.ts';
import { provider, startMs, World, type Member } from './world.ts';

const pattern = 'orders/**';
const nothing = new Uint8Array(0);

async function setUp(
  world: World = new World(),
): Promise<{ world: World; alice: Member; bob: Member; groupId16: Uint8Array }> {
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  const groupId16 = world.group(pattern, [alice], [bob]);
  await world.settle();
  bob.subscribe(pattern);
  await world.settle();
  for (const peer of [alice.peer, bob.peer, world.authorityPeer]) peer.messages.splice(0);
  world.events.splice(0);
  return { world, alice, bob, groupId16 };
}

function at(world: World, type: number, id: Uint8Array = nothing): Uint8Array {
  return addressOf(provider, world.authority.authorityId32, type, id);
}

test('delivery.8: bundles are taken from who has the role authority, and acknowledged when they count', async () => {
  const { world, alice, bob, groupId16 } = await setUp();
  world.publishes = false;
  const before = world.bundles.length;
  world.authority.rotate(groupId16, world.nowMs);
  const [bundle] = world.bundles.slice(before);
  alice.peer.says({ type: 'bundle', bundle: bundle! });
  await world.settle();
  expect(alice.peer.take('reject')).toEqual([
    { type: 'reject', about: 'numbered', number: 1, code: 'E_REFUSED', retryMs: 0 },
  ]);
  expect(world.refusals()).toEqual(['bundle E_POLICY']);
  const { epoch } = bob.client.view(groupId16, world.nowMs)!;
  world.authorityPeer.says({ type: 'bundle', bundle: bundle! });
  await world.settle();
  expect(world.authorityPeer.take('ack')).toHaveLength(1);
  expect(bob.client.view(groupId16, world.nowMs)!.epoch).toBe(epoch + 1);
});

test('delivery.8: a role that was taken back is gone, whatever the link was opened with', async () => {
  const { world, groupId16 } = await setUp();
  const identity = Identity.create(provider, world.random, world.nowMs);
  const record = world.authority.issue(identity.key, { name: 'second', roles: principalRoles.authority }, world.nowMs);
  await world.settle();
  const second = world.openLink(record);
  world.authority.issue(identity.key, { name: 'second', roles: principalRoles.member }, world.nowMs);
  await world.settle();
  world.publishes = false;
  const before = world.bundles.length;
  world.authority.rotate(groupId16, world.nowMs);
  second.says({ type: 'bundle', bundle: world.bundles[before]! });
  await world.settle();
  expect(second.take('reject')).toMatchObject([{ code: 'E_REFUSED' }]);
});

test('principals.37: a bundle with one bad object changes nothing, and is rejected with its code', async () => {
  const { world, bob, groupId16 } = await setUp();
  world.publishes = false;
  const before = world.bundles.length;
  world.authority.rotate(groupId16, world.nowMs);
  const objects = decodeBundle(world.bundles[before]!);
  const { epoch } = bob.client.view(groupId16, world.nowMs)!;
  const spoilt = encodeBundle([...objects, { address16: new Uint8Array(16), bytes: objects[0]!.bytes }]);
  world.authorityPeer.says({ type: 'bundle', bundle: spoilt }, { type: 'bundle', bundle: new Uint8Array(4) });
  await world.settle();
  expect(world.authorityPeer.take('reject').map(({ code }) => code)).toEqual(['E_REFUSED', 'E_LENGTH']);
  expect(bob.client.view(groupId16, world.nowMs)!.epoch).toBe(epoch);
  world.authorityPeer.says({ type: 'bundle', bundle: world.bundles[before]! });
  await world.settle();
  expect(bob.client.view(groupId16, world.nowMs)!.epoch).toBe(epoch + 1);
});

test('bundles and envelopes of a link are numbered together', async () => {
  const { world } = await setUp();
  world.authorityPeer.publish(new Uint8Array(3), durabilities.memory);
  world.authority.republish(world.nowMs);
  await world.settle();
  const [{ number } = { number: 0 }] = world.authorityPeer.take('reject');
  expect(world.authorityPeer.take('ack').at(-1)!.number).toBeGreaterThan(number);
});

test('a fetch gets what is retained once, a watch also what comes; what is not there is nothing', async () => {
  const { world, bob } = await setUp();
  const peer = bob.link();
  const [head, policy] = [at(world, addressTypes.head), at(world, addressTypes.policy)];
  peer.says({ type: 'watch', keeps: false, addresses: [policy, head, new Uint8Array(16)] });
  await world.settle();
  expect(peer.take('object').map(({ address16 }) => address16)).toEqual([policy, head]);
  await world.advance(25_000);
  expect(peer.take('object')).toEqual([]);
  peer.says({ type: 'watch', keeps: true, addresses: [head] });
  await world.settle();
  expect(peer.take('object')).toHaveLength(1);
  await world.advance(25_000);
  expect(peer.take('object').length).toBeGreaterThan(0);
});

test('an object that could not be sent is sent when it can, and only its newest version', async () => {
  const { world, bob } = await setUp();
  const peer = bob.link();
  const head = at(world, addressTypes.head);
  peer.says({ type: 'watch', keeps: true, addresses: [head] });
  await world.settle();
  peer.messages.splice(0);
  peer.isFull = true;
  await world.advance(100_000, 5_000);
  expect(peer.take('object')).toEqual([]);
  peer.isFull = false;
  peer.connection!.drained();
  await world.settle();
  const objects = peer.take('object');
  expect(objects).toHaveLength(1);
  expect(objects[0]!.object).toEqual(world.engine.retained(head)[0]);
});

test('objects that wait come in the order in which they need each other, whatever was asked for first', async () => {
  const { world, bob, groupId16 } = await setUp();
  const peer = bob.link();
  const [policy, edge] = [at(world, addressTypes.policy), at(world, addressTypes.edgeList, groupId16)];
  peer.isFull = true;
  peer.says({ type: 'watch', keeps: true, addresses: [edge, policy] });
  await world.settle();
  const carol = world.join('carol');
  world.authority.grant({ keyId32: carol.keyId32, action: 'subscribe', pattern }, world.nowMs);
  await world.settle();
  peer.isFull = false;
  peer.connection!.drained();
  await world.settle();
  expect(peer.take('object').map(({ address16 }) => address16)).toEqual([policy, edge]);
});

test('watches of a link are bounded; the frame is rejected by its place', async () => {
  const { world, bob } = await setUp();
  const peer = bob.link();
  const address = (i: number): Uint8Array => provider.sha256(Uint8Array.of(i >> 8, i & 255)).subarray(0, 16);
  for (let i = 0; i < 4_096; i += 256) {
    peer.says({ type: 'watch', keeps: true, addresses: Array.from({ length: 256 }, (_, k) => address(i + k)) });
    await world.settle();
  }
  peer.says({ type: 'watch', keeps: true, addresses: [address(0)] });
  peer.says({ type: 'watch', keeps: true, addresses: [address(0), address(5_000)] });
  peer.says({ type: 'watch', keeps: false, addresses: [address(5_000)] });
  await world.settle();
  expect(peer.take('reject')).toEqual([{ type: 'reject', about: 'watch', number: 18, code: 'E_LIMIT', retryMs: 0 }]);
  const fetches = Array.from({ length: 256 }, (_, k) => address(10_000 + k));
  peer.isFull = true;
  for (let i = 0; i < 40; i++) {
    peer.says({ type: 'watch', keeps: false, addresses: fetches.map((_, k) => address(20_000 + 256 * i + k)) });
  }
  await world.settle();
  expect(peer.take('reject').every(({ code }) => code === 'E_LIMIT')).toBe(true);
  expect(peer.connection!.outbox.waitingAddresses).toBeLessThanOrEqual(8_192);
});

test('an object that the peer does not take is told, and the link goes on', async () => {
  const { world, bob } = await setUp();
  const peer = bob.link();
  const send = peer.send.bind(peer);
  peer.send = (message) => {
    if (message.type === 'object') throw new TridcommError('E_LIMIT', 'cap of the peer');
    send(message);
  };
  peer.says({ type: 'watch', keeps: false, addresses: [at(world, addressTypes.policy)] });
  peer.says({ type: 'ping', answers: false, token: 3, timeMs: 0 });
  await world.settle();
  expect(world.events.map(({ type }) => type)).toContain('objectTooLarge');
  expect(peer.take('ping')).toHaveLength(1);
});

test('principals.38, link.22: who is revoked loses links and subs at once, and gets no new link', async () => {
  const { world, alice, bob } = await setUp();
  const second = bob.link();
  world.authority.revoke(bob.keyId32, world.nowMs);
  await world.settle();
  expect(bob.peer.closed).toMatchObject({ code: 'E_REVOKED' });
  expect(second.closed).toMatchObject({ code: 'E_REVOKED' });
  alice.publish('orders/new', 'not for bob');
  await world.settle();
  expect(bob.texts()).toEqual([]);
  const third = bob.link();
  expect(third.connection).toBe(undefined);
  expect(third.closed).toMatchObject({ code: 'E_REVOKED' });
  expect(world.engine.isRevoked(bob.keyId32, bob.record.serial)).toBe(true);
  expect(world.engine.isRevoked(alice.keyId32, alice.record.serial)).toBe(false);
});

test('link.22: a link ends when the record of its principal has ended by more than the skew, unless it was renewed', async () => {
  const { world, alice } = await setUp();
  const short = (name: string) => {
    const identity = Identity.create(provider, world.random, world.nowMs);
    const notAfterMs = world.nowMs + 60_000;
    const record = world.authority.issue(identity.key, { name, notAfterMs }, world.nowMs);
    return { identity, peer: world.openLink(record) };
  };
  const [ends, renewed] = [short('ends'), short('renewed')];
  world.authority.issue(renewed.identity.key, { name: 'renewed' }, world.nowMs);
  await world.advance(60_000 + limits.skewMs);
  expect(ends.peer.closed).toBe(undefined);
  await world.advance(1_000);
  expect(ends.peer.closed).toMatchObject({ code: 'E_EXPIRED' });
  expect([renewed.peer.closed, alice.peer.closed]).toEqual([undefined, undefined]);
});

test('principals.28: a bundle counts when it is kept; who is revoked does not wait for a slow disk', async () => {
  const kept: AddressedObject[][] = [];
  let release: () => void = () => undefined;
  let isSlow = false;
  const world = new World({
    keep: async (objects) => {
      kept.push([...objects]);
      if (isSlow) await new Promise<void>((resolve) => (release = resolve));
    },
  });
  const { bob, alice } = await setUp(world);
  isSlow = true;
  world.authority.revoke(bob.keyId32, world.nowMs);
  await world.settle();
  expect(bob.peer.closed).toBe(undefined);
  expect(world.authorityPeer.take('ack')).toEqual([]);
  world.nowMs += 500;
  world.engine.tick();
  expect(bob.peer.closed).toMatchObject({ code: 'E_REVOKED' });
  isSlow = false;
  release();
  await world.settle();
  expect(world.authorityPeer.take('ack')).toHaveLength(1);
  expect(alice.peer.closed).toBe(undefined);
  expect(kept.flat().length).toBeGreaterThan(10);
});

test('bundles are kept and taken one after the other, in order', async () => {
  const order: string[] = [];
  const world = new World({
    keep: async (objects) => {
      order.push(`keep ${objects.length}`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push('kept');
    },
    onEvent: (event) => event.type === 'bundleTaken' && order.push('taken'),
  });
  // What the link of the authority taught was kept beside.
  await world.settle();
  order.splice(0);
  await setUp(world);
  expect(order.length).toBeGreaterThan(9);
  for (const [i, what] of order.entries()) expect(what).toMatch([/^keep \d+$/, /^kept$/, /^taken$/][i % 3]!);
});

test('a bundle that could not be kept counts all the same, and its authority hears of it', async () => {
  const world = new World({ keep: async () => Promise.reject(new TridcommError('E_TRANSPORT', 'disk')) });
  const { bob } = await setUp(world);
  world.authorityPeer.take('reject');
  world.authority.revoke(bob.keyId32, world.nowMs);
  await world.settle();
  expect(bob.peer.closed).toMatchObject({ code: 'E_REVOKED' });
  expect(world.events).toContainEqual({ type: 'notKept', code: 'E_TRANSPORT' });
  expect(world.authorityPeer.take('ack')).toEqual([]);
  expect(world.authorityPeer.take('reject')).toMatchObject([{ about: 'numbered', code: 'E_REFUSED', retryMs: 5_000 }]);
});

test('what could not be kept is kept with the next bundle, and known to the next life', async () => {
  const kept: { readonly objects: readonly AddressedObject[]; readonly nowMs: number }[] = [];
  let isFull = false;
  const world = new World({
    keep: async (objects, nowMs) => {
      if (isFull) return Promise.reject(new TridcommError('E_TRANSPORT', 'disk'));
      return Promise.resolve(void kept.push({ objects, nowMs }));
    },
  });
  const { bob } = await setUp(world);
  isFull = true;
  world.authority.revoke(bob.keyId32, world.nowMs);
  await world.settle();
  isFull = false;
  world.authorityPeer.take('ack');
  world.authority.republish(world.nowMs);
  await world.settle();
  expect(world.authorityPeer.take('ack')).not.toEqual([]);
  const next = new BrokerEngine({
    provider,
    authorityId32: world.authority.authorityId32,
    random: world.random,
    now: () => world.nowMs,
    defer: () => {},
  });
  for (const { objects, nowMs } of kept) next.restore(objects, nowMs);
  expect(next.isRevoked(bob.keyId32, 1)).toBe(true);
});

test('what a link taught is retained, kept, and no news when a bundle brings it', async () => {
  const kept: AddressedObject[] = [];
  const world = new World({ keep: async (objects) => Promise.resolve(void kept.push(...objects)) });
  await setUp(world);
  // The authority makes two more records while it is away, and comes back by a link that has them in its auth.
  world.publishes = false;
  const before = world.bundles.length;
  world.authority.delegate(world.nowMs);
  world.authority.delegate(world.nowMs);
  world.authority.republish(world.nowMs);
  const missed = world.bundles.slice(before);
  const records = missed
    .flatMap((bundle) => decodeBundle(bundle))
    .filter(
      ({ bytes }) =>
        String.fromCharCode(...bytes.subarray(0, 4)) === 'TDOB' && bytes[5] === objectKinds.authorityRecord,
    );
  const held = world.engine.authorityRecords(0).length;
  for (const { bytes } of records) {
    try {
      world.engine.trust.takeAuthorityRecord(bytes, world.nowMs);
    } catch (error) {
      expect(error).toMatchObject({ code: 'E_EPOCH' });
    }
  }
  expect(world.engine.authorityRecords(0)).toHaveLength(held + 2);
  expect(world.engine.authorityRecords(held)).toHaveLength(2);
  // It then hands over everything that counts, as it does with every broker that missed something.
  world.authorityPeer.says({ type: 'bundle', bundle: missed.at(-1)! });
  await world.settle();
  expect(world.authorityPeer.take('reject')).toEqual([]);
  expect(world.engine.authorityRecords(0)).toHaveLength(held + 2);
  const chain = at(world, addressTypes.authorityRecord);
  expect(kept.filter(({ address16 }) => Buffer.compare(address16, chain) === 0)).toHaveLength(held + 2);
});

test('link.22: an authority record that a link taught ends the links of those whom it does not stand for any more', async () => {
  const { world, alice, bob } = await setUp();
  world.publishes = false;
  const before = world.bundles.length;
  world.authority.distrust(alice.record.object.signatures[1]!.signerKeyId32, world.nowMs);
  const record = world.bundles
    .slice(before)
    .flatMap((bundle) => decodeBundle(bundle))
    .find(({ bytes }) => bytes[5] === objectKinds.authorityRecord && bytes[0] === 0x54 && bytes[2] === 0x4f)!;
  world.engine.trust.takeAuthorityRecord(record.bytes, world.nowMs);
  expect([alice.peer.closed, bob.peer.closed]).toMatchObject([{ code: 'E_EXPIRED' }, { code: 'E_EXPIRED' }]);
});

test('a record of a principal that a link taught can be fetched when its bundle has come', async () => {
  const { world, bob } = await setUp();
  world.publishes = false;
  const before = world.bundles.length;
  const identity = Identity.create(provider, world.random, world.nowMs);
  const record = world.authority.issue(identity.key, { name: 'carol' }, world.nowMs);
  world.engine.trust.takePrincipalRecord(record, world.nowMs);
  world.openLink(record);
  world.authorityPeer.says({ type: 'bundle', bundle: world.bundles[before]! });
  await world.settle();
  const peer = bob.link();
  const address = at(world, addressTypes.principalRecord, identity.key.keyId32);
  peer.says({ type: 'watch', keeps: false, addresses: [address] });
  await world.settle();
  expect(peer.take('object').map(({ object }) => object)).toEqual([record]);
});

test('a broker that comes back knows what it retained, also hours later: who is revoked, who may, and the blocks', async () => {
  const { world, alice, bob } = await setUp();
  const mallory = world.join('mallory');
  await world.settle();
  world.authority.revoke(mallory.keyId32, world.nowMs);
  await world.advance(21_000);
  const keptMs = world.nowMs;
  const objects = world.engine.objects();
  world.nowMs += 3 * 3_600_000;
  const engine = new BrokerEngine({
    provider,
    authorityId32: world.authority.authorityId32,
    random: world.random,
    now: () => world.nowMs,
    defer: setImmediate,
  });
  expect(engine.restore(objects, keptMs)).toBe(0);
  expect(engine.isRevoked(mallory.keyId32, mallory.record.serial)).toBe(true);
  expect(engine.isRevoked(alice.keyId32, alice.record.serial)).toBe(false);
  expect(engine.authorityRecords(0)).toEqual(world.engine.authorityRecords(0));
  const head = at(world, addressTypes.head);
  expect(engine.retained(head)).toEqual(world.engine.retained(head));
  const sink = { isFull: false, send: () => undefined, close: () => undefined, setReading: () => undefined };
  const connection = engine.connect(bob.record, 1e6, sink)!;
  expect(engine.maySubscribe(connection, bob.matches[0]!)).toBe(true);
  expect(engine.connect(mallory.record, 1e6, sink)).toBe(undefined);
  expect(limits.headFreshMs).toBeLessThan(3 * 3_600_000);
});

test('what was kept and does not hold is left out, and the rest counts', async () => {
  const { world, alice } = await setUp();
  const spoilt = world.engine.objects().map(({ address16, bytes }) => {
    const isPolicy = Buffer.compare(address16, at(world, addressTypes.policy)) === 0;
    if (!isPolicy) return { address16, bytes };
    const copy = new Uint8Array(bytes);
    copy[copy.length - 1]! ^= 1;
    return { address16, bytes: copy };
  });
  const engine = new BrokerEngine({
    provider,
    authorityId32: world.authority.authorityId32,
    random: world.random,
    now: () => world.nowMs,
    defer: setImmediate,
  });
  // The lists hang on the policy.
  expect(engine.restore(spoilt, world.nowMs)).toBeGreaterThan(1);
  expect(engine.trust.principal(alice.keyId32)).toBeDefined();
  expect(engine.trust.policy).toBe(undefined);
});

test('the drain: nothing more is taken, what was taken is answered, and links end in order', async () => {
  const log = new FakeLog();
  const world = new World({ store: { log, isDurable: true } });
  const { alice, bob } = await setUp(world);
  log.isFast = false;
  alice.durability = durabilities.disk;
  alice.publish('orders/new', 'a');
  let isDrained = false;
  const drained = world.engine.drain().then(() => (isDrained = true));
  alice.peer.publish(alice.seal('orders/new', 'b'), durabilities.disk);
  await world.settle();
  expect(isDrained).toBe(false);
  expect(alice.peer.take('reject')).toMatchObject([{ number: 2, code: 'E_CLOSED' }]);
  expect(alice.link().connection).toBe(undefined);
  log.sync();
  await world.settle();
  await drained;
  expect(alice.peer.take('ack')).toEqual([{ type: 'ack', number: 1 }]);
  expect(bob.texts()).toEqual(['a']);
  for (const peer of [alice.peer, bob.peer, world.authorityPeer])
    expect(peer.closed).toMatchObject({ code: undefined });
  expect(world.engine.connectionCount).toBe(0);
  expect(world.nowMs).toBe(startMs);
});
