import { TridcommError } from '@tridcomm/core';
import type { LinkMessage } from '@tridcomm/core/link';
import { expect, test, vi } from 'vitest';
import { Publisher, type Sealed, type Sending } from '../../src/client/publisher.ts';
import { SendQueue } from '../../src/client/send-queue.ts';
import type { Link } from '../../src/links/link.ts';

test('messages whose batch became several envelopes wait for all of them, also for one that goes out again', async () => {
  const sent: LinkMessage[] = [];
  const link: Link = {
    send: (message) => sent.push(message),
    isFull: false,
    close: () => {},
    peer: {} as Link['peer'],
  };
  const envelopes = [new Uint8Array([1]), new Uint8Array([2])] as const;
  const publisher = new Publisher({
    seal: () => ({ envelopes, ids: [new Uint8Array(32), new Uint8Array(32)] }),
    link: () => link,
    lingerMs: 0,
  });
  publisher.opened();
  const settled = vi.fn();
  const done = publisher.publish('a', [new Uint8Array(1)], 'memory', undefined).then(settled);
  await vi.waitFor(() => expect(sent.length).toBe(2));
  publisher.rejected(1, 'E_LIMIT', 20);
  publisher.acknowledged(2);
  await new Promise((resolve) => setImmediate(resolve));
  expect(settled).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(sent.length).toBe(3));
  publisher.acknowledged(3);
  await done;
  expect(settled).toHaveBeenCalledOnce();
});

/** A publisher on a link that notes what is sent. */
function onLink() {
  const sent: LinkMessage[] = [];
  const link: Link = {
    send: (message) => sent.push(message),
    isFull: false,
    close: () => {},
    peer: {} as Link['peer'],
  };
  const seal = (): Sealed => ({ envelopes: [], ids: [] });
  const publisher = new Publisher({ seal, link: () => link, lingerMs: 0 });
  publisher.opened();
  return { publisher, sent };
}

const code = async (promise: Promise<unknown>) => promise.then(String, (error: Error) => error.message.split(':')[0]);
const sending = (seal: Sending<Uint8Array>['seal']): Sending<Uint8Array> => {
  return { topic: 'a', durability: 'memory', kind: 'x', items: [new Uint8Array(1)], seal };
};

test('what comes to no envelope is settled, and nothing is sent', async () => {
  const { publisher, sent } = onLink();
  await publisher.begin(sending(() => ({ envelopes: [], ids: [] }))).done;
  expect(sent).toEqual([]);
  await publisher.rest();
});

test('what is taken back is not sealed', async () => {
  const { publisher, sent } = onLink();
  const seal = vi.fn(() => ({ envelopes: [new Uint8Array(1)], ids: [] }));
  const begun = publisher.begin(sending(seal));
  begun.cancel(new Error('taken back'));
  expect(await code(begun.done)).toBe('taken back');
  await new Promise((resolve) => setImmediate(resolve));
  expect([seal.mock.calls.length, sent.length]).toEqual([0, 0]);
});

test('many that are taken back go together, and make room at once', async () => {
  const seal = (): Sealed => ({ envelopes: [], ids: [] });
  const publisher = new Publisher({ seal, link: () => undefined, lingerMs: 0 });
  const remove = vi.spyOn(SendQueue.prototype, 'remove');
  const items = [new Uint8Array(9_000)];
  const begun = Array.from({ length: 1_000 }, () => publisher.begin({ ...sending(seal), items }));
  const codes = Promise.all(begun.map(async ({ done }) => code(done)));
  expect(publisher.isBusy).toBe(true);
  for (const one of begun.slice(1)) one.cancel(new Error('taken back'));
  expect(remove).not.toHaveBeenCalled();
  expect(publisher.isBusy).toBe(false);
  begun[0]!.cancel(new Error('taken back'));
  expect(new Set(await codes)).toEqual(new Set(['taken back']));
  await new Promise((resolve) => setImmediate(resolve));
  expect(remove.mock.calls.length).toBe(2);
  remove.mockRestore();
});

test('delivery.13: what is sent again is the same bytes, and the broker answers it like the first time', async () => {
  const { publisher, sent } = onLink();
  const envelope = new Uint8Array([1, 2, 3]);
  const [first, second] = [1, 2].map(async () => code(publisher.repeat(envelope, 'memory', performance.now())));
  await vi.waitFor(() => expect(sent.length).toBe(2));
  expect(sent).toEqual([1, 2].map(() => ({ type: 'envelope', durability: 1, envelope })));
  publisher.rejected(1, 'E_LIMIT', 0);
  publisher.acknowledged(2);
  expect([await first, await second]).toEqual(['E_LIMIT', 'undefined']);
  // What receivers do not take any more does not go out.
  expect(await code(publisher.repeat(envelope, 'memory', performance.now() - 100_000))).toBe('E_TRANSPORT');
  expect(sent.length).toBe(2);
  publisher.close(new TridcommError('E_CLOSED'));
  expect(await code(publisher.repeat(envelope, 'memory', performance.now()))).toBe('E_CLOSED');
});
