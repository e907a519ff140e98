import type { PoolRecord } from '../keys/pool-record.ts';
import { PoolSealer, type PoolPattern } from '../patterns/pool-sealer.ts';
import type { Group } from './group.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';

/** A pool stream that a member seals. */
export interface PoolStream {
  readonly front: Group;
  readonly record: PoolRecord;
  readonly pattern: PoolPattern;
  readonly sealer: PoolSealer;
}

/**
 * The pool streams that a member seals: one for a topic tag and pattern, until it is over or its record is followed by another, which ends all
 * that the front has by it. Of very many the one that rested longest goes, and is followed by a new one when its topic comes again.
 *
 * @spec patterns.15
 */
export class PoolStreams {
  readonly #holdings: Holdings;
  readonly #hedgeSecret32: Uint8Array;
  readonly #onEnd: (stream: PoolStream) => void;
  readonly #most: number;
  /** The one that was used last stands last. */
  readonly #streams = new Map<string, PoolStream>();
  /** By which a front was sealed for last. */
  readonly #records = new Map<Group, PoolRecord>();

  /**
   * @param hedgeSecret32 - kept, not overwritten
   * @param onEnd - called when nothing is sealed on a stream any more, before its secrets are overwritten
   */
  constructor(
    holdings: Holdings,
    hedgeSecret32: Uint8Array,
    onEnd: (stream: PoolStream) => void,
    most: number = mostStreams,
  ) {
    this.#holdings = holdings;
    this.#hedgeSecret32 = hedgeSecret32;
    this.#onEnd = onEnd;
    this.#most = most;
  }

  /**
   * The stream for a tag.
   *
   * @param record - to seal by
   * @param onBegin - called for a stream that begins now
   * @throws TridcommError `E_KEY` for a record whose key gives no shared secret
   */
  of(
    front: Group,
    record: PoolRecord,
    topicTag16: Uint8Array,
    pattern: PoolPattern,
    nowMs: number,
    onBegin: (stream: PoolStream) => void,
  ): PoolStream {
    if (this.#records.get(front) !== record) {
      this.#endWhere((stream) => stream.front === front);
      this.#records.set(front, record);
    }
    const name = `${front.id}/${hexOf(topicTag16)}/${pattern}`;
    const held = this.#streams.get(name);
    if (held !== undefined && !held.sealer.isOver(nowMs)) {
      this.#streams.delete(name);
      this.#streams.set(name, held);
      return held;
    }
    if (held !== undefined) this.#end(name, held);
    if (this.#streams.size >= this.#most) {
      const [[oldest, rested]] = this.#streams as unknown as [[string, PoolStream]];
      this.#end(oldest, rested);
    }
    const { provider, random, keyId32 } = this.#holdings;
    const sealer = new PoolSealer(
      { provider, random, senderKeyId32: keyId32, hedgeSecret32: this.#hedgeSecret32, record, topicTag16, pattern },
      nowMs,
    );
    const stream: PoolStream = { front, record, pattern, sealer };
    this.#streams.set(name, stream);
    onBegin(stream);
    return stream;
  }

  /**
   * Ends the streams that are over, or whose record is not the one to seal by any more.
   *
   * @param isCurrent - whether it still is
   */
  tick(nowMs: number, isCurrent: (front: Group, record: PoolRecord) => boolean): void {
    this.#endWhere(({ sealer, front, record }) => sealer.isOver(nowMs) || !isCurrent(front, record));
  }

  stop(): void {
    this.#endWhere(() => true);
    this.#records.clear();
  }

  #endWhere(isOver: (stream: PoolStream) => boolean): void {
    for (const [name, stream] of this.#streams) if (isOver(stream)) this.#end(name, stream);
  }

  #end(name: string, stream: PoolStream): void {
    this.#streams.delete(name);
    this.#onEnd(stream);
    stream.sealer.erase();
  }
}

const mostStreams = 16_384;
