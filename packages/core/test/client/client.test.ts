import { expect, test } from 'vitest';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { keyBlockKinds } from '../../src/codepoints/key-block-kinds.gen.ts';
import { patternKinds } from '../../src/codepoints/patterns.gen.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { typeOfObject } from '../../src/relay/object-form.ts';
import { parseEnvelope } from '../../src/wire/envelope.ts';
import { codeOf, encode, World } from './world.ts';

test('a message goes from who may write to who may read, and to nobody else', () => {
  const world = new World();
  const [alice, bob, eve] = ['alice', 'bob', 'eve'].map((name) => world.join(name));
  world.group('orders/**', [alice!], [bob!]);
  bob!.subscribe('orders/**');
  eve!.subscribe('orders/**');
  alice!.publish('orders/eu/new', 'one', 'two');
  const [delivery] = bob!.deliveries;
  expect(delivery).toMatchObject({ topic: 'orders/eu/new', stale: false, gaps: [], seq: 1 });
  expect(delivery!.sender.name).toBe('alice');
  expect(bob!.texts()).toEqual(['one', 'two']);
  expect(eve!.texts()).toEqual([]);
  expect(codeOf(() => eve!.publish('orders/eu/new', 'x'))).toBe('E_POLICY');
  expect(codeOf(() => bob!.publish('orders/eu/new', 'x'))).toBe('E_POLICY');
  expect(eve!.refusals()).toEqual([]);
});

test.each([
  ['complete subtree', { blockKind: keyBlockKinds.completeSubtree }],
  ['list', { blockKind: keyBlockKinds.list }],
])('a group of one topic, with blocks of kind %s, seals singles without a chain', (_name, fields) => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  world.group('alarms', [alice!], [bob!], fields);
  bob!.subscribe('*');
  const envelope = alice!.publish('alarms', 'fire');
  expect(bob!.texts()).toEqual(['fire']);
  const { header, extensions } = parseEnvelope(envelope);
  expect(header.flags).toBe(0);
  expect(extensions.value(9)).toBeUndefined();
  expect(extensions.value(8)).toBeDefined();
});

test('patterns.7 patterns.8 on a bus everybody publishes and reads, under its own pattern', () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  world.group('room/**', [alice!, bob!], [alice!, bob!], { purpose: 'bus' });
  for (const one of [alice!, bob!]) one.subscribe('room/**');
  const envelope = alice!.publish('room/a', 'hello');
  bob!.publish('room/b', 'there');
  expect(parseEnvelope(envelope).header.patternKind).toBe(patternKinds.bus.data);
  expect([alice!.texts(), bob!.texts()]).toEqual([
    ['hello', 'there'],
    ['hello', 'there'],
  ]);
});

test('a group of kind psk opens for who has the secret', () => {
  const world = new World();
  const [alice, bob, eve] = ['alice', 'bob', 'eve'].map((name) => world.join(name));
  const psk32 = world.random(32);
  const groupId16 = world.authority.addGroup({ patterns: ['lab'], blockKind: keyBlockKinds.psk, psk32 }, world.nowMs);
  for (const { client } of [alice!, bob!]) client.usePsk(groupId16, psk32, world.nowMs);
  const grants = [
    { keyId32: alice!.keyId32, action: 'publish' as const, pattern: 'lab' },
    { keyId32: bob!.keyId32, action: 'subscribe' as const, pattern: 'lab' },
    { keyId32: eve!.keyId32, action: 'subscribe' as const, pattern: 'lab' },
  ];
  world.authority.grantAll(grants, world.nowMs);
  for (const one of [bob!, eve!]) one.subscribe('lab');
  alice!.publish('lab', 'seen');
  expect([bob!.texts(), eve!.texts()]).toEqual([['seen'], []]);
});

test('subscriptions filter what the rule brings', () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  world.group('orders/**', [alice!], [bob!]);
  bob!.subscribe('orders/*/new');
  alice!.publish('orders/eu/new', 'yes');
  alice!.publish('orders/eu/old', 'no');
  alice!.publish('orders/new', 'no');
  expect(bob!.texts()).toEqual(['yes']);
  const subscription = bob!.client.subscribe('orders/eu/old', world.nowMs);
  alice!.publish('orders/eu/old', 'now');
  subscription.close(world.nowMs);
  alice!.publish('orders/eu/old', 'no more');
  expect(bob!.texts()).toEqual(['now']);
});

test('many messages go in as many envelopes as they need', () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  world.group('bulk/**', [alice!], [bob!]);
  bob!.subscribe('bulk/**');
  const payloads = Array.from({ length: 5000 }, (_, i) => encode(`${i}`));
  expect(alice!.client.publish('bulk/a', payloads, world.nowMs).envelopes).toHaveLength(2);
  expect(bob!.texts()).toEqual(Array.from({ length: 5000 }, (_, i) => `${i}`));
  const large = [new Uint8Array(600_000), new Uint8Array(600_000)];
  expect(alice!.client.publish('bulk/a', large, world.nowMs).envelopes).toHaveLength(2);
  expect(codeOf(() => alice!.client.publish('bulk/a', [new Uint8Array(983_040)], world.nowMs))).toBe('E_LIMIT');
  expect(codeOf(() => alice!.client.publish('bulk/a', [], world.nowMs))).toBe('E_USAGE');
});

test('rotation with messages in flight loses nothing', () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  const groupId16 = world.group('orders/**', [alice!], [bob!]);
  bob!.subscribe('orders/**');
  bob!.holds = true;
  const sent: string[] = [];
  const epochs = new Set<number>();
  for (let i = 0; i < 20; i++) {
    if (i % 5 === 4) world.authority.rotate(groupId16, world.nowMs, { notBeforeMs: world.nowMs + 2_000 });
    const envelope = alice!.publish('orders/new', `${i}`);
    epochs.add(parseEnvelope(envelope).header.epoch);
    sent.push(`${i}`);
    world.advance(1_000);
  }
  expect(epochs.size).toBeGreaterThan(2);
  bob!.release();
  expect(bob!.texts()).toEqual(sent);
  expect(bob!.refusals()).toEqual([]);
});

test('after its drain an epoch takes nothing more', () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  const groupId16 = world.group('orders/**', [alice!], [bob!], { drainMs: 5_000 });
  bob!.subscribe('orders/**');
  bob!.holds = true;
  alice!.publish('orders/new', 'late');
  alice!.publish('orders/new', 'later');
  world.authority.rotate(groupId16, world.nowMs);
  world.advance(4_000);
  bob!.release([0]);
  expect(bob!.texts()).toEqual(['late']);
  alice!.publish('orders/new', 'fresh');
  const [fresh] = bob!.held;
  expect(parseEnvelope(fresh!).header.epoch).toBeGreaterThan(1);
});

test('hours go by: epochs follow each other, and everybody keeps up', () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  world.group('orders/**', [alice!], [bob!], { epochLifeMs: 600_000, periodMs: 3_600_000 });
  bob!.subscribe('orders/**');
  for (let i = 0; i < 60; i++) {
    alice!.publish('orders/new', `${i}`);
    expect(bob!.texts()).toEqual([`${i}`]);
    world.advance(5 * 60_000, 5_000);
  }
  expect(bob!.refusals()).toEqual([]);
});

test('days go by: prekeys and records are renewed, and list blocks go on opening', { timeout: 120_000 }, () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  world.group('orders', [alice!], [bob!], { blockKind: keyBlockKinds.list, maxHeadAgeMs: 3_600_000 });
  bob!.subscribe('orders');
  for (let day = 0; day < 5; day++) {
    world.advance(86_400_000, 300_000);
    alice!.publish('orders', `${day}`);
    expect(bob!.texts()).toEqual([`${day}`]);
  }
  expect(bob!.identity.prekeys.all().length).toBeLessThan(5);
});

test('who is revoked neither writes nor reads any more', () => {
  const world = new World();
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => world.join(name));
  world.group('orders/**', [alice!, carol!], [bob!, carol!]);
  for (const one of [bob!, carol!]) one.subscribe('orders/**');
  alice!.publish('orders/new', 'both');
  expect([bob!.texts(), carol!.texts()]).toEqual([['both'], ['both']]);
  bob!.holds = true;
  carol!.publish('orders/new', 'in flight');
  world.authority.revoke(carol!.keyId32, world.nowMs);
  bob!.release();
  expect(bob!.refusals()).toEqual(['envelope E_REVOKED']);
  bob!.holds = false;
  alice!.publish('orders/new', 'without her');
  expect([bob!.texts(), carol!.texts()]).toEqual([['without her'], ['in flight']]);
  expect(codeOf(() => carol!.publish('orders/new', 'still here'))).toBe('E_CLOSED');
  world.advance(100_000);
  expect(codeOf(() => carol!.publish('orders/new', 'still here'))).toBe('E_STALE');
});

test('who may not write any more is refused in the drain too', () => {
  const world = new World();
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => world.join(name));
  world.group('orders/**', [alice!, carol!], [bob!]);
  bob!.subscribe('orders/**');
  bob!.holds = true;
  carol!.publish('orders/new', 'in flight');
  alice!.publish('orders/new', 'in flight too');
  world.authority.withdraw({ keyId32: carol!.keyId32, action: 'publish', pattern: 'orders/**' }, world.nowMs);
  bob!.release();
  expect(bob!.texts()).toEqual(['in flight too']);
  expect(bob!.refusals()).toEqual(['envelope E_POLICY']);
});

test.each([
  ['everything', () => false],
  ['the policy', (type: number) => type !== addressTypes.policy],
  ['the block', (type: number) => type !== addressTypes.keyBlock],
  ['the revocation list', (type: number) => type !== addressTypes.revocationList],
  ['the writers', (type: number) => type !== addressTypes.writers],
  ['the heads', (type: number) => type !== addressTypes.groupHead && type !== addressTypes.head],
])('a broker that holds back %s of a revocation gains at most the age of a head', (_what, lets) => {
  const world = new World();
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => world.join(name));
  const groupId16 = world.group('orders/**', [alice!, carol!], [bob!]);
  bob!.subscribe('orders/**');
  for (const one of world.members) {
    one.lets = (what, bytes) => what === 'envelope' || lets(typeOfObject(bytes));
  }
  const revokedMs = world.nowMs;
  world.authority.revoke(carol!.keyId32, world.nowMs);
  world.advance(60_000);
  const before = [alice!, bob!].map((one) => one.view(groupId16)!.headSeq);
  world.advance(30_001);
  expect(world.nowMs).toBeLessThanOrEqual(revokedMs + 90_001);
  for (const one of [alice!, bob!]) expect(one.view(groupId16)).toMatchObject({ fresh: false });
  expect(codeOf(() => alice!.publish('orders/new', 'x'))).toBe('E_STALE');
  expect(bob!.events.some(({ type }) => type === 'stale')).toBe(true);
  for (const one of world.members) one.lets = () => true;
  world.advance(25_000);
  expect([alice!, bob!].every((one, i) => one.view(groupId16)!.headSeq > before[i]!)).toBe(true);
  alice!.publish('orders/new', 'again');
  expect(bob!.texts()).toEqual(['again']);
});

test('what got lost on the way is asked for again', () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  const groupId16 = world.group('orders/**', [alice!], [bob!]);
  bob!.subscribe('orders/**');
  let dropped = 0;
  bob!.lets = (what, bytes) => what === 'envelope' || typeOfObject(bytes) !== addressTypes.keyBlock || dropped++ > 0;
  world.authority.rotate(groupId16, world.nowMs);
  const { epoch } = alice!.view(groupId16)!;
  expect(bob!.view(groupId16)!.epoch).toBe(epoch - 1);
  world.advance(1_000);
  expect(bob!.view(groupId16)!.epoch).toBe(epoch);
});

test('a durable member goes on after a restart and takes nothing twice', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob', new MemoryStore())];
  const groupId16 = world.group('orders/**', [alice], [bob]);
  bob.subscribe('orders/**');
  const first = alice.publish('orders/new', 'first');
  world.authority.rotate(groupId16, world.nowMs, { notBeforeMs: world.nowMs + 3_000 });
  expect(bob.texts()).toEqual(['first']);
  bob.end();
  world.advance(2_000);
  bob.begin();
  bob.subscribe('orders/**');
  expect(codeOf(() => bob.client.envelope(first, world.nowMs))).toBe('E_REPLAY');
  // Up to 64 of a stream are refused after a crash, and said to be missing.
  for (let i = 2; i <= 70; i++) alice.publish('orders/new', `${i}`);
  expect(bob.deliveries[0]).toMatchObject({ seq: 66, gaps: [{ from: 2, to: 65 }] });
  expect(bob.texts()).toEqual(['66', '67', '68', '69', '70']);
  bob.refusals();
  // The old epoch drains, and a new process brings a new stream.
  world.advance(2_000);
  alice.publish('orders/new', 'next epoch');
  expect(bob.texts()).toEqual(['next epoch']);
  expect(bob.refusals()).toEqual([]);
});

test('a volatile member refuses after a restart what may have been before it', () => {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group('orders/**', [alice], [bob], { blockKind: keyBlockKinds.completeSubtree });
  bob.subscribe('orders/**');
  const first = alice.publish('orders/new', 'first');
  expect(bob.texts()).toEqual(['first']);
  bob.end();
  world.advance(5_000);
  bob.begin();
  bob.subscribe('orders/**');
  expect(codeOf(() => bob.client.envelope(first, world.nowMs))).toBe('E_TOO_OLD');
  world.advance(30_500);
  alice.publish('orders/new', 'after');
  expect(bob.texts()).toEqual(['after']);
});

test('patterns.6: numbers that are missing are a gap until they come', () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  world.group('orders/**', [alice!], [bob!]);
  bob!.subscribe('orders/**');
  bob!.holds = true;
  for (let i = 1; i <= 6; i++) alice!.publish('orders/new', `${i}`);
  bob!.release([1, 4, 2, 5]);
  const gaps = bob!.events.flatMap((event) =>
    event.type === 'gap' || event.type === 'filled' ? [[event.type, event.range]] : [],
  );
  expect(gaps).toEqual([
    ['gap', { from: 1, to: 1 }],
    ['gap', { from: 3, to: 4 }],
    ['filled', { from: 3, to: 3 }],
  ]);
});

test('who hears of a higher head than its own stops sealing after 5 s, until it has it', () => {
  const world = new World();
  const [alice, bob] = ['alice', 'bob'].map((name) => world.join(name));
  const groupId16 = world.group('orders/**', [alice!, bob!], [alice!, bob!]);
  for (const one of [alice!, bob!]) one.subscribe('orders/**');
  bob!.lets = (what) => what === 'envelope';
  world.advance(20_000);
  expect(alice!.view(groupId16)!.headSeq).toBeGreaterThan(bob!.view(groupId16)!.headSeq);
  alice!.publish('orders/new', 'I have a newer head');
  expect(bob!.texts()).toEqual(['I have a newer head']);
  world.advance(4_999, 4_999);
  bob!.publish('orders/new', 'still');
  world.advance(1, 1);
  expect(codeOf(() => bob!.publish('orders/new', 'no more'))).toBe('E_STALE');
  bob!.lets = () => true;
  world.advance(1_000);
  bob!.publish('orders/new', 'again');
});

test('a broker that ends a subscription is asked again when the policy lets it', () => {
  const world = new World();
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => world.join(name));
  const pattern = 'orders/**';
  world.group(pattern, [alice!], [bob!, carol!]);
  bob!.subscribe(pattern);
  const grant = { keyId32: bob!.keyId32, action: 'subscribe' as const, pattern };
  world.authority.withdraw(grant, world.nowMs);
  alice!.publish('orders/new', 'not for bob');
  expect(bob!.texts()).toEqual([]);
  expect(world.relayEvents.some(({ type }) => type === 'ended')).toBe(true);
  world.authority.grant(grant, world.nowMs);
  alice!.publish('orders/new', 'for bob');
  world.advance(5_000);
  alice!.publish('orders/new', 'for bob too');
  expect(bob!.texts()).toContain('for bob too');
});
