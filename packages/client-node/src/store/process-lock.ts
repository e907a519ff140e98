import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { isFsError } from './fs-error.ts';
import { bootId, processStart } from './process-start.ts';

/** Who holds a lock: enough to tell whether that process is still there. */
interface Holder {
  readonly pid: number;
  /** When the process began, in the kernel's ticks: the same number may be given to another one later. Empty where it cannot be known. */
  readonly started: string;
  readonly host: string;
  /** Of the kernel, and of what numbers processes in it; empty where they cannot be known. */
  readonly boot: string;
  readonly namespace: string;
}

/**
 * Keeps a second process, or a second user in this one, out of a directory: a file that says who is in.
 *
 * The file appears with its content at once, by a hard link, and one that a dead process left is moved away before. Two that do so at the
 * same moment are told apart by {@link isHeld}, which is asked before every write.
 */
export class ProcessLock {
  readonly #path: string;
  /** Open as long as the lock is held, so that no other file can get its number. */
  readonly #file: number;
  readonly #inode: bigint;
  #isReleased = false;

  /**
   * Takes the lock of a directory.
   *
   * @throws TridcommError `E_USAGE` where somebody has it; what the file system throws
   */
  constructor(directory: string) {
    this.#path = join(directory, 'lock');
    const own = join(directory, `lock.${randomUUID()}`);
    this.#file = writeAnew(own, JSON.stringify(holderOf(process.pid)));
    this.#inode = fstatSync(this.#file, { bigint: true }).ino;
    try {
      for (let attempt = 0; !tryLink(own, this.#path); attempt++) {
        if (attempt === mostAttempts) throw new TridcommError('E_USAGE', `${this.#path} is fought for`);
        removeStale(this.#path);
      }
    } catch (error) {
      closeSync(this.#file);
      throw error;
    } finally {
      unlinkSync(own);
    }
  }

  /** Whether nobody has taken it away. */
  isHeld(): boolean {
    return statSync(this.#path, { bigint: true, throwIfNoEntry: false })?.ino === this.#inode;
  }

  /** Lets others in; does nothing where it is not held any more. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (this.isHeld()) unlinkSync(this.#path);
    closeSync(this.#file);
  }
}

/** @throws TridcommError `E_USAGE` where the holder is there, or may be */
function removeStale(path: string): void {
  let found: string;
  try {
    found = readFileSync(path, 'utf8');
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return;
    throw error;
  }
  refuseLiving(path, found);
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return;
    throw error;
  }
  // Between the look and the move another process may have done the same and come in: it gets its lock back.
  if (readFileSync(aside, 'utf8') !== found) tryLink(aside, path);
  unlinkSync(aside);
}

function refuseLiving(path: string, found: string): void {
  const holder = parseHolder(found);
  if (holder === undefined) {
    throw new TridcommError('E_USAGE', `${path} is no lock: delete it if no process uses this directory`);
  }
  const own = holderOf(process.pid);
  if (holder.host !== own.host) {
    const who = `process ${holder.pid} of ${holder.host}`;
    throw new TridcommError('E_USAGE', `${who} uses this directory: delete ${path} if that process is gone for good`);
  }
  // After a restart of the machine, or of a container that keeps its name, no process of before is there.
  if (holder.boot !== own.boot || holder.namespace !== own.namespace || !isAlive(holder)) return;
  throw new TridcommError('E_USAGE', `process ${holder.pid} uses this directory: end it first, or use another one`);
}

function isAlive({ pid, started }: Holder): boolean {
  const now = processStart(pid);
  return now === '' || now === started;
}

function holderOf(pid: number): Holder {
  return {
    pid,
    started: processStart(pid) ?? '',
    host: hostname(),
    boot: bootId(),
    namespace: namespaceOf(),
  };
}

function namespaceOf(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, started, host, boot, namespace } = JSON.parse(text) as Record<keyof Holder, unknown>;
    const texts = [started, host, boot, namespace];
    if (!Number.isSafeInteger(pid) || (pid as number) < 1 || texts.some((one) => typeof one !== 'string'))
      return undefined;
    const [began, name, kernel, numbering] = texts as [string, string, string, string];
    return { pid: pid as number, started: began, host: name, boot: kernel, namespace: numbering };
  } catch {
    return undefined;
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isFsError(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @returns the file, open */
function writeAnew(path: string, text: string): number {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return file;
}

const mostAttempts = 8;
