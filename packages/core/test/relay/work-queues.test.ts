import { beforeEach, expect, test } from 'vitest';
import { WorkQueues, type Unit, type Work } from '../../src/relay/work-queues.ts';

const tag = 'aa';
let queues: WorkQueues;
let dropped: string[];
let nowMs = 1_000_000;

beforeEach(() => {
  dropped = [];
  nowMs = 1_000_000;
  queues = new WorkQueues({
    mostBytes: 1_000,
    mostTotalBytes: 1_500,
    mostLeasedBytes: 300,
    onDropped: (why) => dropped.push(why),
  });
});

interface Taken {
  readonly work: Work;
  readonly got: (readonly [name: string, lease: number])[];
}

function unit(name: string, bytes = 10, timestampMs = nowMs): Unit {
  const content = new Uint8Array(bytes);
  content[0] = name.charCodeAt(0);
  return { type: 'leased', bytes: content, timestampMs };
}

function taker(capacity: number, of = tag): Taken {
  const got: (readonly [string, number])[] = [];
  const send = ({ bytes }: Unit, lease: number): void => void got.push([String.fromCharCode(bytes[0]!), lease]);
  return { work: queues.add(of, capacity, send, nowMs), got };
}

test('delivery.23: each unit goes to one work, and none gets more than its capacity', () => {
  const [a, b] = [taker(1), taker(2)];
  queues.offer(
    tag,
    ['x', 'y', 'z', 'w'].map((name) => unit(name)),
    nowMs,
  );
  expect([a.got, b.got]).toEqual([
    [['y', 1]],
    [
      ['x', 1],
      ['z', 2],
    ],
  ]);
  queues.settle(a.work, 1, true, nowMs);
  expect(a.got).toEqual([
    ['y', 1],
    ['w', 2],
  ]);
  expect(queues.waitingBytes).toBe(0);
});

test('what nobody takes waits for who comes, in order', () => {
  queues.offer(tag, [unit('x'), unit('y')], nowMs);
  expect(queues.waitingBytes).toBe(20);
  expect(taker(9, 'bb').got).toEqual([]);
  expect(taker(9).got).toEqual([
    ['x', 1],
    ['y', 2],
  ]);
});

test('delivery.24: what is given back goes to another first, and before what came later', () => {
  const [a, b] = [taker(2), taker(0)];
  queues.offer(
    tag,
    ['x', 'y', 'z'].map((name) => unit(name)),
    nowMs,
  );
  expect(a.got).toEqual([
    ['x', 1],
    ['y', 2],
  ]);
  queues.setCapacity(b.work, 1, nowMs);
  expect(b.got).toEqual([['z', 1]]);
  queues.setCapacity(b.work, 2, nowMs);
  queues.settle(a.work, 1, false, nowMs);
  expect(b.got).toEqual([
    ['z', 1],
    ['x', 2],
  ]);
});

test('delivery.24: the only one gets back what it gave back', () => {
  const a = taker(1);
  queues.offer(tag, [unit('x')], nowMs);
  queues.settle(a.work, 1, false, nowMs);
  expect(a.got).toEqual([
    ['x', 1],
    ['x', 2],
  ]);
});

test('delivery.24: what a link had that ended goes to others, in its order', () => {
  const a = taker(3);
  queues.offer(
    tag,
    ['x', 'y', 'z'].map((name) => unit(name)),
    nowMs,
  );
  queues.delete(a.work, nowMs);
  expect(queues.waitingBytes).toBe(30);
  expect(taker(3).got).toEqual([
    ['x', 1],
    ['y', 2],
    ['z', 3],
  ]);
});

test('delivery.24: a lease ends after 30 s, and not before', () => {
  const a = taker(1);
  queues.offer(tag, [unit('x')], nowMs);
  const b = taker(1);
  queues.tick((nowMs += 29_999));
  expect(b.got).toEqual([]);
  queues.tick((nowMs += 1));
  expect(b.got).toEqual([['x', 1]]);
  // It came too late, and means nothing.
  queues.settle(a.work, 1, true, nowMs);
  expect(b.work.leases.size).toBe(1);
});

test('delivery.25: a unit is dropped after 16 leases', () => {
  const a = taker(1);
  queues.offer(tag, [unit('x')], nowMs);
  for (let lease = 1; lease <= 16; lease++) queues.settle(a.work, lease, false, nowMs);
  expect([a.got.length, dropped]).toEqual([16, ['tooOften']]);
});

test('delivery.25: a unit is dropped when its envelope is too old', () => {
  queues.offer(tag, [unit('x')], nowMs);
  queues.tick((nowMs += 150_000));
  expect(dropped).toEqual([]);
  queues.tick((nowMs += 1));
  expect([dropped, queues.waitingBytes]).toEqual([['tooOld'], 0]);
});

test('delivery.26: what waits is bounded, and a batch is taken wholly or not at all', () => {
  queues.offer(tag, [unit('x', 900)], nowMs);
  expect(() => queues.offer(tag, [unit('y', 60), unit('z', 60)], nowMs)).toThrowError(
    expect.objectContaining({ code: 'E_LIMIT' }),
  );
  expect(queues.waitingBytes).toBe(900);
  expect(() => queues.offer('bb', [unit('y', 601)], nowMs)).toThrowError(expect.objectContaining({ code: 'E_LIMIT' }));
  queues.offer('bb', [unit('y', 600)], nowMs);
  expect(queues.waitingBytes).toBe(1_500);
});

test('a work has no more bytes than its link may hold, but for one unit', () => {
  const a = taker(9);
  queues.offer(tag, [unit('x', 400), unit('y', 200), unit('z', 200)], nowMs);
  expect(a.got).toEqual([['x', 1]]);
  queues.settle(a.work, 1, true, nowMs);
  expect(a.got).toEqual([
    ['x', 1],
    ['y', 2],
  ]);
});

test('delivery.27: a lease that never was is refused', () => {
  const a = taker(1);
  for (const lease of [0, 1]) {
    expect(() => queues.settle(a.work, lease, true, nowMs)).toThrowError(
      expect.objectContaining({ code: 'E_ENCODING' }),
    );
  }
});
