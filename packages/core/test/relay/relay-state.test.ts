import { expect, test } from 'vitest';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { hexOf } from '../../src/client/hex.ts';
import { Identity } from '../../src/client/identity.ts';
import { addressOf } from '../../src/keys/address.ts';
import { decodeBundle, encodeBundle } from '../../src/keys/bundle.ts';
import { typeOfObject } from '../../src/relay/object-form.ts';
import { RelayState } from '../../src/relay/relay-state.ts';
import { parseEnvelope } from '../../src/wire/envelope.ts';
import { codeOf, World, type Member } from '../client/world.ts';

const pattern = 'orders/**';

/** A world with a second broker, which is given everything by hand. */
function setUp(): { world: World; state: RelayState; alice: Member; bob: Member; groupId16: Uint8Array } {
  const world = new World();
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  const groupId16 = world.group(pattern, [alice], [bob]);
  bob.subscribe(pattern);
  const { provider, authority } = world;
  const state = new RelayState({ provider, authorityId32: authority.authorityId32 });
  for (const bundle of world.bundles) state.judge(bundle, world.nowMs).commit(world.nowMs);
  return { world, state, alice, bob, groupId16 };
}

function principal({ keyId32 }: Member): { keyId32: Uint8Array; keyId: string } {
  return { keyId32, keyId: hexOf(keyId32) };
}

test('a bundle counts when it is committed, and a refused one never did', () => {
  const { world, state, alice } = setUp();
  const before = world.bundles.length;
  world.authority.revoke(alice.keyId32, world.nowMs);
  const bundle = world.bundles[before]!;
  const spoilt = encodeBundle([...decodeBundle(bundle), { address16: new Uint8Array(16), bytes: bundle }]);
  expect(codeOf(() => state.judge(spoilt, world.nowMs))).toBe('E_ENCODING');
  const judged = state.judge(bundle, world.nowMs);
  expect(state.isRevoked(alice.keyId32, 1)).toBe(false);
  judged.commit(world.nowMs);
  expect(state.isRevoked(alice.keyId32, 1)).toBe(true);
  expect(state.judge(bundle, world.nowMs).objects).toEqual([]);
});

test('delivery.7: a signature is verified with what the block of the epoch is bound to', () => {
  const { world, state, alice, bob, groupId16 } = setUp();
  const envelope = alice.publish('orders/new', 'x');
  const view = parseEnvelope(envelope);
  expect(state.checkEnvelope(principal(alice), view, world.nowMs)).toEqual(groupId16);
  const { publicKey32 } = alice.identity.key;
  const verify = (bytes: Uint8Array, key = publicKey32): string | undefined =>
    codeOf(() => state.verifyEnvelope(principal(alice), key, parseEnvelope(bytes), groupId16, world.nowMs));
  expect(verify(envelope)).toBe(undefined);
  expect(verify(envelope, bob.identity.key.publicKey32)).toBe('E_SIG');
  for (const at of [60, 100, envelope.length - 70, envelope.length - 1]) {
    const flipped = new Uint8Array(envelope);
    flipped[at]! ^= 1;
    expect([at, ['E_SIG', 'E_EXT', 'E_LENGTH', 'E_ENCODING', 'E_LIMIT'].includes(verify(flipped)!)]).toEqual([
      at,
      true,
    ]);
  }
  const later = new Uint8Array(envelope);
  later[27]! += 1;
  expect(verify(later)).toBe('E_EPOCH');
  expect(codeOf(() => state.verifyEnvelope(principal(alice), publicKey32, view, bob.keyId32.subarray(0, 16), 0))).toBe(
    'E_EPOCH',
  );
});

test('an epoch that drains is verified still, and not when it has drained', () => {
  const { world, state, alice, groupId16 } = setUp();
  const view = parseEnvelope(alice.publish('orders/new', 'x'));
  const before = world.bundles.length;
  world.authority.rotate(groupId16, world.nowMs);
  for (const bundle of world.bundles.slice(before)) state.judge(bundle, world.nowMs).commit(world.nowMs);
  const { publicKey32 } = alice.identity.key;
  const verify = (nowMs: number): string | undefined =>
    codeOf(() => state.verifyEnvelope(principal(alice), publicKey32, view, groupId16, nowMs));
  expect(verify(world.nowMs)).toBe(undefined);
  expect(verify(world.nowMs + 700_000)).toBe('E_EPOCH');
});

test('what is retained restores another state, in one go or each object alone, whatever the age of its heads', () => {
  const { world, state, alice, bob } = setUp();
  const before = world.bundles.length;
  world.authority.revoke(alice.keyId32, world.nowMs);
  for (const bundle of world.bundles.slice(before)) state.judge(bundle, world.nowMs).commit(world.nowMs);
  const objects = state.objects(world.nowMs);
  const { provider, authority } = world;
  const laterMs = world.nowMs + 600_000;
  for (const atMs of [world.nowMs, laterMs]) {
    const restored = new RelayState({ provider, authorityId32: authority.authorityId32 });
    expect(restored.restore(objects, atMs)).toBe(0);
    expect(restored.objects(world.nowMs)).toEqual(objects);
    expect(restored.isRevoked(alice.keyId32, 1)).toBe(true);
    expect(restored.isRevoked(bob.keyId32, 1)).toBe(false);
  }
  const heads = objects.filter(({ bytes }) => typeOfObject(bytes) === addressTypes.head);
  expect(heads).toHaveLength(1);
  expect(codeOf(() => state.judge(encodeBundle(heads), laterMs))).toBe('E_STALE');
  const one = new RelayState({ provider, authorityId32: authority.authorityId32 });
  const left = objects.map((object) => one.restore([object], world.nowMs));
  expect(left.every((count) => count === 0)).toBe(true);
  // A clock of ten years later has nothing but what no time ends.
  const old = new RelayState({ provider, authorityId32: authority.authorityId32 });
  expect(old.restore(objects, world.nowMs + 3e11)).toBeGreaterThan(5);
});

test('objects that are no objects are left out of a restore', () => {
  const { world, state } = setUp();
  const { provider, authority } = world;
  const restored = new RelayState({ provider, authorityId32: authority.authorityId32 });
  const junk = { address16: new Uint8Array(16), bytes: new Uint8Array(20) };
  const short = { address16: new Uint8Array(16), bytes: new TextEncoder().encode('TDHD') };
  const objects = state.objects(world.nowMs);
  expect(restored.restore([junk, short, ...objects], world.nowMs)).toBe(2);
  expect(restored.objects(world.nowMs)).toEqual(objects);
});

test('principals.10: what a link taught the trust is told, retained once, and may come once more in a bundle', () => {
  const world = new World();
  const { provider, authority } = world;
  const told: Uint8Array[] = [];
  const state = new RelayState({
    provider,
    authorityId32: authority.authorityId32,
    onAuthorityRecord: ({ bytes }) => told.push(bytes),
  });
  const identity = Identity.create(provider, world.random, world.nowMs);
  const record = authority.issue(identity.key, { name: 'alice' }, world.nowMs);
  const first = world.bundles
    .flatMap((bundle) => decodeBundle(bundle))
    .find(({ bytes }) => typeOfObject(bytes) === addressTypes.authorityRecord)!;
  state.trust.takeAuthorityRecord(first.bytes, world.nowMs);
  state.trust.takeAuthorityRecord(first.bytes, world.nowMs);
  state.trust.takePrincipalRecord(record, world.nowMs);
  expect(told).toEqual([first.bytes]);
  expect(state.authorityRecords).toEqual([first.bytes]);
  for (const bundle of world.bundles) state.judge(bundle, world.nowMs).commit(world.nowMs);
  expect(state.authorityRecords).toEqual([first.bytes]);
  expect(told).toHaveLength(1);
  const address16 = addressOf(provider, authority.authorityId32, addressTypes.principalRecord, identity.key.keyId32);
  expect(state.retained(address16, world.nowMs)).toEqual([record]);
});

test('principals.10: a record that a link teaches before the one in front of it is committed stands behind it', () => {
  const { world, state } = setUp();
  const before = world.bundles.length;
  world.authority.delegate(world.nowMs);
  world.authority.delegate(world.nowMs);
  const records = world.bundles
    .slice(before)
    .flatMap((bundle) => decodeBundle(bundle))
    .filter(({ bytes }) => typeOfObject(bytes) === addressTypes.authorityRecord);
  expect(records).toHaveLength(2);
  const held = state.authorityRecords.length;
  const judged = state.judge(encodeBundle([records[0]!]), world.nowMs);
  state.trust.takeAuthorityRecord(records[1]!.bytes, world.nowMs);
  judged.commit(world.nowMs);
  expect(state.authorityRecords.slice(held)).toEqual(records.map(({ bytes }) => bytes));
});
