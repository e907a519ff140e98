import { expect, test } from 'vitest';
import { readU64 } from '../../src/bytes/bytes.ts';
import { Client } from '../../src/client/client.ts';
import { Identity } from '../../src/client/identity.ts';
import { MemoryStore, type ClientStore } from '../../src/client/store.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { addressOf } from '../../src/keys/address.ts';
import { decodeBundle } from '../../src/keys/bundle.ts';
import { typeOfObject } from '../../src/relay/object-form.ts';
import { codeOf, World, type Member } from './world.ts';

const pattern = 'orders/**';

/** A store whose machine stops at one of its writes, before it or after it. */
class CrashingStore implements ClientStore {
  readonly disk: MemoryStore;
  writes = 0;
  /** The write after which nothing is written any more. */
  lastWrite = Infinity;

  constructor(disk: MemoryStore) {
    this.disk = disk;
  }

  get(name: string): Uint8Array | undefined {
    return this.disk.get(name);
  }

  put(name: string, value: Uint8Array): void {
    this.#write(() => this.disk.put(name, value));
  }

  delete(name: string): void {
    this.#write(() => this.disk.delete(name));
  }

  entries(prefix: string): [string, Uint8Array][] {
    return this.disk.entries(prefix);
  }

  #write(write: () => void): void {
    if (this.writes >= this.lastWrite) throw new Error('crashed');
    this.writes++;
    write();
  }
}

function setUp(store: ClientStore | undefined): { world: World; alice: Member; bob: Member; groupId16: Uint8Array } {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob', store)];
  const groupId16 = world.group(pattern, [alice], [bob], { drainMs: 5_000, epochLifeMs: 60_000 });
  bob.subscribe(pattern);
  world.advance(1_000);
  return { world, alice, bob, groupId16 };
}

function retained(world: World, type: number, id: Uint8Array): readonly Uint8Array[] {
  return world.relay.retained(addressOf(world.provider, world.authority.authorityId32, type, id));
}

test.each([
  ['volatile', undefined],
  ['durable', new MemoryStore()],
])('an epoch of a %s member that a wrong clock closed does not begin again', (_name, store) => {
  const { world, alice, bob, groupId16 } = setUp(store);
  const envelope = alice.publish('orders/new', 'pay 100');
  expect(bob.texts()).toEqual(['pay 100']);
  bob.client.tick(world.nowMs + 4 * 3_600_000);
  const again = () => codeOf(() => bob.client.envelope(envelope, world.nowMs));
  again();
  for (const block of retained(world, addressTypes.keyBlock, groupId16)) {
    codeOf(() => bob.client.object(addressTypes.keyBlock, block, world.nowMs));
  }
  again();
  if (store !== undefined) {
    bob.end();
    bob.begin();
    bob.subscribe(pattern);
    again();
  }
  expect(bob.texts()).toEqual([]);
  world.authority.rotate(groupId16, world.nowMs);
  alice.publish('orders/new', 'the next epoch');
  expect(bob.texts()).toEqual(['the next epoch']);
  expect(again()).toBe('E_EPOCH');
});

test('the drain of an epoch that crashed while it was stored ends once', () => {
  const store = new MemoryStore();
  const { world, alice, bob, groupId16 } = setUp(store);
  const put = store.put.bind(store);
  let isDown = false;
  store.put = (name, value) => {
    isDown ||= name.startsWith('member/');
    if (!isDown) put(name, value);
  };
  world.authority.rotate(groupId16, world.nowMs);
  expect(isDown).toBe(true);
  bob.end();
  store.put = put;
  bob.begin();
  bob.subscribe(pattern);
  const envelope = alice.publish('orders/new', 'once');
  expect(bob.texts()).toEqual(['once']);
  world.authority.rotate(groupId16, world.nowMs);
  world.advance(6_000);
  expect(codeOf(() => bob.client.envelope(envelope, world.nowMs))).toBe('E_EPOCH');
});

/** The life of a durable member up to a write; then a second life, to which everything is given once more. @returns writes */
function twoLives(lastWrite: number): number {
  const disk = new MemoryStore();
  const store = new CrashingStore(disk);
  const world = new World();
  const alice = world.join('alice');
  const identity = Identity.create(world.provider, world.random, world.nowMs);
  world.authority.issue(identity.key, { name: 'bob' }, world.nowMs);
  world.authority.takeKeyRecord(identity.keyRecord(world.authority.authorityId32, 1, world.nowMs), world.nowMs);
  disk.put('identity', identity.export());
  const fields = { patterns: [pattern], drainMs: 5_000, epochLifeMs: 60_000 };
  const groupId16 = world.authority.addGroup(fields, world.nowMs);
  const grants = [
    { keyId32: alice.keyId32, action: 'publish' as const, pattern },
    { keyId32: identity.key.keyId32, action: 'subscribe' as const, pattern },
  ];
  world.authority.grantAll(grants, world.nowMs);
  const delivered = new Map<string, number>();
  let last: string | undefined;
  const inputs: { readonly type: number; readonly bytes: Uint8Array }[] = [];
  const start = (of: ClientStore): Client => {
    const client = new Client({
      provider: world.provider,
      random: world.random,
      authorityId32: world.authority.authorityId32,
      identity: Identity.restore(world.provider, world.random, disk.get('identity')!),
      carrier: { publish() {}, subscribe() {}, unsubscribe() {}, watch() {}, fetch() {} },
      startMs: world.nowMs,
      store: of,
      onEvent: (event) => {
        if (event.type !== 'message') return;
        last = new TextDecoder().decode(event.delivery.messages[0]!.payload);
        const id = event.delivery.id32.join();
        delivered.set(id, (delivered.get(id) ?? 0) + 1);
      },
    });
    client.start(world.nowMs);
    client.subscribe(pattern, world.nowMs);
    return client;
  };
  const give = (client: Client, { type, bytes }: (typeof inputs)[number]): void => {
    codeOf(() => (type < 0 ? client.envelope(bytes, world.nowMs) : client.object(type, bytes, world.nowMs)));
  };
  let bundles = 0;
  const news = () => {
    for (; bundles < world.bundles.length; bundles++) {
      for (const { bytes } of decodeBundle(world.bundles[bundles]!)) inputs.push({ type: typeOfObject(bytes), bytes });
    }
  };
  let at = 0;
  const say = (text: string) => {
    news();
    inputs.push({ type: -1, bytes: alice.publish('orders/new', text) });
  };
  store.lastWrite = lastWrite;
  try {
    const client = start(store);
    const go = () => {
      news();
      for (; at < inputs.length; at++) give(client, inputs[at]!);
    };
    say('one');
    go();
    world.authority.rotate(groupId16, world.nowMs);
    say('two');
    go();
    // The first epoch drains and is closed, all that is stored of it is deleted.
    world.nowMs += 6_000;
    client.tick(world.nowMs);
    say('three');
    go();
  } catch (error) {
    if (!(error instanceof Error && error.message === 'crashed')) throw error;
  }
  const again = start(disk);
  news();
  for (let round = 0; round < 2; round++) for (const input of inputs) give(again, input);
  world.authority.rotate(groupId16, world.nowMs);
  say('after');
  for (const input of inputs) give(again, input);
  expect([...delivered.values()].every((times) => times === 1)).toBe(true);
  expect(last).toBe('after');
  return store.writes;
}

test('replay.22, groups.12: a crash after any write brings nothing twice, and the next life goes on', () => {
  const writes = twoLives(Infinity);
  expect(writes).toBeGreaterThan(25);
  for (let lastWrite = 0; lastWrite < writes; lastWrite++) twoLives(lastWrite);
}, 60_000);

test('groups.27: the writers of an epoch that drains outlive a restart', () => {
  const world = new World();
  const [alice, carol, bob] = [world.join('alice'), world.join('carol'), world.join('bob', new MemoryStore())];
  world.group(pattern, [alice, carol], [bob]);
  bob.subscribe(pattern);
  alice.publish('orders/new', 'known stream');
  expect(bob.texts()).toEqual(['known stream']);
  bob.holds = true;
  for (let i = 0; i < 65; i++) alice.publish('orders/new', `in flight ${i}`);
  const [inFlight] = bob.held.splice(-1);
  bob.holds = false;
  world.authority.withdraw({ keyId32: carol.keyId32, action: 'publish', pattern }, world.nowMs);
  bob.end();
  bob.begin();
  bob.subscribe(pattern);
  expect(bob.client.envelope(inFlight!, world.nowMs)).toBeDefined();
});

test('lists of writers are forgotten with their epochs, in groups of others too', () => {
  const store = new MemoryStore();
  const { world, bob } = setUp(store);
  const x = world.join('x');
  world.group('foreign/**', [x], []);
  for (let i = 0; i < 10; i++) {
    for (const one of ['foreign/**', pattern]) {
      world.authority.grant(
        { keyId32: world.join(`y${i}${one}`).keyId32, action: 'publish', pattern: one },
        world.nowMs,
      );
    }
    world.advance(6_000, 3_000);
  }
  expect(bob.view(world.authority.groupIds[0]!)).toMatchObject({ fresh: true });
  expect([...store.entries('writers/')].length).toBeLessThan(16);
});

test.each(['head', 'view/'])('principals.28: where %s cannot be stored, nothing has changed', (failing) => {
  const store = new MemoryStore();
  const { world, bob, groupId16 } = setUp(store);
  bob.lets = () => false;
  world.authority.grant({ keyId32: world.join('carol').keyId32, action: 'publish', pattern }, world.nowMs);
  const put = store.put.bind(store);
  let isFull = true;
  store.put = (name, value) => {
    if (isFull && name.startsWith(failing)) throw new Error('disk full');
    put(name, value);
  };
  const before = bob.view(groupId16);
  const floor = store.get('head');
  const give = () => {
    const policy = retained(world, addressTypes.policy, new Uint8Array(0))[0]!;
    bob.client.object(addressTypes.policy, policy, world.nowMs);
    for (const type of [addressTypes.writers, addressTypes.keyBlock, addressTypes.groupHead]) {
      bob.client.object(type, retained(world, type, groupId16).at(-1)!, world.nowMs);
    }
  };
  expect(give).toThrow('disk full');
  expect(bob.view(groupId16)).toEqual(before);
  if (failing === 'head') {
    expect(store.get('head')).toEqual(floor);
    expect(bob.client.trust.head!.headSeq).toBe(readU64(floor!, 0));
  }
  isFull = false;
  give();
  expect(bob.view(groupId16)!.headSeq).toBeGreaterThan(before!.headSeq);
});

test('principals.10: the serial of a record counts when the record itself has expired', () => {
  const store = new MemoryStore();
  const { world, alice, bob } = setUp(store);
  const old = retained(world, addressTypes.principalRecord, alice.keyId32)[0]!;
  const fields = { name: 'alice, suspended', notAfterMs: world.nowMs + 60_000 };
  world.authority.issue(alice.identity.key, fields, world.nowMs);
  world.advance(200_000, 5_000);
  bob.end();
  bob.begin();
  expect(bob.client.trust.principal(alice.keyId32)).toBeUndefined();
  expect(codeOf(() => bob.client.object(addressTypes.principalRecord, old, world.nowMs))).toBe('E_EXPIRED');
});

test('a store is of one member of one authority', () => {
  const store = new MemoryStore();
  setUp(store);
  expect(codeOf(() => new World().join('carol', store))).toBe('E_USAGE');
});
