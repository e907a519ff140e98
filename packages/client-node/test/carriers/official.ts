import { createRequire } from 'node:module';
import type { MqttClientLike } from '../../src/carriers/mqtt-types.ts';
import type { NatsConnectionLike } from '../../src/carriers/nats-types.ts';

/*
 * The official clients, as far as tests use them. Their own declarations do not hold under the settings of this tree, so they are loaded without.
 */

/** What tests use of a connection, besides what the carrier does. */
export interface NatsConnection extends NatsConnectionLike {
  subscribe(
    subject: string,
    options: {
      callback: (error: Error | null, message: { readonly subject: string; readonly data: Uint8Array }) => void;
    },
  ): { unsubscribe(): void };
  close(): Promise<void>;
}

/** The same of an MQTT client. */
export interface MqttClient extends MqttClientLike {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(
    event: 'message',
    listener: (topic: string, payload: Buffer, packet: { readonly retain: boolean }) => void,
  ): unknown;
  on(event: 'connect' | 'close' | 'end', listener: () => void): unknown;
  subscribeAsync(topic: string, options: { readonly qos: 0 | 1 }): Promise<unknown>;
  publishAsync(
    topic: string,
    payload: Buffer | string,
    options: { readonly qos: 0 | 1; readonly retain?: boolean },
  ): Promise<unknown>;
  endAsync(isForced: boolean): Promise<void>;
}

const require = createRequire(import.meta.url);

export const { connect: connectToNats } = require('@nats-io/transport-node') as {
  readonly connect: (options: object) => Promise<NatsConnection>;
};

export const { connectAsync: connectToMqtt } = require('mqtt') as {
  readonly connectAsync: (url: string, options: object) => Promise<MqttClient>;
};

export const { jetstreamManager } = require('@nats-io/jetstream') as {
  readonly jetstreamManager: (connection: NatsConnection) => Promise<{
    readonly streams: { info(name: string): Promise<{ readonly config: object }> };
  }>;
};

export const { Kvm } = require('@nats-io/kv') as {
  readonly Kvm: new (connection: NatsConnection) => {
    open(bucket: string): Promise<{ get(key: string): Promise<{ readonly value: Uint8Array } | null> }>;
  };
};
