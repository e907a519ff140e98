import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, it } from 'vitest';

import { exampleFiles, fixture, group, validCase, vectorFile, writeVectors } from './support.ts';

const harness = fileURLToPath(new URL('..', import.meta.url));
const bin = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

describe('the built program', () => {
  beforeAll(() => {
    const manifest = JSON.parse(readFileSync(`${harness}package.json`, 'utf8')) as { scripts: { build: string } };
    const path = `${fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url))}:${process.env['PATH']}`;
    execFileSync('sh', ['-c', manifest.scripts.build], { cwd: harness, env: { ...process.env, PATH: path } });
  });

  it('has a shebang and is executable', () => {
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    accessSync(bin, constants.X_OK);
  });

  it.each([
    ['correct', 0],
    ['wrong-answer', 1],
    ['no-hello', 2],
  ])('against the adapter %s ends with status %i', (name, status) => {
    const args = ['vectors', '--vectors-dir', writeVectors(), '--timeout', '1000', '--', ...fixture(name)];
    expect(spawnSync(bin, args).status).toBe(status);
  });

  it('finds the vectors package by itself', () => {
    const { stderr } = spawnSync(bin, ['vectors', '--run', 'no/such/case', '--', 'x'], { encoding: 'utf8' });
    expect(stderr).toMatch(/vectors\/v1\/manifest\.json|--run no\/such\/case matches no case/);
  });

  it('runs a file of 600 cases', () => {
    const cases = Array.from({ length: 600 }, (_, n) =>
      validCase(`many/${n}`, { bytes: 'ab'.repeat(500) }, { bytes: 'ab'.repeat(500) }),
    );
    const directory = writeVectors({ ...exampleFiles(), 'many.json': vectorFile('many', [group('echo.run', cases)]) });
    const { stdout } = spawnSync(bin, ['vectors', '--vectors-dir', directory, '--', ...fixture('correct')], {
      encoding: 'utf8',
    });
    expect(stdout).toContain('704 passed, 0 failed, 0 skipped');
  });
});
