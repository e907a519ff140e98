import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import type { Sealed } from '../client/publisher.ts';
import type { Sized } from '../client/send-queue.ts';

/**
 * Seals messages so that no envelope is above what a server takes.
 *
 * @param mostBytes - of an envelope; undefined where every one is taken
 * @param seal - seals what it is given, in one envelope where that is less than its own limits
 * @throws TridcommError `E_LIMIT`, before anything is sealed, for a message that is too large for any envelope; what `seal` throws
 * @spec bindings.14
 */
export function sealInParts<Item extends Sized>(
  mostBytes: number | undefined,
  payloads: readonly Item[],
  seal: (payloads: readonly Item[]) => Sealed,
): Sealed {
  if (mostBytes === undefined || mostBytes >= limits.envelopeBytes) return seal(payloads);
  const mostPayloadBytes = mostBytes - envelopeHeadBytes;
  const parts: Item[][] = [];
  let partBytes = Infinity;
  for (const payload of payloads) {
    const bytes = payload.length + recordHeadBytes;
    if (bytes > mostPayloadBytes) {
      throw new TridcommError(
        'E_LIMIT',
        `message of ${payload.length} bytes, and the server takes ${mostBytes} in all`,
      );
    }
    if (partBytes + bytes > mostPayloadBytes) {
      parts.push([]);
      partBytes = 0;
    }
    parts.at(-1)!.push(payload);
    partBytes += bytes;
  }
  const sealed = parts.map((part) => seal(part));
  return { envelopes: sealed.flatMap(({ envelopes }) => envelopes), ids: sealed.flatMap(({ ids }) => ids) };
}

/** The largest record that fits an envelope of so many bytes at most; undefined where every one is taken. @spec bindings.14 */
export function mostRecordBytes(mostBytes: number = Infinity): number {
  return Math.min(limits.plaintextBytes, mostBytes - envelopeHeadBytes) - recordHeadBytes;
}

/** More than header, extensions, topic, tag and signature of an envelope take: a topic has at most 8 segments of 255 bytes. */
const envelopeHeadBytes = 3_072;
/** Flags, an age of up to 8 bytes, a length of up to 3. */
const recordHeadBytes = 12;
