import type { LogFile } from './files.ts';

/**
 * Reads a file front to back in pieces, so that small neighbours cost one read together and large ones are not read unless asked for.
 */
export class FileWindow {
  readonly #file: LogFile;
  readonly #pieceBytes: number;
  #start = 0;
  #piece: Buffer = Buffer.alloc(0);

  /** @param pieceBytes - read at once, or more where more is asked for; a multiple of 8 */
  constructor(file: LogFile, pieceBytes: number = defaultPieceBytes) {
    this.#file = file;
    this.#pieceBytes = pieceBytes;
  }

  /** `length` bytes from an offset on, fewer where the file ends; a view that stays as it is. */
  async bytes(offset: number, length: number): Promise<Buffer> {
    if (offset < this.#start || offset + length > this.#start + this.#piece.length) {
      this.#piece = await this.#file.read(offset, Math.max(length, this.#pieceBytes));
      this.#start = offset;
    }
    return this.#piece.subarray(offset - this.#start, offset - this.#start + length);
  }

  /**
   * Where a pattern stands next at a multiple of 8.
   *
   * @param offset - a multiple of 8
   * @returns `end` where it stands nowhere before
   */
  async find(pattern: Uint8Array, offset: number, end: number): Promise<number> {
    for (let from = offset; from < end; from += this.#pieceBytes) {
      const piece = await this.bytes(from, this.#pieceBytes);
      for (let at = piece.indexOf(pattern); at >= 0; at = piece.indexOf(pattern, at + 1)) {
        if (at % 8 === 0) return Math.min(from + at, end);
      }
    }
    return end;
  }

  /**
   * Whether a run of bytes has the shape of a write that a power cut tore: a sector of it is all zeros.
   *
   * @param from - a multiple of 8; the first piece is what its sector has left
   * @spec storage.13
   */
  async hasZeroSector(from: number, end: number): Promise<boolean> {
    for (let at = from; at < end;) {
      const next = Math.min(end, at - (at % sectorBytes) + sectorBytes);
      if ((await this.bytes(at, next - at)).every((byte) => byte === 0)) return true;
      at = next;
    }
    return false;
  }
}

const defaultPieceBytes = 65_536;
const sectorBytes = 512;
