import type { BrokerEvent } from '@tridcomm/broker/testing';
import type { TridcommError } from '@tridcomm/core';
import type { ViolationName } from '../oracle.ts';
import { Tally } from '../tally.ts';

/** What may explain a refusal. */
export interface Mood {
  /** The broker had trouble with its disk a moment ago, or was ending. */
  readonly hasBrokerTrouble: boolean;
  /** The broker could not keep what it was told, and may know less in a later life, until its authority has come back. */
  readonly mayHaveForgotten: boolean;
  /** Who was refused has had its link for a while, with nothing in its way. */
  readonly isCalm: boolean;
}

/** Counts what is refused, and tells of what nothing explains: all members but one are honest, and none sends too much. */
export class Refusals {
  readonly counts: Tally = new Tally();
  readonly #report: (name: ViolationName, sentence: string) => void;

  constructor(report: (name: ViolationName, sentence: string) => void) {
    this.#report = report;
  }

  /** A call of publish failed. @param isOld - it may have been sealed under an epoch that has been followed by another since */
  publication(who: string, error: TridcommError, isOld: boolean, mood: Mood): void {
    this.counts.add(`publish ${error.code}`);
    const { hasBrokerTrouble, mayHaveForgotten, isCalm } = mood;
    // A disk that fails says so to who publishes; and what an outage held back may have had its time. Who starts anew learns no more than its
    // broker knows.
    const isExplained = passingCodes.has(error.code)
      ? !isCalm || mayHaveForgotten
      : error.code === 'E_REFUSED' && (isOld || hasBrokerTrouble);
    if (!isExplained) this.#refused(`a publication of ${who}`, error);
  }

  /** A link ended, or did not come about. */
  link(who: string, error: TridcommError, { hasBrokerTrouble }: Mood): void {
    this.counts.add(`link ${error.code}`);
    // What breaks in the middle of an opening looks like a refusal without a word.
    const isExplained =
      error.code === 'E_TRANSPORT' ||
      error.code === 'E_LENGTH' ||
      error.code === 'E_HANDSHAKE' ||
      (error.code === 'E_CLOSED' && hasBrokerTrouble) ||
      (error.code === 'E_LIMIT' && error.message.includes('the broker ended the link'));
    if (!isExplained) this.#refused(`a link of ${who}`, error);
  }

  /** A client did not take what came. */
  received(who: string, what: string, error: TridcommError, { isCalm, hasBrokerTrouble }: Mood): void {
    this.counts.add(`${what} ${error.code}`);
    const codes = expectedCodes[what];
    if (codes === undefined || (!codes.has(error.code) && (isCalm || !passingCodes.has(error.code)))) {
      if (error.code === 'E_REFUSED' && (hasBrokerTrouble || !isCalm)) return;
      this.#refused(`${what} at ${who}`, error);
    }
  }

  /** @param isHonest - whether the link that it is about is that of somebody who was not revoked */
  broker(event: BrokerEvent, isHonest: boolean): void {
    if (event.type === 'internalError') this.#report('broken', `broker: ${event.where} ${event.name}`);
    if (!('code' in event)) return;
    const what = 'what' in event ? `${event.type} ${event.what}` : event.type;
    this.counts.add(`broker ${what} ${event.code}`);
    if (!isHonest || event.type !== 'linkEnded' || event.by === 'peer') return;
    if (!endCodes.has(event.code)) this.#report('honest refused', `the broker ended a link: ${event.code}`);
  }

  #refused(what: string, error: TridcommError): void {
    this.#report('honest refused', `${what}: ${error.message}`);
  }
}

/** What passes when news of the authority comes. */
const passingCodes: ReadonlySet<string> = new Set(['E_STALE', 'E_POLICY', 'E_EPOCH', 'E_SENDER', 'E_KEY']);
/** What the broker ends links with: in order, for what was lost on the way, and for who takes nothing. */
const endCodes: ReadonlySet<string> = new Set(['none', 'E_TRANSPORT', 'E_LIMIT', 'E_CLOSED']);
/** By what it was: resent, of an epoch that is over for who came late, of somebody who was revoked. */
const expectedCodes: Readonly<Record<string, ReadonlySet<string> | undefined>> = {
  envelope: new Set(['E_REPLAY', 'E_TOO_OLD', 'E_EPOCH', 'E_REVOKED', 'E_SENDER', 'E_POLICY']),
  object: new Set(['E_EPOCH', 'E_POLICY']),
  view: new Set(['E_EPOCH']),
  subscription: new Set(),
  keyRecord: new Set(),
  watch: new Set(),
};
