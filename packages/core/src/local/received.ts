import type { Delivery } from '../client/events.ts';
import { TridcommError } from '../errors.ts';
import { decodeUtf8 } from '../topics/utf8.ts';

/** One message that was received: opened, and signed by who it says. */
export class ReceivedMessage {
  readonly topic: string;
  /** The sender's record, signed by the authority: `name`, and the key under `key`. */
  readonly sender: Delivery['sender'];
  readonly payload: Uint8Array;
  /** When it was made, by the sender's clock. */
  readonly timestampMs: number;

  constructor(delivery: Delivery, index: number) {
    const { payload, timestampMs } = delivery.messages[index]!;
    this.topic = delivery.topic;
    this.sender = delivery.sender;
    this.payload = payload;
    this.timestampMs = timestampMs;
  }

  /**
   * The payload as text.
   *
   * @throws TridcommError `E_ENCODING` for what is not UTF-8
   */
  text(): string {
    const text = decodeUtf8(this.payload);
    if (text === undefined) throw new TridcommError('E_ENCODING', 'payload that is not UTF-8');
    return text;
  }
}

/**
 * The messages of one subscription: take what is there with {@link received}, or wait for more with `for await`.
 */
export class ReceivedMessages implements AsyncIterable<ReceivedMessage> {
  readonly #refresh: () => void;
  readonly #end: () => void;
  #waiting: ReceivedMessage[] = [];
  #wake: (() => void)[] = [];
  #isClosed = false;

  /** @internal */
  constructor(refresh: () => void, end: () => void) {
    this.#refresh = refresh;
    this.#end = end;
  }

  /** Everything that has come since the last time; does not wait. */
  received(): ReceivedMessage[] {
    this.#refresh();
    return this.#waiting.splice(0);
  }

  /** Ends the subscription: loops over it end when they have what is there. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#end();
    this.#wakeAll();
  }

  /** @internal */
  add(delivery: Delivery): void {
    for (const index of delivery.messages.keys()) this.#waiting.push(new ReceivedMessage(delivery, index));
    this.#wakeAll();
  }

  /** Ends when the subscription is closed or the member leaves; a loop that is left closes the subscription. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage, void, undefined> {
    try {
      for (;;) {
        const message = this.#waiting.shift();
        if (message !== undefined) yield message;
        else if (this.#isClosed) return;
        else await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    } finally {
      this.close();
    }
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
