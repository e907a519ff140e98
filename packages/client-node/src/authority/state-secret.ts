import { hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { fileError, readPrivateFile, syncDirectory, writeAll } from './private-files.ts';

/** What the state of an authority is encrypted under. */
export type StateSecret =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'keyFile'; readonly key32: Uint8Array };

/**
 * The secret of a key file: 32 bytes, as they are or in base64.
 *
 * @throws TridcommError `E_USAGE` where it cannot be read, or others may read it; `E_KEY` for anything else in it
 */
export function readKeyFile(path: string): StateSecret {
  const bytes = readPrivateFile(path, mostKeyFileBytes);
  if (bytes.length === 32) return { kind: 'keyFile', key32: bytes };
  const text = Buffer.from(bytes).toString('latin1').trim();
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(text)) throw new TridcommError('E_KEY', `${path} does not hold 32 bytes`);
  return { kind: 'keyFile', key32: new Uint8Array(Buffer.from(text, 'base64')) };
}

/**
 * Makes a key file with a fresh key, in base64.
 *
 * @throws TridcommError `E_USAGE` where it cannot be made, or is there
 */
export function createKeyFile(path: string): StateSecret {
  const key32 = new Uint8Array(randomBytes(32));
  try {
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeAll(file, Buffer.from(`${Buffer.from(key32).toString('base64')}\n`));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    syncDirectory(dirname(path));
  } catch (error) {
    throw fileError(error, `key file ${path}`);
  }
  return { kind: 'keyFile', key32 };
}

/**
 * The passphrase in a file: its text without the end of the line.
 *
 * @throws TridcommError `E_USAGE` where it cannot be read, or others may read it, or for an empty one
 */
export function readPassphraseFile(path: string): StateSecret {
  const bytes = readPrivateFile(path, mostKeyFileBytes);
  return passphraseOf(
    Buffer.from(bytes)
      .toString('utf8')
      .replace(/\r?\n$/, ''),
  );
}

/** @throws TridcommError `E_USAGE` for an empty one */
export function passphraseOf(passphrase: string): StateSecret {
  if (passphrase === '') throw new TridcommError('E_USAGE', 'empty passphrase');
  return { kind: 'passphrase', passphrase };
}

/**
 * The 32 bytes that the keys of one state file come from. For a passphrase this takes a moment and 128 MiB, and is meant to.
 *
 * @param salt16 - of the file
 */
export async function rootKeyOf(secret: StateSecret, salt16: Uint8Array): Promise<Uint8Array> {
  if (secret.kind === 'keyFile') return expand(secret.key32, salt16, 'tridcomm authority key file', 32);
  // The same text typed on two systems may come in two forms.
  const text = secret.passphrase.normalize('NFC');
  return await new Promise((resolve, reject) => {
    scrypt(text, salt16, 32, scryptCost, (error, key) => {
      if (error === null) resolve(new Uint8Array(key));
      else reject(error);
    });
  });
}

/** HKDF-SHA-256. */
export function expand(key: Uint8Array, salt: Uint8Array, info: string, lengthBytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, info, lengthBytes));
}

const scryptCost = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 };
const mostKeyFileBytes = 4_096;
