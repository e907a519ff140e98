import { TridcommError } from '@tridcomm/core';
import { expect, test, vi } from 'vitest';
import { MemoryStore } from '../../src/client/store.ts';
import { PublishError } from '../../src/client/publish-error.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { addressOf } from '../../src/keys/address.ts';
import { encodeRevocationList } from '../../src/keys/revocation-list.ts';
import { lieOf } from './evil.ts';
import { codeOf, encode, World, type Member } from './world.ts';

const pattern = 'orders/**';

function setUp(): { world: World; alice: Member; bob: Member; groupId16: Uint8Array } {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  const groupId16 = world.group(pattern, [alice], [bob]);
  world.advance(1_000);
  return { world, alice, bob, groupId16 };
}

test('principals.32, principals.41: a writer that makes heads up stops one group, once, and is named', () => {
  const world = new World();
  const [mallory, alice, bob] = [world.join('mallory', new MemoryStore()), world.join('alice'), world.join('bob')];
  const low = world.group('low/**', [mallory, bob], [bob]);
  world.group('high/**', [bob], [alice]);
  bob.subscribe('low/**');
  world.advance(1_000);
  const refused = { low: 0, high: 0 };
  for (let second = 0; second < 300; second++) {
    world.advance(1_000);
    if (second % 4 === 0) mallory.link.publish(lieOf(mallory, low, 'low/x', 1_000_000 + second));
    if (codeOf(() => bob.publish('low/y', 'x')) !== undefined) refused.low++;
    if (codeOf(() => bob.publish('high/x', 'x')) !== undefined) refused.high++;
  }
  expect(refused.high).toBe(0);
  expect(refused.low).toBeGreaterThan(20);
  expect(refused.low).toBeLessThan(60);
  expect(bob.events.filter(({ type }) => type === 'falseHead')).toEqual([
    { type: 'falseHead', keyId32: mallory.keyId32 },
  ]);
});

test('what the carrier fails to take is asked for again', () => {
  const { world, alice, bob } = setUp();
  let isDown = true;
  const { link } = bob;
  for (const name of ['subscribe', 'watch', 'fetch'] as const) {
    const real = link[name].bind(link) as (argument: never) => void;
    link[name] = (argument) => {
      if (isDown) throw name === 'watch' ? new Error('socket') : new TridcommError('E_CLOSED', 'reconnecting');
      real(argument as never);
    };
  }
  bob.subscribe(pattern);
  world.group('more/**', [alice], [bob]);
  bob.subscribe('more/**');
  world.advance(5_000);
  expect(bob.events.filter(({ type }) => type === 'carrierFailed')).toHaveLength(1);
  expect(bob.refusals()).toEqual([]);
  isDown = false;
  world.advance(10_000);
  for (const topic of ['orders/new', 'more/x']) alice.publish(topic, topic);
  expect(bob.texts()).toEqual(['orders/new', 'more/x']);
});

test('after a reconnect the broker is told everything anew', () => {
  const { world, alice, bob, groupId16 } = setUp();
  bob.subscribe(pattern);
  const watch = vi.spyOn(bob.link, 'watch');
  const subscribe = vi.spyOn(bob.link, 'subscribe');
  bob.client.reconnected(world.nowMs);
  expect(watch.mock.calls.length).toBeGreaterThan(9);
  expect(subscribe).toHaveBeenCalled();
  world.authority.rotate(groupId16, world.nowMs);
  alice.publish('orders/new', 'x');
  expect(bob.texts()).toEqual(['x']);
});

test('a handler that throws is told of, and keeps nobody else from the delivery', () => {
  const { world, alice, bob } = setUp();
  const heard: string[] = [];
  bob.client.subscribe(pattern, world.nowMs, () => {
    throw new Error('bug');
  });
  bob.client.subscribe('orders/new', world.nowMs, ({ topic }) => heard.push(topic));
  alice.publish('orders/new', 'x');
  expect(heard).toEqual(['orders/new']);
  expect(bob.events.filter(({ type }) => type === 'handlerFailed')).toMatchObject([{ error: new Error('bug') }]);
});

test('what onEvent throws comes out of the own call, at its end, and of no call of another', () => {
  const { world, alice, bob } = setUp();
  bob.subscribe(pattern);
  const heard: string[] = [];
  bob.client.subscribe(pattern, world.nowMs, ({ topic }) => heard.push(topic));
  bob.events.push = () => {
    throw new Error('bug');
  };
  alice.publish('orders/new', 'x');
  expect(heard).toEqual(['orders/new']);
  const failures = world.relayEvents.filter(({ type }) => type === 'receiverFailed');
  expect(failures).toMatchObject([{ keyId32: bob.keyId32, error: new Error('bug') }]);
  world.nowMs += 100_000;
  expect(() => bob.client.tick(world.nowMs)).toThrow(/bug|onEvent/);
});

test('groups cost what they are, not what they are together', () => {
  const verifies = (groups: number): number => {
    const world = new World();
    const bob = world.join('bob');
    for (let i = 0; i < groups; i++) world.group(`g${i}`, [], [bob]);
    world.advance(1_000);
    const heads = world.authority.groupIds.map((id) => {
      const address16 = addressOf(world.provider, world.authority.authorityId32, addressTypes.groupHead, id);
      return () => world.relay.retained(address16)[0]!;
    });
    bob.lets = () => false;
    world.nowMs += 20_000;
    world.authority.tick(world.nowMs);
    bob.lets = () => true;
    const verify = vi.spyOn(world.provider, 'ed25519Verify');
    const hash = vi.spyOn(world.provider, 'sha256');
    for (const head of heads) bob.client.object(addressTypes.groupHead, head(), world.nowMs);
    const calls = verify.mock.calls.length;
    expect(hash.mock.calls.length).toBeLessThan(groups * 16);
    verify.mockRestore();
    hash.mockRestore();
    for (const id of world.authority.groupIds) expect(bob.view(id)).toMatchObject({ fresh: true });
    return calls;
  };
  expect([10, 200].map(verifies)).toEqual([1, 1]);
}, 120_000);

test('revocation lists that no head names change nothing', () => {
  const { world, bob, groupId16 } = setUp();
  const { headSeq } = bob.view(groupId16)!;
  for (let i = 0; i < 8; i++) {
    const list = encodeRevocationList([{ keyId32: world.random(32), minSerial: 1 }]);
    bob.client.object(addressTypes.revocationList, list, world.nowMs);
  }
  world.nowMs += 20_000;
  world.authority.tick(world.nowMs);
  expect(bob.view(groupId16)!.headSeq).toBeGreaterThan(headSeq);
});

test('a clock that is a year ahead for a moment does not end the renewal of keys', () => {
  const { world, bob } = setUp();
  bob.client.tick(world.nowMs + 365 * 86_400_000);
  const records = () => bob.events.filter(({ type }) => type === 'keyRecord').length;
  const before = records();
  world.advance(2_000);
  expect(records()).toBe(before + 1);
  world.advance(25 * 3_600_000, 600_000);
  expect(records()).toBe(before + 2);
  expect(bob.identity.prekeys.all().length).toBeLessThan(4);
});

test('after stop every call is refused, and no secret is left', () => {
  const { world, alice, bob, groupId16 } = setUp();
  bob.subscribe(pattern);
  const subscription = bob.client.subscribe(pattern, world.nowMs);
  const envelope = alice.publish('orders/new', 'x');
  const { client } = bob;
  const { nowMs } = world;
  client.stop();
  client.stop();
  const calls = [
    () => client.start(nowMs),
    () => client.tick(nowMs),
    () => client.reconnected(nowMs),
    () => client.usePsk(groupId16, new Uint8Array(32), nowMs),
    () => client.view(groupId16, nowMs),
    () => client.object(addressTypes.policy, new Uint8Array(0), nowMs),
    () => client.objectAt(new Uint8Array(16), new Uint8Array(0), nowMs),
    () => client.headAnswer(new Uint8Array(360), new Uint8Array(32), nowMs),
    () => client.envelope(envelope, nowMs),
    () => client.publish('orders/new', [encode('x')], nowMs),
    () => client.subscribe(pattern, nowMs),
    () => client.receiver(() => nowMs).envelope(envelope),
    () => client.receiver(() => nowMs).object(new Uint8Array(16), envelope),
  ];
  expect(calls.map(codeOf)).toEqual(calls.map(() => 'E_CLOSED'));
  subscription.close(nowMs);
});

test('a carrier that refuses the second of several envelopes: what went out is said', () => {
  const { world, alice, bob } = setUp();
  bob.subscribe(pattern);
  const publish = alice.link.publish.bind(alice.link);
  let count = 0;
  alice.link.publish = (envelope) => {
    if (++count === 2) throw new TridcommError('E_LIMIT', 'slower');
    publish(envelope);
  };
  const payloads = Array.from({ length: 9_000 }, (_, i) => encode(`${i}`));
  let error: unknown;
  try {
    alice.client.publish('orders/new', payloads, world.nowMs);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(PublishError);
  const { code, sent, sentMessages } = error as PublishError;
  expect([code, sent.length, sentMessages]).toEqual(['E_LIMIT', 1, 4_095]);
  expect(bob.texts()).toHaveLength(4_095);
  count = 1;
  expect(() => alice.client.publish('orders/new', payloads.slice(0, 1), world.nowMs)).toThrow(TridcommError);
});

test('what is delivered to nobody is not missing later', () => {
  const { world, alice, bob } = setUp();
  bob.subscribe('orders/*/a');
  for (let i = 0; i < 5; i++) alice.publish('orders/x/b', 'x');
  bob.client.subscribe('orders/x/b', world.nowMs);
  alice.publish('orders/x/b', 'y');
  expect(bob.deliveries.at(-1)).toMatchObject({ seq: 6, gaps: [] });
});

test('an object under the address of another is refused', () => {
  const { world, alice, bob, groupId16 } = setUp();
  const { provider } = world;
  const { authorityId32 } = world.authority;
  const address = (type: number, id: Uint8Array) => addressOf(provider, authorityId32, type, id);
  const own = world.relay.retained(address(addressTypes.principalRecord, bob.keyId32))[0]!;
  const other = address(addressTypes.principalRecord, alice.keyId32);
  expect(codeOf(() => bob.client.objectAt(other, own, world.nowMs))).toBe('E_BINDING');
  const second = world.group('more/**', [alice], [bob]);
  const record = world.relay.retained(address(addressTypes.groupRecord, second))[0]!;
  const first = address(addressTypes.groupRecord, groupId16);
  expect(codeOf(() => bob.client.objectAt(first, record, world.nowMs))).toBe('E_BINDING');
});
