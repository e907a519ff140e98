import {
  TridcommError,
  type Client,
  type Delivery,
  type JobFields,
  type WorkDelivery,
  type WorkHandler,
  type WorkReply,
} from '@tridcomm/core';
import { expect, test, vi } from 'vitest';
import { Patterns, type PatternsParts } from '../../src/client/patterns.ts';
import type { Sending } from '../../src/client/publisher.ts';
import type { ClientStatus } from '../../src/client/status.ts';
import type { JobContext } from '../../src/client/work-options.ts';
import { MemoryEffectStore } from '../../src/effects/memory-effect-store.ts';
import { codeOf } from './pool-world.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const idempotent = { effects: 'idempotent' } as const;
const groupId16 = new Uint8Array(16).fill(3);
const turn = async () => new Promise((resolve) => setImmediate(resolve));

/** A client of a few lines: what it is told to send and to tell, it notes. */
function scene() {
  const replies: WorkReply[] = [];
  const told: ClientStatus[] = [];
  const pushed: JobFields[] = [];
  const answered: Uint8Array[] = [];
  const settled: string[] = [];
  const lengths: number[] = [];
  let delivered = 0;
  let take!: WorkHandler;
  let hear!: (delivery: Delivery) => void;
  const client = {
    work: (_topic: string, _nowMs: number, handler: WorkHandler) => {
      take = handler;
      return { topic: 'a', setCapacity: () => {}, close: () => {} };
    },
    subscribe: (_topic: string, _nowMs: number, handler: typeof hear) => {
      hear = handler;
      return { close: () => {} };
    },
    settle: (lease: { readonly name: string }, outcome: string) => settled.push(`${lease.name} ${outcome}`),
    reply: (_delivery: WorkDelivery, all: readonly WorkReply[]) => (replies.push(...all), { envelopes: [] }),
    answer: (_delivery: Delivery, body: Uint8Array) => (answered.push(body), { envelopes: [] }),
    push: (_topic: string, jobs: readonly JobFields[]) => {
      pushed.push(...jobs);
      return { envelopes: [new Uint8Array(1)], names: [{ id32: new Uint8Array(32) }] };
    },
  } as unknown as Client;
  const later: (() => void)[] = [];
  const send = async ({ items, seal }: Sending<{ readonly length: number }>) => {
    lengths.push(...items.map(({ length }) => length));
    await new Promise<void>((resolve) => later.push(resolve));
    seal(items);
    return ['0'.repeat(32)];
  };
  const parts: PatternsParts = {
    client: () => client,
    publisher: () =>
      ({
        isBusy: false,
        begin: (sending: Parameters<typeof send>[0]) => ({ done: send(sending), cancel: () => {} }),
        send,
      }) as unknown as ReturnType<PatternsParts['publisher']>,
    isOpen: () => true,
    carrier: undefined,
    inParts: (items, seal) => seal(items),
    mostItemBytes: () => 1_000,
    use: () => () => {},
    isNews: () => false,
    tell: (status) => told.push(status),
    tellUnsent: () => {},
    random: (length) => new Uint8Array(length),
  };
  const deliver = (kind: 'request' | 'job', body: Uint8Array) => {
    const sender = { name: 'asker', key: { keyId32: new Uint8Array(32) } };
    const id32 = new Uint8Array(32).fill(++delivered);
    const [key16, deadlineMs] = [new Uint8Array(16).fill(delivered), Date.now() + 60_000];
    const works = [{ id32, leaf: 0, index: 0, key16, deadlineMs, body, isLate: false }];
    const lease = { name: `${kind} ${Buffer.from(body).toString()}` };
    take({ kind, topic: 'a', works, sender, verdict: 'new', id32, lease, groupId16, timestampMs: Date.now() } as never);
    return works[0]!;
  };
  /** Lets what waits be sealed. */
  const flush = async () => {
    await turn();
    for (const seal of later.splice(0)) seal();
    await turn();
  };
  const question = (body: Uint8Array) => {
    const sender = { name: 'asker', key: { keyId32: new Uint8Array(32) } };
    const survey = { deadlineMs: Date.now() + 60_000 };
    hear({ topic: 'a', sender, survey, id32: new Uint8Array(32), records: { payload: () => body } } as never);
  };
  return { patterns: new Patterns(parts), deliver, question, flush, replies, told, pushed, answered, settled, lengths };
}

const codes = (told: readonly ClientStatus[]) =>
  told.map((status) => {
    if (status.type !== 'failed' && status.type !== 'refused') return status.type;
    const { error } = status;
    return `${status.type} ${status.what}: ${error instanceof TridcommError ? error.code : String(error)}`;
  });

test('what who asked does not learn as it is is told here', async () => {
  const { patterns, deliver, flush, replies, told } = scene();
  patterns.respond<undefined>(
    'a',
    ({ data }) => {
      const what = Buffer.from(data).toString();
      if (what === 'E_LIMIT' || what === 'E_SIG') throw new TridcommError(what);
      if (what === 'large') return new Uint8Array(1_000 - 40);
      if (what === 'no bytes') return undefined as unknown as string;
      throw new Error(what);
    },
    idempotent,
  );
  for (const what of ['E_LIMIT', 'E_SIG', 'large', 'no bytes', 'other']) {
    deliver('request', bytes(what));
    await flush();
  }
  expect(replies.map((reply) => (reply.status === 'refused' ? reply.code : reply.status))).toEqual([
    'E_LIMIT',
    'E_REFUSED',
    'E_LIMIT',
    'E_REFUSED',
    'E_REFUSED',
  ]);
  expect(codes(told)).toEqual([
    'failed handler: E_SIG',
    'failed handler: E_LIMIT',
    'failed handler: E_USAGE',
    'failed handler: Error: other',
  ]);
});

test('of a job nobody learns but who does it: whatever its handler throws is told', async () => {
  const { patterns, deliver, flush, told } = scene();
  patterns.pull<undefined>(
    'a',
    () => {
      throw new TridcommError('E_LIMIT');
    },
    idempotent,
  );
  deliver('job', bytes('x'));
  await flush();
  expect(codes(told)).toEqual(['failed handler: E_LIMIT']);
});

test('a store that is too young for what came tells so', async () => {
  const { patterns, deliver, flush, told, replies } = scene();
  patterns.respond('a', () => 'done', { effects: new MemoryEffectStore() });
  deliver('request', bytes('x'));
  await flush();
  expect(told).toMatchObject([{ type: 'refused', what: 'envelope', error: { code: 'E_TOO_OLD' }, groupId16 }]);
  expect(replies).toEqual([]);
});

test('handlers own the bytes they get, and those they give are copied', async () => {
  const { patterns, deliver, question, flush, replies, answered } = scene();
  const seen: JobContext[] = [];
  const given = [bytes('r'), bytes('s')] as const;
  patterns.respond<undefined>('a', (request) => (seen.push(request), given[0]), idempotent);
  const work = deliver('request', bytes('x'));
  await turn();
  seen[0]!.data.fill(0);
  seen[0]!.key.fill(9);
  given[0].fill(0);
  await flush();
  expect([work.body, work.key16]).toEqual([bytes('x'), new Uint8Array(16).fill(1)]);
  expect(replies).toMatchObject([{ status: 'final', body: bytes('r') }]);

  patterns.answer('a', ({ data }) => (data.fill(0), given[1]));
  const asked = bytes('q');
  question(asked);
  await turn();
  given[1].fill(0);
  await flush();
  expect([asked, answered]).toEqual([bytes('q'), [bytes('s')]]);
});

test('a handler that runs again, as transactions met, gets its bytes as they came', async () => {
  const { patterns, deliver, flush } = scene();
  const effects = new MemoryEffectStore({ bornMs: 0 });
  const seen: string[] = [];
  patterns.pull(
    'a',
    async ({ data, transaction }) => {
      seen.push(Buffer.from(data).toString());
      data.fill(0);
      transaction.put('n', Uint8Array.of((transaction.get('n')?.[0] ?? 0) + 1));
      await turn();
    },
    { effects, concurrency: 2 },
  );
  deliver('job', bytes('x'));
  const { body } = deliver('job', bytes('x'));
  // One of both is the first to commit, and the other runs once more.
  await vi.waitFor(() => expect(seen.length).toBe(3));
  await flush();
  expect([new Set(seen), body]).toEqual([new Set(['x']), bytes('x')]);
});

test('the length of an answer is that of its record, so that the largest fits', async () => {
  const { patterns, deliver, flush, lengths } = scene();
  patterns.respond<undefined>('a', () => new Uint8Array(1_000 - 41), idempotent);
  deliver('request', bytes('x'));
  await flush();
  expect(lengths).toEqual([1_000]);
});

test('what callers without types give is E_USAGE', async () => {
  const { patterns } = scene();
  const none = undefined as never;
  expect(() => patterns.respond('a', () => '', none)).toThrow('E_USAGE');
  expect(() => patterns.pull('a', () => {}, none)).toThrow('E_USAGE');
  expect(() => patterns.respond('a', none, idempotent)).toThrow('E_USAGE');
  expect(() => patterns.pull('a', none, idempotent)).toThrow('E_USAGE');
  expect(() => patterns.answer('a', none)).toThrow('E_USAGE');
  expect(() => patterns.ask('a', 'x', none)).toThrow('E_USAGE');
  expect(await codeOf(patterns.request('a', 'x', none))).toBe('E_USAGE');
  const push = async (jobs: unknown) => codeOf(patterns.push('a', jobs as string[], { durability: 'none' }));
  expect([await push('jobs'), await push(none), await push([none]), await push([7])]).toEqual(
    Array.from({ length: 4 }, () => 'E_USAGE'),
  );
});

test('the key of a job is copied', async () => {
  const { patterns, flush, pushed } = scene();
  const key = new Uint8Array(16).fill(5);
  const done = patterns.push('a', [{ body: 'x', key }], { durability: 'memory' });
  key.fill(0);
  await flush();
  await done;
  expect(pushed[0]!.key16).toEqual(new Uint8Array(16).fill(5));
});

test('the questions of a topic have one handler in a client', () => {
  const { patterns } = scene();
  const first = patterns.answer('a', () => '');
  expect(() => patterns.answer('a', () => '')).toThrow('E_USAGE');
  patterns.answer('b', () => '');
  first.close();
  patterns.answer('a', () => '');
});
