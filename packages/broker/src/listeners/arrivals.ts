import type { Socket } from 'node:net';
import type { LinkDriver } from './link-driver.ts';
import { admit, type ListenerHost } from './listener.ts';
import type { Opening } from './openings.ts';

/** A connection on its way to a link. */
export interface Arrival {
  readonly opening: Opening;
  driver: LinkDriver | undefined;
}

/** Connections of a listener between TCP and what is above it: by the peer's address and port, which are the same at both. */
export class Arrivals {
  readonly #host: ListenerHost;
  readonly #name: string;
  readonly #arrivals = new Map<string, Arrival>();

  /** @param name - of the listener */
  constructor(host: ListenerHost, name: string) {
    this.#host = host;
    this.#name = name;
  }

  /** Takes note of a connection. @returns false for one too many, which is gone then */
  add(socket: Socket): boolean {
    const remote = socket.remoteAddress ?? '';
    const key = keyOf(socket);
    const opening = admit(this.#host, this.#name, remote, () => {
      arrival.driver?.displaced();
      socket.destroy();
    });
    if (opening === undefined) {
      socket.destroy();
      return false;
    }
    const arrival: Arrival = { opening, driver: undefined };
    this.#arrivals.set(key, arrival);
    socket.once('close', () => {
      this.#arrivals.delete(key);
      opening.done();
      // With a driver the link has told why.
      if (arrival.driver === undefined)
        this.#host.links.emit({ type: 'openingRefused', listener: this.#name, remote, code: 'E_HANDSHAKE' });
    });
    return true;
  }

  /** Of a socket above TCP; undefined where the connection has gone. */
  of(socket: Socket): Arrival | undefined {
    return this.#arrivals.get(keyOf(socket));
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0}`;
}
