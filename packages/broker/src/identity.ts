import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileStore } from '@tridcomm/client-node';
import {
  addressTypes,
  Identity,
  TridcommError,
  type CryptoProvider,
  type RandomSource,
  type SigningKey,
} from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';

/** Who a broker is. */
export interface BrokerIdentity {
  readonly key: SigningKey;
  /** With the role broker; newer ones are taken from what the authority publishes. */
  readonly principalRecord: Uint8Array;
}

/** An identity that was read from its directory, which no other process has until it is closed. */
export interface OpenedIdentity extends BrokerIdentity {
  /** 64 hex digits; undefined where the directory names none. */
  readonly authorityId: string | undefined;
  /** Stores the newest record, for the next life. */
  keepRecord(principalRecord: Uint8Array): void;
  close(): void;
}

/**
 * Opens the directory of an identity, as enrolment made it.
 *
 * @throws TridcommError `E_USAGE` for a directory without an identity or a record, or that others may open
 */
export function openIdentity(directory: string, provider: CryptoProvider, random: RandomSource): OpenedIdentity {
  if (!existsSync(directory)) throw new TridcommError('E_USAGE', `${directory}: there is no such directory`);
  const store = openStore(directory);
  try {
    const stored = store.get('identity');
    if (stored === undefined) {
      throw new TridcommError('E_USAGE', `${directory} holds no identity: run tridcomm keys create`);
    }
    const { key } = Identity.restore(provider, random, stored);
    const newestName = `object/${addressTypes.principalRecord}/${hexOf(key.keyId32)}`;
    const principalRecord = store.get(newestName) ?? store.get('client/principal-record');
    if (principalRecord === undefined) {
      throw new TridcommError('E_USAGE', `${directory} holds no principal record: the authority has to issue one`);
    }
    return {
      key,
      principalRecord,
      authorityId: authorityIdIn(directory),
      keepRecord: (newest) => store.put(newestName, newest),
      close: () => store.close(),
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

function openStore(directory: string): FileStore {
  try {
    return FileStore.open(directory);
  } catch (cause) {
    if (cause instanceof TridcommError) throw cause;
    throw new TridcommError('E_USAGE', `${directory} cannot be opened`, { cause });
  }
}

function authorityIdIn(directory: string): string | undefined {
  const path = join(directory, 'authority-id');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().toLowerCase() : undefined;
}
