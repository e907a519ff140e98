import { join } from 'node:path';
import { addressOf, addressTypes, Identity, type TridcommError } from '@tridcomm/core';
import { principalRoles } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { AuthorityService } from '../../src/authority/service.ts';
import { random } from '../../src/client/random.ts';
import { BrokerLink } from '../../src/links/broker-link.ts';
import { TestBroker } from '../test-broker.ts';
import { until } from '../world.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A broker that takes bundles from who has the role authority, of the authority of a service. */
async function brokerOf(service: AuthorityService): Promise<{ broker: TestBroker; path: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'tdc-'));
  const identity = Identity.create(nodeProvider, random, Date.now());
  const record = service.perform((authority, nowMs) =>
    authority.issue(identity.key, { name: 'localhost', roles: principalRoles.broker }, nowMs),
  );
  const broker = new TestBroker(service.authorityId32, identity);
  broker.record = record;
  broker.takesBundles = true;
  for (const bundle of service.bundles()) broker.apply(bundle);
  const path = join(directory, 's');
  await broker.listen(path);
  closing.push(async () => {
    await broker.close();
    rmSync(directory, { recursive: true });
  });
  return { broker, path };
}

function linkOf(service: AuthorityService, path: string): BrokerLink {
  const link = new BrokerLink({ address: `unix:${path}` }, service.self);
  closing.push(async () => link.close());
  return link;
}

function memoryService(): AuthorityService {
  const service = AuthorityService.inMemory();
  closing.push(async () => service.close());
  return service;
}

const headAddress = ({ authorityId32 }: AuthorityService) =>
  addressOf(nodeProvider, authorityId32, addressTypes.head, new Uint8Array(0));

test('delivery.8: bundles are handed over, each acknowledged', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  const link = linkOf(service, path);
  for (const bundle of service.bundles()) await link.publish(bundle);
  await Promise.all(service.bundles().map(async (bundle) => link.publish(bundle)));
  expect(broker.links.size).toBe(1);
  expect(link.name).toBe(`unix:${path}`);
});

test('a bundle that is refused is, with its code, and the next is taken', async () => {
  const service = memoryService();
  const { path } = await brokerOf(service);
  const link = linkOf(service, path);
  await expect(link.publish(new Uint8Array(100))).rejects.toMatchObject({ code: 'E_ENCODING' });
  for (const bundle of service.bundles()) await link.publish(bundle);
});

test('what a broker retains is asked for', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  const link = linkOf(service, path);
  const [found, nothing] = await Promise.all([link.retained(headAddress(service)), link.retained(new Uint8Array(16))]);
  expect(found).toEqual(broker.relay.retained(headAddress(service)));
  expect(found.length).toBe(1);
  expect(nothing).toEqual([]);
});

test('objects that come behind the answer to a ping are not missed', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  broker.answersPingsFirst = true;
  const link = linkOf(service, path);
  expect((await link.retained(headAddress(service))).length).toBe(1);
});

test('what was on its way when the link broke has failed; the next opens another', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  const link = linkOf(service, path);
  await link.retained(new Uint8Array(16));
  broker.isMute = true;
  const asked = [link.retained(new Uint8Array(16)), ...service.bundles().map(async (bundle) => link.publish(bundle))];
  setTimeout(() => broker.cut(), 50);
  for (const one of await Promise.allSettled(asked)) {
    expect(one.status).toBe('rejected');
    expect(['E_TRANSPORT', 'E_LENGTH']).toContain(((one as PromiseRejectedResult).reason as TridcommError).code);
  }
  broker.isMute = false;
  expect((await link.retained(headAddress(service))).length).toBe(1);
});

test('after a link that broke between bundles the next fails, once: the broker may have begun anew, and needs everything', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  const link = linkOf(service, path);
  const [bundle] = service.bundles();
  await link.publish(bundle!);
  broker.cut();
  // Until it has noticed, and opened another.
  for (let asked; asked === undefined;) asked = await link.retained(new Uint8Array(16)).catch(() => undefined);
  await expect(link.publish(bundle!)).rejects.toMatchObject({ code: 'E_TRANSPORT' });
  await link.publish(bundle!);
  await link.publish(bundle!);
});

test('a link that broke before any bundle needs nothing', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  const link = linkOf(service, path);
  await link.retained(new Uint8Array(16));
  broker.cut();
  for (let asked; asked === undefined;) asked = await link.retained(new Uint8Array(16)).catch(() => undefined);
  await link.publish(service.bundles()[0]!);
});

test('nobody there, another name, an address that is none, and a link that was closed', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  expect(() => new BrokerLink({ address: 'broker' }, service.self)).toThrow('E_USAGE');
  await expect(linkOf(service, `${path}x`).publish(new Uint8Array(1))).rejects.toMatchObject({ code: 'E_TRANSPORT' });
  const other = new BrokerLink({ address: `unix:${path}`, brokerName: 'other' }, service.self);
  await expect(other.publish(new Uint8Array(1))).rejects.toMatchObject({ code: 'E_HANDSHAKE' });
  const link = linkOf(service, path);
  await link.retained(new Uint8Array(16));
  await link.close();
  await link.close();
  await expect(link.retained(new Uint8Array(16))).rejects.toMatchObject({ code: 'E_CLOSED' });
  await until(() => broker.links.size === 0);
});

test('link.22: a broker that was revoked gets no bundle, on a link that is open or on another', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  const link = linkOf(service, path);
  for (const bundle of service.bundles()) await link.publish(bundle);
  service.perform((authority, nowMs) => authority.revoke(broker.keyId32, nowMs));
  for (let time = 0; time < 2; time++) {
    await expect(link.publish(service.bundles()[0]!)).rejects.toMatchObject({ code: 'E_REVOKED' });
  }
  await until(() => broker.links.size === 0);
});

test('a question collects no more than 64 objects', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  const link = linkOf(service, path);
  await link.retained(new Uint8Array(16));
  const [at] = broker.links;
  const send = at!.send.bind(at!);
  let count = 64;
  at!.send = (message) => {
    const object = { type: 'object', address16: new Uint8Array(16), object: new Uint8Array(100) } as const;
    for (; message.type === 'ping' && count > 0; count--) send(object);
    send(message);
  };
  expect((await link.retained(new Uint8Array(16))).length).toBe(64);
  count = 65;
  await expect(link.retained(new Uint8Array(16))).rejects.toMatchObject({ code: 'E_LIMIT' });
});

test.each([
  { type: 'ack', number: 2 },
  { type: 'reject', about: 'numbered', number: 2, code: 'E_POLICY', retryMs: 0 },
  { type: 'reject', about: 'watch', number: 2, code: 'E_POLICY', retryMs: 0 },
  { type: 'reject', about: 'sub', number: 1, code: 'E_POLICY', retryMs: 0 },
] as const)('delivery.19: an answer to what was not asked ends the link: %j', async (message) => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  const link = linkOf(service, path);
  await link.publish(service.bundles()[0]!);
  await link.retained(new Uint8Array(16));
  const [at] = broker.links;
  at!.send(message);
  await until(() => at!.received.some((one) => one.type === 'close' && one.code === 'E_ENCODING'));
});

test('delivery.19: so does an ack that is lower than one before', async () => {
  const service = memoryService();
  const { broker, path } = await brokerOf(service);
  const link = linkOf(service, path);
  for (let time = 0; time < 2; time++) await link.publish(service.bundles()[0]!);
  const [at] = broker.links;
  at!.send({ type: 'ack', number: 1 });
  await until(() => at!.received.some((one) => one.type === 'close' && one.code === 'E_ENCODING'));
});
