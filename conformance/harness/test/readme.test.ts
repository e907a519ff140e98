import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { closing, group, invalidCase, run, temporaryFile, validCase, vectorFile, writeVectors } from './support.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

it('the adapter in the README passes, and has no more than 30 lines', async () => {
  const [, adapter = ''] = /```python\n(.*?)```/s.exec(readme) ?? [];
  expect(adapter.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
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
