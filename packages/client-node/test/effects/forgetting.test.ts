import { expect, test } from 'vitest';
import { MemoryEffectStore } from '../../src/effects/memory-effect-store.ts';
import { doneResultOf, leaseMs, runOf, startMs, text, workOf } from './works.ts';

const retentionMs = 600_000;

/** A store that did work 1, whose deadline is a minute on. */
async function storeWithOne(): Promise<MemoryEffectStore> {
  const store = new MemoryEffectStore({ bornMs: 0, retentionMs });
  await store.commit(await runOf(store, workOf(1)), text('r'));
  return store;
}

test('by default what was done is known for 24 h', async () => {
  const store = new MemoryEffectStore({ bornMs: 0 });
  await store.commit(await runOf(store, workOf(1)), text('r'));
  expect(await doneResultOf(store, workOf(1), startMs + 86_400_000)).toEqual(text('r'));
});

test('replay.33: a copy that comes after its key was forgotten is late, also where the clock goes back', async () => {
  const store = await storeWithOne();
  expect(await doneResultOf(store, workOf(1), startMs + retentionMs)).toEqual(text('r'));
  const laterMs = startMs + retentionMs + 60_000;
  await expect(store.begin(workOf(1), leaseMs, laterMs)).rejects.toMatchObject({ code: 'E_EXPIRED' });
  await expect(store.begin(workOf(1), leaseMs, startMs)).rejects.toMatchObject({ code: 'E_EXPIRED' });
  // Nobody else is late by that.
  await runOf(store, workOf(2, { deadlineMs: startMs + 60_001 }));
  // Without a deadline only the freshness of envelopes stands against it.
  await runOf(store, workOf(1, { deadlineMs: 0 }));
});

test('a deadline that is over is E_EXPIRED, and that of a work that was done is not looked at', async () => {
  const store = await storeWithOne();
  await expect(store.begin(workOf(2), leaseMs, startMs + 60_001)).rejects.toMatchObject({ code: 'E_EXPIRED' });
  await runOf(store, workOf(2), startMs + 60_000);
  expect(await doneResultOf(store, workOf(1), startMs + 60_001)).toEqual(text('r'));
});

test('replay.33: a deadline has to lie so far within the retention that no copy outlives its key', async () => {
  const store = await storeWithOne();
  const latestMs = startMs + retentionMs - 150_000;
  await expect(store.begin(workOf(2, { deadlineMs: latestMs + 1 }), leaseMs, startMs)).rejects.toMatchObject({
    code: 'E_LIMIT',
  });
  await store.commit(await runOf(store, workOf(2, { deadlineMs: latestMs })), text('r'));
  expect(await doneResultOf(store, workOf(2), latestMs + 150_000)).toEqual(text('r'));
});

test('a clock that was ahead for a while stops nothing for longer than the retention', async () => {
  const store = new MemoryEffectStore({ bornMs: startMs + 1_000 * retentionMs, retentionMs });
  const aheadMs = startMs + 1_000 * retentionMs + 31_000;
  const ahead = { sealedMs: aheadMs, deadlineMs: aheadMs + 1_000 };
  await store.commit(await runOf(store, workOf(1, ahead), aheadMs), text('r'));
  const furtherMs = aheadMs + 2 * retentionMs;
  await expect(store.begin(workOf(1, ahead), leaseMs, furtherMs)).rejects.toMatchObject({ code: 'E_EXPIRED' });
  const far = { sealedMs: furtherMs, deadlineMs: furtherMs + 1_000 };
  await store.commit(await runOf(store, workOf(2, far), furtherMs), text('r'));
  // It is right again.
  await expect(store.begin(workOf(3), leaseMs, startMs)).rejects.toMatchObject({ code: 'E_TOO_OLD' });
  const soon = { sealedMs: startMs + 30_001 };
  await expect(store.begin(workOf(3, soon), leaseMs, startMs)).rejects.toMatchObject({ code: 'E_EXPIRED' });
  const laterMs = startMs + retentionMs + 1;
  const later = { sealedMs: laterMs, deadlineMs: laterMs + 1_000 };
  await runOf(store, workOf(4, later), laterMs);
  // What was done by the false clock is forgotten by the right one, and leaves nothing behind.
  await runOf(store, workOf(2, later), laterMs);
});

test('replay.34: what was sealed before the store began, or up to 30 s after, is E_TOO_OLD, and then it works', async () => {
  const store = new MemoryEffectStore({ bornMs: startMs });
  for (const sealedMs of [0, startMs - 1, startMs, startMs + 30_000]) {
    await expect(store.begin(workOf(1, { sealedMs }), leaseMs, startMs + 1_000)).rejects.toMatchObject({
      code: 'E_TOO_OLD',
    });
  }
  await store.commit(await runOf(store, workOf(1, { sealedMs: startMs + 30_001 })), text('r'));
  // What it did it knows, whenever a copy was sealed.
  expect(await doneResultOf(store, workOf(1))).toEqual(text('r'));
});

test('by default a store begins now', async () => {
  const nowMs = Date.now();
  const store = new MemoryEffectStore();
  const soon = { sealedMs: nowMs + 5_000, deadlineMs: nowMs + 60_000 };
  await expect(store.begin(workOf(1, soon), leaseMs, nowMs)).rejects.toMatchObject({ code: 'E_TOO_OLD' });
});
