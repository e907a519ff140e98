import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RunningWork } from '../../src/client/running-work.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('whoever does not look at the signal costs no timer', () => {
  const running = new RunningWork(Date.now() + 1_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(running.signal).toBe(running.signal);
  expect(vi.getTimerCount()).toBe(1);
  running.ended();
  expect(vi.getTimerCount()).toBe(0);
});

test('a signal that is looked at late says what an early one does', () => {
  const deadlineMs = Date.now() + 1_000;
  const [early, late, stopped, ended] = Array.from({ length: 4 }, () => new RunningWork(deadlineMs));
  const { signal } = early!;
  vi.advanceTimersByTime(400);
  const reason = new Error('over');
  stopped!.stop(reason);
  ended!.ended();
  expect(late!.signal.aborted).toBe(false);
  expect(stopped!.signal.reason).toBe(reason);
  vi.advanceTimersByTime(600);
  for (const one of [signal, late!.signal, new RunningWork(deadlineMs).signal]) {
    expect(one.reason).toMatchObject({ code: 'E_EXPIRED' });
  }
  // Whose handler has ended is aborted no more.
  expect(ended!.signal.aborted).toBe(false);
});

test('no deadline, and one beyond what timers take, aborts nothing', () => {
  for (const deadlineMs of [0, Date.now() + 2 ** 31]) {
    expect(new RunningWork(deadlineMs).signal.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  }
});
