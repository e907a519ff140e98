import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  createKeyFile,
  passphraseOf,
  readKeyFile,
  readPassphraseFile,
  type StateSecret,
} from '../authority/state-secret.ts';
import { askSecret, CommandLineError, type AuthorityIo } from './authority-io.ts';

/**
 * The secret of a state: of the key file that was named, of the file that the environment names, or typed at a terminal. Never of the command
 * line, which others can read.
 *
 * @throws CommandLineError where there is none of them; TridcommError those of `readKeyFile` and `readPassphraseFile`
 */
export async function secretOf(io: AuthorityIo, keyFile: string | undefined): Promise<StateSecret> {
  const given = secretOfFiles(io, keyFile, readKeyFile);
  if (given !== undefined) return given;
  checkTerminal(io);
  return passphraseOf(await askSecret(io, 'Passphrase of the authority: '));
}

/**
 * As {@link secretOf}, for a new state: a key file that is not there is made, and a passphrase is asked for twice.
 *
 * @throws as {@link secretOf}; CommandLineError for a passphrase that is too short, or typed in two ways
 */
export async function newSecretOf(io: AuthorityIo, keyFile: string | undefined): Promise<StateSecret> {
  const given = secretOfFiles(io, keyFile, (path) => (existsSync(path) ? readKeyFile(path) : createKeyFile(path)));
  if (given !== undefined) return checked(given);
  checkTerminal(io);
  const passphrase = await askSecret(io, 'New passphrase of the authority: ');
  const secret = checked(passphraseOf(passphrase));
  if ((await askSecret(io, 'Once more: ')) !== passphrase) throw new CommandLineError('the two are not the same');
  return secret;
}

function secretOfFiles(
  { env, cwd }: AuthorityIo,
  keyFile: string | undefined,
  read: (path: string) => StateSecret,
): StateSecret | undefined {
  const passphraseFile = env[passphraseVariable];
  if (keyFile !== undefined && passphraseFile !== undefined) {
    throw new CommandLineError(`both --key-file and ${passphraseVariable} are given`);
  }
  if (keyFile !== undefined) return read(resolve(cwd, keyFile));
  return passphraseFile === undefined ? undefined : readPassphraseFile(resolve(cwd, passphraseFile));
}

function checkTerminal({ stdin }: AuthorityIo): void {
  if (stdin.isTTY === true) return;
  throw new CommandLineError(`no passphrase: there is no terminal, no --key-file and no ${passphraseVariable}`);
}

function checked(secret: StateSecret): StateSecret {
  if (secret.kind === 'passphrase' && secret.passphrase.length < leastCharacters) {
    throw new CommandLineError(`a passphrase has at least ${leastCharacters} characters`);
  }
  return secret;
}

const passphraseVariable = 'TRIDCOMM_PASSPHRASE_FILE';
const leastCharacters = 12;
