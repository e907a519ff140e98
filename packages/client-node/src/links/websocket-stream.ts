import { TridcommError } from '@tridcomm/core';
import type { WebSocket } from 'ws';
import { highWaterBytes, lingerMs, type ByteStream, type ErrorOfSocket, type StreamHandlers } from './byte-stream.ts';

/**
 * A WebSocket as a byte stream; the connection is there. Payloads of binary messages are joined, and where they begin means nothing.
 *
 * @spec bindings.4
 */
export class WebSocketStream implements ByteStream {
  readonly #socket: WebSocket;
  readonly #handlers: StreamHandlers;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isFlushing = false;
  /** Somebody may have stopped because of what waits. */
  #isAwaited = false;
  #isOver = false;

  constructor(socket: WebSocket, handlers: StreamHandlers, errorOf: ErrorOfSocket) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data: Buffer, isBinary) => {
      if (this.#isOver) return;
      if (isBinary) handlers.onData(data);
      else
        this.#refuse(
          new TridcommError('E_ENCODING', 'text message on a WebSocket that carries a link'),
          unsupportedData,
        );
    });
    // The library has sent its own close by then: 1009 for a message that is too long.
    socket.on('error', (cause) => this.#ended(errorOf(cause)));
    socket.on('close', () => this.#ended(undefined));
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#socket.bufferedAmount;
  }

  get isFull(): boolean {
    return this.bufferedBytes >= highWaterBytes;
  }

  write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    }
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // All that is sent in one turn goes out in as few messages as it fits into.
    process.nextTick(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  setReading(isReading: boolean): void {
    if (isReading) this.#socket.resume();
    else this.#socket.pause();
  }

  end(): void {
    this.#close(normalClosure);
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.terminate();
  }

  #flush(): void {
    const waiting = this.#waiting;
    // Whoever saw so much wait stopped, also where the system takes all of it at once.
    if (this.isFull) this.#isAwaited = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    let gathered: Uint8Array[] = [];
    let bytes = 0;
    const send = (): void => {
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
    if (this.#socket.bufferedAmount > 0) this.#isAwaited = true;
  }

  #send(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    socket.send(bytes, { binary: true }, () => {
      if (!this.#isAwaited || this.#isOver || this.bufferedBytes > 0) return;
      this.#isAwaited = false;
      this.#handlers.onDrain();
    });
  }

  #refuse(error: TridcommError, status: number): void {
    this.#close(status);
    this.#handlers.onEnd(error);
  }

  #close(status: number): void {
    this.#isOver = true;
    this.#flush();
    const socket = this.#socket;
    socket.resume();
    socket.close(status);
    setTimeout(() => socket.terminate(), lingerMs).unref();
  }

  #ended(error: TridcommError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.onEnd(error);
  }
}

/** What an error of the WebSocket library says of the peer; undefined for one that says nothing of it. */
export function webSocketRefusal(cause: Error & { readonly code?: string }): 'E_LIMIT' | 'E_ENCODING' | undefined {
  if (cause.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' || cause.code === 'WS_ERR_TOO_MANY_BUFFERED_PARTS') {
    return 'E_LIMIT';
  }
  return cause.code?.startsWith('WS_ERR_') === true ? 'E_ENCODING' : undefined;
}

/** Of the subprotocol. @spec bindings.2 */
export const subprotocol = 'tridcomm.v1';
/** A message, by bindings.4. */
export const mostMessageBytes = 1_048_576;
const joinedBytes = 65_536;
const normalClosure = 1000;
const unsupportedData = 1003;
