import { duplexPair, type Duplex } from 'node:stream';
import { TridcommError } from '@tridcomm/core';
import { Sockets, takeNoise, type Listener, type ListenerHost } from './listener.ts';

/** Takes links of mode N from the process that the broker runs in. */
export class InProcessListener implements Listener {
  readonly name = 'inproc';
  readonly port: undefined;
  readonly #host: ListenerHost;
  readonly #sockets = new Sockets();
  #isStopped = false;

  constructor(host: ListenerHost) {
    this.#host = host;
  }

  /**
   * @returns the member's end of a new connection; the caller's
   * @throws TridcommError `E_CLOSED` when the broker is ending; `E_LIMIT` where there is no room for another
   */
  connect(): Duplex {
    if (this.#isStopped) throw new TridcommError('E_CLOSED', 'broker that is ending');
    const [own, other] = duplexPair();
    // A stream in memory does not hear of the end of its other half, where that was not an orderly one.
    own.once('close', () => other.destroy());
    other.once('close', () => own.destroy());
    this.#sockets.add(own);
    if (takeNoise(this.#host, this.name, '', own)) return other;
    throw new TridcommError('E_LIMIT', 'broker with as many connections as it takes');
  }

  stop(): void {
    this.#isStopped = true;
  }

  async close(graceMs = 0): Promise<void> {
    this.stop();
    const timer = setTimeout(() => this.#sockets.destroy(), graceMs);
    await this.#sockets.ended();
    clearTimeout(timer);
  }
}
