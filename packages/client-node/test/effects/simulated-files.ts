import type { EffectFile, EffectFiles } from '../../src/effects/effect-files.ts';

/** What a process asks of the disk. */
export interface DiskOperation {
  readonly kind:
    'lock' | 'open' | 'create' | 'remove' | 'rename' | 'read' | 'write' | 'sync' | 'truncate' | 'syncDirectory';
  readonly name: string;
}

/** A write or a cut that no sync has made last. */
type Change = { readonly bytes: Uint8Array; readonly offset: number } | { readonly size: number };

class DiskData {
  durable: Buffer = Buffer.alloc(0);
  current: Buffer = Buffer.alloc(0);
  pending: Change[] = [];

  change(change: Change): void {
    this.current = changed(this.current, change);
    this.pending.push(change);
  }

  sync(): void {
    this.durable = this.current;
    this.pending = [];
  }
}

/**
 * One directory on a disk that keeps apart what was written and what lasts.
 *
 * A process that is killed leaves all that it wrote. A loss of power leaves of what was not synced what chance decides.
 */
export class SimulatedFiles {
  /** Asked for each operation: the code that it fails with. */
  fault: ((operation: DiskOperation) => string | undefined) | undefined;
  /** How many bytes are written until the process dies in the middle of a write. */
  killAfterBytes = Infinity;
  /** How many operations are done until the process dies. */
  killAfterOperations = Infinity;
  /** Room for all files. */
  capacityBytes = Infinity;
  bytesWritten = 0;
  operations = 0;
  #names = new Map<string, DiskData>();
  #durableNames = new Map<string, DiskData>();
  #process = 0;
  /** Who is in the directory. */
  #holder = 0;

  /** The disk as a new process sees it. What an earlier one asks is never answered any more. */
  attach(): EffectFiles {
    const process = ++this.#process;
    this.#holder = 0;
    const run = async <T>(kind: DiskOperation['kind'], name: string, act: () => T): Promise<T> => {
      await Promise.resolve();
      if (this.operations++ >= this.killAfterOperations) this.kill();
      if (process !== this.#process) return await new Promise<never>(() => undefined);
      const code = this.fault?.({ kind, name });
      if (code !== undefined) throw failure(code);
      const done = act();
      // It may have been killed by that.
      if (process !== this.#process) return await new Promise<never>(() => undefined);
      return done;
    };
    // It may have been renamed since it was opened.
    const nameOf = (data: DiskData): string => [...this.#names].find(([, one]) => one === data)?.[0] ?? '';
    const fileOf = (data: DiskData): EffectFile => ({
      read: () => run('read', nameOf(data), () => Buffer.from(data.current)),
      write: (bytes, offset) => run('write', nameOf(data), () => this.#write(data, Uint8Array.from(bytes), offset)),
      sync: () => run('sync', nameOf(data), () => data.sync()),
      truncate: (size) => run('truncate', nameOf(data), () => data.change({ size })),
      close: async () => undefined,
    });
    return {
      lock: () =>
        run('lock', '', () => {
          if (this.#holder !== 0) throw failure('EEXIST');
          this.#holder = process;
          const release = (): void => {
            if (this.#holder === process) this.#holder = 0;
          };
          return { isHeld: () => this.#holder === process, release };
        }),
      open: (name) =>
        run('open', name, () => {
          const data = this.#names.get(name);
          return data === undefined ? undefined : fileOf(data);
        }),
      create: (name) =>
        run('create', name, () => {
          if (this.#names.has(name)) throw failure('EEXIST');
          const data = new DiskData();
          this.#names.set(name, data);
          return fileOf(data);
        }),
      remove: (name) => run('remove', name, () => void this.#names.delete(name)),
      rename: (from, to) =>
        run('rename', from, () => {
          this.#names.set(to, this.#names.get(from)!);
          this.#names.delete(from);
        }),
      syncDirectory: () => run('syncDirectory', '', () => void (this.#durableNames = new Map(this.#names))),
    };
  }

  /** Somebody else takes the directory. */
  rob(): void {
    this.#holder = -1;
  }

  /** Ends the process. */
  kill(): void {
    this.#process++;
  }

  /** Ends the process and the system. @param chance - a number from 0 up to, not including, 1 */
  powerCut(chance: () => number): void {
    this.kill();
    if (chance() < 0.5) this.#names = new Map(this.#durableNames);
    else this.#durableNames = new Map(this.#names);
    for (const data of new Set(this.#names.values())) {
      let bytes = data.durable;
      for (const change of data.pending) {
        if (chance() < 0.4) continue;
        const isTorn = 'bytes' in change && chance() < 0.5;
        const kept = isTorn ? { ...change, bytes: tornOf(change.bytes, chance) } : change;
        bytes = changed(bytes, kept);
      }
      data.current = data.durable = bytes;
      data.pending = [];
    }
  }

  /** Resolves when nothing has been asked of it for some turns: whoever asked is done, or dead. */
  async idle(): Promise<void> {
    for (let quiet = 0, last = -1; quiet < 5;) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.operations === last ? quiet + 1 : 0;
      last = this.operations;
    }
  }

  /** Names of the files. */
  get names(): string[] {
    return [...this.#names.keys()];
  }

  /** A file as processes see it; the caller's. */
  contentOf(name: string): Buffer {
    return Buffer.from(this.#names.get(name)!.current);
  }

  /** Puts other bytes in place of a file. */
  overwrite(name: string, bytes: Buffer): void {
    const data = new DiskData();
    data.current = data.durable = bytes;
    this.#names.set(name, data);
    this.#durableNames.set(name, data);
  }

  #write(data: DiskData, bytes: Uint8Array, offset: number): void {
    const others = [...this.#names.values()].reduce((sum, one) => sum + (one === data ? 0 : one.current.length), 0);
    const room = Math.max(0, this.capacityBytes - others - offset);
    const alive = Math.max(0, this.killAfterBytes - this.bytesWritten);
    const count = Math.min(bytes.length, room, alive);
    this.bytesWritten += count;
    if (count > 0) data.change({ bytes: bytes.subarray(0, count), offset });
    if (count === bytes.length) return;
    if (count === alive && alive < room) this.kill();
    else throw failure('ENOSPC');
  }
}

/** A part of a write: some of its pieces are there, and the others are zeros. */
function tornOf(bytes: Uint8Array, chance: () => number): Uint8Array {
  const torn = Uint8Array.from(bytes);
  for (let at = 0; at < torn.length; at += 16) if (chance() < 0.5) torn.fill(0, at, at + 16);
  return torn;
}

function changed(before: Buffer, change: Change): Buffer {
  if ('size' in change) {
    const cut = Buffer.alloc(change.size);
    before.copy(cut);
    return cut;
  }
  const after = Buffer.alloc(Math.max(before.length, change.offset + change.bytes.length));
  before.copy(after);
  after.set(change.bytes, change.offset);
  return after;
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'simulated' });
}
