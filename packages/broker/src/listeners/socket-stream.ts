import type { Socket } from 'node:net';
import { TridcommError } from '@tridcomm/core';
import { lingerMs, type ByteStream, type StreamHandlers } from './byte-stream.ts';

/** A TCP, TLS or local connection as a byte stream; the connection is there. */
export class SocketStream implements ByteStream {
  readonly #socket: Socket;
  readonly #handlers: StreamHandlers;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isOver = false;

  constructor(socket: Socket, handlers: StreamHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.on('data', (chunk: Uint8Array) => {
      if (!this.#isOver) handlers.onData(chunk);
    });
    socket.on('drain', () => {
      if (!this.#isOver) handlers.onDrain();
    });
    socket.on('error', (cause) => this.#ended(new TridcommError('E_TRANSPORT', undefined, { cause })));
    socket.on('end', () => this.#ended(undefined));
    socket.on('close', () => this.#ended(undefined));
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#socket.writableLength;
  }

  write(chunks: readonly Uint8Array[]): void {
    // All that is sent in one turn goes out with one call of the system.
    if (this.#waiting.length === 0) process.nextTick(() => this.#flush());
    for (const chunk of chunks) {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    }
  }

  setReading(isReading: boolean): void {
    if (isReading) this.#socket.resume();
    else this.#socket.pause();
  }

  end(): void {
    this.#isOver = true;
    const socket = this.#socket;
    this.#flush();
    socket.end();
    // What still comes is dropped, so that the last bytes are not lost in a reset; who does not read must not keep the socket.
    socket.resume();
    setTimeout(() => socket.destroy(), lingerMs).unref();
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #flush(): void {
    const socket = this.#socket;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!socket.writable) return;
    socket.cork();
    for (const chunk of joined(waiting)) socket.write(chunk);
    socket.uncork();
  }

  #ended(error: TridcommError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.onEnd(error);
  }
}

/** Small chunks in one piece: a write costs more than their bytes. Large ones as they are. */
function* joined(chunks: readonly Uint8Array[]): Generator<Uint8Array, void, undefined> {
  let small: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    if (small.length > 0 && (chunk.length > smallBytes || bytes + chunk.length > joinedBytes)) {
      yield small.length === 1 ? small[0]! : Buffer.concat(small, bytes);
      small = [];
      bytes = 0;
    }
    if (chunk.length > smallBytes) {
      yield chunk;
      continue;
    }
    small.push(chunk);
    bytes += chunk.length;
  }
  if (small.length > 0) yield small.length === 1 ? small[0]! : Buffer.concat(small, bytes);
}

const smallBytes = 2_048;
const joinedBytes = 65_536;
/** A peer that is gone without a word is noticed after this and a few probes. */
const keepAliveMs = 30_000;
