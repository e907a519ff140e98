import { describe, expect, it } from 'vitest';
import type { EnvelopeSource } from '../../src/replay/guard.ts';
import { headerOf, idOf, Receiver, streamOf, type Offer } from './steps.ts';

const now = 1_000_000;

function offers(receiver: Receiver, source: EnvelopeSource, ...seqs: readonly number[]): string[] {
  return seqs.map((seq) => answerOf(receiver, { source, seq }));
}

/** Without what was stored for it. */
function answerOf(receiver: Receiver, { seq, ...rest }: Partial<Offer> & { seq: number }): string {
  const offer = { stream: streamOf(1), seq, timestampMs: now + seq, id32: idOf(seq), ...rest };
  return receiver.offer(offer).split(' ')[0]!;
}

const fromTo = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('what comes out of a log', () => {
  it('replay.25 is not held to the start of a volatile receiver, and is accepted once', () => {
    const receiver = new Receiver({ bootMs: now + 5000 });
    expect(offers(receiver, 'live', 1)).toEqual(['E_TOO_OLD']);
    expect(offers(receiver, 'log', 1, 1, 2, 1)).toEqual(['new', 'E_REPLAY', 'new', 'E_REPLAY']);
    expect(offers(receiver, 'live', 1, 2)).toEqual(['E_TOO_OLD', 'E_TOO_OLD']);
  });

  it('replay.7 is accepted once, whichever way it comes', () => {
    const receiver = new Receiver();
    expect(offers(receiver, 'live', 1, 2)).toEqual(['new', 'new']);
    expect(offers(receiver, 'log', 1, 2, 3)).toEqual(['E_REPLAY', 'E_REPLAY', 'new']);
    expect(offers(receiver, 'live', 3)).toEqual(['E_REPLAY']);
  });

  it('replay.22 stores floors all the same', () => {
    const receiver = new Receiver({ durable: true });
    expect(offers(receiver, 'log', 1)).toEqual(['new']);
    receiver.restart();
    expect(offers(receiver, 'live', 1, 65, 66)).toEqual(['E_REPLAY', 'E_REPLAY', 'new']);
  });

  it('replay.23 starts again from where the reader says: once in each life, also below the floor', () => {
    const receiver = new Receiver({ durable: true });
    expect(offers(receiver, 'log', ...fromTo(1, 100))).toEqual(fromTo(1, 100).map(() => 'new'));
    receiver.restart();
    // The floor is 130: numbers up to there, and those above.
    expect(offers(receiver, 'log', ...fromTo(90, 140))).toEqual(fromTo(90, 140).map(() => 'new'));
    expect(new Set(offers(receiver, 'log', ...fromTo(90, 140)))).toEqual(new Set(['E_REPLAY']));
    expect(new Set(offers(receiver, 'live', ...fromTo(1, 140)))).toEqual(new Set(['E_REPLAY']));
    expect(offers(receiver, 'log', 89, 89)).toEqual(['new', 'E_REPLAY']);
  });

  it('replay.30 may be again up to a floor that was restored, and nowhere else', () => {
    const receiver = new Receiver({ durable: true });
    const mayBeAgain = (seq: number, stream = streamOf(1)): boolean => {
      const offer = { stream, seq, timestampMs: now + seq, id32: idOf(seq), source: 'log' as const };
      expect(receiver.offer(offer).split(' ')[0]).toBe('new');
      return receiver.guard.mayBeAgain(headerOf(offer));
    };
    expect([1, 2, 10].map((seq) => mayBeAgain(seq))).toEqual([false, false, false]);
    receiver.restart();
    // The floor is 65: that of the first number.
    expect([3, 10, 65, 66, 11].map((seq) => mayBeAgain(seq))).toEqual([true, true, true, false, true]);
    expect(mayBeAgain(1, streamOf(2))).toBe(false);
    const volatile = new Receiver();
    expect(offers(volatile, 'log', 1)).toEqual(['new']);
    volatile.restart(now + 5000);
    expect(offers(volatile, 'log', 1)).toEqual(['new']);
    expect(volatile.guard.mayBeAgain(headerOf({ stream: streamOf(1), seq: 1, timestampMs: now + 1 }))).toBe(false);
  });

  it('replay.6 has a window below the floor too', () => {
    const receiver = new Receiver({ durable: true, window: 64 });
    expect(offers(receiver, 'live', 10_000)).toEqual(['new']);
    receiver.restart();
    expect(offers(receiver, 'log', ...fromTo(1, 200))).toEqual(fromTo(1, 200).map(() => 'new'));
    expect(offers(receiver, 'log', 136, 137)).toEqual(['E_TOO_OLD', 'E_REPLAY']);
    expect(offers(receiver, 'log', 5000, 4937, 4936, 4937)).toEqual(['new', 'new', 'E_TOO_OLD', 'E_REPLAY']);
  });

  it('replay.12 another envelope under a number that was read again is no second one', () => {
    const receiver = new Receiver({ durable: true });
    offers(receiver, 'log', 1);
    receiver.restart();
    expect(answerOf(receiver, { seq: 60, source: 'log' })).toBe('new');
    expect(answerOf(receiver, { seq: 60, source: 'log', id32: idOf(999) })).toBe('E_FORK');
    expect(answerOf(receiver, { seq: 60, source: 'log', id32: idOf(999), fails: 'forged' })).toBe('E_SIG');
  });

  it('replay.16 a stream that was displaced does not come back by the log', () => {
    const receiver = new Receiver({ durable: true, streamCap: 1 });
    offers(receiver, 'log', 1);
    receiver.restart();
    const later = { stream: streamOf(2), timestampMs: now + 100_000 };
    expect(answerOf(receiver, { seq: 1, source: 'log', ...later })).toBe('new');
    expect(offers(receiver, 'log', 1)).toEqual(['E_TOO_OLD']);
  });
});
