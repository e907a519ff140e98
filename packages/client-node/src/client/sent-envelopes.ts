import { limits } from '@tridcomm/core/internal';
import type { PendingRequest } from './pending-request.ts';

/** An envelope with requests that wait for their answers. */
export interface SentEnvelope {
  readonly bytes: Uint8Array;
  /** The front. */
  readonly groupId16: Uint8Array;
  /** Of the crew. */
  readonly epoch: number;
  /** By the clock of `performance`, as all times here. */
  readonly sealedMs: number;
  readonly waiting: Set<PendingRequest>;
  /** How long nothing may be heard of it before it is asked again. */
  readonly patienceMs: number;
  /** When it was sent last, or something was heard of it. */
  heardMs: number;
  /** It waits for the answer of the broker, or to be sent to it. */
  isOnItsWay: boolean;
}

/** What becomes of an envelope whose requests nobody answers. */
type Again = 'repeat' | 'seal anew';

/**
 * The envelopes with requests that nobody has answered: says which are to be asked once more, and how. Pure: times are of a clock that does not
 * jump.
 */
export class SentEnvelopes {
  readonly #envelopes = new Set<SentEnvelope>();

  add(envelope: SentEnvelope): void {
    this.#envelopes.add(envelope);
  }

  /** A request waits no more. */
  settled(request: PendingRequest): void {
    const { sent } = request;
    if (sent === undefined) return;
    sent.waiting.delete(request);
    if (sent.waiting.size === 0) this.#envelopes.delete(sent);
  }

  /** Nothing comes of the bytes of an envelope any more. */
  delete(envelope: SentEnvelope): void {
    this.#envelopes.delete(envelope);
  }

  /**
   * What is to be asked once more now.
   *
   * @param isOver - whether nobody opens envelopes of this front and epoch any more
   * @param isNewLink - whether whatever a broker had in its memory may be gone
   */
  *due(
    nowMs: number,
    isOver: (envelope: SentEnvelope) => boolean,
    isNewLink: boolean,
  ): Generator<readonly [SentEnvelope, Again], void, undefined> {
    for (const envelope of this.#envelopes) {
      if (envelope.isOnItsWay) continue;
      if (isOver(envelope)) yield [envelope, 'seal anew'];
      else if (isNewLink || nowMs >= envelope.heardMs + envelope.patienceMs) {
        yield [envelope, nowMs < envelope.sealedMs + freshMs ? 'repeat' : 'seal anew'];
      }
    }
  }

  clear(): void {
    this.#envelopes.clear();
  }
}

/** A few times within the time that a request has, and not all the time. @param leftMs - up to its deadline */
export function patienceOf(leftMs: number): number {
  return Math.min(mostPatienceMs, Math.max(leastPatienceMs, leftMs / 4));
}

/** How long receivers of any clock take an envelope. */
const freshMs = limits.maxAgeMs - limits.skewMs;
const leastPatienceMs = 1_000;
const mostPatienceMs = 15_000;
