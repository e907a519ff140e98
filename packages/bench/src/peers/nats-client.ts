import { readFileSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import { SecuredMessages } from './secured-messages.ts';
import type { ClientOptions, PeerClient, TlsPaths } from './peer.ts';

/** Of NATS without JetStream. */
export type NatsOptions = Extract<ClientOptions, { readonly kind: 'nats' }>;
type JetstreamOptions = Extract<ClientOptions, { readonly kind: 'jetstream' }>;

/** The official client; with keys, what an application writes around it to have its messages sealed and signed. */
export async function connectNats({ port, tls, secured }: NatsOptions): Promise<PeerClient> {
  const connection = await openNats(port, tls);
  const keys = secured && new SecuredMessages(secured);
  return {
    subscribe: async (topic, take) => {
      connection.subscribe(subjectOf(topic), {
        callback: (error, message) => {
          if (error === null) take(keys === undefined ? message.data : keys.open(message.data));
        },
      });
      await connection.flush();
    },
    publish: async (topic, messages) => {
      const subject = subjectOf(topic);
      for (const message of messages) connection.publish(subject, keys === undefined ? message : keys.seal(message));
      await connection.flush();
    },
    close: async () => await connection.close(),
  };
}

/** Messages that a stream with file storage keeps: published when each is acknowledged. */
export async function connectJetstream({ port, tls }: JetstreamOptions): Promise<PeerClient> {
  const connection = await openNats(port, tls);
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'BENCH', subjects: ['bench.>'], storage: 'file', max_bytes: 1_000_000_000 });
  const stream = jetstream(connection);
  return {
    subscribe: async () => Promise.reject(new Error('not measured')),
    publish: async (topic, messages) => {
      const subject = subjectOf(topic);
      await Promise.all(messages.map(async (message) => await stream.publish(subject, message, { timeout: 30_000 })));
    },
    close: async () => await connection.close(),
  };
}

/** Over TLS with client certificates. */
export async function openNats(port: number, { ca, certificate, privateKey }: TlsPaths): Promise<NatsConnection> {
  const tls: TlsOptions = {
    ca: readFileSync(ca, 'utf8'),
    cert: readFileSync(certificate, 'utf8'),
    key: readFileSync(privateKey, 'utf8'),
  };
  return await connect({ servers: `127.0.0.1:${port}`, tls, reconnect: false, timeout: 20_000 });
}

/** What a topic is called there. */
export function subjectOf(topic: string): string {
  return topic.replaceAll('/', '.');
}
