import type { Relay, RelayEvent } from '../relay/relay.ts';

/** The relay of a local network, and what it saw lately. */
export class LocalRelay {
  /** The relay itself. */
  readonly relay: Relay;
  readonly #events: RelayEvent[] = [];

  /** @internal */
  constructor(make: (log: (event: RelayEvent) => void) => Relay) {
    this.relay = make((event) => {
      this.#events.push(event);
      if (this.#events.length > mostEvents) this.#events.shift();
    });
  }

  /** What it saw and did, the latest thousand, oldest first. */
  get events(): readonly RelayEvent[] {
    return this.#events;
  }

  /** The bytes of the last envelope that came by: all that it knows of the message; empty before the first. */
  get lastBytes(): Uint8Array {
    const last = this.#events.findLast(({ type }) => type === 'envelope');
    return last?.type === 'envelope' ? last.bytes : new Uint8Array(0);
  }
}

const mostEvents = 1000;
