import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkPrivateDirectory,
  makePrivateDirectory,
  readPrivateFile,
  replaceFile,
} from '../../src/authority/private-files.ts';
import { readContent, writeContent, type StateContent } from '../../src/authority/state-content.ts';
import { StateVault } from '../../src/authority/state-file.ts';
import { createKeyFile, passphraseOf, readKeyFile, readPassphraseFile } from '../../src/authority/state-secret.ts';
import { codeOf, secret, temporaryDirectory } from './world.ts';

const content = Buffer.from('what an authority must not forget');

describe('state under a key file', () => {
  it('comes back, and never as the same bytes', async () => {
    const vault = await StateVault.create(secret);
    const [first, second] = [vault.seal(content), vault.seal(content)];
    expect(Buffer.from(first).includes(content)).toBe(false);
    // Neither salt nor nonce are used twice; what follows from the secret stays.
    expect(first.subarray(0, 44)).toEqual(second.subarray(0, 44));
    expect(first.subarray(44, 76)).not.toEqual(second.subarray(44, 76));
    expect(first.subarray(76, 88)).not.toEqual(second.subarray(76, 88));
    const opened = await StateVault.open(secret, first);
    expect(Buffer.from(opened.content).equals(content)).toBe(true);
    const again = await StateVault.open(secret, opened.vault.seal(new Uint8Array(0)));
    expect(again.content).toHaveLength(0);
  });

  it('is refused when any byte is another', async () => {
    const file = (await StateVault.create(secret)).seal(content);
    const codes = new Map<string, Set<string>>();
    for (let at = 0; at < file.length; at++) {
      const damaged = file.slice();
      damaged[at]! ^= 0x01;
      const region = regions.findLast(([start]) => at >= start)![1];
      const code = await codeOf(() => StateVault.open(secret, damaged));
      codes.set(region, (codes.get(region) ?? new Set()).add(code ?? 'accepted'));
    }
    const found = Object.fromEntries([...codes].map(([region, set]) => [region, [...set].toSorted()]));
    expect(found).toEqual({
      magic: ['E_ENCODING'],
      version: ['E_VERSION'],
      // From 2 to 3; that from 2 to 1 is below.
      kdf: ['E_ENCODING'],
      zeros: ['E_ENCODING'],
      length: ['E_LENGTH'],
      salt: ['E_KEY'],
      check: ['E_KEY'],
      fileSalt: ['E_AEAD'],
      nonce: ['E_AEAD'],
      ciphertext: ['E_AEAD'],
      tag: ['E_AEAD'],
    });
    const other = file.slice();
    other[5] = 1;
    expect(await codeOf(() => StateVault.open(secret, other))).toBe('E_KEY');
  });

  it('is refused when it is cut off or longer', async () => {
    const file = (await StateVault.create(secret)).seal(content);
    for (let length = 0; length < file.length; length++) {
      expect(await codeOf(() => StateVault.open(secret, file.subarray(0, length)))).toBe('E_LENGTH');
    }
    expect(await codeOf(() => StateVault.open(secret, Buffer.concat([file, Buffer.alloc(1)])))).toBe('E_LENGTH');
  });

  it('is not opened by another key', async () => {
    const file = (await StateVault.create(secret)).seal(content);
    const other = { kind: 'keyFile', key32: new Uint8Array(32).fill(8) } as const;
    expect(await codeOf(() => StateVault.open(other, file))).toBe('E_KEY');
    expect(await codeOf(() => StateVault.open(passphraseOf('seven seven'), file))).toBe('E_KEY');
  });

  const regions: readonly [number, string][] = [
    [0, 'magic'],
    [4, 'version'],
    [5, 'kdf'],
    [6, 'zeros'],
    [8, 'length'],
    [12, 'salt'],
    [28, 'check'],
    [44, 'fileSalt'],
    [76, 'nonce'],
    [88, 'ciphertext'],
    [88 + content.length, 'tag'],
  ];
});

describe('state under a passphrase', () => {
  it('opens with it, however its letters were typed, and with no other', { timeout: 120_000 }, async () => {
    const vault = await StateVault.create(passphraseOf('caf\u00e9 du nord'));
    const file = vault.seal(content);
    const opened = await StateVault.open(passphraseOf('cafe\u0301 du nord'), file);
    expect(Buffer.from(opened.content).equals(content)).toBe(true);
    expect(await codeOf(() => StateVault.open(passphraseOf('cafe du nord'), file))).toBe('E_KEY');
    expect(await codeOf(() => StateVault.open(secret, file))).toBe('E_KEY');
    expect(await codeOf(() => passphraseOf(''))).toBe('E_USAGE');
  });
});

describe('content of the state', () => {
  const whole: StateContent = {
    snapshot: Uint8Array.of(1, 2, 3),
    handedOutSeq: 7,
    archivedSeq: Number.MAX_SAFE_INTEGER,
    serviceSeed32: new Uint8Array(32).fill(1),
    certifier: { certificate: Uint8Array.of(4), privateKey: Uint8Array.of(5, 6) },
  };

  it('comes back', () => {
    expect(readContent(writeContent(whole))).toEqual(whole);
    expect(readContent(writeContent({ ...whole, certifier: undefined }))).toEqual({ ...whole, certifier: undefined });
  });

  it('is refused when it is cut off, longer, of another version, or says a number that is none', async () => {
    const bytes = writeContent(whole);
    for (let length = 0; length < bytes.length; length++) {
      expect(await codeOf(() => readContent(bytes.subarray(0, length)))).toBe('E_LENGTH');
    }
    expect(await codeOf(() => readContent(Buffer.concat([bytes, Buffer.alloc(1)])))).toBe('E_LENGTH');
    const changed = (at: number, byte: number) => Object.assign(bytes.slice(), { [at]: byte });
    expect(await codeOf(() => readContent(changed(0, 0)))).toBe('E_ENCODING');
    expect(await codeOf(() => readContent(changed(7, 9)))).toBe('E_VERSION');
    expect(await codeOf(() => readContent(changed(15, 0xff)))).toBe('E_LIMIT');
  });
});

describe('key files', () => {
  it('hold 32 bytes, as they are or in base64, and are for one user', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'key');
    const made = createKeyFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readKeyFile(path)).toEqual(made);
    expect(await codeOf(() => createKeyFile(path))).toBe('E_USAGE');
    writeFileSync(path, Buffer.alloc(32, 9));
    expect(readKeyFile(path)).toEqual({ kind: 'keyFile', key32: new Uint8Array(32).fill(9) });
    for (const wrong of ['', 'A'.repeat(42), 'A'.repeat(45), `${'A'.repeat(42)}*=`, 'x'.repeat(5_000)]) {
      writeFileSync(path, wrong);
      expect(await codeOf(() => readKeyFile(path)), wrong.slice(0, 50)).toBe(
        wrong.length > 4_096 ? 'E_LIMIT' : 'E_KEY',
      );
    }
    for (const mode of [0o640, 0o604, 0o660, 0o602]) {
      chmodSync(path, mode);
      expect(await codeOf(() => readKeyFile(path))).toBe('E_USAGE');
    }
    expect(await codeOf(() => readKeyFile(join(directory, 'none')))).toBe('E_USAGE');
    expect(await codeOf(() => readKeyFile(directory))).toBe('E_USAGE');
    expect(await codeOf(() => createKeyFile(join(directory, 'none', 'key')))).toBe('E_USAGE');
  });

  it('may hold a passphrase', async () => {
    const path = join(temporaryDirectory(), 'passphrase');
    writeFileSync(path, 'correct horse \n', { mode: 0o600 });
    expect(readPassphraseFile(path)).toEqual({ kind: 'passphrase', passphrase: 'correct horse ' });
    writeFileSync(path, '\n');
    expect(await codeOf(() => readPassphraseFile(path))).toBe('E_USAGE');
  });
});

describe('private files', () => {
  it('are replaced as a whole, for their owner alone', async () => {
    const directory = join(temporaryDirectory(), 'a', 'b');
    makePrivateDirectory(directory);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    makePrivateDirectory(directory);
    const path = join(directory, 'file');
    // What a crash left, open to all.
    writeFileSync(`${path}.new`, 'half', { mode: 0o666 });
    replaceFile(path, Buffer.from('one'));
    replaceFile(path, Buffer.from('two'));
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => statSync(`${path}.new`)).toThrow();
    mkdirSync(join(directory, 'taken'));
    expect(() => replaceFile(join(directory, 'taken'), Buffer.from('x'))).toThrow(/could not be written/);
    expect(await codeOf(() => readPrivateFile(path, 2))).toBe('E_LIMIT');
  });

  it('are refused where others may come to them', async () => {
    const directory = temporaryDirectory();
    checkPrivateDirectory(directory);
    for (const mode of [0o750, 0o705, 0o711]) {
      chmodSync(directory, mode);
      expect(await codeOf(() => checkPrivateDirectory(directory))).toBe('E_USAGE');
      expect(await codeOf(() => makePrivateDirectory(directory))).toBe('E_USAGE');
    }
    chmodSync(directory, 0o700);
    symlinkSync(directory, join(directory, 'link'));
    expect(await codeOf(() => checkPrivateDirectory(join(directory, 'link')))).toBe('E_USAGE');
    expect(await codeOf(() => checkPrivateDirectory(join(directory, 'none')))).toBe('E_USAGE');
    writeFileSync(join(directory, 'file'), '');
    expect(await codeOf(() => makePrivateDirectory(join(directory, 'file')))).toBe('E_USAGE');
  });
});
