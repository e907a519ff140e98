import { chmodSync, linkSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { isFsError } from '../store/fs-error.ts';
import { checkPrivateDirectory, fileError } from './private-files.ts';

/** A socket that is listened on. */
export interface PrivateSocket {
  readonly path: string;
  /** Whether the path is still this socket's. */
  isOwn(): boolean;
  /** Ends listening, and removes the path where it is still this socket's. */
  close(): Promise<void>;
}

/**
 * Listens on a Unix socket that only this user may open, unless a process that lives does already. A socket that a process left behind when it
 * was killed is taken over.
 *
 * @throws TridcommError `E_USAGE` for a directory that others may enter, a path that is too long or no socket, and one that a process listens on
 */
export async function listenPrivately(server: Server, path: string): Promise<PrivateSocket> {
  checkSocketPath(path);
  checkPrivateDirectory(dirname(path));
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    if (await listen(server, path)) {
      const inode = inodeOf(path);
      const isOwn = () => inodeOf(path) === inode;
      return { path, isOwn, close: () => close(server, isOwn) };
    }
    if (await isAnswered(path)) break;
    await clearAway(path);
  }
  throw new TridcommError('E_USAGE', `${path} is in use: another process has it`);
}

/** @throws TridcommError `E_USAGE` for a path that the system would cut off */
export function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) > mostPathBytes) {
    throw new TridcommError('E_USAGE', `path of a socket longer than ${mostPathBytes} bytes: ${path}`);
  }
}

/** Whether somebody listens at a path; also where it cannot be told. */
export async function isAnswered(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    // A process that stands still refuses nobody, but its queue may be full.
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

/** False where the path is taken. */
async function listen(server: Server, path: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(fileError(error, `socket ${path}`));
    };
    server.once('error', onError);
    server.listen(path, () => {
      server.off('error', onError);
      // Until here it was the directory that let nobody else in.
      chmodSync(path, 0o600);
      resolve(true);
    });
  });
}

/** Removes a socket that nobody listens on. Who took the path in the meantime gets it back. */
async function clearAway(path: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    if (!lstatSync(path).isSocket()) throw new TridcommError('E_USAGE', `${path} is there and is no socket`);
    renameSync(path, aside);
    if (await isAnswered(aside)) linkSync(aside, path);
  } catch (error) {
    if (error instanceof TridcommError) throw error;
    // Somebody else cleared it away, or took it: the next attempt sees.
    if (!isFsError(error, 'ENOENT') && !isFsError(error, 'EEXIST')) throw fileError(error, `socket ${path}`);
  } finally {
    rmSync(aside, { force: true });
  }
}

async function close(server: Server, isOwn: () => boolean): Promise<void> {
  if (!isOwn()) {
    // Closing removes the path, which is somebody else's by now.
    server.unref();
    return;
  }
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}

function inodeOf(path: string): number | undefined {
  const inode = lstatSync(path, { throwIfNoEntry: false })?.ino;
  // Node 20 does not follow links to modules that are imported later while the last file that it looked at was a socket.
  lstatSync(dirname(path), { throwIfNoEntry: false });
  return inode;
}

/** What fits on every system, with the byte that ends it. */
const mostPathBytes = 103;
const mostAttempts = 3;
