import { type TopicMatch } from '@tridcomm/core';
import { matchKinds, type LinkMessage } from '@tridcomm/core/link';
import { expect, test, vi } from 'vitest';
import { LinkCarrier, type Asker } from '../../src/client/link-carrier.ts';
import type { Link } from '../../src/links/link.ts';

function linkTo(sent: LinkMessage[]): Link {
  return { send: (message) => sent.push(message), isFull: false, close: () => {}, peer: {} as Link['peer'] };
}

const asker = (): Asker => ({
  from: () => 1,
  object: () => {},
  stored: () => {},
  refused: () => {},
  dropped: () => {},
});
const match = (byte: number): TopicMatch => ({
  matchKind: matchKinds.exact,
  level: 0,
  match16: new Uint8Array(16).fill(byte),
});
const subsOf = (sent: readonly LinkMessage[]) =>
  sent.filter((message) => message.type === 'sub').map((message) => message.sub);

test('delivery.20: no number of a link is given twice; when all are used up another link is asked for, and begins anew', async () => {
  const sent: LinkMessage[] = [];
  const onUsedUp = vi.fn();
  const carrier = new LinkCarrier(() => {}, onUsedUp);
  const own = carrier.join(asker(), () => {});
  carrier.opened(linkTo(sent));
  for (let i = 0; i < 0xffff; i++) {
    own.subscribe(match(1));
    own.unsubscribe(match(1));
  }
  expect(new Set(subsOf(sent)).size).toBe(0xffff);
  expect(() => own.subscribe(match(1))).toThrow('E_LIMIT');
  await Promise.resolve();
  expect(onUsedUp).toHaveBeenCalledOnce();
  carrier.lost();
  const next: LinkMessage[] = [];
  carrier.opened(linkTo(next));
  own.subscribe(match(1));
  expect(subsOf(next)).toEqual([1]);
});

test('delivery.19: what is stored for a sub that was never there is a mistake, for one that ended it is not', () => {
  const carrier = new LinkCarrier(
    () => {},
    () => {},
  );
  const stored = vi.fn();
  const reader = carrier.join({ ...asker(), stored });
  const own = carrier.join(asker(), () => {});
  carrier.opened(linkTo([]));
  carrier.settled();
  const envelope = new Uint8Array(1);
  expect(() => carrier.stored(1, 1, envelope)).toThrow('E_ENCODING');
  reader.subscribe(match(1));
  expect(carrier.stored(1, 1, envelope)).toBe(true);
  expect(stored).toHaveBeenCalledWith(match(1), 1, envelope);
  expect(() => carrier.stored(2, 1, envelope)).toThrow('E_ENCODING');
  reader.unsubscribe(match(1));
  expect(carrier.stored(1, 2, envelope)).toBe(false);
  // One that lives on news asked for nothing out of the log.
  own.subscribe(match(2));
  expect(carrier.stored(2, 1, envelope)).toBe(false);
});

test('delivery.19: so is a reject of what was not asked', () => {
  const carrier = new LinkCarrier(
    () => {},
    () => {},
  );
  const own = carrier.join(asker(), () => {});
  carrier.opened(linkTo([]));
  const reject = (about: 'sub' | 'watch', number: number) => () =>
    carrier.checkReject({ type: 'reject', about, number, code: 'E_POLICY', retryMs: 0 });
  for (const about of ['sub', 'watch'] as const) expect(reject(about, 1)).toThrow('E_ENCODING');
  own.subscribe(match(1));
  own.watch(new Uint8Array(16));
  carrier.flush();
  for (const about of ['sub', 'watch'] as const) {
    expect(reject(about, 1)).not.toThrow();
    expect(reject(about, 2)).toThrow('E_ENCODING');
  }
});

test('delivery.29: a unit for work that was never asked for is a mistake, for work that is over it is nothing', () => {
  const carrier = new LinkCarrier(
    () => {},
    () => {},
  );
  const leased = vi.fn();
  const refused = vi.fn();
  const own = carrier.join({ ...asker(), worker: { leased, refused } }, () => {});
  const sent: LinkMessage[] = [];
  carrier.opened(linkTo(sent));
  const unit = (work: number) => carrier.leased({ type: 'leased', work, lease: 1, envelope: new Uint8Array(1) });
  expect(() => unit(1)).toThrow('E_ENCODING');
  own.subscribe(match(1));
  expect(() => unit(1)).toThrow('E_ENCODING');
  own.work(match(1), 4);
  own.work(match(1), 2);
  const { match16 } = match(1);
  expect(sent.slice(1)).toEqual([
    { type: 'work', work: 2, match16, capacity: 4 },
    { type: 'work', work: 2, match16, capacity: 2 },
  ]);
  unit(2);
  carrier.leased({ type: 'job', work: 2, lease: 2, job: new Uint8Array(2) });
  expect(leased.mock.calls.map(([bytes, form]) => [bytes.length, form])).toEqual([
    [1, 'envelope'],
    [2, 'job'],
  ]);
  const [first, second] = leased.mock.calls.map(([, , lease]) => lease);
  first.settle('done');
  expect(sent.at(-1)).toEqual({ type: 'settle', work: 2, lease: 1, isDone: true });
  own.endWork(match(1));
  expect(sent.at(-1)).toEqual({ type: 'unsub', sub: 2 });
  second.settle('given back');
  unit(2);
  expect([sent.length, leased.mock.calls.length]).toEqual([5, 2]);
});

test('more than twice the units that were asked for is a mistake, but on a carrier, which knows no capacity', () => {
  const carrier = new LinkCarrier(
    () => {},
    () => {},
  );
  const leased = vi.fn();
  const own = carrier.join({ ...asker(), worker: { leased, refused: () => {} } }, () => {});
  const unit = (lease: number) => carrier.leased({ type: 'leased', work: 1, lease, envelope: new Uint8Array(1) });
  carrier.opened(linkTo([]));
  own.work(match(1), 2);
  for (const lease of [1, 2, 3, 4]) unit(lease);
  expect(() => unit(5)).toThrow('E_LIMIT');
  leased.mock.calls[0]![2].settle('done');
  unit(6);
  expect(() => unit(7)).toThrow('E_LIMIT');
  // For work that is over nothing is held.
  own.endWork(match(1));
  unit(8);
  carrier.opened({ ...linkTo([]), peer: undefined });
  own.work(match(1), 2);
  for (let lease = 1; lease <= 10; lease++) unit(lease);
});

test('a lease of a lost link is nothing any more, and the next link is asked anew', () => {
  const carrier = new LinkCarrier(
    () => {},
    () => {},
  );
  const leased = vi.fn();
  const refused = vi.fn();
  const own = carrier.join({ ...asker(), worker: { leased, refused } }, () => {});
  carrier.opened(linkTo([]));
  own.work(match(1), 1);
  carrier.leased({ type: 'leased', work: 1, lease: 1, envelope: new Uint8Array(1) });
  carrier.lost();
  expect(() => own.work(match(1), 1)).toThrow('E_CLOSED');
  const next: LinkMessage[] = [];
  carrier.opened(linkTo(next));
  expect(() => carrier.leased({ type: 'leased', work: 1, lease: 1, envelope: new Uint8Array(1) })).toThrow(
    'E_ENCODING',
  );
  own.work(match(1), 1);
  leased.mock.calls[0]![2].settle('done');
  expect(next.map(({ type }) => type)).toEqual(['work']);
  carrier.rejected({ type: 'reject', about: 'sub', number: 1, code: 'E_POLICY', retryMs: 0 });
  expect(refused.mock.calls.map(([about, error]) => [about, error.code])).toEqual([[match(1), 'E_POLICY']]);
});
