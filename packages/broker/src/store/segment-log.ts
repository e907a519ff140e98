import { TridcommError, type RandomSource } from '@tridcomm/core';
import { AppendQueue } from './append-queue.ts';
import { BatchWriter } from './batch.ts';
import { blockBytes } from './checked-block.ts';
import { checkEnvelopes, checkRead, type EnvelopeLog, type StoredEnvelope } from './envelope-log.ts';
import type { LogFile, LogFiles } from './files.ts';
import type { Manifest } from './manifest.ts';
import { openStore, type OpenedStore, type Recovery } from './open-store.ts';
import { boundsOf, type Retention } from './retention.ts';
import { createSegment, withFile } from './segment-file.ts';
import { segmentName } from './segment-header.ts';
import { Reading, SegmentReader } from './segment-reader.ts';
import { Segment } from './segment.ts';

export type { Recovery };

export interface SegmentLogOptions {
  /** The folder: `nodeFiles(path)`. No other process may use it. */
  readonly files: LogFiles;
  /** Wall-clock time in ms, 0 to 2^53 − 1. */
  readonly now: () => number;
  /** Gives a new log its secret id; asked once in a log's life. */
  readonly random: RandomSource;
  /** Counted in bytes of files. Whole segments are dropped, the oldest first, and never the newest. */
  readonly retention?: Retention;
  /** What a segment grows to, 1 to 2^30; default 64 MiB. One batch always fits. */
  readonly segmentBytes?: number;
  /** What is written and synced at once, 1 to 2^26; default 2 MiB. One envelope always fits. */
  readonly batchBytes?: number;
}

/**
 * A log on disk: what the durability `disk` asks for.
 *
 * What is appended while a write is under way becomes the next batch: one write and one sync each. A write or sync that fails ends
 * the log for appends; what was durable can still be read, and a new {@link SegmentLog.open} recovers.
 *
 * @spec storage.2, storage.3, storage.8, storage.9
 */
export class SegmentLog implements EnvelopeLog {
  readonly #files: LogFiles;
  readonly #now: () => number;
  readonly #retention: Required<Retention>;
  readonly #segmentBytes: number;
  readonly #queue: AppendQueue;
  readonly #unlock: () => Promise<void>;
  readonly #logId16: Uint8Array;
  readonly #manifest: Manifest;
  readonly #segments: Segment[];
  readonly #writer: BatchWriter;
  readonly #reader: SegmentReader;
  /** What was found wrong when the log was opened. */
  readonly recovery: Recovery;
  #file: LogFile | undefined;
  #oldest: number;
  #next: number;
  #check32: Uint8Array;
  #failure: TridcommError | undefined;
  #isCommitting = false;
  /** What writes comes one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #ending: Promise<void> | undefined;

  private constructor(options: SegmentLogOptions, store: OpenedStore, unlock: () => Promise<void>) {
    this.#files = options.files;
    this.#now = options.now;
    this.#retention = boundsOf(options.retention);
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes;
    this.#queue = new AppendQueue(options.batchBytes ?? defaultBatchBytes);
    this.#unlock = unlock;
    this.#logId16 = store.logId16;
    this.#manifest = store.manifest;
    this.#segments = store.segments;
    this.#writer = new BatchWriter(store.logId16);
    this.#reader = new SegmentReader(store.logId16);
    this.recovery = store.recovery;
    this.#file = store.file;
    this.#oldest = store.oldestPosition;
    this.#next = store.nextPosition;
    this.#check32 = store.check32;
    if (store.failure !== undefined) this.#fail(store.failure);
  }

  /**
   * Opens the log of a folder, or makes one there.
   *
   * Where the folder can be read and not written, the log opens with {@link failure}.
   *
   * @throws TridcommError `E_USAGE` for an option out of range, a folder in use, or one that others may enter; `E_ENCODING` where
   *   neither the manifest nor a segment tells the log's id; `E_VERSION`; `E_TRANSPORT` where the disk does not answer
   * @spec storage.4
   */
  static async open(options: SegmentLogOptions): Promise<SegmentLog> {
    boundsOf(options.retention);
    checkRange('segmentBytes', options.segmentBytes ?? defaultSegmentBytes, maxSegmentBytes);
    checkRange('batchBytes', options.batchBytes ?? defaultBatchBytes, maxBatchBytes);
    const unlock = await options.files.lock().catch(rethrow);
    try {
      const log = new SegmentLog(options, await openStore(options.files, options.random, options.now()), unlock);
      if (log.#failure === undefined) await log.#inTurn(async () => await log.#drop());
      return log;
    } catch (error) {
      await unlock();
      return rethrow(error);
    }
  }

  get firstPosition(): number {
    return this.#oldest;
  }

  get nextPosition(): number {
    return this.#next;
  }

  /** Why nothing is acknowledged any more: `E_TRANSPORT`, with the error of the disk as its cause. */
  get failure(): TridcommError | undefined {
    return this.#failure;
  }

  async append(envelopes: readonly Uint8Array[], onTaken?: () => void): Promise<number> {
    this.#checkOpen();
    const list = checkEnvelopes(envelopes);
    if (this.#failure !== undefined) throw this.#failure;
    const appended = this.#queue.add(list, onTaken);
    if (!this.#isCommitting && !this.#queue.isEmpty) {
      this.#isCommitting = true;
      void this.#inTurn(async () => await this.#commitWaiting());
    }
    return await appended;
  }

  async read(fromPosition: number, maxBytes: number): Promise<StoredEnvelope[]> {
    this.#checkOpen();
    checkRead(fromPosition, maxBytes);
    const reading = new Reading(Math.max(fromPosition, this.#oldest), maxBytes);
    while (!reading.isFull && reading.position < this.#next) await this.#readSegment(reading).catch(rethrow);
    return reading.finish();
  }

  async trim(): Promise<void> {
    this.#checkOpen();
    await this.#inTurn(async () => await this.#drop());
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    this.#ending ??= this.#inTurn(async () => await this.#end());
    await this.#ending;
  }

  #checkOpen(): void {
    if (this.#ending !== undefined) throw new TridcommError('E_CLOSED', 'the log is closed');
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  /** Writes all that waits, batch by batch. Never rejects. */
  async #commitWaiting(): Promise<void> {
    try {
      while (!this.#queue.isEmpty && this.#failure === undefined) {
        await this.#commit(this.#queue.takeBatch(this.#next));
        this.#queue.acknowledge();
        await this.#drop();
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isCommitting = false;
  }

  /** @spec storage.8, storage.9 */
  async #commit(envelopes: readonly Uint8Array[]): Promise<void> {
    const timeMs = this.#now();
    const fields = { firstPosition: this.#next, timeMs, previous32: this.#check32 };
    const batch = this.#writer.encode(fields, envelopes);
    if (this.#isFull(batch.length, timeMs)) await this.#roll(timeMs);
    const active = this.#segments.at(-1)!;
    await this.#file!.write(batch, active.endOffset);
    await this.#file!.datasync();
    active.note(this.#next, active.endOffset);
    active.endOffset += batch.length;
    this.#check32 = this.#writer.check32;
    this.#next += envelopes.length;
  }

  /** Whether a batch goes to a new segment; one that is as old as the retention does not grow any more, so that it can be dropped. */
  #isFull(batchBytes: number, nowMs: number): boolean {
    const active = this.#segments.at(-1)!;
    if (active.endOffset === blockBytes) return false;
    return active.endOffset + batchBytes > this.#segmentBytes || nowMs - active.createdMs > this.#retention.maxAgeMs;
  }

  /** @spec storage.9, storage.10 */
  async #roll(createdMs: number): Promise<void> {
    const header = { firstPosition: this.#next, createdMs, logId16: this.#logId16, previous32: this.#check32 };
    const file = await createSegment(this.#files, header);
    const full = this.#file;
    this.#file = file;
    this.#segments.push(new Segment({ ...header, endOffset: blockBytes }));
    await full?.close();
    await this.#writeManifest(false);
  }

  /**
   * Drops whole segments for the retention. The manifest says so before a file goes, so that a power cut leaves nothing half.
   *
   * @spec storage.17
   */
  async #drop(): Promise<void> {
    if (this.#failure !== undefined) return;
    const count = this.#dropCount();
    if (count === 0) return;
    try {
      const dropped = this.#segments.splice(0, count);
      this.#oldest = this.#segments[0]!.firstPosition;
      await this.#writeManifest(false);
      for (const { firstPosition } of dropped) await this.#files.remove(segmentName(firstPosition));
      await this.#files.syncDirectory();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** How many segments the retention gives up. */
  #dropCount(): number {
    const { maxBytes, maxAgeMs } = this.#retention;
    const nowMs = this.#now();
    let total = this.#segments.reduce((sum, { endOffset }) => sum + endOffset, 0);
    let count = 0;
    for (let next = this.#segments[1]; next !== undefined; next = this.#segments[count + 1]) {
      // All of a segment is older than the one behind it.
      if (total <= maxBytes && !(nowMs - next.createdMs > maxAgeMs)) break;
      total -= this.#segments[count]!.endOffset;
      count++;
    }
    return count;
  }

  async #writeManifest(isClosed: boolean): Promise<void> {
    await this.#manifest.write({
      logId16: this.#logId16,
      oldestPosition: this.#oldest,
      newestSegment: this.#segments.at(-1)!.firstPosition,
      floorPosition: this.#next,
      isClosed,
    });
  }

  /**
   * Ends all appends, those that wait first. A sync that failed is not tried again: the system may have thrown away what it could
   * not write, and would say that all is well.
   *
   * @spec storage.16
   */
  #fail(cause: unknown): void {
    this.#failure ??= diskError(cause);
    this.#queue.fail(this.#failure);
  }

  async #readSegment(reading: Reading): Promise<void> {
    const segments = this.#segments;
    let at = segments.length - 1;
    while (at >= 0 && segments[at]!.firstPosition > reading.position) at--;
    const segment = segments[at];
    const next = segments[at + 1];
    if (segment === undefined) {
      reading.meetDamage(next?.firstPosition ?? this.#next);
      return;
    }
    const end =
      next === undefined
        ? { offset: segment.endOffset, position: this.#next, check32: this.#check32 }
        : { offset: segment.endOffset, position: next.firstPosition, check32: next.previous32 };
    try {
      await withFile(this.#files, segment.firstPosition, async (file) => {
        await this.#reader.read(reading, segment, file, end);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Dropped while this read was under way, or taken away by somebody else.
      if (reading.position >= this.#oldest) reading.meetDamage(end.position);
      else if (reading.isEmpty) reading.position = this.#oldest;
      else reading.isFull = true;
    }
  }

  async #end(): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#writeManifest(true);
    } catch (error) {
      this.#fail(error);
      throw this.#failure;
    } finally {
      await this.#file?.close();
      await this.#manifest.close();
      await this.#unlock();
    }
  }
}

function checkRange(name: string, value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > max) {
    throw new TridcommError('E_USAGE', `${name} ${value}, not an integer from 1 to ${max}`);
  }
}

/** Our own errors as they are, others by {@link diskError}. */
function rethrow(error: unknown): never {
  throw error instanceof TridcommError ? error : diskError(error);
}

/** Errors of system calls as `E_TRANSPORT`; what else is thrown is a mistake of this code. */
function diskError(cause: unknown): TridcommError {
  const { code, syscall } = cause as NodeJS.ErrnoException;
  if (syscall === undefined) return new TridcommError('E_INTERNAL', undefined, { cause });
  return new TridcommError('E_TRANSPORT', `the disk answers a ${syscall} of the log with ${code}`, { cause });
}

const defaultSegmentBytes = 67_108_864;
const maxSegmentBytes = 2 ** 30;
const defaultBatchBytes = 2_097_152;
const maxBatchBytes = 2 ** 26;
