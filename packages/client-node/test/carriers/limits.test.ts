import { join } from 'node:path';
import { addressOf, addressTypes } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { afterEach, describe, expect, test } from 'vitest';
import { AuthorityService } from '../../src/authority/service.ts';
import { CarrierFeed } from '../../src/carriers/carrier-feed.ts';
import { decodeValue } from '../../src/carriers/retained-value.ts';
import { secret, temporaryDirectory } from '../authority/world.ts';
import { texts } from '../world.ts';
import { CarrierWorld, codeOf, untilSo } from './carrier-world.ts';
import { connectToNats, jetstreamManager, Kvm } from './official.ts';
import { mqttKind, nats, type Kind } from './plain.ts';
import { missing, Server, type ServerSettings } from './servers.ts';

const patience = { timeout: 240_000 };
let world: CarrierWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
}, patience.timeout);

/** What a server is told so that one user may not publish envelopes, and another not hear them. */
const users: Readonly<Record<Kind['kind'], string>> = {
  nats: `[
    { user: all, password: all }
    { user: mute, password: mute, permissions: { publish: { deny: ["tridcomm.v1.e.>"] } } }
    { user: deaf, password: deaf, permissions: { subscribe: { deny: ["tridcomm.v1.e.>"] } } }
  ]`,
  mqtt: ['user all', 'topic readwrite #', 'user mute', 'topic read #', 'topic readwrite tridcomm/v1/p/#', ''].join(
    '\n',
  ),
};

describe.each([nats, mqttKind])('over $kind', (kind: Kind) => {
  const skip = missing(kind.program, `limits.test.ts over ${kind.kind}`);
  const create = async (settings?: ServerSettings, user?: string) => {
    world = await CarrierWorld.create(kind, settings, user);
    return world;
  };

  test.skipIf(skip !== undefined)('bindings.14: a server says what it takes', patience, async () => {
    const { group, member, connect } = bound(await create({ mostBytes: 65_536 }));
    const [alice, bob] = [member('alice'), member('bob')];
    group('orders/**', { write: [alice], read: [bob] });
    await world!.retained();
    const seen = await (await world!.plain()).spy();
    const [from, to] = await Promise.all([connect(alice), connect(bob)]);
    const orders = to.client.subscribe('orders/**');
    await Promise.all([from, to].map(async ({ client }) => client.ready()));
    const isEnvelope = ({ name }: { readonly name: string }) => kind.envelopeName.test(name);
    expect(await codeOf(from.client.publish('orders/new', new Uint8Array(65_000)))).toBe('E_LIMIT');
    expect(seen.some(isEnvelope)).toBe(false);
    const many = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(2_000)}`);
    const { ids } = await from.client.publish('orders/new', many);
    expect(ids.length).toBeGreaterThan(2);
    expect(await texts(orders, 100)).toEqual(many);
    await from.client.publish('orders/new', new Uint8Array(60_000), { durability: 'none' });
    await untilSo(() => seen.filter(isEnvelope).length === ids.length + 1);
    expect(to.statuses.some(({ type }) => type === 'gap')).toBe(false);
  });

  test.skipIf(skip !== undefined)('a server that says no is heard', patience, async () => {
    const { group, member, connect } = bound(await create({ users: users[kind.kind] }, 'all'));
    const [alice, bob] = [member('alice'), member('bob')];
    group('orders/**', { write: [alice], read: [bob] });
    await world!.retained();
    const mute = await connect(alice, {}, await world!.plain('mute'));
    await mute.client.ready();
    expect(await codeOf(mute.client.publish('orders/new', 'x'))).toBe('E_POLICY');
    // By such a file Mosquitto lets everybody subscribe, and delivers nothing.
    if (kind.kind === 'mqtt') return;
    const deaf = await connect(bob, {}, await world!.plain('deaf'));
    deaf.client.subscribe('orders/**');
    await deaf.client.ready();
    await untilSo(() => deaf.refusals().includes('subscription E_POLICY'));
  });

  test.skipIf(skip !== undefined)('bindings.11: an authority finds again what it retained', patience, async () => {
    const server = await kind.server();
    const plain = await kind.plain(server.port);
    const directory = join(temporaryDirectory(), 'a');
    const events: string[] = [];
    const options = {
      directory,
      secret,
      headIntervalMs: 1_000,
      connect: (self: { readonly authorityId32: Uint8Array }) => {
        const feed = new CarrierFeed(plain.carrier, self);
        return { sinks: [feed], sources: [feed] };
      },
      onEvent: ({ type }: { readonly type: string }) => events.push(type),
    };
    try {
      await AuthorityService.init(options);
      const shown: string[] = [];
      for (let life = 1; life <= 3; life++) {
        const service = await AuthorityService.open(options);
        shown.push(service.status().sources.find(({ name }) => name === kind.kind)?.kind ?? 'not asked');
        await untilSo(() => service.status().brokers.every(({ isCurrent }) => isCurrent));
        await service.close();
      }
      expect(shown).toEqual(['nothing', 'head', 'head']);
    } finally {
      await plain.close();
      await server.close();
    }
  });

  test.skipIf(skip !== undefined)('bindings.9: what is too large to retain is told', patience, async () => {
    const server = await kind.server({ mostBytes: 300 });
    const plain = await kind.plain(server.port);
    const errors: unknown[] = [];
    const service = AuthorityService.inMemory({
      connect: (self) => ({ sinks: [new CarrierFeed(plain.carrier, self)], sources: [] }),
      onEvent: (event) => void ('error' in event && errors.push(event.error)),
    });
    try {
      await untilSo(() => errors.length > 0);
      expect(errors[0]).toMatchObject({ code: 'E_LIMIT' });
    } finally {
      await service.close();
      await plain.close();
      await server.close();
    }
  });
});

const noNats = missing('nats-server', 'limits.test.ts with the key-value client');

test.skipIf(noNats !== undefined)('bindings.17: any key-value client reads the bucket', patience, async () => {
  world = await CarrierWorld.create(nats);
  const connection = await connectToNats({ servers: `127.0.0.1:${world.server.port}` });
  try {
    const bucket = await new Kvm(connection).open('tridcomm-v1');
    const address = world.address(addressTypes.head);
    const entry = await bucket.get(address);
    expect(decodeValue(Buffer.from(address, 'hex'), entry!.value)).toHaveLength(1);
    const { config } = await (await jetstreamManager(connection)).streams.info('KV_tridcomm-v1');
    expect(config).toMatchObject({ subjects: ['$KV.tridcomm-v1.>'], max_msgs_per_subject: 1, allow_direct: true });
  } finally {
    await connection.close();
  }
});

test.skipIf(noNats !== undefined)('bindings.17: a server without JetStream is refused', patience, async () => {
  const server = await Server.nats({ hasJetStream: false });
  const plain = await nats.plain(server.port);
  try {
    const handlers = { onEnvelope: () => {}, onWork: () => {}, onValue: () => {}, onDrain: () => {}, onEnd: () => {} };
    expect(await codeOf(plain.carrier.open(handlers))).toBe('E_POLICY');
    expect(await plain.isAlive()).toBe(true);
  } finally {
    await plain.close();
    await server.close();
  }
});

const noMqtt = missing('mosquitto', 'limits.test.ts over MQTT 3.1.1');

test.skipIf(noMqtt !== undefined)('bindings.18: MQTT 3.1.1 will do', patience, async () => {
  const { group, member, connect } = bound((world = await CarrierWorld.create(mqttKind)));
  const [alice, bob] = [member('alice'), member('bob')];
  group('orders/**', { write: [alice], read: [bob] });
  await world.retained();
  const old = async () => world!.plain(undefined, 4);
  const [from, to] = await Promise.all([connect(alice, {}, await old()), connect(bob, {}, await old())]);
  const orders = to.client.subscribe('orders/**');
  await Promise.all([from, to].map(async ({ client }) => client.ready()));
  await from.client.publish('orders/new', 'two coffees');
  expect(await texts(orders, 1)).toEqual(['two coffees']);
});

test.skipIf(noMqtt !== undefined)(
  'bindings.11: what a server forgot between two heads is put there again',
  patience,
  async () => {
    const server = await mqttKind.server();
    const plain = await mqttKind.plain(server.port);
    const service = AuthorityService.inMemory({
      headIntervalMs: 8_000,
      connect: (self) => ({ sinks: [new CarrierFeed(plain.carrier, self)], sources: [] }),
    });
    const handlers = { onEnvelope: () => {}, onWork: () => {}, onValue: () => {}, onDrain: () => {}, onEnd: () => {} };
    const address = (type: number) => hexOf(addressOf(nodeProvider, service.authorityId32, type, new Uint8Array(0)));
    try {
      await untilSo(() => service.status().brokers.every(({ isCurrent }) => isCurrent));
      await server.kill();
      await server.restart();
      const session = await plain.carrier.open(handlers);
      // A head comes by itself; a policy only when everything does.
      for (const type of [addressTypes.head, addressTypes.policy]) {
        while ((await session.read(address(type))) === undefined)
          await new Promise((resolve) => setTimeout(resolve, 50));
      }
      session.end();
    } finally {
      await service.close();
      await plain.close();
      await server.close();
    }
  },
);

function bound(one: CarrierWorld): Pick<CarrierWorld, 'group' | 'member' | 'connect'> {
  return { group: one.group.bind(one), member: one.member.bind(one), connect: one.connect.bind(one) };
}
