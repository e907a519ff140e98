import type { SeededRandom } from '@tridcomm/core/testing';
import { TridcommError } from '@tridcomm/core';
import type { LogFile, LogFiles } from '../store/files.ts';
import { DiskFile } from './disk-file.ts';

/** What a process asks of a disk. */
export interface DiskOperation {
  readonly kind:
    'list' | 'open' | 'size' | 'read' | 'write' | 'datasync' | 'sync' | 'truncate' | 'remove' | 'syncDirectory';
  /** Name of the file; empty where none is meant. */
  readonly name: string;
}

/** What a disk may answer. */
export type DiskFault = 'EIO' | 'ENOSPC';

/** Operations that were answered well. */
export type DiskCounts = Record<DiskOperation['kind'], number>;

export interface SimulatedDiskOptions {
  readonly random: SeededRandom;
  /** Runs what an operation does, now or later, in any order for operations that are under way at once. Default: at once. */
  readonly schedule?: (run: () => void) => void;
  /** Room for all files together; default: no end of it. */
  readonly capacityBytes?: number;
  /** A disk that lies: a sync does nothing, and says that all is well. */
  readonly ignoresSync?: boolean;
}

/**
 * One folder on a disk that keeps apart what was written and what is durable.
 *
 * A file's bytes are durable after a sync of the file, its name after one of the folder. A power cut leaves of everything else
 * what chance decides: torn, out of order, or nothing. A process that is killed leaves all that it wrote.
 */
export class SimulatedDisk {
  readonly counts: DiskCounts = {
    list: 0,
    open: 0,
    size: 0,
    read: 0,
    write: 0,
    datasync: 0,
    sync: 0,
    truncate: 0,
    remove: 0,
    syncDirectory: 0,
  };
  capacityBytes: number;
  /** Asked for each operation: what it fails with. */
  fault: ((operation: DiskOperation) => DiskFault | undefined) | undefined;
  readonly #random: SeededRandom;
  readonly #schedule: (run: () => void) => void;
  readonly #ignoresSync: boolean;
  /** Names as processes see them. */
  readonly #names = new Map<string, DiskFile>();
  /** Names as they are on the disk for sure. */
  readonly #durableNames = new Map<string, DiskFile>();
  /** Writes that were asked for and not done yet. */
  readonly #underWay = new Set<{ readonly file: DiskFile; readonly bytes: Uint8Array; readonly offset: number }>();
  /** Rises with each process. */
  #process = 0;
  #isLocked = false;

  constructor({ random, schedule, capacityBytes, ignoresSync }: SimulatedDiskOptions) {
    this.#random = random;
    this.#schedule = schedule ?? ((run) => run());
    this.capacityBytes = capacityBytes ?? Infinity;
    this.#ignoresSync = ignoresSync ?? false;
  }

  /** The disk as a new process sees it. Nothing that an earlier one asks is answered any more. */
  attach(): LogFiles {
    const process = ++this.#process;
    this.#isLocked = false;
    return {
      lock: async () => {
        if (this.#isLocked) throw new TridcommError('E_USAGE', 'the log is in use');
        this.#isLocked = true;
        return async () => {
          if (process === this.#process) this.#isLocked = false;
        };
      },
      list: () => this.#run(process, { kind: 'list', name: '' }, () => [...this.#names.keys()]),
      open: (name, mode) => this.#run(process, { kind: 'open', name }, () => this.#open(process, name, mode)),
      remove: (name) =>
        this.#run(process, { kind: 'remove', name }, () => {
          if (!this.#names.delete(name)) throw failure('ENOENT', 'unlink');
        }),
      syncDirectory: () =>
        this.#run(process, { kind: 'syncDirectory', name: '' }, () => {
          if (!this.#ignoresSync) this.#syncNames(1);
        }),
    };
  }

  /** Ends the process. Of what it was writing, the system does a part, or all. */
  kill(): void {
    this.#process++;
    for (const { file, bytes, offset } of this.#underWay) {
      file.write(bytes.subarray(0, this.#random.pick([0, this.#random.below(bytes.length + 1), bytes.length])), offset);
    }
    this.#underWay.clear();
  }

  /** Ends the process and the system, and leaves what the disk has. */
  powerCut(): void {
    this.kill();
    this.#syncNames(this.#random.pick([0, 0.5, 1]));
    this.#names.clear();
    for (const [name, file] of this.#durableNames) this.#names.set(name, file);
    for (const file of new Set(this.#names.values())) file.powerCut(this.#random);
  }

  /** Names of the files, sorted. */
  get names(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** A copy of a file as processes see it. */
  bytesOf(name: string): Buffer {
    return Buffer.from(this.#fileOf(name).bytes);
  }

  /** Changes a file on the disk, as time, a fault, or somebody with access does. */
  rot(name: string, change: (bytes: Buffer) => Uint8Array): void {
    const file = this.#fileOf(name);
    file.replace(change(Buffer.from(file.bytes)));
  }

  /** Takes a file away for good. */
  lose(name: string): void {
    this.#names.delete(name);
    this.#durableNames.delete(name);
  }

  /** A disk with the same files, all durable, to try something on. */
  copy(random: SeededRandom): SimulatedDisk {
    const copy = new SimulatedDisk({ random, ignoresSync: this.#ignoresSync });
    for (const [name, { bytes }] of this.#names) {
      const file = new DiskFile(bytes);
      copy.#names.set(name, file);
      copy.#durableNames.set(name, file);
    }
    return copy;
  }

  #fileOf(name: string): DiskFile {
    const file = this.#names.get(name);
    if (file === undefined) throw new Error(`no file ${name}`);
    return file;
  }

  /** Makes a share of what happened to names durable. */
  #syncNames(share: number): void {
    for (const [name, file] of this.#names) if (this.#random.chance(share)) this.#durableNames.set(name, file);
    for (const name of this.#durableNames.keys()) {
      if (!this.#names.has(name) && this.#random.chance(share)) this.#durableNames.delete(name);
    }
  }

  async #run<T>(process: number, operation: DiskOperation, work: () => T): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      // The process that asked may be gone by then: it learns nothing, and nothing is done for it.
      this.#schedule(() => {
        if (process !== this.#process) return;
        try {
          const fault = this.fault?.(operation);
          if (fault !== undefined) throw failure(fault, operation.kind);
          const result = work();
          this.counts[operation.kind]++;
          resolve(result);
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  #open(process: number, name: string, mode: 'read' | 'write' | 'create'): LogFile {
    let file = this.#names.get(name);
    if (mode === 'create') {
      if (file !== undefined) throw failure('EEXIST', 'open');
      file = new DiskFile();
      this.#names.set(name, file);
    }
    if (file === undefined) throw failure('ENOENT', 'open');
    return this.#handle(process, name, file);
  }

  #handle(process: number, name: string, file: DiskFile): LogFile {
    const sync = (kind: 'datasync' | 'sync') => async () => {
      await this.#run(process, { kind, name }, () => {
        if (!this.#ignoresSync) file.sync();
      }).catch((error: unknown) => {
        if (process === this.#process) file.failSync(this.#random);
        throw error;
      });
    };
    return {
      size: () => this.#run(process, { kind: 'size', name }, () => file.bytes.length),
      read: (offset, length) =>
        this.#run(process, { kind: 'read', name }, () => Buffer.from(file.bytes.subarray(offset, offset + length))),
      write: async (bytes, offset) => {
        const request = { file, bytes, offset };
        this.#underWay.add(request);
        await this.#run(process, { kind: 'write', name }, () => {
          this.#underWay.delete(request);
          this.#write(request);
        }).catch((error: unknown) => {
          // A write that fails may have done a part.
          if (this.#underWay.delete(request))
            file.write(bytes.subarray(0, this.#random.below(bytes.length + 1)), offset);
          throw error;
        });
      },
      datasync: sync('datasync'),
      sync: sync('sync'),
      truncate: (size) => this.#run(process, { kind: 'truncate', name }, () => file.truncate(size)),
      close: async () => undefined,
    };
  }

  /** Writes what there is room for. */
  #write({ file, bytes, offset }: { file: DiskFile; bytes: Uint8Array; offset: number }): void {
    const used = [...this.#names.values()].reduce((sum, { bytes: held }) => sum + held.length, 0);
    const room = Math.max(0, this.capacityBytes - used + file.bytes.length - offset);
    file.write(bytes.subarray(0, room), offset);
    if (room < bytes.length) throw failure('ENOSPC', 'write');
  }
}

function failure(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}, ${syscall}`), { code, syscall });
}
