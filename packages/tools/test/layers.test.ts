import { expect, it } from 'vitest';
import { breaches } from '../src/layers.mjs';
import { fixture } from './fixture.ts';

const core = 'packages/core/src';

/** A core with one file of each layer that the cases import, and the file under test. */
function core1(path: string, text: string): string[] {
  const empty = 'export {};\n';
  const files = {
    [`${core}/codepoints/limits.gen.ts`]: empty,
    [`${core}/errors.ts`]: empty,
    [`${core}/bytes/reader.ts`]: empty,
    [`${core}/wire/header.ts`]: empty,
    [`${core}/crypto/provider.ts`]: empty,
    [`${core}/replay/window.ts`]: empty,
    [`${core}/envelope/open.ts`]: empty,
    [`${core}/topics/tag.ts`]: empty,
    [`${core}/node/index.ts`]: empty,
  };
  return breaches(fixture({ ...files, [path]: text }));
}

it.each([
  ['envelope/seal.ts', `import { a } from '../wire/header.ts'; import type { B } from '../crypto/provider.ts';`],
  ['envelope/seal.ts', `import { open } from './open.ts';`],
  ['bytes/writer.ts', `import { a } from '../errors.ts'; export * from '../codepoints/limits.gen.ts';`],
  ['crypto/noble.ts', `import { x } from '@noble/curves/ed25519.js';`],
  ['node/provider.ts', `import { x } from 'node:crypto'; import { y } from '../crypto/provider.ts'; process.exit();`],
  ['local/pump.ts', `setTimeout(() => {}, Date.now());`],
  [
    'link/link.ts',
    `export function f(crypto: { getRandomValues(): void }, Date: { now(): number }) { crypto.getRandomValues(); Date.now(); }`,
  ],
  [
    'link/link.ts',
    `export interface Row { readonly at: Date; process: string }\n// Date.now() in a comment\nexport const s = 'Math.random()';`,
  ],
])('lets %s have %s', (file, text) => {
  expect(core1(`${core}/${file}`, text)).toEqual([]);
});

it.each([
  ['bytes/writer.ts', `import { a } from '../wire/header.ts';`, 'bytes stands above wire'],
  ['wire/frame.ts', `import type { A } from '../crypto/provider.ts';`, 'wire and crypto are siblings'],
  ['topics/tag.ts', `export { a } from '../envelope/open.ts';`, 'topics stands above envelope'],
  ['link/link.ts', `export { a } from '../envelope/open.ts';`, 'link and envelope are siblings'],
  ['replay/seen.ts', `export * from '../envelope/open.ts';`, 'replay stands above envelope'],
  ['replay/seen.ts', `const m = await import('../envelope/open.ts');`, 'replay stands above envelope'],
  ['replay/seen.ts', `let a: import('../envelope/open.ts').A;`, 'replay stands above envelope'],
  ['local/pump.ts', `import { a } from '../node/index.ts';`, 'nothing in core imports src/node'],
  ['node/provider.ts', `import { a } from '../wire/header.ts';`, 'node may not import wire'],
  ['envelope/seal.ts', `import { readFileSync } from 'node:fs';`, 'only src/node knows Node'],
  ['envelope/seal.ts', `import { x } from '@noble/hashes/sha2.js';`, 'only src/crypto/noble.ts'],
  ['crypto/noble.ts', `import x from 'lodash';`, 'only @noble'],
  ['envelope/seal.ts', `import { a } from '../../../demo/src/main.ts';`, 'leaves packages/core'],
  ['envelope/seal.ts', `import { a } from '@tridcomm/core';`, 'may not import @tridcomm/core'],
  ['envelope/seal.ts', `import { a } from './missing.ts';`, 'names no file'],
  ['novel/seal.ts', `import { a } from '../errors.ts';`, 'novel has no row'],
  ['replay/seen.ts', `export const now = () => Date.now();`, 'Date is not for core'],
  ['replay/seen.ts', `export const now = () => new Date();`, 'Date is not for core'],
  ['replay/seen.ts', `export const x = Math.random();`, 'Math.random is not for core'],
  ['replay/seen.ts', `export const x = Math['random']();`, 'Math.random is not for core'],
  ['replay/seen.ts', `setTimeout(() => {}, 1);`, 'setTimeout is not for core'],
  ['replay/seen.ts', `export const x = performance.now();`, 'performance is not for core'],
  ['replay/seen.ts', `crypto.getRandomValues(new Uint8Array(1));`, 'crypto is not for core'],
  ['replay/seen.ts', `globalThis.crypto.getRandomValues(new Uint8Array(1));`, 'globalThis is not for core'],
  ['replay/seen.ts', `if (process.env) throw 1;`, 'process is not for core'],
  ['replay/seen.ts', `const { now } = Date;`, 'Date is not for core'],
  ['replay/seen.ts', `const { random } = Math;`, 'Math.random is not for core'],
])('refuses %s to have %s', (file, text, why) => {
  const found = core1(`${core}/${file}`, text);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(why);
  expect(found[0]).toContain(`${core}/${file}:1: `);
});

it('keeps the vector writer independent', () => {
  const root = fixture({
    'conformance/generate/src/good.ts': `import { createHash } from 'node:crypto';`,
    'conformance/generate/src/bad.ts': `import '@tridcomm/core';\nimport '@noble/hashes/sha2.js';\nimport '../../../packages/core/src/errors.ts';`,
  });
  expect(breaches(root)).toEqual([
    'conformance/generate/src/bad.ts:1: conformance/generate may not import @tridcomm/core',
    'conformance/generate/src/bad.ts:2: the vector writer stays independent of the code under test: @noble/hashes/sha2.js',
    'conformance/generate/src/bad.ts:3: ../../../packages/core/src/errors.ts leaves conformance/generate',
  ]);
});
