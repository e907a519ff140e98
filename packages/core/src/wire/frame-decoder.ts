import type { FrameType } from '../codepoints/frame-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';
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
  readonly #head = new Uint8Array(frameHeaderBytes);
  #headFilled = 0;
  #header: FrameHeader | undefined;
  #body: Uint8Array = empty;
  #bodyFilled = 0;
  #closed = false;

  /**
   * @param capBytes - the largest body to take, up to 16,777,216
   * @throws TridcommError `E_USAGE` for a cap above that
   * @spec framing.8
   */
  constructor(capBytes: number = limits.frameCapBytes) {
    if (!Number.isInteger(capBytes) || capBytes < 0 || capBytes > limits.frameHardCapBytes) {
      throw new TridcommError('E_USAGE', `frame cap ${capBytes}, at most ${limits.frameHardCapBytes}`);
    }
    this.#capBytes = capBytes;
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
    if (this.#closed) throw new TridcommError('E_CLOSED', 'frames after a refused one');
    this.#closed = true;
    yield* this.#cut(chunk);
    this.#closed = false;
  }

  *#cut(chunk: Uint8Array): Generator<Frame, void, undefined> {
    let offset = 0;
    for (;;) {
      if (this.#header === undefined) {
        const take = Math.min(frameHeaderBytes - this.#headFilled, chunk.length - offset);
        this.#head.set(chunk.subarray(offset, offset + take), this.#headFilled);
        this.#headFilled += take;
        offset += take;
        if (this.#headFilled < frameHeaderBytes) return;
        this.#header = decodeFrameHeader(this.#head, this.#capBytes);
      }
      const { lengthBytes } = this.#header;
      if (this.#bodyFilled === 0 && chunk.length - offset >= lengthBytes) {
        const body = chunk.subarray(offset, offset + lengthBytes);
        offset += lengthBytes;
        yield* this.#finish(body);
        continue;
      }
      if (offset === chunk.length) return;
      // A dropped frame's bytes need no room.
      if (this.#bodyFilled === 0 && !this.#header.grease) this.#body = new Uint8Array(lengthBytes);
      const take = Math.min(lengthBytes - this.#bodyFilled, chunk.length - offset);
      if (!this.#header.grease) this.#body.set(chunk.subarray(offset, offset + take), this.#bodyFilled);
      this.#bodyFilled += take;
      offset += take;
      if (this.#bodyFilled < lengthBytes) return;
      yield* this.#finish(this.#body);
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
    if (this.#headFilled > 0) throw new TridcommError('E_LENGTH', 'the stream ends inside a frame');
  }

  *#finish(body: Uint8Array): Generator<Frame, void, undefined> {
    const { type, channel, grease } = this.#header!;
    this.#header = undefined;
    this.#headFilled = 0;
    this.#body = empty;
    this.#bodyFilled = 0;
    if (!grease) yield { type: type as FrameType, channel, body };
  }
}

const empty = new Uint8Array(0);
