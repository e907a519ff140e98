import { setTimeout as sleep } from 'node:timers/promises';
import type { TridcommClient } from '@tridcomm/client-node';
import { codeOf } from './serve.ts';

/** How far a flow is. */
export interface Flowed {
  readonly sent: readonly string[];
  /** What the broker says to have on its disk. */
  readonly acknowledged: readonly string[];
  /** Codes of what was given up. */
  readonly failed: readonly string[];
}

/** Sends short numbered messages, one after the other without waiting for answers, until it is told to stop. */
export class Flow {
  readonly #client: TridcommClient;
  readonly #sent: string[] = [];
  readonly #acknowledged: string[] = [];
  readonly #failed: string[] = [];
  readonly #open = new Set<Promise<void>>();
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(client: TridcommClient, topic: string, label: string) {
    this.#client = client;
    this.#done = this.#run(topic, label);
  }

  get flowed(): Flowed {
    return { sent: this.#sent, acknowledged: this.#acknowledged, failed: this.#failed };
  }

  /** Sends nothing more, and waits for all answers. */
  async stop(): Promise<Flowed> {
    this.#isStopped = true;
    await this.#done;
    await Promise.all(this.#open);
    return this.flowed;
  }

  async #run(topic: string, label: string): Promise<void> {
    for (let i = 0; !this.#isStopped; i++) {
      const text = `${label} ${i}`;
      this.#sent.push(text);
      const one: Promise<void> = this.#client.publish(topic, text, { durability: 'disk' }).then(
        () => void this.#acknowledged.push(text),
        (error: unknown) => void this.#failed.push(codeOf(error)),
      );
      this.#open.add(one);
      void one.then(() => this.#open.delete(one));
      await sleep(gapMs);
    }
  }
}

const gapMs = 4;
