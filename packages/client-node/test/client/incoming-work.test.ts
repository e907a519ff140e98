import { TridcommError, type Client, type ErrorCode, type Lease } from '@tridcomm/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { IncomingWork } from '../../src/client/incoming-work.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function scene() {
  const settled: string[] = [];
  const refused: string[] = [];
  const failed: unknown[] = [];
  const state: { error: Error | undefined; isAhead: boolean; tries: number } = {
    error: undefined,
    isAhead: false,
    tries: 0,
  };
  const client = {
    leased: () => {
      state.tries++;
      if (state.error !== undefined) throw state.error;
    },
    isWorkAhead: () => state.isAhead,
    settle: (_lease: Lease, outcome: string) => settled.push(outcome),
  } as unknown as Client;
  const work = new IncomingWork({
    mostHeldBytes: 10,
    client: () => client,
    onRefused: ({ code }) => refused.push(code),
    onFailed: (error) => failed.push(error),
  });
  const take = (bytes = 1) => work.take(new Uint8Array(bytes), 'envelope', { settle: () => {} });
  const refuse = (code: ErrorCode) => (state.error = new TridcommError(code));
  return { work, take, refuse, state, settled, refused, failed };
}

test('the lease of what is refused is settled: done where everybody refuses it, else given back, after a pause where the next would fare like it', () => {
  const { take, refuse, settled, refused } = scene();
  const codes = ['E_LENGTH', 'E_SIG', 'E_EXPIRED', 'E_STALE', 'E_FORK', 'E_EPOCH', 'E_TOO_OLD', 'E_REPLAY'] as const;
  for (const code of codes) {
    refuse(code);
    take();
  }
  expect(refused).toEqual(codes);
  vi.advanceTimersByTime(999);
  expect(settled).toEqual(['done', 'done', 'done', 'given back', 'given back', 'given back']);
  vi.advanceTimersByTime(1);
  expect(settled.slice(6)).toEqual(['given back', 'given back']);
});

test('what may open a moment later waits for it, within bounds', () => {
  const { work, take, refuse, state, settled, refused } = scene();
  refuse('E_SENDER');
  take(6);
  refuse('E_EPOCH');
  state.isAhead = true;
  take(4);
  expect([settled, refused]).toEqual([[], []]);
  // There is no room for more.
  take(1);
  vi.advanceTimersByTime(1_000);
  expect([settled, refused]).toEqual([['given back'], ['E_EPOCH']]);
  state.error = undefined;
  state.tries = 0;
  work.retry();
  work.retry();
  expect([state.tries, settled.length]).toEqual([2, 1]);
  refuse('E_POLICY');
  take(10);
  vi.advanceTimersByTime(2_100);
  work.retry();
  vi.advanceTimersByTime(1_000);
  expect([settled, refused]).toEqual([
    ['given back', 'given back'],
    ['E_EPOCH', 'E_POLICY'],
  ]);
});

test('what came by a lost link is let go', () => {
  const { work, take, refuse, state, settled } = scene();
  refuse('E_SENDER');
  take(10);
  work.lost();
  state.tries = 0;
  work.retry();
  take(10);
  expect([state.tries, settled]).toEqual([1, []]);
});

test('so is the lease of what was to be given back', () => {
  const { work, take, refuse, settled } = scene();
  refuse('E_STALE');
  take();
  work.lost();
  vi.advanceTimersByTime(5_000);
  expect([settled, vi.getTimerCount()]).toEqual([[], 0]);
});

test('what the store does not take is given back and told', () => {
  const { take, state, settled, failed } = scene();
  const error = new Error('disk');
  state.error = error;
  take();
  expect([settled, failed]).toEqual([[], [error]]);
  vi.advanceTimersByTime(1_000);
  expect(settled).toEqual(['given back']);
});
