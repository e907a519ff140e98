import { createHash } from 'node:crypto';
import { closeSync, constants, fsyncSync, ftruncateSync, openSync } from 'node:fs';
import { TridcommError } from '@tridcomm/core';
import type { AddressedObject } from '@tridcomm/core/internal';
import { isFsError } from '../store/fs-error.ts';
import { readPrivateFile, replaceFile, writeAll, writeError } from './private-files.ts';

/*
 * archive = "TDAR" ‖ u8 1 ‖ 3 zero bytes ‖ authority_id32 ‖ entries, appended
 * entry   = u32 length ‖ H(u32 length)[0..4] ‖ H(rest)[0..8] ‖ rest                                  rest = address16 ‖ object
 */

/**
 * The file of an archive: objects, appended and synced. It holds nothing secret; everything in it is signed.
 */
export class ArchiveFile {
  readonly #path: string;
  readonly #authorityId32: Uint8Array;
  #file: number | undefined;
  #lengthBytes: number;

  private constructor(path: string, authorityId32: Uint8Array, lengthBytes: number) {
    this.#path = path;
    this.#authorityId32 = authorityId32;
    this.#lengthBytes = lengthBytes;
  }

  /**
   * Opens an archive, or makes an empty one where there is none. What a crash left half written at its end counts for nothing: it was never
   * handed out.
   *
   * @returns the file, and what it held, in its order
   * @throws TridcommError `E_USAGE` where it cannot be used; `E_BINDING` for that of another authority; `E_ENCODING`, `E_VERSION`, `E_LENGTH`
   * where it is damaged; StoreError where the disk does not take it
   */
  static open(path: string, authorityId32: Uint8Array): { file: ArchiveFile; objects: AddressedObject[] } {
    const held = readIfThere(path);
    if (held === undefined) replaceFile(path, headerOf(authorityId32));
    const bytes = held ?? headerOf(authorityId32);
    checkHeader(bytes, authorityId32);
    const { objects, endsAt } = readEntries(bytes);
    return { file: new ArchiveFile(path, authorityId32, endsAt), objects };
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /**
   * Appends objects; they are on the disk when it returns.
   *
   * @throws StoreError where the disk does not take them; then none of them counts
   */
  append(objects: readonly AddressedObject[]): void {
    const bytes = Buffer.concat(objects.map(encodeEntry));
    try {
      this.#file ??= openSync(this.#path, constants.O_WRONLY | constants.O_APPEND);
      // A half entry, of a crash or a full disk, must not stand before a whole one.
      ftruncateSync(this.#file, this.#lengthBytes);
      writeAll(this.#file, bytes);
      fsyncSync(this.#file);
    } catch (error) {
      throw writeError(error, this.#path);
    }
    this.#lengthBytes += bytes.length;
  }

  /**
   * Writes the file anew with these objects alone.
   *
   * @throws StoreError where the disk does not take it; then the file is as it was
   */
  rewrite(objects: readonly AddressedObject[]): void {
    const bytes = Buffer.concat([headerOf(this.#authorityId32), ...objects.map(encodeEntry)]);
    replaceFile(this.#path, bytes);
    // What is open is the file before.
    this.close();
    this.#lengthBytes = bytes.length;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readPrivateFile(path, mostArchiveBytes);
  } catch (error) {
    if (error instanceof TridcommError && isFsError(error.cause, 'ENOENT')) return undefined;
    throw error;
  }
}

function checkHeader(bytes: Uint8Array, authorityId32: Uint8Array): void {
  if (bytes.length < headerBytes) throw new TridcommError('E_LENGTH', `archive of ${bytes.length} bytes`);
  const wanted = headerOf(authorityId32);
  if (!isSame(bytes, wanted, 0, 4)) throw new TridcommError('E_ENCODING', 'not the magic of an archive');
  if (!isSame(bytes, wanted, 4, 8)) throw new TridcommError('E_VERSION', `archive of version ${bytes[4]}`);
  if (!isSame(bytes, wanted, 8, 40)) throw new TridcommError('E_BINDING', 'archive of another authority');
}

function readEntries(bytes: Uint8Array): { objects: AddressedObject[]; endsAt: number } {
  const from = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const objects: AddressedObject[] = [];
  let at = headerBytes;
  while (at < from.length) {
    const left = from.length - at;
    if (left < entryHeadBytes) return { objects, endsAt: at };
    const length = from.readUInt32BE(at);
    if (!hashOf(from.subarray(at, at + 4), 4).equals(from.subarray(at + 4, at + 8))) {
      // A system that lost power may have made the file longer without writing to it.
      if (from.subarray(at).every((byte) => byte === 0)) return { objects, endsAt: at };
      throw new TridcommError('E_ENCODING', `archive is damaged at byte ${at}`);
    }
    const start = at + entryHeadBytes;
    const end = start + length;
    const rest = from.subarray(start, end);
    const isWhole = end <= from.length && hashOf(rest, 8).equals(from.subarray(at + 8, start));
    if (!isWhole && end >= from.length) return { objects, endsAt: at };
    if (!isWhole || length < 16) throw new TridcommError('E_ENCODING', `archive is damaged at byte ${at}`);
    objects.push({ address16: new Uint8Array(rest.subarray(0, 16)), bytes: new Uint8Array(rest.subarray(16)) });
    at = end;
  }
  return { objects, endsAt: at };
}

function encodeEntry({ address16, bytes }: AddressedObject): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(16 + bytes.length);
  const rest = Buffer.concat([address16, bytes]);
  return Buffer.concat([length, hashOf(length, 4), hashOf(rest, 8), rest]);
}

function headerOf(authorityId32: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('TDAR\u0001\0\0\0', 'latin1'), authorityId32]);
}

function hashOf(bytes: Uint8Array, lengthBytes: number): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, lengthBytes);
}

function isSame(a: Uint8Array, b: Uint8Array, from: number, to: number): boolean {
  return Buffer.compare(a.subarray(from, to), b.subarray(from, to)) === 0;
}

const headerBytes = 40;
const entryHeadBytes = 16;
const mostArchiveBytes = 2 ** 31;
