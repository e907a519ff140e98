import { expect, test } from 'vitest';
import { limits, WorkQueues } from '@tridcomm/core/internal';
import { LinkWorks, matchOfWork } from '../../src/engine/link-works.ts';

const most = 1_000_000;

test('delivery.27: of the works that are over those that ended last are remembered', () => {
  const queues = new WorkQueues({
    mostBytes: most,
    mostSenderBytes: most,
    mostTotalBytes: most,
    mostLeasedBytes: most,
    onDropped: () => undefined,
  });
  const works = new LinkWorks(queues, { isFull: false, sendUnit: () => undefined });
  const match = matchOfWork(new Uint8Array(16));
  const tag = '00'.repeat(16);
  const count = limits.subsPerLink + 2;
  for (let number = 1; number <= count; number++) {
    works.add(number, match, 'everything', 1, 0);
    queues.offer(tag, 's', [{ type: 'leased', isMessage: false, bytes: new Uint8Array(10), timestampMs: 0 }], 0);
    expect(works.settle(number, 1, true, 0)).toBe(true);
    works.delete(number, 0);
  }
  // One that never had anything takes no place.
  works.add(count + 1, match, 'everything', 1, 0);
  works.delete(count + 1, 0);
  expect(() => works.settle(count + 1, 1, true, 0)).toThrow('E_ENCODING');
  expect([works.settle(count, 1, true, 0), works.settle(3, 1, false, 0)]).toEqual([false, false]);
  for (const number of [1, 2]) expect(() => works.settle(number, 1, true, 0)).toThrow('E_ENCODING');
});
