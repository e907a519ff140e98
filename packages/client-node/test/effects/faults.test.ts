import { describe, expect, test } from 'vitest';
import { FileEffectStore } from '../../src/effects/file-effect-store.ts';
import { StoreError } from '../../src/store/fs-error.ts';
import { SimulatedFiles, type DiskOperation } from './simulated-files.ts';
import { countUp, countsOf, doneResultOf, leaseMs, resultOf, runOf, startMs, text, workOf } from './works.ts';

async function openOn(disk: SimulatedFiles): Promise<FileEffectStore> {
  return await FileEffectStore.openOn(disk.attach(), { bornMs: 0 });
}

async function doOne(store: FileEffectStore, number: number): Promise<void> {
  const run = await runOf(store, workOf(number));
  await store.commit(run, countUp(run.transaction, number));
}

/** A store that did works 1 and 2, and its disk. */
async function storeWithTwo(): Promise<{ disk: SimulatedFiles; store: FileEffectStore }> {
  const disk = new SimulatedFiles();
  const store = await openOn(disk);
  await doOne(store, 1);
  await doOne(store, 2);
  return { disk, store };
}

describe('a full disk', () => {
  test('refuses the commit, which has not happened; what was done is known; with room the work is done once', async () => {
    for (const room of [0, 1, 9, 10, 60]) {
      const { disk, store } = await storeWithTwo();
      disk.capacityBytes = disk.contentOf('effects').length + room;
      await expect(doOne(store, 3)).rejects.toMatchObject({ name: 'StoreError', cause: { code: 'ENOSPC' } });
      expect(await countsOf(store, [1, 2, 3])).toEqual([1, 1, 0]);
      expect(await doneResultOf(store, workOf(1))).toEqual(resultOf(1));
      await expect(doOne(store, 3)).rejects.toThrow(StoreError);
      disk.capacityBytes = Infinity;
      await doOne(store, 3);
      disk.powerCut(() => 0.5);
      expect(await countsOf(await openOn(disk), [1, 2, 3])).toEqual([1, 1, 1]);
    }
  });

  test('where even the cut fails the store is over, and another start goes on', async () => {
    const { disk, store } = await storeWithTwo();
    disk.capacityBytes = disk.contentOf('effects').length + 20;
    disk.fault = ({ kind }) => (kind === 'truncate' ? 'EIO' : undefined);
    await expect(doOne(store, 3)).rejects.toThrow(StoreError);
    disk.fault = undefined;
    disk.capacityBytes = Infinity;
    await expect(store.begin(workOf(3), leaseMs, startMs)).rejects.toThrow(StoreError);
    expect(await store.begin(workOf(1), leaseMs, startMs)).toMatchObject({ status: 'done' });
    disk.kill();
    const again = await openOn(disk);
    await doOne(again, 3);
    expect(await countsOf(again, [1, 2, 3])).toEqual([1, 1, 1]);
  });

  test('refuses all commits of a batch, and none of them has happened', async () => {
    const { disk, store } = await storeWithTwo();
    const runs = await Promise.all([3, 4, 5].map((number) => runOf(store, workOf(number))));
    disk.capacityBytes = disk.contentOf('effects').length + 250;
    const commits = runs.map((run, i) => store.commit(run, countUp(run.transaction, i + 3)));
    for (const commit of commits) await expect(commit).rejects.toThrow(StoreError);
    expect(await countsOf(store, [3, 4, 5])).toEqual([0, 0, 0]);
    disk.kill();
    disk.capacityBytes = Infinity;
    expect(await countsOf(await openOn(disk), [1, 3, 4, 5])).toEqual([1, 0, 0, 0]);
  });
});

test('a sync that fails ends the store for ever: nothing runs, what was done is answered, and it is not tried again', async () => {
  const { disk, store } = await storeWithTwo();
  const waiting = await runOf(store, workOf(4));
  disk.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined);
  await expect(doOne(store, 3)).rejects.toMatchObject({ name: 'StoreError', cause: { code: 'EIO' } });
  disk.fault = undefined;
  const { operations } = disk;
  await expect(store.begin(workOf(3), leaseMs, startMs)).rejects.toThrow(StoreError);
  await expect(store.commit(waiting, text(''))).rejects.toThrow(StoreError);
  expect(await store.begin(workOf(2), leaseMs, startMs)).toEqual({ status: 'done', result: resultOf(2) });
  expect(disk.operations).toBe(operations);
  // Whether the one in doubt was done the next start decides, once for all.
  disk.kill();
  const again = await openOn(disk);
  expect(await countsOf(again, [1, 2, 3])).toEqual([1, 1, 1]);
  expect(await doneResultOf(again, workOf(3))).toEqual(resultOf(3));
  disk.powerCut(() => 0.1);
  expect(await countsOf(await openOn(disk), [1, 2, 3])).toEqual([1, 1, 1]);
});

test('a start answers by nothing that may go with the power', async () => {
  const { disk, store } = await storeWithTwo();
  disk.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined);
  await expect(doOne(store, 3)).rejects.toThrow(StoreError);
  // The record is in the memory of the system alone, and cannot be made to last.
  await expect(openOn(disk)).rejects.toThrow(StoreError);
});

test('each operation of a start that fails is typed, and the next start goes on', async () => {
  for (const isFirst of [true, false]) {
    for (let stop = 0; ; stop++) {
      const disk = isFirst ? new SimulatedFiles() : (await storeWithTwo()).disk;
      // A torn tail, so that the cut is one of the operations.
      if (!isFirst) disk.overwrite('effects', Buffer.concat([disk.contentOf('effects'), Buffer.from('TE')]));
      let count = 0;
      const kinds: DiskOperation['kind'][] = [];
      disk.fault = ({ kind }) => {
        kinds.push(kind);
        return count++ === stop ? 'EIO' : undefined;
      };
      const opened = await openOn(disk).catch((error: unknown) => error);
      disk.fault = undefined;
      if (count <= stop) {
        expect(opened).toBeInstanceOf(FileEffectStore);
        expect(kinds).toContain(isFirst ? 'rename' : 'truncate');
        break;
      }
      expect(opened).toMatchObject({ name: 'StoreError', cause: { code: 'EIO' } });
      // It let go of the lock.
      disk.powerCut(() => (stop % 5) / 5);
      const again = await openOn(disk);
      if (!isFirst) expect(await countsOf(again, [1, 2])).toEqual([1, 1]);
      await doOne(again, 3);
      expect(await countsOf(again, [3])).toEqual([1]);
    }
  }
});

test('a store that was taken over refuses commits, and does not write', async () => {
  const { disk, store } = await storeWithTwo();
  const before = disk.contentOf('effects');
  disk.rob();
  await expect(doOne(store, 3)).rejects.toThrow(StoreError);
  expect(disk.contentOf('effects')).toEqual(before);
});

test('a lock that cannot be taken is typed, and one that is refused stays', async () => {
  const disk = new SimulatedFiles();
  const files = disk.attach();
  const store = await FileEffectStore.openOn(files, { bornMs: 0 });
  await expect(FileEffectStore.openOn(files)).rejects.toThrow(StoreError);
  await doOne(store, 1);
  await store.close();
  await (await FileEffectStore.openOn(files)).close();
});
