import type { Carrier } from './carrier.ts';
import { PublishError } from './publish-error.ts';

/**
 * Hands the envelopes of one call to the carrier, in order.
 *
 * @param runs - what is in each, in number
 * @throws what the carrier throws: of the first envelope as it is, of a later one as a {@link PublishError}, which says what went out
 */
export function sendAll(
  carrier: Carrier,
  envelopes: readonly Uint8Array[],
  runs: readonly { readonly length: number }[],
): void {
  let sentMessages = 0;
  for (const [i, envelope] of envelopes.entries()) {
    try {
      carrier.publish(envelope);
    } catch (error) {
      throw i === 0 ? error : new PublishError(envelopes.slice(0, i), sentMessages, error);
    }
    sentMessages += runs[i]!.length;
  }
}
