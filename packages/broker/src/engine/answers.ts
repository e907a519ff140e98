import type { LinkMessage } from '@tridcomm/core/link';

/** A numbered frame that waits for its answer, or a ping that waits behind one. */
export interface Answer {
  /** 0 of a ping. */
  readonly number: number;
  readonly token: number;
  readonly bytes: number;
  state: 'waits' | 'taken' | 'refused';
}

/**
 * The answers of a link, in the order of what they answer: one ack for all that was taken before the first that waits, and a ping's
 * behind it. Rejects go out when they are known, which is always before an ack that covers their number.
 *
 * @spec delivery.1, delivery.2, delivery.17
 */
export class Answers {
  #waiting: Answer[] = [];
  #waitingBytes = 0;
  #lastNumber = 0;
  /** Highest number that was taken, of those before the first that waits. */
  #takenNumber = 0;
  #ackedNumber = 0;

  /** How many wait. */
  get count(): number {
    return this.#waiting.length;
  }

  /** What they hold. */
  get bytes(): number {
    return this.#waitingBytes;
  }

  /** The next numbered frame. @param bytes - what it holds until it is answered */
  add(bytes: number): Answer {
    const answer: Answer = { number: ++this.#lastNumber, token: 0, bytes, state: 'waits' };
    this.#waiting.push(answer);
    this.#waitingBytes += bytes;
    return answer;
  }

  ping(token: number): void {
    this.#waiting.push({ number: 0, token, bytes: 0, state: 'taken' });
  }

  /** What can be sent now. @param nowMs - the own clock */
  take(nowMs: number): LinkMessage[] {
    const messages: LinkMessage[] = [];
    let done = 0;
    for (const { number, token, bytes, state } of this.#waiting) {
      if (state === 'waits') break;
      done++;
      this.#waitingBytes -= bytes;
      if (number === 0) {
        this.#ack(messages);
        messages.push({ type: 'ping', answers: true, token, timeMs: nowMs });
      } else if (state === 'taken') {
        this.#takenNumber = number;
      }
    }
    this.#ack(messages);
    if (done > 0) this.#waiting.splice(0, done);
    return messages;
  }

  #ack(messages: LinkMessage[]): void {
    if (this.#takenNumber === this.#ackedNumber) return;
    this.#ackedNumber = this.#takenNumber;
    messages.push({ type: 'ack', number: this.#takenNumber });
  }
}
