import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll } from 'vitest';

import { main } from '../src/main.ts';
import type { Report, VectorFile, VectorGroup, VectorTest } from '../src/index.ts';

/** A fresh directory that goes when the test file is done. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tridcomm-conformance-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Writes a file into a fresh directory and gives its path. */
export function temporaryFile(name: string, text: string): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, text);
  return path;
}

/** The command line of an adapter in `fixtures/`. */
export function fixture(name: string, ...args: readonly string[]): string[] {
  return [process.execPath, fileURLToPath(new URL(`fixtures/${name}.mjs`, import.meta.url)), ...args];
}

/** What one call of the program gave. */
export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Calls the program in this process; the adapter is a process of its own. */
export async function run(...argv: readonly string[]): Promise<Outcome> {
  let out = '';
  let err = '';
  const console = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    colour: false,
  };
  return { status: await main(argv, console), out, err };
}

/** The last line of a text report. */
export function closing({ out }: Outcome): string | undefined {
  return out.trimEnd().split('\n').at(-1);
}

/** The JSON report of a call with `--json`. */
export function reportOf({ out }: Outcome): Report {
  return JSON.parse(out) as Report;
}

/** The ids of the failed cases of a call with `--json`. */
export function failedIds(outcome: Outcome): string[] {
  return reportOf(outcome).results.flatMap(({ id, result }) => (result === 'failed' ? [id] : []));
}

/** Writes vector files and their manifest into a fresh directory and gives its path. */
export function writeVectors(files: Readonly<Record<string, VectorFile>> = exampleFiles()): string {
  const directory = temporaryDirectory();
  const entries = Object.entries(files).map(([path, file]) => {
    const text = JSON.stringify(file, undefined, 1);
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), text);
    const tests = file.groups.flatMap((group) => group.tests);
    const valid = tests.filter(({ result }) => result === 'valid').length;
    const sha256 = createHash('sha256').update(text).digest('hex');
    return { path, sha256, numberOfTests: tests.length, valid, invalid: tests.length - valid };
  });
  const manifest = {
    schema: 'tridcomm-vectors-manifest/1',
    vectorsVersion: '1.2.0',
    specVersion: '1.0',
    files: entries,
  };
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
  return directory;
}

/** 4 cases of a decoder, and 100 cases that are echoed: more than a window holds. */
export function exampleFiles(): Record<string, VectorFile> {
  const many = Array.from({ length: 100 }, (_, index) => {
    const value = { text: `case ${index}`, list: [index, true, { deep: '18446744073709551615' }] };
    return validCase(`echo/many/${`${index}`.padStart(4, '0')}`, value, value);
  });
  return {
    'varint.json': vectorFile('varint', [
      group('varint.decode', [
        validCase('varint/decode/0001', { bytes: '05' }, { value: 5 }),
        validCase('varint/decode/0002', { bytes: '3f' }, { value: 63 }),
        invalidCase('varint/decode/0003', { bytes: '8500' }, ['E_ENCODING', 'E_LIMIT']),
        invalidCase('varint/decode/0004', { bytes: '' }, ['E_LENGTH']),
      ]),
    ]),
    'more/echo.json': vectorFile('echo', [group('echo.run', many)]),
  };
}

/** A vector file around groups. */
export function vectorFile(suite: string, groups: readonly VectorGroup[]): VectorFile {
  return {
    schema: 'tridcomm-vectors/1',
    suite,
    specVersion: '1.0',
    vectorsVersion: '1.2.0',
    numberOfTests: groups.reduce((sum, { tests }) => sum + tests.length, 0),
    notes: {
      NonMinimal: { bugType: 'MALLEABILITY', description: 'A longer form.', effect: 'Two forms.', spec: ['framing.4'] },
    },
    groups,
  };
}

/** A group of the feature `core`, if not told otherwise. */
export function group(op: string, tests: readonly VectorTest[], more: Partial<VectorGroup> = {}): VectorGroup {
  return { id: 'group', op, feature: 'core', tests, ...more };
}

/** A case that must be accepted with `out`. */
export function validCase(id: string, input: VectorTest['in'], out: VectorTest['in']): VectorTest {
  return {
    id,
    since: '1.0.0',
    comment: 'as it should be',
    in: input,
    result: 'valid',
    out,
    flags: [],
    spec: ['framing.4'],
  };
}

/** A case that must be refused with one of the codes. */
export function invalidCase(id: string, input: VectorTest['in'], error: readonly string[]): VectorTest {
  return {
    id,
    since: '1.0.0',
    comment: 'a defect',
    in: input,
    result: 'invalid',
    layer: 'frame',
    error,
    flags: ['NonMinimal'],
    spec: ['framing.4', 'framing.5'],
  };
}
