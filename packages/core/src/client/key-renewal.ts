import type { EventSink } from './event-sink.ts';
import type { Holdings } from './holdings.ts';

/** Makes new key records in time, and erases prekeys whose time is over. What a new record needs is stored before it goes out. */
export class KeyRenewal {
  readonly #holdings: Holdings;
  readonly #events: EventSink;
  /** A record that was made and is not stored. */
  #made: Uint8Array | undefined;
  #isChanged = false;

  constructor(holdings: Holdings, events: EventSink) {
    this.#holdings = holdings;
    this.#events = events;
  }

  /** @spec principals.17 */
  tick(nowMs: number): void {
    const { identity, trust, store, authorityId32, keyId32 } = this.#holdings;
    const own = trust.principal(keyId32);
    if (identity.erase(nowMs)) this.#isChanged = true;
    if (this.#made === undefined && own !== undefined && identity.isRecordDue(nowMs)) {
      this.#made = identity.keyRecord(authorityId32, own.serial, nowMs);
      this.#isChanged = true;
    }
    if (this.#isChanged) store?.put('identity', identity.export());
    this.#isChanged = false;
    const bytes = this.#made;
    this.#made = undefined;
    if (bytes !== undefined) this.#events.emit({ type: 'keyRecord', bytes });
  }
}
