import { TridcommError } from '@tridcomm/core';
import type { WebSocket } from 'ws';
import { lingerMs, type ByteStream, type StreamHandlers } from './byte-stream.ts';

/**
 * A WebSocket as a byte stream; the connection is there. Payloads of binary messages are joined, and where they begin means nothing.
 *
 * @spec bindings.4
 */
export class WebSocketStream implements ByteStream {
  readonly #socket: WebSocket;
  readonly #handlers: StreamHandlers;
  #waiting: Uint8Array[] = [];
  #isFlushing = false;
  #isOver = false;
  #isFull = false;

  /** @param errorOf - what an error of the socket means */
  constructor(socket: WebSocket, handlers: StreamHandlers, errorOf: (error: Error) => TridcommError) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data: Buffer, isBinary) => {
      if (this.#isOver) return;
      if (isBinary) handlers.onData(data);
      else this.#fail(new TridcommError('E_ENCODING', 'text message on a WebSocket that carries a link'), 1003);
    });
    socket.on('error', (error) => this.#ended(errorOf(error)));
    socket.on('close', () => this.#ended(undefined));
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  write(chunks: readonly Uint8Array[]): void {
    this.#waiting.push(...chunks);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // All that is sent in one turn goes out in as few messages as it fits into.
    process.nextTick(() => this.#flush());
  }

  end(): void {
    this.#isOver = true;
    this.#flush();
    this.#socket.close(1000);
    setTimeout(() => this.#socket.terminate(), lingerMs).unref();
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.terminate();
  }

  #flush(): void {
    this.#isFlushing = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    let gathered: Uint8Array[] = [];
    let bytes = 0;
    const send = () => {
      if (bytes > 0) this.#send(gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered, bytes));
      gathered = [];
      bytes = 0;
    };
    for (const chunk of waiting) {
      for (let at = 0; at < chunk.length; at += mostMessageBytes) {
        const part = chunk.subarray(at, at + mostMessageBytes);
        // A large one is not copied to be joined with others.
        if (bytes + part.length > joinedBytes) send();
        gathered.push(part);
        bytes += part.length;
      }
    }
    send();
  }

  #send(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    socket.send(bytes, { binary: true }, () => {
      if (!this.#isFull || socket.bufferedAmount > fullBytes / 2) return;
      this.#isFull = false;
      if (!this.#isOver) this.#handlers.onDrain();
    });
    if (socket.bufferedAmount > fullBytes) this.#isFull = true;
  }

  #fail(error: TridcommError, status: number): void {
    this.#ended(error);
    this.#socket.close(status);
    setTimeout(() => this.#socket.terminate(), lingerMs).unref();
  }

  #ended(error: TridcommError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.onEnd(error);
  }
}

/** What the receiver takes, by bindings.4. */
export const mostMessageBytes = 1_048_576;
const joinedBytes = 65_536;
const fullBytes = 1_048_576;
