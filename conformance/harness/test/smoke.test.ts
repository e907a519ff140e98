import { describe, expect, it } from 'vitest';

import { closing, fixture, run, writeVectors } from './support.ts';

const vectors = writeVectors();
const smoke = (name: string): ReturnType<typeof run> => run('smoke', '--vectors-dir', vectors, '--', ...fixture(name));

describe('smoke', () => {
  it('runs a valid and an invalid case of the codec and the first case of another file', async () => {
    const outcome = await smoke('correct');
    expect(outcome.status).toBe(0);
    expect(closing(outcome)).toBe('3 passed, 0 failed, 0 skipped');
    expect((await smoke('accepts-all')).out.match(/^FAIL \S+/gm)).toEqual([
      'FAIL varint/decode/0001:',
      'FAIL varint/decode/0003:',
      'FAIL echo/many/0000:',
    ]);
  });

  it('gives exit status 1 for a failing case, 2 when nothing was run', async () => {
    expect(await smoke('wrong-answer')).toMatchObject({ status: 1 });
    expect(await smoke('skips-all')).toMatchObject({ status: 2 });
  });

  it('checks lines against the schema', async () => {
    expect((await smoke('null-member')).out).toContain('error.detail must be string');
  });
});
