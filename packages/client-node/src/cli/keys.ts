import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { TridcommError, type ClientStore } from '@tridcomm/core';
import { decodePrincipalRecord, hexOf, objectKinds, parseObject } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { replaceFile } from '../authority/private-files.ts';
import { readSignRequest } from '../authority/sign-request.ts';
import { random } from '../client/random.ts';
import { enrol } from '../client/enrol.ts';
import { FileStore } from '../store/file-store.ts';
import { identityIn, identityOf, names, ownRecordOf, parseAuthorityId } from '../store/identity-store.ts';
import { UsageError, write, type CliIo } from './cli-io.ts';

/** What a command says: lines for people, and the same for programs. */
interface Said {
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
}

/** `tridcomm keys`: makes identities, shows them, and lets an authority give them a name. */
export async function keys(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      identity: { type: 'string' },
      authority: { type: 'string' },
      tls: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const [command = 'show', ...words] = positionals;
  const directory = resolve(io.cwd, values.identity ?? defaultDirectory);
  const said = await run(command, words, directory, values);
  await write(io, values.json === true ? `${JSON.stringify(said.json)}\n` : `${said.lines.join('\n')}\n`);
  return 0;
}

async function run(
  command: string,
  words: readonly string[],
  directory: string,
  values: { readonly authority?: string | undefined; readonly tls?: boolean | undefined },
): Promise<Said> {
  switch (command) {
    case 'show':
      checkWords(words, 0, 'nothing');
      return show(lookAt(directory), directory);
    case 'create':
      checkWords(words, 0, 'nothing');
      return withStore(directory, (store) => {
        identityIn(store, nodeProvider, random);
        return show(store, directory);
      });
    case 'enrol': {
      checkWords(words, 2, 'the socket of an authority, and a name');
      const [socket, name] = words as [string, string];
      const { authority, tls = false } = values;
      await enrol(directory, socket, name, { tls, ...(authority !== undefined && { authorityId: authority }) });
      return show(FileStore.look(directory), directory);
    }
    case 'sign':
      checkWords(words, 1, 'a request');
      return sign(lookAt(directory), words[0]!);
    case 'record':
      checkWords(words, 1, 'a record in hex');
      return withStore(directory, (store) => takeRecord(store, words[0]!, values.authority));
    case 'key-record':
      checkWords(words, 0, 'nothing');
      return withStore(directory, makeKeyRecord);
    default:
      throw new UsageError(`unknown command ${JSON.stringify(command)}`);
  }
}

/** @throws TridcommError `E_USAGE` where there is no identity */
function lookAt(directory: string): ClientStore {
  if (existsSync(directory)) return FileStore.look(directory);
  throw new TridcommError('E_USAGE', `there is no identity in ${directory}: tridcomm keys create makes one there`);
}

function show(store: ClientStore, directory: string): Said {
  const { key, createdMs } = identityOf(store, nodeProvider, random);
  const record = ownRecordOf(store, nodeProvider, key.keyId32);
  const authorityPath = join(directory, authorityFile);
  const authorityId = existsSync(authorityPath) ? readFileSync(authorityPath, 'utf8').trim() : undefined;
  const json = {
    identity: directory,
    publicKey: hexOf(key.publicKey32),
    keyId: hexOf(key.keyId32),
    created: new Date(createdMs).toISOString(),
    ...(record !== undefined && { name: record.name, validUntil: new Date(record.notAfterMs).toISOString() }),
    ...(authorityId !== undefined && { authorityId }),
  };
  const lines = [
    `identity    ${directory}`,
    `public key  ${json.publicKey}`,
    `key id      ${json.keyId}`,
    record === undefined ? 'name        none yet: no authority has issued a record' : `name        ${record.name}`,
    ...(record === undefined ? [] : [`valid until ${json.validUntil}`]),
    ...(authorityId === undefined ? [] : [`authority   ${authorityId}`]),
  ];
  return { lines, json };
}

/** Says what is signed, by its own reading of the request. */
function sign(store: ClientStore, request: string): Said {
  const { key } = identityOf(store, nodeProvider, random);
  const { authorityId32, record, signInput } = readSignRequest(nodeProvider, request);
  if (Buffer.compare(record.key.keyId32, key.keyId32) !== 0) {
    throw new TridcommError(
      'E_BINDING',
      `the request is for key ${hexOf(record.key.keyId32)}, this is ${hexOf(key.keyId32)}`,
    );
  }
  const signature = hexOf(key.sign(signInput));
  const json = {
    name: record.name,
    authorityId: hexOf(authorityId32),
    validUntil: new Date(record.notAfterMs).toISOString(),
    signature,
  };
  const lines = [
    `as          ${record.name}`,
    `authority   ${json.authorityId}`,
    `until       ${json.validUntil}`,
    `signature   ${signature}`,
  ];
  return { lines, json };
}

/** Keeps the record that an authority issued, and which authority it was. */
function takeRecord(store: FileStore, hex: string, authority: string | undefined): Said {
  const { key } = identityOf(store, nodeProvider, random);
  const bytes = bytesOf(hex);
  const object = parseObject(nodeProvider, bytes, objectKinds.principalRecord);
  const record = decodePrincipalRecord(nodeProvider, object);
  if (Buffer.compare(record.key.keyId32, key.keyId32) !== 0)
    throw new TridcommError('E_BINDING', 'record of another key');
  const authorityId32 = authority === undefined ? object.authorityId32 : parseAuthorityId(authority, '--authority');
  if (Buffer.compare(authorityId32, object.authorityId32) !== 0) {
    throw new TridcommError('E_BINDING', `record of authority ${hexOf(object.authorityId32)}`);
  }
  store.put(names.record, bytes);
  replaceFile(join(store.directory, authorityFile), Buffer.from(`${hexOf(authorityId32)}\n`));
  return show(store, store.directory);
}

/** Makes the record by which others seal to this identity. What it needs is stored before it is shown. */
function makeKeyRecord(store: FileStore): Said {
  const identity = identityOf(store, nodeProvider, random);
  const own = ownRecordOf(store, nodeProvider, identity.key.keyId32);
  if (own === undefined) throw new TridcommError('E_USAGE', 'no authority has issued a record for this identity yet');
  const record = hexOf(identity.keyRecord(own.object.authorityId32, own.serial, Date.now()));
  store.put(names.identity, identity.export());
  return { lines: [record], json: { keyRecord: record } };
}

function withStore<T>(directory: string, act: (store: FileStore) => T): T {
  const store = FileStore.open(directory);
  try {
    return act(store);
  } finally {
    store.close();
  }
}

function checkWords(words: readonly string[], count: number, wanted: string): void {
  if (words.length !== count) throw new UsageError(`${words.length} arguments; ${wanted} is taken`);
}

function bytesOf(hex: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(hex)) throw new UsageError('record that is not hex');
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

const authorityFile = 'authority-id';
const defaultDirectory = 'tridcomm-identity';
