import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { help } from '../src/help.ts';
import { defaultVectorsDir, loadVectors } from '../src/load-vectors.ts';
import { matches } from '../src/patterns.ts';
import { closing, group, invalidCase, run, temporaryFile, validCase, vectorFile, writeVectors } from './support.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const [, adapter = ''] = /```python\n(.*?)```/s.exec(readme) ?? [];
const noPython = spawnSync('python3', ['--version']).status !== 0;
if (noPython) console.log('SKIP the adapter in the README passes: no python3');

it('the adapter in the README has no more than 30 lines', () => {
  expect(adapter.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
});

it.skipIf(noPython)('the adapter in the README passes', async () => {
  const decoder = [
    validCase('varint/decode/1', { bytes: '05' }, { value: '5' }),
    validCase('varint/decode/2', { bytes: 'ffffffffffffff0f' }, { value: '9007199254740991' }),
    invalidCase('varint/decode/3', { bytes: '8500' }, ['E_ENCODING']),
    invalidCase('varint/decode/4', { bytes: '85' }, ['E_ENCODING']),
    invalidCase('varint/decode/5', { bytes: '' }, ['E_ENCODING']),
    invalidCase('varint/decode/6', { bytes: '0500' }, ['E_ENCODING']),
    invalidCase('varint/decode/7', { bytes: 'ffffffffffffff10' }, ['E_ENCODING']),
  ];
  const vectors = writeVectors({
    'varint.json': vectorFile('varint', [
      group('varint.decode', decoder, { feature: 'codec' }),
      group('varint.encode', [validCase('varint/encode/1', { value: '5' }, { bytes: '05' })], { feature: 'codec' }),
    ]),
  });
  const path = temporaryFile('adapter.py', adapter);
  const outcome = await run(
    'vectors',
    '--vectors-dir',
    vectors,
    '--strict-errors',
    '--validate',
    '--',
    'python3',
    path,
  );
  expect(closing(outcome)).toBe('7 passed, 0 failed, 1 skipped');
  expect(outcome.out).toContain('SKIP 1: op varint.encode is not known');
});

const texts = [
  ['README', readme],
  ['--help', help],
] as const;

it.each(texts)('the ids and patterns of the %s exist', async (_, text) => {
  const { cases } = await loadVectors(defaultVectorsDir());
  const named = text.match(/(?<![\w/.-])(?:framing|topics|varint|\*)\/[\w*/-]+/g) ?? [];
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((pattern) => !cases.some(({ test }) => matches(pattern, test.id)))).toEqual([]);
});

it.each(texts)('the cases and answers of the %s are those of the vectors', async (_, text) => {
  const { cases } = await loadVectors(defaultVectorsDir());
  const lines = [...text.matchAll(/^ *(?:->|<-) (\{.*?\})(?: {2,}.*)?$/gm)].map(
    ([, json = '']) =>
      JSON.parse(json) as { id?: string; op?: string; in?: unknown; out?: unknown; error?: { code: string } },
  );
  const about = lines.filter(({ id }) => id !== undefined);
  expect(about.length).toBeGreaterThan(1);
  for (const { id, op, in: input, out, error } of about) {
    const { group: of, test } = cases.find((vector) => vector.test.id === id) ?? {};
    if (op !== undefined) expect({ op, input }).toEqual({ op: of?.op, input: test?.in });
    if (out !== undefined) expect(out).toEqual(test?.out);
    if (error !== undefined) expect(error.code).toBe(test?.error?.[0]);
  }
});
