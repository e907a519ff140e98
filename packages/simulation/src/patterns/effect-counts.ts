import type { MemoryEffectStore } from '@tridcomm/client-node';
import { ascii, textOf } from '../bytes.ts';

/** How often the store says that each of these was done, and how much was done in all. */
export async function readCounts(
  store: MemoryEffectStore,
  contents: readonly string[],
  nowMs: number,
): Promise<{ readonly counts: ReadonlyMap<string, number>; readonly total: number }> {
  const key = { requesterKeyId32: new Uint8Array(32), frontId16: new Uint8Array(16), key16: new Uint8Array(16) };
  const work = { ...key, bodyHash32: new Uint8Array(32), sealedMs: nowMs, deadlineMs: 0 };
  const begun = await store.begin(work, 1_000, nowMs);
  if (begun.status !== 'run') throw new Error(`the store says ${begun.status} of a key that nobody has`);
  const { transaction } = begun.run;
  const countOf = (name: string): number => Number(textOf(transaction.get(name) ?? ascii('0')));
  return { counts: new Map(contents.map((content) => [content, countOf(content)])), total: countOf('total') };
}
