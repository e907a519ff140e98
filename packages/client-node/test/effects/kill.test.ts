import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FileEffectStore } from '../../src/effects/file-effect-store.ts';
import { bundle } from '../bundled.ts';
import { countsOf, doneResultOf, workOf } from './works.ts';

const directory = mkdtempSync(join(tmpdir(), 'tridcomm-effects-'));
afterAll(() => rmSync(directory, { recursive: true }));

let program: string;
beforeAll(async () => {
  program = await bundle(new URL('working-process.ts', import.meta.url));
}, 120_000);

test('kill -9 under load, six times on one store: each work has one effect, and nothing acknowledged is lost', async () => {
  const acknowledged = new Set<number>();
  let from = 0;
  let isMidway = false;
  for (let life = 0; life < 6; life++) {
    const child = spawn(process.execPath, [program, directory, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = await killAfter(child, 100 + 61 * life);
    const before = acknowledged.size;
    for (const number of said) acknowledged.add(number);
    expect(acknowledged.size).toBeGreaterThan(before);

    const highest = Math.max(...acknowledged);
    const numbers = Array.from({ length: highest + 200 }, (_, number) => number);
    const store = await FileEffectStore.open(directory);
    const counts = await countsOf(store, numbers);
    for (const number of numbers) {
      const result = await doneResultOf(store, workOf(number));
      const expected = result === undefined ? 0 : 1;
      if (counts[number] !== expected) expect.fail(`work ${number}: ${counts[number]} effects, ${expected} entries`);
      if (acknowledged.has(number) && result === undefined) expect.fail(`work ${number} was acknowledged and is gone`);
      if (result !== undefined && !acknowledged.has(number)) isMidway = true;
    }
    await store.close();
    // The next life begins with copies of what this one did.
    from = Math.max(0, highest - 50);
  }
  if (!isMidway) console.log('no kill fell between a commit and its word');
}, 240_000);

/** Lets a process say so many lines, kills it, and waits for its end. @returns all the numbers that it said */
async function killAfter(child: ChildProcess, lines: number): Promise<number[]> {
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > lines) child.kill('SIGKILL');
  });
  await once(child, 'close');
  expect(child.signalCode).toBe('SIGKILL');
  return text.split('\n').slice(0, -1).map(Number);
}
