import { parseEnvelope, TridcommError, type EnvelopeView } from '@tridcomm/core';
import type { LinkMessage } from '@tridcomm/core/link';
import { DamagedError, type EnvelopeLog, type StoredEnvelope } from '../store/envelope-log.ts';
import type { Sub } from './sub.ts';
import { SubIndex } from './sub-index.ts';

/** What a pump needs of its link and its broker. */
export interface PumpHost {
  /** Whether a body of this size may go out now. */
  canSend(bodyBytes: number): boolean;
  sendStored(message: Extract<LinkMessage, { readonly type: 'stored' }>): void;
  /** The log does not answer: the subs that wait for it end. */
  readFailed(subs: readonly Sub[], error: TridcommError): void;
  damaged(fromPosition: number, toPosition: number): void;
  /** Does work soon, outside of the call. */
  defer(work: () => void): void;
}

/**
 * Brings the stored subs of one link through the log: they are read for together, so that many of them cost one pass. A sub that has
 * caught up is given what is appended as it comes; one that can't be given it, for want of credit or room, reads it later.
 *
 * @spec delivery.10, delivery.16
 */
export class StoredPump {
  readonly #log: EnvelopeLog;
  readonly #host: PumpHost;
  /** Those that have not caught up. */
  readonly #behind = new Set<Sub>();
  readonly #index = new SubIndex<Sub>();
  #isReading = false;
  /** What was read last had to wait for the link. */
  #isBlocked = false;
  #isOver = false;

  constructor(log: EnvelopeLog, host: PumpHost) {
    this.#log = log;
    this.#host = host;
  }

  add(sub: Sub): void {
    // A position that this log has not reached is one of a log that is gone: waiting for it would leave out all that comes until then.
    this.#fallBehind(sub, Math.min(sub.next, this.#log.nextPosition));
    this.#run();
  }

  delete(sub: Sub): void {
    if (this.#behind.delete(sub)) this.#index.delete(sub.match, sub);
  }

  /** Gives a sub that has caught up what was appended. */
  offer(sub: Sub, position: number, bytes: Uint8Array): void {
    if (!sub.isCaughtUp || position < sub.next) return;
    if (this.#send(sub, position, bytes)) return;
    this.#fallBehind(sub, position);
  }

  /** The link takes more than before. */
  resume(): void {
    this.#isBlocked = false;
    this.#run();
  }

  /** The link is over. */
  end(): void {
    this.#isOver = true;
    this.#behind.clear();
  }

  /** Reads on, where there is a reason and room. */
  #run(): void {
    if (this.#isReading || this.#isBlocked || this.#isOver || this.#behind.size === 0) return;
    if (!this.#host.canSend(1)) return;
    this.#isReading = true;
    let from = Infinity;
    for (const { next } of this.#behind) from = Math.min(from, next);
    const goOn = (): void => {
      this.#isReading = false;
      this.#run();
    };
    this.#log
      .read(from, readBytes)
      .then((found) => this.#take(from, found))
      .catch((error: unknown) => this.#fail(error))
      // Not at once: a log in memory answers without letting anybody else have a turn.
      .finally(() => this.#host.defer(goOn));
  }

  #take(from: number, found: readonly StoredEnvelope[]): void {
    if (this.#isOver) return;
    // Where nothing was found, what was asked for is not there any more, or not yet.
    let read = found.length === 0 ? Math.max(from, this.#log.firstPosition) : from;
    for (const { position, bytes } of found) {
      this.#isBlocked = !this.#deliver(position, bytes);
      if (this.#isBlocked) break;
      read = position + 1;
    }
    for (const sub of this.#behind) {
      if (sub.next < read) sub.next = read;
      if (sub.next >= this.#log.nextPosition) this.#catchUp(sub);
    }
  }

  /** @returns false where a sub could not be given it */
  #deliver(position: number, bytes: Uint8Array): boolean {
    const view = viewOf(bytes);
    if (view === undefined) return true;
    let isGiven = true;
    this.#index.visit(view, (sub) => {
      if (!isGiven || sub.next > position) return;
      isGiven = this.#send(sub, position, bytes);
    });
    return isGiven;
  }

  #send(sub: Sub, position: number, envelope: Uint8Array): boolean {
    if (!this.#host.canSend(positionBytes + envelope.length)) return false;
    sub.next = position + 1;
    this.#host.sendStored({ type: 'stored', sub: sub.number, position, envelope });
    return true;
  }

  #fail(error: unknown): void {
    if (error instanceof DamagedError) {
      this.#host.damaged(error.fromPosition, error.toPosition);
      for (const sub of this.#behind) {
        if (sub.next >= error.fromPosition && sub.next < error.toPosition) sub.next = error.toPosition;
      }
      return;
    }
    const failure =
      error instanceof TridcommError ? error : new TridcommError('E_INTERNAL', undefined, { cause: error });
    const subs = [...this.#behind];
    for (const sub of subs) this.delete(sub);
    if (!this.#isOver) this.#host.readFailed(subs, failure);
  }

  #fallBehind(sub: Sub, next: number): void {
    sub.isCaughtUp = false;
    sub.next = next;
    this.#behind.add(sub);
    this.#index.add(sub.match, sub);
  }

  #catchUp(sub: Sub): void {
    sub.isCaughtUp = true;
    this.delete(sub);
  }
}

/** What is in a log passed this check when it was taken; undefined for what does not pass it now. */
function viewOf(bytes: Uint8Array): EnvelopeView | undefined {
  try {
    return parseEnvelope(bytes);
  } catch (error) {
    if (error instanceof TridcommError) return undefined;
    throw error;
  }
}

const readBytes = 256 * 1024;
const positionBytes = 8;
