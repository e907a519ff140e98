import { expect, it } from 'vitest';
import { labels } from '../../src/codepoints/labels.gen.ts';
import { objectKinds } from '../../src/codepoints/object-kinds.gen.ts';
import { encodeBody } from '../../src/keys/body.ts';
import type { GroupRecordFields } from '../../src/keys/group-record.ts';
import { checkDerivedKey, derivePoolKeyPair, poolKeyPairOf } from '../../src/keys/pool-key.ts';
import { decodePoolRecord, encodePoolRecordBody, type PoolRecordFields } from '../../src/keys/pool-record.ts';
import { parseObject } from '../../src/keys/signed-object.ts';
import type { SigningKey } from '../../src/keys/signing-key.ts';
import type { Trust } from '../../src/keys/trust.ts';
import type { OpenedBlock } from '../../src/keys/member-keys.ts';
import { codeOf, filled, keyOf, now, provider, World } from './support.ts';

const world = new World();
const [frontId16, crewId16] = [filled(16, 0x0f), filled(16, 0x0c)];
const ofPool: Partial<GroupRecordFields> = { topicChains: false, maxHeadAgeMs: 60_000 };
const front = (change = {}) => world.group({ ...ofPool, purpose: 4, groupId16: frontId16, crewId16, ...change });
const crew = (change = {}) => world.group({ ...ofPool, purpose: 5, groupId16: crewId16, ...change });
const keyPair = derivePoolKeyPair(provider, filled(32, 0x5e), filled(32, 0xc7));

function fields(change: Partial<PoolRecordFields> = {}): PoolRecordFields {
  return {
    groupId16: frontId16,
    crewId16,
    generation: 2,
    epoch: 9,
    blockHash32: filled(32, 0xb1),
    suite: 1,
    publicKey32: keyPair.publicKey,
    notBeforeMs: now,
    notAfterMs: now + 3_600_000,
    revokes: false,
    ...change,
  };
}

function sign(body: Uint8Array, key: SigningKey = world.controller, label: string = labels.pool): Uint8Array {
  return world.object(objectKinds.poolRecord, body, [{ label, key }]);
}

const record = (change: Partial<PoolRecordFields> = {}, key?: SigningKey): Uint8Array =>
  sign(encodePoolRecordBody(fields(change)), key);

function node(groups: readonly Uint8Array[] = [front(), crew()]): Trust {
  const trust = world.trust();
  for (const group of groups) trust.takeGroupRecord(group, now);
  return trust;
}

const take = (bytes: Uint8Array, trust = node(), nowMs = now): string =>
  codeOf(() => trust.takePoolRecord(bytes, nowMs));

it('patterns.9 principals.8 is taken by the checks of its section, in their order', () => {
  expect(take(record())).toBe('held');
  expect(take(record({ notBeforeMs: now + 2, notAfterMs: now + 1 }))).toBe('E_ENCODING');
  expect(take(record({ crewId16: frontId16 }))).toBe('E_ENCODING');
  for (const publicKey32 of [filled(32, 0), filled(32, 0xff), Uint8Array.of(1, ...new Uint8Array(31))]) {
    const body = encodeBody('PoolRecord', {
      group_id16: frontId16,
      crew_id16: crewId16,
      generation: 1,
      epoch: 1,
      block_hash32: filled(32, 1),
      suite: 1,
      public_key32: publicKey32,
      not_before_ms: now,
      not_after_ms: now,
    });
    expect(take(sign(body))).toBe('E_KEY');
  }
  const body = encodePoolRecordBody(fields());
  expect(take(world.object(objectKinds.poolRecord, body, []))).toBe('E_SIG');
  expect(take(record(), world.trust())).toBe('E_POLICY');
  expect(take(record(), node([front()]))).toBe('E_POLICY');
  expect(take(record(), node([crew()]))).toBe('E_POLICY');
  expect(take(record(), node([world.group({ groupId16: frontId16 }), crew()]))).toBe('E_BINDING');
  expect(take(record(), node([front({ crewId16: filled(16, 7) }), crew()]))).toBe('E_BINDING');
  expect(take(record(), node([front(), crew({ purpose: 1 })]))).toBe('E_BINDING');
  expect(take(record({ suite: 2 }, keyOf(99)))).toBe('E_SUITE');
  expect(take(record({}, keyOf(99)))).toBe('E_POLICY');
  expect(take(sign(body, world.controller, labels.groupRecord))).toBe('E_SIG');
  // Of the interval the end counts alone.
  expect(take(record({ notBeforeMs: now + 9_000_000, notAfterMs: now + 9_000_000 }))).toBe('held');
  expect(take(record(), node(), now + 3_600_000 + 30_000)).toBe('held');
  expect(take(record(), node(), now + 3_600_000 + 30_001)).toBe('E_EXPIRED');
});

it('patterns.10 principals.10 only rises, and a rival is a fork', () => {
  const trust = node();
  expect(take(record(), trust)).toBe('held');
  expect(take(record(), trust)).toBe('known');
  expect(take(record({ revokes: true }), trust)).toBe('E_FORK');
  expect(take(record({ epoch: 8 }), trust)).toBe('E_EPOCH');
  expect(take(record({ generation: 1, epoch: 99 }), trust)).toBe('E_EPOCH');
  expect(take(record({ generation: 3, epoch: 1 }), trust)).toBe('held');
  // The one before may be sealed by until the newest has begun.
  expect(take(record(), trust)).toBe('known');
  expect(take(record({ revokes: true }), trust)).toBe('E_EPOCH');
  expect(trust.poolRecord(frontId16)).toMatchObject({ generation: 3, epoch: 1, revokes: false });
  expect(take(record({ generation: 3, epoch: 2 }), trust)).toBe('held');
  expect([take(record({ generation: 3, epoch: 1 }), trust), take(record(), trust)]).toEqual(['known', 'E_EPOCH']);
});

it('principals.37 is taken back with the bundle that it came in', () => {
  const trust = node();
  trust.takePoolRecord(record(), now);
  const undo = trust.mark();
  trust.takePoolRecord(record({ epoch: 10 }), now);
  undo();
  expect(trust.poolRecord(frontId16)?.epoch).toBe(9);
});

it('patterns.13 patterns.14 has the key that the crew derives, from a block of a crew alone', () => {
  const block = (purpose: number) =>
    ({
      header: { purpose },
      epochSecret32: filled(32, 0x5e),
      groupContext32: filled(32, 0xc7),
    }) as unknown as OpenedBlock;
  for (const purpose of [1, 2, 3, 4]) expect(codeOf(() => poolKeyPairOf(provider, block(purpose)))).toBe('E_POLICY');
  const own = poolKeyPairOf(provider, block(5));
  expect(own).toEqual(keyPair);
  const read = (change: Partial<PoolRecordFields>) =>
    decodePoolRecord(provider, parseObject(provider, record(change), objectKinds.poolRecord));
  expect(codeOf(() => checkDerivedKey(own, read({})))).toBe('ok');
  const other = derivePoolKeyPair(provider, filled(32, 0x5e), filled(32, 0xc8)).publicKey;
  expect(codeOf(() => checkDerivedKey(own, read({ publicKey32: other })))).toBe('E_FORK');
});
