import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';

/**
 * What makes an envelope fresh, as the receiver's own configuration has it: nothing that a peer or broker says changes it.
 *
 * @spec replay.5
 */
export interface FreshnessRule {
  /** A stored topic: the timestamp informs, epoch, expiry and log position decide. Default false. */
  readonly stored?: boolean;
  /** Default 120,000. */
  readonly maxAgeMs?: number;
  /** Default 30,000. */
  readonly skewMs?: number;
}

/**
 * Step 10 of chapter 03.
 *
 * @param timestampMs - of the header
 * @param expiryMs - extension 4, where there is one
 * @param nowMs - the receiver's clock
 * @throws TridcommError `E_EXPIRED`, `E_FUTURE`; `E_USAGE` for a clock or rule that is no number
 * @spec replay.2, replay.3, replay.4
 */
export function checkFreshness(
  rule: FreshnessRule,
  timestampMs: number,
  expiryMs: number | undefined,
  nowMs: number,
): void {
  // A clock that is no number would pass every comparison.
  if (!Number.isSafeInteger(nowMs) || nowMs < 0) throw new TridcommError('E_USAGE', `clock ${nowMs}`);
  if (rule.stored !== true) {
    const { maxAgeMs, skewMs } = freshnessLimits(rule);
    if (timestampMs < nowMs - maxAgeMs) {
      throw new TridcommError(
        'E_EXPIRED',
        `timestamp ${timestampMs}, ${nowMs - timestampMs} ms old, limit ${maxAgeMs}`,
      );
    }
    if (timestampMs > nowMs + skewMs) {
      throw new TridcommError('E_FUTURE', `timestamp ${timestampMs}, ${timestampMs - nowMs} ms ahead, limit ${skewMs}`);
    }
  }
  if (expiryMs !== undefined && nowMs > expiryMs) {
    throw new TridcommError('E_EXPIRED', `expiry ${expiryMs}, clock ${nowMs}`);
  }
}

/**
 * The times of a rule, with the defaults of the registry.
 *
 * @throws TridcommError `E_USAGE` where they are no numbers from 0 on
 * @spec replay.28
 */
export function freshnessLimits(rule: FreshnessRule): { readonly maxAgeMs: number; readonly skewMs: number } {
  const { maxAgeMs = limits.maxAgeMs, skewMs = limits.skewMs } = rule;
  if (!(maxAgeMs >= 0 && skewMs >= 0)) throw new TridcommError('E_USAGE', `max_age ${maxAgeMs}, skew ${skewMs}`);
  return { maxAgeMs, skewMs };
}
