import { TridcommError } from '@tridcomm/core';
import { StoreError } from '../store/fs-error.ts';
import { CommitQueue } from './commit-queue.ts';
import { nodeEffectFiles, type EffectFiles } from './effect-files.ts';
import { EffectLog } from './effect-log.ts';
import type { EffectMap } from './effect-map.ts';
import { effectTerms, type EffectOptions } from './effect-options.ts';
import type { EffectItem } from './effect-record.ts';
import type { Begun, EffectRun, EffectStore, EffectWork } from './effect-store.ts';
import { EffectTable, type EffectBatch } from './effect-table.ts';

/**
 * Remembers on the disk what was done: the effect-once store of a pool whose workers are in one process.
 *
 * A handler writes its effect to a small map, and the entry of its key goes to the disk with it, at once or not at all; nothing is
 * acknowledged before. Values and results stand there in the clear: the directory has to be its user's own (0700), and one process at a time has
 * it. Leases are in memory: after a crash every work that was not committed is done anew.
 *
 * A store that is gone is begun anew, and does not know what it did: what was sealed up to 30 s after is refused with `E_TOO_OLD`, as a
 * receiver without memory does (replay.25), and then it works. What a requester seals anew with a key of before the loss is done once more.
 * A store that came back from a backup does not notice: move it away instead.
 */
export class FileEffectStore implements EffectStore<EffectMap> {
  readonly #files: EffectFiles;
  readonly #lock: Awaited<ReturnType<EffectFiles['lock']>>;
  readonly #table: EffectTable;
  readonly #queue: CommitQueue;
  #log: EffectLog;
  #compactAboveBytes = leastCompactedBytes;
  #isClosed = false;

  private constructor(
    files: EffectFiles,
    lock: Awaited<ReturnType<EffectFiles['lock']>>,
    table: EffectTable,
    log: EffectLog,
  ) {
    this.#files = files;
    this.#lock = lock;
    this.#table = table;
    this.#log = log;
    this.#queue = new CommitQueue(
      table,
      async (batch) => await this.#write(batch),
      async () => await this.#compactWhereLong(),
    );
  }

  /**
   * Opens the store in a directory, which is made where there is none.
   *
   * @throws TridcommError `E_USAGE` for options, for a directory or file that others may get at, and for one that is in use; `E_VERSION` for one
   *   of another version; `E_ENCODING` for one that is damaged; StoreError where the disk does not work
   */
  static async open(directory: string, options: EffectOptions = {}): Promise<FileEffectStore> {
    return await FileEffectStore.openOn(nodeEffectFiles(directory), options);
  }

  /** The same on another file system. */
  static async openOn(files: EffectFiles, options: EffectOptions = {}): Promise<FileEffectStore> {
    const terms = effectTerms(options);
    const table = new EffectTable(terms);
    const lock = await typed(files.lock());
    try {
      await typed(files.remove(freshName));
      const log =
        (await typed(EffectLog.open(files, fileName, (item) => restore(table, item)))) ??
        (await typed(createLog(files, terms.bornMs)));
      table.memory.goOn({ bornMs: log.bornMs });
      return new FileEffectStore(files, lock, table, log);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * @throws TridcommError (rejects) `E_FORK` for a key that came with something else; `E_TOO_OLD` where a store that was lost may have done it;
   *   `E_EXPIRED` for a deadline that is over, or up to which keys are forgotten; {@link RetentionError} for a deadline beyond the retention; `E_LIMIT`
   *   where it is full; `E_USAGE`. StoreError where nothing can be stored any more: what was done is answered all the same
   */
  async begin(work: EffectWork, leaseMs: number, nowMs: number): Promise<Begun<EffectMap>> {
    if (this.#isClosed) throw new StoreError('effect store was closed');
    const begun = this.#table.begin(work, leaseMs, nowMs);
    if (begun.status === 'run') {
      try {
        this.#log.requireSound();
      } catch (error) {
        this.#table.abandon(begun.run);
        throw error;
      }
    }
    return begun;
  }

  /** On the disk when it resolves, also through a loss of power. @throws as {@link EffectStore.commit} */
  async commit(run: EffectRun<EffectMap>, result: Uint8Array): Promise<void> {
    await this.#queue.commit(this.#table.claim(run), Uint8Array.from(result));
  }

  async abandon(run: EffectRun<EffectMap>): Promise<void> {
    this.#table.abandon(run);
  }

  /** Waits for the commits that are under way, and lets another process have the directory. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#queue.drain();
    this.#log.fail(new Error('closed'));
    this.#lock.release();
    await typed(this.#log.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #write({ changes }: EffectBatch): Promise<void> {
    this.#log.requireSound();
    if (!this.#lock.isHeld()) {
      const error = new StoreError('the effect store was taken over by another process');
      this.#log.fail(error);
      throw error;
    }
    const items = changes.flatMap(({ settled, writes }): EffectItem[] => [
      { kind: 'settled', settled },
      ...[...writes].map(([name, value]): EffectItem => ({ kind: 'value', name, value })),
    ]);
    await this.#log.append(items);
    await this.#log.sync();
  }

  /** Writes what is known to a new file, which takes the place of the old one at once or not at all. */
  async #compactWhereLong(): Promise<void> {
    const { lengthBytes } = this.#log;
    if (lengthBytes <= this.#compactAboveBytes || lengthBytes <= 2 * this.#table.bytes) return;
    let fresh: EffectLog | undefined;
    try {
      fresh = await EffectLog.create(this.#files, freshName, this.#log.bornMs);
      for (const items of inRecords(this.#table)) await fresh.append(items);
      await fresh.sync();
      await this.#files.rename(freshName, fileName);
    } catch {
      // A full disk, say. The old file has everything and is only longer than it need be: there is time until it is twice as long.
      await fresh?.close().catch(() => undefined);
      await this.#files.remove(freshName).catch(() => undefined);
      this.#compactAboveBytes = 2 * lengthBytes;
      return;
    }
    await this.#log.close().catch(() => undefined);
    this.#log = fresh;
    this.#compactAboveBytes = leastCompactedBytes;
    // The old file may come back with the power, and would lack what is written from now on.
    await this.#files.syncDirectory().catch((error: unknown) => fresh.fail(error));
  }
}

/** A first file, which is there with its head or not at all. */
async function createLog(files: EffectFiles, bornMs: number): Promise<EffectLog> {
  const log = await EffectLog.create(files, freshName, bornMs);
  try {
    await log.sync();
    await files.rename(freshName, fileName);
    await files.syncDirectory();
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}

function restore(table: EffectTable, item: EffectItem): void {
  if (item.kind === 'settled') table.memory.add(item.settled);
  else if (item.kind === 'value') table.write(item.name, item.value);
  else table.memory.goOn({ forgottenMs: item.deadlineMs });
}

/** All that a table knows, in records of a bounded size. */
function* inRecords(table: EffectTable): Generator<EffectItem[], void, undefined> {
  let items: EffectItem[] = [];
  let bytes = 0;
  for (const item of itemsOf(table)) {
    items.push(item);
    bytes += item.kind === 'settled' ? item.settled.result.length : item.kind === 'value' ? item.value!.length : 0;
    if (bytes < mostRecordBytes && items.length < mostRecordItems) continue;
    yield items;
    items = [];
    bytes = 0;
  }
  if (items.length > 0) yield items;
}

function* itemsOf(table: EffectTable): Generator<EffectItem, void, undefined> {
  for (const [name, value] of table.values) yield { kind: 'value', name, value };
  for (const settled of table.memory.all) yield { kind: 'settled', settled };
  // Last, for works may be forgotten while the others are written.
  yield { kind: 'forgotten', deadlineMs: table.memory.forgottenMs };
}

/** What the file system rejects with, as a StoreError. */
async function typed<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof TridcommError || error instanceof StoreError) throw error;
    throw new StoreError('effects cannot be read or written', { cause: error });
  }
}

const fileName = 'effects';
const freshName = 'effects.new';
const leastCompactedBytes = 1024 * 1024;
const mostRecordBytes = 1024 * 1024;
const mostRecordItems = 4_096;
