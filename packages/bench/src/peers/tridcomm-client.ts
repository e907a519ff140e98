import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { connect, FileStore, type ConnectOptions, type TridcommClient } from '@tridcomm/client-node';
import { MemoryStore } from '@tridcomm/core/internal';
import type { ClientOptions, PeerClient } from './peer.ts';

/** Of TriDComm. */
export type TridcommOptions = Extract<ClientOptions, { readonly kind: 'tridcomm' }>;

/** Connects by the public API, as a user does. */
export async function openTridcomm(options: TridcommOptions): Promise<TridcommClient> {
  const { address, directory, durability, isInMemory } = options;
  const own = isInMemory ? inMemory(directory) : { identity: directory };
  const client = await connect(address, { brokerName: 'broker', durability, ...own });
  client.addEventListener('status', ({ status }) => {
    // Objects of before are refused in the course of things; a refused message would be one that is missing.
    if ((status.type === 'refused' && status.what === 'envelope') || status.type === 'failed') {
      console.error('TriDComm:', status.error);
    }
  });
  return client;
}

/** For one who publishes or subscribes. */
export async function connectTridcomm(options: TridcommOptions): Promise<PeerClient> {
  const client = await openTridcomm(options);
  return {
    subscribe: async (topic, take) => {
      client.subscribe(topic, {
        onBatch: (batch) => {
          for (let i = 0; i < batch.count; i++) take(batch.payload(i));
        },
      });
      await client.ready();
    },
    publish: async (topic, messages) => void (await client.publish(topic, messages)),
    close: async () => await client.close(),
  };
}

/** The identity of a directory, read once, in a store in memory: what many connections of one process need. */
function inMemory(directory: string): Pick<ConnectOptions, 'identity' | 'authorityId' | 'tls'> {
  const known = identities.get(directory) ?? read(directory);
  identities.set(directory, known);
  const store = new MemoryStore();
  for (const [name, value] of known.values) store.put(name, value);
  return { identity: store, authorityId: known.authorityId, tls: known.tls };
}

function read(directory: string): Identity {
  const file = (name: string) => readFileSync(join(directory, name));
  // Nothing is renewed for these: they do not live so long.
  const values = [...FileStore.look(directory).entries('')].filter(([name]) => name !== 'client/authority-socket');
  const tls = { ca: file('tls-ca.pem'), cert: file('tls-cert.pem'), key: file('tls-key.pem') };
  return { values, authorityId: file('authority-id').toString().trim(), tls };
}

interface Identity {
  readonly values: readonly (readonly [string, Uint8Array])[];
  readonly authorityId: string;
  readonly tls: NonNullable<ConnectOptions['tls']>;
}

const identities = new Map<string, Identity>();
