import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import type { Sealed } from '../client/publisher.ts';

/**
 * Seals messages so that no envelope is above what a server takes.
 *
 * @param mostBytes - of an envelope; undefined where every one is taken
 * @param seal - seals what it is given, in one envelope where that is less than its own limits
 * @throws TridcommError `E_LIMIT`, before anything is sealed, for a message that is too large for any envelope; what `seal` throws
 * @spec bindings.14
 */
export function sealInParts(
  mostBytes: number | undefined,
  payloads: readonly Uint8Array[],
  seal: (payloads: readonly Uint8Array[]) => Sealed,
): Sealed {
  if (mostBytes === undefined || mostBytes >= limits.envelopeBytes) return seal(payloads);
  const mostPayloadBytes = mostBytes - envelopeHeadBytes;
  const parts: Uint8Array[][] = [];
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
  const envelopes = sealed.flatMap(({ published }) => published.envelopes);
  return { published: { ...sealed[0]!.published, envelopes }, ids: sealed.flatMap(({ ids }) => ids) };
}

/** More than header, extensions, topic, tag and signature of an envelope for PUB/SUB take: a topic has at most 8 segments of 255 bytes. */
const envelopeHeadBytes = 3_072;
/** Flags, an age of up to 8 bytes, a length of up to 3. */
const recordHeadBytes = 12;
