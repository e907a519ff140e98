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
