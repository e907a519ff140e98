import { ProtocolFault, maxLineBytes } from './protocol.ts';

/** Cuts what an adapter writes into lines. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #bytes = 0;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });

  /**
   * Gives the lines that the chunk completes, without their line feeds.
   *
   * @throws {@link ProtocolFault} if a line is too long or not UTF-8; memory stays bounded by {@link maxLineBytes}
   */
  *push(chunk: Buffer): Generator<string, void, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      yield this.#take();
    }
    this.#keep(chunk.subarray(start));
  }

  /** What stands behind the last line feed. */
  get rest(): string {
    return Buffer.concat(this.#parts).toString();
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > maxLineBytes) throw new ProtocolFault(`wrote a line of more than ${maxLineBytes} bytes`);
    if (part.length > 0) this.#parts.push(part);
  }

  #take(): string {
    const line = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    try {
      return this.#decoder.decode(line);
    } catch (cause) {
      throw new ProtocolFault('wrote a line that is not UTF-8', { cause });
    }
  }
}

const lineFeed = 0x0a;
