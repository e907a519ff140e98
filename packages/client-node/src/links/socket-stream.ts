import type { Socket } from 'node:net';
import type { TridcommError } from '@tridcomm/core';
import { lingerMs, type ByteStream, type StreamHandlers } from './byte-stream.ts';

/** A TCP, TLS or local connection as a byte stream; the connection is there. */
export class SocketStream implements ByteStream {
  readonly #socket: Socket;
  #isCorked = false;
  #isOver = false;

  /** @param errorOf - what an error of the socket means */
  constructor(socket: Socket, handlers: StreamHandlers, errorOf: (error: Error) => TridcommError) {
    this.#socket = socket;
    const end = (error?: Error) => {
      if (this.#isOver) return;
      this.#isOver = true;
      handlers.onEnd(error && errorOf(error));
    };
    socket.setNoDelay(true);
    socket.on('data', (chunk: Uint8Array) => {
      if (!this.#isOver) handlers.onData(chunk);
    });
    socket.on('drain', () => {
      if (!this.#isOver) handlers.onDrain();
    });
    socket.on('error', end);
    socket.on('end', () => end());
    socket.on('close', () => end());
  }

  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  write(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket;
    if (!socket.writable) return;
    // All that is sent in one turn goes out with one call of the system.
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    for (const chunk of chunks) socket.write(chunk);
  }

  end(): void {
    this.#isOver = true;
    this.#socket.end();
    // Whoever does not read must not keep the process.
    setTimeout(() => this.#socket.destroy(), lingerMs).unref();
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }
}
