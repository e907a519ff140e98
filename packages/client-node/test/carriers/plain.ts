import type { ForeignCarrier } from '../../src/carriers/foreign-carrier.ts';
import { overMqtt } from '../../src/carriers/mqtt.ts';
import { overNats } from '../../src/carriers/nats.ts';
import { connectToMqtt, connectToNats } from './official.ts';
import { Server, type ServerSettings } from './servers.ts';

/** A message as the server shows it to anybody. */
export interface Seen {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The official client of a server, without anything of TriDComm, and the carrier that it makes. */
export interface Plain {
  readonly carrier: ForeignCarrier;
  /** Hears everything that the server lets it hear. */
  spy(): Promise<Seen[]>;
  /** @param isRetained - where the server keeps the last of a name */
  publish(name: string, bytes: Uint8Array, isRetained?: boolean): Promise<void>;
  /** Whether it is still connected, as the server answers. */
  isAlive(): Promise<boolean>;
  close(): Promise<void>;
}

/** How the contract of a carrier is tested on one. */
export interface Kind {
  readonly kind: 'nats' | 'mqtt';
  readonly program: 'nats-server' | 'mosquitto';
  readonly server: (settings?: ServerSettings) => Promise<Server>;
  readonly plain: (port: number, user?: string, version?: 4 | 5) => Promise<Plain>;
  /** Of an envelope, and of what is retained. */
  readonly envelopeName: RegExp;
  readonly valueName: (address: string) => string;
}

export const nats: Kind = {
  kind: 'nats',
  program: 'nats-server',
  server: async (settings) => Server.nats(settings),
  plain: async (port, user) => {
    const connection = await connectToNats({
      servers: `127.0.0.1:${port}`,
      reconnectTimeWait: 100,
      maxReconnectAttempts: -1,
      ...(user !== undefined && { user, pass: user }),
    });
    return {
      carrier: overNats(connection),
      spy: async () => {
        const seen: Seen[] = [];
        connection.subscribe('>', {
          callback: (_, { subject, data }) => void seen.push({ name: subject, bytes: data }),
        });
        await connection.flush();
        return seen;
      },
      publish: async (name, bytes) => {
        connection.publish(name, bytes);
        await connection.flush();
      },
      isAlive: async () =>
        connection.flush().then(
          () => true,
          () => false,
        ),
      close: async () => connection.close(),
    };
  },
  envelopeName: /^tridcomm\.v1\.e\.[0-9a-f]{32}(\.[0-9a-f]{32})*\.end$/,
  valueName: (address) => `$KV.tridcomm-v1.${address}`,
};

export const mqttKind: Kind = {
  kind: 'mqtt',
  program: 'mosquitto',
  server: async (settings) => Server.mqtt(settings),
  plain: async (port, user, protocolVersion = 5) => {
    const options = {
      protocolVersion,
      reconnectPeriod: 100,
      ...(user !== undefined && { username: user, password: user }),
    };
    const client = await connectToMqtt(`mqtt://127.0.0.1:${port}`, options);
    // A server that is gone.
    client.on('error', () => {});
    return {
      carrier: overMqtt(client),
      spy: async () => {
        const seen: Seen[] = [];
        client.on('message', (name, bytes) => seen.push({ name, bytes }));
        await client.subscribeAsync('#', { qos: 1 });
        return seen;
      },
      publish: async (name, bytes, isRetained = false) => {
        await client.publishAsync(name, Buffer.from(bytes), { qos: 1, retain: isRetained });
      },
      isAlive: async () => client.publishAsync('alive', 'x', { qos: 1 }).then(() => client.connected),
      close: async () => client.endAsync(true),
    };
  },
  envelopeName: /^tridcomm\/v1\/e\/[0-9a-f]{32}(\/[0-9a-f]{32})*$/,
  valueName: (address) => `tridcomm/v1/o/${address}`,
};
