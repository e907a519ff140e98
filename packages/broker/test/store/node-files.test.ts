import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@tridcomm/core/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeFiles } from '../../src/store/node-files.ts';
import { SegmentLog } from '../../src/store/segment-log.ts';
import { envelopeOf } from './support.ts';
import { Writer } from './writer.ts';

const root = mkdtempSync(join(tmpdir(), 'tridcomm-files-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
const newFolder = (): string => join(root, `log-${count++}`);
const open = async (folder: string): Promise<SegmentLog> =>
  await SegmentLog.open({
    files: nodeFiles(folder),
    now: Date.now,
    random: new SeededRandom(1).bytes,
    segmentBytes: 500,
  });

describe('storage.4', () => {
  it('makes the folder for its owner alone, and the files in it', async () => {
    const folder = newFolder();
    const log = await open(folder);
    for (let i = 0; i < 5; i++) await log.append([envelopeOf(i, 200)]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const names = readdirSync(folder);
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    await log.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toEqual([]);
  });

  it('refuses a folder that others may enter', async () => {
    const folder = newFolder();
    mkdirSync(folder);
    for (const mode of [0o750, 0o705, 0o710]) {
      chmodSync(folder, mode);
      await expect(open(folder)).rejects.toMatchObject({ code: 'E_USAGE' });
      expect(readdirSync(folder)).toEqual([]);
    }
    chmodSync(folder, 0o700);
    await (await open(folder)).close();
  });

  it('refuses a folder whose parent is not there with E_TRANSPORT', async () => {
    await expect(open(join(root, 'no', 'such'))).rejects.toMatchObject({
      code: 'E_TRANSPORT',
      cause: { code: 'ENOENT' },
    });
  });

  it('keeps a second log of the same process out', async () => {
    const folder = newFolder();
    const log = await open(folder);
    await expect(open(folder)).rejects.toMatchObject({ code: 'E_USAGE' });
    expect(await log.append([envelopeOf(1)])).toBe(1);
    await log.close();
    await (await open(folder)).close();
  });

  it('keeps a second process out, and lets it in once the first one is dead', async () => {
    const folder = newFolder();
    const writer = new Writer(folder, 0);
    await writer.write(1, 0);
    await expect(open(folder)).rejects.toMatchObject({ code: 'E_USAGE' });
    // What was refused left no lock behind.
    expect(readdirSync(folder).filter((name) => name.startsWith('lock')).length).toBe(1);
    await writer.kill();
    expect(readdirSync(folder).filter((name) => name.startsWith('lock')).length).toBe(1);
    const log = await open(folder);
    expect(log.nextPosition).toBeGreaterThan(1);
    await log.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toEqual([]);
  });

  it('takes no process for the one that had its number before', { timeout: 20_000 }, async (context) => {
    if (!existsSync('/proc/self/stat')) {
      const why = 'no /proc to tell when a process started';
      console.log(`SKIP  ${context.task.name}: ${why}`);
      context.skip(why);
    }
    const folder = newFolder();
    mkdirSync(folder, { mode: 0o700 });
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      await once(other, 'spawn');
      writeFileSync(join(folder, `lock-${other.pid}-0badc0det1`), '');
      const log = await open(folder);
      expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toEqual([
        expect.stringMatching(new RegExp(`^lock-${process.pid}-`)),
      ]);
      await log.close();
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('of many processes that open at once lets in one at most', { timeout: 60_000 }, async () => {
    const folder = newFolder();
    await (await open(folder)).close();
    const writers = Array.from({ length: 5 }, (_, i) => new Writer(folder, i * 1_000_000));
    const results = await Promise.allSettled(writers.map(async (writer) => await writer.write(3, 200)));
    await Promise.all(writers.map(async (writer) => await writer.kill()));
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(String(result.reason)).toContain('in use by process');
    }
  });
});

it('a file reads what is there and no more, and writes at any place', async () => {
  const files = nodeFiles(newFolder());
  const unlock = await files.lock();
  const file = await files.open('some', 'create');
  await file.write(Buffer.from('abcdef'), 0);
  await file.write(Buffer.from('XY'), 8);
  await file.datasync();
  expect((await file.read(4, 100)).toString('latin1')).toBe('ef\0\0XY');
  expect(await file.size()).toBe(10);
  await file.truncate(3);
  await file.sync();
  await file.close();
  await expect(files.open('some', 'create')).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(files.open('other', 'write')).rejects.toMatchObject({ code: 'ENOENT' });
  const again = await files.open('some', 'read');
  expect((await again.read(0, 100)).toString('latin1')).toBe('abc');
  await again.close();
  await files.remove('some');
  await files.syncDirectory();
  expect((await files.list()).filter((name) => !name.startsWith('lock'))).toEqual([]);
  await unlock();
});
