import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Socket } from 'node:net';
import type { Broker } from '../src/broker.ts';
import { Setting } from './set-up.ts';
import { eventually, wait, type Person, type TestLink } from './listeners/world.ts';

/*
 * One that misbehaves, over real sockets, and others that go on. Nothing here asserts on time.
 */

let setting: Setting;
let broker: Broker;
let alice: Person;
let bob: Person;
let mallory: Person;

beforeEach(async () => {
  setting = new Setting();
  [alice, bob, mallory] = [setting.person('alice'), setting.person('bob'), setting.person('mallory')];
  setting.group('orders/**', [alice, bob, mallory]);
  const principal = { envelopesPerSecond: 100, messagesPerSecond: 10_000, bytesPerSecond: 64_000_000 };
  broker = await setting.start({ limits: { queueBytes: 2_097_152, principal } });
  await setting.lead(broker);
});

afterEach(async () => {
  await setting.close();
});

/** A member that can publish, with durability memory, and its link. */
async function member(
  person: Person,
): Promise<TestLink & { socket: Socket; publish: (text: string) => void; texts: string[] }> {
  const link = await setting.open(broker, person);
  const { client, texts, matches } = setting.client(link, person);
  await link.pinged();
  client.subscribe('orders/**', Date.now());
  await eventually(() => client.groupOf('orders/new') !== undefined && matches.length > 0);
  const send = link.engine.send.bind(link.engine);
  // The client of these tests asks for a disk, and there is none here.
  link.engine.send = (message) => send(message.type === 'envelope' ? { ...message, durability: 1 } : message);
  const publish = (text: string): void =>
    void client.publish('orders/new', [new TextEncoder().encode(text)], Date.now());
  await link.pinged();
  return Object.assign(link, { publish, texts });
}

test('delivery.16: a subscriber that stops reading is let go; others get everything', async () => {
  const [publisher, reader, stuck] = [await member(alice), await member(bob), await member(mallory)];
  const { socket } = stuck;
  socket.pause();
  const text = 'x'.repeat(100_000);
  let sent = 0;
  while (broker.counters.envelopesTaken < 600 && !isGone(mallory)) {
    for (let i = 0; i < 10; i++, sent++) publisher.publish(text);
    await wait(120);
    await publisher.pinged();
  }
  expect(isGone(mallory)).toBe(true);
  expect(setting.events).toContainEqual(
    expect.objectContaining({ type: 'linkEnded', keyId: mallory.keyId, by: 'broker', code: 'E_LIMIT' }),
  );
  await eventually(() => reader.texts.length === sent);
  expect(isGone(bob)).toBe(false);
  expect(publisher.messages.filter(({ type }) => type === 'reject')).toEqual([]);
}, 60_000);

function isGone({ keyId }: Person): boolean {
  return setting.events.some((event) => event.type === 'linkEnded' && event.keyId === keyId);
}

test('delivery.18: a publisher at ten times its quota is refused what is too much; others are not', async () => {
  const [honest, flood, reader] = [await member(alice), await member(mallory), await member(bob)];
  let flooded = 0;
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 500; i++, flooded++) flood.publish('flood');
    for (let i = 0; i < 5; i++) honest.publish('honest');
    await Promise.all([flood.pinged(), honest.pinged()]);
    await wait(100);
  }
  await reader.pinged();
  const rejects = flood.messages.filter((message) => message.type === 'reject');
  expect(rejects.length).toBeGreaterThan(flooded / 2);
  expect(rejects.every((message) => message.code === 'E_LIMIT' && message.retryMs > 0)).toBe(true);
  expect(honest.messages.filter(({ type }) => type === 'reject')).toEqual([]);
  await eventually(() => reader.texts.filter((text) => text === 'honest').length === 25);
  expect(reader.texts.filter((text) => text === 'flood')).toHaveLength(flooded - rejects.length);
  expect([isGone(mallory), isGone(alice), isGone(bob)]).toEqual([false, false, false]);
}, 60_000);

test('delivery.18: a peer that asks without end and never reads the answers is let go, and holds little', async () => {
  const stuck = await member(mallory);
  const { socket } = stuck;
  // What it still writes when the broker has ended the link may break the connection.
  socket.on('error', () => undefined);
  socket.pause();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 1_000 && !isGone(mallory); i++) {
    for (let k = 0; k < 1_000; k++) stuck.engine.send({ type: 'ping', answers: false, token: k, timeMs: 0 });
    await wait(5);
  }
  expect(setting.events).toContainEqual(
    expect.objectContaining({ type: 'linkEnded', keyId: mallory.keyId, by: 'broker', code: 'E_LIMIT' }),
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
  const other = await member(bob);
  other.publish('x');
  await eventually(() => other.texts.length === 1);
}, 60_000);
