import { afterEach, beforeEach, expect, test } from 'vitest';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlFile, type KeptObjects } from '../src/control-file.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tridcomm-control-'));
  path = join(folder, 'control');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function object(seed: number, length = 40): KeptObjects['objects'][number] {
  return { address16: new Uint8Array(16).fill(seed), bytes: new Uint8Array(length).fill(seed) };
}

/** What a next life finds: seeds, and when they were kept. */
async function found(): Promise<{ kept: (readonly [number, number[]])[]; isDamaged: boolean }> {
  const { file, found: content } = await ControlFile.open(path, () => []);
  await file.close();
  const kept = content.kept.map(({ keptMs, objects }) => [keptMs, objects.map(({ bytes }) => bytes[0]!)] as const);
  return { kept, isDamaged: content.isDamaged };
}

test('what is kept is found by the next life, with its time, in order', async () => {
  const { file, found: first } = await ControlFile.open(path, () => []);
  expect(first).toEqual({ kept: [], isDamaged: false });
  await Promise.all([file.keep([object(1), object(2)], 1_000), file.keep([object(3)], 2_000)]);
  await file.close();
  expect(await found()).toEqual({
    kept: [
      [1_000, [1, 2]],
      [2_000, [3]],
    ],
    isDamaged: false,
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('an end that was not written wholly is cut off, wherever it was cut, and what follows is found again', async () => {
  const { file } = await ControlFile.open(path, () => []);
  await file.keep([object(1)], 1_000);
  const { length } = readFileSync(path);
  await file.keep([object(2)], 2_000);
  await file.close();
  const whole = readFileSync(path);
  for (let cut = length + 1; cut < whole.length; cut++) {
    writeFileSync(path, whole.subarray(0, cut));
    expect(await found()).toEqual({ kept: [[1_000, [1]]], isDamaged: true });
    expect(readFileSync(path)).toHaveLength(length);
  }
  const again = await ControlFile.open(path, () => []);
  await again.file.keep([object(3)], 3_000);
  await again.file.close();
  expect((await found()).kept).toEqual([
    [1_000, [1]],
    [3_000, [3]],
  ]);
});

test('one bit that is another one ends the file there', async () => {
  const { file } = await ControlFile.open(path, () => []);
  await file.keep([object(1)], 1_000);
  await file.keep([object(2)], 2_000);
  await file.close();
  const whole = readFileSync(path);
  for (let at = 8; at < whole.length; at++) {
    const flipped = Buffer.from(whole);
    flipped[at]! ^= 1 << (at % 8);
    writeFileSync(path, flipped);
    const { kept, isDamaged } = await found();
    expect([at, isDamaged]).toEqual([at, true]);
    expect(kept.length).toBeLessThan(2);
  }
});

test('a file of something else is not touched', async () => {
  writeFileSync(path, 'precious');
  await expect(ControlFile.open(path, () => [])).rejects.toMatchObject({ code: 'E_ENCODING' });
  expect(readFileSync(path, 'utf8')).toBe('precious');
  writeFileSync(path, Buffer.from([0x54, 0x44, 0x42, 0x43, 2, 0, 0, 0]));
  await expect(ControlFile.open(path, () => [])).rejects.toMatchObject({ code: 'E_VERSION' });
  await expect(ControlFile.open(join(folder, 'no', 'control'), () => [])).rejects.toMatchObject({
    code: 'E_TRANSPORT',
  });
});

test('it is written anew when most of it is out of date: with what counts, and what is kept just now', async () => {
  const counts = [object(7, 1_000), object(8, 1_000)];
  const { file } = await ControlFile.open(path, () => counts);
  for (let i = 0; i < 30; i++) await file.keep([object(i, 100_000)], i);
  const size = statSync(path).size;
  expect(size).toBeLessThan(1_300_000);
  await file.keep([object(99)], 99);
  await file.close();
  const { kept, isDamaged } = await found();
  expect(isDamaged).toBe(false);
  expect(kept.some(([, seeds]) => seeds.includes(7) && seeds.includes(8))).toBe(true);
  expect(kept.at(-1)).toEqual([99, [99]]);
  // The one whose keeping caused it is not lost.
  expect(kept.flatMap(([, seeds]) => seeds)).toEqual(expect.arrayContaining([7, 8, 29, 99]));
});

test('a disk that fails is told, and nothing is kept any more', async () => {
  const { file } = await ControlFile.open(path, () => []);
  await file.close();
  await expect(file.keep([object(1)], 1)).rejects.toMatchObject({ code: 'E_TRANSPORT' });
  await expect(file.keep([object(2)], 2)).rejects.toMatchObject({ code: 'E_TRANSPORT' });
});
