import { Trust } from '../keys/trust.ts';
import type { ClientOptions } from './client-options.ts';
import { Holdings } from './holdings.ts';
import { storedHead, storedSerials, storeHead, storeSerial } from './stored-floors.ts';

/**
 * What a member begins with: numbers of an earlier life, below which nothing counts, and a place to write down those that come.
 *
 * It stores no time, so its clock alone says when it starts.
 *
 * @spec conventions.4
 */
export function holdingsOf(options: ClientOptions): Holdings {
  const { provider, random, authorityId32, identity, store, startMs, skewMs, maxAgeMs } = options;
  const floor = storedHead(store);
  const trust = new Trust({
    provider,
    authorityId32,
    serialFloors: storedSerials(store),
    onHead: (head) => storeHead(store, head),
    onSerial: (serial) => storeSerial(store, serial),
    ...(skewMs !== undefined && { skewMs }),
    ...(floor !== undefined && { floor }),
  });
  // An identity that came into being in this process has had no earlier life to which anything could be replayed.
  const bootMs = identity.createdMs >= startMs ? 0 : startMs;
  return new Holdings({ provider, random, authorityId32, identity, trust, store, bootMs, maxAgeMs, skewMs });
}
