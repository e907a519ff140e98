import { describe, expect, it } from 'vitest';
import { TridcommError, type ErrorCode } from '@tridcomm/core';
import type { TopicMatch } from '../../src/keys/access-list.ts';
import type { Carrier } from '../../src/client/carrier.ts';
import type { Delivery } from '../../src/client/events.ts';
import { MemoryStore } from '../../src/client/store.ts';
import type { ClientStore } from '../../src/client/store.ts';
import { codeOf, World, type Member } from './world.ts';

const pattern = 'orders/**';
/** In the header: chapter 03. */
const senderIdOffset = 32;

/** A world in which nothing is delivered but what a test hands over, by whichever way. */
function setUp(store?: ClientStore): { world: World; alice: Member; bob: Member; groupId16: Uint8Array } {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob', store)];
  const groupId16 = world.group(pattern, [alice], [bob], { drainMs: 5_000, epochLifeMs: 600_000 });
  bob.lets = (what) => what === 'object';
  subscribeBothWays(bob);
  return { world, alice, bob, groupId16 };
}

function restart(bob: Member): void {
  bob.end();
  bob.begin();
  subscribeBothWays(bob);
}

function subscribeBothWays(bob: Member): void {
  bob.subscribe(pattern, 'live');
  bob.subscribe(pattern, 'log');
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

  it('conventions.4, replay.25 is older than the start of a volatile member, and comes once', () => {
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

describe('the ways that an envelope may come', () => {
  type Way = 'live' | 'log';

  /** Bob with a handler for each of these subscriptions; the group has topic_chains where its pattern ends in `**`. */
  function heard(of: string, ...subscriptions: readonly (readonly [Way, string])[]) {
    const world = new World();
    const store = new MemoryStore();
    const [alice, bob] = [world.join('alice'), world.join('bob', store)];
    world.group(of, [alice], [bob]);
    bob.lets = (what) => what === 'object';
    const got: string[] = [];
    const subscribe = ([source, one]: readonly [Way, string]): void => {
      const onDelivery = ({ seq }: Delivery): void => void got.push(`${source} ${one} ${seq}`);
      bob.client.subscribe(one, world.nowMs, onDelivery, { source });
    };
    subscriptions.forEach(subscribe);
    const kept = (): string => JSON.stringify([...store.entries('')].map(([name, bytes]) => [name, [...bytes]]));
    const offer = (way: Way, envelope: Uint8Array): Delivery | undefined =>
      way === 'live' ? bob.client.envelope(envelope, world.nowMs) : bob.client.stored(envelope, 1, world.nowMs);
    return { world, alice, bob, got, kept, offer, subscribe };
  }

  const ways = [
    ['live', 'log'],
    ['log', 'live'],
  ] as const;

  it.each(ways)('replay.29 %s subscriptions get nothing that comes the other way', (own, other) => {
    const { alice, offer, got, bob } = heard('orders/**', [own, 'orders/**'], [own, 'orders/new']);
    const envelope = alice.publish('orders/new', 'one');
    expect(offer(other, envelope)).toBeUndefined();
    expect([got, bob.deliveries]).toEqual([[], []]);
    expect(offer(own, envelope)).toMatchObject({ seq: 1 });
    expect(got).toEqual([`${own} orders/** 1`, `${own} orders/new 1`]);
  });

  it.each(['orders/new', 'orders/**'])('replay.29 each of both goes to its own in a group of %s', (of) => {
    const { alice, offer, got } = heard(of, ['live', 'orders/new'], ['log', 'orders/new'], ['log', '**']);
    offer('live', alice.publish('orders/new', 'one'));
    offer('log', alice.publish('orders/new', 'two'));
    expect(got).toEqual(['live orders/new 1', 'log orders/new 2', 'log ** 2']);
  });

  it('replay.29 what the broker calls stored and nobody asked the log for changes nothing', () => {
    const exact = heard('orders/new', ['live', 'orders/new']);
    const chained = heard('orders/**', ['live', 'orders/**'], ['log', 'orders/*/a']);
    for (const { world, alice, bob, got, kept, offer } of [exact, chained]) {
      const topic = world === exact.world ? 'orders/new' : 'orders/x/b';
      const [old, fresh] = [alice.publish(topic, 'old'), alice.publish(topic, 'fresh')];
      const before = kept();
      for (const envelope of [old, fresh, fresh]) expect(offer('log', envelope)).toBeUndefined();
      expect(kept()).toBe(before);
      expect(bob.refusals()).toEqual([]);
      expect(offer('live', fresh)).toMatchObject({ seq: 2, gaps: [{ from: 1, to: 1 }], verdict: 'new' });
      expect(kept()).not.toBe(before);
      expect(got).toHaveLength(1);
      expect(codeOf(() => offer('live', fresh))).toBe('E_REPLAY');
    }
  });

  it('what comes as news and only the log was asked for is new when it comes from there', () => {
    const { alice, offer, got, kept } = heard('orders/**', ['live', 'orders/*/a'], ['log', 'orders/*/b']);
    const envelope = alice.publish('orders/x/b', 'one');
    const before = kept();
    expect(offer('live', envelope)).toBeUndefined();
    expect(kept()).toBe(before);
    expect(offer('log', envelope)).toMatchObject({ seq: 1, gaps: [], filled: [] });
    expect(got).toEqual(['log orders/*/b 1']);
  });

  it('ends with the subscription', () => {
    const { world, alice, bob, offer } = heard('orders/**');
    const subscription = bob.client.subscribe('orders/**', world.nowMs, undefined, { source: 'log' });
    const [one, two] = [alice.publish('orders/new', 'one'), alice.publish('orders/new', 'two')];
    expect(offer('log', one)).toMatchObject({ seq: 1 });
    subscription.close(world.nowMs);
    expect(offer('log', two)).toBeUndefined();
  });

  it('replay.30 has the verdict redelivered up to a restored floor, out of the log alone', () => {
    const { alice, bob, offer, subscribe } = heard('orders/**', ['live', 'orders/**'], ['log', 'orders/**']);
    const log = Array.from({ length: 70 }, (_, i) => alice.publish('orders/new', `${i}`));
    const verdicts = (way: Way, ...seqs: readonly number[]) => seqs.map((seq) => offer(way, log[seq - 1]!)?.verdict);
    expect(verdicts('log', 1, 2)).toEqual(['new', 'new']);
    expect(verdicts('live', 3)).toEqual(['new']);
    bob.end();
    bob.begin();
    subscribe(['log', 'orders/**']);
    subscribe(['live', 'orders/**']);
    // The floor is 65. What came after the restart came once.
    expect(verdicts('log', 2, 4, 65, 66)).toEqual(['redelivered', 'redelivered', 'redelivered', 'new']);
    expect(verdicts('live', 67)).toEqual(['new']);
    expect(codeOf(() => offer('log', log[1]!))).toBe('E_REPLAY');
    expect(codeOf(() => offer('live', log[4]!))).toBe('E_REPLAY');
    // Of another topic, so of another stream.
    expect(offer('log', alice.publish('orders/else', 'y'))).toMatchObject({ verdict: 'new' });
  });

  it('is said to the carrier', () => {
    const { world, bob, subscribe } = heard('orders/**');
    const asked: string[] = [];
    const subscribeLink = bob.link.subscribe.bind(bob.link);
    const unsubscribeLink = bob.link.unsubscribe.bind(bob.link);
    const carrier: Carrier = bob.link;
    carrier.subscribe = (match, source) => {
      asked.push(`+${source} ${match.level}`);
      subscribeLink(match);
    };
    carrier.unsubscribe = (match, source) => {
      asked.push(`-${source} ${match.level}`);
      unsubscribeLink(match);
    };
    subscribe(['live', 'orders/**']);
    expect(asked.splice(0)).toEqual(['+live 1']);
    const reading = bob.client.subscribe('orders/new', world.nowMs, undefined, { source: 'log' });
    expect(asked.splice(0)).toEqual(['+log 1']);
    reading.close(world.nowMs);
    expect(asked.splice(0)).toEqual(['-log 1']);
    bob.client.reconnected(world.nowMs);
    expect(asked.splice(0)).toEqual(['+live 1']);
  });

  it('has refusals of its own', () => {
    const { world, bob } = heard('orders/**');
    const carrier: Carrier = bob.link;
    const matches: TopicMatch[] = [];
    const ended: string[] = [];
    carrier.subscribe = (match) => void matches.push(match);
    carrier.unsubscribe = (_match, source) => void ended.push(source);
    const subscriptions = (['live', 'log'] as const).map((source) =>
      bob.client.subscribe('orders/**', world.nowMs, undefined, { source }),
    );
    const error = new TridcommError('E_POLICY', 'no log here');
    bob.client.subscriptionRefused(matches[1]!, error, world.nowMs, 'log');
    expect(bob.refusals()).toEqual(['subscription E_POLICY']);
    for (const subscription of subscriptions) subscription.close(world.nowMs);
    expect(ended).toEqual(['live']);
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

  it('is asked for again with the next head, once', () => {
    const { world, bob, groupId16, asked } = watched();
    const [match] = asked.splice(0);
    bob.client.subscriptionRefused(match!, refusal(), world.nowMs);
    const { headSeq } = bob.view(groupId16)!;
    world.advance(2_000);
    expect(asked).toEqual([]);
    while (bob.view(groupId16)!.headSeq === headSeq) world.advance(500);
    expect(asked.splice(0)).toEqual([match]);
    // Under one policy a broker that knows all says no for good.
    bob.client.subscriptionRefused(match!, refusal(), world.nowMs);
    world.advance(60_000);
    expect(asked).toEqual([]);
    bob.client.reconnected(world.nowMs);
    expect(asked).toContainEqual(match);
  });

  it('is not asked for again once it was taken', () => {
    const { world, bob, groupId16, asked } = watched();
    const [match] = asked.splice(0);
    bob.client.subscriptionRefused(match!, refusal(), world.nowMs);
    const { headSeq } = bob.view(groupId16)!;
    while (bob.view(groupId16)!.headSeq === headSeq) world.advance(500);
    asked.splice(0);
    world.advance(60_000);
    expect(asked).toEqual([]);
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

describe('whether what was refused may open later', () => {
  it('E_POLICY: while its sender says that it has a newer view', () => {
    const { world, alice, bob } = setUp();
    const carol = world.join('carol');
    bob.lets = () => false;
    world.authority.grant({ keyId32: carol.keyId32, action: 'publish', pattern }, world.nowMs);
    const envelope = carol.publish('orders/new', 'one');
    const old = alice.publish('orders/new', 'two');
    const mayLater = (bytes: Uint8Array) => bob.client.mayOpenLater('E_POLICY', bytes, world.nowMs);
    expect(mayLater(envelope)).toBe(true);
    bob.lets = (what) => what === 'object';
    bob.client.reconnected(world.nowMs);
    expect(mayLater(envelope)).toBe(false);
    expect(mayLater(old)).toBe(false);
    bob.client.envelope(envelope, world.nowMs);
    expect(bob.texts()).toEqual(['one']);
  });

  it('E_SENDER: while our view names a writer whose record we lack', () => {
    const { world, alice, bob } = setUp();
    const carol = world.join('carol');
    const isOfCarol = (bytes: Uint8Array) => Buffer.from(bytes).includes(Buffer.from(carol.identity.key.publicKey32));
    bob.lets = (what, bytes) => what === 'object' && !isOfCarol(bytes);
    world.authority.grant({ keyId32: carol.keyId32, action: 'publish', pattern }, world.nowMs);
    const envelope = carol.publish('orders/new', 'one');
    expect(codeOf(() => bob.client.envelope(envelope, world.nowMs))).toBe('E_SENDER');
    const mayLater = (bytes: Uint8Array) => bob.client.mayOpenLater('E_SENDER', bytes, world.nowMs);
    expect(mayLater(envelope)).toBe(true);
    const stranger = Uint8Array.from(envelope);
    stranger.set(new Uint8Array(16), senderIdOffset);
    expect(mayLater(stranger)).toBe(false);
    // Its sender may be one of a view that we have not.
    bob.lets = () => false;
    world.authority.grant({ keyId32: world.join('dave').keyId32, action: 'publish', pattern }, world.nowMs);
    const ahead = alice.publish('orders/new', 'two');
    ahead.set(new Uint8Array(16), senderIdOffset);
    expect(mayLater(ahead)).toBe(true);
  });

  it('E_EPOCH: of an epoch above those that are held; other codes never', () => {
    const { world, alice, bob, groupId16 } = setUp();
    bob.lets = () => false;
    const held = alice.publish('orders/new', 'one');
    world.authority.rotate(groupId16, world.nowMs);
    world.advance(6_000);
    const ahead = alice.publish('orders/new', 'two');
    const mayLater = (code: ErrorCode, bytes: Uint8Array) => bob.client.mayOpenLater(code, bytes, world.nowMs);
    expect(codeOf(() => bob.client.envelope(ahead, world.nowMs))).toBe('E_EPOCH');
    expect(mayLater('E_EPOCH', ahead)).toBe(true);
    expect(mayLater('E_EPOCH', held)).toBe(false);
    for (const code of ['E_SIG', 'E_AEAD', 'E_REPLAY', 'E_STALE', 'E_REVOKED'] as const) {
      expect(mayLater(code, ahead)).toBe(false);
    }
    bob.client.stop();
    expect(mayLater('E_EPOCH', ahead)).toBe(false);
  });

  it('never what has no form', () => {
    const { world, bob } = setUp();
    const mayLater = (code: ErrorCode, bytes: Uint8Array) => bob.client.mayOpenLater(code, bytes, world.nowMs);
    for (const garbage of [new Uint8Array(), new Uint8Array(300).fill(7)]) {
      expect(
        mayLater(
          codeOf(() => bob.client.envelope(garbage, world.nowMs))!,
          garbage,
        ),
      ).toBe(false);
    }
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
