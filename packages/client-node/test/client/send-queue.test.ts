import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SignatureBudget } from '../../src/client/budget.ts';
import { SendQueue, type Batch } from '../../src/client/send-queue.ts';

const payload = (length: number, fill = 0) => new Uint8Array(length).fill(fill);
const many = (count: number, length: number) => Array.from({ length: count }, (_, i) => payload(length, i));

function drain<Call>(queue: SendQueue<Call>, nowMs: number): Batch<Call>[] {
  const batches: Batch<Call>[] = [];
  for (let batch = queue.take(nowMs); batch !== undefined; batch = queue.take(nowMs)) batches.push(batch);
  return batches;
}

/** A budget that is never used up. */
const unlimited = () => new SignatureBudget(1e9, 1e9);

test('what waits of one topic goes together, in order, and says whose it is', () => {
  const queue = new SendQueue<string>();
  queue.add('a', 0, [payload(1, 1), payload(1, 2)], 'first', 0);
  queue.add('a', 0, [payload(1, 3)], 'second', 0);
  expect(queue.bytes).toBe(3);
  const [batch, ...others] = drain(queue, 0);
  expect(others).toEqual([]);
  expect(batch).toEqual({
    topic: 'a',
    durability: 0,
    kind: '',
    payloads: [payload(1, 1), payload(1, 2), payload(1, 3)],
    bytes: 3,
    shares: [
      { call: 'first', count: 2 },
      { call: 'second', count: 1 },
    ],
  });
  expect(queue.bytes).toBe(0);
  expect(queue.nextMs(0)).toBeUndefined();
});

test('topics, and durabilities of one topic, stay apart', () => {
  const queue = new SendQueue<string>();
  queue.add('a', 0, [payload(1)], 'a0', 0);
  queue.add('a', 2, [payload(1)], 'a2', 0);
  queue.add('b', 0, [payload(1)], 'b0', 0);
  queue.add('a', 0, [payload(1)], 'a0', 0);
  const batches = drain(queue, 0).map(({ topic, durability, payloads }) => [topic, durability, payloads.length]);
  expect(batches).toEqual([
    ['a', 0, 2],
    ['a', 2, 1],
    ['b', 0, 1],
  ]);
});

test('so do kinds, also when they are held, and what has a length of its own is no matter of bytes', () => {
  const queue = new SendQueue<string, { readonly length: number }>();
  queue.add('a', 0, [{ length: 5 }], 'x', 0, 'job');
  queue.add('a', 0, [{ length: 7 }], 'y', 0, 'request');
  queue.add('a', 0, [{ length: 9 }], 'z', 0, 'job');
  expect(queue.bytes).toBe(21);
  const batch = queue.take(0)!;
  expect([batch.kind, batch.bytes]).toEqual(['job', 14]);
  queue.hold(batch, 0, 10);
  expect(queue.take(10)?.kind).toBe('request');
  expect(queue.take(10)).toMatchObject({ kind: 'job', payloads: [{ length: 5 }, { length: 9 }] });
});

test('the array of a call that is a batch is not copied', () => {
  const queue = new SendQueue<string>();
  const payloads = many(100, 10);
  queue.add('a', 0, payloads, 'x', 0);
  expect(queue.take(0)!.payloads).toBe(payloads);
});

test('at 20,000 messages a second there are never more signatures than the budget, and nothing waits for long', () => {
  const queue = new SendQueue<number>();
  const seals: number[] = [];
  let longestMs = 0;
  let next = 0;
  for (let step = 0; step < 40_000; step++) {
    const nowMs = step / 20;
    queue.add('a', 0, [payload(100)], step, nowMs);
    for (const { shares } of drain(queue, nowMs)) {
      seals.push(nowMs);
      for (const { call } of shares) {
        expect(call).toBe(next++);
        longestMs = Math.max(longestMs, nowMs - call / 20);
      }
    }
  }
  for (const [i, startMs] of seals.entries()) {
    const end = Math.min(seals.length - 1, i + 500);
    expect(end - i + 1).toBeLessThanOrEqual(8 + 2 * (seals[end]! - startMs) + 1e-6);
  }
  expect(seals.length).toBeGreaterThan(3_900);
  expect(longestMs).toBeLessThanOrEqual(0.55);
});

test('a timer that comes when nextMs says keeps the rate up', () => {
  const queue = new SendQueue<number>();
  let [nowMs, sealed] = [0, 0];
  for (let i = 0; i < 100; i++) queue.add(`topic ${i}`, 0, [payload(1)], i, 0);
  for (let dueMs = queue.nextMs(0); dueMs !== undefined; dueMs = queue.nextMs(nowMs)) {
    nowMs = dueMs;
    const { length } = drain(queue, nowMs);
    expect(length).toBeGreaterThan(0);
    sealed += length;
  }
  expect(sealed).toBe(100);
  expect(nowMs).toBeCloseTo(46);
});

test('a batch ends at 4,095 messages', () => {
  const queue = new SendQueue<string>({ budget: unlimited() });
  queue.add('a', 0, many(5_000, 1), 'x', 0);
  queue.add('a', 0, many(4_000, 1), 'y', 0);
  const batches = drain(queue, 0);
  expect(batches.map(({ payloads }) => payloads.length)).toEqual([4_095, 4_095, 810]);
  expect(batches.map(({ shares }) => shares.map(({ call, count }) => [call, count]))).toEqual([
    [['x', 4_095]],
    [
      ['x', 905],
      ['y', 3_190],
    ],
    [['y', 810]],
  ]);
});

test('a batch ends at 256 KiB, but one message may be larger', () => {
  const queue = new SendQueue<string>({ budget: unlimited() });
  queue.add('a', 0, [payload(200_000), payload(62_144), payload(1), payload(900_000), payload(5)], 'x', 0);
  expect(drain(queue, 0).map(({ payloads }) => payloads.map(({ length }) => length))).toEqual([
    [200_000, 62_144],
    [1],
    [900_000],
    [5],
  ]);
});

test('linger holds what is alone, and not what is full', () => {
  const queue = new SendQueue<string>({ lingerMs: 10 });
  queue.add('a', 0, [payload(1)], 'x', 0);
  expect(queue.take(9)).toBeUndefined();
  expect(queue.nextMs(9)).toBe(10);
  queue.add('a', 0, [payload(1)], 'y', 9);
  expect(queue.take(10)?.payloads.length).toBe(2);
  queue.add('a', 0, many(4_095, 1), 'x', 20);
  expect(queue.take(20)?.payloads.length).toBe(4_095);
  queue.add('a', 0, [payload(256 * 1024)], 'x', 20);
  expect(queue.take(20)?.bytes).toBe(256 * 1024);
});

test('linger adds delay and no signatures', () => {
  const queue = new SendQueue<string>({ lingerMs: 10 });
  for (let i = 0; i < 20; i++) queue.add(`topic ${i}`, 0, [payload(1)], 'x', 0);
  expect(drain(queue, 10).length).toBe(8);
});

test('one topic with much to send leaves the others their turns', () => {
  const queue = new SendQueue<string>();
  queue.add('flood', 0, many(40_950, 10), 'flood', 0);
  for (const topic of ['b', 'c', 'd']) queue.add(topic, 0, [payload(1)], topic, 0);
  expect(drain(queue, 0).map(({ topic }) => topic)).toEqual([
    'flood',
    'b',
    'c',
    'd',
    'flood',
    'flood',
    'flood',
    'flood',
  ]);
});

test('turns give bytes: large messages of one topic get no more of them than another topic', () => {
  const queue = new SendQueue<string>({ budget: unlimited() });
  queue.add('large', 0, many(20, 900_000), 'x', 0);
  queue.add('small', 0, many(500, 60_000), 'x', 0);
  const sent = { large: 0, small: 0 };
  for (let i = 0; i < 40; i++) {
    const { topic, bytes } = queue.take(0)!;
    sent[topic as keyof typeof sent] += bytes;
  }
  expect(sent.large / sent.small).toBeGreaterThan(0.7);
  expect(sent.large / sent.small).toBeLessThan(1.3);
});

test('what is held rests, comes first when it is taken again, and keeps its order', () => {
  const queue = new SendQueue<string>();
  queue.add('a', 0, [payload(1, 1)], 'x', 0);
  queue.add('a', 0, [payload(1, 2)], 'y', 0);
  const batch = queue.take(0)!;
  queue.add('a', 0, [payload(1, 3)], 'z', 1);
  queue.add('b', 0, [payload(1, 4)], 'b', 1);
  queue.hold(batch, 0, 100);
  expect(queue.bytes).toBe(4);
  expect(drain(queue, 1).map(({ topic }) => topic)).toEqual(['b']);
  expect(queue.nextMs(1)).toBe(100);
  queue.release();
  expect(queue.nextMs(1)).toBe(1);
  expect(drain(queue, 2)).toEqual([
    {
      topic: 'a',
      durability: 0,
      kind: '',
      payloads: [payload(1, 1), payload(1, 2), payload(1, 3)],
      bytes: 3,
      shares: [
        { call: 'x', count: 1 },
        { call: 'y', count: 1 },
        { call: 'z', count: 1 },
      ],
    },
  ]);
  queue.hold({ ...batch, topic: 'fresh' }, 3, 5);
  expect(queue.take(4)).toBeUndefined();
  expect(queue.take(5)?.topic).toBe('fresh');
});

test('what is held gives its signature back', () => {
  const queue = new SendQueue<string>();
  for (let i = 0; i < 100; i++) {
    queue.add('a', 0, [payload(1)], 'x', 0);
    queue.hold(queue.take(0)!, 0, 0);
  }
  for (let i = 0; i < 9; i++) queue.add(`topic ${i}`, 0, [payload(1)], 'x', 0);
  expect(drain(queue, 0).length).toBe(8);
});

test('what is removed is gone, and the rest stays', () => {
  const queue = new SendQueue<string>({ budget: unlimited() });
  queue.add('a', 0, many(5_000, 2), 'gone', 0);
  queue.add('a', 0, [payload(3)], 'stays', 0);
  queue.add('b', 0, [payload(4)], 'gone', 0);
  expect(queue.take(0)!.shares).toEqual([{ call: 'gone', count: 4_095 }]);
  queue.remove((call) => call === 'gone');
  expect(queue.bytes).toBe(3);
  expect(drain(queue, 0).map(({ shares }) => shares)).toEqual([[{ call: 'stays', count: 1 }]]);
  expect(queue.nextMs(0)).toBeUndefined();
});

test('everything comes out once, in the order of its topic, whatever is added, held and removed', () => {
  const step = fc.record({
    topic: fc.constantFrom('a', 'b', 'c'),
    lengths: fc.array(fc.constantFrom(0, 1, 50_000, 260_000, 900_000), { minLength: 1, maxLength: 6 }),
    holds: fc.boolean(),
    takes: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const queue = new SendQueue<{ readonly topic: string; readonly number: number }>({ budget: unlimited() });
      const came: Record<string, number[]> = { a: [], b: [], c: [] };
      let [number, bytes] = [0, 0];
      const take = (holds: boolean): boolean => {
        const batch = queue.take(0);
        if (batch === undefined) return false;
        if (holds) {
          queue.hold(batch, 0, 0);
          return true;
        }
        expect(batch.payloads.reduce((sum, { length }) => sum + length, 0)).toBe(batch.bytes);
        expect(batch.shares.reduce((sum, { count }) => sum + count, 0)).toBe(batch.payloads.length);
        for (const { call, count } of batch.shares) {
          expect(call.topic).toBe(batch.topic);
          for (let i = 0; i < count; i++) came[batch.topic]!.push(call.number);
        }
        bytes -= batch.bytes;
        return true;
      };
      const expected: Record<string, number[]> = { a: [], b: [], c: [] };
      for (const { topic, lengths, holds, takes } of steps) {
        number++;
        queue.add(
          topic,
          0,
          lengths.map((length) => payload(length)),
          { topic, number },
          0,
        );
        for (const length of lengths) {
          expected[topic]!.push(number);
          bytes += length;
        }
        if (holds) take(true);
        for (let i = 0; i < takes; i++) take(false);
        expect(queue.bytes).toBe(bytes);
      }
      while (take(false));
      expect(came).toEqual(expected);
      expect(queue.bytes).toBe(0);
    }),
    { numRuns: 60 },
  );
});
