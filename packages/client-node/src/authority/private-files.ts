import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { StoreError } from '../store/fs-error.ts';

/**
 * Makes a directory for secrets, or takes one that is there and is private.
 *
 * @throws TridcommError `E_USAGE` where it cannot be made, or others may enter it
 */
export function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError(error, `directory ${path}`);
  }
  checkPrivateDirectory(path);
}

/** @throws TridcommError `E_USAGE` for what is no directory, is another user's, or may be entered by others */
export function checkPrivateDirectory(path: string): void {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (error) {
    throw fileError(error, `directory ${path}`);
  }
  if (!stats.isDirectory()) throw new TridcommError('E_USAGE', `${path} is no directory`);
  checkPrivate(stats, path, '700');
}

/**
 * All bytes of a file that only its owner may read.
 *
 * @throws TridcommError `E_USAGE` where it cannot be read, is another user's, or others may read or write it; `E_LIMIT` for one that is too
 * large
 */
export function readPrivateFile(path: string, mostBytes: number): Uint8Array {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY);
  } catch (error) {
    throw fileError(error, path);
  }
  try {
    // Of what was opened, not of what stands under the name now.
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new TridcommError('E_USAGE', `${path} is no file`);
    checkPrivate(stats, path, '600');
    if (stats.size > mostBytes) throw new TridcommError('E_LIMIT', `${path} of ${stats.size} bytes`);
    return new Uint8Array(readFileSync(file));
  } finally {
    closeSync(file);
  }
}

/**
 * Puts a file in the place of another, or where none was: after a crash there is the one or the other, whole. Only its owner may read it.
 *
 * Whoever calls it is the only one who writes this file.
 *
 * @throws StoreError where the disk does not take it; the file before is still there
 */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const next = `${path}.new`;
  try {
    // What a crash left: made anew, so that its mode is ours.
    rmSync(next, { force: true });
    const file = openSync(next, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeAll(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, path);
    syncDirectory(dirname(path));
  } catch (error) {
    throw writeError(error, path);
  }
}

/** Makes a rename or a new file outlive a crash. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Writes every byte at the end of a file. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

/** What a caller hears of a file that it named and that is not as it should be. */
export function fileError(error: unknown, what: string): TridcommError {
  return new TridcommError('E_USAGE', `${what} cannot be used${systemCode(error)}`, { cause: error });
}

/** What a caller hears when the disk does not take something. */
export function writeError(error: unknown, path: string): StoreError {
  return new StoreError(`${path} could not be written${systemCode(error)}`, { cause: error });
}

/** The name of what the system refused, as `: ENOENT`. */
function systemCode(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? `: ${code}` : '';
}

function checkPrivate({ mode, uid }: Stats, path: string, wanted: string): void {
  if ((mode & 0o077) !== 0) {
    const found = (mode & 0o777).toString(8);
    throw new TridcommError('E_USAGE', `${path} is open to others (mode ${found}): chmod ${wanted} ${path}`);
  }
  const own = process.geteuid?.();
  if (own !== undefined && uid !== own) throw new TridcommError('E_USAGE', `${path} belongs to another user`);
}
