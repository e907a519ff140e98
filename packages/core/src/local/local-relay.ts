import type { Relay, RelayEvent } from '../relay/relay.ts';
import { Recent } from './recent.ts';

/** The relay of a local network, and what it saw lately. */
export class LocalRelay {
  /** The relay itself. */
  readonly relay: Relay;
  readonly #events = new Recent<RelayEvent>((event) => ('bytes' in event ? event.bytes.length : 0));

  /** @internal */
  constructor(make: (log: (event: RelayEvent) => void) => Relay) {
    this.relay = make((event) => this.#events.add(event));
  }

  /** What it saw and did, the latest thousand or 16 MiB of it, oldest first. */
  get events(): readonly RelayEvent[] {
    return this.#events.items;
  }

  /** The bytes of the last envelope that came by: all that it knows of the message; empty before the first. */
  get lastBytes(): Uint8Array {
    const last = this.#events.items.findLast(({ type }) => type === 'envelope');
    return last?.type === 'envelope' ? last.bytes : new Uint8Array(0);
  }
}
