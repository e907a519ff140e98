import { varintLength } from '../bytes/varint.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';
import { signatureBytes, tagBytes } from '../wire/envelope.ts';
import { headerBytes } from '../wire/header.ts';

/** What the records of one envelope share besides the payloads. */
export interface RunLimits {
  /** That other records take; default 0. */
  readonly reservedBytes?: number;
  /** Likewise. */
  readonly reservedRecords?: number;
  /** Whether a record that is alone in its envelope needs no frame. */
  readonly aloneUnframed?: boolean;
}

/**
 * Cuts what is to be sealed, in order, into runs that each fit one envelope: by plaintext and by number.
 *
 * @param bytesOf - bytes of the payload of an item
 * @throws TridcommError `E_USAGE` for no item, `E_LIMIT` for one that is too large for any envelope
 */
export function splitRuns<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  { reservedBytes = 0, reservedRecords = 0, aloneUnframed = false }: RunLimits = {},
): (readonly T[])[] {
  if (items.length === 0) throw new TridcommError('E_USAGE', 'no message');
  const mostBytes = limits.plaintextBytes - reservedBytes;
  const mostItems = maxRecords - reservedRecords;
  const runs: (readonly T[])[] = [];
  let from = 0;
  let bytes = 0;
  for (const [i, item] of items.entries()) {
    const payloadBytes = bytesOf(item);
    const size = payloadBytes + recordHeadBytes;
    if ((aloneUnframed ? payloadBytes : payloadBytes + 2 + varintLength(payloadBytes)) > mostBytes) {
      throw new TridcommError('E_LIMIT', `message of ${payloadBytes} bytes`);
    }
    if (i > from && (bytes + size > mostBytes || i - from === mostItems)) {
      runs.push(items.slice(from, i));
      from = i;
      bytes = 0;
    }
    bytes += size;
  }
  // The usual case of one run: as it is.
  runs.push(from === 0 ? items : items.slice(from));
  return runs;
}

/**
 * What of the most plaintext that an envelope may have is left free in one that a forward has to hold.
 *
 * @param extensions - bytes of the value of each
 * @spec patterns.36
 */
export function reservedToForward(keyinfoBytes: number, extensions: readonly number[]): number {
  const extensionsBytes = extensions.reduce((sum, length) => sum + 4 + length, 0);
  const besideBytes = headerBytes + extensionsBytes + keyinfoBytes + tagBytes + signatureBytes;
  return limits.plaintextBytes - (limits.forwardableBytes - besideBytes);
}

/** Flags, an age of up to 8 bytes, a length of up to 3; of one that is alone, and of now, the age takes 1. */
const recordHeadBytes = 12;
/** Of an envelope that this sender makes. */
const maxRecords = 4096;
