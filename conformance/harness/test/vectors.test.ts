import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  closing,
  failedIds,
  fixture,
  group,
  invalidCase,
  reportOf,
  run,
  validCase,
  vectorFile,
  writeVectors,
} from './support.ts';

const vectors = writeVectors();
const against = (name: string, ...options: readonly string[]): ReturnType<typeof run> =>
  run('vectors', '--vectors-dir', vectors, ...options, '--', ...fixture(name));

describe('a correct adapter', () => {
  it('passes with exit status 0', async () => {
    const outcome = await against('correct');
    expect(closing(outcome)).toBe('104 passed, 0 failed, 0 skipped');
    expect(outcome).toMatchObject({ status: 0, err: '' });
  });

  it('may answer out of order', async () => {
    expect(await against('out-of-order')).toMatchObject({ status: 0 });
  });

  it('is told to reset between files, with nothing in flight', async () => {
    const log = join(writeVectors({}), 'log');
    await run('vectors', '--vectors-dir', vectors, '--', ...fixture('recording', log));
    const lines = readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { cmd: string }).cmd);
    expect(lines.slice(0, 7)).toEqual(['hello', 'run', 'run', 'run', 'run', 'reset', 'run']);
    expect(lines.filter((cmd) => cmd === 'reset')).toHaveLength(1);
  });
});

describe('a wrong answer', () => {
  it('fails with exit status 1, and the report shows input, expected, got, why, spec and stderr', async () => {
    const outcome = await against('wrong-answer');
    expect(outcome.status).toBe(1);
    expect(outcome.out).toBe(`fixture 1.2.3 (js), vectors 1.2.0

FAIL varint/decode/0001: as it should be
  spec       framing.4
  from       varint.json, op varint.decode
  in         bytes = "05"
  expected   value = 5
  got        {"out":{"value":6}}
  why        out.value: expected 5, got 6
  stderr     | adding one, for good luck

103 passed, 1 failed, 0 skipped
`);
  });

  it('is an accepted input that must be refused', async () => {
    const outcome = await against('accepts-all', '--run', 'varint/decode/0003');
    expect(outcome.out).toContain('expected   refusal by the layer frame with E_ENCODING or E_LIMIT');
    expect(outcome.out).toContain('accepted what must be refused');
    expect(outcome.status).toBe(1);
  });

  it('is a refused input that must be accepted', async () => {
    const outcome = await against('refuses-all', '--run', 'varint/decode/0001');
    expect(outcome.out).toContain('refused with E_ENCODING what must be accepted');
    expect(outcome.status).toBe(1);
  });

  it('is a member that is not expected, unless the group says extraOut', async () => {
    const directory = writeVectors({
      'a.json': vectorFile('a', [
        group('echo.run', [validCase('a/strict/1', { x: 1 }, { x: 1 })]),
        group('echo.run', [validCase('a/open/1', { x: 1 }, { x: 1 })], { extraOut: true }),
      ]),
    });
    const outcome = await run('vectors', '--vectors-dir', directory, '--json', '--', ...fixture('extra-member'));
    expect(failedIds(outcome)).toEqual(['a/strict/1']);
    expect(reportOf(outcome).results[0]?.reason).toBe('out.extra: not expected, got "yes"');
  });

  it('is a reply with both out and skip', async () => {
    const outcome = await against('two-answers-in-one', '--json');
    expect(failedIds(outcome)).toEqual(['varint/decode/0001']);
    expect(reportOf(outcome).results[0]?.reason).toContain('exactly one of out, error and skip');
  });

  it('is a second answer to one case', async () => {
    const outcome = await against('twice', '--json');
    expect(failedIds(outcome)).toEqual(['echo/many/0030']);
  });
});

describe('a wrong error code', () => {
  it('warns and passes', async () => {
    const outcome = await against('wrong-code');
    expect(outcome.status).toBe(0);
    expect(outcome.out).toContain('WARN varint/decode/0003: refused with E_OTHER instead of E_ENCODING or E_LIMIT');
    expect(closing(outcome)).toBe('104 passed, 0 failed, 0 skipped (1 passed with a warning)');
  });

  it('fails with --strict-errors', async () => {
    const outcome = await against('wrong-code', '--strict-errors', '--json');
    expect(outcome.status).toBe(1);
    expect(failedIds(outcome)).toEqual(['varint/decode/0003']);
  });

  it('is no listed code, but with --strict-errors each code except the first', async () => {
    expect(closing(await against('second-code'))).toBe('104 passed, 0 failed, 0 skipped');
    const strict = await against('second-code', '--strict-errors', '--json');
    expect(failedIds(strict)).toEqual(['varint/decode/0003']);
    expect(reportOf(strict).results[2]?.reason).toBe(
      'refused with E_LIMIT instead of E_ENCODING, the first listed code, which --strict-errors requires',
    );
  });
});

describe('skipping', () => {
  it('counts cases of a feature that is not offered, unknown ops and withdrawn cases, with the reason', async () => {
    const directory = writeVectors({
      'a.json': vectorFile('a', [
        group('echo.run', [validCase('a/core/1', { x: 1 }, { x: 1 })]),
        group('echo.run', [{ ...validCase('a/core/2', { x: 1 }, { x: 2 }), withdrawn: 'was wrong' }]),
        group('echo.run', [validCase('a/pq/1', { x: 1 }, { x: 1 }), validCase('a/pq/2', {}, {})], { feature: 'pq' }),
        group('strange.op', [validCase('a/strange/1', { x: 1 }, { x: 1 })]),
      ]),
    });
    const outcome = await run('vectors', '--vectors-dir', directory, '--', ...fixture('correct'));
    expect(outcome.status).toBe(0);
    expect(outcome.out).toContain('SKIP 2: feature pq not offered\n');
    expect(outcome.out).toContain('SKIP 1: op not known\n');
    expect(outcome.out).toContain('SKIP 1: withdrawn: was wrong\n');
    expect(closing(outcome)).toBe('1 passed, 0 failed, 4 skipped');
  });

  it('of all cases is no green run: exit status 2', async () => {
    const outcome = await against('skips-all');
    expect(outcome.status).toBe(2);
    expect(outcome.out).toContain('SKIP 104: nothing is built yet');
    expect(outcome.err).toContain('no case was run');
  });
});

describe('--run and --skip', () => {
  it('select by pattern, repeatedly', async () => {
    const outcome = await against('correct', '--run', 'varint/**', '--run', 'echo/*/000*', '--skip', '*/*/0004');
    expect(outcome.out).toContain('SKIP 2: --skip */*/0004\n');
    expect(closing(outcome)).toBe('12 passed, 0 failed, 2 skipped');
  });

  it.each(['--run', '--skip'])('%s with a pattern that matches nothing gives exit status 2', async (option) => {
    const outcome = await against('correct', option, 'varnit/**');
    expect(outcome).toMatchObject({ status: 2, out: '' });
    expect(outcome.err).toContain(`${option} varnit/** matches no case`);
  });
});

describe('damaged vectors are refused with exit status 2', () => {
  const refusal = async (directory: string): Promise<string> => {
    const outcome = await run('vectors', '--vectors-dir', directory, '--', ...fixture('correct'));
    expect(outcome).toMatchObject({ status: 2, out: '' });
    return outcome.err;
  };
  const editManifest = (directory: string, edit: (text: string) => string): void => {
    const path = join(directory, 'manifest.json');
    writeFileSync(path, edit(readFileSync(path, 'utf8')));
  };

  it('a changed file', async () => {
    const directory = writeVectors();
    appendFileSync(join(directory, 'varint.json'), '\n');
    expect(await refusal(directory)).toContain('varint.json: changed since the manifest was written');
  });

  it('a missing file', async () => {
    const directory = writeVectors();
    editManifest(directory, (text) => text.replace('varint.json', 'gone.json'));
    expect(await refusal(directory)).toContain('gone.json');
  });

  it.each([
    ['"numberOfTests":4', '"numberOfTests":5', 'should have 5 tests, by the manifest, has 4'],
    ['"valid":2', '"valid":3', 'should have 3 valid tests, has 2'],
    ['"invalid":2', '"invalid":1', 'should have 1 invalid tests, has 2'],
    ['manifest/1', 'manifest/2', 'schema is not tridcomm-vectors-manifest/1'],
  ])('a manifest with %s changed to %s', async (from, to, message) => {
    const directory = writeVectors();
    editManifest(directory, (text) => text.replace(from, to));
    expect(await refusal(directory)).toContain(message);
  });

  it('a file whose own count is wrong', async () => {
    const file = { ...vectorFile('a', [group('echo.run', [validCase('a/1', {}, {})])]), numberOfTests: 2 };
    expect(await refusal(writeVectors({ 'a.json': file }))).toContain(
      'should have 2 tests, by its own numberOfTests, has 1',
    );
  });

  it('an id that is used twice', async () => {
    const twice = [validCase('a/1', {}, {}), invalidCase('a/1', {}, ['E_LENGTH'])];
    const file = vectorFile('a', [group('echo.run', twice)]);
    expect(await refusal(writeVectors({ 'a.json': file }))).toContain('the id a/1 is used twice');
  });

  it('a directory without a manifest', async () => {
    expect(await refusal('/nowhere')).toContain("can't read the vectors");
  });
});

describe('the command line', () => {
  it.each([
    [[], 'name a mode'],
    [['vector'], 'there is no mode vector'],
    [['vectors'], 'name the adapter after --'],
    [['vectors', '--'], 'name the adapter after --'],
    [['vectors', '--fast', '--', 'x'], '--fast'],
    [['vectors', 'stray', '--', 'x'], 'stray'],
    [['vectors', '--timeout', '5s', '--', 'x'], '--timeout 5s is no number of milliseconds'],
    [['smoke', '--strict-errors', '--', 'x'], '--strict-errors'],
    [['table'], 'name the JSON reports'],
    [['table', '--html', 'x'], 'table has no option --html'],
  ])('%j is a usage error: exit status 2', async (argv, message) => {
    const outcome = await run(...argv);
    expect(outcome).toMatchObject({ status: 2, out: '' });
    expect(outcome.err).toContain(message);
    expect(outcome.err).toContain('Try: tridcomm-conformance --help');
  });

  it.each([[['--help']], [['vectors', '--help']], [['smoke', '-h', '--', 'x']]])('%j teaches', async (argv) => {
    const outcome = await run(...argv);
    expect(outcome).toMatchObject({ status: 0, err: '' });
    for (const word of ['vectors', 'smoke', 'table', '"cmd":"hello"', '--known-failing', 'Exit status']) {
      expect(outcome.out).toContain(word);
    }
  });

  it.each([[['--version']], [['vectors', '--version', '--', 'x']]])('%j prints the version', async (argv) => {
    const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    expect(await run(...argv)).toEqual({ status: 0, out: `${version}\n`, err: '' });
  });

  it('gives options after -- to the adapter', async () => {
    const outcome = await run(
      'vectors',
      '--vectors-dir',
      vectors,
      '--',
      ...fixture('crashing', '--help', 'echo/many/0001'),
    );
    expect(outcome.out).toContain('about to die on echo/many/0001');
  });
});
