import { TridcommError } from '@tridcomm/core';
import { certificateNameOf, linkModes } from '@tridcomm/core/link';
import type { LinkOrigin } from '@tridcomm/broker/testing';
import type { Connection, Dial, StreamHandlers } from '@tridcomm/client-node/testing';
import type { Machine } from './virtual-time.ts';
import { Wire, type WireEnd, type WireWorld } from './wire.ts';

/** Who takes connections. */
export interface Taker {
  readonly machine: Machine;
  /** In its certificate. */
  readonly keyId32: Uint8Array;
  accept(origin: LinkOrigin, lay: (handlers: StreamHandlers) => WireEnd): void;
}

/** Who makes connections. */
export interface Caller {
  readonly name: string;
  /** The process that runs now. */
  machine: Machine;
  readonly keyId32: Uint8Array;
  /** Who calls finds nothing and hears nothing before that time. */
  unreachableUntilMs: number;
}

/** Connects machines to the one broker, and knows their wires, so that faults find them. */
export class Switchboard {
  /** The broker process that listens; undefined while there is none. */
  taker: Taker | undefined;
  readonly #world: WireWorld;
  readonly #wires = new Set<{ readonly wire: Wire; readonly caller: Caller }>();

  constructor(world: WireWorld) {
    this.#world = world;
  }

  /** What a client is given in place of sockets. */
  dialOf(caller: Caller): Dial {
    return async (address, _tls, handlers, signal) => {
      signal.throwIfAborted();
      const isTls = address.binding === 'tcp-tls';
      return await new Promise<Connection>((resolve, reject) => {
        const { machine } = caller;
        const aborted = (): void => reject(signal.reason as Error);
        signal.addEventListener('abort', aborted);
        const answer = (act: () => void): void => {
          machine.after(this.#delayMs(), () => {
            signal.removeEventListener('abort', aborted);
            act();
          });
        };
        if (caller.unreachableUntilMs > this.#world.time.nowMs) return;
        if (this.taker === undefined) {
          answer(() => reject(new TridcommError('E_TRANSPORT', `${address.text}: nobody listens there`)));
          return;
        }
        const wire = this.#connect(caller, this.taker, handlers, isTls);
        answer(() => {
          if (signal.aborted) wire.connection.stream.destroy();
          else resolve(wire.connection);
        });
        signal.addEventListener('abort', () => wire.connection.stream.destroy());
      });
    };
  }

  /** The wires of a caller, or all. */
  wiresOf(name?: string): Wire[] {
    for (const one of this.#wires) if (one.wire.isOver) this.#wires.delete(one);
    return [...this.#wires].filter(({ caller }) => name === undefined || caller.name === name).map(({ wire }) => wire);
  }

  /** Breaks everything that is as old as it looks alive: the machines at the ends have started anew. */
  breakSilence(name?: string): void {
    for (const wire of this.wiresOf(name)) wire.breakSilence();
  }

  #connect(
    caller: Caller,
    taker: Taker,
    handlers: StreamHandlers,
    isTls: boolean,
  ): { readonly connection: Connection } {
    const wire = new Wire(this.#world, caller.machine, taker.machine);
    this.#wires.add({ wire, caller });
    const [near, far] = wire.ends;
    near.handlers = handlers;
    const exporter32 = this.#world.random.bytes(32);
    const tlsOf = (keyId32: Uint8Array): LinkOrigin['tls'] => ({
      exporter32,
      certificateNames: [certificateNameOf(keyId32)],
    });
    const mode = isTls ? linkModes.tls : linkModes.noise;
    const [tlsOfCaller, tlsOfTaker] = [tlsOf(caller.keyId32), tlsOf(taker.keyId32)];
    const origin = { listener: isTls ? 'tls-1' : 'noise-1', remote: caller.name, mode };
    taker.machine.after(0, () => {
      taker.accept({ ...origin, ...(isTls && { tls: tlsOfCaller! }) }, (given) => {
        far.handlers = given;
        return far;
      });
    });
    return { connection: { stream: near, mode, ...(isTls && { tls: tlsOfTaker! }) } };
  }

  #delayMs(): number {
    const { minDelayMs, maxDelayMs } = this.#world.quality;
    return this.#world.random.between(minDelayMs, maxDelayMs) + 1;
  }
}
