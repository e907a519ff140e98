import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { complaints, countByFile, main, render } from '../src/conformance.mjs';

function column(results: string[], { status = 0, maySkip = false } = {}) {
  return {
    name: 'core-noble',
    maySkip,
    status,
    files: countByFile({ results: results.map((result) => ({ file: 'a.json', result })) }),
  };
}

it('counts by file and prints a table', () => {
  expect(render([column(['passed', 'passed', 'skipped', 'warned'])])).toBe(
    ['passed/failed/skipped  core-noble', 'a.json                 3/0/1', 'total                  3/0/1'].join('\n'),
  );
});

it('lets a clean column pass, and a skip where one is allowed', () => {
  expect(complaints(column(['passed', 'warned']))).toEqual([]);
  expect(complaints(column(['passed', 'skipped'], { maySkip: true }))).toEqual([]);
});

it.each([
  ['a failure', column(['passed', 'failed']), '1 failed'],
  ['a skip by core', column(['passed', 'skipped']), '1 skipped'],
  ['a harness that broke', column(['passed'], { status: 2 }), 'exit 2'],
  ['a harness without cases', column([]), 'no case'],
])('refuses %s', (_, tried, why) => {
  expect(complaints(tried)[0]).toContain(why);
});

afterEach(() => vi.restoreAllMocks());

it('shows why the harness refuses to run once, and ends with its status', async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue();
  const folder = mkdtempSync(join(tmpdir(), 'tridcomm-tools-'));
  const harness = join(folder, 'harness.mjs');
  writeFileSync(harness, 'console.error(`no option ${process.argv.at(-3)}`); process.exitCode = 2;');
  const tested = ['test-one', 'test-two'].map((name) => ({ name, command: ['x'] }));
  expect(await main(['--bogus'], { harness, tested })).toBe(2);
  expect(log.mock.calls).toEqual([['no option --bogus']]);
  rmSync(folder, { recursive: true });
});

it('counts an adapter that is not on this machine as one skip', async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue();
  const tested = [{ name: 'test-missing', command: ['/nowhere/python3'], mayMiss: true }];
  expect(await main([], { tested })).toBe(0);
  expect(log.mock.calls.at(0)).toEqual(['SKIP test-missing: no /nowhere/python3 on this machine']);
  expect(log.mock.calls.at(-1)).toEqual(['0 passed, 0 failed, 1 skipped']);
});
