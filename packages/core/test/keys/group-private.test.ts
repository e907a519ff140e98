import { expect, it } from 'vitest';
import { nodeProvider } from '@tridcomm/core/node';
import { encodeBody } from '../../src/keys/body.ts';
import { decodeGroupPrivate, encodeGroupPrivate, privateHash } from '../../src/keys/group-private.ts';
import { refusedWith } from '../property/support.ts';
import { groupId16 } from './controller.ts';

const secret32 = new Uint8Array(32).fill(7);
const secrets = [
  { fromPeriod: 9, secret32 },
  { fromPeriod: 0, secret32 },
];
const read = (patterns: string[], topicChains = true, route_secrets = [{ secret32 }]) =>
  refusedWith(() => decodeGroupPrivate(encodeBody('GroupPrivate', { patterns, route_secrets }), topicChains));

it('groups.3 writes the own part in one order and reads it again', () => {
  // U+1F600 stands behind U+FF41 as bytes, and before it as UTF-16.
  const body = encodeGroupPrivate(['b/**', '\u{1F600}', 'ａ', 'a'], secrets);
  const own = decodeGroupPrivate(body, true);
  expect(own.patterns.map(({ text }) => text)).toEqual(['a', 'b/**', 'ａ', '\u{1F600}']);
  expect(own.routeSecrets.map(({ fromPeriod }) => fromPeriod)).toEqual([0, 9]);
  expect(own.body).toBe(body);
});

it('groups.3 refuses patterns that a group cannot have with E_ENCODING', () => {
  expect(read(['a', 'b'])).toBeUndefined();
  expect(read(['**'])).toBeUndefined();
  for (const patterns of [
    ['b', 'a'],
    ['a', 'a'],
    ['a/*'],
    ['*/**'],
    ['**/a'],
    ['a//b'],
    ['a/b/c/d/e/f/g/h/i'],
    ['A\u030a'],
  ]) {
    expect(read(patterns), patterns.join(' ')).toBe('E_ENCODING');
  }
  expect(read(['a/**'], false)).toBe('E_ENCODING');
  expect(read(['a'], true, [{ secret32 }, { secret32 }])).toBe('E_ENCODING');
});

it('groups.3 writes nothing that a member refuses', () => {
  expect(refusedWith(() => encodeGroupPrivate(['a', 'a'], secrets))).toBe('E_USAGE');
  expect(refusedWith(() => encodeGroupPrivate(['a/*'], secrets))).toBe('E_USAGE');
  expect(refusedWith(() => encodeGroupPrivate(['a'], [...secrets, ...secrets]))).toBe('E_USAGE');
  expect(
    refusedWith(() =>
      encodeGroupPrivate(
        Array.from({ length: 257 }, (_, i) => `t${i}`),
        secrets,
      ),
    ),
  ).toBe('E_LIMIT');
});

it('principals.35 has a hash that is bound to the group', () => {
  const body = encodeGroupPrivate(['a'], secrets);
  const expected = nodeProvider.sha256(Buffer.from('tdc1 private\0'), groupId16, body);
  expect(privateHash(nodeProvider, groupId16, body)).toEqual(expected);
  expect(refusedWith(() => privateHash(nodeProvider, body, body))).toBe('E_USAGE');
});
