import {
  TridcommError,
  type Client,
  type RecordName,
  type Reply as CoreReply,
  type RequestFields,
} from '@tridcomm/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PatternParts } from '../../src/client/pattern-parts.ts';
import { UnacknowledgedError } from '../../src/client/publish-outcome.ts';
import { Requests } from '../../src/client/requests.ts';
import type { Sending } from '../../src/client/publisher.ts';
import type { PendingRequest } from '../../src/client/pending-request.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const sender = { name: 'worker', key: { keyId32: new Uint8Array(32) } };
const pass = async (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const codeOf = async (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: unknown) => (error as { readonly code?: string }).code ?? String(error),
  );

/** A member and a publisher of a few lines. */
function scene() {
  const sealed: {
    readonly fields: readonly RequestFields[];
    readonly hear: (reply: CoreReply) => void;
    readonly names: readonly RecordName[];
  }[] = [];
  const repeated: Uint8Array[] = [];
  const cancelled: number[] = [];
  const state = {
    epoch: 1,
    revokes: false,
    refusal: undefined as unknown,
    unsealable: undefined as unknown,
    repeatFails: false,
    isBusy: () => false,
  };
  const client = {
    request: (_topic: string, fields: readonly RequestFields[], _nowMs: number, hear: (reply: CoreReply) => void) => {
      const id32 = new Uint8Array(32).fill(sealed.length + 1);
      const names = fields.map((_, index) => ({ id32, leaf: 0, index }));
      sealed.push({ fields, hear, names });
      return { groupId16: new Uint8Array(16), epoch: state.epoch, headSeq: 1, envelopes: [id32], names };
    },
    cancel: (names: readonly { readonly id32: Uint8Array }[]) => cancelled.push(...names.map(({ id32 }) => id32[0]!)),
    trust: { poolRecord: () => ({ epoch: state.epoch, revokes: state.revokes }) },
  } as unknown as Client;
  const publisher = {
    get isBusy() {
      return state.isBusy();
    },
    begin: ({ items, seal }: Sending<PendingRequest>) => {
      const done = Promise.resolve().then(() => {
        if (state.unsealable !== undefined) throw state.unsealable;
        seal(items);
        if (state.refusal !== undefined) throw state.refusal;
      });
      return { done, cancel: () => {} };
    },
    repeat: async (envelope: Uint8Array) => {
      repeated.push(envelope);
      if (state.repeatFails) throw new TridcommError('E_LIMIT');
    },
  };
  const parts: PatternParts & { readonly random: (length: number) => Uint8Array } = {
    client: () => client,
    publisher: () => publisher as unknown as ReturnType<PatternParts['publisher']>,
    isOpen: () => true,
    carrier: undefined,
    inParts: (items, seal) => seal(items),
    mostItemBytes: () => 40_000_000,
    use: () => () => {},
    isNews: () => false,
    tell: () => {},
    tellUnsent: () => {},
    random: (length) => new Uint8Array(length).fill(7),
  };
  const requests = new Requests(parts);
  /** Lets time pass as a client does. */
  const run = async (ms: number) => {
    for (let at = 0; at < ms; at += 500) {
      await pass(Math.min(500, ms - at));
      requests.tick();
    }
  };
  const answer = (n: number, fields: object = { status: 'final', body: new Uint8Array([n]) }) => {
    const { hear, names } = sealed[n - 1]!;
    hear({ name: names[0], place: 0, sender, ...fields } as unknown as CoreReply);
  };
  return { requests, sealed, repeated, cancelled, state, run, answer };
}

test('what nobody answers is asked again by its bytes, and later sealed anew with the same key; either answer counts', async () => {
  const { requests, sealed, repeated, cancelled, run, answer } = scene();
  const reply = requests.request('a', 'x', { timeoutMs: 600_000 });
  await run(14_000);
  expect([sealed.length, repeated.length]).toEqual([1, 0]);
  await run(70_000);
  expect([sealed.length, repeated.length]).toEqual([1, 5]);
  expect(new Set(repeated.map(([byte]) => byte))).toEqual(new Set([1]));
  await run(10_000);
  expect(sealed.length).toBe(2);
  const [first, second] = sealed.map(({ fields }) => fields[0]!);
  expect([second!.key16, second!.deadlineMs]).toEqual([first!.key16, first!.deadlineMs]);
  answer(1);
  expect(await reply).toMatchObject({ data: new Uint8Array([1]), id: '01'.repeat(16) });
  // Nothing is heard of the other any more, and nobody asks again. The one that was answered is outstanding no more.
  expect(cancelled).toEqual([2]);
  await run(200_000);
  expect([sealed.length, repeated.length]).toEqual([2, 5]);
});

test('patterns.42: news are no answer: after them it is outstanding as before, and who gives up hears nothing more', async () => {
  const { requests, cancelled, run, answer } = scene();
  const end = new AbortController();
  const reply = codeOf(requests.request('a', 'x', { timeoutMs: 600_000, signal: end.signal }));
  await run(1_000);
  for (const body of [new Uint8Array([1]), new Uint8Array(0)]) answer(1, { status: 'news', body });
  end.abort(new TridcommError('E_CLOSED', 'enough'));
  expect(await reply).toBe('E_CLOSED');
  expect(cancelled).toEqual([1]);
});

test('who says that somebody is at it is not asked again for a while', async () => {
  const { requests, repeated, run, answer } = scene();
  const end = new AbortController();
  const reply = codeOf(requests.request('a', 'x', { timeoutMs: 600_000, signal: end.signal }));
  for (let i = 0; i < 5; i++) {
    await run(10_000);
    answer(1, { status: 'in progress' });
  }
  expect(repeated).toEqual([]);
  await run(15_000);
  expect(repeated.length).toBe(1);
  end.abort(new Error('enough'));
  expect(await reply).toBe('Error: enough');
});

test('patterns.12: when the key of the pool was taken from somebody, the request is sealed anew at once', async () => {
  const { requests, sealed, state, run, answer } = scene();
  const reply = requests.request('a', 'x', { timeoutMs: 600_000 });
  await run(500);
  state.epoch = 2;
  await run(1_000);
  expect(sealed.length).toBe(1);
  state.revokes = true;
  await run(1_000);
  expect(sealed.length).toBe(2);
  answer(2);
  expect((await reply).data).toEqual(new Uint8Array([2]));
});

test('what cannot be sealed anew is not over: it is tried again, and answered by either name', async () => {
  const { requests, sealed, cancelled, state, run, answer } = scene();
  const replies = [1, 2].map(async () => requests.request('a', 'x', { timeoutMs: 600_000 }));
  await run(500);
  expect(sealed.length).toBe(2);
  state.unsealable = new TridcommError('E_STALE');
  await run(95_000);
  expect(sealed.length).toBe(2);
  answer(1);
  expect((await replies[0]!).data).toEqual(new Uint8Array([1]));
  state.unsealable = undefined;
  await run(1_000);
  expect(sealed.length).toBe(3);
  answer(3);
  expect((await replies[1]!).data).toEqual(new Uint8Array([3]));
  expect(cancelled).toEqual([2]);
});

test('what cannot be sealed anew ends at its deadline', async () => {
  const { requests, state, run } = scene();
  const reply = codeOf(requests.request('a', 'x', { timeoutMs: 200_000 }));
  await run(500);
  state.unsealable = new TridcommError('E_POLICY');
  await run(201_000);
  expect(await reply).toBe('E_EXPIRED');
});

test('what is sealed anew stops where much waits, and goes on when it does not', async () => {
  const { requests, sealed, state, run } = scene();
  const replies = [1, 2, 3].map(async () => codeOf(requests.request('a', 'x', { timeoutMs: 600_000 })));
  await run(500);
  state.revokes = true;
  state.epoch = 2;
  for (const count of [4, 5, 6]) {
    let asked = 0;
    state.isBusy = () => asked++ > 0;
    requests.tick();
    await pass();
    expect(sealed.length).toBe(count);
  }
  requests.close(new TridcommError('E_CLOSED'));
  await Promise.all(replies);
});

test('the key of a request is copied', async () => {
  const { requests, sealed, run, answer } = scene();
  const key = new Uint8Array(16).fill(5);
  const reply = requests.request('a', 'x', { timeoutMs: 600_000, key });
  key.fill(0);
  await run(500);
  expect(sealed[0]!.fields[0]!.key16).toEqual(new Uint8Array(16).fill(5));
  answer(1);
  await reply;
});

test('on a new link all is asked again at once', async () => {
  const { requests, repeated, run } = scene();
  const reply = codeOf(requests.request('a', 'x', { timeoutMs: 600_000 }));
  await run(500);
  requests.opened();
  expect(repeated.length).toBe(1);
  requests.close(new TridcommError('E_CLOSED'));
  expect(await reply).toBe('E_CLOSED');
});

test('what the broker says no to fails, but where it may have it, or had it before', async () => {
  const { requests, state, run, answer } = scene();
  state.refusal = new TridcommError('E_LIMIT', 'too much waits');
  expect(await codeOf(requests.request('a', 'x', { timeoutMs: 600_000 }))).toBe('E_LIMIT');
  state.refusal = new UnacknowledgedError([], 'nobody knows');
  state.repeatFails = true;
  const reply = requests.request('a', 'x', { timeoutMs: 600_000 });
  await run(40_000);
  answer(2);
  expect((await reply).data).toEqual(new Uint8Array([2]));
});

test('the requests that wait are bounded, in number and bytes, and those that are over make room', async () => {
  // Those of the runner take too long for so many.
  vi.useRealTimers();
  const { requests } = scene();
  const end = new AbortController();
  const options = { timeoutMs: 600_000, signal: end.signal };
  const big = [1, 2].map(async () => codeOf(requests.request('a', new Uint8Array(30_000_000), options)));
  expect(await codeOf(requests.request('a', new Uint8Array(8_000_000), options))).toBe('E_LIMIT');
  end.abort(new Error('enough'));
  expect(await Promise.all(big)).toEqual(['Error: enough', 'Error: enough']);
  const many = Array.from({ length: 65_536 }, async () => codeOf(requests.request('a', 'x', { timeoutMs: 600_000 })));
  expect(await codeOf(requests.request('a', 'x', { timeoutMs: 600_000 }))).toBe('E_LIMIT');
  requests.close(new TridcommError('E_CLOSED'));
  expect(new Set(await Promise.all(many))).toEqual(new Set(['E_CLOSED']));
  const last = codeOf(requests.request('a', 'x', { timeoutMs: 600_000 }));
  requests.close(new TridcommError('E_CLOSED'));
  expect(await last).toBe('E_CLOSED');
});
