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
 * @throws TridcommError `E_EXPIRED`, `E_FUTURE`
 * @spec replay.2, replay.3, replay.4
 */
export function checkFreshness(
  rule: FreshnessRule,
  timestampMs: number,
  expiryMs: number | undefined,
  nowMs: number,
): void {
  if (rule.stored !== true) {
    const { maxAgeMs = limits.maxAgeMs, skewMs = limits.skewMs } = rule;
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
