import { TridcommError } from '@tridcomm/core';

/** How much a log keeps; without a bound, everything. */
export interface Retention {
  /** Bytes of the log, 1 or more. */
  readonly maxBytes?: number;
  /** Age since an envelope was appended, 1 or more. */
  readonly maxAgeMs?: number;
}

/** Both bounds as numbers, `Infinity` where there is none. @throws TridcommError `E_USAGE` */
export function boundsOf({ maxBytes = Infinity, maxAgeMs = Infinity }: Retention = {}): Required<Retention> {
  if (!(maxBytes >= 1)) throw new TridcommError('E_USAGE', `retention of ${maxBytes} bytes`);
  if (!(maxAgeMs >= 1)) throw new TridcommError('E_USAGE', `retention of ${maxAgeMs} ms`);
  return { maxBytes, maxAgeMs };
}
