import { readFileSync } from 'node:fs';
import { connectAsync } from 'mqtt';
import type { ClientOptions, PeerClient } from './peer.ts';

type Options = Extract<ClientOptions, { readonly kind: 'mqtt' }>;

/** mqtt.js, QoS 0. */
export async function connectMqtt({ port, tls }: Options): Promise<PeerClient> {
  const client = await connectAsync({
    protocol: 'mqtts',
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: readFileSync(tls.ca),
    cert: readFileSync(tls.certificate),
    key: readFileSync(tls.privateKey),
    reconnectPeriod: 0,
    connectTimeout: 20_000,
  });
  client.on('error', (error) => console.error('mqtt:', error.message));
  return {
    subscribe: async (topic, take) => {
      client.on('message', (_, payload) => take(payload));
      await client.subscribeAsync(topic);
    },
    publish: async (topic, messages) => {
      const last = messages.length - 1;
      const bufferOn = (one: Uint8Array) => Buffer.from(one.buffer, one.byteOffset, one.length);
      for (let i = 0; i < last; i++) client.publish(topic, bufferOn(messages[i]!));
      await client.publishAsync(topic, bufferOn(messages[last]!));
    },
    close: async () => await client.endAsync(true),
  };
}
