import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

it.each(['noble', 'node'])('every golden vector passes with the %s provider, and none is skipped', (provider) => {
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      'conformance/harness/dist/cli.js',
      'vectors',
      '--strict-errors',
      '--validate',
      '--json',
      '--',
      process.execPath,
      'packages/core/conformance/dist/adapter.js',
      '--provider',
      provider,
    ],
    { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  const report = JSON.parse(stdout) as {
    summary: { passed: number; failed: number; skipped: number };
    results: { id: string; result: string }[];
  };
  expect(report.results.filter(({ result }) => result !== 'passed')).toEqual([]);
  expect(report.summary.passed).toBeGreaterThan(300);
  expect(status).toBe(0);
});
