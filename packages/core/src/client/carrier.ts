import type { TopicMatch } from '../keys/access-list.ts';
import type { EnvelopeSource } from '../replay/guard.ts';

/**
 * What a member asks of a broker. Answers come by {@link CarrierReceiver}, now or later, and may come inside the call.
 */
export interface Carrier {
  /** Hands over an envelope. A broker in the same process may throw its refusal. */
  publish(envelope: Uint8Array): void;
  /** @param source - whether it is asked for what comes from now on, or for its log; where both are asked for, they are two questions */
  subscribe(match: TopicMatch, source: EnvelopeSource): void;
  unsubscribe(match: TopicMatch, source: EnvelopeSource): void;
  /** Asks for what is retained under an address, now and at every change. */
  watch(address16: Uint8Array): void;
  /** Asks for what is retained under an address, once more. */
  fetch(address16: Uint8Array): void;
}

/** How a unit of work travels: an envelope, or a leaf of one as a job of chapter 03. */
export type WorkForm = 'envelope' | 'job';

/** What became of a unit of work: nobody else gets what is `done`, and what was `given back` goes to another. */
export type WorkOutcome = 'done' | 'given back';

/** A unit of work that a broker gave to this member for a while. */
export interface Lease {
  /** Ends it; called once at most. Where the link that it came by is over, or the carrier has no leases, nothing comes of it. */
  settle(outcome: WorkOutcome): void;
}

/** A carrier that brings work: what a broker gives to one of many, and takes back from who does not do it. */
export interface WorkCarrier extends Carrier {
  /**
   * Asks for the requests and jobs of a tag, which come by {@link WorkReceiver.leased}.
   *
   * @param match - exact
   * @param capacity - units that may be leased at a time; asked for once more, it changes
   * @spec delivery.22, delivery.23
   */
  work(match: TopicMatch, capacity: number): void;
  endWork(match: TopicMatch): void;
}

/** Whether a carrier brings work. */
export function bringsWork(carrier: Carrier): carrier is WorkCarrier {
  return 'work' in carrier;
}

/** Where a broker delivers to. Bytes belong to the receiver. */
export interface CarrierReceiver {
  envelope(bytes: Uint8Array): void;
  object(address16: Uint8Array, bytes: Uint8Array): void;
}

/** Where a broker that keeps a log delivers to. */
export interface LogReceiver extends CarrierReceiver {
  /**
   * Takes an envelope out of the log, which came for what was asked of the log.
   *
   * @param position - as the broker says
   */
  stored(bytes: Uint8Array, position: number): void;
}

/** Where a broker that gives work delivers to. */
export interface WorkReceiver extends LogReceiver {
  /** Takes a unit of work, which came for what was asked for by {@link WorkCarrier.work}. */
  leased(bytes: Uint8Array, form: WorkForm, lease: Lease): void;
}
