import type { NatsConnectionLike } from './nats-types.ts';

/** What a connection tells of itself. */
export interface NatsStatus {
  readonly type: string;
  readonly error?: unknown;
}

/**
 * Who hears what a connection tells of itself. It is listened to once, for as long as it is not closed: a loop over its statuses cannot be left
 * before it tells something.
 */
export function natsStatuses(connection: NatsConnectionLike): Set<(status: NatsStatus) => void> {
  let listeners = byConnection.get(connection);
  if (listeners === undefined) {
    listeners = new Set();
    byConnection.set(connection, listeners);
    void hear(connection, listeners);
  }
  return listeners;
}

async function hear(connection: NatsConnectionLike, listeners: Set<(status: NatsStatus) => void>): Promise<void> {
  const tell = (status: NatsStatus) => {
    for (const listener of listeners) listener(status);
  };
  for await (const status of connection.status()) tell(status);
  tell({ type: 'close' });
}

const byConnection = new WeakMap<NatsConnectionLike, Set<(status: NatsStatus) => void>>();
