import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EffectMap } from '../../src/effects/effect-map.ts';
import type { EffectOptions } from '../../src/effects/effect-options.ts';
import { ConflictError, RetentionError, type EffectStore } from '../../src/effects/effect-store.ts';
import { FileEffectStore } from '../../src/effects/file-effect-store.ts';
import { MemoryEffectStore } from '../../src/effects/memory-effect-store.ts';
import { SimulatedFiles } from './simulated-files.ts';
import { countUp, countsOf, doneResultOf, leaseMs, resultOf, runOf, startMs, text, workOf } from './works.ts';

type Make = (options?: EffectOptions) => Promise<EffectStore<EffectMap>>;

const kinds: [string, Make][] = [
  ['in memory', async (options = {}) => new MemoryEffectStore({ bornMs: 0, ...options })],
  [
    'in a file',
    async (options = {}) => await FileEffectStore.openOn(new SimulatedFiles().attach(), { bornMs: 0, ...options }),
  ],
];

describe.each(kinds)('effects %s', (_name, make) => {
  test('replay.31: a work is done once, and a copy gets the result of it', async () => {
    const store = await make();
    const run = await runOf(store, workOf(1));
    const result = text('r');
    countUp(run.transaction, 1);
    await store.commit(run, result);
    result.fill(0);
    expect(await store.begin(workOf(1), leaseMs, startMs + 5)).toEqual({ status: 'done', result: text('r') });
    expect(await countsOf(store, [1])).toEqual([1]);
  });

  test('requesters, fronts and keys are apart', async () => {
    const store = await make();
    await store.commit(await runOf(store, workOf(1)), text('r'));
    const others = [
      { requesterKeyId32: new Uint8Array(32) },
      { frontId16: new Uint8Array(16) },
      { key16: new Uint8Array(16) },
    ];
    for (const other of others) expect(await doneResultOf(store, workOf(1, other))).toBeUndefined();
  });

  test('replay.32: a key that comes with something else is E_FORK, while it runs and after', async () => {
    const store = await make();
    const other = workOf(1, { bodyHash32: new Uint8Array(32).fill(9) });
    const run = await runOf(store, workOf(1));
    await expect(store.begin(other, leaseMs, startMs)).rejects.toMatchObject({ code: 'E_FORK' });
    await expect(store.begin(other, leaseMs, startMs + 2 * leaseMs)).rejects.toMatchObject({ code: 'E_FORK' });
    await store.commit(run, text('r'));
    await expect(store.begin(other, leaseMs, startMs)).rejects.toMatchObject({ code: 'E_FORK' });
    expect(await doneResultOf(store, workOf(1))).toEqual(text('r'));
  });

  test('nobody begins what is under a lease; when the lease is over somebody may, and the first commit counts', async () => {
    const store = await make();
    const slow = await runOf(store, workOf(1));
    expect(await store.begin(workOf(1), leaseMs, startMs + leaseMs - 1)).toEqual({ status: 'running' });
    const fast = await runOf(store, workOf(1), startMs + leaseMs);
    countUp(slow.transaction, 1);
    countUp(fast.transaction, 1);
    await store.commit(fast, text('fast'));
    await expect(store.commit(slow, text('slow'))).rejects.toMatchObject({ code: 'E_CLOSED' });
    expect(await doneResultOf(store, workOf(1))).toEqual(text('fast'));
    expect(await countsOf(store, [1])).toEqual([1]);
  });

  test('a run whose lease is over commits where nobody has the key', async () => {
    const store = await make();
    const run = await runOf(store, workOf(1));
    await store.begin(workOf(2), leaseMs, startMs + 5 * leaseMs);
    await store.commit(run, text('late'));
    expect(await doneResultOf(store, workOf(1), startMs + 5 * leaseMs)).toEqual(text('late'));
  });

  test('a handler that is slower than its lease commits, whoever has begun since, and ends the others', async () => {
    const store = await make();
    const runs = [];
    for (let i = 0; i < 3; i++) runs.push(await runOf(store, workOf(1), startMs + i * leaseMs));
    const [slow, second, third] = runs;
    for (const run of runs) countUp(run.transaction, 1);
    await store.abandon(third!);
    await store.commit(slow!, text('slow'));
    expect(() => countUp(second!.transaction, 1)).toThrow('E_CLOSED');
    await expect(store.commit(second!, text('second'))).rejects.toMatchObject({ code: 'E_CLOSED' });
    expect(await doneResultOf(store, workOf(1))).toEqual(text('slow'));
    expect(await countsOf(store, [1])).toEqual([1]);
  });

  test('of two runs of a key that commit at a time one does, and one that fails leaves the key to the other', async () => {
    const store = await make();
    const [first, second] = [await runOf(store, workOf(1)), await runOf(store, workOf(1), startMs + leaseMs)];
    const commits = [first, second].map((run) => store.commit(run, text('r')));
    expect((await Promise.allSettled(commits)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);

    const [reader, blind] = [await runOf(store, workOf(2)), await runOf(store, workOf(2), startMs + leaseMs)];
    reader.transaction.get('a');
    const writer = await runOf(store, workOf(3));
    writer.transaction.put('a', text('1'));
    await store.commit(writer, text(''));
    await expect(store.commit(reader, text('reader'))).rejects.toThrow(ConflictError);
    await store.commit(blind, text('blind'));
    expect(await doneResultOf(store, workOf(2))).toEqual(text('blind'));
  });

  test('replay.34: a deadline that outlives its key is a refusal of its own kind', async () => {
    const store = await make({ retentionMs: 600_000 });
    const refusal = store.begin(workOf(1, { deadlineMs: startMs + 600_000 }), leaseMs, startMs);
    await expect(refusal).rejects.toThrow(RetentionError);
    await expect(refusal).rejects.toMatchObject({ code: 'E_LIMIT' });
  });

  test('who was overtaken may abandon, and takes nothing from who has the key', async () => {
    const store = await make();
    const slow = await runOf(store, workOf(1));
    const fast = await runOf(store, workOf(1), startMs + leaseMs);
    await store.abandon(slow);
    expect(await store.begin(workOf(1), leaseMs, startMs + leaseMs)).toEqual({ status: 'running' });
    await store.commit(fast, text('fast'));
  });

  test('what is abandoned has not happened, and is begun anew', async () => {
    const store = await make();
    const run = await runOf(store, workOf(1));
    countUp(run.transaction, 1);
    await store.abandon(run);
    await store.abandon(run);
    await expect(store.commit(run, text('r'))).rejects.toMatchObject({ code: 'E_CLOSED' });
    expect(() => countUp(run.transaction, 1)).toThrow('E_CLOSED');
    expect(await countsOf(store, [1])).toEqual([0]);
    expect(await doneResultOf(store, workOf(1))).toBeUndefined();
  });

  test('a run commits once, however often it is tried', async () => {
    const store = await make();
    const run = await runOf(store, workOf(1));
    const first = store.commit(run, text('1'));
    await expect(store.commit(run, text('2'))).rejects.toMatchObject({ code: 'E_CLOSED' });
    await store.abandon(run);
    await first;
    await expect(store.commit(run, text('3'))).rejects.toMatchObject({ code: 'E_CLOSED' });
    expect(await doneResultOf(store, workOf(1))).toEqual(text('1'));
  });

  test('a run of another store, and widths and times that cannot be, are E_USAGE', async () => {
    const store = await make();
    const foreign = await runOf(new MemoryEffectStore({ bornMs: 0 }), workOf(1));
    await expect(store.commit({ transaction: foreign.transaction }, text(''))).rejects.toMatchObject({
      code: 'E_USAGE',
    });
    await expect(store.commit(foreign, text(''))).rejects.toMatchObject({ code: 'E_CLOSED' });
    for (const wrong of [
      { key16: new Uint8Array(15) },
      { bodyHash32: new Uint8Array(31) },
      { requesterKeyId32: new Uint8Array(33) },
      { frontId16: new Uint8Array(0) },
      { deadlineMs: -1 },
      { sealedMs: NaN },
    ]) {
      await expect(store.begin(workOf(1, wrong), leaseMs, startMs)).rejects.toMatchObject({ code: 'E_USAGE' });
    }
    await expect(store.begin(workOf(1), 0.5, startMs)).rejects.toMatchObject({ code: 'E_USAGE' });
    for (const wrong of [{ retentionMs: 299_999 }, { maxBytes: 0 }, { bornMs: -1 }]) {
      await expect(make(wrong)).rejects.toMatchObject({ code: 'E_USAGE' });
    }
  });

  test('a transaction sees its own writes, and others see them when they are committed', async () => {
    const store = await make();
    const value = text('1');
    const first = await runOf(store, workOf(1));
    first.transaction.put('a', value);
    value.fill(0);
    first.transaction.put('b', text('2'));
    first.transaction.delete('b');
    expect([first.transaction.get('a'), first.transaction.get('b')]).toEqual([text('1'), undefined]);
    const second = await runOf(store, workOf(2));
    expect(second.transaction.get('a')).toBeUndefined();
    await store.commit(first, text(''));
    const third = await runOf(store, workOf(3));
    expect(third.transaction.get('a')).toEqual(text('1'));
    third.transaction.delete('a');
    await store.commit(third, text(''));
    expect((await runOf(store, workOf(4))).transaction.get('a')).toBeUndefined();
  });

  test('who read what another run changed meanwhile fails, whole, and may try again', async () => {
    const store = await make();
    const [one, two, blind] = [
      await runOf(store, workOf(1)),
      await runOf(store, workOf(2)),
      await runOf(store, workOf(3)),
    ];
    expect(one.transaction.get('a')).toBeUndefined();
    expect(two.transaction.get('a')).toBeUndefined();
    one.transaction.put('a', text('1'));
    two.transaction.put('a', text('2'));
    two.transaction.put('b', text('2'));
    blind.transaction.put('c', text('3'));
    const commits = [one, two, blind].map((run) => store.commit(run, text('r')));
    await expect(commits[1]).rejects.toThrow(ConflictError);
    await Promise.all([commits[0], commits[2]]);
    const again = await runOf(store, workOf(2));
    expect(['a', 'b', 'c'].map((name) => again.transaction.get(name))).toEqual([text('1'), undefined, text('3')]);
    await store.commit(again, text('r'));
  });

  test('a handler never sees two values of one name', async () => {
    const store = await make();
    const reader = await runOf(store, workOf(1));
    expect(reader.transaction.get('a')).toBeUndefined();
    const writer = await runOf(store, workOf(2));
    writer.transaction.put('a', text('1'));
    await store.commit(writer, text(''));
    expect(reader.transaction.get('a')).toBeUndefined();
    await expect(store.commit(reader, text(''))).rejects.toThrow(ConflictError);
  });

  test.each([
    ['without letters', '', 'E_LIMIT'],
    ['of 64 KiB', 'n'.repeat(0x1_0000), 'E_LIMIT'],
    ['with half a character', 'a\ud800', 'E_USAGE'],
  ])('a name %s is refused', async (_what, name, code) => {
    const { transaction } = await runOf(await make(), workOf(1));
    expect(() => transaction.put(name, text(''))).toThrow(code);
    expect(() => transaction.delete(name)).toThrow(code);
  });

  test('where it is full nothing is forgotten: new works are E_LIMIT, what was done is known, and time makes room', async () => {
    const retentionMs = 600_000;
    const store = await make({ maxBytes: 10_000, retentionMs });
    let count = 0;
    for (; ; count++) {
      const outcome = await store.begin(workOf(count), leaseMs, startMs).catch((error: unknown) => error);
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ code: 'E_LIMIT' });
        break;
      }
      const run = (outcome as { run: Awaited<ReturnType<typeof runOf>> }).run;
      const error = await store.commit(run, new Uint8Array(700)).catch((thrown: unknown) => thrown);
      if (error === undefined) continue;
      expect(error).toMatchObject({ code: 'E_LIMIT' });
      break;
    }
    expect(count).toBe(10);
    for (let number = 0; number < count; number++) {
      expect(await doneResultOf(store, workOf(number))).toHaveLength(700);
    }
    const laterMs = startMs + retentionMs + 1;
    const later = { sealedMs: laterMs, deadlineMs: laterMs + 1_000 };
    await store.commit(await runOf(store, workOf(100, later), laterMs), new Uint8Array(700));
  });

  test('where no work has room, none begins', async () => {
    const store = await make({ maxBytes: 1_000 });
    await store.commit(await runOf(store, workOf(1)), new Uint8Array(600));
    await expect(store.begin(workOf(2), leaseMs, startMs)).rejects.toMatchObject({ code: 'E_LIMIT' });
    expect(await doneResultOf(store, workOf(1))).toHaveLength(600);
  });

  test('a commit larger than 16 MiB is E_LIMIT, and the store goes on', async () => {
    const store = await make();
    const run = await runOf(store, workOf(1));
    run.transaction.put('a', new Uint8Array(16 * 1024 * 1024));
    await expect(store.commit(run, text(''))).rejects.toMatchObject({ code: 'E_LIMIT' });
    expect((await runOf(store, workOf(1))).transaction.get('a')).toBeUndefined();
  });

  test('it does what a plain model does, whatever comes', async () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 3 }),
      act: fc.constantFrom('begin', 'commit', 'abandon', 'wait'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const store = await make();
        const done = new Set<number>();
        const runs = new Map<number, { run: Awaited<ReturnType<typeof runOf>>; untilMs: number }>();
        let nowMs = startMs;
        for (const { key, act } of steps) {
          const held = runs.get(key);
          if (act === 'wait') nowMs += leaseMs / 2;
          else if (act === 'begin') {
            const begun = await store.begin(workOf(key), leaseMs, nowMs);
            const isLeased = held !== undefined && nowMs < held.untilMs;
            expect(begun.status).toBe(done.has(key) ? 'done' : isLeased ? 'running' : 'run');
            if (begun.status === 'run') runs.set(key, { run: begun.run, untilMs: nowMs + leaseMs });
          } else if (held !== undefined) {
            runs.delete(key);
            if (act === 'abandon') await store.abandon(held.run);
            else {
              await store.commit(held.run, countUp(held.run.transaction, key));
              done.add(key);
            }
          }
        }
        expect(await countsOf(store, [0, 1, 2, 3])).toEqual([0, 1, 2, 3].map((key) => (done.has(key) ? 1 : 0)));
        for (const key of done) expect(await doneResultOf(store, workOf(key), nowMs)).toEqual(resultOf(key));
      }),
      { numRuns: 100 },
    );
  });
});
