import type { StandardSchemaV1 } from '@standard-schema/spec';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TridcommClient } from '../../src/client/client.ts';
import type { MessageBatch } from '../../src/client/message.ts';
import { SchemaError } from '../../src/client/schema.ts';
import type { ClientStatus } from '../../src/client/status.ts';
import { texts, until, World, type Member } from '../world.ts';

let world: World;
let alice: Member;
let bob: Member;
let from: TridcommClient;
beforeEach(async () => {
  world = await World.create();
  alice = world.member('alice');
  bob = world.member('bob');
  world.group('orders/**');
  world.allow('orders/**', 'publish', alice);
  world.allow('orders/**', 'subscribe', bob);
  from = await world.connect(alice);
  await from.ready();
});
afterEach(async () => world.close());

const statuses = (client: TridcommClient) => world.statuses.get(client)!;
const ofType = <T extends ClientStatus['type']>(client: TridcommClient, type: T) =>
  statuses(client).filter((status): status is Extract<ClientStatus, { type: T }> => status.type === type);
const numbers = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => `${start + i}`);

/** A schema without a library: numbers below 100, which come out doubled. */
const small: StandardSchemaV1<number, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) =>
      Promise.resolve(
        typeof value === 'number' && value < 100 ? { value: value * 2 } : { issues: [{ message: 'too large' }] },
      ),
  },
};

test('batches come an envelope at a time, with all that a message says', async () => {
  const to = await world.connect(bob);
  const orders = to.subscribe('orders/**');
  await to.ready();
  const receipt = await from.publish('orders/a', numbers(0, 500));
  for await (const batch of orders.batches()) {
    expect(batch.count).toBe(500);
    expect(batch.id).toBe(receipt.id);
    expect(batch.records.map(({ payload }) => Buffer.from(payload).toString())).toEqual(numbers(0, 500));
    expect([...batch].map((message) => message.text())).toEqual(numbers(0, 500));
    expect([...batch].map(({ index }) => `${index}`)).toEqual(numbers(0, 500));
    expect(batch).toMatchObject({ topic: 'orders/a', verdict: 'new', stale: false, sender: { name: 'alice' } });
    expect(() => batch.ack()).toThrow('E_USAGE');
    break;
  }
});

test('a callback gets one batch after the other, and what it throws is told', async () => {
  const to = await world.connect(bob);
  const seen: string[] = [];
  let isBusy = false;
  const orders = to.subscribe('orders/**', {
    onBatch: async (batch) => {
      expect(isBusy).toBe(false);
      isBusy = true;
      await new Promise((resolve) => setTimeout(resolve, 5));
      isBusy = false;
      const text = batch.message(0).text();
      seen.push(text);
      if (text === '1') throw new Error('of the application');
    },
  });
  await to.ready();
  for (const text of numbers(0, 4)) await from.publish('orders/a', text);
  await until(() => seen.length === 4);
  expect(seen).toEqual(numbers(0, 4));
  expect(ofType(to, 'failed')).toEqual([{ type: 'failed', what: 'handler', error: new Error('of the application') }]);
  await expect(orders[Symbol.asyncIterator]().next()).rejects.toThrow('E_USAGE');
});

test('a pattern gets its topics, several get the same message each, and a closed one gets nothing', async () => {
  const to = await world.connect(bob);
  const [all, some] = [to.subscribe('orders/**'), to.subscribe('orders/*/new')];
  const closed = to.subscribe('orders/**');
  await to.ready();
  closed.close();
  await from.publish('orders/x/new', 'a');
  await from.publish('orders/y', 'b');
  await from.publish('orders/z/new', 'c');
  expect(await texts(all, 3)).toEqual(['a', 'b', 'c']);
  expect(await texts(some, 2)).toEqual(['a', 'c']);
  expect(await texts(closed, 1)).toEqual([]);
});

test('a loop that is left closes its subscription; a signal ends one', async () => {
  const to = await world.connect(bob);
  const stop = new AbortController();
  const [left, stopped] = [to.subscribe('orders/**'), to.subscribe('orders/**', { signal: stop.signal })];
  await to.ready();
  await from.publish('orders/a', ['x', 'y']);
  for await (const message of left) {
    expect(message.text()).toBe('x');
    break;
  }
  expect(await texts(left, 1)).toEqual([]);
  const rest = texts(stopped, 3);
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop.abort();
  expect(await rest).toEqual(['x', 'y']);
  expect(await texts(to.subscribe('orders/**', { signal: stop.signal }), 1)).toEqual([]);
});

test('a client that is closed ends its loops', async () => {
  const to = await world.connect(bob);
  const rest = texts(to.subscribe('orders/**'), 1);
  await to.close();
  expect(await rest).toEqual([]);
  expect(() => to.subscribe('orders/**')).toThrow('E_CLOSED');
  expect(ofType(to, 'closed')).toEqual([{ type: 'closed' }]);
});

describe('with a schema', () => {
  test('values go as JSON, and come as the schema makes them', async () => {
    const to = await world.connect(bob);
    const orders = to.subscribe('orders/**', { schema: small });
    const raw = to.subscribe('orders/**');
    await to.ready();
    await from.publish('orders/a', 4, { schema: small });
    await from.publish('orders/a', [5, 6], { schema: small });
    const found: number[] = [];
    for await (const { data } of orders) if (found.push(data) === 3) break;
    expect(found).toEqual([16, 20, 24]);
    expect(await texts(raw, 3)).toEqual(['8', '10', '12']);
  });

  test('what it does not allow is not sent', async () => {
    const refused = await from.publish('orders/a', [5, 500], { schema: small }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SchemaError);
    expect(refused).toMatchObject({ code: 'E_USAGE', issues: [{ message: 'too large' }] });
    expect(world.broker.log).toEqual([]);
  });

  test('what it does not allow is told and not delivered, what is no JSON too', async () => {
    const to = await world.connect(bob);
    const orders = to.subscribe('orders/**', { schema: small });
    await to.ready();
    await from.publish('orders/a', ['1000', '{', Uint8Array.of(0xff), '7']);
    for await (const { data } of orders) {
      expect(data).toBe(14);
      break;
    }
    expect(ofType(to, 'invalid')).toMatchObject([
      { topic: 'orders/a', sender: { name: 'alice' }, issues: [{ message: 'too large' }] },
      { issues: [{ message: 'payload that is not JSON in UTF-8' }] },
      { issues: [{ message: 'payload that is not JSON in UTF-8' }] },
    ]);
  });
});

test('text and JSON that are none are refused to who asks', async () => {
  const to = await world.connect(bob);
  const orders = to.subscribe('orders/**');
  await to.ready();
  await from.publish('orders/a', [Uint8Array.of(0xff), 'no json', '{"a":1}', '\ufeffmarked']);
  const found: unknown[] = [];
  for await (const message of orders) {
    found.push(message);
    if (message.index === 0) expect(() => message.text()).toThrow('E_ENCODING');
    if (message.index === 1) expect(() => message.json()).toThrow('E_ENCODING');
    if (message.index === 2) expect(message.json()).toEqual({ a: 1 });
    if (message.index === 3) expect(message.text()).toBe('\ufeffmarked');
    if (found.length === 4) break;
  }
});

describe('delivery.14', () => {
  test('a loop that stands still makes the broker wait, and gets everything when it goes on', async () => {
    const to = await world.connect(bob, { windowBytes: 1_100_000 });
    const orders = to.subscribe('orders/**');
    await to.ready();
    for (let i = 0; i < 30; i++) await from.publish('orders/a', new Uint8Array(100_000).fill(i));
    await until(() => orders.waiting >= 10);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(orders.waiting).toBe(10);
    let count = 0;
    for await (const { data } of orders) {
      expect(data[0]).toBe(count++);
      if (count === 30) break;
    }
  });

  test('one envelope for two subscriptions counts until both are done with it', async () => {
    const to = await world.connect(bob, { windowBytes: 1_100_000 });
    const [fast, slow] = [to.subscribe('orders/**'), to.subscribe('orders/**')];
    await to.ready();
    const fastCount = (async () => {
      let count = 0;
      for await (const _ of fast) if (++count === 25) break;
      return count;
    })();
    for (let i = 0; i < 25; i++) await from.publish('orders/a', new Uint8Array(100_000));
    await until(() => slow.waiting >= 10);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(slow.waiting).toBe(10);
    slow.close();
    expect(await fastCount).toBe(25);
  });

  test('what no subscription takes costs no credit', async () => {
    const to = await world.connect(bob, { windowBytes: 1_100_000 });
    const orders = to.subscribe('orders/rare');
    await to.ready();
    for (let i = 0; i < 30; i++) await from.publish('orders/often', new Uint8Array(100_000));
    await from.publish('orders/rare', 'x');
    expect(await texts(orders, 1)).toEqual(['x']);
  });

  test('a broker that sends without credit loses its link', async () => {
    const to = await world.connect(bob, { windowBytes: 1_100_000 });
    const orders = to.subscribe('orders/**');
    await to.ready();
    for (const link of world.broker.links) if (link.engine.peer?.name === 'bob') link.creditBytes = Infinity;
    for (let i = 0; i < 15; i++) await from.publish('orders/a', new Uint8Array(100_000));
    await until(() => ofType(to, 'disconnected').length > 0);
    expect(ofType(to, 'disconnected')[0]).toMatchObject({ error: { code: 'E_LIMIT' } });
    orders.close();
  });
});

test('after a link that broke it hears again, and says what it missed', async () => {
  const to = await world.connect(bob);
  const orders = to.subscribe('orders/**');
  await to.ready();
  await from.publish('orders/a', '0');
  expect((await orders[Symbol.asyncIterator]().next()).value!.text()).toBe('0');
  const again = to.subscribe('orders/**');
  for (const link of world.broker.links) if (link.engine.peer?.name === 'bob') link.end();
  await until(() => !to.isOpen);
  await from.publish('orders/a', '1');
  await until(() => to.isOpen);
  await to.ready();
  await from.publish('orders/a', '2');
  expect(await texts(again, 1)).toEqual(['2']);
  expect(ofType(to, 'gap')).toMatchObject([
    { topic: 'orders/a', sender: { name: 'alice' }, range: { from: 2, to: 2 } },
  ]);
});

test('a subscription that the broker does not allow is told', async () => {
  const carol = world.member('carol');
  world.allow('orders/**', 'publish', carol);
  const to = await world.connect(carol);
  to.subscribe('orders/**');
  await to.ready();
  await until(() => ofType(to, 'refused').length > 0);
  expect(ofType(to, 'refused')[0]).toMatchObject({ what: 'subscription', error: { code: 'E_REFUSED' } });
});

test('a right that comes later is used at once', async () => {
  const carol = world.member('carol');
  const to = await world.connect(carol);
  const orders = to.subscribe('orders/**');
  await to.ready();
  world.allow('orders/**', 'subscribe', carol);
  await until(() => ofType(to, 'view').length > 0);
  await to.ready();
  await from.publish('orders/a', 'x');
  expect(await texts(orders, 1)).toEqual(['x']);
});

test('link.22: a broker that is revoked loses its link', async () => {
  await until(() => ofType(from, 'view').length > 0);
  const broker = [...world.broker.links][0]!;
  world.authority.revoke(world.brokerKeyId32, Date.now());
  await until(() => ofType(from, 'disconnected').length > 0);
  expect(ofType(from, 'disconnected')[0]).toMatchObject({ error: { code: 'E_REVOKED' } });
  await until(() => broker.engine.state === 'closed');
});

test('link.22: a broker whose record ends loses its link', async () => {
  world.broker.record = world.issueBroker(Date.now() - 26_000);
  const to = await world.connect(bob);
  await until(() => ofType(to, 'disconnected').length > 0);
  expect(ofType(to, 'disconnected')[0]).toMatchObject({ error: { code: 'E_EXPIRED' } });
});

test('ready also waits for objects that a broker sends behind the answer to a ping', async () => {
  world.broker.answersPingsFirst = true;
  const to = await world.connect(bob);
  const [orders, log] = [to.subscribe('orders/**'), to.subscribe('orders/**', { from: 'cursor' })];
  await to.ready();
  await from.publish('orders/a', 'x');
  expect(await texts(orders, 1)).toEqual(['x']);
  expect(await texts(log, 1)).toEqual(['x']);
});

test('what comes before the record of its sender waits for it; what nobody may write is refused', async () => {
  const to = await world.connect(bob);
  const orders = to.subscribe('orders/**');
  await to.ready();
  // The broker is slow with what is asked of it, so the first envelope of a new writer comes first.
  world.broker.objectDelayMs = 300;
  const carol = world.member('carol');
  const writer = await world.connect(carol);
  const published = writer.publish('orders/a', ['x', 'y'], { durability: 'none' });
  world.allow('orders/**', 'publish', carol);
  await published;
  expect(await texts(orders, 2)).toEqual(['x', 'y']);
  expect(ofType(to, 'refused')).toEqual([]);

  const mallory = world.member('mallory');
  world.broker.relay.attach(mallory.keyId32, { envelope: () => {}, object: () => {} });
  const { envelope } = { envelope: Uint8Array.from(world.broker.lastEnvelope!) };
  envelope.set(mallory.keyId32.subarray(0, 16), 32);
  for (const link of world.broker.links) {
    if (link.engine.peer?.name === 'bob') link.send({ type: 'envelope', durability: 0, envelope });
  }
  await until(() => ofType(to, 'refused').length > 0);
  expect(ofType(to, 'refused')).toMatchObject([{ what: 'envelope', error: { code: 'E_SENDER' } }]);
});

test('clocks that differ much are told', async () => {
  world.broker.clockAheadMs = 60_000;
  const to = await world.connect(bob);
  await to.ready();
  const [clock] = ofType(to, 'clock');
  expect(clock!.skewMs).toBeGreaterThan(59_000);
  expect(clock!.skewMs).toBeLessThan(61_000);
});

test('who lets the bytes of a batch be goes on: what a subscription holds belongs to nobody else', async () => {
  const to = await world.connect(bob);
  const batches: MessageBatch[] = [];
  to.subscribe('orders/**', { onBatch: (batch) => void batches.push(batch) });
  await to.ready();
  for (let i = 0; i < 20; i++) await from.publish('orders/a', [`${i}`, `${i}`]);
  await until(() => batches.length === 20);
  expect(batches.map((batch) => batch.message(1).text())).toEqual(numbers(0, 20));
});

test('a broker that says what it must not ends its link', async () => {
  const to = await world.connect(bob);
  await to.ready();
  for (const link of world.broker.links) if (link.engine.peer?.name === 'bob') link.send({ type: 'ack', number: 1 });
  await until(() => ofType(to, 'disconnected').length > 0);
  expect(ofType(to, 'disconnected')[0]).toMatchObject({ error: { code: 'E_ENCODING' } });
});
