import { limits } from '../codepoints/limits.gen.ts';
import { forgetStreamSecrets } from '../envelope/stream-secrets.ts';
import { nameOf } from './names.ts';
import type { PoolSetup } from './pool-stream.ts';

/** Which pool stream: the pool record that it was set up by, who did, and its keyinfo as received. */
export interface PoolStreamName {
  readonly poolHash32: Uint8Array;
  readonly senderKeyId32: Uint8Array;
  readonly keyinfo: Uint8Array;
}

/**
 * The pool streams that a member of crews has decapsulated: at most 256 of a sender, of which the one unused for longest goes first.
 *
 * Only what an AEAD has opened under comes in, so who may not write pushes nothing out.
 *
 * @spec patterns.18
 */
export class PoolSetups {
  readonly #mostOfSender: number;
  /** By sender, then by pool and keyinfo; the one used last stands last. */
  readonly #senders = new Map<string, Map<string, PoolSetup>>();

  constructor(mostOfSender: number = limits.poolSetups) {
    this.#mostOfSender = mostOfSender;
  }

  /** Not to be kept: it is overwritten when it goes. */
  get(name: PoolStreamName): PoolSetup | undefined {
    const streams = this.#senders.get(nameOf(name.senderKeyId32));
    const stream = streamOf(name);
    const setup = streams?.get(stream);
    if (setup === undefined) return undefined;
    streams!.delete(stream);
    streams!.set(stream, setup);
    return setup;
  }

  /** @param setup - that nobody else holds; overwritten where the stream is held already */
  add(name: PoolStreamName, setup: PoolSetup): void {
    const sender = nameOf(name.senderKeyId32);
    const streams = this.#senders.get(sender) ?? new Map<string, PoolSetup>();
    this.#senders.set(sender, streams);
    const stream = streamOf(name);
    if (streams.has(stream)) {
      eraseSetup(setup);
      return;
    }
    streams.set(stream, setup);
    if (streams.size <= this.#mostOfSender) return;
    const [oldest] = streams;
    streams.delete(oldest![0]);
    eraseSetup(oldest![1]);
  }

  /** Overwrites those of a pool record: its epoch is closed. */
  erasePool(poolHash32: Uint8Array): void {
    const pool = nameOf(poolHash32);
    for (const [sender, streams] of this.#senders) {
      for (const [stream, setup] of streams) {
        if (!stream.startsWith(pool)) continue;
        streams.delete(stream);
        eraseSetup(setup);
      }
      if (streams.size === 0) this.#senders.delete(sender);
    }
  }
}

/** Overwrites the secrets of a pool stream. */
export function eraseSetup({ keySource, replySecret32 }: PoolSetup): void {
  forgetStreamSecrets(keySource);
  keySource.sourceSecret32.fill(0);
  replySecret32.fill(0);
}

function streamOf({ poolHash32, keyinfo }: PoolStreamName): string {
  return nameOf(poolHash32, keyinfo);
}
