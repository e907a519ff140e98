import { generateKeyPairSync } from 'node:crypto';
import { join, resolve } from 'node:path';
import { TridcommError, type ClientStore, type CryptoProvider, type Identity } from '@tridcomm/core';
import { decodePrincipalRecord, hexOf, objectKinds, parseObject } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { AdminClient } from '../authority/admin-client.ts';
import { replaceFile } from '../authority/private-files.ts';
import { readSignRequest } from '../authority/sign-request.ts';
import { FileStore } from '../store/file-store.ts';
import { authorityIdOf, identityIn, names, parseAuthorityId, tlsFileNames } from '../store/identity-store.ts';
import type { AuthorityAccess } from './renewals.ts';
import { random } from './random.ts';

/** Adjusts an enrolment. */
export interface EnrolOptions {
  /** The authority that is meant: 64 hex digits. Default the one that the directory names, and for a new directory the one that answers. */
  readonly authorityId?: string;
  /** What the principal is to be: `member`, `broker`, `authority`; default a member. Others need the authority's admin socket. */
  readonly roles?: readonly string[];
  /** Whether a certificate for `tls://` is asked for, which the socket has to allow. */
  readonly tls?: boolean;
}

/** Who somebody is now. */
export interface Enrolled {
  readonly name: string;
  readonly keyId32: Uint8Array;
  readonly authorityId32: Uint8Array;
}

/**
 * Makes an identity, or takes the one that is there, and lets an authority give it a name. The keys are made here and stay here: the authority
 * gets the public ones, and what they signed.
 *
 * @param directory - of the identity; made where there is none
 * @param socket - path of the authority's enrolment socket, or of its other one
 * @param name - what others are to see
 * @throws TridcommError `E_USAGE` for a socket where nobody listens, and for an identity of another authority; `E_BINDING` where the authority has
 *   something else signed than was asked for; AdminRefusal where it refuses
 */
export async function enrol(
  directory: string,
  socket: string,
  name: string,
  options: EnrolOptions = {},
): Promise<Enrolled> {
  const authority = await AdminClient.connect(socket);
  try {
    const store = FileStore.open(directory);
    try {
      const enrolled = await enrolIn(store, authority, name, options);
      store.put(names.socket, Buffer.from(resolve(socket)));
      return enrolled;
    } finally {
      store.close();
    }
  } finally {
    authority.close();
  }
}

async function enrolIn(
  store: FileStore,
  authority: AdminClient,
  name: string,
  { authorityId, roles, tls = false }: EnrolOptions = {},
): Promise<Enrolled> {
  const provider = nodeProvider;
  const { authorityId: foundId } = await authority.request('status');
  const authorityId32 = checkAuthority(store, foundId, authorityId);
  const identity = identityIn(store, provider, random);
  const { keyId32, publicKey32 } = identity.key;
  const { request } = await authority.request('propose', {
    publicKey: hexOf(publicKey32),
    name,
    ...(roles !== undefined && { roles }),
  });
  const signature64 = signed(provider, identity, authorityId32, name, String(request));
  const { record } = await authority.request('enrol', { request, signature: hexOf(signature64) });
  const serial = keepRecord(store, provider, identity, record);
  await handInKeyRecord(store, identity, authority, authorityId32, serial);
  replaceFile(join(store.directory, 'authority-id'), Buffer.from(`${hexOf(authorityId32)}\n`));
  if (tls) await certify(store, authority, keyId32);
  return { name, keyId32, authorityId32 };
}

/** What an identity needs of its authority from time to time, by a socket of that. */
export function accessBy(
  socket: string,
  store: ClientStore,
  identity: Identity,
  authorityId32: Uint8Array,
): AuthorityAccess {
  const ask = async (question: (authority: AdminClient) => Promise<unknown>) => {
    const authority = await AdminClient.connect(socket);
    try {
      await question(authority);
    } finally {
      authority.close();
    }
  };
  return {
    keyRecord: async (record) => ask(async (authority) => authority.request('keyRecord', { record: hexOf(record) })),
    principalRecord: async (name) =>
      ask(async (authority) => takeRecord(store, identity, authority, authorityId32, name)),
  };
}

/** Lets the authority issue a record. @returns its serial */
async function takeRecord(
  store: ClientStore,
  identity: Identity,
  authority: AdminClient,
  authorityId32: Uint8Array,
  name: string,
): Promise<number> {
  const { request } = await authority.request('propose', { publicKey: hexOf(identity.key.publicKey32), name });
  const signature64 = signed(nodeProvider, identity, authorityId32, name, String(request));
  const { record } = await authority.request('enrol', { request, signature: hexOf(signature64) });
  return keepRecord(store, nodeProvider, identity, record);
}

function checkAuthority(store: FileStore, found: unknown, meant: string | undefined): Uint8Array {
  const foundId32 = parseAuthorityId(String(found), 'the answer of the authority');
  const meantId32 = meant === undefined ? authorityIdOf(store) : parseAuthorityId(meant, 'authorityId');
  if (meantId32 !== undefined && Buffer.compare(meantId32, foundId32) !== 0) {
    throw new TridcommError('E_USAGE', `authority ${hexOf(foundId32)} answers, not ${hexOf(meantId32)}`);
  }
  return foundId32;
}

/** What the authority has signed is looked at, not believed. */
function signed(
  provider: CryptoProvider,
  { key }: Identity,
  authorityId32: Uint8Array,
  name: string,
  request: string,
): Uint8Array {
  const read = readSignRequest(provider, request);
  if (
    Buffer.compare(read.authorityId32, authorityId32) !== 0 ||
    Buffer.compare(read.record.key.keyId32, key.keyId32) !== 0 ||
    read.record.name !== name
  ) {
    throw new TridcommError('E_BINDING', 'the authority has something else signed than was asked for');
  }
  return key.sign(read.signInput);
}

/** @returns the serial of the record */
function keepRecord(store: ClientStore, provider: CryptoProvider, { key }: Identity, record: unknown): number {
  const bytes = Uint8Array.from(Buffer.from(String(record), 'hex'));
  const own = decodePrincipalRecord(provider, parseObject(provider, bytes, objectKinds.principalRecord));
  if (Buffer.compare(own.key.keyId32, key.keyId32) !== 0) throw new TridcommError('E_BINDING', 'record of another key');
  store.put(names.record, bytes);
  return own.serial;
}

async function handInKeyRecord(
  store: FileStore,
  identity: Identity,
  authority: AdminClient,
  authorityId32: Uint8Array,
  serial: number,
): Promise<void> {
  const record = identity.keyRecord(authorityId32, serial, Date.now());
  // Its prekey first: who has the record would seal to a key that is lost otherwise.
  store.put(names.identity, identity.export());
  await authority.request('keyRecord', { record: hexOf(record) });
}

async function certify(store: FileStore, authority: AdminClient, keyId32: Uint8Array): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const { certificate, ca } = await authority.request('tlsCertificate', {
    keyId: hexOf(keyId32),
    publicKey: hexOf(der),
  });
  const write = (file: string, text: string | Buffer) => replaceFile(join(store.directory, file), Buffer.from(text));
  write(tlsFileNames.key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  write(tlsFileNames.cert, String(certificate));
  write(tlsFileNames.ca, String(ca));
}
