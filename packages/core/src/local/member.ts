import type { Client, Published } from '../client/client.ts';
import type { ClientEvent } from '../client/events.ts';
import { encodeUtf8 } from '../topics/utf8.ts';
import { ReceivedMessages } from './received.ts';
import type { Recent } from './recent.ts';

/** A member of a local network. */
export class LocalMember {
  readonly name: string;
  /** The engine behind it. */
  readonly client: Client;
  readonly #now: () => number;
  readonly #events: Recent<ClientEvent>;

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
   * @throws TridcommError `E_POLICY` without the right to, and the others of `Client.publish`
   */
  publish(topic: string, ...messages: readonly (string | Uint8Array)[]): Published {
    const payloads = messages.map((message) => (typeof message === 'string' ? encodeUtf8(message) : message));
    return this.client.publish(topic, payloads, this.#now());
  }

  /** Hears of the topics that a pattern matches, as far as the member may read them, now and later. */
  subscribe(pattern: string): ReceivedMessages {
    const messages: ReceivedMessages = new ReceivedMessages(this.#now, () => subscription.close(this.#now()));
    const subscription = this.client.subscribe(pattern, this.#now(), (delivery) => messages.add(delivery));
    return messages;
  }

  /** What happened to the member since the last time, the latest thousand or 16 MiB of it: messages, views, gaps, refusals. */
  events(): ClientEvent[] {
    this.#now();
    return this.#events.take();
  }
}
