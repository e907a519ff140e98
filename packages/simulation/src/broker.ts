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
