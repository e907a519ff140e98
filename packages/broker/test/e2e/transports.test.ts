import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { overStream, type StreamTarget, type TridcommClient, type TridcommMessage } from '@tridcomm/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Broker } from '../../src/broker.ts';
import { addressOf, bindings, listeners } from './raw-link.ts';
import { Scene, until, type Member } from './scene.ts';

/*
 * What every way to a broker has to keep, whatever carries the link.
 */

let scene: Scene;
let broker: Broker;
let writer: Member;
let reader: Member;

beforeAll(async () => {
  scene = await Scene.create();
  [writer, reader] = [await scene.member('writer'), await scene.member('reader')];
  scene.group('t/**', { write: [writer], read: [reader] });
  broker = await scene.broker({ listeners, insecure: 'loopback', store: { type: 'memory' } });
}, 60_000);

afterAll(async () => scene.close());

describe.each([...bindings, 'inproc'] as const)('%s', (way) => {
  const options = way === 'ws' ? { allowPlainLoopback: true } : {};
  let connected: readonly TridcommClient[] = [];
  const target = (): string | StreamTarget =>
    way === 'inproc' ? overStream(() => broker.connectInProcess()) : addressOf(scene, broker, way);

  beforeAll(async () => {
    connected = await Promise.all([writer, reader].map(async (member) => scene.connect(member, target(), options)));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(connected.map(async (client) => client.close()));
  });

  test('messages of all sizes come whole and in order, through pieces of any size', { timeout: 60_000 }, async () => {
    const [from, to] = connected as [TridcommClient, TridcommClient];
    const sent = [0, 1, 65_519, 65_520, 300_001, 900_000, 17].map((length) => randomBytes(length));
    const got: Buffer[] = [];
    const subscription = to.subscribe(`t/sizes/${way}`, { onBatch: (batch) => void got.push(...bytesOf(batch)) });
    await to.ready();
    for (const payload of sent) await from.publish(`t/sizes/${way}`, payload, { durability: 'memory' });
    await until('all came', () => got.length === sent.length);
    expect(got.map((bytes, i) => bytes.equals(sent[i]!))).toEqual(sent.map(() => true));
    subscription.close();
  });

  test('a reader that is slow loses nothing, and holds the writer up', { timeout: 120_000 }, async () => {
    const [from, to] = connected as [TridcommClient, TridcommClient];
    const size = 200_000;
    const count = 60;
    const numbers: number[] = [];
    const subscription = to.subscribe(`t/slow/${way}`, {
      from: 1,
      onBatch: async (batch) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        numbers.push(...bytesOf(batch).map((bytes) => bytes.readUInt32BE(0)));
      },
    });
    await to.ready();
    for (let i = 0; i < count; i++) {
      const payload = Buffer.alloc(size);
      payload.writeUInt32BE(i);
      await from.publish(`t/slow/${way}`, payload, { durability: 'memory' });
    }
    await until('all came', () => numbers.length >= count);
    expect(numbers).toEqual(Array.from({ length: count }, (_, i) => i));
    subscription.close();
  });

  test('a link that its member ends is gone at the broker, and another comes', { timeout: 60_000 }, async () => {
    const before = connectionsOf(broker);
    const third = await scene.connect(await scene.member(`guest-${way}`), target(), options);
    expect(connectionsOf(broker)).toBe(before + 1);
    await third.close();
    await until('the broker has let go of it', () => connectionsOf(broker) === before);
  });

  test('link.22: the link of who is revoked is ended', { timeout: 60_000 }, async () => {
    const before = connectionsOf(broker);
    const member = await scene.member(`revoked-${way}`);
    const client = await scene.connect(member, target(), options);
    scene.service.perform((authority, nowMs) => authority.revoke(member.keyId32, nowMs));
    await until('the broker has ended it', () => connectionsOf(broker) === before);
    await until('the client knows', () => !client.isOpen);
    await client.close();
  });
});

test('a stream that breaks is opened anew', { timeout: 60_000 }, async () => {
  const streams: Duplex[] = [];
  const target = overStream(() => {
    streams.push(broker.connectInProcess());
    return streams.at(-1)!;
  });
  const client = await scene.connect(writer, target);
  streams[0]!.destroy(new Error('a tunnel that fell in'));
  await until('it is connected again', () => streams.length === 2 && client.isOpen);
  await client.publish('t/again', 'there', { durability: 'memory' });
  await client.close();
});

test('a broker that ends takes nobody more from its own process', { timeout: 60_000 }, async () => {
  await broker.close();
  expect(() => broker.connectInProcess()).toThrowError(expect.objectContaining({ code: 'E_CLOSED' }));
});

function bytesOf(batch: Iterable<TridcommMessage>): Buffer[] {
  return Array.from(batch, ({ bytes }) => Buffer.from(bytes));
}

function connectionsOf(one: Broker): number {
  return Number(/^tridcomm_broker_links (\d+)$/m.exec(one.metrics())![1]);
}
