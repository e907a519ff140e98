import type { WorkCarrier, WorkReceiver } from '@tridcomm/core';
import type { Carrier, CarrierReceiver } from '@tridcomm/core/internal';

/** A member's place at a broker, which may give work. */
export interface BrokerLink extends Carrier, Partial<Pick<WorkCarrier, 'work' | 'endWork'>> {
  detach(): void;
}

/** What both the honest relay and the hostile one are. */
export interface Broker {
  attach(keyId32: Uint8Array, receiver: CarrierReceiver & Pick<WorkReceiver, 'leased'>): BrokerLink;
  /** A bundle of the authority. */
  apply(bundle: Uint8Array): void;
}
