import type { HeardReply } from '@tridcomm/core';
import type { PatternParts } from './pattern-parts.ts';
import type { Forwarder } from './route-options.ts';

/**
 * The replies to all dealers in the pool of a topic, handed on from the broker of one client to that of another, until it is closed. What cannot be
 * handed on is lost, as a broker might lose it, and a `status` event of the client that hears tells so: the dealer asks again.
 *
 * @spec patterns.39, patterns.43
 */
export class ReplyForwarding implements AsyncDisposable {
  readonly topic: string;
  readonly #end: () => void;
  #isOver = false;

  /** @internal @throws TridcommError `E_USAGE`, `E_ENCODING`, `E_LIMIT` */
  constructor(parts: PatternParts, topic: string, to: Forwarder, onClose: () => void) {
    const handOn = (reply: HeardReply): void => {
      to.forwardReply(reply).catch((error: unknown) => parts.tellUnsent(error, reply.groupId16, 'forward'));
    };
    const heard = parts.client().hearReplies(topic, Date.now(), handOn);
    this.topic = heard.topic;
    this.#end = () => {
      heard.close(Date.now());
      onClose();
    };
  }

  /** Hands nothing on any more. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}
