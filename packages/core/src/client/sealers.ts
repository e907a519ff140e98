import { StreamSealer } from '../envelope/stream-sealer.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import type { OpenEpoch } from './open-epoch.ts';

interface Sealer {
  readonly sealer: StreamSealer;
  readonly epoch: OpenEpoch;
}

/**
 * The streams that a member seals, one for a topic tag and epoch. Of very many the one that rested longest goes, and is followed by a new
 * one when its topic comes again.
 */
export class Sealers {
  readonly #holdings: Holdings;
  readonly #hedgeSecret32: Uint8Array;
  readonly #most: number;
  /** The one that was used last stands last. */
  readonly #sealers = new Map<string, Sealer>();

  /** @param hedgeSecret32 - kept, and overwritten by {@link stop} */
  constructor(holdings: Holdings, hedgeSecret32: Uint8Array, most: number = mostSealers) {
    this.#holdings = holdings;
    this.#hedgeSecret32 = hedgeSecret32;
    this.#most = most;
  }

  /**
   * The stream for a tag in an epoch of a group.
   *
   * @param patternKind - the one that the purpose of the group has
   */
  of(groupId: string, epoch: OpenEpoch, tag16: Uint8Array, patternKind: number): StreamSealer {
    const name = `${groupId}/${epoch.number}/${hexOf(tag16)}`;
    const held = this.#sealers.get(name);
    if (held !== undefined) {
      this.#sealers.delete(name);
      this.#sealers.set(name, held);
      return held.sealer;
    }
    if (this.#sealers.size >= this.#most) {
      const [oldest] = this.#sealers.keys();
      this.#erase(oldest!);
    }
    const { provider, random, keyId32 } = this.#holdings;
    const sealer = new StreamSealer({
      provider,
      random,
      keySource: epoch.keySource,
      senderKeyId32: keyId32,
      hedgeSecret32: this.#hedgeSecret32,
      patternKind,
      topicTag16: tag16,
      epoch: epoch.number,
    });
    this.#sealers.set(name, { sealer, epoch });
    return sealer;
  }

  /** Erases the streams of epochs that are not open any more. */
  eraseClosed(): void {
    for (const [name, { epoch }] of this.#sealers) if (!epoch.isOpen) this.#erase(name);
  }

  /** Erases all, and the secret that hedges them. */
  stop(): void {
    for (const name of this.#sealers.keys()) this.#erase(name);
    this.#hedgeSecret32.fill(0);
  }

  #erase(name: string): void {
    this.#sealers.get(name)?.sealer.erase();
    this.#sealers.delete(name);
  }
}

const mostSealers = 16_384;
