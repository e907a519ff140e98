import { expect, test } from 'vitest';
import { addressOf, addressTypes } from '@tridcomm/core';
import { durabilities, principalRoles, type LinkMessage } from '@tridcomm/core/link';
import { PrincipalQuota } from '../../src/engine/quotas.ts';
import { TokenBucket } from '../../src/engine/token-bucket.ts';
import { provider, World, type Member } from './world.ts';

const pattern = 'orders/**';

async function setUp(world: World): Promise<{ world: World; alice: Member; bob: Member }> {
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group(pattern, [alice, bob], [alice, bob]);
  await world.settle();
  bob.subscribe(pattern);
  await world.settle();
  for (const { peer } of [alice, bob]) peer.messages.splice(0);
  world.events.splice(0);
  return { world, alice, bob };
}

test('a bucket refills with time, keeps so much and no more, and lets nothing be too dear for ever', () => {
  const bucket = new TokenBucket(10, 5, 0);
  expect([bucket.take(5, 0), bucket.take(1, 0), bucket.take(3, 0)]).toEqual([0, 100, 300]);
  expect(bucket.take(1, 99)).toBeGreaterThan(0);
  expect(bucket.take(1, 100)).toBe(0);
  // A clock that goes back gains nothing.
  expect(bucket.take(1, 50)).toBeGreaterThan(0);
  expect(bucket.take(5, 10_000)).toBe(0);
  expect(bucket.take(1, 10_000)).toBe(100);
  // 50 tokens are more than there ever are: it is allowed when all are there, and leaves a debt.
  expect(bucket.take(50, 20_000)).toBe(0);
  expect(bucket.take(1, 20_000)).toBe(4_600);
  expect(bucket.isFull(20_000)).toBe(false);
  expect(bucket.isFull(30_000)).toBe(true);
  expect(new TokenBucket(Infinity, Infinity, 0).take(1e12, 0)).toBe(0);
});

test('delivery.18: envelopes, messages and bytes a second, each with the time after which it helps to try again', async () => {
  const rates = [
    [{ envelopesPerSecond: 5 }, 5],
    // The header counts two for each: the topic goes in front.
    [{ messagesPerSecond: 10 }, 5],
    [{ bytesPerSecond: 1 }, 1],
  ] as const;
  for (const [principalLimits, most] of rates) {
    const { world, alice, bob } = await setUp(new World({ principalLimits }));
    alice.durability = durabilities.memory;
    const text = 'bytesPerSecond' in principalLimits ? 'x'.repeat(900_000) : 'x';
    for (let i = 0; i < 8; i++) alice.publish('orders/new', text);
    await world.settle();
    const rejects = alice.peer.take('reject');
    expect(bob.texts()).toHaveLength(most);
    expect(rejects).toHaveLength(8 - most);
    expect(rejects.every(({ code, retryMs }) => code === 'E_LIMIT' && retryMs > 0)).toBe(true);
    expect(rejects.map(({ number }) => number)).toEqual(Array.from({ length: 8 - most }, (_, i) => most + 1 + i));
  }
});

test('delivery.18: messages are counted by the header, and a batch is not too large for ever', async () => {
  const { world, alice, bob } = await setUp(new World({ principalLimits: { messagesPerSecond: 10 } }));
  alice.durability = durabilities.memory;
  alice.publish('orders/new', ...Array.from({ length: 25 }, (_, i) => `${i}`));
  alice.publish('orders/new', 'too soon');
  await world.settle();
  expect(bob.texts()).toHaveLength(25);
  const [{ retryMs } = { retryMs: 0 }] = alice.peer.take('reject');
  // A message with the topic comes first in each envelope, and counts.
  expect(retryMs).toBeGreaterThanOrEqual(1_600);
  await world.advance(retryMs, retryMs);
  alice.publish('orders/new', 'later');
  await world.settle();
  expect(bob.texts()).toEqual(['later']);
});

test('delivery.18: what exceeds is refused to one principal, over all of its links; others are not touched', async () => {
  const { world, alice, bob } = await setUp(new World({ principalLimits: { envelopesPerSecond: 20 } }));
  const links = [alice.link(), alice.link(), alice.link()];
  for (let i = 0; i < 200; i++) links[i % 3]!.publish(alice.seal('orders/new', `${i}`));
  for (let i = 0; i < 20; i++) bob.publish('orders/new', `b${i}`);
  await world.settle();
  expect(bob.texts()).toHaveLength(40);
  expect(world.refusals()).toHaveLength(180);
  // Who comes again is no newcomer.
  for (const link of [...links, alice.peer]) link.says({ type: 'close', code: undefined, retryMs: 0 });
  world.engine.tick();
  alice.link().publish(alice.seal('orders/new', 'again'), durabilities.memory);
  await world.settle();
  expect(bob.texts()).toEqual([]);
});

test('delivery.18: connections and subs of a principal', async () => {
  const { alice, bob } = await setUp(new World({ principalLimits: { connections: 2, subs: 3 } }));
  const second = bob.link();
  const third = bob.link();
  expect(third.connection).toBe(undefined);
  expect(third.closed).toEqual({ code: 'E_LIMIT', retryMs: 1_000 });
  expect(alice.link().connection).toBeDefined();
  const match = bob.matches[0]!;
  for (let number = 1; number <= 3; number++) second.says({ type: 'sub', sub: number, match, from: 0 });
  expect(second.take('reject')).toMatchObject([{ about: 'sub', number: 3, code: 'E_LIMIT' }]);
  bob.peer.says({ type: 'close', code: undefined, retryMs: 0 });
  second.says({ type: 'sub', sub: 3, match, from: 0 });
  expect(second.take('reject')).toEqual([]);
  expect(bob.link().connection).toBeDefined();
});

test('a principal that is gone and owes nothing is forgotten', () => {
  const quota = new PrincipalQuota(
    { connections: 1, subs: 1, messagesPerSecond: 10, envelopesPerSecond: 10, bytesPerSecond: 10 },
    0,
  );
  quota.addConnection();
  expect(quota.isIdle(0)).toBe(false);
  quota.connections--;
  expect(quota.isIdle(0)).toBe(true);
  quota.takeEnvelope(5, 0);
  expect(quota.isIdle(0)).toBe(false);
  expect(quota.isIdle(1e9)).toBe(true);
});

test('roles mean nothing to quotas: an authority publishes no more than others', async () => {
  const world = new World({ principalLimits: { envelopesPerSecond: 3 } });
  await setUp(world);
  for (let i = 0; i < 5; i++) world.authorityPeer.publish(new Uint8Array(10), durabilities.memory);
  await world.settle();
  expect(world.authorityPeer.record.roles).toBe(principalRoles.authority);
  expect(world.authorityPeer.take('reject').map(({ code }) => code)).toEqual([
    'E_LENGTH',
    'E_LENGTH',
    'E_LENGTH',
    'E_LIMIT',
    'E_LIMIT',
  ]);
});

test('delivery.18: pings, subs, unsubs, watches and refused envelopes have a rate of their own, and too many end the link', async () => {
  const address = new Uint8Array(16);
  const frames: readonly LinkMessage[] = [
    { type: 'ping', answers: false, token: 1, timeMs: 0 },
    { type: 'sub', sub: 9, match: { matchKind: 1, level: 0, match16: address }, from: 0 },
    { type: 'unsub', sub: 60_000 },
    { type: 'watch', keeps: false, addresses: [address] },
    { type: 'envelope', durability: 0, envelope: new Uint8Array(5) },
  ];
  const unlimited = { messagesPerSecond: Infinity, envelopesPerSecond: Infinity, bytesPerSecond: Infinity };
  for (const frame of frames) {
    const { world, alice, bob } = await setUp(new World({ principalLimits: unlimited }));
    let count = 0;
    // Over two links: the rate is the principal's.
    const links = [alice.link(), alice.link()];
    for (; links.every(({ closed }) => closed === undefined) && count < 20_000; count++) {
      links[count % 2]!.says(frame);
      if (count % 200 === 0) await world.settle();
    }
    expect([frame.type, count]).toEqual([frame.type, expect.closeTo(9_190, -2)]);
    const [{ closed } = { closed: undefined }] = links.filter((link) => link.closed !== undefined);
    expect(closed).toMatchObject({ code: 'E_LIMIT' });
    expect(closed!.retryMs).toBeGreaterThan(0);
    bob.peer.says({ type: 'ping', answers: false, token: 1, timeMs: 0 });
    await world.settle();
    expect(bob.peer.take('ping')).toHaveLength(1);
    await world.advance(1_000);
    const again = alice.link();
    for (let i = 0; i < 400; i++) again.says(frame);
    expect(again.closed).toBe(undefined);
  }
});

test('delivery.18: objects that are fetched have a rate in bytes: the rest waits, and is not lost', async () => {
  const { world, alice } = await setUp(new World());
  const peer = alice.link();
  const address16 = addressOf(provider, world.authority.authorityId32, addressTypes.policy, new Uint8Array(0));
  const watch: LinkMessage = { type: 'watch', keeps: false, addresses: [address16] };
  peer.says(watch);
  await world.settle();
  expect(peer.take('object')).toHaveLength(1);
  peer.connection!.quota.spendObject(72 * 1024 * 1024, world.nowMs);
  peer.says(watch);
  await world.settle();
  expect(peer.take('object')).toEqual([]);
  await world.advance(1_000);
  expect(peer.take('object')).toHaveLength(1);
});
