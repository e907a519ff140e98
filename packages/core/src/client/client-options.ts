import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import type { Carrier, WorkCarrier } from './carrier.ts';
import type { ClientEvent } from './events.ts';
import type { Identity } from './identity.ts';
import type { ClientStore } from './store.ts';

/** What a member is made of. */
export interface ClientOptions {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  readonly authorityId32: Uint8Array;
  readonly identity: Identity;
  readonly carrier: Carrier | WorkCarrier;
  /**
   * When this life of the member began, by its clock: without a store, and where the identity had an earlier life, envelopes are refused
   * that are not younger than this and `skewMs`, as they may have been delivered before. An identity that was made since then had none,
   * and a store tells what was delivered, so neither makes use of it. What comes out of a broker's log is not held to either.
   */
  readonly startMs: number;
  /** Makes the member durable: it goes on after a restart without accepting anything twice. Of one principal of one authority. */
  readonly store?: ClientStore;
  /** Default 30,000. */
  readonly skewMs?: number;
  /** Default 120,000. */
  readonly maxAgeMs?: number;
  /** A long-lived secret of the machine that is not a signing key: helps where the random source is bad. */
  readonly localSecret32?: Uint8Array;
  /** What it throws stops nothing: it comes out of the call in which it happened, at its end. */
  readonly onEvent?: (event: ClientEvent) => void;
}
