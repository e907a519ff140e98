import { copyOf } from '../bytes/bytes.ts';
import type { LeasedUnit, Link } from './link.ts';

/** What waits for a link: an object under its address, an envelope with the names of the subscriptions that it is for, or a unit of work. */
interface Outgoing {
  readonly link: Link;
  readonly bytes: Uint8Array;
  readonly address16?: Uint8Array;
  readonly matches?: readonly string[];
  readonly leased?: LeasedUnit;
}

/**
 * What is on its way to receivers, who get it one after the other, in the order of its causes, each with a copy of its own. What one of
 * them throws is told, and reaches nobody else.
 */
export class Deliveries {
  readonly #onFailure: (link: Link, error: unknown) => void;
  #waiting: Outgoing[] = [];
  #isRunning = false;

  /** @param onFailure - told what a receiver threw */
  constructor(onFailure: (link: Link, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** @param bytes - kept, and copied for the receiver, as the address is */
  object(link: Link, address16: Uint8Array, bytes: Uint8Array): void {
    link.waitingObjects++;
    this.#waiting.push({ link, address16, bytes });
  }

  /** @param matches - names of the subscriptions: what waits for one that has ended is dropped */
  envelope(link: Link, matches: readonly string[], bytes: Uint8Array): void {
    this.#waiting.push({ link, matches, bytes });
  }

  /** @param leased - what is not the link's any more is dropped */
  unit(link: Link, leased: LeasedUnit): void {
    this.#waiting.push({ link, bytes: leased.unit.bytes, leased });
  }

  /** Drops what waits for a link. */
  drop(link: Link): void {
    // Those that are being gone through are passed over, as the link is not open.
    if (!this.#isRunning) this.#waiting = this.#waiting.filter((outgoing) => outgoing.link !== link);
  }

  /** Hands everything over, what comes up meanwhile too; nothing inside of itself. */
  run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let at = 0; at < this.#waiting.length; at++) {
        const next = this.#waiting[at]!;
        this.#handOver(next);
        if (at < mostDone) continue;
        this.#waiting = this.#waiting.slice(at + 1);
        at = -1;
      }
    } finally {
      this.#waiting = [];
      this.#isRunning = false;
    }
  }

  #handOver({ link, bytes, address16, matches, leased }: Outgoing): void {
    if (address16 !== undefined) link.waitingObjects--;
    if (!link.isOpen) return;
    try {
      if (address16 !== undefined) link.receiver.object(copyOf(address16), copyOf(bytes));
      else if (leased !== undefined) {
        const { work, unit, number, lease } = leased;
        if (work.leases.has(number))
          link.receiver.leased?.(copyOf(bytes), unit.type === 'job' ? 'job' : 'envelope', lease);
      } else if (matches?.some((name) => link.subscriptions.has(name)) === true) link.receiver.envelope(copyOf(bytes));
    } catch (error) {
      this.#onFailure(link, error);
    }
  }
}

/** Entries of the queue that are kept although they are done. */
const mostDone = 1_024;
