import type { Duplex } from 'node:stream';
import { SocketStream } from '@tridcomm/client-node/internal';
import { TridcommError } from '@tridcomm/core';
import { linkModes } from '@tridcomm/core/link';
import { LinkDriver, type LinkHost, type LinkOrigin } from './link-driver.ts';
import type { EndOpening, Opening, Openings } from './openings.ts';

/** What takes connections. */
export interface Listener {
  /** As the configuration calls it, for events. */
  readonly name: string;
  /** Of TCP, once it listens. */
  readonly port: number | undefined;
  /** Takes no more connections; those that are there go on. */
  stop(): void;
  /** Lets go of everything. @param graceMs - how long connections may take to end by themselves */
  close(graceMs?: number): Promise<void>;
}

/** What listeners share. */
export interface ListenerHost {
  readonly links: LinkHost;
  readonly openings: Openings;
  /** Connections of all listeners, open links or not. */
  readonly mostConnections: number;
}

/** Counts a connection among those that are opening. @returns undefined where there is no room: it is to be destroyed */
export function admit(host: ListenerHost, listener: string, remote: string, end: EndOpening): Opening | undefined {
  const { links, openings, mostConnections } = host;
  if (links.engine.connectionCount + openings.count < mostConnections) return openings.add(remote, end);
  links.emit({ type: 'openingRefused', listener, remote, code: 'E_LIMIT' });
  return undefined;
}

/** Lays a link on a socket that is connected. */
export function driveSocket(host: ListenerHost, socket: Duplex, origin: LinkOrigin, opening: Opening): LinkDriver {
  const driver = new LinkDriver(host.links, origin, opening);
  driver.start(new SocketStream(socket, driver, transportError));
  return driver;
}

function transportError(cause: Error): TridcommError {
  return new TridcommError('E_TRANSPORT', undefined, { cause });
}

/** Lays a link of mode N on a stream that is connected. @returns whether there was room; it is destroyed where not */
export function takeNoise(host: ListenerHost, listener: string, remote: string, stream: Duplex): boolean {
  let driver: LinkDriver | undefined;
  const opening = admit(host, listener, remote, () => driver?.displaced());
  if (opening === undefined) stream.destroy();
  else driver = driveSocket(host, stream, { listener, remote, mode: linkModes.noise }, opening);
  return opening !== undefined;
}

/** Waits until a server listens. @throws TridcommError `E_USAGE` where it cannot */
export async function listening(
  server: {
    once(event: string, handler: (error: Error) => void): unknown;
    off(event: string, handler: unknown): unknown;
  },
  name: string,
  listen: () => void,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error): void => {
      reject(new TridcommError('E_USAGE', `listener ${name}: ${cause.message}`, { cause }));
    };
    server.once('error', failed);
    server.once('listening', () => {
      server.off('error', failed);
      resolve();
    });
    listen();
  });
}

/** The sockets of a server, so that none is left when it closes. */
export class Sockets {
  readonly #sockets = new Set<Duplex>();
  /** One for all: there may be very many sockets. */
  readonly #closed: (this: Duplex) => void;

  constructor() {
    const sockets = this.#sockets;
    this.#closed = function () {
      sockets.delete(this);
    };
  }

  add(socket: Duplex): void {
    this.#sockets.add(socket);
    // One that fails before anybody listens to it must not take the process with it.
    socket.on('error', ignore);
    socket.on('close', this.#closed);
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Resolves when none is left of those that are there. */
  async ended(): Promise<void> {
    const ends = [...this.#sockets].map(
      async (socket) => await new Promise<void>((resolve) => socket.once('close', resolve)),
    );
    await Promise.all(ends);
  }
}

function ignore(): void {
  // The stream above tells what matters.
}
