import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressOf, addressTypes, decodeBundle } from '@tridcomm/core';
import { encodeBundle } from '@tridcomm/core/internal';
import { Archive } from '../../src/authority/archive.ts';
import { StoreError } from '../../src/store/fs-error.ts';
import { codeOf, provider, temporaryDirectory } from './world.ts';

const authorityId32 = new Uint8Array(32).fill(3);
const chainAddress = addressOf(provider, authorityId32, addressTypes.authorityRecord, new Uint8Array(0));
const headAddress = addressOf(provider, authorityId32, addressTypes.head, new Uint8Array(0));
const blockAddress = addressOf(provider, authorityId32, addressTypes.keyBlock, new Uint8Array(16));

const poolAddress = addressOf(provider, authorityId32, addressTypes.poolRecord, new Uint8Array(16));

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const bundle = (...objects: readonly (readonly [Uint8Array, string])[]) =>
  encodeBundle(objects.map(([address16, content]) => ({ address16, bytes: Buffer.from(content, 'latin1') })));
const open = (path: string) => Archive.open(provider, authorityId32, path);
const under = (archive: Archive, address16: Uint8Array) => archive.under(address16).map(text);

describe('an archive', () => {
  it('holds the newest under each address, the whole chain, and the newest few blocks', () => {
    const path = join(temporaryDirectory(), 'archive');
    const archive = open(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    for (let i = 0; i < 12; i++) {
      const ofEpoch = [
        [blockAddress, `TDKB ${i}`],
        [poolAddress, `TDOB\x01\x06 ${i}`],
      ] as const;
      archive.add([bundle([chainAddress, `record ${i}`], [headAddress, `head ${i}`], ...ofEpoch)]);
    }
    const check = (one: Archive) => {
      expect(under(one, headAddress)).toEqual(['head 11']);
      expect(under(one, chainAddress)).toEqual(Array.from({ length: 12 }, (_, i) => `record ${i}`));
      expect(under(one, blockAddress)).toEqual([4, 5, 6, 7, 8, 9, 10, 11].map((i) => `TDKB ${i}`));
      expect(under(one, poolAddress)).toEqual([4, 5, 6, 7, 8, 9, 10, 11].map((i) => `TDOB\x01\x06 ${i}`));
      expect(under(one, new Uint8Array(16))).toEqual([]);
    };
    check(archive);
    archive.close();
    check(open(path));
    const memory = Archive.inMemory(provider, authorityId32);
    memory.add([bundle([headAddress, 'a']), bundle([headAddress, 'b'])]);
    expect(under(memory, headAddress)).toEqual(['b']);
  });

  it('tells what of a bundle is new', () => {
    const path = join(temporaryDirectory(), 'archive');
    const archive = open(path);
    const first = bundle([chainAddress, 'r1'], [headAddress, 'h1']);
    expect(archive.add([first])).toEqual([{ bundle: first, changed: first }]);
    const length = statSync(path).size;
    expect(archive.add([first])).toEqual([{ bundle: first, changed: undefined }]);
    expect(statSync(path).size).toBe(length);
    const second = bundle([chainAddress, 'r1'], [headAddress, 'h2']);
    const { changed } = archive.add([second])[0]!;
    expect(decodeBundle(changed!).map(({ bytes }) => text(bytes))).toEqual(['h2']);
  });

  it('keeps nothing of the arrays that it was given', () => {
    const archive = Archive.inMemory(provider, authorityId32);
    const given = bundle([headAddress, 'h1']);
    archive.add([given]);
    given.fill(0);
    expect(under(archive, headAddress)).toEqual(['h1']);
  });

  it('is written anew when most of it is history', () => {
    const path = join(temporaryDirectory(), 'archive');
    const archive = open(path);
    const filler = 'x'.repeat(200_000);
    const sizes = Array.from({ length: 12 }, (_, i) => {
      archive.add([bundle([headAddress, `${i} ${filler}`])]);
      return statSync(path).size;
    });
    expect(Math.max(...sizes)).toBeLessThan(1_048_576 + 4 * 200_000);
    expect(sizes.some((size, i) => i > 0 && size < sizes[i - 1]!)).toBe(true);
    archive.add([bundle([chainAddress, 'after'])]);
    archive.close();
    expect(under(open(path), headAddress)).toEqual([`11 ${filler}`]);
    expect(under(open(path), chainAddress)).toEqual(['after']);
  });

  it('drops what a crash left half written at its end, wherever it was cut', () => {
    const path = join(temporaryDirectory(), 'archive');
    open(path).add([bundle([headAddress, 'h1'])]);
    const whole = statSync(path).size;
    open(path).add([bundle([headAddress, 'h2'])]);
    const bytes = readFileSync(path);
    for (let length = whole; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length), { mode: 0o600 });
      const archive = open(path);
      expect(under(archive, headAddress), `cut at ${length}`).toEqual(['h1']);
      // And what comes next stands where the half was.
      archive.add([bundle([headAddress, 'h3'])]);
      archive.close();
      expect(under(open(path), headAddress)).toEqual(['h3']);
    }
    writeFileSync(path, bytes);
    // Made longer by a system that lost power before it wrote.
    appendFileSync(path, Buffer.alloc(100));
    expect(under(open(path), headAddress)).toEqual(['h2']);
  });

  it('is refused when a byte before its last entry is another, and never says what was not written', async () => {
    const path = join(temporaryDirectory(), 'archive');
    const archive = open(path);
    archive.add([bundle([headAddress, 'h1'])]);
    const lastAt = statSync(path).size;
    archive.add([bundle([headAddress, 'h2'])]);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x40;
      writeFileSync(path, damaged);
      let found: string[] = [];
      const code = await codeOf(() => {
        found = under(open(path), headAddress);
      });
      const wanted = at < 4 ? 'E_ENCODING' : at < 8 ? 'E_VERSION' : at < 40 ? 'E_BINDING' : 'E_ENCODING';
      if (at < lastAt) expect(code, `byte ${at}`).toBe(wanted);
      else if (code === undefined) expect(found, `byte ${at}`).toEqual(['h1']);
      else expect(code).toBe('E_ENCODING');
    }
    truncateSync(path, 39);
    expect(await codeOf(() => open(path))).toBe('E_LENGTH');
  });

  it('takes nothing that the disk does not take, and goes on when it does again', () => {
    const path = join(temporaryDirectory(), 'archive');
    const archive = open(path);
    archive.add([bundle([headAddress, 'h1'])]);
    archive.close();
    // A directory in its place cannot be written, by root either.
    renameSync(path, `${path}.aside`);
    mkdirSync(path);
    expect(() => archive.add([bundle([headAddress, 'h2'])])).toThrow(StoreError);
    expect(under(archive, headAddress)).toEqual(['h1']);
    rmdirSync(path);
    renameSync(`${path}.aside`, path);
    archive.add([bundle([headAddress, 'h2'])]);
    expect(under(archive, headAddress)).toEqual(['h2']);
    expect(under(open(path), headAddress)).toEqual(['h2']);
  });
});
