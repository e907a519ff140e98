import type { FrameType } from '../codepoints/frame-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { decodeFrameHeader, frameHeaderBytes, type Frame, type FrameHeader } from './frame.ts';

/**
 * Cuts the bytes of a link, as they come in, into frames.
 *
 * It holds at most one unfinished frame, and reserves memory for a body only after its length met the cap.
 *
 * @spec framing.13
 */
export class FrameDecoder {
  readonly #capBytes: number;
  readonly #capOf: ((type: number) => number) | undefined;
  /** Of a header that came in pieces, until it is whole. */
  #head: Uint8Array | undefined;
  #headFilled = 0;
  #header: FrameHeader | undefined;
  #body: Uint8Array = empty;
  #bodyFilled = 0;
  /** The chunk that is being cut, and how far. */
  #chunk: Uint8Array | undefined;
  #offset = 0;
  #closed = false;

  /**
   * @param capBytes - the largest body to take, up to 16,777,216
   * @param capOf - a lower one for a type: asked once a header has passed all that this layer asks of it
   * @throws TridcommError `E_USAGE` for a cap above that
   * @spec framing.8
   */
  constructor(capBytes: number = limits.frameCapBytes, capOf?: (type: number) => number) {
    if (!Number.isInteger(capBytes) || capBytes < 0 || capBytes > limits.frameHardCapBytes) {
      throw new TridcommError('E_USAGE', `frame cap ${capBytes}, at most ${limits.frameHardCapBytes}`);
    }
    this.#capBytes = capBytes;
    this.#capOf = capOf;
  }

  /** Type of the frame whose header has come and whose body has not; undefined between frames, and for a GREASE frame. */
  get pendingType(): FrameType | undefined {
    return this.#header === undefined || this.#header.grease ? undefined : (this.#header.type as FrameType);
  }

  /** Whether the bytes so far end inside a frame. */
  get isInside(): boolean {
    return this.#headFilled > 0;
  }

  /**
   * Takes the next bytes and gives each frame that they complete, GREASE frames dropped.
   *
   * The generator is run to its end before the next push; one that is left early closes the decoder, as its place is lost.
   *
   * @param chunk - not changed; a body that lies whole inside it is handed out as a view of it
   * @throws TridcommError `E_LIMIT`, `E_ENCODING` for the first refused frame, `E_CLOSED` ever after
   * @spec framing.10, framing.14
   */
  *push(chunk: Uint8Array): Generator<Frame, void, undefined> {
    this.take(chunk);
    for (let frame = this.next(); frame !== undefined; frame = this.next()) yield frame;
  }

  /**
   * The same as {@link push} where each frame counts: takes the next bytes, whose frames {@link next} gives one by one.
   *
   * @throws TridcommError `E_CLOSED` after a refused frame, and while frames of the chunk before are left
   */
  take(chunk: Uint8Array): void {
    if (this.#closed) throw new TridcommError('E_CLOSED', 'frames after a refused one');
    this.#closed = true;
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /**
   * The next frame of the chunk taken; undefined when the next chunk may come.
   *
   * @throws TridcommError `E_LIMIT`, `E_ENCODING`
   */
  next(): Frame | undefined {
    const chunk = this.#chunk;
    if (chunk === undefined) return undefined;
    try {
      const frame = this.#cut(chunk);
      if (frame !== undefined) return frame;
    } catch (error) {
      this.#chunk = undefined;
      throw error;
    }
    this.#chunk = undefined;
    this.#closed = false;
    return undefined;
  }

  #cut(chunk: Uint8Array): Frame | undefined {
    for (;;) {
      if (this.#header === undefined) {
        const header = this.#takeHeader(chunk);
        if (header === undefined) return undefined;
        this.#header = header;
      }
      const { lengthBytes, grease } = this.#header;
      if (this.#bodyFilled === 0 && chunk.length - this.#offset >= lengthBytes) {
        const start = this.#offset;
        this.#offset += lengthBytes;
        if (grease) this.#finish();
        else return this.#frame(chunk.subarray(start, this.#offset));
        continue;
      }
      if (this.#offset === chunk.length) return undefined;
      // A dropped frame's bytes need no room.
      if (this.#bodyFilled === 0 && !grease) this.#body = new Uint8Array(lengthBytes);
      const take = Math.min(lengthBytes - this.#bodyFilled, chunk.length - this.#offset);
      if (!grease) this.#body.set(chunk.subarray(this.#offset, this.#offset + take), this.#bodyFilled);
      this.#bodyFilled += take;
      this.#offset += take;
      if (this.#bodyFilled < lengthBytes) return undefined;
      if (grease) this.#finish();
      else return this.#frame(this.#body);
    }
  }

  /**
   * Says that the stream has ended; after a refused frame there is nothing left to say.
   *
   * @throws TridcommError `E_LENGTH` inside a frame
   * @spec framing.12
   */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.isInside) throw new TridcommError('E_LENGTH', 'the stream ends inside a frame');
  }

  /** The next header; undefined while it is not whole. */
  #takeHeader(chunk: Uint8Array): FrameHeader | undefined {
    if (this.#headFilled === 0 && chunk.length - this.#offset >= frameHeaderBytes) {
      this.#headFilled = frameHeaderBytes;
      this.#offset += frameHeaderBytes;
      return this.#decode(chunk, this.#offset - frameHeaderBytes);
    }
    if (this.#offset === chunk.length) return undefined;
    this.#head ??= new Uint8Array(frameHeaderBytes);
    // Byte by byte: a view of eight bytes would cost more.
    while (this.#headFilled < frameHeaderBytes && this.#offset < chunk.length) {
      this.#head[this.#headFilled++] = chunk[this.#offset++]!;
    }
    if (this.#headFilled < frameHeaderBytes) return undefined;
    const head = this.#head;
    this.#head = undefined;
    return this.#decode(head, 0);
  }

  #decode(bytes: Uint8Array, offset: number): FrameHeader {
    const header = decodeFrameHeader(bytes, offset, this.#capBytes);
    if (this.#capOf !== undefined) checkLimit('frame length', header.lengthBytes, this.#capOf(header.type));
    return header;
  }

  #frame(body: Uint8Array): Frame {
    const { type, channel } = this.#header!;
    this.#finish();
    return { type: type as FrameType, channel, body };
  }

  #finish(): void {
    this.#header = undefined;
    this.#headFilled = 0;
    this.#body = empty;
    this.#bodyFilled = 0;
  }
}

const empty = new Uint8Array(0);
