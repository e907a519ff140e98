import { afterEach, beforeEach, expect, test } from 'vitest';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker } from '../src/broker.ts';
import { Setting } from './set-up.ts';
import { eventually, type Person } from './listeners/world.ts';

let folder: string;
let setting: Setting;
let alice: Person;
let bob: Person;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tridcomm-broker-'));
  setting = new Setting();
  [alice, bob] = [setting.person('alice'), setting.person('bob')];
  setting.group('orders/**', [alice, bob]);
});

afterEach(async () => {
  await setting.close();
  rmSync(folder, { recursive: true });
});

test('a broker that knows nothing learns from its authority’s link, and serves members', async () => {
  const broker = await setting.start();
  const early = await setting.open(broker, alice);
  // It has no word of the authority yet, so nobody can be shown to be anybody; a member brings what shows it.
  await early.opened();
  await setting.lead(broker);
  const [publishing, reading] = [await setting.open(broker, alice), await setting.open(broker, bob)];
  const [a, b] = [setting.client(publishing, alice), setting.client(reading, bob)];
  await Promise.all([publishing.pinged(), reading.pinged()]);
  b.client.subscribe('orders/**', Date.now());
  await eventually(() => a.client.groupOf('orders/new') !== undefined);
  await reading.pinged();
  expect(() => a.client.publish('orders/new', [new TextEncoder().encode('x')], Date.now())).not.toThrow();
  await publishing.until(() => publishing.messages.some(({ type }) => type === 'reject'));
  // The durability of this client is disk, which a broker without a log does not have.
  expect(publishing.messages).toMatchObject([{ type: 'reject', about: 'numbered', code: 'E_REFUSED' }]);
});

test('with a disk: acknowledged envelopes and the word of the authority outlive the broker', async () => {
  const store = { type: 'disk', folder: join(folder, 'store') } as const;
  const first = await setting.start({ store });
  await setting.lead(first);
  const mallory = setting.person('mallory');
  await setting.link!.pinged();
  setting.authority.revoke(mallory.identity.key.keyId32, Date.now());
  const publishing = await setting.open(first, alice);
  const a = setting.client(publishing, alice);
  await publishing.pinged();
  await eventually(() => a.client.groupOf('orders/new') !== undefined);
  for (const text of ['one', 'two']) a.client.publish('orders/new', [new TextEncoder().encode(text)], Date.now());
  await publishing.until(() => publishing.messages.some((message) => message.type === 'ack' && message.number === 2));
  await first.close();
  expect(await publishing.over()).toBe('orderly');
  setting.link = undefined;
  setting.events.splice(0);

  const second = await setting.start({ store });
  expect(setting.events[0]).toMatchObject({ type: 'restored', leftOut: 0, isDamaged: false });
  // The authority is not there. Who was revoked is known all the same.
  const refused = await setting.open(second, mallory);
  expect(await refused.over()).toBe('cut');
  expect(setting.events.at(-1)).toMatchObject({ type: 'openingRefused', code: 'E_REVOKED' });
  const reading = await setting.open(second, bob);
  const b = setting.client(reading, bob);
  b.client.subscribe('orders/**', Date.now(), undefined, { source: 'log' });
  await eventually(() => b.texts.length === 2);
  expect(b.texts).toEqual(['one', 'two']);
});

test('a control file that was spoilt costs what is behind the damage, and the start says so', async () => {
  const store = { type: 'disk', folder: join(folder, 'store') } as const;
  const first = await setting.start({ store });
  await setting.lead(first);
  await first.close();
  const path = join(folder, 'store', 'control');
  const bytes = readFileSync(path);
  bytes[bytes.length - 5]! ^= 1;
  writeFileSync(path, bytes);
  setting.events.splice(0);
  await setting.start({ store });
  expect(setting.events[0]).toMatchObject({ type: 'restored', isDamaged: true });
});

test('one folder has one broker', async () => {
  const store = { type: 'disk', folder: join(folder, 'store') } as const;
  await setting.start({ store });
  await expect(setting.start({ store })).rejects.toMatchObject({ code: 'E_USAGE' });
});

test('the drain: what was sent before is acknowledged, links end in order, and ports are free again', async () => {
  const store = { type: 'disk', folder: join(folder, 'store') } as const;
  const broker = await setting.start({ store, metrics: { port: 0 } });
  await setting.lead(broker);
  const publishing = await setting.open(broker, alice);
  const a = setting.client(publishing, alice);
  await publishing.pinged();
  await eventually(() => a.client.groupOf('orders/new') !== undefined);
  const count = 20;
  for (let i = 0; i < count; i++) a.client.publish('orders/new', [Uint8Array.of(i)], Date.now());
  await eventually(() => broker.counters.envelopesTaken === count);
  const port = broker.addresses[0]!.port!;
  await broker.close();
  await broker.close();
  expect(await publishing.over()).toBe('orderly');
  expect(publishing.messages.filter(({ type }) => type === 'ack').at(-1)).toEqual({ type: 'ack', number: count });
  expect(setting.events.at(-1)).toEqual({ type: 'stopped' });
  const again = await setting.start({ listeners: [{ type: 'noise', host: '127.0.0.1', port }] });
  expect(again.addresses).toEqual([{ listener: 'noise-1', port }]);
});

test('metrics are served where they are asked for, and nowhere else', async () => {
  const without = await setting.start();
  expect(without.metricsPort).toBe(undefined);
  const broker = await setting.start({ metrics: { port: 0 } });
  const body = await new Promise<string>((resolve, reject) => {
    request({ port: broker.metricsPort!, host: '127.0.0.1', path: '/metrics' }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
  expect(body).toContain('tridcomm_broker_links 0');
  expect(body.split('\n')).toHaveLength(broker.metrics().split('\n').length);
});

const refusedConfigs = [
  ['no authority', { authorityId: undefined }],
  ['another key', { limits: { connexions: 5 } }],
  ['metrics for everybody', { metrics: { host: '0.0.0.0', port: 0 } }],
  ['ws:// without a word', { listeners: [{ type: 'websocket', host: '127.0.0.1', port: 0 }] }],
  ['ws:// on every address', { insecure: 'loopback', listeners: [{ type: 'websocket', host: '0.0.0.0', port: 0 }] }],
  ['TLS without certificates', { listeners: [{ type: 'tls', host: '127.0.0.1', port: 0 }] }],
  [
    'certificates that are not there',
    { listeners: [{ type: 'tls', port: 0, ca: '/n', certificate: '/n', privateKey: '/n' }] },
  ],
] as const;

test.each(refusedConfigs)('%s stops the start, and leaves nothing behind', async (_what, config) => {
  const merged = {
    identity: setting.identity,
    authorityId: setting.authorityId,
    listeners: [{ type: 'noise', port: 0 }],
  };
  // A configuration of a program without types.
  const wrong = { ...merged, ...config } as unknown as Parameters<typeof createBroker>[0];
  await expect(createBroker(wrong)).rejects.toMatchObject({ code: 'E_USAGE' });
});

test('insecure: ws:// on loopback is taken where it was allowed in so many words', async () => {
  const listeners = [{ type: 'websocket', host: '127.0.0.1', port: 0 }] as const;
  const broker = await setting.start({ insecure: 'loopback', listeners });
  expect(broker.addresses[0]!.port).toBeGreaterThan(0);
});

test('an identity that is not there stops the start with a sentence', async () => {
  const listeners = [{ type: 'noise', port: 0 }] as const;
  const missing = createBroker({ identity: join(folder, 'nobody'), listeners });
  await expect(missing).rejects.toMatchObject({ code: 'E_USAGE' });
});
