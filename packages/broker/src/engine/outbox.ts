import type { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import type { LinkMessage } from '@tridcomm/core/link';

/** The transport's side of a link, as the engine sees it. */
export interface PeerSink {
  /** Whether the transport has as much as it should be given at a time. */
  readonly isFull: boolean;
  /** @throws TridcommError `E_LIMIT` for what the peer does not take; `E_CLOSED` */
  send(message: LinkMessage): void;
  /** Ends the link, with a close frame. Without an error the end is an orderly one. */
  close(error: TridcommError | undefined, retryMs: number): void;
  /** Whether more of the peer is wanted. */
  setReading(isReading: boolean): void;
}

/** An envelope on its way to who receives it live: one for all of them. */
export type LiveMessage = Extract<LinkMessage, { readonly type: 'envelope' }>;

/** Whose outbox it is. */
export interface OutboxHost {
  /** Whether the transport has as much as it should be given at a time. */
  readonly isFull: boolean;
  /** Must not throw. */
  sendLive(message: LiveMessage): void;
}

/** An address whose objects wait, or one object of it. */
export interface WaitingObject {
  readonly address16: Uint8Array;
  /** Undefined for everything that is retained there when it can be sent. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * What goes out on a link, as its credit and its transport allow. Live envelopes wait in a queue of so many bytes; objects wait as
 * addresses, of which then the newest is sent.
 *
 * @spec delivery.14, delivery.15, delivery.16
 */
export class Outbox {
  readonly #host: OutboxHost;
  readonly #mostQueuedBytes: number;
  readonly #mostForwardBytes: number;
  #grantedBytes: number;
  #sentBytes = 0;
  /** What was sent is not kept. */
  #queue: (LiveMessage | undefined)[] = [];
  #queueHead = 0;
  #queuedBytes = 0;
  /** By the names of their addresses, in the order in which they came up; undefined while none waits, as mostly. */
  #objects: Map<string, WaitingObject> | undefined;

  /** @param creditBytes - of the peer's hello */
  constructor(host: OutboxHost, creditBytes: number, mostQueuedBytes: number) {
    this.#host = host;
    this.#grantedBytes = creditBytes;
    this.#mostQueuedBytes = mostQueuedBytes;
    // One has room wherever it may wait at all.
    this.#mostForwardBytes = Math.min(mostQueuedBytes, Math.max(mostQueuedBytes / 2, limits.envelopeBytes));
  }

  /** Bytes of live envelopes that wait. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Addresses that wait. */
  get waitingAddresses(): number {
    return this.#objects?.size ?? 0;
  }

  /** Whether the transport takes more. */
  get isFlowing(): boolean {
    return !this.#host.isFull;
  }

  /** Takes a credit frame. @returns whether it is not lower than one before */
  grant(bytes: number): boolean {
    if (bytes < this.#grantedBytes) return false;
    this.#grantedBytes = bytes;
    return true;
  }

  /** Whether a body of this size may go out now, behind what waits. */
  canSend(bodyBytes: number): boolean {
    return this.#queuedBytes === 0 && this.#fits(bodyBytes);
  }

  /** Notes a body that goes out. */
  spend(bodyBytes: number): void {
    this.#sentBytes += bodyBytes;
  }

  /**
   * Sends a live envelope, or lets it wait; `full` where that would be too much. Forwards may fill no more than half, so that they leave room
   * for what ends the link where it has none.
   */
  live(message: LiveMessage, isForward: boolean): 'sent' | 'waits' | 'full' {
    const { length } = message.envelope;
    if (this.canSend(length)) {
      this.#sentBytes += length;
      this.#host.sendLive(message);
      return 'sent';
    }
    const mostBytes = isForward ? this.#mostForwardBytes : this.#mostQueuedBytes;
    if (this.#queuedBytes + length > mostBytes) return 'full';
    this.#queue.push(message);
    this.#queuedBytes += length;
    return 'waits';
  }

  /**
   * Lets an address wait, behind all that wait: what is sent for it may need what came before it, such as a list its policy.
   *
   * @param name - of the address
   * @param bytes - the object that is new there; without it, and where another one waits, everything that is retained there is meant
   */
  mark(name: string, address16: Uint8Array, bytes?: Uint8Array): void {
    this.#objects ??= new Map();
    const isAnother = this.#objects.delete(name);
    this.#objects.set(name, { address16, bytes: isAnother ? undefined : bytes });
  }

  /** Sends live envelopes that wait, as far as it goes. @param onSent - gets the size of each */
  flushLive(onSent: (bytes: number) => void): void {
    while (this.#queueHead < this.#queue.length) {
      const message = this.#queue[this.#queueHead]!;
      const { length } = message.envelope;
      if (!this.#fits(length)) break;
      this.#queue[this.#queueHead++] = undefined;
      this.#queuedBytes -= length;
      this.#sentBytes += length;
      this.#host.sendLive(message);
      onSent(length);
    }
    if (this.#queueHead === this.#queue.length || this.#queueHead > mostDone) {
      this.#queue = this.#queue.slice(this.#queueHead);
      this.#queueHead = 0;
    }
  }

  /** The next object or address that waits, while the transport takes more. */
  nextObject(): WaitingObject | undefined {
    if (this.#objects === undefined || !this.isFlowing) return undefined;
    const [name, waiting] = this.#objects.entries().next().value!;
    this.#objects.delete(name);
    if (this.#objects.size === 0) this.#objects = undefined;
    return waiting;
  }

  /** Lets go of everything. */
  clear(): void {
    this.#queue = [];
    this.#queueHead = 0;
    this.#queuedBytes = 0;
    this.#objects = undefined;
  }

  #fits(bodyBytes: number): boolean {
    return this.isFlowing && this.#sentBytes + bodyBytes <= this.#grantedBytes;
  }
}

/** Places of the queue that are kept although they are done. */
const mostDone = 1_024;
