import { expect, test } from 'vitest';
import type { EffectMap } from '../../src/effects/effect-map.ts';
import { ConflictError, type EffectStore } from '../../src/effects/effect-store.ts';
import { MemoryEffectStore } from '../../src/effects/memory-effect-store.ts';
import { runOnce } from '../../src/effects/run-once.ts';
import { workHash32 } from '../../src/effects/work-hash.ts';
import { leaseMs, runOf, startMs, text, workOf } from './works.ts';

const now = (): number => startMs;

test('replay.31: the handler runs for the first, and copies get its result', async () => {
  const store = new MemoryEffectStore({ bornMs: 0 });
  let runs = 0;
  const handler = async (): Promise<Uint8Array> => text(`run ${++runs}`);
  expect(await runOnce(store, workOf(1), leaseMs, now, handler)).toEqual({
    status: 'done',
    result: text('run 1'),
    isNew: true,
  });
  expect(await runOnce(store, workOf(1), leaseMs, now, handler)).toEqual({
    status: 'done',
    result: text('run 1'),
    isNew: false,
  });
  expect(runs).toBe(1);
});

test('a copy that comes while the handler runs learns just that', async () => {
  const store = new MemoryEffectStore({ bornMs: 0 });
  let release: (result: Uint8Array) => void = () => undefined;
  const first = runOnce(store, workOf(1), leaseMs, now, () => new Promise((resolve) => (release = resolve)));
  expect(await runOnce(store, workOf(1), leaseMs, now, async () => text(''))).toEqual({ status: 'running' });
  release(text('r'));
  expect(await first).toMatchObject({ status: 'done', isNew: true });
});

test('a handler that throws has had no effect, and the next copy runs', async () => {
  const store = new MemoryEffectStore({ bornMs: 0 });
  const failing = runOnce(store, workOf(1), leaseMs, now, async (transaction) => {
    transaction.put('a', text('1'));
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  const seen = await runOnce(store, workOf(1), leaseMs, now, async () => text(''));
  expect(seen).toMatchObject({ status: 'done', isNew: true });
  expect((await runOf(store, workOf(2))).transaction.get('a')).toBeUndefined();
});

test('where transactions meet, handlers run again until each had its effect', async () => {
  const store = new MemoryEffectStore({ bornMs: 0 });
  let runs = 0;
  const handler = async (transaction: EffectMap): Promise<Uint8Array> => {
    runs++;
    const count = transaction.get('all')?.[0] ?? 0;
    await new Promise((resolve) => setImmediate(resolve));
    transaction.put('all', Uint8Array.of(count + 1));
    return text('');
  };
  const works = Array.from({ length: 20 }, (_, i) => runOnce(store, workOf(i), leaseMs, now, handler));
  for (const outcome of await Promise.all(works)) expect(outcome).toMatchObject({ status: 'done', isNew: true });
  expect((await runOf(store, workOf(100))).transaction.get('all')).toEqual(Uint8Array.of(20));
  expect(runs).toBeGreaterThan(20);
});

test('conflicts without an end are told, and the first failure counts where abandoning fails too', async () => {
  let begun = 0;
  const store: EffectStore<string> = {
    begin: async () => ({ status: 'run', run: { transaction: `${++begun}` } }),
    commit: async () => {
      throw new ConflictError('always');
    },
    abandon: async () => {
      throw new Error('gone');
    },
  };
  await expect(runOnce(store, workOf(1), leaseMs, now, async () => text(''))).rejects.toThrow(ConflictError);
  expect(begun).toBe(64);
});

test('what is compared are kind, topic and body', () => {
  const asked = { kind: 'request', topic: 'a/b', body: text('c') } as const;
  const others = [
    { ...asked, kind: 'job' },
    { ...asked, topic: 'a' },
    { ...asked, body: text('/bc') },
  ] as const;
  const hashes = [asked, ...others, { ...asked, topic: 'a', body: text('/b\0c') }].map((one) => workHash32(one).join());
  expect(new Set(hashes).size).toBe(5);
  expect(workHash32(asked)).toHaveLength(32);
  expect(workHash32({ ...asked })).toEqual(workHash32(asked));
});
