import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { junitReport } from '../src/junit-report.ts';
import { textReport } from '../src/text-report.ts';
import type { Run } from '../src/index.ts';
import {
  closing,
  fixture,
  group,
  invalidCase,
  reportOf,
  run,
  temporaryDirectory,
  temporaryFile,
  validCase,
  vectorFile,
  writeVectors,
} from './support.ts';

const vectors = writeVectors();

describe('reports', () => {
  it('give the same numbers as text, JSON and JUnit', async () => {
    const directory = temporaryDirectory();
    const list = temporaryFile('list', 'varint/decode/0001 off by one\n');
    const options = ['--known-failing', list, '--skip', 'echo/many/009*', '--name', 'other'];
    options.push('--report-json', join(directory, 'r.json'), '--report-junit', join(directory, 'r.xml'));
    const outcome = await run('vectors', '--vectors-dir', vectors, ...options, '--', ...fixture('wrong-answer'));
    expect(closing(outcome)).toBe('93 passed, 0 failed, 10 skipped (1 failed as expected)');
    const report = reportOf({ ...outcome, out: readFileSync(join(directory, 'r.json'), 'utf8') });
    expect(report).toMatchObject({
      schema: 'tridcomm-report/1',
      implementation: { name: 'other', version: '1.2.3', language: 'js', features: ['core'] },
      vectorsVersion: '1.2.0',
      strictErrors: false,
      summary: { passed: 93, failed: 0, skipped: 10, warned: 0, expectedFailures: 1 },
    });
    expect(report.results).toHaveLength(104);
    expect(report.results[0]).toMatchObject({
      id: 'varint/decode/0001',
      file: 'varint.json',
      result: 'failed',
      expected: true,
    });
    expect(report.results[1]).toEqual({
      id: 'varint/decode/0002',
      file: 'varint.json',
      result: 'passed',
      ms: expect.any(Number),
    });
    const xml = readFileSync(join(directory, 'r.xml'), 'utf8');
    expect(xml).toMatch(
      /<testsuites name="other 1.2.3" tests="104" failures="0" errors="0" skipped="10" time="[\d.]+">/,
    );
    expect(xml).toMatch(/<testsuite name="more\/echo.json" tests="100" failures="0" errors="0" skipped="10"/);
    expect(xml.match(/<testcase /g)).toHaveLength(104);
    expect(xml.match(/<skipped /g)).toHaveLength(10);
  });

  it.each(['--report-json', '--report-junit'])(
    '%s without its folder gives exit status 2 before the run',
    async (option) => {
      for (const folder of [temporaryFile('file', ''), join(temporaryDirectory(), 'none')]) {
        const path = join(folder, 'report');
        const outcome = await run('vectors', '--vectors-dir', vectors, option, path, '--', ...fixture('correct'));
        expect(outcome).toMatchObject({ status: 2, out: '' });
        expect(outcome.err).toContain(`can't write the report ${path}: there is no folder ${folder}`);
        expect(existsSync(path)).toBe(false);
      }
    },
  );

  it('that can not be written give exit status 2', async () => {
    const path = temporaryDirectory();
    const outcome = await run('vectors', '--vectors-dir', vectors, '--report-json', path, '--', ...fixture('correct'));
    expect(outcome.status).toBe(2);
    expect(outcome.err).toContain("can't write the report");
  });
});

const nasty = 'a<b>&"\'\u0000\u001B[31m\uD800 ]]>';

function nastyRun(): Run {
  const test = { ...invalidCase('a/b/1', { bytes: 'ab'.repeat(500) }, ['E_X']), comment: 'plain' };
  const vector = { file: 'a.json', group: group('a.b', [test]), test };
  return {
    implementation: { name: `x${nasty}`, version: '1', language: 'c', features: [] },
    vectorsVersion: '1.0.0',
    strictErrors: true,
    results: [
      { case: vector, result: 'failed', reason: nasty, ms: 1.5, got: { error: { code: nasty } }, stderr: ['<log>'] },
    ],
  };
}

describe('what an adapter wrote', () => {
  it('is escaped in JUnit', () => {
    const xml = junitReport(nastyRun());
    const escaped = 'a&#60;b&#62;&#38;&#34;&#39;\u{FFFD}\u{FFFD}[31m\u{FFFD} ]]&#62;';
    expect(xml).toContain(`<failure message="${escaped}"/>\n<system-err>&#60;log&#62;</system-err>`);
    expect(xml).toContain(`<testsuites name="x${escaped} 1"`);
  });

  it('can not put control characters on the terminal, and long values are cut', () => {
    const text = textReport(nastyRun(), false);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(text).toMatch(/bytes = "(ab)+a?… \(1002 characters\)\n/);
  });

  it('is painted only if colour is on', () => {
    expect(textReport(nastyRun(), true)).toContain('\u001B[31mFAIL\u001B[39m a/b/1');
  });
});

describe('table', () => {
  it('merges reports into a matrix of files and implementations', async () => {
    const mixed = writeVectors({
      'varint.json': vectorFile('varint', [
        group('varint.decode', [
          validCase('v/1', { bytes: '05' }, { value: 5 }),
          validCase('v/2', { bytes: '05' }, { value: 4 }),
        ]),
      ]),
      'pq.json': vectorFile('pq', [group('echo.run', [validCase('pq/1', {}, {})], { feature: 'pq' })]),
    });
    const directory = temporaryDirectory();
    const [first, second] = [join(directory, '1.json'), join(directory, '2.json')];
    await run(
      'vectors',
      '--vectors-dir',
      vectors,
      '--skip',
      'echo/many/009*',
      '--report-json',
      first,
      '--',
      ...fixture('correct'),
    );
    await run('vectors', '--vectors-dir', mixed, '--name', 'a|b', '--report-json', second, '--', ...fixture('correct'));
    expect(await run('table', first, second)).toEqual({
      status: 0,
      err: '',
      out: `|                | fixture 1.2.3     | a\\|b 1.2.3     |
| -------------- | ----------------- | -------------- |
| language       | js                | js             |
| vectors        | 1.2.0             | 1.2.0          |
| varint.json    | 4/4               | 1/2            |
| more/echo.json | 90/90, 10 skipped | -              |
| pq.json        | -                 | -              |
| all            | 94/94, 10 skipped | 1/2, 1 skipped |
`,
    });
  });

  it.each([
    ['no JSON', 'no'],
    ['another schema', '{"schema":"x"}'],
  ])('refuses %s with exit status 2', async (_, text) => {
    const outcome = await run('table', temporaryFile('report.json', text));
    expect(outcome).toMatchObject({ status: 2, out: '' });
    expect(outcome.err).toContain("can't read the report");
  });
});
