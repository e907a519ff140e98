import { BatchWalk, type Place, type WalkedBatch } from './batch-walk.ts';
import { decodeBatchHeader, decodeBody } from './batch.ts';
import { blockBytes } from './checked-block.ts';
import { DamagedError, type StoredEnvelope } from './envelope-log.ts';
import { FileWindow } from './file-window.ts';
import type { LogFile } from './files.ts';
import type { Segment } from './segment.ts';

/** A body that was verified. */
interface Body {
  readonly check32: Buffer;
  readonly bytes: Buffer;
  readonly ends: Uint32Array;
}

/**
 * The result of one read, filled segment by segment.
 *
 * @spec storage.14, storage.15
 */
export class Reading {
  /** What is to be read next. */
  position: number;
  #room: number;
  /** Its room is used up, or it met something damaged behind what it has. */
  isFull = false;
  readonly #taken: { readonly position: number; readonly view: Buffer }[] = [];
  #bytes = 0;

  constructor(fromPosition: number, maxBytes: number) {
    this.position = fromPosition;
    this.#room = maxBytes;
  }

  /** Whether nothing was taken yet. */
  get isEmpty(): boolean {
    return this.#taken.length === 0;
  }

  /** Takes what fits of a batch that holds {@link position}. */
  take(firstPosition: number, { bytes, ends }: Body): void {
    for (let i = this.position - firstPosition; i < ends.length; i++) {
      const view = bytes.subarray((ends[i - 1] ?? 0) + 4, ends[i]);
      this.#room -= view.length;
      if (this.#room < 0 && !this.isEmpty) {
        this.isFull = true;
        return;
      }
      this.#taken.push({ position: this.position, view });
      this.#bytes += view.length;
      this.position++;
    }
  }

  /** Ends here for what is damaged up to a position. @throws {@link DamagedError} where nothing was taken */
  meetDamage(toPosition: number): void {
    if (this.isEmpty) throw new DamagedError(this.position, toPosition);
    this.isFull = true;
  }

  /** All that was taken, in one buffer of its own. */
  finish(): StoredEnvelope[] {
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    return this.#taken.map(({ position, view }) => {
      const bytes = all.subarray(at, at + view.length);
      bytes.set(view);
      at += view.length;
      return { position, bytes };
    });
  }
}

/** Reads batches, verifies each whole, and keeps the few of which a part is still to be read. */
export class SegmentReader {
  readonly #logId16: Uint8Array;
  readonly #recent = new Map<number, Body>();

  constructor(logId16: Uint8Array) {
    this.#logId16 = logId16;
  }

  /**
   * Fills a reading from one segment, which holds its position.
   *
   * @param end - of the segment: where it ends, the position behind it, and the check that its last batch must have
   * @throws {@link DamagedError} where nothing was taken; what `file` rejects with
   */
  async read(reading: Reading, segment: Segment, file: LogFile, end: Place): Promise<void> {
    const window = new FileWindow(file);
    const walk = new BatchWalk(window, this.#logId16, segment.placeBefore(reading.position), end);
    while (!reading.isFull && reading.position < end.position) {
      const batch = await walk.next();
      if (batch !== undefined) segment.note(batch.firstPosition, batch.offset);
      if (batch === undefined) reading.meetDamage(end.position);
      else if (batch.firstPosition > reading.position) reading.meetDamage(batch.firstPosition);
      else if (batch.nextPosition > reading.position) await this.#readBatch(reading, window, batch);
    }
  }

  async #readBatch(reading: Reading, window: FileWindow, batch: WalkedBatch): Promise<void> {
    const body = batch.isLinked ? await this.#bodyOf(window, batch) : undefined;
    if (body === undefined) {
      reading.meetDamage(batch.nextPosition);
      return;
    }
    reading.take(batch.firstPosition, body);
    this.#recent.delete(batch.firstPosition);
    if (reading.position < batch.nextPosition) this.#recent.set(batch.firstPosition, body);
    if (this.#recent.size > recentBatches) this.#recent.delete(this.#recent.keys().next().value!);
  }

  /** The body of a batch, with the header behind it: one that was written behind another batch says that this one is foreign. */
  async #bodyOf(window: FileWindow, batch: WalkedBatch): Promise<Body | undefined> {
    const recent = this.#recent.get(batch.firstPosition);
    if (recent?.check32.equals(batch.check32)) return recent;
    const rest = await window.bytes(batch.offset + blockBytes, batch.bodyBytes + blockBytes);
    const bytes = rest.subarray(0, batch.bodyBytes);
    const follower = decodeBatchHeader(this.#logId16, rest.subarray(batch.bodyBytes));
    const isNext = follower?.firstPosition === batch.nextPosition;
    if (isNext && !follower.previous32.equals(batch.check32)) return undefined;
    const ends = decodeBody(batch, bytes);
    return ends && { check32: batch.check32, bytes, ends };
  }
}

const recentBatches = 4;
