import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { TridcommError } from '@tridcomm/core';
import { StoreError } from '../store/fs-error.ts';
import type { EffectFile, EffectFiles } from './effect-files.ts';
import { decodeItems, encodeItem, type EffectItem } from './effect-record.ts';

/*
 * file   = `TDCEFCT` ‖ u8 version = 1 ‖ salt8 ‖ u64 born ‖ u32 crc of what stands before ‖ records
 * record = `TE` ‖ u32 length ‖ u32 crc ‖ content, length bytes
 *
 * crc of a record is CRC-32 of salt8 ‖ u48 offset of the record ‖ length ‖ content: a record counts in its file and at its place only. born is
 * when the memory of the store began, in ms. All numbers are big-endian.
 */

/**
 * An append-only file of what was done. A record counts as a whole, and each is on the disk before the next is begun; so a bad one with a good
 * one behind it is damage, and not what a crash leaves.
 */
export class EffectLog {
  readonly bornMs: number;
  readonly #file: EffectFile;
  readonly #salt8: Uint8Array;
  #bytes: number;
  #failure: unknown;

  private constructor(file: EffectFile, salt8: Uint8Array, bornMs: number, bytes: number) {
    this.#file = file;
    this.#salt8 = salt8;
    this.bornMs = bornMs;
    this.#bytes = bytes;
  }

  /** A new file; whoever asks makes it last, by {@link sync}. */
  static async create(files: EffectFiles, name: string, bornMs: number): Promise<EffectLog> {
    const file = await files.create(name);
    const salt8 = new Uint8Array(randomBytes(8));
    const head = Buffer.alloc(headBytes);
    head.set(magic);
    head.set(salt8, 8);
    head.writeBigUInt64BE(BigInt(bornMs), 16);
    head.writeUInt32BE(crc32(head.subarray(0, 24)), 24);
    try {
      await file.write(head, 0);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new EffectLog(file, salt8, bornMs, head.length);
  }

  /**
   * Opens a file, and hands over what it holds. What a crash left of the last record is cut off.
   *
   * @returns undefined where there is none
   * @throws TridcommError `E_VERSION`; `E_ENCODING` for one that is damaged; `E_USAGE`; what the file system throws
   */
  static async open(
    files: EffectFiles,
    name: string,
    take: (item: EffectItem) => void,
  ): Promise<EffectLog | undefined> {
    const file = await files.open(name);
    if (file === undefined) return undefined;
    try {
      const bytes = await file.read();
      checkHead(bytes);
      const salt8 = Uint8Array.from(bytes.subarray(8, 16));
      const end = readRecords(bytes, salt8, take);
      if (end < bytes.length) await file.truncate(end);
      // A process that was killed left what only the memory of the system had: nobody is answered by that before it lasts.
      await file.sync();
      return new EffectLog(file, salt8, Number(bytes.readBigUInt64BE(16)), end);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes of the file. */
  get lengthBytes(): number {
    return this.#bytes;
  }

  /** @throws StoreError where nothing is written any more */
  requireSound(): void {
    if (this.#failure !== undefined) throw writeFailure(this.#failure);
  }

  /**
   * Appends a record. One call at a time.
   *
   * @throws StoreError where the disk did not take it: it is as if it had not been tried, or the file is over
   */
  async append(items: readonly EffectItem[]): Promise<void> {
    this.requireSound();
    const record = encodeRecord(this.#salt8, this.#bytes, items);
    try {
      await this.#file.write(record, this.#bytes);
    } catch (error) {
      await this.#takeBack(error);
      throw writeFailure(error);
    }
    this.#bytes += record.length;
  }

  /** Waits until everything is on the disk. @throws StoreError */
  async sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (error) {
      // Nobody knows what is on the disk now, and asking once more would not tell.
      this.fail(error);
      throw writeFailure(error);
    }
  }

  /** Ends all writing. */
  fail(cause: unknown): void {
    this.#failure ??= cause;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Half a record would make the next one unreadable. */
  async #takeBack(error: unknown): Promise<void> {
    try {
      await this.#file.truncate(this.#bytes);
    } catch {
      this.fail(error);
    }
  }
}

function checkHead(bytes: Buffer): void {
  if (bytes.length < headBytes || !bytes.subarray(0, 7).equals(magic.subarray(0, 7))) {
    throw new TridcommError('E_ENCODING', 'file that is no effect store');
  }
  if (bytes[7] !== magic[7])
    throw new TridcommError('E_VERSION', `effect store of format ${bytes[7]}, not ${magic[7]}`);
  if (crc32(bytes.subarray(0, 24)) !== bytes.readUInt32BE(24)) throw damage(0);
}

/** @returns where the last good record ends */
function readRecords(bytes: Buffer, salt8: Uint8Array, take: (item: EffectItem) => void): number {
  let at = headBytes;
  for (;;) {
    const end = endOfRecord(bytes, salt8, at);
    if (end === undefined) break;
    for (const item of decodeItems(bytes.subarray(at + recordHeadBytes, end))) take(item);
    at = end;
  }
  for (let later = bytes.indexOf(recordMagic, at + 1); later >= 0; later = bytes.indexOf(recordMagic, later + 1)) {
    if (endOfRecord(bytes, salt8, later) !== undefined) throw damage(at);
  }
  return at;
}

function damage(at: number): TridcommError {
  const detail = `effect store damaged at byte ${at}: restore it, or move it away and lose what it knows`;
  return new TridcommError('E_ENCODING', detail);
}

/** Where the record ends that begins at an offset; undefined where none does. */
function endOfRecord(bytes: Buffer, salt8: Uint8Array, at: number): number | undefined {
  if (bytes.length - at < recordHeadBytes || bytes.compare(recordMagic, 0, 2, at, at + 2) !== 0) return undefined;
  const end = at + recordHeadBytes + bytes.readUInt32BE(at + 2);
  if (end > bytes.length) return undefined;
  const crc = checksum(salt8, at, bytes.subarray(at + 2, at + 6), bytes.subarray(at + recordHeadBytes, end));
  return crc === bytes.readUInt32BE(at + 6) ? end : undefined;
}

function encodeRecord(salt8: Uint8Array, at: number, items: readonly EffectItem[]): Buffer {
  const head = Buffer.alloc(recordHeadBytes);
  const record = Buffer.concat([head, ...items.flatMap(encodeItem)]);
  recordMagic.copy(record);
  record.writeUInt32BE(record.length - recordHeadBytes, 2);
  record.writeUInt32BE(checksum(salt8, at, record.subarray(2, 6), record.subarray(recordHeadBytes)), 6);
  return record;
}

function checksum(salt8: Uint8Array, at: number, length: Uint8Array, content: Uint8Array): number {
  const place = Buffer.alloc(8 + 6);
  place.set(salt8);
  place.writeUIntBE(at, 8, 6);
  return crc32(content, crc32(length, crc32(place)));
}

function writeFailure(cause: unknown): StoreError {
  return new StoreError('effects cannot be written', { cause });
}

const magic = Buffer.from('TDCEFCT\u0001', 'latin1');
const headBytes = 28;
const recordMagic = Buffer.from('TE', 'latin1');
const recordHeadBytes = 10;
