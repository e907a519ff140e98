import { Identity, MemoryStore, type PrincipalRecord } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import { beforeEach, expect, test } from 'vitest';
import { random } from '../../src/client/random.ts';
import { Renewals, type AuthorityAccess } from '../../src/client/renewals.ts';
import type { ClientStatus } from '../../src/client/status.ts';
import { names } from '../../src/store/identity-store.ts';

const dayMs = 86_400_000;
const record = Uint8Array.of(1, 2, 3);
let store: MemoryStore;
let told: ClientStatus[];
let asked: string[];
let fails: boolean;
beforeEach(() => {
  store = new MemoryStore();
  told = [];
  asked = [];
  fails = false;
});

/** Somebody who renews, and keeps a list of what was asked of it. */
function accessThatCounts(): AuthorityAccess {
  const answer = async (what: string) => {
    asked.push(what);
    if (fails) throw new Error('away');
    return Promise.resolve();
  };
  return {
    keyRecord: async (bytes) => answer(`key record ${bytes.length}`),
    principalRecord: async (name) => answer(`record of ${name}`),
  };
}

/** With a record from day 0 to day 30. */
function renewals(access: AuthorityAccess): Renewals {
  const own = { name: 'alice', notBeforeMs: 0, notAfterMs: 30 * dayMs } as PrincipalRecord;
  const identity = Identity.create(nodeProvider, random, 0);
  return new Renewals({ identity, store, access, own: () => own, tell: (status) => told.push(status) });
}

const settle = async () => new Promise((resolve) => setImmediate(resolve));

test('a key record is handed in, and not kept when that went well; the identity is stored before', async () => {
  const one = renewals(accessThatCounts());
  one.tick(0);
  expect(asked).toEqual([]);
  one.keep(record);
  expect(store.get(names.identity)).toBeDefined();
  one.tick(1);
  await settle();
  expect(asked).toEqual(['key record 3']);
  expect(store.get(names.keyRecord)).toBeUndefined();
  one.tick(60_001);
  expect(asked.length).toBe(1);
});

test('one that is not taken is kept, told, and handed in again after a minute', async () => {
  const one = renewals(accessThatCounts());
  fails = true;
  one.keep(record);
  one.tick(0);
  one.tick(59_999);
  await settle();
  expect(asked.length).toBe(1);
  expect(told).toEqual([{ type: 'keyRecord', bytes: record, error: new Error('away') }]);
  fails = false;
  one.tick(60_000);
  await settle();
  expect(asked.length).toBe(2);
  expect(store.get(names.keyRecord)).toBeUndefined();
});

test('a newer one that was made meanwhile is not lost', async () => {
  const one = renewals(accessThatCounts());
  one.keep(record);
  one.tick(0);
  one.keep(Uint8Array.of(9));
  await settle();
  expect(store.get(names.keyRecord)).toEqual(Uint8Array.of(9));
  one.tick(1);
  await settle();
  expect(asked).toEqual(['key record 3', 'key record 1']);
});

test('the record of the principal is renewed when a third of its time is over, tried once an hour', async () => {
  const one = renewals(accessThatCounts());
  one.tick(10 * dayMs - 2 * 3_600_000);
  expect(asked).toEqual([]);
  fails = true;
  one.tick(10 * dayMs);
  one.tick(10 * dayMs + 3_599_999);
  await settle();
  expect(asked).toEqual(['record of alice']);
  expect(told).toEqual([{ type: 'recordEnds', atMs: 30 * dayMs, error: new Error('away') }]);
  fails = false;
  one.tick(10 * dayMs + 3_600_000);
  await settle();
  expect([asked.length, told.length]).toEqual([2, 1]);
});

test('without anybody to ask, what ends is told when two thirds are over', () => {
  const one = renewals({ keyRecord: undefined, principalRecord: undefined });
  one.keep(record);
  one.tick(15 * dayMs);
  one.tick(16 * dayMs);
  expect(told).toEqual([{ type: 'keyRecord', bytes: record, error: undefined }]);
  one.tick(20 * dayMs);
  expect(told[1]).toEqual({ type: 'recordEnds', atMs: 30 * dayMs, error: undefined });
});

test('after the end nothing is told, and nothing is written', async () => {
  const one = renewals(accessThatCounts());
  one.keep(record);
  fails = true;
  one.tick(0);
  one.close();
  await settle();
  expect(told).toEqual([]);
  expect(store.get(names.keyRecord)).toEqual(record);
});
