import type { LinkMessage } from '@tridcomm/core/link';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TridcommClient } from '../../src/client/client.ts';
import type { TridcommMessage } from '../../src/client/message.ts';
import type { Subscription } from '../../src/client/subscription.ts';
import { texts, until, World, type Member } from '../world.ts';

let world: World;
let alice: Member;
let bob: Member;
let carol: Member;
let from: TridcommClient;
beforeEach(async () => {
  world = await World.create();
  alice = world.member('alice');
  bob = world.member('bob');
  world.group('orders/**');
  world.allow('orders/**', 'publish', alice);
  carol = world.member('carol');
  world.allow('orders/**', 'subscribe', bob, carol);
  from = await world.connect(alice);
  await from.ready();
});
afterEach(async () => world.close());

const numbers = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => `${start + i}`);
const publishAll = async (texts: readonly string[], topic = 'orders/a') => {
  for (const text of texts) await from.publish(topic, text);
};

/** Publishes under an epoch that bob has no block of. @returns to be called to let the block through */
async function publishAhead(text: string): Promise<() => void> {
  const link = [...world.broker.links].find(({ engine }) => engine.peer?.name === 'bob')!;
  const send = link.send.bind(link);
  const objects: LinkMessage[] = [];
  link.send = (message) => (message.type === 'object' ? void objects.push(message) : send(message));
  const { length } = world.statuses.get(from)!;
  // A revocation counts at once.
  world.authority.revoke(carol.keyId32, Date.now());
  await until(() =>
    world.statuses
      .get(from)!
      .slice(length)
      .some(({ type }) => type === 'view'),
  );
  await from.publish('orders/a', text);
  return () => {
    link.send = send;
    for (const object of objects) send(object);
  };
}

/** The next messages, none of them acknowledged. */
async function take(subscription: Subscription, count: number): Promise<TridcommMessage[]> {
  const found: TridcommMessage[] = [];
  const loop = subscription[Symbol.asyncIterator]();
  while (found.length < count) found.push((await loop.next()).value!);
  return found;
}

const refusedEnvelopes = (client: TridcommClient) =>
  world.statuses.get(client)!.filter((status) => status.type === 'refused' && status.what === 'envelope');
const textsOf = (messages: readonly TridcommMessage[]) => messages.map((message) => message.text());

describe('from the cursor', () => {
  test('the first life gets all that the log holds, and then what comes', async () => {
    await publishAll(numbers(0, 3));
    const to = await world.connect(bob);
    const orders = to.subscribe('orders/**', { from: 'cursor' });
    const found = take(orders, 5);
    await to.ready();
    await publishAll(numbers(3, 5));
    const messages = await found;
    expect(textsOf(messages)).toEqual(numbers(0, 5));
    expect(messages.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5]);
    expect(messages.map(({ verdict }) => verdict)).toEqual(['new', 'new', 'new', 'new', 'new']);
  });

  test('the next life goes on behind what was acknowledged', async () => {
    await publishAll(numbers(0, 3));
    const first = await world.connect(bob);
    expect(await texts(first.subscribe('orders/**', { from: 'cursor' }), 3, true)).toEqual(numbers(0, 3));
    await first.close();
    await publishAll(numbers(3, 6));
    const second = await world.connect(bob);
    expect(await texts(second.subscribe('orders/**', { from: 'cursor' }), 3, true)).toEqual(numbers(3, 6));
    await second.close();
    const third = await world.connect(bob);
    const orders = third.subscribe('orders/**', { from: 'cursor' });
    await third.ready();
    await publishAll(['last']);
    expect(await texts(orders, 1)).toEqual(['last']);
  });

  test('what was not acknowledged comes again, and says so', async () => {
    await publishAll(numbers(0, 5));
    const first = await world.connect(bob);
    const messages = await take(first.subscribe('orders/**', { from: 'cursor' }), 5);
    for (const at of [0, 1, 3]) messages[at]!.ack();
    await first.close();
    await publishAll(numbers(5, 70));
    const second = await world.connect(bob);
    const again = await take(second.subscribe('orders/**', { from: 'cursor' }), 68);
    expect(textsOf(again)).toEqual(numbers(2, 70));
    expect(again.slice(0, 3).map(({ verdict }) => verdict)).toEqual(['redelivered', 'redelivered', 'redelivered']);
    // A stored floor is up to 64 ahead.
    expect(again.slice(-3).map(({ verdict }) => verdict)).toEqual(['new', 'new', 'new']);
  });

  test('replay.30: what was read says so in the next life, wherever a broker says that it stands', async () => {
    await publishAll(numbers(0, 3));
    const first = await world.connect(bob);
    expect(await texts(first.subscribe('orders/**', { from: 'cursor' }), 3, true)).toEqual(numbers(0, 3));
    await first.close();
    world.broker.log.push({ position: 10, envelope: world.broker.log[0]!.envelope });
    const second = await world.connect(bob);
    const [again] = await take(second.subscribe('orders/**', { from: 'cursor' }), 1);
    expect(again).toMatchObject({ position: 10, verdict: 'redelivered' });
  });

  test('replay.30: the same for a reader that is closed and opened again', async () => {
    await publishAll(numbers(0, 3));
    const to = await world.connect(bob);
    const orders = to.subscribe('orders/**', { from: 'cursor' });
    expect(await texts(orders, 3, true)).toEqual(numbers(0, 3));
    orders.close();
    world.broker.log.push({ position: 10, envelope: world.broker.log[0]!.envelope });
    const [again] = await take(to.subscribe('orders/**', { from: 'cursor' }), 1);
    expect(again).toMatchObject({ position: 10, verdict: 'redelivered' });
  });

  test('a frame that is made up moves no cursor', async () => {
    await publishAll(['0']);
    const first = await world.connect(bob);
    const envelope = Uint8Array.from(world.broker.log[0]!.envelope);
    envelope[envelope.length - 1]! ^= 1;
    // Of a number that was not seen: one that was is refused before its signature.
    envelope[63]! ^= 2;
    const orders = first.subscribe('orders/**', { from: 'cursor' });
    expect(await texts(orders, 1, true)).toEqual(['0']);
    for (const position of [2 ** 52, Number.MAX_SAFE_INTEGER]) world.broker.log.push({ position, envelope });
    for (const link of world.broker.links) link.flush();
    await until(() => refusedEnvelopes(first).length === 2);
    await first.close();
    world.broker.log.splice(1);
    await publishAll(['1']);
    const second = await world.connect(bob);
    expect(await texts(second.subscribe('orders/**', { from: 'cursor' }), 1)).toEqual(['1']);
  });

  test('an envelope of an epoch whose block is on its way waits for it', async () => {
    const to = await world.connect(bob);
    const orders = to.subscribe('orders/**', { from: 'cursor' });
    const live = to.subscribe('orders/**');
    await to.ready();
    const release = await publishAhead('x');
    await new Promise((resolve) => setTimeout(resolve, 300));
    release();
    expect(await texts(orders, 1)).toEqual(['x']);
    expect(await texts(live, 1)).toEqual(['x']);
    expect(refusedEnvelopes(to)).toEqual([]);
  });

  test('what is of somebody who may not write holds up nothing', async () => {
    await publishAll(['0', '1']);
    const envelope = Uint8Array.from(world.broker.log[0]!.envelope);
    envelope.set(new Uint8Array(16).fill(7), 32);
    world.broker.log.unshift({ position: 1, envelope });
    for (const [i, entry] of world.broker.log.entries()) world.broker.log[i] = { ...entry, position: i + 1 };
    const to = await world.connect(bob);
    const orders = to.subscribe('orders/**', { from: 'cursor' });
    // What may be on its way is waited for 30 s, which is longer than this test may take.
    expect(await texts(orders, 2)).toEqual(['0', '1']);
    expect(refusedEnvelopes(to)).toMatchObject([{ error: { code: 'E_SENDER' } }]);
  });

  test('a batch is done with when all its messages are', async () => {
    await from.publish('orders/a', numbers(0, 3));
    await from.publish('orders/a', numbers(3, 6));
    const first = await world.connect(bob);
    const messages = await take(first.subscribe('orders/**', { from: 'cursor' }), 6);
    for (const at of [0, 2, 2]) messages[at]!.ack();
    messages[3]!.batch.ack();
    await first.close();
    const second = await world.connect(bob);
    expect(textsOf(await take(second.subscribe('orders/**', { from: 'cursor' }), 6))).toEqual(numbers(0, 6));
    for (const message of messages) expect(message.batch.position).toBeDefined();
    await second.close();
  });

  test('a process that is killed loses nothing that it did not acknowledge', async () => {
    await publishAll(numbers(0, 4));
    const first = await world.connect(bob);
    const messages = await take(first.subscribe('orders/**', { from: 'cursor' }), 4);
    messages[0]!.ack();
    await new Promise((resolve) => setTimeout(resolve, 150));
    const { directory } = bob;
    // As it stands now is what a kill would leave.
    const { chmodSync, cpSync, rmSync } = await import('node:fs');
    const copy = `${directory}-copy`;
    cpSync(directory, copy, { recursive: true });
    // Node 24 does not copy the mode.
    chmodSync(copy, 0o700);
    rmSync(`${copy}/lock`);
    for (const message of messages) message.ack();
    await first.close();
    const second = await world.connect({ ...bob, directory: copy });
    expect(textsOf(await take(second.subscribe('orders/**', { from: 'cursor' }), 3))).toEqual(numbers(1, 4));
  });

  test('cursors of two patterns are two; two readers of one are refused', async () => {
    await publishAll(['a'], 'orders/a');
    await publishAll(['b'], 'orders/b');
    const first = await world.connect(bob);
    expect(await texts(first.subscribe('orders/a', { from: 'cursor' }), 1, true)).toEqual(['a']);
    await first.close();
    const second = await world.connect(bob);
    const all = second.subscribe('orders/**', { from: 'cursor' });
    expect(() => second.subscribe('orders/**', { from: 'cursor' })).toThrow('E_USAGE');
    expect(await texts(all, 2)).toEqual(['a', 'b']);
    all.close();
    second.subscribe('orders/**', { from: 'cursor' }).close();
  });

  test('a schema that does not allow a message is done with it', async () => {
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => (value === 1 ? { value: 1 } : { issues: [{ message: 'not 1' }] }),
      },
    };
    await publishAll(['2', '1']);
    const first = await world.connect(bob);
    for await (const message of first.subscribe('orders/**', { from: 'cursor', schema })) {
      expect(message.data).toBe(1);
      message.ack();
      break;
    }
    await first.close();
    await publishAll(['3', '1']);
    const second = await world.connect(bob);
    for await (const message of second.subscribe('orders/**', { from: 'cursor', schema })) {
      expect(message.position).toBe(4);
      break;
    }
    expect(world.statuses.get(second)!.filter(({ type }) => type === 'invalid').length).toBe(1);
  });
});

test('from a position: from there on, and nothing is written down', async () => {
  await publishAll(numbers(0, 5));
  for (let life = 0; life < 2; life++) {
    const to = await world.connect(bob);
    const messages = await take(to.subscribe('orders/**', { from: 3 }), 3);
    expect(textsOf(messages)).toEqual(['2', '3', '4']);
    for (const message of messages) {
      expect(message.verdict).toBe('new');
      message.ack();
    }
    await to.close();
  }
});

test.each([0, -1, 1.5, NaN, 2 ** 60, 'now'])('from %s is refused', async (place) => {
  const to = await world.connect(bob);
  expect(() => to.subscribe('orders/**', { from: place as number })).toThrow('E_USAGE');
});

test('one client reads the log and hears the news, of the same topics, each in full', async () => {
  await publishAll(numbers(0, 2));
  const to = await world.connect(bob);
  const live = to.subscribe('orders/**');
  const log = to.subscribe('orders/**', { from: 'cursor' });
  const late = to.subscribe('orders/**', { from: 2 });
  await to.ready();
  await publishAll(numbers(2, 4));
  expect(await texts(live, 2)).toEqual(['2', '3']);
  expect(await texts(log, 4)).toEqual(numbers(0, 4));
  expect(await texts(late, 3)).toEqual(numbers(1, 4));
});

test('delivery.10: a link that breaks leaves nothing out and repeats nothing', async () => {
  const to = await world.connect(bob);
  const orders = to.subscribe('orders/**', { from: 'cursor' });
  const found = texts(orders, 60, true);
  await to.ready();
  for (let part = 0; part < 3; part++) {
    await publishAll(numbers(20 * part, 20 * part + 10));
    for (const link of world.broker.links) if (link.engine.peer?.name === 'bob') link.end();
    await publishAll(numbers(20 * part + 10, 20 * part + 20));
  }
  expect(await found).toEqual(numbers(0, 60));
});

test('epochs and tags may change while nobody reads: all that is not drained comes', async () => {
  const first = await world.connect(bob);
  expect(
    await Promise.all([texts(first.subscribe('orders/**', { from: 'cursor' }), 1, true), publishAll(['0'])]),
  ).toEqual([['0'], undefined]);
  await first.close();
  const [groupId16] = world.authority.groupIds;
  for (let epoch = 0; epoch < 3; epoch++) {
    world.authority.rotate(groupId16!, Date.now());
    await until(() => world.statuses.get(from)!.filter(({ type }) => type === 'view').length > epoch);
    await publishAll([`${epoch + 1}`]);
  }
  const second = await world.connect(bob);
  expect(await texts(second.subscribe('orders/**', { from: 'cursor' }), 3, true)).toEqual(['1', '2', '3']);
});

test('a reader that stands still holds no more than the window', async () => {
  const to = await world.connect(bob, { windowBytes: 1_100_000 });
  const orders = to.subscribe('orders/**', { from: 'cursor' });
  await to.ready();
  for (let i = 0; i < 25; i++) await from.publish('orders/a', new Uint8Array(100_000).fill(i));
  await until(() => orders.waiting >= 10);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(orders.waiting).toBe(10);
  let count = 0;
  for await (const { data } of orders) {
    expect(data[0]).toBe(count++);
    if (count === 25) break;
  }
});

test('what is not for a reader is passed over, and does not come again', async () => {
  await publishAll(['x'], 'orders/other');
  await publishAll(['y'], 'orders/mine');
  const first = await world.connect(bob);
  expect(await texts(first.subscribe('orders/mine', { from: 'cursor' }), 1, true)).toEqual(['y']);
  await first.close();
  const second = await world.connect(bob);
  second.subscribe('orders/mine', { from: 'cursor' });
  await second.ready();
  const link = [...world.broker.links].find(({ engine }) => engine.peer?.name === 'bob')!;
  expect(
    link.received.filter(({ type }) => type === 'sub').map((message) => 'from' in message && message.from),
  ).toEqual([3]);
});
