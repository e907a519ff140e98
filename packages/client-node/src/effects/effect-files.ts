import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { isFsError } from '../store/fs-error.ts';
import { ProcessLock } from '../store/process-lock.ts';
import { checkPrivate } from '../store/store-file.ts';

/** An open file. Offsets and lengths in bytes; what a method rejects with has the `code` of a Node system error. */
export interface EffectFile {
  /** All of it; the caller's. */
  read(): Promise<Buffer>;
  /** Writes all of the bytes, or rejects; then any part of them may have been written. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** What was written, and the size, outlives a loss of power when this resolves. */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/** What a {@link FileEffectStore} asks of a file system: the files of one directory, by plain names. A test gives it a disk that fails. */
export interface EffectFiles {
  /**
   * Makes the directory where there is none, and keeps other processes out of it.
   *
   * @throws TridcommError `E_USAGE` where another one is in it, or others may get at it
   */
  lock(): Promise<Pick<ProcessLock, 'isHeld' | 'release'>>;
  /** @returns undefined where there is no such file. @throws TridcommError `E_USAGE` where others may get at it */
  open(name: string): Promise<EffectFile | undefined>;
  /** An empty file; there must be none. */
  create(name: string): Promise<EffectFile>;
  /** Does nothing where there is no such file. */
  remove(name: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Which files there are outlives a loss of power when this resolves. */
  syncDirectory(): Promise<void>;
}

/** A directory of the file system: 0700, its files 0600. */
export function nodeEffectFiles(directory: string): EffectFiles {
  const path = resolve(directory);
  return {
    lock: async () => {
      if ((await mkdir(path, { recursive: true, mode: 0o700 })) !== undefined) await syncDirectory(dirname(path));
      const stat = await lstat(path);
      checkPrivate(path, stat.isDirectory(), stat);
      return new ProcessLock(path);
    },
    open: async (name) => await openFile(join(path, name)),
    create: async (name) => {
      const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | noFollow;
      return new NodeFile(await open(join(path, name), flags, 0o600));
    },
    remove: async (name) => await rm(join(path, name), { force: true }),
    rename: async (from, to) => await rename(join(path, from), join(path, to)),
    syncDirectory: async () => await syncDirectory(path),
  };
}

class NodeFile implements EffectFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(): Promise<Buffer> {
    const { size } = await this.#handle.stat();
    const bytes = Buffer.alloc(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await this.#handle.read(bytes, at, size - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, offset + at);
      at += bytesWritten;
    }
  }

  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function openFile(path: string): Promise<EffectFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDWR | noFollow);
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return undefined;
    if (!isFsError(error, 'ELOOP')) throw error;
    throw new TridcommError('E_USAGE', `${path} is a symbolic link: name the file itself`);
  }
  try {
    const stat = await handle.stat();
    checkPrivate(path, stat.isFile(), stat);
    return new NodeFile(handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const noFollow: number = constants.O_NOFOLLOW ?? 0;
