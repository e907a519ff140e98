import { expect } from 'vitest';
import type { EffectMap } from '../../src/effects/effect-map.ts';
import type { EffectRun, EffectStore, EffectWork } from '../../src/effects/effect-store.ts';
import { leaseMs, startMs, workOf } from './work-of.ts';

export { leaseMs, startMs, workOf };

/** Begins a work that has to be begun. */
export async function runOf(
  store: EffectStore<EffectMap>,
  work: EffectWork,
  nowMs: number = startMs,
): Promise<EffectRun<EffectMap>> {
  const begun = await store.begin(work, leaseMs, nowMs);
  if (begun.status !== 'run') throw new Error(`it is ${begun.status}`);
  return begun.run;
}

/** The handler of these tests: counts how often it took effect, for each work. */
export function countUp(transaction: EffectMap, number: number): Uint8Array {
  const count = countOf(transaction, number) + 1;
  transaction.put(`count/${number}`, Uint8Array.of(count));
  return resultOf(number);
}

export function countOf(transaction: EffectMap, number: number): number {
  return transaction.get(`count/${number}`)?.[0] ?? 0;
}

export function resultOf(number: number): Uint8Array {
  return text(`result of ${number}`);
}

/** How often the works took effect, as a handler sees it. */
export async function countsOf(store: EffectStore<EffectMap>, numbers: readonly number[]): Promise<number[]> {
  const run = await runOf(store, workOf(1_000_000, { deadlineMs: 0 }));
  const counts = numbers.map((number) => countOf(run.transaction, number));
  await store.abandon(run);
  return counts;
}

/** The result of a work that was done; undefined for one that was not. */
export async function doneResultOf(
  store: EffectStore<EffectMap>,
  work: EffectWork,
  nowMs: number = startMs,
): Promise<Uint8Array | undefined> {
  const begun = await store.begin(work, leaseMs, nowMs);
  if (begun.status === 'done') return begun.result;
  expect(begun.status).toBe('run');
  if (begun.status === 'run') await store.abandon(begun.run);
  return undefined;
}

export function text(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(value, 'utf8'));
}
