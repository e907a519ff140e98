import { constants, mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import type { LogFile, LogFiles } from './files.ts';
import { lockFolder } from './node-lock.ts';

/**
 * A folder of the file system, for {@link SegmentLog}: 0700, its files 0600. It is made when it is locked; the folder that it stands
 * in must be there.
 *
 * @spec storage.4
 */
export function nodeFiles(folder: string): LogFiles {
  const path = resolve(folder);
  return {
    lock: async () => {
      await makeFolder(path);
      return await lockFolder(path);
    },
    list: async () => await readdir(path),
    open: async (name, mode) => new NodeFile(await open(join(path, name), flagsOf[mode], 0o600)),
    remove: async (name) => await rm(join(path, name)),
    syncDirectory: async () => await syncFolder(path),
  };
}

class NodeFile implements LogFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written, offset + written);
      written += bytesWritten;
    }
  }

  async datasync(): Promise<void> {
    await this.#handle.datasync();
  }

  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new TridcommError('E_USAGE', `folder of the log with mode ${(mode & 0o777).toString(8)}, not 700`);
  }
  // Its entry must outlive a power cut before anything inside is acknowledged, also where an earlier life made it and died.
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const flagsOf = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};
