import { randomFillSync } from 'node:crypto';

/** Messages of random bytes, views of one buffer. */
export function randomMessages(count: number, bytes: number): Uint8Array[] {
  const all = new Uint8Array(count * bytes);
  for (let at = 0; at < all.length; at += randomAtOnce)
    randomFillSync(all, at, Math.min(randomAtOnce, all.length - at));
  return Array.from({ length: count }, (_, i) => all.subarray(i * bytes, (i + 1) * bytes));
}

/**
 * Sends so many messages, the same ones again and again, as fast as it goes.
 *
 * @param messages - of one call
 * @param inFlight - calls that may be unanswered
 */
export async function inLanes(
  messages: readonly Uint8Array[],
  { count, inFlight }: { readonly count: number; readonly inFlight: number },
  send: (some: readonly Uint8Array[]) => Promise<void>,
): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left > 0) {
      const some = left >= messages.length ? messages : messages.slice(0, left);
      left -= some.length;
      await send(some);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** Of a clock that all processes of a machine share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint()) / 1_000;
}

const randomAtOnce = 65_536;
