import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TridcommError, type CryptoProvider } from '@tridcomm/core';
import { ProcessLock } from '../store/process-lock.ts';
import { StoreError } from '../store/fs-error.ts';
import { Archive } from './archive.ts';
import {
  checkPrivateDirectory,
  fileError,
  makePrivateDirectory,
  readPrivateFile,
  replaceFile,
} from './private-files.ts';
import { readContent, writeContent, type StateContent } from './state-content.ts';
import { StateVault } from './state-file.ts';
import type { StateSecret } from './state-secret.ts';

/**
 * Where an authority keeps its state: `authority.state`, encrypted, and `archive`, which holds nothing secret. One process at a time.
 */
export class StateDirectory {
  readonly path: string;
  readonly #lock: ProcessLock;
  #vault: StateVault | undefined;
  #replaces = false;

  private constructor(path: string, lock: ProcessLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Takes a directory for a new authority.
   *
   * @throws TridcommError `E_USAGE` where there is a state already, others may enter it, or another process has it
   */
  static async create(path: string, secret: StateSecret): Promise<StateDirectory> {
    makePrivateDirectory(path);
    const directory = new StateDirectory(path, takeLock(path));
    try {
      for (const name of [stateName, archiveName]) {
        if (existsSync(join(path, name))) throw new TridcommError('E_USAGE', `${path} has the ${name} of an authority`);
      }
      directory.#vault = await StateVault.create(secret);
    } catch (error) {
      directory.release();
      throw error;
    }
    return directory;
  }

  /**
   * Takes the directory of an authority, and reads its state.
   *
   * @param backup - a state file to go on from instead, which is put in the place of the directory's own with the first {@link write}
   * @throws TridcommError `E_USAGE` where there is none, others may read it, or another process has it; `E_KEY`, `E_AEAD` and the codes of the
   * form for a secret or bytes that do not fit
   */
  static async open(
    path: string,
    secret: StateSecret,
    backup?: string,
  ): Promise<{ readonly directory: StateDirectory; readonly content: StateContent }> {
    if (backup === undefined) checkPrivateDirectory(path);
    else makePrivateDirectory(path);
    const directory = new StateDirectory(path, takeLock(path));
    try {
      const file = readPrivateFile(backup ?? directory.#statePath, mostStateBytes);
      const { vault, content } = await StateVault.open(secret, file);
      directory.#vault = vault;
      directory.#replaces = backup !== undefined;
      return { directory, content: readContent(content) };
    } catch (error) {
      directory.release();
      throw error;
    }
  }

  /** @throws TridcommError, StoreError those of `Archive.open` */
  openArchive(provider: CryptoProvider, authorityId32: Uint8Array): Archive {
    return Archive.open(provider, authorityId32, join(this.path, archiveName));
  }

  /** @throws TridcommError `E_CLOSED` where another process has taken the directory since */
  checkHeld(): void {
    if (this.#lock.isHeld()) return;
    throw new TridcommError('E_CLOSED', 'another process has taken the state of the authority');
  }

  /**
   * Writes the state; it is on the disk when this returns.
   *
   * @throws TridcommError `E_CLOSED` as {@link checkHeld}; StoreError where the disk does not take it
   */
  write(content: StateContent): void {
    this.checkHeld();
    if (this.#replaces) {
      this.#keepReplaced();
      this.#replaces = false;
    }
    replaceFile(this.#statePath, this.#vault!.seal(writeContent(content)));
  }

  release(): void {
    this.#lock.release();
  }

  /** For a new authority that came to nothing: removes what there is of it. */
  abandon(): void {
    for (const name of [stateName, archiveName]) rmSync(join(this.path, name), { force: true });
    this.release();
  }

  get #statePath(): string {
    return join(this.path, stateName);
  }

  /** A state that a backup takes the place of may be needed once more. */
  #keepReplaced(): void {
    if (!existsSync(this.#statePath)) return;
    replaceFile(`${this.#statePath}.replaced`, readPrivateFile(this.#statePath, mostStateBytes));
  }
}

function takeLock(path: string): ProcessLock {
  try {
    return new ProcessLock(path);
  } catch (error) {
    if (error instanceof TridcommError || error instanceof StoreError) throw error;
    throw fileError(error, `directory ${path}`);
  }
}

const stateName = 'authority.state';
const archiveName = 'archive';
/** More than a snapshot of as many principals as a revocation list may end. */
const mostStateBytes = 2 ** 28;
