import { TridcommError, type Client, type SurveyReply as CoreReply } from '@tridcomm/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PatternParts } from '../../src/client/pattern-parts.ts';
import type { Sending } from '../../src/client/publisher.ts';
import { Surveys } from '../../src/client/surveys.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A publisher that seals when it is told to, and a client that takes the question unless it is told not to. */
function scene() {
  const state = { error: undefined as Error | undefined, used: 0 };
  const bodies: Uint8Array[] = [];
  let seal!: () => void;
  let hear!: (reply: CoreReply) => void;
  const client = {
    ask: (_topic: string, body: Uint8Array, _options: object, _nowMs: number, handlers: { onReply: typeof hear }) => {
      if (state.error !== undefined) throw state.error;
      bodies.push(body);
      hear = handlers.onReply;
      return { envelope: new Uint8Array(1), questionId32: new Uint8Array(32), cancel: () => {} };
    },
  } as unknown as Client;
  const surveys = new Surveys({
    client: () => client,
    publisher: () => ({
      begin: (sending: Sending<Uint8Array>) => {
        seal = () => void sending.seal(sending.items);
        return { done: new Promise(() => {}), cancel: () => {} };
      },
    }),
    use: () => (state.used++, () => state.used--),
  } as unknown as PatternParts);
  const reply = () => {
    const sender = { name: 'node', key: { keyId32: new Uint8Array(32) } };
    hear({ questionId32: new Uint8Array(32), sender, body: new Uint8Array(1) } as unknown as CoreReply);
  };
  return { surveys, state, bodies, seal: () => seal(), reply };
}

test('a question that cannot be sealed ends at its time, however the first attempt went', async () => {
  const { surveys, state, seal } = scene();
  const replies = surveys.ask('a', 'x', { timeoutMs: 1_000 });
  state.error = new TridcommError('E_STALE');
  expect(seal).toThrow('E_STALE');
  const end = expect(replies[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'E_EXPIRED' });
  await vi.advanceTimersByTimeAsync(1_001);
  await end;
});

test('one that was sealed has the end that the question says', async () => {
  const { surveys, seal, reply } = scene();
  const replies = surveys.ask('a', 'x', { timeoutMs: 1_000 });
  seal();
  await vi.advanceTimersByTimeAsync(2_000);
  reply();
  expect(replies.waiting).toBe(1);
});

test('a survey that its signal ends lets go of what nobody has read', async () => {
  const { surveys, state, seal, reply } = scene();
  const end = new AbortController();
  const replies = surveys.ask('a', 'x', { timeoutMs: 1_000, signal: end.signal });
  seal();
  reply();
  reply();
  expect([state.used, replies.waiting]).toEqual([2, 2]);
  end.abort(new Error('enough'));
  expect([state.used, replies.waiting]).toEqual([0, 0]);
  await expect(replies[Symbol.asyncIterator]().next()).rejects.toThrow('enough');
});

test('the bytes of a question are copied', () => {
  const { surveys, bodies, seal } = scene();
  const body = new Uint8Array([1]);
  surveys.ask('a', body, { timeoutMs: 1_000 });
  body.fill(0);
  seal();
  expect(bodies).toEqual([new Uint8Array([1])]);
});
