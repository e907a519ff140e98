import { describe, expect, it } from 'vitest';

import { closing, failedIds, fixture, reportOf, run, temporaryFile, writeVectors } from './support.ts';

const vectors = writeVectors();
const withList = (adapter: string, list: string, ...options: readonly string[]): ReturnType<typeof run> =>
  run(
    'vectors',
    '--vectors-dir',
    vectors,
    '--known-failing',
    temporaryFile('list', list),
    ...options,
    '--',
    ...fixture(adapter),
  );

describe('--known-failing', () => {
  it('lets a listed case fail, and shows the reason', async () => {
    const outcome = await withList('wrong-answer', '# why\n\nvarint/decode/0001  off by one, issue 7\n');
    expect(outcome.status).toBe(0);
    expect(outcome.out).toContain('KNOWN varint/decode/0001: off by one, issue 7 (out.value: expected 5, got 6)');
    expect(closing(outcome)).toBe('103 passed, 0 failed, 0 skipped (1 failed as expected)');
  });

  it('does not hide other failures', async () => {
    const outcome = await withList(
      'accepts-all',
      'varint/** not built\n',
      '--run',
      'varint/**',
      '--run',
      'echo/many/0001',
    );
    expect(outcome.status).toBe(1);
    expect(closing(outcome)).toBe('0 passed, 1 failed, 0 skipped (4 failed as expected)');
  });

  it('fails the run when a listed case passes', async () => {
    const outcome = await withList('wrong-answer', 'varint/decode/* none\n', '--json');
    expect(outcome.status).toBe(1);
    expect(failedIds(outcome)).toEqual([1, 2, 3, 4].map((n) => `varint/decode/000${n}`));
    expect(reportOf(outcome).summary).toMatchObject({ failed: 3, expectedFailures: 1 });
    expect(reportOf(outcome).results[1]?.reason).toMatch(/^passes, but is listed as known failing at .*list:1$/);
  });

  it('fails the run when a listed case passes with a warning', async () => {
    expect(await withList('wrong-code', 'varint/decode/0003 code not mapped\n')).toMatchObject({ status: 1 });
  });

  it('gives exit status 2 when a pattern matches no case', async () => {
    const outcome = await withList('wrong-answer', 'varint/decode/0001 off by one\nvarint/encode/** gone\n');
    expect(outcome).toMatchObject({ status: 2, out: '' });
    expect(outcome.err).toMatch(/list:2: varint\/encode\/\*\* matches no selected case/);
  });

  it('gives exit status 2 when a pattern matches only cases that --skip takes away', async () => {
    const outcome = await withList('wrong-answer', 'varint/decode/0001 off by one\n', '--skip', 'varint/**');
    expect(outcome.status).toBe(2);
  });

  it('gives exit status 2 when the file is missing', async () => {
    const outcome = await run(
      'vectors',
      '--vectors-dir',
      vectors,
      '--known-failing',
      '/nowhere/list',
      '--',
      ...fixture('correct'),
    );
    expect(outcome.status).toBe(2);
    expect(outcome.err).toContain("can't read the known-failing file");
  });
});
