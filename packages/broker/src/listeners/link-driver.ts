import type { ByteStream } from '@tridcomm/client-node/internal';
import { TridcommError, type CryptoProvider, type RandomSource, type SigningKey } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { LinkEngine, principalRoles, type LinkMessage, type LinkOptions } from '@tridcomm/core/link';
import type { BrokerEngine } from '../engine/broker-engine.ts';
import type { Connection } from '../engine/connection.ts';
import type { BrokerEvent } from '../engine/events.ts';
import type { PeerSink } from '../engine/outbox.ts';
import type { Opening } from './openings.ts';

/** What all links of a broker share. */
export interface LinkHost {
  readonly engine: BrokerEngine;
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  readonly now: () => number;
  readonly key: SigningKey;
  /** The broker's newest own record. */
  readonly principalRecord: () => Uint8Array;
  /** Links whose peers have not taken yet all that was sent. */
  readonly stalled: Set<LinkDriver>;
  /** What links hold of large frames that have not come wholly. */
  readonly partial: { bytes: number };
  emit(event: BrokerEvent): void;
}

/** Where a link comes from, and what protects it. */
export interface LinkOrigin {
  readonly listener: string;
  /** Address of the peer; empty for a local socket. */
  readonly remote: string;
  readonly mode: number;
  readonly tls?: NonNullable<LinkOptions['tls']>;
}

/**
 * Brings a byte stream, a link and the broker's engine together.
 *
 * Nothing is made for a connection before its first byte has come.
 */
export class LinkDriver implements PeerSink {
  readonly #host: LinkHost;
  readonly #origin: LinkOrigin;
  /** Undefined once the link is open or over, as it holds more than the link itself. */
  #opening: Opening | undefined;
  #stream: ByteStream | undefined;
  #link: LinkEngine | undefined;
  #connection: Connection | undefined;
  #isOver = false;
  /** The engine has enough for now. */
  #isPaused = false;
  #isReading = true;
  /** Bytes since the last message, and whether one came with the last chunk. */
  #partialBytes = 0;
  #hasTaken = false;
  /** Since when there is too much for the peer. */
  #stalledSinceMs: number | undefined;
  #writtenBytes = 0;
  /** Bytes that the transport had got rid of when it was last seen to move, and when that was, while it has any. */
  #takenBytes = 0;
  #movedMs: number | undefined;

  constructor(host: LinkHost, origin: LinkOrigin, opening: Opening) {
    this.#host = host;
    this.#origin = origin;
    this.#opening = opening;
  }

  /** @param stream - that calls this driver; nothing has come yet */
  start(stream: ByteStream): void {
    this.#stream = stream;
  }

  get isFull(): boolean {
    return this.#stream!.isFull;
  }

  /** @internal Of the engine. */
  send(message: LinkMessage): void {
    this.#link!.send(message);
    this.#watchTransport();
  }

  /** @internal Of the engine. */
  close(error: TridcommError | undefined, retryMs: number): void {
    if (this.#isOver) return;
    this.#over();
    this.#link!.close(error, retryMs);
    this.#stream!.end();
  }

  /** @internal Of the engine. */
  setReading(isReading: boolean): void {
    this.#isPaused = !isReading;
    this.#updateReading();
  }

  /** Takes bytes of the peer. */
  onData(chunk: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#link ??= this.#makeLink();
      this.#hasTaken = false;
      this.#link.receive(chunk, (message) => this.#take(message));
      if (this.#link.state === 'open') this.#open();
      if (!this.#isOver) this.#notePartial(this.#hasTaken ? 0 : this.#partialBytes + chunk.length);
    } catch (error) {
      this.#failed(error);
    }
    if (!this.#isOver) this.#updateReading();
  }

  onDrain(): void {
    if (this.#isOver) return;
    this.#updateReading();
    this.#connection?.drained();
  }

  onEnd(error: TridcommError | undefined): void {
    if (this.#isOver) return;
    try {
      if (error !== undefined) throw error;
      if (this.#link === undefined) throw new TridcommError('E_HANDSHAKE', 'the stream ends before it begins');
      this.#link.end();
    } catch (thrown) {
      // What the transport refused is our refusal; its end is the peer's.
      const isPeer = error === undefined || error.code === 'E_TRANSPORT';
      this.#failed(thrown, isPeer ? 'peer' : 'broker');
    }
  }

  /** Ends a connection that is not open: it took too long, or its place is needed. */
  displaced(): void {
    if (this.#isOver) return;
    this.#failed(new TridcommError('E_HANDSHAKE', 'opening that takes too long'));
    this.#stream?.destroy();
  }

  /** Ends a link whose peer has taken nothing, or too little, for so long that it never will. */
  checkStalled(nowMs: number): void {
    const { bufferedBytes } = this.#stream!;
    const takenBytes = this.#writtenBytes - bufferedBytes;
    if (takenBytes > this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#movedMs = nowMs;
    }
    if (bufferedBytes === 0) this.#movedMs = undefined;
    this.#noteStalled();
    const sinceMs = Math.min(this.#stalledSinceMs ?? Infinity, this.#movedMs ?? Infinity);
    if (nowMs - sinceMs < mostStalledMs) return;
    this.#connection?.lost('broker', 'E_LIMIT');
    this.#over();
    this.#link?.close();
    this.#stream!.destroy();
  }

  #makeLink(): LinkEngine {
    const { engine, provider, random, now, key, principalRecord } = this.#host;
    // Functions that are there already: very many openings may stand at a time.
    const { trust, authorityRecords, isRevoked } = engine;
    const { mode, tls } = this.#origin;
    const options: LinkOptions = {
      provider,
      random,
      now,
      side: 'responder',
      mode,
      key,
      principalRecord: principalRecord(),
      trust,
      authorityRecords,
      isRevoked,
      ...(tls !== undefined && { tls }),
    };
    return new LinkEngine(options, (chunks) => {
      for (const { length } of chunks) this.#writtenBytes += length;
      this.#stream!.write(chunks);
    });
  }

  #take(message: LinkMessage): void {
    this.#hasTaken = true;
    this.#open();
    this.#connection?.receive(message);
    if (message.type === 'close' && !this.#isOver) {
      this.#over();
      this.#stream!.end();
    }
  }

  /** The link is open: the engine learns of it, once. */
  #open(): void {
    const link = this.#link!;
    if (this.#connection !== undefined || this.#isOver) return;
    this.#endOpening();
    const { listener, remote } = this.#origin;
    this.#connection = this.#host.engine.connect(link.peer!, link.peerCreditBytes, this);
    if (this.#connection === undefined) return;
    this.#host.emit({ type: 'linkOpened', listener, remote, ...this.#connection.names });
  }

  /** The link is over, by what came or by what the transport says. */
  #failed(error: unknown, by: 'broker' | 'peer' = 'broker'): void {
    if (this.#isOver) return;
    const { listener, remote } = this.#origin;
    const refusal =
      error instanceof TridcommError ? error : new TridcommError('E_INTERNAL', undefined, { cause: error });
    if (refusal !== error) {
      this.#host.emit({
        type: 'internalError',
        where: 'link',
        name: error instanceof Error ? error.name : typeof error,
      });
    }
    if (this.#connection === undefined)
      this.#host.emit({ type: 'openingRefused', listener, remote, code: refusal.code });
    else this.#connection.lost(by, refusal.code);
    this.#over();
    // The link has sent its close, or has nothing to say.
    this.#stream?.end();
  }

  /**
   * Notes what is held of a frame that has not come wholly. Everybody may begin a frame of 16 MiB, as an authority's may be, but not
   * very many at once.
   */
  #notePartial(bytes: number): void {
    const { partial } = this.#host;
    partial.bytes += Math.max(0, bytes - freeBytes) - Math.max(0, this.#partialBytes - freeBytes);
    this.#partialBytes = bytes;
    if (this.#isOver || bytes <= freeBytes || partial.bytes <= mostPartialBytes) return;
    if (((this.#link?.peer?.roles ?? 0) & principalRoles.authority) !== 0) return;
    this.#connection?.end(new TridcommError('E_LIMIT', 'large frames that have not come wholly'), busyRetryMs);
  }

  #over(): void {
    this.#isOver = true;
    this.#notePartial(0);
    this.#endOpening();
    this.#host.stalled.delete(this);
  }

  #endOpening(): void {
    this.#opening?.done();
    this.#opening = undefined;
  }

  /** From the first byte that waits on it is looked whether any goes: a peer that says nothing makes nobody look. */
  #watchTransport(): void {
    if (this.#movedMs !== undefined || this.#isOver) return;
    const { bufferedBytes } = this.#stream!;
    if (bufferedBytes === 0) return;
    this.#takenBytes = this.#writtenBytes - bufferedBytes;
    this.#movedMs = this.#host.now();
    this.#noteStalled();
  }

  #noteStalled(): void {
    if (this.#stalledSinceMs === undefined && this.#movedMs === undefined) this.#host.stalled.delete(this);
    else this.#host.stalled.add(this);
  }

  /** Who does not take what it is sent is not asked for more. */
  #updateReading(): void {
    const isFull = this.#stream!.bufferedBytes > mostBufferedBytes;
    if (!isFull) this.#stalledSinceMs = undefined;
    else this.#stalledSinceMs ??= this.#host.now();
    this.#noteStalled();
    const isReading = !isFull && !this.#isPaused;
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    this.#stream!.setReading(isReading);
  }
}

/** Above what the engine sends at a time, so that only answers and large envelopes get here. */
const mostBufferedBytes = 512 * 1024;
const mostStalledMs = 60_000;
/** The largest frame of who is no authority, and what may stand around it. */
const freeBytes = limits.storedBytes + 65_536;
const mostPartialBytes = 64 * 1024 * 1024;
const busyRetryMs = 1_000;
