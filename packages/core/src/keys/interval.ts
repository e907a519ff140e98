import { checkLimit, TridcommError } from '../errors.ts';

/**
 * The form of an interval in which something holds.
 *
 * @throws TridcommError `E_ENCODING` where it ends before it begins, `E_LIMIT` where it is longer than its limit
 */
export function checkInterval(notBeforeMs: number, notAfterMs: number, limitMs: number): void {
  if (notAfterMs < notBeforeMs) throw new TridcommError('E_ENCODING', `from ${notBeforeMs} to ${notAfterMs}`);
  checkLimit('interval in ms', notAfterMs - notBeforeMs, limitMs);
}

/**
 * Whether now is in an interval, by a clock that may be off by the skew.
 *
 * @throws TridcommError `E_EXPIRED`, also where it has not begun
 */
export function checkNow(notBeforeMs: number, notAfterMs: number, nowMs: number, skewMs: number): void {
  if (nowMs + skewMs < notBeforeMs || nowMs - skewMs > notAfterMs) {
    throw new TridcommError('E_EXPIRED', `from ${notBeforeMs} to ${notAfterMs}, clock ${nowMs}`);
  }
}
