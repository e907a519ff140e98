import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootId, processStart } from '@tridcomm/client-node/internal';
import { TridcommError } from '@tridcomm/core';

/**
 * Keeps other processes out of a folder that all of them lock this way.
 *
 * Each puts a file there that names it, and only then looks for those of others: of two at once at least one sees the other and
 * gives up. The file of a process that is no more is removed. A process is known by its number and, where `/proc` tells it, by the
 * time of its start, so a number that is in use again does not hold a lock for ever. Processes that do not see each other, in
 * containers that share a folder for one, are not kept apart.
 *
 * @returns what removes the file
 * @throws TridcommError `E_USAGE` where another process, or another log of this one, is in the folder
 * @spec storage.4
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const own = `lock-${process.pid}-${startOf(process.pid)}`;
  const path = join(folder, own);
  await writeFile(path, '', { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? inUse(process.pid) : error;
  });
  try {
    for (const name of await readdir(folder)) {
      const [, pid = '', start] = /^lock-(\d+)-(\w+)$/.exec(name) ?? [];
      if (name === own || start === undefined) continue;
      if (startOf(Number(pid)) === start) throw inUse(Number(pid));
      await rm(join(folder, name), { force: true });
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return async () => await rm(path, { force: true });
}

/** When a process started, in a form that differs for each; `none` for one that is no more. */
function startOf(pid: number): string {
  const start = processStart(pid);
  if (start === undefined) return 'none';
  return start === '' ? 'some' : `${bootId().slice(0, 8)}t${start}`;
}

function inUse(pid: number): TridcommError {
  return new TridcommError('E_USAGE', `the log is in use by process ${pid}`);
}
