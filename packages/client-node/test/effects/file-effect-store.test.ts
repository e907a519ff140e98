import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { nodeEffectFiles } from '../../src/effects/effect-files.ts';
import { ConflictError } from '../../src/effects/effect-store.ts';
import { FileEffectStore } from '../../src/effects/file-effect-store.ts';
import { StoreError } from '../../src/store/fs-error.ts';
import { SimulatedFiles } from './simulated-files.ts';
import { countOf, countUp, countsOf, doneResultOf, leaseMs, resultOf, runOf, startMs, text, workOf } from './works.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function freshDirectory(): string {
  const home = mkdtempSync(join(tmpdir(), 'tridcomm-effects-'));
  directories.push(home);
  return join(home, 'effects');
}

async function openOn(disk: SimulatedFiles, bornMs = 0): Promise<FileEffectStore> {
  return await FileEffectStore.openOn(disk.attach(), { bornMs });
}

async function doOne(store: FileEffectStore, number: number): Promise<void> {
  const run = await runOf(store, workOf(number));
  await store.commit(run, countUp(run.transaction, number));
}

/** A disk with works 1 to 3 done, and where the file ended after each. */
async function diskWithThree(): Promise<{ disk: SimulatedFiles; file: Buffer; ends: number[] }> {
  const disk = new SimulatedFiles();
  const store = await openOn(disk);
  const ends = [disk.contentOf('effects').length];
  for (const number of [1, 2, 3]) {
    await doOne(store, number);
    ends.push(disk.contentOf('effects').length);
  }
  await store.close();
  return { disk, file: disk.contentOf('effects'), ends };
}

describe('in a directory of the file system', () => {
  test('what was done and written is known after it is opened again, with forks and values', async () => {
    const directory = freshDirectory();
    const store = await FileEffectStore.open(directory, { bornMs: 0 });
    await doOne(store, 1);
    const run = await runOf(store, workOf(2));
    run.transaction.put('ü', text('value'));
    run.transaction.put('gone', text('soon'));
    await store.commit(run, text(''));
    const other = await runOf(store, workOf(3));
    other.transaction.delete('gone');
    await store.commit(other, text(''));
    await store.close();
    await store.close();

    const again = await FileEffectStore.open(directory);
    expect(await doneResultOf(again, workOf(1))).toEqual(resultOf(1));
    expect(await doneResultOf(again, workOf(2))).toEqual(text(''));
    const fork = workOf(1, { bodyHash32: new Uint8Array(32) });
    await expect(again.begin(fork, leaseMs, startMs)).rejects.toMatchObject({ code: 'E_FORK' });
    const { transaction } = await runOf(again, workOf(4));
    expect(['ü', 'gone', 'count/1'].map((name) => transaction.get(name))).toEqual([
      text('value'),
      undefined,
      Uint8Array.of(1),
    ]);
    await again.close();
  });

  test('directory and file are for their user alone', async () => {
    const directory = freshDirectory();
    await (await FileEffectStore.open(directory)).close();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'effects')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['effects']);
  });

  test.each([
    ['a directory that a group may read', (directory: string) => chmodSync(directory, 0o750)],
    ['a file that others may read', (directory: string) => chmodSync(join(directory, 'effects'), 0o604)],
    [
      'a symbolic link in place of the file',
      (directory: string) => {
        renameSync(join(directory, 'effects'), join(directory, 'elsewhere'));
        symlinkSync('elsewhere', join(directory, 'effects'));
      },
    ],
  ])('%s is E_USAGE', async (_what, change) => {
    const directory = freshDirectory();
    await (await FileEffectStore.open(directory)).close();
    change(directory);
    await expect(FileEffectStore.open(directory)).rejects.toMatchObject({ code: 'E_USAGE' });
    expect(existsSync(join(directory, 'lock'))).toBe(false);
  });

  test('a second opening is E_USAGE until the first is closed', async () => {
    const directory = freshDirectory();
    const store = await FileEffectStore.open(directory, { bornMs: 0 });
    await expect(FileEffectStore.open(directory)).rejects.toMatchObject({ code: 'E_USAGE' });
    await doOne(store, 1);
    await store.close();
    await (await FileEffectStore.open(directory)).close();
  });

  test('a directory that cannot be made is a StoreError', async () => {
    const directory = freshDirectory();
    writeFileSync(directory, '');
    await expect(FileEffectStore.open(join(directory, 'below'))).rejects.toThrow(StoreError);
  });

  test('who was robbed of the directory commits nothing any more, and the thief does the work', async () => {
    const directory = freshDirectory();
    const store = await FileEffectStore.open(directory, { bornMs: 0 });
    const run = await runOf(store, workOf(1));
    countUp(run.transaction, 1);
    rmSync(join(directory, 'lock'));
    const thief = await FileEffectStore.open(directory);
    await expect(store.commit(run, text('robbed'))).rejects.toThrow(StoreError);
    await expect(store.begin(workOf(2), leaseMs, startMs)).rejects.toThrow(StoreError);
    await store.close();
    await doOne(thief, 1);
    await thief.close();
    const again = await FileEffectStore.open(directory);
    expect(await doneResultOf(again, workOf(1))).toEqual(resultOf(1));
    await again.close();
  });

  test('an empty file is no first store: it was cut to nothing', async () => {
    const directory = freshDirectory();
    await (await FileEffectStore.open(directory)).close();
    writeFileSync(join(directory, 'effects'), '');
    await expect(FileEffectStore.open(directory)).rejects.toMatchObject({ code: 'E_ENCODING' });
  });

  test('files are written at offsets, and read whole', async () => {
    const files = nodeEffectFiles(freshDirectory());
    const lock = await files.lock();
    const file = await files.create('a');
    await file.write(text('0123456789'), 0);
    await file.write(text('ab'), 3);
    await file.truncate(7);
    await file.sync();
    expect(await file.read()).toEqual(Buffer.from('012ab56'));
    await file.close();
    await files.syncDirectory();
    expect(await files.open('b')).toBeUndefined();
    await files.remove('b');
    lock.release();
  });
});

test('a closed store says so, and the commits that were under way are done', async () => {
  const disk = new SimulatedFiles();
  const store = await openOn(disk);
  const [run, late] = [await runOf(store, workOf(1)), await runOf(store, workOf(2))];
  const commit = store.commit(run, text('r'));
  await store.close();
  await commit;
  await expect(store.begin(workOf(3), leaseMs, startMs)).rejects.toThrow(StoreError);
  await expect(store.commit(late, text(''))).rejects.toThrow(StoreError);
  const again = await openOn(disk);
  expect(await doneResultOf(again, workOf(1))).toEqual(text('r'));
  expect(await doneResultOf(again, workOf(2))).toBeUndefined();
});

test('nobody begins what is on its way to the disk, whatever its lease says, and it cannot be abandoned any more', async () => {
  const store = await openOn(new SimulatedFiles());
  const run = await runOf(store, workOf(1));
  countUp(run.transaction, 1);
  const commit = store.commit(run, text('r'));
  await store.abandon(run);
  expect(await store.begin(workOf(1), leaseMs, startMs + 2 * leaseMs)).toEqual({ status: 'running' });
  await commit;
  expect(await doneResultOf(store, workOf(1))).toEqual(text('r'));
});

test('who met a conflict hears of it when what it met has lasted, and sees that when it tries again', async () => {
  const disk = new SimulatedFiles();
  const store = await openOn(disk);
  const [first, second] = [await runOf(store, workOf(1)), await runOf(store, workOf(2))];
  for (const { transaction } of [first, second]) countUp(transaction, 9);
  const heard: string[] = [];
  disk.fault = ({ kind }) => void heard.push(kind);
  const commits = [first, second].map((run) => store.commit(run, text('r')));
  await expect(commits[1]!.finally(() => heard.push('refused'))).rejects.toThrow(ConflictError);
  expect(heard).toEqual(['write', 'sync', 'refused']);
  const again = await runOf(store, workOf(2));
  expect(countOf(again.transaction, 9)).toBe(1);
  await commits[0];
});

test('a torn tail of any length costs the last commit, entry and effect, and writing goes on behind', async () => {
  const { disk, file, ends } = await diskWithThree();
  for (let length = ends[0]!; length <= file.length; length++) {
    disk.overwrite('effects', file.subarray(0, length));
    const whole = ends.filter((end) => end <= length).length - 1;
    const store = await openOn(disk);
    expect(await countsOf(store, [1, 2, 3])).toEqual([1, 2, 3].map((number) => (number <= whole ? 1 : 0)));
    for (const number of [1, 2, 3]) {
      const result = await doneResultOf(store, workOf(number));
      expect(result).toEqual(number <= whole ? resultOf(number) : undefined);
    }
    await doOne(store, 4);
    await store.close();
    const again = await openOn(disk);
    expect(await countsOf(again, [1, 4])).toEqual([whole > 0 ? 1 : 0, 1]);
  }
});

test('a flipped bit before the last commit is refused by name, one in it costs that commit', async () => {
  const { disk, file, ends } = await diskWithThree();
  for (let at = 0; at < file.length; at++) {
    const damaged = Buffer.from(file);
    damaged[at]! ^= 0x40;
    disk.overwrite('effects', damaged);
    const opened = await openOn(disk).catch((error: unknown) => error);
    if (at < ends[2]!) {
      expect(opened, `byte ${at}`).toMatchObject({ code: at === 7 ? 'E_VERSION' : 'E_ENCODING' });
    } else {
      expect(await countsOf(opened as FileEffectStore, [1, 2, 3]), `byte ${at}`).toEqual([1, 1, 0]);
    }
  }
});

test('records of another file, or at another place, do not count', async () => {
  const [one, other] = [await diskWithThree(), await diskWithThree()];
  const foreign = other.file.subarray(other.ends[2]);
  one.disk.overwrite('effects', Buffer.concat([one.file.subarray(0, one.ends[2]), foreign]));
  expect(await countsOf(await openOn(one.disk), [1, 2, 3])).toEqual([1, 1, 0]);
  const moved = one.file.subarray(one.ends[2]);
  one.disk.overwrite('effects', Buffer.concat([one.file, moved]));
  const store = await openOn(one.disk);
  expect(await countsOf(store, [1, 2, 3])).toEqual([1, 1, 1]);
  expect(one.disk.contentOf('effects')).toHaveLength(one.file.length);
});

test('a store that was lost is begun anew, replay.34: old envelopes are E_TOO_OLD, and then it works', async () => {
  const lost = new SimulatedFiles();
  const store = await openOn(lost, startMs);
  await expect(store.begin(workOf(1), leaseMs, startMs)).rejects.toMatchObject({ code: 'E_TOO_OLD' });
  const soon = { sealedMs: startMs + 30_001 };
  await store.commit(await runOf(store, workOf(1, soon), startMs + 30_001), text('r'));
  await store.close();
  // It is the file that says when its memory began: what comes later is no loss.
  const again = await openOn(lost, startMs + 1_000_000);
  await runOf(again, workOf(2, soon), startMs + 30_001);
  await expect(again.begin(workOf(3), leaseMs, startMs + 30_001)).rejects.toMatchObject({ code: 'E_TOO_OLD' });
});

describe('compaction', () => {
  const retentionMs = 300_000;
  const open = async (disk: SimulatedFiles): Promise<FileEffectStore> =>
    await FileEffectStore.openOn(disk.attach(), { bornMs: 0, retentionMs });

  /** Does works of 100 KB, half an hour apart, from one number on; the values stay. */
  async function doLarge(store: FileEffectStore, from: number, to: number): Promise<void> {
    for (let number = from; number < to; number++) {
      const nowMs = startMs + number * 1_800_000;
      const run = await runOf(store, workOf(number, { sealedMs: nowMs, deadlineMs: nowMs + 1_000 }), nowMs);
      countUp(run.transaction, number);
      await store.commit(run, new Uint8Array(100_000).fill(number));
    }
  }

  test('a file that grew is written anew without what is forgotten, and knows the same', async () => {
    const disk = new SimulatedFiles();
    const store = await open(disk);
    let longest = 0;
    for (let number = 0; number < 40; number++) {
      await doLarge(store, number, number + 1);
      longest = Math.max(longest, disk.contentOf('effects').length);
    }
    await store.close();
    expect(longest).toBeLessThan(1_300_000);
    expect(disk.names).toEqual(['effects']);

    const again = await open(disk);
    const lastMs = startMs + 39 * 1_800_000;
    expect(await doneResultOf(again, workOf(39), lastMs)).toEqual(new Uint8Array(100_000).fill(39));
    expect(await countsOf(again, [0, 1, 38, 39])).toEqual([1, 1, 1, 1]);
    await again.close();
    // What it forgot it still knows to be late, as the clock of this one went back.
    const early = await open(disk);
    const gone = workOf(0, { deadlineMs: startMs + 1_000 });
    await expect(early.begin(gone, leaseMs, startMs)).rejects.toMatchObject({ code: 'E_EXPIRED' });
  });

  test('one that cannot be done is put off, leaves nothing behind, and costs nothing', async () => {
    for (const kind of ['create', 'write', 'sync', 'rename'] as const) {
      const disk = new SimulatedFiles();
      const store = await open(disk);
      disk.fault = (operation) => (operation.kind === kind && operation.name === 'effects.new' ? 'ENOSPC' : undefined);
      await doLarge(store, 0, 15);
      expect(disk.contentOf('effects').length).toBeGreaterThan(1_400_000);
      expect(disk.names).toEqual(['effects']);
      disk.fault = undefined;
      await doLarge(store, 15, 30);
      expect(disk.contentOf('effects').length).toBeLessThan(1_400_000);
      await store.close();
      expect(await countsOf(await open(disk), [0, 14, 15, 29])).toEqual([1, 1, 1, 1]);
    }
  });

  test('one whose new name may not last ends all commits, and what was acknowledged is there either way', async () => {
    for (const chance of [() => 0.1, () => 0.9]) {
      const disk = new SimulatedFiles();
      const store = await open(disk);
      disk.fault = ({ kind }) => (kind === 'syncDirectory' ? 'EIO' : undefined);
      let done = 0;
      const failure = await (async () => {
        for (; done < 20; done++) await doLarge(store, done, done + 1);
      })().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StoreError);
      expect(done).toBeGreaterThan(5);
      disk.fault = undefined;
      disk.powerCut(chance);
      const numbers = Array.from({ length: 20 }, (_, number) => number);
      expect(await countsOf(await open(disk), numbers)).toEqual(numbers.map((number) => (number < done ? 1 : 0)));
    }
  });

  test('a process that dies at any operation of it loses nothing, nor does a loss of power', async () => {
    for (let operations = 0; ; operations++) {
      for (const isPowerCut of [false, true]) {
        const disk = new SimulatedFiles();
        const store = await open(disk);
        await doLarge(store, 0, 10);
        const before = disk.operations;
        disk.killAfterOperations = before + operations;
        let done = 10;
        const all = (async () => {
          for (; done < 13; done++) await doLarge(store, done, done + 1);
        })();
        await Promise.race([all, disk.idle()]);
        const isOver = done === 13;
        disk.killAfterOperations = Infinity;
        if (isPowerCut) disk.powerCut(() => (operations % 7) / 7);
        const counts = await countsOf(await open(disk), [0, 5, 9, 10, 11, 12]);
        const least = [0, 5, 9, 10, 11, 12].map((number) => (number < done ? 1 : 0));
        for (const [i, count] of counts.entries()) {
          expect(count).toBeLessThanOrEqual(1);
          expect(count).toBeGreaterThanOrEqual(least[i]!);
        }
        if (isOver && isPowerCut) {
          expect(disk.contentOf('effects').length).toBeLessThan(1_000_000);
          return;
        }
      }
      expect(operations).toBeLessThan(100);
    }
  });
});
