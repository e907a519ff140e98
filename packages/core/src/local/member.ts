import type { Client, Published } from '../client/client.ts';
import type { ClientEvent } from '../client/events.ts';
import { TridcommError } from '../errors.ts';
import { encodeUtf8, utf8Length } from '../topics/utf8.ts';
import { ReceivedMessages } from './received.ts';
import type { Recent } from './recent.ts';

/** A member of a local network. */
export class LocalMember {
  readonly name: string;
  /** The engine behind it. */
  readonly client: Client;
  readonly #now: () => number;
  readonly #events: Recent<ClientEvent>;
  readonly #subscriptions = new Set<ReceivedMessages>();

  /** @internal */
  constructor(name: string, client: Client, events: Recent<ClientEvent>, now: () => number) {
    this.name = name;
    this.client = client;
    this.#events = events;
    this.#now = now;
  }

  /**
   * Signs, seals and sends messages: one envelope, or more where they do not fit one.
   *
   * @param messages - 1 or more; text goes as UTF-8
   * @throws TridcommError `E_USAGE` for what is no message, `E_POLICY` without the right to, and the others of `Client.publish`
   */
  publish(topic: string, ...messages: readonly (string | Uint8Array)[]): Published {
    const payloads = messages.map(payloadOf);
    checkText('topic', topic);
    return this.client.publish(topic, payloads, this.#now());
  }

  /** Hears of the topics that a pattern matches, as far as the member may read them, now and later. */
  subscribe(pattern: string): ReceivedMessages {
    checkText('pattern', pattern);
    const messages: ReceivedMessages = new ReceivedMessages(this.#now, () => {
      this.#subscriptions.delete(messages);
      subscription.close(this.#now());
    });
    this.#subscriptions.add(messages);
    const subscription = this.client.subscribe(pattern, this.#now(), (delivery) => messages.add(delivery));
    return messages;
  }

  /** What happened to the member since the last time, the latest thousand or 16 MiB of it: messages, views, gaps, refusals. */
  events(): ClientEvent[] {
    this.#now();
    return this.#events.take();
  }

  /** @internal */
  end(): void {
    for (const messages of this.#subscriptions) messages.close();
    this.client.stop();
  }
}

function payloadOf(message: string | Uint8Array): Uint8Array {
  if (message instanceof Uint8Array) return message;
  checkText('message', message);
  return encodeUtf8(message);
}

/** For callers without types: what is no text would fail far from here. */
function checkText(name: string, text: unknown): void {
  if (typeof text === 'string' && utf8Length(text) >= 0) return;
  const what = typeof text === 'string' ? 'text with a lone surrogate' : typeof text;
  throw new TridcommError('E_USAGE', `${name}: ${what}; text or bytes are taken`);
}
