import { TridcommError } from '../errors.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import type { EnvelopeSource } from '../replay/guard.ts';
import type { BrokerQuestion } from './broker-matches.ts';
import type { Carrier, Lease, WorkCarrier, WorkOutcome } from './carrier.ts';
import type { EventSink } from './event-sink.ts';

/** What became of a question to a broker: `refused` for a right that is not there, `failed` for what may go well the next time. */
export type Asked = 'taken' | 'refused' | 'failed';

/**
 * What a member asks its carrier for besides to publish. Nothing that the carrier throws goes further: it is told, and the caller asks
 * again later.
 */
export class GuardedCarrier {
  readonly #carrier: Carrier;
  readonly #events: EventSink;
  #isFailing = false;

  constructor(carrier: Carrier, events: EventSink) {
    this.#carrier = carrier;
    this.#events = events;
  }

  watch(address16: Uint8Array): boolean {
    return this.#ask(() => this.#carrier.watch(address16)) === 'taken';
  }

  fetch(address16: Uint8Array): boolean {
    return this.#ask(() => this.#carrier.fetch(address16)) === 'taken';
  }

  /** To subscribe to matches. */
  subscribing(source: EnvelopeSource): BrokerQuestion {
    return {
      ask: (match) => this.#askForRight(() => this.#carrier.subscribe(match, source)),
      end: (match) => this.#ask(() => this.#carrier.unsubscribe(match, source)) === 'taken',
    };
  }

  /** @param question - may refuse with `E_POLICY` itself */
  askWork(question: () => void): Asked {
    return this.#askForRight(question);
  }

  endWork(carrier: WorkCarrier, match: TopicMatch): boolean {
    return this.#ask(() => carrier.endWork(match)) === 'taken';
  }

  /** Where settling fails, the broker takes the work back after a while. */
  settle(lease: Lease, outcome: WorkOutcome): void {
    this.#ask(() => lease.settle(outcome));
  }

  #askForRight(question: () => void): Asked {
    return this.#ask(() => {
      try {
        question();
        return 'taken';
      } catch (error) {
        if (!(error instanceof TridcommError && error.code === 'E_POLICY')) throw error;
        this.#events.refused('subscription', error);
        return 'refused';
      }
    });
  }

  #ask(question: () => Asked | void): Asked {
    try {
      const asked = question() ?? 'taken';
      this.#isFailing = false;
      return asked;
    } catch (error) {
      if (!this.#isFailing) this.#events.emit({ type: 'carrierFailed', error });
      this.#isFailing = true;
      return 'failed';
    }
  }
}
