import { expect, test } from 'vitest';
import { TridcommError } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { MemoryStore } from '../../src/client/store.ts';
import { LocalNetwork } from '../../src/local/index.ts';

test('the quickstart, with a relay that sees no topic (principals.23): one publishes, one reads, one cannot', async () => {
  const network = await LocalNetwork.create();
  const [alice, bob, eve] = [network.join('alice'), network.join('bob'), network.join('eve')];
  network.allow('orders/**', { write: [alice], read: [bob] });
  const orders = bob.subscribe('orders/**');
  const spied = eve.subscribe('orders/**');
  alice.publish('orders/new', 'two coffees');
  const [message] = orders.received();
  expect(message!.text()).toBe('two coffees');
  expect(message!.sender.name).toBe('alice');
  expect(message!.topic).toBe('orders/new');
  expect(orders.received()).toEqual([]);
  expect(spied.received()).toEqual([]);
  expect(() => eve.publish('orders/new', 'ten')).toThrow(TridcommError);
  const seen = Buffer.from(network.relay.lastBytes).toString('latin1');
  expect(seen.length).toBeGreaterThan(160);
  expect(seen).not.toContain('coffee');
  expect(seen).not.toContain('orders');
});

test('a loop over a subscription waits for more, and ends with it', async () => {
  const network = await LocalNetwork.create({ provider: nodeProvider });
  const [alice, bob] = [network.join('alice'), network.join('bob')];
  network.allow('news', { write: [alice], read: [bob] });
  const news = bob.subscribe('news');
  const heard: string[] = [];
  const loop = (async () => {
    for await (const message of news) heard.push(message.text());
  })();
  alice.publish('news', 'one', 'two');
  await Promise.resolve();
  alice.publish('news', 'three');
  news.close();
  await loop;
  alice.publish('news', 'four');
  expect(heard).toEqual(['one', 'two', 'three']);
});

test('time that went by without a call does no harm', async () => {
  let nowMs = 1_790_000_000_000;
  const network = await LocalNetwork.create({ provider: nodeProvider, now: () => nowMs });
  const [alice, bob] = [network.join('alice'), network.join('bob')];
  network.allow('orders/**', { write: [alice], read: [bob] });
  const orders = bob.subscribe('orders/**');
  for (const pauseMs of [0, 59_000, 5 * 60_000, 3_600_000, 26 * 3_600_000]) {
    nowMs += pauseMs;
    alice.publish('orders/new', `after ${pauseMs}`);
    expect(orders.received().map((message) => message.text())).toEqual([`after ${pauseMs}`]);
  }
});

test('who is revoked, or loses a right, is out', async () => {
  const network = await LocalNetwork.create({ provider: nodeProvider });
  const [alice, bob, carol] = [network.join('alice'), network.join('bob'), network.join('carol')];
  network.allow('a/**', { write: [alice], read: [bob, carol] });
  const [ofBob, ofCarol] = [bob.subscribe('a/**'), carol.subscribe('a/**')];
  network.disallow('a/**', { read: [bob] });
  network.rotate('a/**');
  alice.publish('a/b', 'for carol');
  expect([ofBob.received().length, ofCarol.received().length]).toEqual([0, 1]);
  network.revoke(carol);
  alice.publish('a/b', 'for nobody');
  expect(ofCarol.received()).toEqual([]);
  expect(network.relay.events.some(({ type }) => type === 'ended')).toBe(true);
});

test('a durable member comes back as who it was', async () => {
  let nowMs = 1_790_000_000_000;
  const network = await LocalNetwork.create({ provider: nodeProvider, now: () => nowMs });
  const store = new MemoryStore();
  const [alice, bob] = [network.join('alice'), network.join('bob', store)];
  network.allow('a', { write: [alice], read: [bob] });
  network.leave(bob);
  nowMs += 10_000;
  alice.publish('a', 'missed');
  const again = network.join('bob', store);
  expect(again.client.keyId32).toEqual(bob.client.keyId32);
  const heard = again.subscribe('a');
  alice.publish('a', 'heard');
  expect(heard.received().map((message) => message.text())).toEqual(['heard']);
});

test('a key record that the authority refuses is told of, and stops no tick', async () => {
  let nowMs = 1_790_000_000_000;
  const network = await LocalNetwork.create({ provider: nodeProvider, now: () => nowMs });
  const [alice, bob] = [network.join('alice'), network.join('bob')];
  network.allow('news', { write: [alice], read: [bob] });
  const news = bob.subscribe('news');
  bob.events();
  bob.client.tick(nowMs + 365 * 86_400_000);
  expect(bob.events()).toContainEqual(expect.objectContaining({ type: 'refused', what: 'keyRecord' }));
  nowMs += 4 * 3_600_000;
  network.tick();
  nowMs += 1_000;
  alice.publish('news', 'goes on');
  expect(news.received().map((message) => message.text())).toEqual(['goes on']);
});
