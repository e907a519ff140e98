import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { TridcommError, type TopicMatch } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { durabilities, matchKinds } from '@tridcomm/core/link';
import type { BrokerEngineOptions } from '../../src/engine/broker-engine.ts';
import { Outbox, type LiveMessage } from '../../src/engine/outbox.ts';
import { FakeLog } from './fake-log.ts';
import { World, type Member, type Peer } from './world.ts';

const pattern = 'orders/**';
const { disk, memory } = durabilities;

interface Setting {
  readonly world: World;
  readonly alice: Member;
  readonly bob: Member;
  readonly log: FakeLog;
  /** What the edge lets Bob subscribe to. */
  readonly match: TopicMatch;
}

async function setUp(options: Partial<BrokerEngineOptions> = {}, bobSubscribes = true): Promise<Setting> {
  const log = new FakeLog();
  const world = new World({ store: { log, isDurable: true }, random: (n) => new Uint8Array(n).fill(1), ...options });
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group(pattern, [alice], [alice, bob]);
  await world.settle();
  bob.subscribe(pattern);
  await world.settle();
  const match = bob.matches[0]!;
  if (!bobSubscribes) bob.peer.says({ type: 'unsub', sub: 1 });
  for (const { peer } of [alice, bob]) peer.messages.splice(0);
  world.events.splice(0);
  return { world, alice, bob, log, match };
}

function sub(peer: Peer, number: number, match: TopicMatch, from = 0): void {
  peer.says({ type: 'sub', sub: number, match, from });
}

test('delivery.9, principals.22: a sub without a right is rejected by its number; the link goes on', async () => {
  const { world, bob, match } = await setUp();
  const eve = world.join('eve');
  await world.settle();
  eve.peer.messages.splice(0);
  sub(eve.peer, 9, match);
  sub(eve.peer, 10, { matchKind: matchKinds.exact, level: 0, match16: new Uint8Array(16) });
  sub(bob.peer, 3, { ...match, level: 2 });
  await world.settle();
  expect(eve.peer.take('reject')).toMatchObject([
    { about: 'sub', number: 9, code: 'E_REFUSED' },
    { about: 'sub', number: 10, code: 'E_REFUSED' },
  ]);
  expect(bob.peer.take('reject')).toMatchObject([{ about: 'sub', number: 3 }]);
  expect(eve.peer.closed).toBe(undefined);
  expect(world.refusals()).toEqual(['sub E_POLICY', 'sub E_POLICY', 'sub E_POLICY']);
});

test('delivery.9: a number that is in use ends the link, as a reject would name the sub that is there', async () => {
  const { bob, match } = await setUp();
  sub(bob.peer, 1, match);
  expect(bob.peer.closed).toMatchObject({ code: 'E_ENCODING' });
});

test('delivery.9: 4,096 subs of a link and no more', async () => {
  const { world, bob, match } = await setUp({ principalLimits: { subs: 1e6 } });
  const peer = bob.link();
  for (let number = 1; number <= limits.subsPerLink + 1; number++) sub(peer, number, match);
  await world.settle();
  expect(peer.take('reject')).toMatchObject([{ about: 'sub', number: 4_097, code: 'E_LIMIT' }]);
  peer.says({ type: 'unsub', sub: 7 });
  sub(peer, 4_097, match);
  await world.settle();
  expect(peer.take('reject')).toEqual([]);
});

test('delivery.9: a stored sub where there is no log is refused', async () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group(pattern, [alice], [bob]);
  await world.settle();
  bob.subscribe(pattern);
  sub(bob.peer, 5, bob.matches[0]!, 1);
  await world.settle();
  expect(bob.peer.take('reject')).toMatchObject([{ about: 'sub', number: 5, code: 'E_REFUSED' }]);
});

test('a live envelope comes once to a link, however many of its subs match, also to who sent it', async () => {
  const { world, alice, bob, match } = await setUp({}, false);
  const [one, two] = [bob.link(), alice.link()];
  for (let number = 1; number <= 5; number++) sub(one, number, match);
  sub(two, 1, match);
  const envelope = alice.publish('orders/new', 'a');
  await world.settle();
  expect(one.take('envelope').map((message) => message.envelope)).toEqual([envelope]);
  expect(two.take('envelope')).toHaveLength(1);
  expect(bob.peer.take('envelope')).toHaveLength(0);
  // One buffer serves both.
  expect(world.engine.counters.envelopesDelivered).toBe(2);
});

test('one buffer serves all receivers', async () => {
  const { world, alice, bob, match } = await setUp({}, false);
  const peers = Array.from({ length: 3 }, () => bob.link());
  for (const peer of peers) sub(peer, 1, match);
  alice.publish('orders/new', 'a');
  await world.settle();
  const messages = peers.map((peer) => peer.take('envelope')[0]!);
  expect(new Set(messages).size).toBe(1);
});

test('an envelope that came inside something much larger does not keep that alive', async () => {
  const { world, alice, bob } = await setUp();
  const envelope = alice.seal('orders/new', 'a');
  const chunk = new Uint8Array(65_536);
  chunk.set(envelope, 100);
  alice.peer.publish(chunk.subarray(100, 100 + envelope.length));
  await world.settle();
  const [delivered] = bob.peer.take('envelope');
  expect(delivered!.envelope.buffer.byteLength).toBeLessThanOrEqual(4 * envelope.length);
});

test('unsub ends a sub; one that is not there is nothing', async () => {
  const { world, alice, bob } = await setUp();
  bob.peer.says({ type: 'unsub', sub: 1 }, { type: 'unsub', sub: 1 }, { type: 'unsub', sub: 60_000 });
  alice.publish('orders/new', 'a');
  await world.settle();
  expect(bob.texts()).toEqual([]);
  expect(bob.peer.closed).toBe(undefined);
});

test('delivery.11, principals.38: a sub that the lists no longer allow ends with a reject that names it', async () => {
  const { world, alice, bob, match } = await setUp();
  const stored = bob.link();
  sub(stored, 8, match, 1);
  await world.settle();
  world.authority.withdraw({ keyId32: bob.keyId32, action: 'subscribe', pattern }, world.nowMs);
  await world.settle();
  expect(bob.peer.take('reject')).toMatchObject([{ about: 'sub', number: 1, code: 'E_REFUSED' }]);
  expect(stored.take('reject')).toMatchObject([{ about: 'sub', number: 8 }]);
  alice.durability = disk;
  alice.publish('orders/new', 'after');
  await world.settle();
  expect(bob.texts()).toEqual([]);
  expect(stored.take('stored')).toEqual([]);
  expect(world.engine.subCount).toBe(0);
  expect(world.events.filter(({ type }) => type === 'subEnded')).toHaveLength(2);
});

test('a sub whose entry has a time ends when that has passed', async () => {
  const { world } = await setUp();
  const carol = world.join('carol');
  const notAfterMs = world.nowMs + 15_000;
  world.authority.grant({ keyId32: carol.keyId32, action: 'subscribe', pattern, notAfterMs }, world.nowMs);
  await world.settle();
  carol.subscribe(pattern);
  await world.settle();
  const { subs } = carol.peer.connection!;
  expect(subs.size).toBeGreaterThan(0);
  await world.advance(14_000);
  expect(subs.size).toBeGreaterThan(0);
  await world.advance(14_000);
  expect(subs.size).toBe(0);
  expect(carol.peer.take('reject').length).toBeGreaterThan(0);
});

test('delivery.10: a stored sub gets what the log holds from its position on, in order, then what comes', async () => {
  const { world, alice, bob, match } = await setUp();
  alice.durability = disk;
  for (const text of ['a', 'b', 'c']) alice.publish('orders/new', text);
  await world.settle();
  const [all, later] = [bob.link(), bob.link()];
  sub(all, 7, match, 1);
  sub(later, 7, match, 3);
  await world.settle();
  alice.publish('orders/new', 'd');
  await world.settle();
  alice.durability = memory;
  alice.publish('orders/new', 'e');
  await world.settle();
  expect(all.take('stored').map(({ sub: number, position }) => [number, position])).toEqual([
    [7, 1],
    [7, 2],
    [7, 3],
    [7, 4],
    [7, 5],
  ]);
  expect(later.take('stored').map(({ position }) => position)).toEqual([3, 4, 5]);
});

test('delivery.10: several stored subs of a link are read for together, each from its own position', async () => {
  const { world, alice, bob, log, match } = await setUp();
  alice.durability = disk;
  for (let i = 0; i < 50; i++) alice.publish('orders/new', `${i}`);
  await world.settle();
  const peer = bob.link();
  for (let number = 1; number <= 20; number++) sub(peer, number, match, number);
  log.reads = 0;
  await world.settle();
  expect(log.reads).toBeLessThan(10);
  const stored = peer.take('stored');
  for (let number = 1; number <= 20; number++) {
    const positions = stored.filter((message) => message.sub === number).map(({ position }) => position);
    expect(positions).toEqual(Array.from({ length: 51 - number }, (_, i) => number + i));
  }
});

test('delivery.10: the first position may lie above what was asked for', async () => {
  const { world, alice, bob, log, match } = await setUp();
  alice.durability = disk;
  for (const text of ['a', 'b', 'c']) alice.publish('orders/new', text);
  await world.settle();
  log.firstPosition = 3;
  const [low, high] = [bob.link(), bob.link()];
  sub(low, 1, match, 1);
  sub(high, 1, match, 1_000);
  await world.settle();
  expect(low.take('stored').map(({ position }) => position)).toEqual([3]);
  log.firstPosition = 4;
  const none = bob.link();
  sub(none, 1, match, 2);
  await world.settle();
  alice.publish('orders/new', 'd');
  await world.settle();
  expect(none.take('stored').map(({ position }) => position)).toEqual([4]);
  // Nobody waits for a position that only a log that is gone had.
  expect(high.take('stored').map(({ position }) => position)).toEqual([4]);
});

test('delivery.3: a stored sub is given nothing that the disk does not have yet', async () => {
  const { world, alice, bob, log, match } = await setUp();
  const peer = bob.link();
  sub(peer, 1, match, 1);
  await world.settle();
  log.isFast = false;
  alice.durability = disk;
  alice.publish('orders/new', 'a');
  await world.settle();
  expect(peer.take('stored')).toEqual([]);
  log.sync();
  await world.settle();
  expect(peer.take('stored')).toHaveLength(1);
});

test('delivery.10: what came while a stored sub could not be given it is not left out', async () => {
  const { world, alice, bob, match } = await setUp();
  const peer = bob.link();
  sub(peer, 1, match, 1);
  await world.settle();
  alice.durability = disk;
  for (let i = 0; i < 30; i++) {
    // The transport is full now and then.
    peer.isFull = i % 3 === 0;
    if (!peer.isFull) peer.connection!.drained();
    alice.publish('orders/new', `${i}`);
    await world.settle();
  }
  peer.isFull = false;
  peer.connection!.drained();
  await world.settle();
  expect(peer.take('stored').map(({ position }) => position)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
});

test('positions that are damaged are passed over, and told; a log that does not answer ends the sub', async () => {
  const { world, alice, bob, log, match } = await setUp();
  alice.durability = disk;
  for (let i = 0; i < 6; i++) alice.publish('orders/new', `${i}`);
  await world.settle();
  log.damaged = [3, 5];
  const peer = bob.link();
  sub(peer, 1, match, 1);
  await world.settle();
  expect(peer.take('stored').map(({ position }) => position)).toEqual([1, 2, 5, 6]);
  expect(world.events).toContainEqual({ type: 'logDamaged', fromPosition: 3, toPosition: 5 });
  log.readFailure = new TridcommError('E_TRANSPORT');
  sub(peer, 2, match, 1);
  await world.settle();
  expect(peer.take('reject')).toEqual([{ type: 'reject', about: 'sub', number: 2, code: 'E_REFUSED', retryMs: 5_000 }]);
  expect(peer.closed).toBe(undefined);
});

test('delivery.14: no more bytes of bodies than the credit says, of live and stored ones together', async () => {
  const { world, alice, bob, match } = await setUp({}, false);
  alice.durability = disk;
  const { length } = alice.publish('orders/new', 'a');
  for (const text of ['b', 'c']) alice.publish('orders/new', text);
  await world.settle();
  // Room for two stored ones, with their positions, and not for a third one.
  const peer = bob.link(3 * (length + 8) - 1);
  sub(peer, 1, match, 1);
  await world.settle();
  expect(peer.take('stored')).toHaveLength(2);
  peer.says({ type: 'credit', bytes: 3 * (length + 8) });
  await world.settle();
  expect(peer.take('stored')).toHaveLength(1);
  peer.says({ type: 'unsub', sub: 1 });
  sub(peer, 2, match);
  for (const text of ['d', 'e']) alice.publish('orders/new', text);
  await world.settle();
  expect(peer.take('envelope')).toHaveLength(0);
  peer.says({ type: 'credit', bytes: 3 * (length + 8) + length });
  await world.settle();
  expect(peer.take('envelope')).toHaveLength(1);
  peer.says({ type: 'credit', bytes: 1e6 });
  await world.settle();
  expect(peer.take('envelope')).toHaveLength(1);
});

test('delivery.14: without any credit nothing is sent', async () => {
  const { world, alice, bob, match } = await setUp({}, false);
  const peer = bob.link(0);
  sub(peer, 1, match);
  alice.publish('orders/new', 'a');
  await world.settle();
  expect(peer.take('envelope')).toEqual([]);
  expect(world.engine.queuedBytes).toBeGreaterThan(0);
});

test('delivery.15: a credit that is lower than one before ends the link; an equal one does not', async () => {
  const { bob } = await setUp();
  const peer = bob.link(1_000);
  peer.says({ type: 'credit', bytes: 1_000 }, { type: 'credit', bytes: 2_000 });
  expect(peer.closed).toBe(undefined);
  peer.says({ type: 'credit', bytes: 1_999 });
  expect(peer.closed).toMatchObject({ code: 'E_ENCODING' });
  const other = bob.link(1_000);
  other.says({ type: 'credit', bytes: 999 });
  expect(other.closed).toMatchObject({ code: 'E_ENCODING' });
});

test('delivery.16: a live sub whose peer takes nothing ends its link, and nobody else waits for it', async () => {
  const { world, alice, bob, match } = await setUp({ mostQueuedBytes: 1_048_576 });
  const slow = bob.link();
  sub(slow, 1, match);
  slow.isFull = true;
  let sealed = 0;
  for (let i = 0; slow.closed === undefined && i < 40; i++) {
    sealed++;
    alice.publish('orders/new', 'x'.repeat(100_000));
    await world.advance(1_000);
    expect(world.engine.queuedBytes).toBeLessThanOrEqual(1_048_576);
  }
  expect(slow.closed).toEqual({ code: 'E_LIMIT', retryMs: 1_000 });
  expect(bob.texts()).toHaveLength(sealed);
  expect(world.engine.queuedBytes).toBe(0);
  expect(sealed).toBeGreaterThanOrEqual(10);
});

test('delivery.16: a stored sub whose peer takes nothing waits in the log, and holds nothing', async () => {
  const { world, alice, bob, log, match } = await setUp({ mostQueuedBytes: 1_048_576 }, false);
  const slow = bob.link();
  sub(slow, 1, match, 1);
  slow.isFull = true;
  alice.durability = disk;
  for (let i = 0; i < 30; i++) {
    alice.publish('orders/new', 'x'.repeat(100_000));
    await world.advance(1_000);
  }
  expect(slow.closed).toBe(undefined);
  expect(world.engine.queuedBytes).toBe(0);
  // What cannot be sent is not read over and over.
  expect(log.reads).toBeLessThan(10);
  slow.isFull = false;
  slow.connection!.drained();
  await world.settle();
  expect(slow.take('stored')).toHaveLength(30);
});

test('what waited for a link and was sent is not kept while more waits', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const sent: WeakRef<Uint8Array>[] = [];
  const host = { isFull: false, sendLive: ({ envelope }: LiveMessage) => void sent.push(new WeakRef(envelope)) };
  const outbox = new Outbox(host, 0, 1_000_000);
  for (let i = 0; i < 20; i++) outbox.live({ type: 'envelope', durability: 0, envelope: new Uint8Array(100) }, false);
  outbox.grant(1_500);
  outbox.flushLive(() => undefined);
  expect([sent.length, outbox.queuedBytes]).toEqual([15, 500]);
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(sent.filter((one) => one.deref() !== undefined).length).toBeLessThanOrEqual(1);
  expect(outbox.queuedBytes).toBe(500);
});

test('live envelopes that waited come in order, before later ones', async () => {
  const { world, alice, bob, match } = await setUp({}, false);
  const peer = bob.link();
  sub(peer, 1, match);
  peer.isFull = true;
  const envelopes = ['a', 'b', 'c'].map((text) => alice.publish('orders/new', text));
  peer.isFull = false;
  envelopes.push(alice.publish('orders/new', 'd'));
  peer.connection!.drained();
  await world.settle();
  expect(peer.take('envelope').map((message) => message.envelope)).toEqual(envelopes);
});
