import { describe, expect, it } from 'vitest';

import { loadLineCheck } from '../src/line-check.ts';
import { failedIds, fixture, reportOf, run, writeVectors } from './support.ts';

const vectors = writeVectors();

describe('--validate', () => {
  it('passes a correct adapter', async () => {
    expect(await run('vectors', '--vectors-dir', vectors, '--validate', '--', ...fixture('correct'))).toMatchObject({
      status: 0,
    });
  });

  it('fails a case whose answer has a null member, and names the member', async () => {
    const command = ['--json', '--', ...fixture('null-member')];
    expect(await run('vectors', '--vectors-dir', vectors, ...command)).toMatchObject({ status: 0 });
    const outcome = await run('vectors', '--vectors-dir', vectors, '--validate', ...command);
    expect(outcome.status).toBe(1);
    expect(failedIds(outcome)).toEqual(['varint/decode/0003']);
    expect(reportOf(outcome).results[2]?.reason).toBe('the answer is against the schema: error.detail must be string');
  });

  it.each([
    [{ id: 'a' }, 'must have exactly one of out, error and skip'],
    [{ id: 'a', out: {}, skip: 'x' }, 'must have exactly one of out, error and skip'],
    [{ id: 'a', out: { x: null } }, 'out.x must be'],
    [{ id: 'a', out: { x: [{ y: 0.5 }] } }, 'out.x.0.y must be'],
    [{ id: 'a', out: { x: 2 ** 33 } }, 'out.x must be <= 4294967296'],
    [{ id: 'a', out: [] }, 'out must be object'],
    [{ id: 'a', error: {} }, "error must have required property 'code'"],
    [{ id: 'a', error: { code: 'bad' } }, 'error.code must match pattern'],
    [{ id: 'a', error: { code: 'E_X', extra: 'x' } }, 'error.extra is not in the schema'],
    [{ id: 'a', out: {}, took: 3 }, 'took is not in the schema'],
    [{ id: 'a', out: {}, issue: 'url' }, 'must have property skip when property issue is present'],
    [{ id: 'a', skip: '' }, 'skip must NOT have fewer than 1 characters'],
  ])('finds what is wrong with %j', async (line, message) => {
    const check = await loadLineCheck();
    expect(check('runReply', line)).toContain(message);
  });
});
