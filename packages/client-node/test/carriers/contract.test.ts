import { addressTypes, parseEnvelope } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeValue } from '../../src/carriers/retained-value.ts';
import { texts } from '../world.ts';
import { CarrierWorld, codeOf, untilSo, withholding, type Connected, type Member } from './carrier-world.ts';
import { mqttKind, nats, type Kind, type Seen } from './plain.ts';
import { missing } from './servers.ts';

const patience = { timeout: 240_000 };

describe.each([nats, mqttKind])('over $kind', (kind: Kind) => {
  const skip = missing(kind.program, `contract.test.ts over ${kind.kind}`);
  let world: CarrierWorld;
  let alice: Member;
  let bob: Member;

  beforeEach(async (context) => {
    context.skip(skip !== undefined, skip);
    world = await CarrierWorld.create(kind);
    alice = world.member('alice');
    bob = world.member('bob');
    world.group('orders/**', { write: [alice], read: [bob] });
    world.group('alerts', { write: [alice], read: [bob] });
    await world.retained();
  }, patience.timeout);
  afterEach(async () => world?.close(), patience.timeout);

  const pair = async (): Promise<readonly [Connected, Connected]> => {
    const connected = await Promise.all([world.connect(alice), world.connect(bob)]);
    await Promise.all(connected.map(async ({ client }) => client.ready()));
    return connected;
  };
  // A block of an epoch that is over comes again with the newest, where that is asked for once more.
  const isNoRepetition = (refusal: string) => refusal !== 'object E_EPOCH';
  const isEnvelope = ({ name }: Seen) => kind.envelopeName.test(name);
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`);

  test('bindings.6: what one client publishes another gets, in groups with and without chains', patience, async () => {
    const [from, to] = await pair();
    const orders = to.client.subscribe('orders/**');
    const alerts = to.client.subscribe('alerts');
    await to.client.ready();
    const receipt = await from.client.publish('orders/eu/new', 'two coffees');
    await from.client.publish('alerts', 'fire');
    expect(receipt.durability).toBe('memory');
    for await (const message of orders) {
      expect([message.text(), message.topic, message.sender.name, message.id, message.verdict]).toEqual([
        'two coffees',
        'orders/eu/new',
        'alice',
        receipt.id,
        'new',
      ]);
      break;
    }
    expect(await texts(alerts, 1)).toEqual(['fire']);
    await from.client.publish('alerts', 'unheard', { durability: 'none' });
    expect([from.refusals(), to.refusals()].map((all) => all.filter(isNoRepetition))).toEqual([[], []]);
  });

  test(
    'bindings.7: the server sees tags, addresses and sealed bytes, and nothing of what they stand for',
    patience,
    async () => {
      const seen = await (await world.plain()).spy();
      const [from, to] = await pair();
      const orders = to.client.subscribe('orders/**');
      await to.client.ready();
      await from.client.publish('orders/eu/new', 'two coffees for the captain');
      expect(await texts(orders, 1)).toHaveLength(1);
      await untilSo(() => seen.some(isEnvelope));
      const { name } = seen.find(isEnvelope)!;
      const { header } = parseEnvelope(seen.find(isEnvelope)!.bytes);
      expect(name).toContain(hexOf(header.topicTag));
      const head = kind.valueName(world.address(addressTypes.head));
      await untilSo(() => seen.some((one) => one.name === head));

      const all = Buffer.concat(seen.flatMap(({ name: at, bytes }) => [Buffer.from(`\n${at}\n`), bytes]));
      const { rootSeed32, controllerSeed32, issuerSeed32, groups } = world.service.memory();
      const secrets = [
        'orders',
        'eu/new',
        'alerts',
        'two coffees',
        rootSeed32,
        controllerSeed32,
        issuerSeed32,
        ...groups.flatMap(({ routeSecrets }) => routeSecrets.map(({ secret32 }) => secret32)),
      ].map((secret) => Buffer.from(secret as string));
      expect(secrets.length).toBeGreaterThan(8);
      // Names of principals are no secret: so the search finds what is there.
      expect(formsOf(Buffer.from('alice')).some((form) => all.includes(form))).toBe(true);
      for (const secret of secrets) for (const form of formsOf(secret)) expect(all.includes(form)).toBe(false);
    },
  );

  test('who has no right reads nothing and writes nothing, with the same server', patience, async () => {
    const eve = world.member('eve');
    const [from, to] = await pair();
    const listener = await world.connect(eve);
    const [atBob, atEve] = [to.client.subscribe('orders/**'), listener.client.subscribe('orders/**')];
    await Promise.all([to.client.ready(), listener.client.ready()]);
    await from.client.publish('orders/new', 'two coffees');
    expect(await texts(atBob, 1)).toEqual(['two coffees']);
    expect(await codeOf(listener.client.publish('orders/new', 'poison'))).toBe('E_POLICY');
    expect(atEve.waiting).toBe(0);
  });

  test('bindings.8, bindings.10: garbage under a tag or an address is refused, and all goes on', patience, async () => {
    const vandal = await world.plain();
    const seen = await vandal.spy();
    const [from, to] = await pair();
    const orders = to.client.subscribe('orders/**');
    await to.client.ready();
    await from.client.publish('orders/new', 'first');
    await untilSo(() => seen.some(isEnvelope) && orders.waiting === 1);
    const { name, bytes } = seen.find(isEnvelope)!;
    const forged = Uint8Array.from(bytes);
    // Behind it is the signature, which is not looked at where the rest was seen before.
    forged[forged.length - 65]! ^= 1;
    for (const garbage of [Uint8Array.of(), Buffer.from('garbage'), Buffer.alloc(300, 7), forged, bytes]) {
      await vandal.publish(name, garbage);
    }
    await untilSo(() => to.refusals().filter((code) => code.startsWith('envelope')).length >= 5);
    const codes = new Set(to.refusals().filter((code) => code.startsWith('envelope')));
    expect([...codes].sort()).toEqual(
      ['E_ENCODING', 'E_LENGTH', 'E_REPLAY', 'E_SIG'].map((code) => `envelope ${code}`),
    );

    const [head, policy] = [addressTypes.head, addressTypes.policy].map((type) => world.address(type));
    const address16 = Buffer.from(head!, 'hex');
    await vandal.publish(kind.valueName(head!), Buffer.from('garbage'), true);
    await vandal.publish(kind.valueName(policy!), encodeValue(address16, [Buffer.from('x')]), true);
    await vandal.publish(kind.valueName(head!), encodeValue(address16, [Buffer.from('TDHD, or so')]), true);
    const objects = ['object E_LENGTH', 'object E_BINDING'];
    await untilSo(() => objects.every((code) => to.refusals().includes(code)));
    await untilSo(() => to.refusals().filter((code) => code.startsWith('object')).length >= 3);

    await from.client.publish('orders/new', 'second');
    expect(await texts(orders, 2)).toEqual(['first', 'second']);
  });

  test(
    'bindings.12, bindings.13: what a carrier cannot give is refused before anything is sealed',
    patience,
    async () => {
      const seen = await (await world.plain()).spy();
      const [from, to] = await pair();
      expect(await codeOf(from.client.publish('orders/new', 'x', { durability: 'disk' }))).toBe('E_POLICY');
      expect(await codeOf(world.connect(alice, { durability: 'disk' }))).toBe('E_POLICY');
      expect(await codeOf(world.connect(alice, { brokerName: 'broker' }))).toBe('E_USAGE');
      expect(() => to.client.subscribe('orders/**', { from: 'cursor' })).toThrow('E_POLICY');
      expect(() => to.client.subscribe('orders/**', { from: 1 })).toThrow('E_POLICY');
      expect(seen.filter(isEnvelope)).toEqual([]);
      await from.client.publish('orders/new', 'x', { durability: 'memory' });
      await untilSo(() => seen.some(isEnvelope));
    },
  );

  test('bindings.15: a server that is killed and comes back costs no message twice', patience, async () => {
    const [from, to] = await pair();
    const received: string[] = [];
    to.client.subscribe('orders/**', {
      onBatch: (batch) => {
        for (let i = 0; i < batch.count; i++) received.push(`${batch.message(i).verdict} ${batch.message(i).text()}`);
      },
    });
    await to.client.ready();
    const isReopened = ({ statuses }: Connected) => {
      const lost = statuses.findIndex(({ type }) => type === 'disconnected');
      return lost >= 0 && statuses.slice(lost).some(({ type }) => type === 'open');
    };
    let count = 0;
    const publish = async () => from.client.publish('orders/new', `${count++}`);
    for (let i = 0; i < 20; i++) await publish();
    const inFlight = numbers(0, 20).map(async () => publish());
    await world.server.kill();
    await untilSo(() => [from, to].every(({ statuses }) => statuses.some(({ type }) => type === 'disconnected')));
    expect(from.client.isOpen).toBe(false);
    const meanwhile = publish();
    await world.server.restart();
    await Promise.all([...inFlight, meanwhile]);
    await untilSo(() => isReopened(from) && isReopened(to));
    await to.client.ready();
    await publish();
    await untilSo(() => received.includes(`new ${count - 1}`));
    expect(new Set(received).size).toBe(received.length);
    expect(received.slice(0, 20)).toEqual(numbers(0, 20).map((text) => `new ${text}`));
    // All of the authority is there again, also where the server had kept nothing.
    const carol = world.member('carol');
    world.group('late', { write: [carol], read: [bob] });
    await world.retained();
    const late = to.client.subscribe('late');
    await to.client.ready();
    const third = await world.connect(carol);
    await third.client.publish('late', 'hello');
    expect(await texts(late, 1)).toEqual(['hello']);
  });

  test('keys rotate with messages in flight', patience, async () => {
    const [from, to] = await pair();
    const orders = to.client.subscribe('orders/**');
    await to.client.ready();
    const [groupId16] = to.statuses.flatMap((status) => (status.type === 'view' ? [status.groupId16] : []));
    const epochs = () => to.statuses.filter(({ type }) => type === 'view').length;
    const before = epochs();
    const sent = numbers(0, 60);
    for (const [i, text] of sent.entries()) {
      await from.client.publish('orders/new', text);
      if (i % 20 === 10) world.perform((authority, nowMs) => authority.rotate(groupId16!, nowMs));
    }
    expect(await texts(orders, 60)).toEqual(sent);
    expect(epochs()).toBeGreaterThan(before);
    expect(to.refusals().filter((code) => code.startsWith('envelope'))).toEqual([]);
  });

  test('principals.24: a revocation reaches members by the carrier', patience, async () => {
    const [carol, dave] = [world.member('carol'), world.member('dave')];
    const groupId16 = world.group('news', { write: [alice, carol], read: [bob, dave] });
    await world.retained();
    const [from, to] = await pair();
    let isBlind = false;
    const blind = withholding(() => isBlind);
    const [writer, reader] = await Promise.all([
      world.connect(carol, {}, undefined, blind),
      world.connect(dave, {}, undefined, blind),
    ]);
    const [atBob, atDave] = [to, reader].map(({ client }) => client.subscribe('news'));
    await Promise.all([from, to, writer, reader].map(async ({ client }) => client.ready()));
    await writer.client.publish('news', 'by carol');
    expect(await texts(atBob!, 1)).toEqual(['by carol']);
    expect(await texts(atDave!, 1)).toEqual(['by carol']);

    const [again, atDaveAgain] = [to.client.subscribe('news'), reader.client.subscribe('news')];
    await Promise.all([to, reader].map(async ({ client }) => client.ready()));
    isBlind = true;
    const epochOf = () =>
      to.statuses.findLast((status) => status.type === 'view' && hexOf(status.groupId16) === hexOf(groupId16));
    const before = epochOf();
    world.perform((authority, nowMs) => {
      for (const { identity } of [carol, dave]) authority.revoke(identity.key.keyId32, nowMs);
    });
    await untilSo(() => {
      const now = epochOf();
      return now?.type === 'view' && before?.type === 'view' && now.epoch > before.epoch;
    });
    // She does not know of it yet, and the server lets her.
    await writer.client.publish('news', 'by carol, revoked');
    await untilSo(() => to.refusals().some((code) => /^envelope E_(REVOKED|POLICY)$/.test(code)));
    await from.client.publish('news', 'by alice');
    expect(await texts(again, 1)).toEqual(['by alice']);
    await untilSo(() => reader.refusals().some((code) => code.startsWith('envelope')));
    // He was kept from all that came since, as she was: what she still writes he still reads, and nothing else.
    expect(await texts(atDaveAgain!, 1)).toEqual(['by carol, revoked']);
    expect(atDaveAgain!.waiting).toBe(0);
  });

  test('principals.29: who is kept from the heads stops to publish, and goes on when they come', patience, async () => {
    world.group('tight', { write: [alice], read: [bob] }, { maxHeadAgeMs: 5_000 });
    await world.retained();
    let isBlind = false;
    const from = await world.connect(
      alice,
      {},
      undefined,
      withholding(() => isBlind),
    );
    await from.client.ready();
    await from.client.publish('tight', 'fresh');
    isBlind = true;
    await untilSo(() => from.statuses.some(({ type }) => type === 'stale'));
    expect(await codeOf(from.client.publish('tight', 'stale'))).toBe('E_STALE');
    isBlind = false;
    await untilSo(() => from.statuses.some(({ type }) => type === 'fresh'));
    await from.client.publish('tight', 'fresh again');
  });

  test("the connection stays its owner's, and several clients may share it", patience, async () => {
    const plain = await world.plain();
    const [from, to] = [await world.connect(alice, {}, plain), await world.connect(bob, {}, plain)];
    await Promise.all([from, to].map(async ({ client }) => client.ready()));
    const orders = to.client.subscribe('orders/**');
    await to.client.ready();
    await from.client.publish('orders/new', 'one');
    await from.client.close();
    expect(await plain.isAlive()).toBe(true);
    // The authority's word goes on to come for the other.
    const views = () => to.statuses.filter(({ type }) => type === 'view').length;
    const before = views();
    await untilSo(() => views() > before + 4);
    const again = await world.connect(alice, {}, plain);
    await again.client.publish('orders/new', 'two');
    expect(await texts(orders, 2)).toEqual(['one', 'two']);
    await to.client.close();
    expect(await plain.isAlive()).toBe(true);
    await plain.close();
    expect(await codeOf(world.connect(bob, {}, plain))).toBe('E_CLOSED');
  });

  test('an envelope of two rules of a group comes once', patience, async () => {
    world.group(['a/**', 'a/b'], { write: [alice], read: [bob] });
    await world.retained();
    const [from, to] = await pair();
    const messages = to.client.subscribe('a/**');
    await to.client.ready();
    for (const text of numbers(0, 5)) await from.client.publish('a/b', text);
    expect(await texts(messages, 5)).toEqual(numbers(0, 5));
    expect(to.refusals().filter(isNoRepetition)).toEqual([]);
  });

  test('bindings.16: what exceeds the window is refused, and told', patience, async () => {
    const from = await world.connect(alice);
    const to = await world.connect(bob, { windowBytes: 1_048_584 });
    const orders = to.client.subscribe('orders/**');
    await Promise.all([from, to].map(async ({ client }) => client.ready()));
    for (let i = 0; i < 4; i++) await from.client.publish('orders/new', new Uint8Array(500_000).fill(i));
    await untilSo(() => to.refusals().filter((code) => code === 'envelope E_LIMIT').length === 2);
    expect(orders.waiting).toBe(2);
    const loop = orders.batches();
    for (let i = 0; i < 2; i++) await loop.next();
    const last = loop.next();
    await from.client.publish('orders/new', 'after');
    expect((await last).value?.message(0).text()).toBe('after');
    await untilSo(() => to.statuses.some(({ type }) => type === 'gap'));
  });
});

/** How bytes may stand in others. */
function formsOf(secret: Buffer): Buffer[] {
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), secret])
      .toString('base64')
      .replaceAll('=', '');
    // Without the characters that share bits with what stands around.
    return Buffer.from(text.slice(shift === 0 ? 0 : shift + 1, -2));
  });
  return [secret, Buffer.from(secret.toString('hex')), Buffer.from(secret.toString('hex').toUpperCase()), ...base64];
}
