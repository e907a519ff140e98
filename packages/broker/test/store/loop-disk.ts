import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * An ext4 file system in a file, mounted through a loop device with direct I/O: what was synced inside is in the file, what was not
 * is in the memory of the system. A copy of the file is what a power cut at that moment would have left.
 */
export class LoopDisk {
  readonly folder: string;
  readonly #image: string;
  readonly #device: string;
  readonly #copies: { folder: string; device: string }[] = [];

  private constructor(image: string, device: string, folder: string) {
    this.#image = image;
    this.#device = device;
    this.folder = folder;
  }

  /** Makes one. @throws Error where the system does not allow it */
  static async make(megabytes: number): Promise<LoopDisk> {
    if (process.getuid?.() !== 0) throw new Error('only root can mount');
    const home = await mkdtemp(join(tmpdir(), 'tridcomm-disk-'));
    const image = join(home, 'image');
    try {
      await run('truncate', ['-s', `${megabytes}M`, image]);
      await run('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
      const mounted = await mount(image, join(home, 'mounted'));
      return new LoopDisk(image, mounted.device, mounted.folder);
    } catch (error) {
      await rm(home, { recursive: true });
      throw error;
    }
  }

  /** Copies the disk as it is now, while it is written to, and mounts the copy. @returns its folder */
  async powerCut(meanwhile: () => Promise<void>): Promise<string> {
    const copy = `${this.#image}-${this.#copies.length}`;
    await run('cp', ['--sparse=always', '--reflink=never', this.#image, copy]);
    await meanwhile();
    const mounted = await mount(copy, `${copy}-mounted`);
    this.#copies.push(mounted);
    return mounted.folder;
  }

  /** Takes everything away. */
  async remove(): Promise<void> {
    for (const { folder, device } of [...this.#copies, { folder: this.folder, device: this.#device }]) {
      await unmount(folder, device);
    }
    await rm(join(this.#image, '..'), { recursive: true });
  }
}

async function mount(image: string, folder: string): Promise<{ folder: string; device: string }> {
  const { stdout } = await run('losetup', ['--find', '--show', '--direct-io=on', image]);
  const device = stdout.trim();
  try {
    await mkdir(folder);
    await run('mount', ['-t', 'ext4', device, folder]);
  } catch (error) {
    await run('losetup', ['-d', device]);
    throw error;
  }
  return { folder, device };
}

async function unmount(folder: string, device: string): Promise<void> {
  await run('umount', [folder]);
  await run('losetup', ['-d', device]);
}
