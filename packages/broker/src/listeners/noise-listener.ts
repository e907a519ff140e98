import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { isAnswered } from '@tridcomm/client-node/internal';
import { TridcommError } from '@tridcomm/core';
import { listening, Sockets, takeNoise, type Listener, type ListenerHost } from './listener.ts';

/** Where links of mode N are taken on a socket: TCP, or a local one. */
export type NoiseAddress =
  /** `host`: undefined for every address. */
  | { readonly host: string | undefined; readonly port: number }
  /** `isShared`: others than the own user may open it. */
  | { readonly path: string; readonly isShared: boolean };

/**
 * Takes links of mode N on TCP or on a local socket.
 *
 * @throws TridcommError `E_USAGE` for an address that cannot be had
 * @spec bindings.5, link.8
 */
export async function listenNoise(host: ListenerHost, name: string, address: NoiseAddress): Promise<Listener> {
  const sockets = new Sockets();
  const server = createServer((socket) => {
    sockets.add(socket);
    takeNoise(host, name, socket.remoteAddress ?? '', socket);
  });
  if ('path' in address) await listenLocally(server, name, address.path, address.isShared);
  else await listening(server, name, () => server.listen({ port: address.port, host: address.host }));
  return listenerOf(name, server, sockets);
}

/** A listener of a server of sockets. */
export function listenerOf(name: string, server: Server, sockets: Sockets): Listener {
  const address = server.address();
  // What goes wrong with the server later, such as too many open files, costs a connection and not the process.
  server.on('error', () => undefined);
  return {
    name,
    port: typeof address === 'object' ? address?.port : undefined,
    stop: () => void server.close(),
    close: async (graceMs = 0) => {
      const timer = setTimeout(() => sockets.destroy(), graceMs);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      clearTimeout(timer);
    },
  };
}

async function listenLocally(server: Server, name: string, path: string, isShared: boolean): Promise<void> {
  await removeStale(name, path);
  await listening(server, name, () => {
    // The file is made inside the call, with these rights from its first moment on.
    const mask = process.umask(isShared ? 0 : 0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(mask);
    }
  });
  if (!isShared) chmodSync(path, 0o600);
}

/** Removes the socket that a process left behind which is no more. */
async function removeStale(name: string, path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new TridcommError('E_USAGE', `listener ${name}: there is a file that is no socket`);
  if (await isAnswered(path)) throw new TridcommError('E_USAGE', `listener ${name}: another process listens there`);
  unlinkSync(path);
}
