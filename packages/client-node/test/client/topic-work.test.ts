import type { Client, WorkDelivery, WorkHandler, WorkReply } from '@tridcomm/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PatternParts } from '../../src/client/pattern-parts.ts';
import type { Sending } from '../../src/client/publisher.ts';
import type { RunResult } from '../../src/client/run-work.ts';
import type { ClientStatus } from '../../src/client/status.ts';
import { TopicWork, type TopicWorkParts } from '../../src/client/topic-work.ts';
import { WorkMemory } from '../../src/client/work-memory.ts';
import { later } from './pool-world.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const bytes = (text: string) => new TextEncoder().encode(text);
const done = (text: string): RunResult => ({ type: 'done', result: bytes(text) });

/** A client of a few lines: what it is told to send and settle, it notes. */
function scene(
  kind: 'request' | 'job',
  run: (index: number, speech: Parameters<TopicWorkParts['run']>[3]) => RunResult | Promise<RunResult>,
  { concurrency = 16, carrier }: { readonly concurrency?: number; readonly carrier?: string } = {},
) {
  const replies: WorkReply[] = [];
  const settled: string[] = [];
  const ran: number[] = [];
  const capacities: number[] = [];
  const told: ClientStatus[] = [];
  const signals: AbortSignal[] = [];
  /** Items of each sending. */
  const begun: number[] = [];
  const state = { sends: true, isNews: false };
  let take!: WorkHandler;
  const client = {
    work: (_topic: string, _nowMs: number, handler: WorkHandler) => {
      take = handler;
      return { topic: 'a', setCapacity: (capacity: number) => capacities.push(capacity), close: () => {} };
    },
    settle: (lease: { readonly name: string }, outcome: string) => settled.push(`${lease.name} ${outcome}`),
    reply: (_delivery: WorkDelivery, all: readonly WorkReply[]) => {
      replies.push(...all);
      return { envelopes: [] };
    },
  } as unknown as Client;
  const parts: PatternParts & TopicWorkParts = {
    client: () => client,
    publisher: () =>
      ({
        isBusy: false,
        begin: ({ items, seal }: Sending<{ readonly length: number }>) => {
          begun.push(items.length);
          if (state.sends) seal(items);
          return { done: state.sends ? Promise.resolve([]) : Promise.reject(new Error('no')), cancel: () => {} };
        },
      }) as unknown as ReturnType<PatternParts['publisher']>,
    isOpen: () => true,
    carrier,
    inParts: (items, seal) => seal(items),
    mostItemBytes: () => 1_000,
    use: () => () => {},
    isNews: () => state.isNews,
    tell: (status) => told.push(status),
    tellUnsent: () => {},
    kind,
    topic: 'a',
    concurrency,
    run: ({ work }, _unit, running, speech) => {
      ran.push(work.index);
      signals.push(running.signal);
      return run(work.index, speech);
    },
    onClose: () => {},
  };
  const work = new TopicWork(parts);
  const deliver = (
    lease: string,
    count: number,
    fields: Partial<WorkDelivery> & { deadlineMs?: number; body?: Uint8Array } = {},
  ) => {
    const { deadlineMs = Date.now() + 120_000, body = bytes('x'), ...delivery } = fields;
    const id32 = fields.id32 ?? new Uint8Array(32).fill(1);
    const works = Array.from({ length: fields.verdict === 'again' ? 0 : count }, (_, index) => {
      return { id32, leaf: 0, index, key16: new Uint8Array(16), deadlineMs, body, isLate: false };
    });
    take({
      kind,
      topic: 'a',
      works,
      verdict: 'new',
      id32,
      leaf: undefined,
      lease: { name: lease },
      ...delivery,
    } as never);
  };
  const statuses = () => replies.map(({ index, status }) => `${index} ${status}`);
  return { work, deliver, replies, statuses, settled, ran, capacities, told, signals, begun, state };
}

const pass = async (ms = 0) => vi.advanceTimersByTimeAsync(ms);

test('a unit is done when all of it is, and answered again as it was when it comes again', async () => {
  const go = later<RunResult>();
  const { deliver, statuses, settled, ran, replies } = scene('request', async (index) =>
    index === 0 ? done('r') : go.promise,
  );
  deliver('first', 2);
  await pass();
  expect([statuses(), settled]).toEqual([['0 final'], []]);
  deliver('second', 2, { verdict: 'again' });
  await pass();
  expect(statuses()).toEqual(['0 final', '0 final', '1 in progress']);
  go.resolve(done('s'));
  await pass();
  expect(settled).toEqual(['first done', 'second done']);
  deliver('third', 2, { verdict: 'again' });
  await pass();
  expect(statuses().slice(4)).toEqual(['0 final', '1 final']);
  expect(replies.at(-1)).toMatchObject({ body: bytes('s') });
  expect(settled.at(-1)).toBe('third done');
  expect(ran).toEqual([0, 1]);
});

test('replay.35: what an earlier life may have had is done as what is new', async () => {
  const { deliver, settled, ran, told } = scene('request', async () => done('r'));
  deliver('first', 1, { verdict: 'redelivered' });
  await pass();
  expect([ran, settled, told]).toEqual([[0], ['first done'], []]);
});

test('what came again and is not known goes back, what is of the other kind after a while, and both are told', async () => {
  const { deliver, settled, ran, told } = scene('request', async () => done('r'));
  deliver('unknown', 1, { verdict: 'again' });
  deliver('job', 1, { kind: 'job', id32: new Uint8Array(32) });
  await pass(900);
  expect(settled).toEqual(['unknown given back']);
  await pass(200);
  expect(settled).toEqual(['unknown given back', 'job given back']);
  expect(told).toMatchObject([
    { type: 'refused', what: 'envelope', error: { code: 'E_REPLAY' } },
    { type: 'refused', what: 'envelope', error: { code: 'E_USAGE' } },
  ]);
  expect(ran).toEqual([]);
});

test('an answer that does not get out is asked for again, and not made again', async () => {
  const { deliver, settled, ran, statuses, state } = scene('request', async () => done('r'));
  state.sends = false;
  deliver('first', 1);
  await pass(300);
  expect(settled).toEqual(['first given back']);
  state.sends = true;
  deliver('second', 1, { verdict: 'again' });
  await pass();
  expect([statuses(), settled, ran]).toEqual([['0 final'], ['first given back', 'second done'], [0]]);
});

test('a job that fails goes back after a pause that grows, and only what failed is done again', async () => {
  const { deliver, settled, ran } = scene('job', async (index) =>
    index === 0 ? done('') : { type: 'failed', error: new Error('no') },
  );
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    deliver(`${i}`, 2, i === 0 ? {} : { verdict: 'again' });
    let ms = 0;
    while (settled.length === i) {
      await pass(50);
      ms += 50;
    }
    pauses.push(ms);
  }
  expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  expect(ran).toEqual([0, 1, 1, 1, 1, 1, 1, 1, 1]);
  expect(settled).toEqual(Array.from({ length: 8 }, (_, i) => `${i} given back`));
});

test('delivery.24: nothing is begun under a lease that is over, until it comes again', async () => {
  const go = later<RunResult>();
  const { deliver, ran, settled } = scene('job', async (index) => (index === 0 ? go.promise : done('')), {
    concurrency: 1,
  });
  deliver('first', 2);
  await pass(31_000);
  go.resolve(done(''));
  await pass(20_000);
  expect(ran).toEqual([0]);
  deliver('second', 2, { verdict: 'again' });
  await pass();
  expect(ran).toEqual([0, 1]);
  expect(settled).toContain('second done');
});

test('nothing is begun of a lost link, but on a carrier, which takes nothing back', async () => {
  for (const [carrier, expected] of [
    [undefined, [0]],
    ['nats', [0, 1]],
  ] as const) {
    const go = later<RunResult>();
    const { deliver, ran, work } = scene('job', async (index) => (index === 0 ? go.promise : done('')), {
      concurrency: 1,
      ...(carrier !== undefined && { carrier }),
    });
    deliver('first', 2);
    await pass();
    work.lost();
    go.resolve(done(''));
    await pass(100);
    expect(ran).toEqual(expected);
  }
});

test('patterns.20: what became late while it waited is refused', async () => {
  const go = later<RunResult>();
  const { deliver, replies, settled, ran } = scene('request', async () => go.promise, { concurrency: 1 });
  deliver('first', 2, { deadlineMs: Date.now() + 5_000 });
  await pass(6_000);
  go.resolve(done('r'));
  await pass();
  expect(replies[1]).toMatchObject({ index: 1, status: 'refused', code: 'E_EXPIRED' });
  expect([ran, settled]).toEqual([[0], ['first done']]);
});

test('what another is at is looked for again, and whoever asked hears so', async () => {
  const results: RunResult[] = [{ type: 'running' }, { type: 'running' }, done('r')];
  const { deliver, statuses, settled } = scene('request', async () => results.shift()!);
  deliver('first', 1);
  await pass();
  expect(statuses()).toEqual(['0 in progress']);
  await pass(2_100);
  expect(statuses()).toEqual(['0 in progress', '0 in progress', '0 final']);
  expect(settled).toEqual(['first done']);
});

test('what the store of effects does not know goes back without an answer', async () => {
  const { deliver, statuses, settled } = scene('request', async () => ({ type: 'unknown', error: new Error('disk') }));
  deliver('first', 1);
  await pass(300);
  expect([statuses(), settled]).toEqual([[], ['first given back']]);
});

test('the end gives back at once what waits, and waits for what runs', async () => {
  const go = later<RunResult>();
  const { work, deliver, ran, settled, capacities, statuses } = scene('request', async () => go.promise, {
    concurrency: 1,
  });
  deliver('both', 2);
  deliver('waits', 1, { id32: new Uint8Array(32).fill(2) });
  await pass();
  let isClosed = false;
  const closed = work.close().then(() => (isClosed = true));
  await pass();
  expect([settled, capacities, isClosed]).toEqual([['waits given back'], [0], false]);
  go.resolve(done('r'));
  await closed;
  // What was answered of it is not asked again by whoever heard it.
  expect([settled, statuses(), ran]).toEqual([['waits given back', 'both given back'], ['0 final'], [0]]);
});

test('the end looks at all units once, not for each of them', async () => {
  const { work, deliver } = scene('job', async () => done(''));
  for (let i = 0; i < 100; i++) deliver(`${i}`, 1, { id32: new Uint8Array(32).fill(i) });
  await pass();
  const values = vi.spyOn(WorkMemory.prototype, 'values');
  await work.close();
  expect(values.mock.calls.length).toBeLessThan(5);
  values.mockRestore();
});

test('a handler that never ends holds no timer beyond its work', async () => {
  const { work, deliver, signals } = scene('job', async () => new Promise(() => {}));
  deliver('first', 1, { deadlineMs: Date.now() + 3_600_000 });
  await pass();
  expect(vi.getTimerCount()).toBe(1);
  work.end(new Error('over'));
  expect([vi.getTimerCount(), signals.map(({ aborted }) => aborted)]).toEqual([0, [true]]);
});

test('a handler that gives no promise is done at once, and one after the other in their order', () => {
  const { deliver, settled, ran, work } = scene('job', () => done(''), { concurrency: 1 });
  deliver('first', 3);
  deliver('second', 1, { id32: new Uint8Array(32).fill(2) });
  expect([ran, settled, work.running]).toEqual([[0, 1, 2, 0], ['first done', 'second done'], 0]);
});

test('answers of one turn to a unit go together, and in their order with the news', async () => {
  const { deliver, begun } = scene('request', (index) => (index === 2 ? { type: 'running' } : done('r')));
  deliver('first', 4);
  await pass();
  expect(begun).toEqual([2, 1, 1]);
});

test('patterns.42: what is said to a dealer goes in its order with the answers of the same turn', async () => {
  const { deliver, statuses, begun } = scene('request', (index, { say }) => {
    if (index !== 1) return done('r');
    void say(bytes('a'));
    void say(bytes('b'));
    return done('r');
  });
  deliver('first', 3, message);
  await pass();
  expect(statuses()).toEqual(['0 final', '1 news', '1 news', '1 final', '2 final']);
  expect(begun).toEqual([1, 1, 1, 2]);
});

test('of a unit of jobs that is done nothing is kept but that', () => {
  const add = vi.spyOn(WorkMemory.prototype, 'add');
  const { deliver, settled, ran } = scene('job', () => done(''));
  deliver('first', 1_000);
  const [unit] = add.mock.calls[0]!;
  add.mockRestore();
  expect([unit.pieces.length, unit.bytes <= 1_024]).toEqual([0, true]);
  deliver('second', 1_000, { verdict: 'again' });
  expect([ran.length, settled]).toEqual([1_000, ['first done', 'second done']]);
});

test('the signal of a handler is aborted at its deadline', async () => {
  const { deliver, signals } = scene('job', async () => new Promise(() => {}));
  deliver('first', 1, { deadlineMs: Date.now() + 5_000 });
  await pass(4_900);
  expect(signals[0]!.aborted).toBe(false);
  await pass(200);
  expect(signals[0]!.reason).toMatchObject({ code: 'E_EXPIRED' });
});

test('what is over is forgotten when no receiver takes it any more', async () => {
  const { work, deliver, settled, statuses } = scene('request', async () => done('r'));
  deliver('first', 1);
  await pass(140_000);
  work.tick();
  deliver('second', 1, { verdict: 'again' });
  await pass();
  expect(settled).toEqual(['first done', 'second done']);
  await pass(11_000);
  work.tick();
  deliver('third', 1, { verdict: 'again' });
  await pass(2_000);
  expect(settled.at(-1)).toBe('third given back');
  expect(statuses().length).toBe(2);
});

const message = { kind: 'message' } as const;

test('patterns.41: what came in no lease waits up to a bound, above which it is refused; what the broker leases does not count', async () => {
  const go = later<RunResult>();
  const { work, deliver, statuses, settled, state, ran } = scene('request', async () => go.promise, { concurrency: 1 });
  deliver('leased', 1_100, { ...message, id32: new Uint8Array(32).fill(2) });
  state.isNews = true;
  deliver('news', 1_026, message);
  await pass();
  expect([statuses(), settled, ran]).toEqual([['1024 refused', '1025 refused'], [], [0]]);
  go.resolve(done('r'));
  await pass();
  expect(statuses().filter((status) => status.endsWith('final')).length).toBe(1_100 + 1_024);
  expect(settled).toEqual(['leased done', 'news done']);
  // There is room again, and what was refused stays so.
  deliver('more', 2, { ...message, id32: new Uint8Array(32).fill(3) });
  deliver('again', 1_026, { ...message, verdict: 'again' });
  await pass();
  expect(settled.slice(2).toSorted()).toEqual(['again done', 'more done']);
  expect(statuses().filter((status) => status === '1025 refused').length).toBe(2);
  await work.close();
});

test('patterns.41: what comes in no lease again and again is answered again once a second', async () => {
  const { deliver, statuses, settled, state } = scene('request', async () => done('r'));
  state.isNews = true;
  deliver('first', 1);
  await pass();
  for (let i = 0; i < 100; i++) deliver(`again ${i}`, 1, { verdict: 'again' });
  await pass();
  expect(statuses()).toEqual(['0 final', '0 final']);
  await pass(999);
  deliver('early', 1, { verdict: 'again' });
  await pass(1);
  deliver('late', 1, { verdict: 'again' });
  await pass();
  expect(statuses()).toEqual(['0 final', '0 final', '0 final']);
  // What the broker leases is answered each time.
  state.isNews = false;
  deliver('leased', 1, { verdict: 'again' });
  await pass();
  expect([statuses().length, settled.at(-1)]).toEqual([4, 'leased done']);
});

test('what came in no lease is bounded by its bytes, too', async () => {
  const { work, deliver, statuses, state } = scene('request', async () => new Promise(() => {}), { concurrency: 1 });
  state.isNews = true;
  deliver('news', 12, { ...message, body: new Uint8Array(1024 * 1024) });
  await pass();
  // One is begun when all wait.
  expect(statuses()).toEqual(['8 refused', '9 refused', '10 refused', '11 refused']);
  work.end(new Error('over'));
});

test('what came in no lease waits on when the link is lost, and what the broker leased does not', async () => {
  const go = later<RunResult>();
  const { work, deliver, settled, state, ran } = scene('request', async () => go.promise, { concurrency: 1 });
  deliver('first', 1, { ...message, id32: new Uint8Array(32).fill(2) });
  deliver('leased', 2, { ...message, id32: new Uint8Array(32).fill(3) });
  state.isNews = true;
  deliver('news', 3, message);
  await pass();
  work.lost();
  go.resolve(done('r'));
  await pass();
  expect([ran, settled]).toEqual([[0, 0, 1, 2], ['news done']]);
});

test('messages are for who responds, and for nobody who pulls', async () => {
  const { deliver, told, settled } = scene('job', async () => done(''));
  deliver('first', 1, message);
  await pass(2_000);
  expect([settled, told]).toMatchObject([['first given back'], [{ type: 'refused', error: { code: 'E_USAGE' } }]]);
});
