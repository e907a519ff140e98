import { TridcommError, type Client, type RoutedDelivery } from '@tridcomm/core';
import { expect, test } from 'vitest';
import type { PatternParts } from '../../src/client/pattern-parts.ts';
import type { Forwarder, RouteHandler } from '../../src/client/route-options.ts';
import type { ClientStatus } from '../../src/client/status.ts';
import { TopicRoute } from '../../src/client/topic-route.ts';
import { later } from './pool-world.ts';

const worker = new Uint8Array(32).fill(7);
const refusal = new TridcommError('E_POLICY', 'no');

/** A client of a few lines: what it is told to settle and forward, it notes. */
function scene(handler: RouteHandler, forward: () => Promise<void> = async () => {}) {
  const settled: string[] = [];
  const capacities: number[] = [];
  const told: ClientStatus[] = [];
  const unsent: unknown[] = [];
  const forwards: [RoutedDelivery, Uint8Array][] = [];
  let take!: (delivery: RoutedDelivery) => void;
  const client = {
    route: (_topic: string, _nowMs: number, onRouted: typeof take, { capacity }: { readonly capacity: number }) => {
      take = onRouted;
      capacities.push(capacity);
      return {
        topic: 'a',
        setCapacity: (count: number) => capacities.push(count),
        close: () => settled.push('closed'),
      };
    },
    settle: (lease: { readonly name: string }, outcome: string) => settled.push(`${lease.name} ${outcome}`),
  } as unknown as Client;
  const own: Forwarder = {
    forward: async (delivery, workerKeyId32) => (forwards.push([delivery, workerKeyId32]), forward()),
    forwardReply: async () => {},
  };
  const parts = {
    client: () => client,
    tell: (status: ClientStatus) => told.push(status),
    tellUnsent: (error: unknown) => unsent.push(error),
  } as unknown as PatternParts;
  let closes = 0;
  const route = new TopicRoute({ ...parts, topic: 'a', handler, capacity: 3, own, onClose: () => closes++ });
  const deliver = (name: string) => {
    const delivery = {
      topic: 'a',
      sender: { name: 'dealer', key: { keyId32: new Uint8Array(32) } },
      routing: new Uint8Array([1]),
      envelope: new Uint8Array([2]),
      verdict: 'again',
      timestampMs: 5,
      id32: new Uint8Array(32).fill(0xab),
      lease: { name },
      groupId16: new Uint8Array(16),
    } as unknown as RoutedDelivery;
    take(delivery);
    return delivery;
  };
  return { route, deliver, settled, capacities, told, unsent, forwards, closes: () => closes };
}

async function turns(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('what is forwarded is settled as done when a broker has it, and not before', async () => {
  const acknowledged = later();
  const { deliver, settled, forwards, capacities } = scene(
    ({ routing, sender, verdict, sealedMs, id, forward }) => {
      expect([routing, sender.name, verdict, sealedMs, id]).toEqual([
        new Uint8Array([1]),
        'dealer',
        'again',
        5,
        'ab'.repeat(16),
      ]);
      void forward(worker);
    },
    async () => acknowledged.promise,
  );
  const delivery = deliver('first');
  await turns();
  expect([settled, forwards, capacities]).toEqual([[], [[delivery, worker]], [3]]);
  acknowledged.resolve();
  await turns();
  expect(settled).toEqual(['first done']);
});

test('what is forwarded to nobody, or by nobody, is given back; so is what a handler throws, whatever it forwarded', async () => {
  const trouble = new Error('no');
  const none = scene(() => {});
  none.deliver('none');
  const refused = scene(
    async ({ forward }) => forward(worker),
    async () => Promise.reject(refusal),
  );
  refused.deliver('refused');
  const unheard = scene(
    ({ forward }) => void forward(worker),
    async () => Promise.reject(refusal),
  );
  unheard.deliver('unheard');
  const thrown = scene(async ({ forward }) => {
    await forward(worker);
    throw trouble;
  });
  thrown.deliver('thrown');
  await turns();
  expect([none, refused, unheard, thrown].flatMap(({ settled }) => settled)).toEqual([
    'none given back',
    'refused given back',
    'unheard given back',
    'thrown given back',
  ]);
  expect([none, refused, unheard, thrown].map(({ unsent }) => unsent)).toEqual([[], [refusal], [refusal], []]);
  // What a forward was refused for is no mistake of the handler.
  expect([refused.told, thrown.told]).toEqual([[], [{ type: 'failed', what: 'handler', error: trouble }]]);
});

test('where one of several forwards was taken, a worker has it', async () => {
  let count = 0;
  const { deliver, settled, unsent } = scene(
    async ({ forward }) => {
      await forward(worker).catch(() => {});
      await forward(worker);
    },
    async () => (count++ === 0 ? Promise.reject(refusal) : Promise.resolve()),
  );
  deliver('first');
  await turns();
  expect([settled, unsent]).toEqual([['first done'], [refusal]]);
});

test('who closes it takes no more, and waits for what is being forwarded', async () => {
  const acknowledged = later();
  const { route, deliver, settled, capacities, closes } = scene(
    async ({ forward }) => forward(worker),
    async () => acknowledged.promise,
  );
  deliver('first');
  const closed = route.close();
  deliver('second');
  await turns();
  expect([settled, capacities, route.running]).toEqual([['second given back'], [3, 0], 1]);
  acknowledged.resolve();
  await closed;
  expect([settled.slice(1), closes()]).toEqual([['first done', 'closed'], 1]);
});

test('the end aborts what runs, and settles nothing any more', async () => {
  const go = later();
  const signals: AbortSignal[] = [];
  const { route, deliver, settled } = scene(async ({ signal }) => (signals.push(signal), go.promise));
  deliver('first');
  const reason = new Error('over');
  const closed = route.close();
  route.end(reason);
  await closed;
  go.resolve();
  await turns();
  expect([settled, signals[0]!.reason]).toEqual([[], reason]);
});
