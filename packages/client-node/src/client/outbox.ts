import { TridcommError, type ErrorCode } from '@tridcomm/core';

/** A sealed envelope that a broker has to answer for. */
export interface Outgoing<Owner> {
  readonly envelope: Uint8Array;
  readonly durability: number;
  readonly sealedMs: number;
  /** Who wants to know what becomes of it. */
  readonly owner: Owner;
}

/** What a broker's reject comes to. */
export interface Rejected<Owner> {
  readonly outgoing: Outgoing<Owner>;
  /** Whether its bytes are sent again, later. */
  readonly isAgain: boolean;
}

interface Entry<Owner> extends Outgoing<Owner> {
  /** Its place in the order in which they were added. */
  readonly place: number;
  /** Not sent before; Infinity until there is another link. */
  notBeforeMs: number;
}

/**
 * Envelopes that are numbered on a link, until the broker has answered for each: what a link lost goes out again on the next, as the same
 * bytes, while receivers would still take it.
 *
 * Pure. An envelope is in one of three places: it waits to be sent, it waits for its answer, or it is settled and not here any more.
 *
 * @spec delivery.1, delivery.13, delivery.19, link.21
 */
export class Outbox<Owner> {
  readonly #freshMs: number;
  readonly #mostBytes: number;
  /** To be sent, in order. */
  #waiting: Entry<Owner>[] = [];
  /** By their numbers on the link, ascending. */
  readonly #sent = new Map<number, Entry<Owner>>();
  #lastNumber = 0;
  #lastAck = 0;
  #bytes = 0;
  #nextPlace = 0;

  /**
   * @param freshMs - after that receivers may refuse an envelope for its age
   * @param mostBytes - of envelopes that are not settled, beyond which nothing should be added
   */
  constructor(freshMs: number, mostBytes: number) {
    this.#freshMs = freshMs;
    this.#mostBytes = mostBytes;
  }

  /** Bytes of the envelopes that are not settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there should be nothing added until something is settled. */
  get isFull(): boolean {
    return this.#bytes >= this.#mostBytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#sent.size === 0;
  }

  /** @param outgoing - kept; its durability is not none */
  add({ envelope, durability, sealedMs, owner }: Outgoing<Owner>): void {
    this.#waiting.push({ envelope, durability, sealedMs, owner, place: this.#nextPlace++, notBeforeMs: 0 });
    this.#bytes += envelope.length;
  }

  /** The next to be sent on the link that is open, numbered by this call; undefined where none is to go out now. */
  next(nowMs: number): Outgoing<Owner> | undefined {
    const [first] = this.#waiting;
    // Those behind it would overtake it, and a broker that asks for rest asks for rest from all.
    if (first === undefined || first.notBeforeMs > nowMs) return undefined;
    this.#waiting.shift();
    this.#lastNumber++;
    this.#sent.set(this.#lastNumber, first);
    return first;
  }

  /**
   * The broker acknowledged.
   *
   * @returns what is settled by it, in order
   * @throws TridcommError `E_ENCODING` for a number that was not given, and for one below that of an ack before
   */
  acknowledged(number: number): Outgoing<Owner>[] {
    this.#checkGiven(number);
    if (number < this.#lastAck) throw new TridcommError('E_ENCODING', `ack ${number} after ack ${this.#lastAck}`);
    this.#lastAck = number;
    const settled: Outgoing<Owner>[] = [];
    for (const [sentNumber, entry] of this.#sent) {
      if (sentNumber > number) break;
      this.#sent.delete(sentNumber);
      this.#bytes -= entry.envelope.length;
      settled.push(entry);
    }
    return settled;
  }

  /**
   * The broker rejected. What it rejects for a limit, with a time after which it would take it, is sent again then; what it rejects as it is
   * ending, on the next link.
   *
   * @param retryMs - 0 where the broker says nothing of another try
   * @returns undefined for a number that waits for no answer any more
   * @throws TridcommError `E_ENCODING` for a number that was not given
   */
  rejected(number: number, code: ErrorCode, retryMs: number, nowMs: number): Rejected<Owner> | undefined {
    this.#checkGiven(number);
    const entry = this.#sent.get(number);
    if (entry === undefined) return undefined;
    this.#sent.delete(number);
    const notBeforeMs = code === 'E_CLOSED' ? Infinity : nowMs + retryMs;
    const isAgain =
      code === 'E_CLOSED' || (code === 'E_LIMIT' && retryMs > 0 && notBeforeMs < entry.sealedMs + this.#freshMs);
    if (isAgain) {
      entry.notBeforeMs = notBeforeMs;
      this.#putBack(entry);
    } else this.#bytes -= entry.envelope.length;
    return { outgoing: entry, isAgain };
  }

  /** The link is over: numbers begin anew, and what was not answered is sent again before everything else. */
  reset(): void {
    this.#waiting = [...this.#sent.values(), ...this.#waiting].sort((a, b) => a.place - b.place);
    for (const entry of this.#waiting) entry.notBeforeMs = 0;
    this.#sent.clear();
    this.#lastNumber = 0;
    this.#lastAck = 0;
  }

  /**
   * Gives up what receivers may not take any more.
   *
   * @returns what became of which nobody knows now, or that never went out
   */
  expire(nowMs: number): Outgoing<Owner>[] {
    const expired: Outgoing<Owner>[] = [];
    const isFresh = (entry: Entry<Owner>) => {
      if (nowMs < entry.sealedMs + this.#freshMs) return true;
      expired.push(entry);
      this.#bytes -= entry.envelope.length;
      return false;
    };
    // An answer may still come for what was sent, and finds its number free then.
    for (const [number, entry] of this.#sent) if (!isFresh(entry)) this.#sent.delete(number);
    this.#waiting = this.#waiting.filter(isFresh);
    return expired;
  }

  /** Gives up everything. */
  clear(): Outgoing<Owner>[] {
    const all = [...this.#sent.values(), ...this.#waiting];
    this.#sent.clear();
    this.#waiting = [];
    this.#bytes = 0;
    return all;
  }

  /** When {@link next} may have something that it has not now; undefined where nothing waits. */
  nextMs(): number | undefined {
    return this.#waiting[0]?.notBeforeMs;
  }

  #checkGiven(number: number): void {
    if (number > 0 && number <= this.#lastNumber) return;
    throw new TridcommError('E_ENCODING', `answer to frame ${number} of ${this.#lastNumber}`);
  }

  /** Back to those that wait, in front of what was sealed later. */
  #putBack(entry: Entry<Owner>): void {
    const at = this.#waiting.findIndex(({ place }) => place > entry.place);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, entry);
  }
}
