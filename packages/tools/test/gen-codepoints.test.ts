import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { generate, stale } from '../src/gen-codepoints.mjs';
import { fixture } from './fixture.ts';

const folder = 'spec/v1/registries';
const output = 'packages/core/src/codepoints';
const frameTypes = {
  registry: 'frame-types',
  summary: 'Types of frames.',
  codeBits: 8,
  entries: [
    { code: 16, name: 'envelope', status: 'reserved', summary: 'One envelope.', section: 'framing.12' },
    { code: 1, name: 'ping', summary: 'Ends */ nothing.' },
  ],
};

async function textOf(registry: { registry: string; [member: string]: unknown }): Promise<string> {
  const { files, problems } = await generate(fixture({ [`${folder}/${registry.registry}.json`]: registry }));
  expect(problems).toEqual([]);
  return files.get(`${output}/${registry.registry}.gen.ts`) ?? '';
}

async function problemsOf(registry: { registry: string; [member: string]: unknown }): Promise<string[]> {
  return (await generate(fixture({ [`${folder}/${registry.registry}.json`]: registry }))).problems;
}

it('writes a table of codes', async () => {
  expect(await textOf(frameTypes))
    .toBe(`// Generated from ${folder}/frame-types.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Types of frames. */
export const frameTypes = {
  /** Reserved. One envelope. (framing.12) */
  envelope: 0x10,
  /** Ends *\\/ nothing. */
  ping: 0x01,
} as const;

/** A code of {@link frameTypes}. */
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];
`);
});

it('writes codes of 16 bits', async () => {
  expect(await textOf({ ...frameTypes, codeBits: 16 })).toContain('envelope: 0x0010,');
});

it('writes flags as numbers of bits', async () => {
  expect(await textOf({ registry: 'flags', codeBits: 16, entries: [{ code: 9, name: 'multi' }] })).toContain(
    'multi: 9,',
  );
});

it('writes the kinds of patterns as whole bytes', async () => {
  const kinds = [{ code: 3, name: 'data' }];
  const text = await textOf({
    registry: 'patterns',
    codeBits: 4,
    entries: [{ code: 2, name: 'pubSub', kinds }],
  });
  expect(text).toContain('pubSub: 0x2,');
  expect(text).toMatch(/export const patternKinds = \{\s+pubSub: \{\s+data: 0x23,\s+\},\s+\} as const;/);
});

it('writes labels, limits and errors', async () => {
  expect(await textOf({ registry: 'labels', entries: [{ name: 'keyId', text: 'keyid' }] })).toContain(
    "keyId: 'keyid',",
  );
  const cap = { name: 'cap', value: 1048576, unit: 'bytes' };
  expect(await textOf({ registry: 'limits', entries: [cap] })).toContain('cap: 1_048_576,');
  const aead = { name: 'E_AEAD', kind: 'AuthenticationError', summary: 'It’s refused.', outward: true };
  const errors = await textOf({ registry: 'errors', entries: [aead] });
  expect(errors).toContain("E_AEAD: { kind: 'AuthenticationError', summary: 'It’s refused.', outward: true },");
  expect(errors).toContain('export type ErrorCode = keyof typeof errorTable;');
});

it.each([
  [
    'a code that stands twice',
    [
      { code: 1, name: 'a' },
      { code: 1, name: 'b' },
    ],
    'code 1 stands twice',
  ],
  [
    'a name that stands twice',
    [
      { code: 1, name: 'a' },
      { code: 2, name: 'a' },
    ],
    'name a stands twice',
  ],
  [
    'a label that stands twice',
    [
      { name: 'a', text: 'x' },
      { name: 'b', text: 'x' },
    ],
    'text "x" stands twice',
  ],
  [
    'a kind that stands twice',
    [
      {
        code: 1,
        name: 'a',
        kinds: [
          { code: 0, name: 'x' },
          { code: 0, name: 'y' },
        ],
      },
    ],
    'code a.0 stands twice',
  ],
  ['a code too wide', [{ code: 256, name: 'a' }], 'code of a is no integer of 8 bits'],
  ['a limit too large', [{ name: 'a', value: 2 ** 53 }], 'value of a is past 2^53-1'],
])('refuses %s', async (_, entries, why) => {
  expect(await problemsOf({ registry: 'suites', entries })).toEqual([`${folder}/suites.json: ${why}`]);
});

it('holds registries to their schema', async () => {
  const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', required: ['section'] };
  const root = fixture({ [`${folder}/registry.schema.json`]: schema, [`${folder}/frame-types.json`]: frameTypes });
  const { files, problems } = await generate(root);
  expect(problems).toEqual([`${folder}/frame-types.json: / must have required property 'section'`]);
  expect(files.size).toBe(0);
});

it('finds tables that are missing, changed or orphaned', async () => {
  const root = fixture({ [`${folder}/frame-types.json`]: frameTypes, [`${output}/gone.gen.ts`]: '' });
  const { files } = await generate(root);
  expect(stale(root, files)).toEqual([`${output}/frame-types.gen.ts: stale`, `${output}/gone.gen.ts: no registry`]);
  for (const [path, text] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  expect(stale(root, files)).toEqual([`${output}/gone.gen.ts: no registry`]);
  writeFileSync(join(root, output, 'frame-types.gen.ts'), `${files.get(`${output}/frame-types.gen.ts`)} `);
  expect(stale(root, files)).toContain(`${output}/frame-types.gen.ts: stale`);
});
