import { expect, test } from 'vitest';
import { TridcommError } from '@tridcomm/core';
import { durabilities } from '@tridcomm/core/link';
import type { PrincipalLimits } from '../../src/engine/quotas.ts';
import { FakeLog } from './fake-log.ts';
import { World, type Member } from './world.ts';

const pattern = 'orders/**';
const { none, memory, disk, cluster } = durabilities;

interface Setting {
  readonly world: World;
  readonly alice: Member;
  readonly bob: Member;
  readonly log: FakeLog;
}

/** Alice writes, Bob reads; `never` draws no envelope for verification. */
async function setUp(
  draws: 'never' | 'always' | 'random' = 'never',
  isDurable = true,
  principalLimits: Partial<PrincipalLimits> = {},
): Promise<Setting> {
  const log = new FakeLog();
  const fixed = draws === 'random' ? {} : { random: (n: number) => new Uint8Array(n).fill(draws === 'always' ? 0 : 1) };
  const world = new World({ store: { log, isDurable }, principalLimits, ...fixed });
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group(pattern, [alice], [bob]);
  await world.settle();
  bob.subscribe(pattern);
  await world.settle();
  alice.peer.messages.splice(0);
  bob.peer.messages.splice(0);
  world.events.splice(0);
  return { world, alice, bob, log };
}

test('delivery.1: frames without a number are answered by nothing, the others by one ack for all', async () => {
  const { world, alice, bob } = await setUp();
  alice.publish('orders/new', 'a');
  await world.settle();
  expect(alice.peer.messages).toEqual([]);
  alice.durability = memory;
  for (const text of ['b', 'c', 'd']) alice.publish('orders/new', text);
  await world.settle();
  expect(alice.peer.messages).toEqual([{ type: 'ack', number: 3 }]);
  expect(bob.texts()).toEqual(['a', 'b', 'c', 'd']);
});

test('delivery.1, delivery.2: a reject names its frame, before the ack that goes past it', async () => {
  const { world, alice } = await setUp();
  const [first, second] = [alice.seal('orders/new', 'a'), alice.seal('orders/new', 'b')];
  alice.peer.publish(first, memory).publish(first.subarray(1), memory).publish(second, memory);
  await world.settle();
  expect(alice.peer.messages).toEqual([
    { type: 'reject', about: 'numbered', number: 2, code: 'E_ENCODING', retryMs: 0 },
    { type: 'ack', number: 3 },
  ]);
});

test('delivery.1: where the last one is refused, its reject is all that is said of it', async () => {
  const { world, alice } = await setUp();
  alice.peer.publish(new Uint8Array(5), memory);
  await world.settle();
  expect(alice.peer.messages).toMatchObject([{ type: 'reject', number: 1, code: 'E_LENGTH' }]);
});

test('delivery.3: disk is acknowledged, and delivered, when the disk has it and not before', async () => {
  const { world, alice, bob, log } = await setUp();
  log.isFast = false;
  alice.durability = disk;
  alice.publish('orders/new', 'a');
  alice.publish('orders/new', 'b');
  await world.settle();
  expect(log.appends).toBe(1);
  expect([alice.peer.messages, bob.texts()]).toEqual([[], []]);
  log.sync();
  await world.settle();
  expect(alice.peer.messages).toEqual([{ type: 'ack', number: 2 }]);
  expect(bob.texts()).toEqual(['a', 'b']);
});

test('delivery.1, delivery.2: acks wait for the first that waits; rejects do not', async () => {
  const { world, alice, log } = await setUp();
  log.isFast = false;
  const [a, b] = [alice.seal('orders/new', 'a'), alice.seal('orders/new', 'b')];
  alice.peer.publish(a, disk).publish(new Uint8Array(5), memory).publish(b, memory);
  await world.settle();
  expect(alice.peer.messages).toMatchObject([{ type: 'reject', number: 2 }]);
  log.sync();
  await world.settle();
  log.sync();
  await world.settle();
  expect(alice.peer.take('ack')).toEqual([{ type: 'ack', number: 3 }]);
});

test('delivery.4: a durability that the broker does not have is refused, and never a lower one taken', async () => {
  const withDisk = await setUp();
  withDisk.alice.peer.publish(withDisk.alice.seal('orders/new', 'a'), cluster);
  await withDisk.world.settle();
  expect(withDisk.alice.peer.messages).toMatchObject([{ type: 'reject', number: 1, code: 'E_REFUSED' }]);
  expect(withDisk.world.refusals()).toEqual(['envelope E_POLICY']);
  const withMemory = await setUp('never', false);
  withMemory.alice.peer.publish(withMemory.alice.seal('orders/new', 'a'), disk);
  withMemory.alice.peer.publish(withMemory.alice.seal('orders/new', 'b'), memory);
  await withMemory.world.settle();
  expect(withMemory.alice.peer.messages).toMatchObject([
    { type: 'reject', number: 1 },
    { type: 'ack', number: 2 },
  ]);
  expect(withMemory.bob.texts()).toEqual(['b']);
});

test('delivery.6, principals.22: an envelope of somebody else, or without a right, is refused and goes nowhere', async () => {
  const { world, alice, bob } = await setUp();
  const eve = world.join('eve');
  await world.settle();
  const envelope = alice.seal('orders/new', 'a');
  for (const [peer, who] of [
    [eve.peer, 'eve'],
    [bob.peer, 'bob'],
  ] as const) {
    peer.messages.splice(0);
    peer.publish(envelope, memory);
    await world.settle();
    expect([who, peer.take('reject')]).toMatchObject([who, [{ number: 1, code: 'E_REFUSED' }]]);
  }
  world.authority.withdraw({ keyId32: alice.keyId32, action: 'publish', pattern }, world.nowMs);
  await world.settle();
  alice.peer.publish(envelope, memory);
  await world.settle();
  expect(alice.peer.take('reject')).toMatchObject([{ number: 1 }]);
  expect(bob.texts()).toEqual([]);
  expect(world.refusals().filter((refusal) => refusal === 'envelope E_POLICY')).toHaveLength(3);
});

test('a refused frame without a number is counted, and told nobody', async () => {
  const { world, alice } = await setUp();
  alice.peer.publish(new Uint8Array(200));
  await world.settle();
  expect(alice.peer.messages).toEqual([]);
  expect(world.refusals()).toEqual(['envelope E_ENCODING']);
});

/** The last byte of the signature is another one. */
function forged(envelope: Uint8Array): Uint8Array {
  const copy = new Uint8Array(envelope);
  copy[copy.length - 40]! ^= 1;
  return copy;
}

test('delivery.7: the signature of what goes to disk is verified; a forgery is refused, stored nowhere, and ends the link', async () => {
  const { world, alice, bob, log } = await setUp();
  alice.peer.publish(alice.seal('orders/new', 'a'), disk).publish(forged(alice.seal('orders/new', 'b')), disk);
  await world.settle();
  expect(alice.peer.messages).toContainEqual({
    type: 'reject',
    about: 'numbered',
    number: 2,
    code: 'E_REFUSED',
    retryMs: 0,
  });
  expect(alice.peer.closed).toMatchObject({ code: 'E_SIG' });
  expect(log.envelopes).toHaveLength(1);
  expect(bob.texts()).toEqual(['a']);
  expect(world.engine.counters.signaturesVerified).toBe(2);
});

test('delivery.7: of the others one in 64 is verified, at random; a forgery ends the link', async () => {
  const { world, alice } = await setUp('random');
  for (let i = 0; i < 20; i++) {
    // 20 seconds, so that no quota is met.
    for (let k = 0; k < 100; k++) alice.peer.publish(alice.seal('orders/new', `${i}.${k}`));
    await world.advance(1_000);
  }
  const { envelopesTaken, signaturesVerified } = world.engine.counters;
  expect(envelopesTaken).toBe(2_000);
  expect(signaturesVerified).toBeGreaterThan(5);
  expect(signaturesVerified).toBeLessThan(90);
  expect(alice.peer.closed).toBe(undefined);
  for (let i = 0; i < 900 && alice.peer.closed === undefined; i++) {
    alice.peer.publish(forged(alice.seal('orders/new', `${i}`)));
    await world.settle();
  }
  expect(alice.peer.closed).toMatchObject({ code: 'E_SIG' });
});

test('delivery.7: one that is drawn is acknowledged only when it is verified', async () => {
  const { world, alice } = await setUp('always');
  alice.peer.publish(alice.seal('orders/new', 'a'), memory).publish(forged(alice.seal('orders/new', 'b')), memory);
  await world.settle();
  expect(alice.peer.take('ack')).toEqual([{ type: 'ack', number: 1 }]);
  expect(alice.peer.take('reject')).toMatchObject([{ number: 2 }]);
  expect(alice.peer.closed).toMatchObject({ code: 'E_SIG' });
});

test('delivery.7: a forgery that is drawn is told of, although its link closed at once', async () => {
  const { world, alice } = await setUp('always');
  alice.peer.publish(forged(alice.seal('orders/new', 'a'))).says({ type: 'close', code: undefined, retryMs: 0 });
  await world.settle();
  expect(world.refusals()).toEqual(['envelope E_SIG']);
});

test('delivery.7: an epoch of which there is no block is refused, and is no forgery', async () => {
  const { world, alice, log } = await setUp('never');
  const envelope = new Uint8Array(alice.seal('orders/new', 'a'));
  envelope[27] = 99;
  alice.peer.publish(envelope, disk);
  await world.settle();
  expect(world.refusals()).toEqual(['envelope E_EPOCH']);
  expect(alice.peer.closed).toBe(undefined);
  expect(log.envelopes).toHaveLength(0);
});

test('delivery.7: many signatures take many turns, and others are served between them', async () => {
  const { world, alice, bob } = await setUp();
  for (let i = 0; i < 100; i++) alice.peer.publish(alice.seal('orders/new', `${i}`), disk);
  world.turn();
  expect(world.engine.counters.signaturesVerified).toBeLessThan(100);
  bob.peer.says({ type: 'ping', answers: false, token: 5, timeMs: 1 });
  world.turn();
  expect(bob.peer.take('ping')).toMatchObject([{ answers: true, token: 5 }]);
  expect(world.engine.counters.signaturesVerified).toBeLessThan(100);
  await world.settle();
  expect(alice.peer.take('ack').at(-1)).toEqual({ type: 'ack', number: 100 });
});

test('delivery.17: a ping is answered behind the answers of what came before it, with the broker’s clock', async () => {
  const { world, alice, log } = await setUp();
  log.isFast = false;
  alice.peer.publish(alice.seal('orders/new', 'a'), disk);
  alice.peer.says({ type: 'ping', answers: false, token: 77, timeMs: 5 });
  alice.peer.publish(alice.seal('orders/new', 'b'), memory);
  await world.settle();
  expect(alice.peer.messages).toEqual([]);
  log.sync();
  await world.settle();
  log.sync();
  await world.settle();
  expect(alice.peer.messages).toEqual([
    { type: 'ack', number: 1 },
    { type: 'ping', answers: true, token: 77, timeMs: world.nowMs },
    { type: 'ack', number: 2 },
  ]);
  alice.peer.messages.splice(0);
  alice.peer.says({ type: 'ping', answers: true, token: 1, timeMs: 1 });
  await world.settle();
  expect(alice.peer.take('ping')).toEqual([]);
});

test('a log that fails rejects what waits for it; what is stored stays readable, and live delivery goes on', async () => {
  const { world, alice, bob, log } = await setUp();
  alice.durability = disk;
  alice.publish('orders/new', 'stored');
  await world.settle();
  log.failure = new TridcommError('E_TRANSPORT', 'no space left');
  alice.publish('orders/new', 'refused');
  await world.settle();
  expect(alice.peer.take('reject')).toEqual([
    { type: 'reject', about: 'numbered', number: 2, code: 'E_REFUSED', retryMs: 5_000 },
  ]);
  expect(world.events).toContainEqual({ type: 'logFailed', what: 'append', code: 'E_TRANSPORT' });
  expect(bob.texts()).toEqual(['stored']);
  alice.durability = none;
  alice.publish('orders/new', 'live');
  const reader = bob.link();
  reader.says({ type: 'sub', sub: 1, match: bob.matches[0]!, from: 1 });
  await world.settle();
  expect(bob.texts()).toEqual(['live']);
  expect(reader.take('stored').map(({ position }) => position)).toEqual([1]);
});

test('a log that has no room for more says so, and trying again helps', async () => {
  const { world, alice, log } = await setUp();
  log.failure = new TridcommError('E_LIMIT', 'too much waits');
  alice.durability = disk;
  alice.publish('orders/new', 'a');
  await world.settle();
  expect(alice.peer.take('reject')).toMatchObject([{ code: 'E_LIMIT', retryMs: 5_000 }]);
});

test('delivery.1, delivery.3: memory is acknowledged when the log took it, and rejected where it did not, as long as that lasts', async () => {
  const { world, alice, log } = await setUp();
  alice.durability = memory;
  log.isFast = false;
  alice.publish('orders/new', 'a');
  expect(alice.peer.messages).toEqual([]);
  await world.settle();
  // It is in the memory of the log; the disk does not have it yet.
  expect(alice.peer.take('ack')).toEqual([{ type: 'ack', number: 1 }]);
  log.failure = new TridcommError('E_TRANSPORT', 'no space left');
  log.sync();
  await world.settle();
  expect(alice.peer.messages).toEqual([]);
  log.isFast = true;
  for (const [number, code, outward] of [
    [2, 'E_TRANSPORT', 'E_REFUSED'],
    [3, 'E_LIMIT', 'E_LIMIT'],
    [4, 'E_TRANSPORT', 'E_REFUSED'],
  ] as const) {
    log.failure = new TridcommError(code);
    alice.publish('orders/new', `${number}`);
    await world.settle();
    expect(alice.peer.messages.splice(0)).toEqual([
      { type: 'reject', about: 'numbered', number, code: outward, retryMs: 5_000 },
    ]);
  }
});

test('delivery.7: one that is drawn, and that the log refuses, is rejected once', async () => {
  const { world, alice, log } = await setUp('always');
  log.failure = new TridcommError('E_LIMIT');
  alice.peer.publish(alice.seal('orders/new', 'a'), memory);
  await world.settle();
  expect(alice.peer.messages).toMatchObject([{ type: 'reject', number: 1, code: 'E_LIMIT' }]);
});

test('while much waits for the disk no more is read of its sender', async () => {
  const { world, alice, log } = await setUp('never', true, { messagesPerSecond: 1e6, envelopesPerSecond: 1e6 });
  log.isFast = false;
  const bare = alice.peer;
  for (let i = 0; bare.isReading && i < 2_000; i++) bare.publish(alice.seal('orders/new', `${i}`), disk);
  expect(bare.isReading).toBe(false);
  await world.settle();
  expect(bare.isReading).toBe(false);
  for (let i = 0; i < 5; i++) {
    log.sync();
    await world.settle();
  }
  expect(bare.isReading).toBe(true);
});
