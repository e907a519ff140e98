import type { Duplex } from 'node:stream';
import { TridcommError } from '@tridcomm/core';
import { linkModes } from '@tridcomm/core/link';
import { inproc } from './address.ts';
import { dialError } from './dial-errors.ts';
import type { Dial } from './dial.ts';
import { SocketStream } from './socket-stream.ts';

/** Streams of the caller's own in place of an address: made by {@link overStream}, taken by `connect`. */
export interface StreamTarget {
  readonly address: typeof inproc;
  /** @internal */
  readonly dial: Dial;
}

/**
 * A broker at the other end of any stream of bytes: one in the same process, behind a tunnel, or behind a protocol of your own. The link is in
 * mode N, so nothing that carries the stream is trusted. The name that the broker has to have is `localhost` unless `brokerName` says another.
 *
 * @param open - opens a stream that is connected and binary; called anew at each reconnect; what it throws is `E_TRANSPORT`. Streams belong to
 *   the link, which ends them
 * @example
 * const broker = await createBroker({ identity: '/var/lib/broker', listeners: [] });
 * const client = await connect(overStream(() => broker.connectInProcess()), { identity: '/var/lib/orders' });
 * @spec bindings.1
 */
export function overStream(open: () => Duplex | Promise<Duplex>): StreamTarget {
  const dial: Dial = async (address, _tls, handlers, signal) => {
    signal.throwIfAborted();
    let stream: Duplex;
    try {
      stream = await open();
    } catch (error) {
      throw dialError(address, error instanceof Error ? error : new Error(String(error)));
    }
    if (signal.aborted || stream.destroyed) {
      // What else becomes of it is nobody's concern.
      stream.on('error', () => {}).destroy();
      signal.throwIfAborted();
      throw new TridcommError('E_TRANSPORT', `${address.text}: a stream that is over`);
    }
    return { stream: new SocketStream(stream, handlers, (error) => dialError(address, error)), mode: linkModes.noise };
  };
  return { address: inproc, dial };
}
