import { createHash } from 'node:crypto';
import type { Subscription } from '@tridcomm/client-node';

/** What a subscription has brought so far. */
export interface Received {
  readonly messages: number;
  readonly bytes: number;
  /** Of all bytes, in the order in which they came. */
  readonly sha256: string;
  /** Messages by who signed them, as `name keyId`. */
  readonly senders: ReadonlyMap<string, number>;
  /** Those that are short, in order. */
  readonly texts: readonly string[];
}

/** Takes what a subscription brings, and acknowledges what came out of a log. */
export class Inbox {
  readonly #hash = createHash('sha256');
  readonly #senders = new Map<string, number>();
  readonly #texts: string[] = [];
  #messages = 0;
  #bytes = 0;
  #wake: (() => void)[] = [];

  constructor(subscription: Subscription, isStored: boolean) {
    void this.#take(subscription, isStored);
  }

  get received(): Received {
    return {
      messages: this.#messages,
      bytes: this.#bytes,
      sha256: this.#hash.copy().digest('hex'),
      senders: this.#senders,
      texts: this.#texts,
    };
  }

  /** Waits for so many messages. @returns what there is then, or after the time */
  async until(messages: number, withinMs: number): Promise<Received> {
    const endMs = performance.now() + withinMs;
    while (this.#messages < messages && performance.now() < endMs) {
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        setTimeout(resolve, 100);
      });
    }
    return this.received;
  }

  async #take(subscription: Subscription, isStored: boolean): Promise<void> {
    for await (const message of subscription) {
      const { name, keyId32 } = message.sender;
      const sender = `${name} ${Buffer.from(keyId32).toString('hex')}`;
      this.#senders.set(sender, (this.#senders.get(sender) ?? 0) + 1);
      this.#messages++;
      this.#bytes += message.bytes.length;
      this.#hash.update(message.bytes);
      if (message.bytes.length <= shortBytes) this.#texts.push(message.text());
      if (isStored) message.ack();
      for (const wake of this.#wake.splice(0)) wake();
    }
  }
}

const shortBytes = 64;
