import { describe, expect, it } from 'vitest';
import { TridcommError } from '@tridcomm/core';
import type { TopicMatch } from '../../src/keys/access-list.ts';
import { MemoryStore } from '../../src/client/store.ts';
import type { ClientStore } from '../../src/client/store.ts';
import { codeOf, World, type Member } from './world.ts';

const pattern = 'orders/**';

/** A world in which nothing is delivered but what a test hands over. */
function setUp(store?: ClientStore): { world: World; alice: Member; bob: Member; groupId16: Uint8Array } {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob', store)];
  const groupId16 = world.group(pattern, [alice], [bob], { drainMs: 5_000, epochLifeMs: 600_000 });
  bob.lets = (what) => what === 'object';
  bob.subscribe(pattern);
  return { world, alice, bob, groupId16 };
}

function restart(bob: Member): void {
  bob.end();
  bob.begin();
  bob.subscribe(pattern);
}

const take = ({ client, world }: Member, envelope: Uint8Array, position: number) =>
  codeOf(() => client.stored(envelope, position, world.nowMs));

describe('an envelope out of a log', () => {
  it('replay.2 may be old, and says where it stood', () => {
    const { world, alice, bob } = setUp();
    const envelope = alice.publish('orders/new', 'one');
    world.advance(300_000);
    expect(codeOf(() => bob.client.envelope(envelope, world.nowMs))).toBe('E_EXPIRED');
    const delivery = bob.client.stored(envelope, 7, world.nowMs);
    expect(delivery).toMatchObject({ position: 7, topic: 'orders/new', stale: false });
    expect(bob.texts()).toEqual(['one']);
    expect(take(bob, envelope, 8)).toBe('E_REPLAY');
    expect(bob.texts()).toEqual([]);
  });

  it('has no position when it comes as news', () => {
    const { alice, bob, world } = setUp();
    const delivery = bob.client.envelope(alice.publish('orders/new', 'one'), world.nowMs)!;
    expect(delivery.position).toBeUndefined();
    expect(Object.keys(delivery)).toContain('position');
  });

  it('replay.25 is older than the start of a volatile member, and comes once', () => {
    const { world, alice, bob } = setUp();
    const envelope = alice.publish('orders/new', 'one');
    bob.client.envelope(envelope, world.nowMs);
    world.advance(1_000);
    restart(bob);
    world.advance(1_000);
    expect(bob.texts()).toEqual(['one']);
    expect(codeOf(() => bob.client.envelope(envelope, world.nowMs))).toBe('E_TOO_OLD');
    expect([take(bob, envelope, 1), take(bob, envelope, 1)]).toEqual([undefined, 'E_REPLAY']);
    expect(codeOf(() => bob.client.envelope(envelope, world.nowMs))).toBe('E_TOO_OLD');
    expect(bob.texts()).toEqual(['one']);
  });

  it('replay.23 is what a durable member goes on with: nothing is missing behind its position', () => {
    const { world, alice, bob } = setUp(new MemoryStore());
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`);
    const log = texts.map((text) => alice.publish('orders/new', text));
    for (const [i, envelope] of log.slice(0, 10).entries()) bob.client.stored(envelope, i + 1, world.nowMs);
    expect(bob.texts()).toEqual(texts.slice(0, 10));
    restart(bob);
    for (const [i, envelope] of log.slice(10).entries()) expect(take(bob, envelope, i + 11)).toBeUndefined();
    expect(bob.texts()).toEqual(texts.slice(10));
    // As news they stay refused.
    expect(codeOf(() => bob.client.envelope(log[5]!, world.nowMs))).toBe('E_REPLAY');
    expect(codeOf(() => bob.client.envelope(log[15]!, world.nowMs))).toBe('E_REPLAY');
  });

  it('storage.1 of an epoch that has drained is refused', () => {
    const { world, alice, bob, groupId16 } = setUp();
    const envelope = alice.publish('orders/new', 'one');
    world.authority.rotate(groupId16, world.nowMs);
    world.advance(6_000);
    expect(take(bob, envelope, 1)).toBe('E_EPOCH');
  });

  it.each([-1, 0.5, 2 ** 53, NaN])('is refused with the position %s', (position) => {
    const { alice, bob } = setUp();
    const envelope = alice.publish('orders/new', 'one');
    expect(take(bob, envelope, position)).toBe('E_USAGE');
    expect(take(bob, envelope, 0)).toBeUndefined();
  });

  it('comes by the receiver of a carrier, and its refusal is an event', () => {
    const { world, alice, bob } = setUp();
    const receiver = bob.client.receiver(() => world.nowMs);
    const envelope = alice.publish('orders/new', 'one');
    receiver.stored(envelope, 3);
    receiver.stored(envelope, 3);
    expect(bob.deliveries.map(({ position }) => position)).toEqual([3]);
    expect(bob.refusals()).toEqual(['envelope E_REPLAY']);
  });
});

describe('a subscription that is refused later', () => {
  const refusal = () => new TridcommError('E_REFUSED', 'reject');

  function watched(): { world: World; bob: Member; groupId16: Uint8Array; asked: TopicMatch[] } {
    const { world, bob, groupId16 } = setUp();
    const asked: TopicMatch[] = [];
    const subscribe = bob.link.subscribe.bind(bob.link);
    bob.link.subscribe = (match) => {
      asked.push(match);
      subscribe(match);
    };
    bob.client.reconnected(world.nowMs);
    expect(asked.length).toBeGreaterThan(0);
    bob.refusals();
    return { world, bob, groupId16, asked };
  }

  it('is told, and asked for again under the next policy', () => {
    const { world, bob, asked } = watched();
    const [match] = asked.splice(0);
    bob.client.subscriptionRefused(match!, refusal(), world.nowMs);
    expect(bob.refusals()).toEqual(['subscription E_REFUSED']);
    world.advance(2_000);
    expect(asked).toEqual([]);
    world.authority.addGroup({ patterns: ['other'] }, world.nowMs);
    world.advance(30_000);
    expect(asked).toContainEqual(match);
  });

  it('is not unsubscribed from', () => {
    const { world, bob, asked } = watched();
    const unsubscribed: TopicMatch[] = [];
    bob.link.unsubscribe = (match) => void unsubscribed.push(match);
    for (const match of asked) bob.client.subscriptionRefused(match, refusal(), world.nowMs);
    bob.client.subscribe('else', world.nowMs);
    bob.client.tick(world.nowMs + 1_000);
    expect(unsubscribed).toEqual([]);
  });

  it('is nothing to tell where it is not wanted', () => {
    const { world, bob } = watched();
    const match = { matchKind: 1, level: 0, match16: new Uint8Array(16) };
    bob.client.subscriptionRefused(match, refusal(), world.nowMs);
    expect(bob.refusals()).toEqual([]);
  });
});

describe('whether a member could publish', () => {
  it('says which group a topic belongs to', () => {
    const { alice, groupId16 } = setUp();
    expect(alice.client.groupOf('orders/new')).toEqual(groupId16);
    expect(alice.client.groupOf('else')).toBeUndefined();
    expect(codeOf(() => alice.client.groupOf('//'))).toBe('E_ENCODING');
  });

  it('refuses as publish does, and seals nothing', () => {
    const { world, alice, bob } = setUp();
    const check = ({ client }: Member, topic: string) => codeOf(() => client.checkPublish(topic, world.nowMs));
    expect(check(alice, 'orders/new')).toBeUndefined();
    expect(check(bob, 'orders/new')).toBe('E_POLICY');
    expect(check(alice, 'else')).toBe('E_POLICY');
    expect(check(alice, '//')).toBe('E_ENCODING');
    alice.lets = () => false;
    world.advance(120_000);
    expect(check(alice, 'orders/new')).toBe('E_STALE');
    expect(codeOf(() => alice.publish('orders/new', 'x'))).toBe('E_STALE');
  });
});
