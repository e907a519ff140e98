import { setTimeout as pause } from 'node:timers/promises';
import { beginSession } from './begin-session.ts';
import type { CarrierSession, ForeignCarrier, SessionHandlers } from './foreign-carrier.ts';
import { NatsSession } from './nats-session.ts';
import type { NatsConnectionLike } from './nats-types.ts';

/**
 * A NATS server as carrier: envelopes are messages of core NATS, what the authority says is kept in a key-value bucket of JetStream.
 *
 * What it gives: `memory` means that the server has taken the message and passed it on, and no more, as core NATS keeps nothing for who is not
 * there; `disk` and the log are refused with `E_POLICY`. It takes nats-server 2.9 or later, as best effort: a value that JetStream has acknowledged may
 * be lost with the power, and is published anew after a reconnect. Backpressure: while more than 4 MiB have not been answered by the server, publishing waits;
 * what comes while the window of a client is full is refused with `E_LIMIT`, as NATS cannot be asked to wait.
 *
 * Work: requests and jobs come by a queue subscription. There are no leases, and whole envelopes only: requests
 * are asked again by who asked, and a job comes at most once, so `push` refuses more than the durability `none`, and `jobsPerLeaf`, with `E_POLICY`. What a handler
 * gives back goes to nobody.
 *
 * Let nobody but the authority publish to `$KV.tridcomm-v1.>`: what others put there is refused, but takes the place of what members need.
 *
 * @param connection - of `@nats-io/transport-node`; it stays open when the client is closed. Several clients may share one
 *
 * @example
 * const nats = await connectToNats({ servers: 'nats.example' });
 * const client = await connect(overNats(nats), { identity: '/var/lib/orders/identity' });
 *
 * @spec bindings.17
 */
export function overNats(connection: NatsConnectionLike): ForeignCarrier {
  return { kind: 'nats', open: async (handlers, signal) => open(connection, handlers, signal) };
}

async function open(
  connection: NatsConnectionLike,
  handlers: SessionHandlers,
  signal: AbortSignal | undefined,
): Promise<CarrierSession> {
  for (;;) {
    const session = await beginSession(new NatsSession(connection, handlers), signal);
    if (session !== undefined) return session;
    // The client object connects again by itself.
    await pause(againMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
  }
}

const againMs = 100;
