import { decodeBatchHeader, type BatchHeader } from './batch.ts';
import { blockBytes } from './checked-block.ts';
import type { FileWindow } from './file-window.ts';

/** Where a batch may start. */
export interface Place {
  readonly offset: number;
  /** Of the first envelope that may stand there. */
  readonly position: number;
  /** Check of the batch before; undefined where it is not known. */
  readonly check32: Uint8Array | undefined;
}

/** A batch with a sound header. */
export interface WalkedBatch extends BatchHeader {
  /** Of its header. */
  readonly offset: number;
  readonly endOffset: number;
  /** Whether it is the one that was written behind the batch before it, and before what comes behind it. */
  readonly isLinked: boolean;
}

/**
 * Goes through a segment from batch to batch by their headers. What is damaged it passes over, to the next header that this log
 * wrote: nobody else knows the log's id, so no publisher can put one into an envelope.
 *
 * {@link place} is behind the last batch. The next one stands there if nothing is damaged; what its position skips is lost.
 *
 * @spec storage.6, storage.9
 */
export class BatchWalk {
  readonly #window: FileWindow;
  readonly #logId16: Uint8Array;
  readonly #end: Place;
  #place: Place;

  /** @param end - batches end there, and have positions below its own */
  constructor(window: FileWindow, logId16: Uint8Array, start: Place, end: Place) {
    this.#window = window;
    this.#logId16 = logId16;
    this.#place = start;
    this.#end = end;
  }

  get place(): Place {
    return this.#place;
  }

  /** The next batch; undefined where none comes, and then {@link place} stays. */
  async next(): Promise<WalkedBatch | undefined> {
    const { position, check32 } = this.#place;
    for (let offset = this.#place.offset; offset < this.#end.offset;) {
      const header = decodeBatchHeader(this.#logId16, await this.#window.bytes(offset, blockBytes));
      const endOffset = offset + blockBytes + (header?.bodyBytes ?? 0);
      const isHere =
        header !== undefined &&
        header.firstPosition >= position &&
        header.nextPosition <= this.#end.position &&
        endOffset <= this.#end.offset;
      if (isHere) {
        const isNext = header.firstPosition === position && check32 !== undefined;
        const isLast = header.nextPosition === this.#end.position && this.#end.check32 !== undefined;
        const isLinked =
          (!isNext || header.previous32.equals(check32)) && (!isLast || header.check32.equals(this.#end.check32!));
        this.#place = { offset: endOffset, position: header.nextPosition, check32: header.check32 };
        return { ...header, offset, endOffset, isLinked };
      }
      offset = await this.#window.find(this.#logId16.subarray(0, 8), offset + 8, this.#end.offset);
    }
    return undefined;
  }
}
