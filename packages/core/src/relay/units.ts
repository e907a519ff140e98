import type { CryptoProvider } from '../crypto/provider.ts';
import { SplitBatch } from '../envelope/split.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import { flagBits } from '../wire/header.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Unit } from './work.ts';

/** Whether an envelope is for one of many: given to works, and to nobody else. @spec delivery.21, delivery.28 */
export function isForOne({ header: { patternKind } }: EnvelopeView): boolean {
  return kindsForOne.has(patternKind);
}

const kindsForOne: ReadonlySet<number> = new Set<number>([
  patternKinds.reqRep.request,
  patternKinds.pipeline.push,
  patternKinds.routerDealer.message,
]);

/** The units of an envelope for one of many: itself, or each leaf of a Merkle batch. */
export function unitsOf(provider: CryptoProvider, view: EnvelopeView, bytes: Uint8Array): Unit[] {
  const { flags, timestampMs, patternKind } = view.header;
  const isMessage = patternKind === patternKinds.routerDealer.message;
  if ((flags & flagBits.merkle) === 0) return [{ type: 'leased', isMessage, bytes, timestampMs }];
  const batch = new SplitBatch(provider, view);
  return Array.from({ length: batch.leafCount }, (_, leaf) => {
    return { type: 'job', isMessage, bytes: batch.job(leaf), timestampMs };
  });
}
