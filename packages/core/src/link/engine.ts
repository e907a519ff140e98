import { TridcommError } from '../errors.ts';
import type { PrincipalRecord } from '../keys/principal-record.ts';
import { FrameDecoder } from '../wire/frame-decoder.ts';
import { checkType, largestBody, peerOf, type LinkSide } from './forms.ts';
import { decodeMessage, encodeMessage, type LinkMessage } from './messages.ts';
import { Opening } from './opening.ts';
import { setupOf, type LinkOptions } from './options.ts';
import { RecordReader, RecordWriter } from './records.ts';

/** Where a link stands. Nothing leads back. */
export type LinkState = 'opening' | 'open' | 'closed';

/**
 * One end of a link, without I/O and timers: bytes go in, messages and bytes come out.
 *
 * ```
 * opening ── the peer's last message of the opening passed ──► open
 * opening ── any refusal, end(), close(); nothing is sent ──► closed
 * open ── a refusal, close(), send(close); a close frame goes out ──► closed
 * open ── the peer's close, end(); nothing is sent ──► closed
 * ```
 *
 * Whoever owns it ends an opening that takes longer than `openingMs` of the registry of limits, and an open link whose peer is revoked
 * or whose peer's record ends (link.22).
 */
export class LinkEngine {
  readonly #side: LinkSide;
  readonly #frameCapBytes: number;
  readonly #onSend: (chunks: readonly Uint8Array[]) => void;
  #state: LinkState = 'opening';
  /** Undefined as soon as the link is open or over. */
  #opening: Opening | undefined;
  #isStarted = false;
  /** Undefined until the link is open. */
  #decoder: FrameDecoder | undefined;
  #writer: RecordWriter | undefined;
  #reader: RecordReader | undefined;
  #peer: PrincipalRecord | undefined;
  #peerFrameCapBytes = 0;
  #peerCreditBytes = 0;

  /**
   * @param options - kept until the link is open or over; the own principal record must not be changed
   * @param onSend - gets chunks to be written one after the other, and must not throw. They are not changed afterwards, but the caller's
   *   own bytes, as it gave them to {@link send}, may be among them
   * @throws TridcommError `E_USAGE` for options that cannot be
   */
  constructor(options: LinkOptions, onSend: (chunks: readonly Uint8Array[]) => void) {
    const setup = setupOf(options);
    this.#side = setup.side;
    this.#frameCapBytes = setup.frameCapBytes;
    this.#onSend = onSend;
    this.#opening = new Opening(setup, onSend);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The principal at the other end; undefined until the link has been open. */
  get peer(): PrincipalRecord | undefined {
    return this.#peer;
  }

  /** Largest body that the peer takes; 0 until the link has been open. */
  get peerFrameCapBytes(): number {
    return this.#peerFrameCapBytes;
  }

  /** The credit of the peer's hello; 0 until the link has been open. */
  get peerCreditBytes(): number {
    return this.#peerCreditBytes;
  }

  /**
   * Begins the opening: an initiator's first bytes go out. A responder has nothing to say yet.
   *
   * @throws TridcommError `E_USAGE` the second time, `E_CLOSED` on a link that is over
   */
  start(): void {
    if (this.#state === 'closed') throw new TridcommError('E_CLOSED', 'link that is over');
    if (this.#isStarted) throw new TridcommError('E_USAGE', 'link that was started before');
    this.#isStarted = true;
    if (this.#side === 'initiator') this.#opening!.start();
  }

  /**
   * Takes bytes of the peer.
   *
   * What follows a close of the peer in the same chunk is dropped. Where `onMessage` throws, the link ends with that, and it is thrown on.
   *
   * @param chunk - not changed; messages hold views of it
   * @param onMessage - gets each message in its order; may send, and may close
   * @throws TridcommError when the link is over: the refusal; on a link that was open, a close frame with its outward code has gone out.
   *   `E_CLOSED` on a link that is over; `E_USAGE` for an initiator that was not started
   * @spec link.19, link.20, link.23, messages.8
   */
  receive(chunk: Uint8Array, onMessage: (message: LinkMessage) => void): void {
    if (this.#state === 'closed') throw new TridcommError('E_CLOSED', 'link that is over');
    if (!this.#isStarted && this.#side === 'initiator') {
      throw new TridcommError('E_USAGE', 'initiator that was not started');
    }
    try {
      const taken = this.#opening === undefined ? 0 : this.#takeOpening(this.#opening, chunk);
      if (this.#state === 'open') this.#takeBytes(taken === 0 ? chunk : chunk.subarray(taken), onMessage);
    } catch (error) {
      this.close(error instanceof TridcommError ? error : new TridcommError('E_INTERNAL', undefined, { cause: error }));
      throw error;
    }
  }

  /**
   * Sends a message. A close ends the link.
   *
   * @throws TridcommError `E_CLOSED` on a link that is over; `E_USAGE` on one that is not open, and for what this side does not send;
   *   `E_LIMIT` for a size or number above its limit, the cap of the peer among them. The link goes on
   * @spec link.1, messages.10
   */
  send(message: LinkMessage): void {
    if (this.#state === 'closed') throw new TridcommError('E_CLOSED', 'link that is over');
    if (this.#state === 'opening') throw new TridcommError('E_USAGE', 'link that is not open');
    this.#write(encodeMessage(this.#side, message, this.#peerFrameCapBytes));
    if (message.type === 'close') this.#end();
  }

  /**
   * Ends the link, and overwrites its keys. On an open link a close frame goes out first, with the outward code of the error; none for an
   * error that is for nobody else. On a link that is over it does nothing.
   *
   * @param error - why; without it the end is an orderly one
   * @param retryMs - when trying again makes sense; 0 says nothing of it
   * @throws TridcommError `E_LIMIT`, `E_USAGE` for a time that cannot be
   * @spec errors.3, link.19, link.23
   */
  close(error?: TridcommError, retryMs = 0): void {
    if (this.#state === 'open' && (error === undefined || error.outward !== undefined)) {
      this.send({ type: 'close', code: error?.outward, retryMs });
    }
    this.#end();
  }

  /**
   * Says that the stream of the peer has ended. On a link that is over there is nothing left to say.
   *
   * @throws TridcommError `E_HANDSHAKE` on a link that is not open; otherwise, as no close came, `E_LENGTH` inside a frame or record
   *   and `E_TRANSPORT` between them
   * @spec framing.12, link.6, link.21
   */
  end(): void {
    const state = this.#state;
    if (state === 'closed') return;
    this.#end();
    if (state === 'opening') throw new TridcommError('E_HANDSHAKE', 'the stream ends before the link is open');
    if (this.#decoder?.isInside === true || this.#reader?.isInside === true) {
      throw new TridcommError('E_LENGTH', 'the stream ends inside a frame');
    }
    throw new TridcommError('E_TRANSPORT', 'the stream ends without a close');
  }

  /** @returns how many bytes of the chunk belong to the opening */
  #takeOpening(opening: Opening, chunk: Uint8Array): number {
    const taken = opening.take(chunk);
    const { opened } = opening;
    if (opened === undefined) return taken;
    opening.erase();
    this.#opening = undefined;
    this.#peer = opened.peer;
    this.#peerFrameCapBytes = opened.terms.frameCapBytes;
    this.#peerCreditBytes = opened.terms.creditBytes;
    if (opened.session !== undefined) {
      this.#writer = new RecordWriter(opened.session.send);
      this.#reader = new RecordReader(opened.session.receive);
    }
    this.#decoder = new FrameDecoder(this.#frameCapBytes, largestBody);
    this.#state = 'open';
    return taken;
  }

  /** Bytes of an open link. */
  #takeBytes(bytes: Uint8Array, onMessage: (message: LinkMessage) => void): void {
    const reader = this.#reader;
    if (reader === undefined) {
      this.#takeFrames(bytes, onMessage);
      return;
    }
    reader.take(bytes);
    while (this.#state === 'open') {
      const plaintext = reader.next();
      if (plaintext === undefined) return;
      this.#takeFrames(plaintext, onMessage);
    }
  }

  #takeFrames(bytes: Uint8Array, onMessage: (message: LinkMessage) => void): void {
    const decoder = this.#decoder!;
    const from = peerOf(this.#side);
    decoder.take(bytes);
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      const message = decodeMessage(from, frame.type, frame.channel, frame.body);
      if (message.type === 'close') this.#end();
      onMessage(message);
      // The peer may have closed, or the receiver of the message.
      if (this.#isOver()) return;
    }
    // What no peer of this side sends is refused before its body is waited for.
    if (decoder.pendingType !== undefined) checkType(from, decoder.pendingType);
  }

  /** Not a comparison in place, which the compiler takes for settled by the ones before it. */
  #isOver(): boolean {
    return this.#state === 'closed';
  }

  #write(chunks: readonly Uint8Array[]): void {
    this.#onSend(this.#writer === undefined ? chunks : this.#writer.write(chunks));
  }

  #end(): void {
    this.#state = 'closed';
    this.#opening?.erase();
    this.#opening = undefined;
    this.#writer?.erase();
    this.#reader?.erase();
  }
}
