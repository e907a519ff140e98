import { TridcommError } from '@tridcomm/core';
import { beginSession } from './begin-session.ts';
import type { CarrierSession, ForeignCarrier, SessionHandlers } from './foreign-carrier.ts';
import { MqttSession } from './mqtt-session.ts';
import type { MqttClientLike } from './mqtt-types.ts';

/**
 * An MQTT server as carrier: envelopes are messages of QoS 1, or 0 for the durability `none`; what the authority says are retained messages.
 *
 * What it gives: `memory` means that the server acknowledged the message. With MQTT 5 it says no where it does not take one; with 3.1.1 it
 * acknowledges what its access rules make it throw away, and what it finds too large, too: then `memory` says only that it has come. `disk` and
 * the log are refused with `E_POLICY`. A server that does not keep retained messages over a restart gets them anew from the authority.
 * Backpressure: while more than 4 MiB have not been acknowledged, publishing waits; a server drops what exceeds its queue for a client, and what
 * comes while the window of a client is full is refused with `E_LIMIT`.
 *
 * Work: requests and jobs come by a shared subscription; a server without those is refused with `E_POLICY`, and so is a second client on one client object
 * for the same topic. There are no leases, and whole envelopes only: requests
 * are asked again by who asked, and a job comes at most once, so `push` refuses more than the durability `none`, and `jobsPerLeaf`, with `E_POLICY`. What a handler
 * gives back goes to nobody.
 *
 * Let nobody but the authority publish to `tridcomm/v1/o/#`, and let members publish and subscribe to `tridcomm/v1/e/#` and `tridcomm/v1/p/#`.
 *
 * @param client - of the package `mqtt`; it stays open when the client is closed. Several clients may share one
 *
 * @example
 * const mqttClient = await mqtt.connectAsync('mqtt://mqtt.example', { protocolVersion: 5 });
 * const client = await connect(overMqtt(mqttClient), { identity: '/var/lib/orders/identity' });
 *
 * @spec bindings.18
 */
export function overMqtt(client: MqttClientLike): ForeignCarrier {
  return { kind: 'mqtt', open: async (handlers, signal) => open(client, handlers, signal) };
}

async function open(
  client: MqttClientLike,
  handlers: SessionHandlers,
  signal: AbortSignal | undefined,
): Promise<CarrierSession> {
  for (;;) {
    await connected(client, signal);
    const session = await beginSession(new MqttSession(client, handlers), signal);
    if (session !== undefined) return session;
  }
}

/** Waits until the client object is connected. */
async function connected(client: MqttClientLike, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (client.disconnecting || client.disconnected === true) throw ended();
  if (client.connected) return;
  let leave = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const end = () => reject(ended());
      const abort = () => reject(signal?.reason as Error);
      leave = () => {
        client.removeListener('connect', resolve);
        client.removeListener('end', end);
        signal?.removeEventListener('abort', abort);
      };
      client.on('connect', resolve);
      client.on('end', end);
      signal?.addEventListener('abort', abort);
    });
  } finally {
    leave();
  }
}

function ended(): TridcommError {
  return new TridcommError('E_CLOSED', 'mqtt: the client object was ended');
}
