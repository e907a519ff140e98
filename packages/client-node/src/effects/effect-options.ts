import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';

/** What the embedded stores are told. */
export interface EffectOptions {
  /**
   * How long a key is known, from its commit on, in ms; 24 h unless told otherwise. A deadline has to lie 150,000 ms within it, so no copy
   * that may still be done comes after it. 300,000 at least.
   */
  readonly retentionMs?: number;
  /**
   * What all entries and values may take, roughly, in bytes; 256 MiB unless told otherwise, 1 GiB at most. Nothing is forgotten before its
   * time to make room: count keys a second × retention × (result + 250 bytes).
   */
  readonly maxBytes?: number;
  /**
   * When its memory begins, in ms; now, unless told otherwise. What was sealed up to 30,000 ms later is refused, as a store before this one
   * may have done it. 0 says that there was none.
   */
  readonly bornMs?: number;
}

/** The same, complete. */
export interface EffectTerms {
  readonly retentionMs: number;
  readonly maxBytes: number;
  readonly bornMs: number;
}

/** @throws TridcommError `E_USAGE` */
export function effectTerms(options: EffectOptions): EffectTerms {
  const { retentionMs = 86_400_000, maxBytes = 256 * 1024 * 1024, bornMs = Date.now() } = options;
  checkRange('retentionMs', retentionMs, 2 * copiesMs, limits.safeInteger);
  checkRange('maxBytes', maxBytes, 1, 1024 * 1024 * 1024);
  checkRange('bornMs', bornMs, 0, limits.safeInteger);
  return { retentionMs, maxBytes, bornMs };
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new TridcommError('E_USAGE', `${name} ${value}, ${least} to ${most}`);
}

/** For how long a copy of an envelope is fresh by some clock of the pool (replay.2, replay.3). */
export const copiesMs: number = limits.maxAgeMs + limits.skewMs;
