import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

import { exampleFiles, fixture, group, invalidCase, run, validCase, vectorFile, writeVectors } from './support.ts';

const load = (path: string): ValidateFunction => {
  const schema = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as object;
  return new Ajv2020({ allowUnionTypes: true, strictRequired: false, allErrors: true }).compile(schema);
};

describe('vectors.schema.json', () => {
  const check = load('../../vectors/schema/vectors.schema.json');
  const valid = validCase('a/b/1', { x: 1 }, { x: 1 });
  const invalid = invalidCase('a/b/1', { x: 1 }, ['E_X']);
  const accepts = (test: object, more: object = {}): boolean =>
    check({ ...vectorFile('a', [group('a.b', [test as typeof valid])]), ...more });

  it('accepts the files of these tests', () => {
    for (const file of Object.values(exampleFiles())) expect(check(file), JSON.stringify(check.errors)).toBe(true);
    expect(accepts(valid)).toBe(true);
    expect(accepts({ ...invalid, from: 'a/b/2', withdrawn: 'was wrong' })).toBe(true);
  });

  it.each([
    ['an unknown member', { ...valid, colour: 'red' }],
    ['null inside in', { ...valid, in: { x: [null] } }],
    ['a fraction inside out', { ...valid, out: { x: { y: 1.5 } } }],
    ['an integer above 2^32', { ...valid, in: { x: 2 ** 32 + 1 } }],
    ['a valid case without out', { ...valid, out: undefined }],
    ['a valid case with an error', { ...valid, error: ['E_X'] }],
    ['an invalid case without an error', { ...invalid, error: undefined }],
    ['an invalid case with out', { ...invalid, out: {} }],
    ['an invalid case with no code', { ...invalid, error: [] }],
    ['a case without a requirement', { ...valid, spec: [] }],
    ['an id of one part', { ...valid, id: 'a' }],
    ['an unknown result', { ...valid, result: 'acceptable' }],
  ])('refuses %s', (_, test) => {
    expect(accepts(JSON.parse(JSON.stringify(test)) as object)).toBe(false);
  });

  it('refuses unknown members of the file', () => {
    expect(accepts(valid, { generator: 'x' })).toBe(false);
  });
});

describe('manifest.schema.json', () => {
  const check = load('../../vectors/schema/manifest.schema.json');
  const manifest = JSON.parse(readFileSync(join(writeVectors(), 'manifest.json'), 'utf8')) as { files: object[] };

  it('accepts the manifest of these tests', () => {
    expect(check(manifest), JSON.stringify(check.errors)).toBe(true);
  });

  it('refuses unknown members and paths that lead out of the folder', () => {
    expect(check({ ...manifest, date: 'today' })).toBe(false);
    expect(check({ ...manifest, files: [{ ...manifest.files[0], path: '../x.json' }] })).toBe(false);
  });
});

describe('protocol.schema.json', () => {
  const check = load('../protocol.schema.json');

  it('accepts each line that the harness writes', async () => {
    const vectors = writeVectors();
    const log = join(vectors, 'log');
    await run('vectors', '--vectors-dir', vectors, '--', ...fixture('recording', log));
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 104 + 1);
    for (const line of [...lines, '{"cmd":"bye"}']) expect(check(JSON.parse(line)), line).toBe(true);
  });

  it('refuses a line of no kind', () => {
    expect(check({ cmd: 'start' })).toBe(false);
    expect(check({ cmd: 'bye', id: 'a' })).toBe(false);
  });
});
