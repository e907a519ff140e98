import { closeSync, existsSync, fsyncSync, lstatSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MemoryStore, TridcommError, type ClientStore } from '@tridcomm/core';
import { StoreError } from './fs-error.ts';
import { ProcessLock } from './process-lock.ts';
import { checkPrivate, StoreFile } from './store-file.ts';

/**
 * A directory that a durable member writes to: each value is on the disk when `put` returns, also through a loss of power.
 *
 * It holds secrets in the clear, so the directory has to be its user's own, without rights for anybody else (0700), and one process at a
 * time has it. A crash costs at most the write that it interrupted.
 *
 * @example
 * const store = FileStore.open('/var/lib/orders/identity');
 */
export class FileStore implements ClientStore {
  readonly directory: string;
  readonly #lock: ProcessLock;
  readonly #values: Map<string, Uint8Array>;
  #file: StoreFile;
  /** What a file with these values and nothing else would take. */
  #liveBytes = 0;
  /** How long the file has to be before it is compacted. */
  #compactAboveBytes = leastCompactedBytes;

  private constructor(directory: string, lock: ProcessLock) {
    this.directory = directory;
    this.#lock = lock;
    this.#values = new Map();
    const path = join(directory, fileName);
    // What a compaction left that did not come to its end.
    rmSync(`${path}.new`, { recursive: true, force: true });
    if (existsSync(path)) {
      this.#file = StoreFile.open(path, ({ name, value }) => this.#take(name, value));
    } else {
      this.#file = StoreFile.create(`${path}.new`);
      renameSync(`${path}.new`, path);
      syncDirectory(directory);
    }
  }

  /**
   * Opens the store in a directory, which is made where there is none.
   *
   * @throws TridcommError `E_USAGE` for a directory or file that others may get at, and for one that is in use; `E_VERSION` for one of another
   *   version; `E_ENCODING` for one that is damaged
   */
  static open(directory: string): FileStore {
    const path = resolve(directory);
    if (mkdirSync(path, { recursive: true, mode: 0o700 }) !== undefined) syncDirectory(dirname(path));
    const stat = lstatSync(path);
    checkPrivate(path, stat.isDirectory(), stat);
    const lock = new ProcessLock(path);
    try {
      return new FileStore(path, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * What a directory holds, for somebody who only looks: also while a process uses it.
   *
   * @returns a copy in memory
   * @throws TridcommError as {@link open}; `E_USAGE` where there is no store
   */
  static look(directory: string): ClientStore {
    const path = join(resolve(directory), fileName);
    if (!existsSync(path)) throw new TridcommError('E_USAGE', `there is no identity in ${directory}`);
    const found = new MemoryStore();
    StoreFile.read(path, ({ name, value }) => {
      if (value === undefined) found.delete(name);
      else found.put(name, value);
    });
    return found;
  }

  /** Not to be changed by the caller. */
  get(name: string): Uint8Array | undefined {
    return this.#values.get(name);
  }

  /**
   * @param value - up to 16 MiB; copied
   * @throws StoreError where the disk did not take it: nothing has changed then, or nothing is taken any more. TridcommError `E_LIMIT`
   */
  put(name: string, value: Uint8Array): void {
    const held = this.#values.get(name);
    if (held !== undefined && Buffer.compare(held, value) === 0) return;
    this.#write(name, Uint8Array.from(value));
  }

  /** @throws as {@link put} */
  delete(name: string): void {
    if (this.#values.has(name)) this.#write(name, undefined);
  }

  /** As they are when it is called. */
  entries(prefix: string): [string, Uint8Array][] {
    return [...this.#values].filter(([name]) => name.startsWith(prefix));
  }

  /** Lets another process have the directory. What is held can still be read. */
  close(): void {
    this.#file.close();
    this.#lock.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write(name: string, value: Uint8Array | undefined): void {
    if (this.#file.isOpen && !this.#lock.isHeld())
      throw new StoreError(`${this.directory} was taken over by another process`);
    this.#file.append(name, value);
    this.#take(name, value);
    const { lengthBytes } = this.#file;
    if (lengthBytes > this.#compactAboveBytes && lengthBytes > 4 * this.#liveBytes) this.#compact();
  }

  #take(name: string, value: Uint8Array | undefined): void {
    const held = this.#values.get(name);
    if (held !== undefined) this.#liveBytes -= sizeOf(name, held);
    if (value === undefined) this.#values.delete(name);
    else {
      this.#values.set(name, value);
      this.#liveBytes += sizeOf(name, value);
    }
  }

  /** Writes what is held to a new file, which takes the place of the old one at once or not at all. */
  #compact(): void {
    const path = join(this.directory, fileName);
    let fresh: StoreFile | undefined;
    try {
      rmSync(`${path}.new`, { force: true });
      fresh = StoreFile.create(`${path}.new`);
      for (const [name, value] of this.#values) fresh.append(name, value, false);
      fresh.sync();
      renameSync(`${path}.new`, path);
    } catch {
      // A full disk, say. The old file has everything and is only longer than it need be: there is time until it is twice as long.
      fresh?.close();
      this.#compactAboveBytes = 2 * this.#file.lengthBytes;
      return;
    }
    this.#file.close();
    this.#file = fresh;
    this.#compactAboveBytes = leastCompactedBytes;
    try {
      syncDirectory(this.directory);
    } catch (error) {
      // The old file may come back with the power, and would lack what is written from now on.
      fresh.fail(error);
    }
  }
}

function syncDirectory(path: string): void {
  // Windows opens no directories.
  if (process.platform === 'win32') return;
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Roughly what a value takes in the file. */
function sizeOf(name: string, value: Uint8Array): number {
  return 13 + name.length + value.length;
}

const fileName = 'store';
const leastCompactedBytes = 1024 * 1024;
