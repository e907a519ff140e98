import type { CarrierReceiver, Relay } from '@tridcomm/core/internal';

/** What a relay gives to a member: what the member asks by. */
type RelayLink = ReturnType<Relay['attach']>;

/** What lies between a relay and one member, and does what a slow or hostile relay would. */
export class Wire implements CarrierReceiver {
  /** Envelopes to the member wait in {@link held}. */
  holds = false;
  held: Uint8Array[] = [];
  /** Whether the member gets what the authority says. */
  passesObjects = true;
  /** Whether the relay gets what the member sends; if not, it is `Stage.carry` that hands it on. */
  sends = true;
  readonly #receiver: CarrierReceiver;

  constructor(receiver: CarrierReceiver) {
    this.#receiver = receiver;
  }

  envelope(bytes: Uint8Array): void {
    if (this.holds) this.held.push(bytes);
    else this.#receiver.envelope(bytes);
  }

  object(address16: Uint8Array, bytes: Uint8Array): void {
    if (this.passesObjects) this.#receiver.object(address16, bytes);
  }

  /** Hands the member an envelope, whoever it is from. */
  hand(envelope: Uint8Array): void {
    this.#receiver.envelope(envelope);
  }

  /** Takes away what waits. */
  takeHeld(): Uint8Array[] {
    return this.held.splice(0);
  }

  /** The member's way to the relay. */
  upstream(link: RelayLink): RelayLink {
    return {
      get isOpen() {
        return link.isOpen;
      },
      publish: (envelope) => {
        if (this.sends) link.publish(envelope);
      },
      subscribe: (match, source) => link.subscribe(match, source),
      unsubscribe: (match, source) => link.unsubscribe(match, source),
      work: (match, capacity) => link.work(match, capacity),
      endWork: (match) => link.endWork(match),
      watch: (address16) => link.watch(address16),
      fetch: (address16) => link.fetch(address16),
      detach: () => link.detach(),
    };
  }
}
