import type { Work } from '@tridcomm/core';
import { expect, test } from 'vitest';
import { runWork, type WorkToRun } from '../../src/client/run-work.ts';
import { MemoryEffectStore } from '../../src/effects/memory-effect-store.ts';
import { StoreError } from '../../src/store/fs-error.ts';

const hour = 3_600_000;

function toRun(kind: WorkToRun['kind'], number: number, inMs: number): WorkToRun {
  const work: Work = {
    id32: new Uint8Array(32),
    leaf: 0,
    index: 0,
    key16: new Uint8Array(16).fill(number),
    deadlineMs: Date.now() + inMs,
    body: new Uint8Array(1),
    isLate: false,
  };
  const [requesterKeyId32, frontId16] = [new Uint8Array(32), new Uint8Array(16)];
  return { kind, topic: 'a', work, requesterKeyId32, frontId16, sealedMs: Date.now() };
}

const resultOf = async (store: MemoryEffectStore, work: WorkToRun) => {
  const result = await runWork(store, work, async () => new Uint8Array(600));
  return 'code' in result ? `${result.type} ${result.code}` : result.type;
};

test('of a store that is full who asked hears, and a job goes back, as there may be room later', async () => {
  const store = new MemoryEffectStore({ bornMs: 0, maxBytes: 1_000 });
  expect(await resultOf(store, toRun('job', 1, 60_000))).toBe('done');
  expect(await resultOf(store, toRun('job', 2, 60_000))).toBe('unknown');
  expect(await resultOf(store, toRun('request', 3, 60_000))).toBe('refused E_LIMIT');
});

test('the same where the result is what has no room', async () => {
  const store = new MemoryEffectStore({ bornMs: 0, maxBytes: 800 });
  expect(await resultOf(store, toRun('job', 1, 60_000))).toBe('unknown');
  expect(await resultOf(store, toRun('request', 2, 60_000))).toBe('refused E_LIMIT');
});

test('a deadline that is beyond the retention is so for every copy, also of a job', async () => {
  const store = new MemoryEffectStore({ bornMs: 0, retentionMs: hour });
  for (const kind of ['job', 'request'] as const) {
    expect(await resultOf(store, toRun(kind, 1, hour))).toBe('refused E_LIMIT');
  }
});

test('a store that fails under a handler sends the work back; what a handler that has none throws is its answer', async () => {
  const failing = async (): Promise<Uint8Array> => Promise.reject(new StoreError('the store went away'));
  const store = new MemoryEffectStore({ bornMs: 0 });
  expect((await runWork(store, toRun('request', 1, 60_000), failing)).type).toBe('unknown');
  expect((await runWork('idempotent', toRun('request', 1, 60_000), failing)).type).toBe('failed');
  expect(await resultOf(store, toRun('request', 1, 60_000))).toBe('done');
});
