import type { Client, HeardReply, RoutedDelivery } from '@tridcomm/core';
import type { PatternParts } from './pattern-parts.ts';

/** Hands messages and replies on by the broker of one client, as they are. @spec patterns.39 */
export class Forwards {
  readonly #parts: PatternParts;
  #count = 0;

  constructor(parts: PatternParts) {
    this.#parts = parts;
  }

  /** @returns resolves when the broker has it */
  async forward(delivery: RoutedDelivery, workerKeyId32: Uint8Array): Promise<void> {
    await this.#send(delivery.envelope, (client) => client.forward(delivery, workerKeyId32, Date.now()).envelopes);
  }

  /** @returns resolves when the broker has it */
  async forwardReply(reply: HeardReply): Promise<void> {
    await this.#send(reply.envelope, (client) => client.forwardReply(reply, Date.now()).envelopes);
  }

  async #send(envelope: Uint8Array, seal: (client: Client) => readonly Uint8Array[]): Promise<void> {
    const { client, inParts, publisher } = this.#parts;
    const begun = publisher().begin({
      topic: '',
      durability: 'memory',
      // Each is an envelope of its own, and a signature.
      kind: `forward/${this.#count++}`,
      items: [envelope],
      seal: (items) => inParts(items, () => ({ envelopes: seal(client()), ids: [] })),
    });
    await begun.done;
  }
}
