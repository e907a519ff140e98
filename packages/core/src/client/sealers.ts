import type { StreamOptions } from '../envelope/seal.ts';
import { StreamSealer } from '../envelope/stream-sealer.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import type { OpenEpoch } from './open-epoch.ts';

/** What a stream is begun with. */
type StreamBeginning = Pick<StreamOptions, 'keySource' | 'patternKind' | 'topicTag16'>;

interface Sealer {
  readonly sealer: StreamSealer;
  readonly epoch: OpenEpoch;
}

/**
 * The streams that a member seals with the keys of epochs, one for a topic tag and epoch, and its replies, one for a pool stream and answer tag. Of very many the one that rested longest goes, and is followed by a new
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
  of(groupId: string, epoch: OpenEpoch, topicTag16: Uint8Array, patternKind: number): StreamSealer {
    const name = `${groupId}/${epoch.number}/${hexOf(topicTag16)}`;
    return this.stream(name, epoch, () => ({ keySource: epoch.keySource, patternKind, topicTag16 }));
  }

  /**
   * The stream of a name.
   *
   * @param epoch - with which it ends
   * @param begin - asked where there is none
   */
  stream(name: string, epoch: OpenEpoch, begin: () => StreamBeginning): StreamSealer {
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
    const { provider, random, keyId32: senderKeyId32 } = this.#holdings;
    const hedgeSecret32 = this.#hedgeSecret32;
    const sealer = new StreamSealer({
      provider,
      random,
      senderKeyId32,
      hedgeSecret32,
      epoch: epoch.number,
      ...begin(),
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
