import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { closing, failedIds, fixture, reportOf, run, temporaryFile, writeVectors } from './support.ts';

const vectors = writeVectors();
const against = (command: readonly string[], ...options: readonly string[]): ReturnType<typeof run> =>
  run('vectors', '--vectors-dir', vectors, ...options, '--', ...command);

describe('a crash', () => {
  it('in a full window fails exactly the culprit, and the run goes on', async () => {
    const outcome = await against(fixture('crashing', 'echo/many/0030'));
    expect(outcome.status).toBe(1);
    expect(closing(outcome)).toBe('103 passed, 1 failed, 0 skipped');
    expect(outcome.out).toContain('FAIL echo/many/0030');
    expect(outcome.out).toContain('got        no answer');
    expect(outcome.out).toContain('why        the adapter exited with status 3');
    expect(outcome.out).toContain('stderr     | about to die on echo/many/0030');
  });

  it('on several cases fails each of them', async () => {
    const culprits = ['varint/decode/0001', 'echo/many/0000', 'echo/many/0063', 'echo/many/0064', 'echo/many/0099'];
    const outcome = await against(fixture('crashing', ...culprits), '--json');
    expect(failedIds(outcome)).toEqual(culprits);
  });

  it('that no case causes alone fails the first of those in flight, and says so', async () => {
    const outcome = await against(
      fixture('crashing-in-a-crowd'),
      '--run',
      'echo/many/000*',
      '--run',
      'echo/many/001*',
      '--json',
    );
    expect(failedIds(outcome)).toEqual(['echo/many/0000']);
    expect(reportOf(outcome).results[0]?.reason).toContain('exited with status 4 while it had 20 cases, each of which');
  });

  it('with nothing in flight is blamed on a case rather than passed over', async () => {
    const outcome = await against(fixture('crashing-late'), '--json');
    expect(outcome.status).toBe(1);
    expect(failedIds(outcome)).toHaveLength(1);
  });
});

describe('a hang', () => {
  it('of the whole adapter fails exactly the culprit', async () => {
    const outcome = await against(fixture('hanging'), '--timeout', '1500');
    expect(outcome.status).toBe(1);
    expect(closing(outcome)).toBe('103 passed, 1 failed, 0 skipped');
    expect(outcome.out).toContain('FAIL echo/many/0030');
    expect(outcome.out).toContain('why        the adapter gave no answer within 1500 ms');
    expect(outcome.out).toContain('stderr     | thinking hard');
  });

  it('of one case while others are answered fails exactly the culprit', async () => {
    expect(failedIds(await against(fixture('hanging-quietly'), '--timeout', '1500', '--json'))).toEqual([
      'echo/many/0030',
    ]);
  });

  it('is not what a slow but steady adapter does', async () => {
    expect(await against(fixture('slow-but-steady'), '--timeout', '1000')).toMatchObject({ status: 0 });
  });

  it('of an adapter behind a shell does not leave a process behind', async () => {
    const pidFile = temporaryFile('pid', '');
    // In the background stdin would be /dev/null, so it is passed on by hand.
    const script = `exec 3<&0; ${fixture('hanging').join(' ')} <&3 & echo $! > ${pidFile}; wait`;
    const outcome = await against(['sh', '-c', script], '--timeout', '1500', '--json');
    expect(failedIds(outcome)).toEqual(['echo/many/0030']);
    expect(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0)).toThrow('ESRCH');
  });
});

it('closing stdin fails exactly the case that causes it', async () => {
  const outcome = await against(fixture('deaf'), '--timeout', '1500', '--json');
  expect(failedIds(outcome)).toEqual(['echo/many/0000']);
});

describe('an adapter that breaks down 10 times in a row', () => {
  const broken = 'adapter broken: it crashed, hung or wrote broken lines 10 times in a row';

  it('by crashes is given up with exit status 2, and the report has the results so far', async () => {
    const ids = Array.from({ length: 100 }, (_, n) => `echo/many/${`${n}`.padStart(4, '0')}`);
    const junit = temporaryFile('r.xml', '');
    const outcome = await against(fixture('crashing', ...ids), '--report-junit', junit);
    expect(outcome.status).toBe(2);
    // The first breakdown is that of a full window, which is nobody's yet.
    expect(closing(outcome)).toBe('4 passed, 9 failed, 91 skipped');
    expect(outcome.out).toContain('SKIP 91: not run: adapter broken\n');
    expect(outcome.err).toContain(broken);
    expect(readFileSync(junit, 'utf8')).toContain('tests="104" failures="9" errors="0" skipped="91"');
  });

  it('by time-outs is given up too', async () => {
    const outcome = await against(fixture('mute'), '--timeout', '1500', '--run', 'echo/**');
    expect(outcome.status).toBe(2);
    expect(closing(outcome)).toBe('0 passed, 9 failed, 91 skipped');
    expect(outcome.err).toContain(broken);
  });

  it('is not one that answers a case in between', async () => {
    const ids = Array.from({ length: 12 }, (_, n) => `echo/many/${`${2 * n}`.padStart(4, '0')}`);
    const outcome = await against(fixture('crashing', ...ids), '--json');
    expect(outcome.status).toBe(1);
    expect(failedIds(outcome)).toEqual(ids);
  });
});

describe('a last line without a line feed', () => {
  const remark = '(its last line has no line feed: "{\\"id\\":\\"varint/decode/0002\\"';

  it.each([
    ['exits', [], 'the adapter exited with status 0'],
    ['stays', ['stay'], 'the adapter gave no answer within 1500 ms'],
  ])('is told of when the adapter %s', async (_, args, why) => {
    const outcome = await against(fixture('no-line-feed', ...args), '--timeout', '1500', '--json');
    expect(failedIds(outcome)).toEqual(['varint/decode/0002']);
    expect(reportOf(outcome).results[1]?.reason).toContain(`${why} ${remark}`);
  });

  it('after the last answer fails the case before it', async () => {
    const outcome = await against(fixture('garbage-at-the-end', 'without line feed'), '--json');
    expect(failedIds(outcome)).toEqual(['echo/many/0099']);
    expect(reportOf(outcome).results.at(-1)?.reason).toContain('(its last line has no line feed: "good bye")');
  });
});

describe('garbage on stdout', () => {
  it('fails exactly the case that causes it, and the line is named', async () => {
    const outcome = await against(fixture('garbage'), '--json');
    expect(failedIds(outcome)).toEqual(['echo/many/0030']);
    const reason = reportOf(outcome).results.find(({ result }) => result === 'failed')?.reason;
    expect(reason).toMatch(/wrote what is no JSON object in line \d+: "debug: I am here"/);
  });

  it('after the last answer fails the case before it', async () => {
    const outcome = await against(fixture('garbage-at-the-end'), '--json');
    expect(failedIds(outcome)).toEqual(['echo/many/0099']);
    expect(reportOf(outcome).results.at(-1)?.reason).toContain('"good bye"');
  });

  it('of more than 16 MiB in one line is refused', async () => {
    const outcome = await against(fixture('endless-line'), '--json');
    expect(failedIds(outcome)).toEqual(['echo/many/0030']);
    expect(reportOf(outcome).results.find(({ result }) => result === 'failed')?.reason).toContain(
      'wrote a line of more than 16777216 bytes',
    );
  });
});
