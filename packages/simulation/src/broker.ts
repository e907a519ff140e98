import type { Carrier, CarrierReceiver } from '@tridcomm/core/internal';

/** A member's place at a broker. */
export interface BrokerLink extends Carrier {
  detach(): void;
}

/** What both the honest relay and the hostile one are. */
export interface Broker {
  attach(keyId32: Uint8Array, receiver: CarrierReceiver): BrokerLink;
  /** A bundle of the authority. */
  apply(bundle: Uint8Array): void;
}

/** How often something happened, by name. */
export class Tally {
  readonly counts: Map<string, number> = new Map<string, number>();

  add(name: string, times = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + times);
  }

  get total(): number {
    let sum = 0;
    for (const times of this.counts.values()) sum += times;
    return sum;
  }
}
