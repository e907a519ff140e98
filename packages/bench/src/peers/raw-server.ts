/*
 * Passes the bytes of each connection on to all others that asked for them, as a process of its own.
 */
import { once } from 'node:events';
import { createServer, type TLSSocket } from 'node:tls';
import { serve } from '../processes/serve.ts';
import type { TlsPaths } from './peer.ts';
import { subscriberByte } from './raw-protocol.ts';
import { serverOptions } from './tls-options.ts';

/** What the process serves. */
export class RawServer {
  readonly #subscribers = new Set<TLSSocket>();

  /** @returns the port */
  async listen(tls: TlsPaths): Promise<number> {
    const server = createServer(serverOptions(tls), (socket) => this.#take(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { readonly port: number }).port;
  }

  /** The first byte of a connection says which it is. */
  #take(socket: TLSSocket): void {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => this.#subscribers.delete(socket));
    socket.once('data', (first) => {
      if (first[0] === subscriberByte) {
        this.#subscribers.add(socket);
        socket.write(first);
        return;
      }
      socket.on('data', (chunk) => {
        for (const one of this.#subscribers) if (!one.write(chunk)) this.#wait(socket, one);
      });
    });
  }

  #wait(publisher: TLSSocket, subscriber: TLSSocket): void {
    publisher.pause();
    subscriber.once('drain', () => publisher.resume());
  }
}

serve(new RawServer());
