import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, expect, test } from 'vitest';
import { WorkQueues } from '../../src/relay/work-queues.ts';
import { Taker, type Takes, type Unit, type Work } from '../../src/relay/work.ts';

const tag = 'aa';
let queues: WorkQueues;
let dropped: string[];
let nowMs = 1_000_000;

beforeEach(() => {
  dropped = [];
  nowMs = 1_000_000;
  queues = new WorkQueues({
    mostBytes: 1_000,
    mostSenderBytes: 1_200,
    mostTotalBytes: 1_500,
    mostLeasedBytes: 300,
    onDropped: (why, of, sender) => dropped.push(`${why} ${of} ${sender}`),
  });
});

interface Taken {
  readonly work: Work;
  readonly got: (readonly [name: string, lease: number])[];
}

function unit(name: string, bytes = 10, timestampMs = nowMs): Unit {
  const content = new Uint8Array(bytes);
  content[0] = name.charCodeAt(0);
  return { type: 'leased', isMessage: false, bytes: content, timestampMs };
}

/** Of a dealer. */
function message(name: string): Unit {
  return { ...unit(name), isMessage: true };
}

/** Work of a link of its own, or of one that is there. */
function taker(capacity: number, of = tag, link = new Taker(() => false), takes: Takes = 'everything'): Taken {
  const got: (readonly [string, number])[] = [];
  const send = ({ bytes }: Unit, lease: number) => void got.push([String.fromCharCode(bytes[0]!), lease]);
  const work = queues.add(link, of, takes, send);
  queues.setCapacity(work, capacity, nowMs);
  return { work, got };
}

function router(capacity: number, link = new Taker(() => false)): Taken {
  return taker(capacity, tag, link, 'messages');
}

function offer(...units: readonly Unit[]): void {
  queues.offer(tag, 's', units, nowMs);
}

/** The first letters of what it got. */
function names({ got }: Taken): string {
  return got.map(([name]) => name).join('');
}

test('delivery.23: each unit goes to one work, and none gets more than its capacity', () => {
  const [a, b] = [taker(1), taker(2)];
  offer(...['x', 'y', 'z', 'w'].map((name) => unit(name)));
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
});

test('what nobody takes waits for who comes, in order', () => {
  offer(unit('x'), unit('y'));
  expect(queues.heldBytes).toBe(20);
  expect(taker(9, 'bb').got).toEqual([]);
  expect(taker(9).got).toEqual([
    ['x', 1],
    ['y', 2],
  ]);
});

test('delivery.24: a unit that rests is passed over, by a tick all that do', () => {
  const a = taker(20);
  offer(...Array.from({ length: 20 }, () => unit('x')));
  const b = taker(2);
  offer(unit('y'), unit('z'));
  queues.setCapacity(b.work, 0, nowMs);
  queues.settle(a.work, 1, false, nowMs);
  queues.settle(b.work, 1, false, nowMs);
  expect(names(a)).toBe(`${'x'.repeat(20)}y`);
  for (let lease = 2; lease <= 21; lease++) queues.settle(a.work, lease, false, nowMs);
  queues.settle(b.work, 2, false, nowMs);
  queues.tick(nowMs);
  expect(names(a)).toBe(`${'x'.repeat(20)}yz`);
});

test('delivery.24: what is given back goes to another first, and before what came later', () => {
  const [a, b] = [taker(2), taker(0)];
  offer(...['x', 'y', 'z'].map((name) => unit(name)));
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

test('delivery.24: who gave it back has it again after 1 s, when it ticks, and another at once', () => {
  const a = taker(1);
  offer(unit('x'));
  queues.settle(a.work, 1, false, nowMs);
  // Nothing that happens to it in between changes that.
  queues.tick((nowMs += 999));
  queues.setCapacity(a.work, 2, nowMs);
  expect(names(a)).toBe('x');
  queues.tick((nowMs += 1));
  expect(names(a)).toBe('xx');
  queues.settle(a.work, 2, false, nowMs);
  expect(names(taker(1))).toBe('x');
});

test('delivery.24: a unit rests from each that gave it back, and from nobody else', () => {
  const [a, b] = [taker(1), taker(1)];
  offer(unit('x'));
  const [first, second] = names(a) === 'x' ? [a, b] : [b, a];
  queues.settle(first.work, 1, false, nowMs);
  nowMs += 600;
  queues.settle(second.work, 1, false, nowMs);
  expect([names(first), names(second)]).toEqual(['x', 'x']);
  queues.tick((nowMs += 400));
  expect([names(first), names(second)]).toEqual(['xx', 'x']);
});

test('delivery.24: a work that gives all back at once does not use up what there is', () => {
  const todo: (() => void)[] = [];
  const work: Work = queues.add(
    new Taker(() => false),
    tag,
    'everything',
    (_unit, lease) => void todo.push(() => queues.settle(work, lease, false, nowMs)),
  );
  offer(...Array.from({ length: 90 }, () => unit('x')));
  queues.setCapacity(work, 4, nowMs);
  let count = 0;
  for (; todo.length > 0; count++) todo.shift()!();
  // Each once: what rests is in nobody's way.
  expect([count, dropped, queues.heldBytes]).toEqual([90, [], 900]);
  const other = taker(90);
  queues.tick(nowMs);
  expect(other.got).toHaveLength(30);
});

test("delivery.24: what rests is in no other unit's way", () => {
  const a = taker(20);
  offer(...Array.from({ length: 20 }, () => unit('x')));
  for (let lease = 1; lease <= 20; lease++) queues.settle(a.work, lease, false, nowMs);
  offer(unit('y'));
  expect(names(a)).toBe(`${'x'.repeat(20)}y`);
});

test('delivery.24: what a link had that ended goes to others, in its order', () => {
  const a = taker(3);
  offer(...['x', 'y', 'z'].map((name) => unit(name)));
  queues.delete(a.work, nowMs);
  expect(queues.heldBytes).toBe(30);
  expect(taker(3).got).toEqual([
    ['x', 1],
    ['y', 2],
    ['z', 3],
  ]);
});

test('delivery.24: a lease ends after 30 s, and not before', () => {
  const a = taker(1);
  offer(unit('x'));
  const b = taker(1);
  queues.tick((nowMs += 29_999));
  expect(b.got).toEqual([]);
  queues.tick((nowMs += 1));
  expect(b.got).toEqual([['x', 1]]);
  // It came too late, and means nothing.
  queues.settle(a.work, 1, true, nowMs);
  expect(b.work.leases.size).toBe(1);
});

test('delivery.24: of what is taken back the oldest goes out first, whoever had it, in turns with what nobody had', () => {
  const [a, b] = [taker(2), taker(2)];
  offer(...['u', 'v', 'w', 'x'].map((name) => unit(name)));
  expect([names(a), names(b)].toSorted()).toEqual(['uw', 'vx']);
  offer(unit('y'), unit('z'));
  queues.setCapacity(a.work, 0, nowMs);
  queues.setCapacity(b.work, 0, nowMs);
  queues.tick((nowMs += 30_000));
  expect(names(taker(9))).toBe('uyvzwx');
});

test('delivery.24: units that everybody gives back do not hold up what is new, nor that them', () => {
  const a = taker(2);
  offer(...['s', 't', 'u', 'v'].map((name) => unit(name)));
  for (let lease = 1; lease <= 4; lease++) queues.settle(a.work, lease, false, nowMs);
  a.got.length = 0;
  queues.setCapacity(a.work, 1, nowMs);
  offer(...['w', 'x', 'y', 'z'].map((name) => unit(name)));
  queues.tick((nowMs += 1_000));
  for (let lease = 5; lease <= 12; lease++) queues.settle(a.work, lease, 'wxyz'.includes(a.got.at(-1)![0]), nowMs);
  expect(names(a)).toBe('wsxtyuzv');
});

test('delivery.21: a router gets messages alone, and waits for no request before them', () => {
  const a = router(9);
  offer(unit('x'), message('m'), unit('y'), message('n'));
  expect(names(a)).toBe('mn');
  // Nor where the requests were with somebody already.
  const b = taker(2);
  expect(names(b)).toBe('xy');
  for (const lease of [1, 2]) queues.settle(b.work, lease, false, nowMs);
  offer(unit('z'), message('o'));
  expect(names(a)).toBe('mno');
  nowMs += 1_000;
  queues.setCapacity(b.work, 0, nowMs);
  queues.tick(nowMs);
  offer(message('p'));
  expect([names(a), names(b), dropped]).toEqual(['mnop', 'xyz', []]);
  expect(names(taker(9))).toBe('xy');
});

test('delivery.23: who takes everything has one capacity for it, and neither messages nor requests wait for all of the others', () => {
  const a = taker(1);
  offer(...['u', 'v', 'w'].map((name) => unit(name)), ...['m', 'n', 'o'].map(message));
  for (let lease = 1; lease <= 5; lease++) {
    expect(a.got).toHaveLength(lease);
    queues.settle(a.work, lease, true, nowMs);
  }
  expect(names(a)).toBe('umvnwo');
});

test('delivery.24: messages that everybody gives back do not hold up requests, nor these them', () => {
  const a = taker(2);
  offer(message('m'), message('n'), unit('x'), unit('y'));
  for (let lease = 1; lease <= 4; lease++) queues.settle(a.work, lease, false, nowMs);
  a.got.length = 0;
  queues.setCapacity(a.work, 1, nowMs);
  offer(unit('z'), message('o'));
  queues.tick((nowMs += 1_000));
  for (let lease = 5; lease <= 9; lease++) queues.settle(a.work, lease, true, nowMs);
  expect(names(a).split('').toSorted().join('')).toBe('mnoxyz');
  expect([dropped, queues.heldBytes]).toEqual([[], 10]);
});

test('delivery.21: who takes messages alone from now on gives back what it had besides, and gets no more of it', () => {
  const a = taker(3);
  offer(unit('x'), message('m'), unit('y'), unit('z'));
  expect(names(a).split('').toSorted().join('')).toBe('mxy');
  const [, leaseOfM] = a.got.find(([name]) => name === 'm')!;
  const b = taker(0);
  queues.hold(() => {
    queues.setTakes(a.work, 'messages', nowMs);
    queues.setCapacity(a.work, 9, nowMs);
  }, nowMs);
  queues.tick(nowMs);
  expect([...a.work.leases.keys()]).toEqual([leaseOfM]);
  expect(a.got).toHaveLength(3);
  // What it does with what it had means nothing, and is no mistake.
  const [, leaseOfX] = a.got.find(([name]) => name === 'x')!;
  expect(queues.settle(a.work, leaseOfX, true, nowMs)).toBe(false);
  queues.setCapacity(b.work, 9, nowMs);
  expect(names(b).split('').toSorted().join('')).toBe('xyz');
  offer(message('n'), unit('w'));
  expect(names(a) + names(b)).toMatch(/^(...)n(...)w$/);
  // And everything again from when it may.
  queues.delete(b.work, nowMs);
  queues.setTakes(a.work, 'everything', nowMs);
  expect(names(a).slice(4).split('').toSorted().join('')).toBe('wxyz');
});

test('delivery.26: a router that was passed over is in the way of none of its link when requests alone are left', () => {
  let isFull = true;
  const link = new Taker(() => isFull);
  const routers = Array.from({ length: 20 }, () => router(1, link));
  offer(unit('x'), message('m'));
  const a = taker(1);
  expect(names(a)).toBe('x');
  queues.settle(a.work, 1, true, nowMs);
  expect(names(a)).toBe('xm');
  offer(unit('y'));
  const last = taker(1, 'bb', link);
  queues.offer('bb', 's', [unit('z')], nowMs);
  isFull = false;
  queues.wake(link, nowMs);
  queues.wake(link, nowMs);
  expect([names(last), routers.map(names).join('')]).toEqual(['z', '']);
});

test('who is given a unit may settle it inside of that', () => {
  const got: string[] = [];
  const work: Work = queues.add(new Taker(() => false), tag, 'everything', ({ bytes }, lease) => {
    got.push(String.fromCharCode(bytes[0]!));
    queues.settle(work, lease, got.length !== 1, nowMs);
    expect(work.leases.size).toBe(0);
  });
  queues.setCapacity(work, 1, nowMs);
  offer(unit('x'), unit('y'), unit('z'));
  queues.tick((nowMs += 1_000));
  expect([got.join(''), queues.heldBytes]).toEqual(['xyzx', 0]);
});

test('delivery.25: a unit is dropped after 16 leases', () => {
  const a = taker(1);
  offer(unit('x'));
  for (let lease = 1; lease <= 16; lease++) {
    queues.settle(a.work, lease, false, nowMs);
    queues.tick((nowMs += 1_000));
  }
  expect([a.got.length, dropped, queues.heldBytes]).toEqual([16, ['tooOften aa s'], 0]);
});

test('delivery.25: a unit is dropped when its envelope is too old, or too long here whatever its envelope says', () => {
  const startMs = nowMs;
  offer(unit('x', 10, startMs + 3.15e10), unit('y'), unit('z', 10, startMs - 100_000));
  queues.tick((nowMs = startMs + 50_000));
  expect(dropped).toEqual([]);
  // Also behind what is not too old yet.
  queues.tick((nowMs = startMs + 50_001));
  expect([dropped, queues.heldBytes]).toEqual([['tooOld aa s'], 20]);
  queues.tick((nowMs = startMs + 150_000));
  expect(queues.heldBytes).toBe(20);
  queues.tick((nowMs = startMs + 150_001));
  expect([dropped.length, queues.heldBytes]).toEqual([3, 0]);
  expect(taker(9).got).toEqual([]);
});

test('delivery.25: what is too old is not given out before it ticks', () => {
  offer(unit('x'));
  const a = taker(1);
  offer(unit('y'));
  nowMs += 150_001;
  queues.settle(a.work, 1, false, nowMs);
  expect([names(a), dropped.length, queues.heldBytes]).toEqual(['x', 2, 0]);
});

test('delivery.26: units are bounded by tag, by sender and in all, leased ones too; a batch is taken wholly or not at all', () => {
  const a = taker(9);
  offer(unit('x', 900));
  expect(a.got).toHaveLength(1);
  const refusal = (of: string, sender: string, ...units: readonly Unit[]): string => {
    try {
      queues.offer(of, sender, units, nowMs);
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  expect(refusal(tag, 't', unit('y', 60), unit('z', 60))).toMatch(/E_LIMIT.*900 bytes of work of this topic/);
  expect(refusal('bb', 's', unit('y', 301))).toMatch(/E_LIMIT.*900 bytes of work of this sender/);
  expect(refusal('bb', 't', unit('y', 601))).toMatch(/E_LIMIT.*900 bytes of work of all senders/);
  expect(queues.heldBytes).toBe(900);
  expect(refusal('bb', 's', unit('y', 300))).toBe('taken');
  expect(refusal('bb', 't', unit('y', 300))).toBe('taken');
  expect(queues.heldBytes).toBe(1_500);
  // Where a sender may offer again as soon as its work is done, or dropped.
  queues.settle(a.work, 1, true, nowMs);
  expect(refusal(tag, 's', unit('y', 900))).toBe('taken');
  queues.tick((nowMs += 150_001));
  queues.tick((nowMs += 150_001));
  expect(queues.heldBytes).toBe(0);
  expect(refusal(tag, 's', unit('y', 1_000))).toBe('taken');
});

test('delivery.26: a link with so many bytes gets no more, whichever of its works have them', () => {
  const link = new Taker(() => false);
  const [a, b, c] = [taker(9, 'aa', link), taker(9, 'bb', link), taker(9, 'cc')];
  for (const of of ['aa', 'bb', 'cc']) {
    const units = Array.from({ length: 5 }, (_, i) => unit(String(i), 100));
    queues.offer(of, of, units, nowMs);
  }
  expect([names(a), names(b), names(c)]).toEqual(['012', '', '012']);
  // What it had no room for comes one after the other: no tag of a busy link waits for another to be empty.
  queues.settle(a.work, 1, true, nowMs);
  expect([names(a), names(b)]).toEqual(['0123', '']);
  queues.settle(a.work, 2, true, nowMs);
  expect([names(a), names(b)]).toEqual(['0123', '0']);
  queues.settle(a.work, 3, true, nowMs);
  expect([names(a), names(b)]).toEqual(['01234', '0']);
  queues.settle(a.work, 4, true, nowMs);
  expect([names(a), names(b), link.leasedBytes]).toEqual(['01234', '01', 300]);
  queues.delete(a.work, nowMs);
  expect([names(b), link.leasedBytes]).toEqual(['012', 300]);
});

test('delivery.16: a link that takes nothing is given nothing, and has its turn when it takes again', () => {
  let isFull = true;
  const link = new Taker(() => isFull);
  const [a, b] = [taker(9, tag, link), taker(1)];
  offer(unit('x'), unit('y'), unit('z'));
  expect([names(a), names(b)]).toEqual(['', 'x']);
  queues.tick(nowMs);
  expect(names(a)).toBe('');
  isFull = false;
  queues.wake(link, nowMs);
  expect(names(a)).toBe('yz');
});

test('nothing is given while it is held, nor lost', () => {
  const [a, b] = [taker(1), taker(1)];
  offer(unit('x'));
  const [first, second] = names(a) === 'x' ? [a, b] : [b, a];
  queues.hold(() => {
    queues.delete(first.work, nowMs);
    queues.delete(second.work, nowMs);
  }, nowMs);
  expect([names(first), names(second), queues.heldBytes]).toEqual(['x', '', 10]);
  const third = taker(0);
  queues.hold(() => queues.setCapacity(third.work, 1, nowMs), nowMs);
  expect(names(third)).toBe('x');
});

test('what is done is not kept', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const a = taker(2);
  const kept: WeakRef<Uint8Array>[] = [];
  for (let i = 0; i < 50; i++) {
    const one = unit('x');
    kept.push(new WeakRef(one.bytes));
    offer(one);
    if (i > 0) queues.settle(a.work, i, true, nowMs);
  }
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(kept.filter((one) => one.deref() !== undefined).length).toBeLessThanOrEqual(2);
});

test('delivery.27: a lease that never was is refused', () => {
  const a = taker(1);
  for (const lease of [0, 1]) {
    expect(() => queues.settle(a.work, lease, true, nowMs)).toThrowError(
      expect.objectContaining({ code: 'E_ENCODING' }),
    );
  }
});

test('delivery.27: a lease that is over means nothing, and it is said so', () => {
  const a = taker(1);
  offer(unit('x'), unit('y'));
  expect(queues.settle(a.work, 1, true, nowMs)).toBe(true);
  expect(queues.settle(a.work, 1, false, nowMs)).toBe(false);
  queues.delete(a.work, nowMs);
  expect(queues.settle(a.work, 2, true, nowMs)).toBe(false);
  expect(names(taker(1))).toBe('y');
});
