import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { highWaterBytes, lingerMs, type ByteStream, type ErrorOfSocket, type StreamHandlers } from './byte-stream.ts';

/** A TCP, TLS or local connection, or another stream of bytes, as a byte stream; the connection is there. */
export class SocketStream implements ByteStream {
  readonly #socket: Duplex;
  readonly #handlers: StreamHandlers;
  readonly #errorOf: ErrorOfSocket;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** A piece is with the TLS socket. */
  #isFeeding = false;
  #isOver = false;

  constructor(socket: Duplex, handlers: StreamHandlers, errorOf: ErrorOfSocket) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#errorOf = errorOf;
    if (socket instanceof Socket) {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, keepAliveMs);
    }
    (socket as OwnedSocket)[owner] = this;
    for (const [event, listener] of listeners) socket.on(event, listener);
  }

  /** @internal Of the socket. */
  get openHandlers(): StreamHandlers | undefined {
    return this.#isOver ? undefined : this.#handlers;
  }

  /** @internal Of the socket: nothing comes any more. */
  ended(cause: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.onEnd(cause && this.#errorOf(cause));
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#socket.writableLength;
  }

  get isFull(): boolean {
    return this.bufferedBytes >= highWaterBytes;
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
    if (this.#socket instanceof TLSSocket && !this.#isOver) this.#feed(this.#socket);
    else this.#writeAll();
  }

  /**
   * Gives a TLS socket one piece after the other: what it is given at once it copies into one piece before it encrypts, however large.
   */
  #feed(socket: TLSSocket): void {
    if (this.#isFeeding || this.#waiting.length === 0) return;
    if (!socket.writable) {
      this.#writeAll();
      return;
    }
    const piece = this.#nextPiece();
    this.#isFeeding = true;
    socket.write(piece, () => {
      this.#isFeeding = false;
      if (this.#isOver) return;
      const wasFull = this.bufferedBytes + piece.length >= highWaterBytes;
      this.#feed(socket);
      // The socket itself says so only behind large pieces.
      if (wasFull && !this.isFull) this.#handlers.onDrain();
    });
  }

  /** The first chunk that waits, with those behind it as far as they are small together. */
  #nextPiece(): Uint8Array {
    const waiting = this.#waiting;
    let count = 0;
    let bytes = 0;
    while (count < waiting.length && (count === 0 || bytes + waiting[count]!.length <= joinedBytes)) {
      bytes += waiting[count++]!.length;
    }
    this.#waitingBytes -= bytes;
    const chunks = waiting.splice(0, count);
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes);
  }

  /** With one call of the system: all that there is goes, or none of it where the socket takes no more. */
  #writeAll(): void {
    const socket = this.#socket;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!socket.writable) return;
    socket.cork();
    for (const chunk of joined(waiting)) socket.write(chunk);
    socket.uncork();
  }
}

/** Whose the socket is. A broker has very many: listeners of its own for each would take more memory than all else of a stream. */
const owner = Symbol('stream');

type OwnedSocket = Duplex & { [owner]: SocketStream };

const ended = function (this: OwnedSocket): void {
  this[owner].ended(undefined);
};

const listeners = Object.entries({
  data(this: OwnedSocket, chunk: Uint8Array): void {
    this[owner].openHandlers?.onData(chunk);
  },
  drain(this: OwnedSocket): void {
    this[owner].openHandlers?.onDrain();
  },
  error(this: OwnedSocket, cause: Error): void {
    this[owner].ended(cause);
  },
  end: ended,
  close: ended,
});

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
