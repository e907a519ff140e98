import type { CryptoProvider, WorkReceiver } from '@tridcomm/core';
import { Relay, type CarrierReceiver } from '@tridcomm/core/internal';
import type { ManualClock } from '@tridcomm/core/testing';
import type { Broker, BrokerLink } from '../broker.ts';

/** An honest broker that may be started anew: what the authority published is still there then, and what waited in its queues is gone. */
export class HonestBroker implements Broker {
  readonly #provider: CryptoProvider;
  readonly #authorityId32: Uint8Array;
  readonly #clock: ManualClock;
  readonly #bundles: { readonly bytes: Uint8Array; readonly atMs: number }[] = [];
  /** While it reads what it keeps: the time of that. */
  #pastMs: number | undefined;
  #relay: Relay;

  constructor(provider: CryptoProvider, authorityId32: Uint8Array, clock: ManualClock) {
    this.#provider = provider;
    this.#authorityId32 = authorityId32;
    this.#clock = clock;
    this.#relay = this.#newRelay();
  }

  attach(keyId32: Uint8Array, receiver: CarrierReceiver & Pick<WorkReceiver, 'leased'>): BrokerLink {
    return this.#relay.attach(keyId32, receiver);
  }

  apply(bundle: Uint8Array): void {
    this.#bundles.push({ bytes: bundle, atMs: this.#clock.nowMs });
    this.#relay.apply(bundle);
  }

  tick(): void {
    this.#relay.tick();
  }

  /** Links end with it. */
  restart(): void {
    this.#relay = this.#newRelay();
    for (const { bytes, atMs } of this.#bundles) {
      this.#pastMs = atMs;
      this.#relay.apply(bytes);
    }
    this.#pastMs = undefined;
  }

  #newRelay(): Relay {
    const now = (): number => this.#pastMs ?? this.#clock.nowMs;
    return new Relay({ provider: this.#provider, authorityId32: this.#authorityId32, now });
  }
}
