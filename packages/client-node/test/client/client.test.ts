import { TridcommError, parseEnvelope } from '@tridcomm/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TridcommClient } from '../../src/client/client.ts';
import { UnacknowledgedError } from '../../src/client/publish-outcome.ts';
import { texts, until, World, type Member } from '../world.ts';

let world: World;
let alice: Member;
let bob: Member;
beforeEach(async () => {
  world = await World.create();
  alice = world.member('alice');
  bob = world.member('bob');
  world.group('orders/**');
  world.allow('orders/**', 'publish', alice);
  world.allow('orders/**', 'subscribe', bob);
});
afterEach(async () => world.close());

async function pair(): Promise<{ from: TridcommClient; to: TridcommClient }> {
  const [from, to] = await Promise.all([world.connect(alice), world.connect(bob)]);
  return { from, to };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof TridcommError ? error.code : `no refusal: ${String(error)}`;
  }
  return 'nothing thrown';
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`);
const envelopes = () => world.broker.log.map(({ envelope }) => parseEnvelope(envelope));

test('what one client publishes another gets, with who signed it', async () => {
  const { from, to } = await pair();
  const orders = to.subscribe('orders/**');
  await to.ready();
  const receipt = await from.publish('orders/new', 'two coffees');
  for await (const message of orders) {
    expect(message.text()).toBe('two coffees');
    expect(message.topic).toBe('orders/new');
    expect(message.sender.name).toBe('alice');
    expect(message.sender.keyId32).toEqual(alice.keyId32);
    expect(message.id).toBe(receipt.id);
    expect(message.verdict).toBe('new');
    expect(message.stale).toBe(false);
    expect(message.position).toBeUndefined();
    expect(Math.abs(message.timestampMs - Date.now())).toBeLessThan(60_000);
    expect(() => message.ack()).toThrow('E_USAGE');
    break;
  }
  expect(from.name).toBe('alice');
  expect(from.isOpen).toBe(true);
});

describe('publish', () => {
  test('the messages of one call share an envelope, as do those of one turn', async () => {
    const from = await world.connect(alice);
    await from.ready();
    const receipt = await from.publish('orders/a', numbers(0, 1_000));
    expect(envelopes().map(({ header }) => header.count)).toEqual([1_001]);
    const calls = numbers(0, 20).map(async (text) => from.publish('orders/a', text));
    const ids = (await Promise.all(calls)).map(({ id }) => id);
    expect(envelopes().map(({ header }) => header.count)).toEqual([1_001, 21]);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).not.toBe(receipt.id);
    expect(receipt).toMatchObject({ topic: 'orders/a', durability: 'memory', ids: [receipt.id] });
  });

  test('a call that fits no one envelope is several, all of which are acknowledged', async () => {
    const { from, to } = await pair();
    const orders = to.subscribe('orders/**');
    await to.ready();
    const receipt = await from.publish('orders/a', numbers(0, 10_000));
    expect(receipt.ids.length).toBe(3);
    expect(await texts(orders, 10_000)).toEqual(numbers(0, 10_000));
  });

  test('many calls, awaited or not, come in their order and at most as often as the budget has it', async () => {
    const { from, to } = await pair();
    const orders = to.subscribe('orders/**');
    await to.ready();
    for (let i = 0; i < 200; i++) await from.publish('orders/a', `${i}`, { durability: 'none' });
    const rest = numbers(200, 2_000).map(async (text) => from.publish('orders/a', text, { durability: 'none' }));
    await Promise.all(rest);
    expect(await texts(orders, 2_000)).toEqual(numbers(0, 2_000));
  });

  test('bytes go as they are', async () => {
    const { from, to } = await pair();
    const orders = to.subscribe('orders/**');
    await to.ready();
    const sent = [Uint8Array.of(), Uint8Array.of(0, 255, 128), new Uint8Array(900_000).fill(7)];
    await from.publish('orders/a', sent);
    const found: Uint8Array[] = [];
    for await (const { data } of orders) if (found.push(data) === 3) break;
    expect(found.map((data) => Buffer.from(data).equals(Buffer.from(sent[found.indexOf(data)]!)))).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('delivery.1: a durability resolves when the broker has acknowledged, none at once', async () => {
    const from = await world.connect(alice);
    await from.ready();
    world.broker.acknowledges = false;
    await from.publish('orders/a', 'x', { durability: 'none' });
    let isDone = false;
    const disk = from.publish('orders/a', 'y', { durability: 'disk' }).then(() => (isDone = true));
    await until(() => world.broker.log.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isDone).toBe(false);
    const [link] = world.broker.links;
    link!.send({ type: 'ack', number: 1 });
    await disk;
    expect(link!.received.filter(({ type }) => type === 'envelope')).toMatchObject([
      { durability: 0 },
      { durability: 2 },
    ]);
  });

  test.each([
    ['cluster', 'E_POLICY'],
    ['forever', 'E_USAGE'],
  ])('delivery.5: durability %s is refused before anything is sealed', async (durability, code) => {
    const from = await world.connect(alice);
    expect(await codeOf(from.publish('orders/a', 'x', { durability: durability as 'none' }))).toBe(code);
    expect(world.broker.log).toEqual([]);
  });

  test.each([
    ['no messages', [], 'E_USAGE'],
    ['a number', 5, 'E_USAGE'],
    ['a lone surrogate', 'a\ud800', 'E_USAGE'],
    ['a message above 960 KiB', new Uint8Array(983_041), 'E_LIMIT'],
  ])('%s is refused', async (_name, data, code) => {
    const from = await world.connect(alice);
    await from.ready();
    expect(await codeOf(from.publish('orders/a', data as string))).toBe(code);
  });

  test.each([
    ['', 'E_ENCODING'],
    ['orders//a', 'E_ENCODING'],
    [7, 'E_USAGE'],
  ])('topic %j is refused', async (topic, code) => {
    const from = await world.connect(alice);
    await from.ready();
    expect(await codeOf(from.publish(topic as string, 'x'))).toBe(code);
  });

  test('what the broker rejects is rejected with its code, and the next goes on', async () => {
    const from = await world.connect(alice);
    await from.ready();
    world.broker.judge = () => {
      world.broker.judge = () => {};
      throw new TridcommError('E_POLICY');
    };
    expect(await codeOf(from.publish('orders/a', 'x'))).toBe('E_REFUSED');
    await from.publish('orders/a', 'y');
  });

  test('a limit of the broker is waited out', async () => {
    const { from, to } = await pair();
    const orders = to.subscribe('orders/**');
    await to.ready();
    await from.ready();
    let refusals = 3;
    world.broker.retryMs = 20;
    world.broker.judge = () => {
      if (refusals-- > 0) throw new TridcommError('E_LIMIT');
    };
    await from.publish('orders/a', 'x');
    expect(refusals).toBe(-1);
    expect(await texts(orders, 1)).toEqual(['x']);
  });

  test('it waits for a right that is on its way', async () => {
    const carol = world.member('carol');
    const from = await world.connect(carol);
    await from.ready();
    const published = from.publish('orders/a', 'x');
    setTimeout(() => world.allow('orders/**', 'publish', carol), 300);
    await published;
    expect(world.broker.log.length).toBe(1);
  });

  test('without the right it says so after a while, and what others publish goes out meanwhile', async () => {
    world.group('other/**');
    const from = await world.connect(alice);
    await from.ready();
    const startMs = performance.now();
    const refused = codeOf(from.publish('other/a', 'x'));
    await from.publish('orders/a', 'y');
    expect(await refused).toBe('E_POLICY');
    expect(performance.now() - startMs).toBeGreaterThan(4_900);
    expect(world.broker.log.length).toBe(1);
  });

  test('what is taken back does not go out, and its promise says why', async () => {
    world.group('other/**');
    const from = await world.connect(alice);
    await from.ready();
    const stop = new AbortController();
    const reason = new Error('changed my mind');
    const aborted = from.publish('other/a', 'x', { signal: stop.signal });
    setTimeout(() => stop.abort(reason), 50);
    await expect(aborted).rejects.toBe(reason);
    await expect(from.publish('orders/a', 'x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await from.publish('orders/a', 'y');
    expect(world.broker.log.length).toBe(1);
  });

  test('delivery.13, link.21: what was not acknowledged when the link broke goes out again as the same bytes, and is delivered once', async () => {
    const { from, to } = await pair();
    const orders = to.subscribe('orders/**');
    await to.ready();
    await from.ready();
    world.broker.acknowledges = false;
    const published = from.publish('orders/a', numbers(0, 3));
    await until(() => world.broker.log.length === 1);
    for (const link of world.broker.links) if (link.engine.peer?.name === 'alice') link.end();
    world.broker.acknowledges = true;
    await published;
    expect(world.broker.log.length).toBe(2);
    expect(world.broker.log[1]!.envelope).toEqual(world.broker.log[0]!.envelope);
    await from.publish('orders/a', 'last');
    expect(await texts(orders, 4)).toEqual(['0', '1', '2', 'last']);
    const seen = world.statuses.get(from)!.map(({ type }) => type);
    expect(seen).toContain('disconnected');
    expect(seen.filter((type) => type === 'open')).toEqual(['open']);
  });

  test('while there is no link it waits, and seals when there is one', async () => {
    const from = await world.connect(alice);
    await from.ready();
    const { port } = world;
    await world.broker.close();
    await until(() => !from.isOpen);
    const published = from.publish('orders/a', 'x');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const listensMs = Date.now();
    await world.broker.listen(port);
    await published;
    expect(envelopes()[0]!.header.timestampMs).toBeGreaterThanOrEqual(listensMs);
  });

  test('a client that is closed without an answer says that nobody knows', async () => {
    const from = await world.connect(alice);
    await from.ready();
    world.broker.acknowledges = false;
    const published = from.publish('orders/a', 'x').catch((error: unknown) => error);
    await until(() => world.broker.log.length === 1);
    await world.broker.close();
    await until(() => !from.isOpen);
    await from.close();
    const error = await published;
    expect(error).toBeInstanceOf(UnacknowledgedError);
    expect(error).toMatchObject({ code: 'E_TRANSPORT', ids: [expect.stringMatching(/^[0-9a-f]{32}$/)] });
  });

  test('close waits for what was published', async () => {
    const from = await world.connect(alice);
    await from.ready();
    const published = numbers(0, 50).map(async (text) => from.publish(`orders/${text}`, text));
    await from.close();
    await Promise.all(published);
    expect(world.broker.log.length).toBe(50);
    expect(await codeOf(from.publish('orders/a', 'x'))).toBe('E_CLOSED');
    await from.close();
  });
});

test.each([
  { type: 'ack', number: 9 },
  { type: 'reject', about: 'numbered', number: 9, code: 'E_POLICY', retryMs: 0 },
  { type: 'reject', about: 'watch', number: 999, code: 'E_POLICY', retryMs: 0 },
  { type: 'reject', about: 'sub', number: 999, code: 'E_POLICY', retryMs: 0 },
  { type: 'stored', sub: 999, position: 1, envelope: new Uint8Array(10) },
] as const)('delivery.19: a broker that answers what was not asked loses the link: %j', async (message) => {
  const client = await world.connect(world.member('asker'));
  await client.ready();
  const link = [...world.broker.links].find(({ engine }) => engine.peer?.name === 'asker')!;
  link.send(message);
  await until(() => link.received.some((one) => one.type === 'close' && one.code === 'E_ENCODING'));
});
