import type { EffectWork } from '../../src/effects/effect-store.ts';

/** When everything here happens, in ms. */
export const startMs = 1_700_000_000_000;
export const leaseMs = 10_000;

/** A work with a number of its own, which stands in its key and in its body. */
export function workOf(number: number, fields: Partial<EffectWork> = {}): EffectWork {
  return {
    requesterKeyId32: new Uint8Array(32).fill(1),
    frontId16: new Uint8Array(16).fill(2),
    key16: bytesOf(number, 16),
    bodyHash32: bytesOf(number, 32),
    sealedMs: startMs,
    deadlineMs: startMs + 60_000,
    ...fields,
  };
}

function bytesOf(number: number, width: number): Uint8Array {
  const bytes = Buffer.alloc(width);
  bytes.writeUInt32BE(number, width - 4);
  return new Uint8Array(bytes);
}
