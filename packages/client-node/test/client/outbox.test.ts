import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Outbox, type Outgoing } from '../../src/client/outbox.ts';

const freshMs = 90_000;

function outgoing(owner: string, sealedMs = 0, length = 10): Outgoing<string> {
  return { envelope: new Uint8Array(length), durability: 1, sealedMs, owner };
}

function filled(...owners: string[]): Outbox<string> {
  const outbox = new Outbox<string>(freshMs, 100);
  for (const owner of owners) outbox.add(outgoing(owner));
  return outbox;
}

function send(outbox: Outbox<string>, nowMs = 0): string[] {
  const sent: string[] = [];
  for (let next = outbox.next(nowMs); next !== undefined; next = outbox.next(nowMs)) sent.push(next.owner);
  return sent;
}

const owners = (settled: readonly Outgoing<string>[] | undefined) => settled?.map(({ owner }) => owner);

test('delivery.1: an ack answers all up to its number that no reject named', () => {
  const outbox = filled('a', 'b', 'c', 'd');
  expect(send(outbox)).toEqual(['a', 'b', 'c', 'd']);
  expect(outbox.rejected(2, 'E_POLICY', 0, 0)).toMatchObject({ outgoing: { owner: 'b' }, isAgain: false });
  expect(owners(outbox.acknowledged(3))).toEqual(['a', 'c']);
  expect(outbox.bytes).toBe(10);
  expect(owners(outbox.acknowledged(3))).toEqual([]);
  expect(owners(outbox.acknowledged(4))).toEqual(['d']);
  expect(outbox.isEmpty).toBe(true);
  expect(outbox.bytes).toBe(0);
});

test('delivery.19: an answer to what was never sent is a mistake', () => {
  const outbox = filled('a');
  for (const number of [0, 1]) {
    expect(() => outbox.acknowledged(number)).toThrow('E_ENCODING');
    expect(() => outbox.rejected(number, 'E_POLICY', 0, 0)).toThrow('E_ENCODING');
  }
  send(outbox);
  expect(() => outbox.acknowledged(2)).toThrow('E_ENCODING');
  expect(() => outbox.rejected(2, 'E_POLICY', 0, 0)).toThrow('E_ENCODING');
  expect(owners(outbox.acknowledged(1))).toEqual(['a']);
  expect(outbox.rejected(1, 'E_POLICY', 0, 0)).toBeUndefined();
});

test('delivery.13, link.21: what a link left unanswered goes out again on the next, the same bytes, in its order, before what is new', () => {
  const outbox = filled('a', 'b', 'c');
  const first = outbox.next(0)!;
  outbox.next(0);
  outbox.acknowledged(1);
  outbox.add(outgoing('d', 5));
  outbox.reset();
  expect(first.owner).toBe('a');
  const again = outbox.next(10)!;
  expect(again.owner).toBe('b');
  expect(again.envelope).toHaveLength(10);
  expect(send(outbox, 10)).toEqual(['c', 'd']);
  expect(owners(outbox.acknowledged(3))).toEqual(['b', 'c', 'd']);
});

test('numbers begin anew on each link', () => {
  const outbox = filled('a', 'b');
  send(outbox);
  outbox.acknowledged(1);
  outbox.reset();
  send(outbox);
  expect(() => outbox.acknowledged(2)).toThrow('E_ENCODING');
  expect(owners(outbox.acknowledged(1))).toEqual(['b']);
});

test('delivery.19: an ack goes back behind none before it on the link', () => {
  const outbox = filled('a', 'b', 'c');
  send(outbox);
  outbox.acknowledged(2);
  expect(() => outbox.acknowledged(1)).toThrow('E_ENCODING');
  outbox.reset();
  send(outbox);
  expect(owners(outbox.acknowledged(1))).toEqual(['c']);
});

test('the bytes that go out again are those that went out', () => {
  const outbox = new Outbox<string>(freshMs, 100);
  const envelope = Uint8Array.of(1, 2, 3);
  outbox.add({ envelope, durability: 2, sealedMs: 0, owner: 'a' });
  expect(outbox.next(0)!.envelope).toBe(envelope);
  outbox.reset();
  expect(outbox.next(1)).toMatchObject({ durability: 2, owner: 'a' });
});

test('a limit with a time is waited for, and everything behind it waits too', () => {
  const outbox = filled('a', 'b');
  send(outbox);
  expect(outbox.rejected(1, 'E_LIMIT', 500, 1_000)).toMatchObject({ isAgain: true });
  outbox.add(outgoing('c', 1_000));
  expect(outbox.nextMs()).toBe(1_500);
  expect(send(outbox, 1_499)).toEqual([]);
  expect(send(outbox, 1_500)).toEqual(['a', 'c']);
  expect(owners(outbox.acknowledged(4))).toEqual(['b', 'a', 'c']);
});

test('what is sent again goes out before what was sealed after it', () => {
  const outbox = filled('a', 'b');
  send(outbox);
  outbox.add(outgoing('c', 1_000));
  outbox.rejected(1, 'E_LIMIT', 500, 1_000);
  expect(send(outbox, 1_500)).toEqual(['a', 'c']);
});

test.each([
  ['a limit without a time', 'E_LIMIT', 0],
  ['another code with a time', 'E_POLICY', 500],
  ['a time after which it is too old', 'E_LIMIT', freshMs],
] as const)('%s is final', (_name, code, retryMs) => {
  const outbox = filled('a');
  send(outbox);
  expect(outbox.rejected(1, code, retryMs, 0)).toMatchObject({ isAgain: false });
  expect(outbox.isEmpty).toBe(true);
  expect(outbox.bytes).toBe(0);
});

test('a new link does not wait for what the old one asked', () => {
  const outbox = filled('a');
  send(outbox);
  outbox.rejected(1, 'E_LIMIT', 5_000, 0);
  outbox.reset();
  expect(send(outbox, 1)).toEqual(['a']);
});

test('what a broker that is ending rejects goes out on the next link, and nothing before it', () => {
  const outbox = filled('a', 'b');
  send(outbox);
  expect(outbox.rejected(1, 'E_CLOSED', 0, 0)).toMatchObject({ isAgain: true });
  outbox.add(outgoing('c', 1));
  expect(send(outbox, 2)).toEqual([]);
  expect(outbox.nextMs()).toBe(Infinity);
  outbox.reset();
  expect(send(outbox, 2)).toEqual(['a', 'b', 'c']);
  // Not for ever.
  outbox.rejected(1, 'E_CLOSED', 0, 2);
  expect(owners(outbox.expire(freshMs))).toEqual(['b', 'a']);
});

test('what is too old is given up, sent or not', () => {
  const outbox = new Outbox<string>(freshMs, 100);
  outbox.add(outgoing('sent', 0));
  outbox.add(outgoing('sent later', 100));
  send(outbox);
  outbox.add(outgoing('waits', 50));
  expect(outbox.expire(freshMs - 1)).toEqual([]);
  expect(owners(outbox.expire(freshMs + 50))).toEqual(['sent', 'waits']);
  expect(outbox.bytes).toBe(10);
  expect(owners(outbox.acknowledged(1))).toEqual([]);
  expect(owners(outbox.acknowledged(2))).toEqual(['sent later']);
});

test('it is full at its bound, and has room when something is settled', () => {
  const outbox = new Outbox<string>(freshMs, 25);
  outbox.add(outgoing('a', 0, 20));
  expect(outbox.isFull).toBe(false);
  outbox.add(outgoing('b', 0, 20));
  expect(outbox.isFull).toBe(true);
  send(outbox);
  outbox.acknowledged(1);
  expect(outbox.isFull).toBe(false);
});

test('clear gives up everything', () => {
  const outbox = filled('a', 'b');
  outbox.next(0);
  expect(owners(outbox.clear())).toEqual(['a', 'b']);
  expect(outbox.isEmpty).toBe(true);
  expect(outbox.bytes).toBe(0);
  expect(outbox.nextMs()).toBeUndefined();
});

/** A broker that answers as chapter 11 says, over links that break: every envelope is settled once, and acknowledged only if it was taken. */
test('every envelope is settled exactly once, whatever breaks', () => {
  const step = fc.oneof(
    fc.constant('add' as const),
    fc.constant('send' as const),
    fc.constant('take' as const),
    fc.constant('ack' as const),
    fc.constant('reject' as const),
    fc.constant('limit' as const),
    fc.constant('cut' as const),
    fc.constant('time' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const outbox = new Outbox<string>(1_000, 1_000_000);
      const settled = new Map<string, string>();
      const settle = (owner: string, as: string) => {
        expect(settled.has(owner), owner).toBe(false);
        settled.set(owner, as);
      };
      let [added, nowMs, number, handled, acked] = [0, 0, 0, 0, 0];
      const wire: string[] = [];
      const taken = new Set<string>();
      for (const what of steps) {
        if (what === 'add') outbox.add(outgoing(`${added++}`, nowMs));
        if (what === 'time') {
          nowMs += 200;
          for (const { owner } of outbox.expire(nowMs)) settle(owner, 'unknown');
        }
        if (what === 'send') {
          const next = outbox.next(nowMs);
          if (next !== undefined) {
            number++;
            wire.push(next.owner);
          }
        }
        if (what === 'cut') {
          outbox.reset();
          wire.length = 0;
          [number, handled, acked] = [0, 0, 0];
        }
        const owner = wire[handled];
        if (owner !== undefined && what === 'take') {
          handled++;
          taken.add(owner);
        }
        if (owner !== undefined && (what === 'reject' || what === 'limit')) {
          handled++;
          const answer = outbox.rejected(
            handled,
            what === 'limit' ? 'E_LIMIT' : 'E_POLICY',
            what === 'limit' ? 100 : 0,
            nowMs,
          );
          if (answer?.isAgain === false) settle(answer.outgoing.owner, 'rejected');
        }
        if (what === 'ack' && handled > acked) {
          acked = handled;
          for (const one of outbox.acknowledged(acked)) {
            expect(taken.has(one.owner)).toBe(true);
            settle(one.owner, 'acknowledged');
          }
        }
      }
      for (const { owner } of outbox.clear()) settle(owner, 'unknown');
      expect(settled.size).toBe(added);
      expect(outbox.bytes).toBe(0);
    }),
    { numRuns: 300 },
  );
});
