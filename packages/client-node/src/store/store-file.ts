import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { TridcommError } from '@tridcomm/core';
import { isFsError, StoreError } from './fs-error.ts';

/*
 * file   = `TDCSTOR` ‖ u8 version = 1 ‖ salt8 ‖ records
 * record = `TR` ‖ u32 length ‖ u32 crc ‖ content, length bytes            content = u8 operation ‖ u16 length of name ‖ name ‖ value
 *
 * crc is CRC-32 of salt8 ‖ u48 offset of the record ‖ length ‖ content: a record counts in its file and at its place only. All numbers are
 * big-endian.
 */

/** What a record does to a name. */
const operations = { put: 1, delete: 2 } as const;

/** One record as it was read. */
export interface StoreRecord {
  readonly name: string;
  /** Undefined where the name is deleted. A copy. */
  readonly value: Uint8Array | undefined;
}

/**
 * An append-only file of puts and deletes. A record is on the disk when {@link append} returns.
 *
 * What a crash left behind of the last record is cut off when the file is opened. A bad record with a good one behind it is no such thing,
 * as each is on the disk before the next is begun: the file is refused then.
 */
export class StoreFile {
  readonly path: string;
  readonly #file: number;
  readonly #salt8: Uint8Array;
  #bytes: number;
  #isOpen = true;
  /** Why nothing is written any more. */
  #failure: unknown;

  private constructor(path: string, file: number, salt8: Uint8Array, bytes: number) {
    this.path = path;
    this.#file = file;
    this.#salt8 = salt8;
    this.#bytes = bytes;
  }

  /** A new, empty file; there must be none. */
  static create(path: string): StoreFile {
    const file = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | noFollow, 0o600);
    const salt8 = new Uint8Array(randomBytes(8));
    const head = Buffer.concat([magic, salt8]);
    try {
      writeAll(file, head, 0);
      fsyncSync(file);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    return new StoreFile(path, file, salt8, head.length);
  }

  /**
   * Opens a file, and hands over what it holds.
   *
   * @throws TridcommError `E_USAGE` for a file that others may read, or of another user; `E_VERSION`; `E_ENCODING` for one that is damaged
   */
  static open(path: string, take: (record: StoreRecord) => void): StoreFile {
    const file = openFile(path, constants.O_RDWR);
    try {
      const stat = fstatSync(file);
      checkPrivate(path, stat.isFile(), stat);
      const bytes = readAll(file, stat.size);
      checkHead(path, bytes);
      const salt8 = Uint8Array.from(bytes.subarray(magic.length, headBytes));
      const end = readRecords(path, bytes, salt8, take);
      if (end < bytes.length) {
        ftruncateSync(file, end);
        fsyncSync(file);
      }
      return new StoreFile(path, file, salt8, end);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  /**
   * Reads a file that another process may be writing: what it holds now, up to what is on its way.
   *
   * @throws TridcommError as {@link open}
   */
  static read(path: string, take: (record: StoreRecord) => void): void {
    const file = openFile(path, constants.O_RDONLY);
    try {
      const stat = fstatSync(file);
      checkPrivate(path, stat.isFile(), stat);
      const bytes = readAll(file, stat.size);
      checkHead(path, bytes);
      readRecords(path, bytes, Uint8Array.from(bytes.subarray(magic.length, headBytes)), take);
    } finally {
      closeSync(file);
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Bytes of the file. */
  get lengthBytes(): number {
    return this.#bytes;
  }

  /**
   * Appends a record.
   *
   * @param value - undefined deletes the name; not kept
   * @param sync - whether it has to be on the disk at the end; else it is after {@link sync}
   * @throws StoreError where the disk did not take it: it is as if it had not been tried, or the file is over; TridcommError `E_LIMIT`
   */
  append(name: string, value: Uint8Array | undefined, sync = true): void {
    if (!this.#isOpen) throw new StoreError(`${this.path} was closed`);
    if (this.#failure !== undefined) throw writeFailure(this.path, this.#failure);
    const record = encodeRecord(this.#salt8, this.#bytes, name, value);
    try {
      writeAll(this.#file, record, this.#bytes);
    } catch (error) {
      this.#takeBack(error);
      throw writeFailure(this.path, error);
    }
    this.#bytes += record.length;
    if (sync) this.sync();
  }

  /** Waits until everything is on the disk. */
  sync(): void {
    try {
      fdatasyncSync(this.#file);
    } catch (error) {
      // Nobody knows what is on the disk now, and asking once more would not tell.
      this.fail(error);
      throw writeFailure(this.path, error);
    }
  }

  /** Ends all writing: from now on every {@link append} throws. */
  fail(cause: unknown): void {
    this.#failure ??= cause;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#file);
  }

  /** Half a record would make the next one unreadable. */
  #takeBack(error: unknown): void {
    try {
      ftruncateSync(this.#file, this.#bytes);
    } catch {
      this.fail(error);
    }
  }
}

/**
 * Makes sure that nobody but the user of this process gets at something with secrets.
 *
 * @throws TridcommError `E_USAGE`
 */
export function checkPrivate(
  path: string,
  isWhatItShouldBe: boolean,
  stat: { readonly mode: number; readonly uid: number },
): void {
  if (!isWhatItShouldBe) throw new TridcommError('E_USAGE', `${path} is of another kind than it should be`);
  // Windows has no such bits.
  if (process.getuid === undefined) return;
  if (stat.uid !== process.getuid())
    throw new TridcommError('E_USAGE', `${path} belongs to user ${stat.uid}: use one of your own`);
  const mode = stat.mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new TridcommError('E_USAGE', `${path} holds secrets and has mode 0${mode.toString(8)}: run chmod go= on it`);
  }
}

function openFile(path: string, access: number): number {
  try {
    return openSync(path, access | noFollow);
  } catch (error) {
    if (isFsError(error, 'ELOOP'))
      throw new TridcommError('E_USAGE', `${path} is a symbolic link: name the file itself`);
    throw error;
  }
}

function checkHead(path: string, bytes: Buffer): void {
  if (bytes.length < headBytes || !bytes.subarray(0, 7).equals(magic.subarray(0, 7))) {
    throw new TridcommError('E_ENCODING', `${path} is no store`);
  }
  if (bytes[7] !== magic[7]) throw new TridcommError('E_VERSION', `${path} has format ${bytes[7]}, not ${magic[7]}`);
}

/** @returns where the last good record ends */
function readRecords(path: string, bytes: Buffer, salt8: Uint8Array, take: (record: StoreRecord) => void): number {
  let at = headBytes;
  for (;;) {
    const end = endOfRecord(bytes, salt8, at);
    if (end === undefined) break;
    take(decodeContent(path, bytes.subarray(at + recordHeadBytes, end)));
    at = end;
  }
  for (let later = bytes.indexOf(recordMagic, at + 1); later >= 0; later = bytes.indexOf(recordMagic, later + 1)) {
    if (endOfRecord(bytes, salt8, later) === undefined) continue;
    throw new TridcommError(
      'E_ENCODING',
      `${path} is damaged at byte ${at}: make a new identity, or restore the whole directory`,
    );
  }
  return at;
}

/** Where the record ends that begins at an offset; undefined where none does. */
function endOfRecord(bytes: Buffer, salt8: Uint8Array, at: number): number | undefined {
  if (bytes.length - at < recordHeadBytes || bytes.compare(recordMagic, 0, 2, at, at + 2) !== 0) return undefined;
  const end = at + recordHeadBytes + bytes.readUInt32BE(at + 2);
  if (end > bytes.length) return undefined;
  const crc = checksum(salt8, at, bytes.subarray(at + 2, at + 6), bytes.subarray(at + recordHeadBytes, end));
  return crc === bytes.readUInt32BE(at + 6) ? end : undefined;
}

function decodeContent(path: string, content: Buffer): StoreRecord {
  const nameEnd = content.length < 3 ? Infinity : 3 + content.readUInt16BE(1);
  const operation = content[0];
  const isPut = operation === operations.put;
  if (nameEnd > content.length || (!isPut && (operation !== operations.delete || nameEnd !== content.length))) {
    // It was written like this: another version of this program did.
    throw new TridcommError('E_VERSION', `${path} has records of another form`);
  }
  const name = content.toString('utf8', 3, nameEnd);
  return { name, value: isPut ? Uint8Array.from(content.subarray(nameEnd)) : undefined };
}

function encodeRecord(salt8: Uint8Array, at: number, name: string, value: Uint8Array | undefined): Buffer {
  const nameBytes = Buffer.from(name, 'utf8');
  if (nameBytes.length > 0xffff) throw new TridcommError('E_LIMIT', `name of ${nameBytes.length} bytes, at most 65535`);
  const valueBytes = value?.length ?? 0;
  if (valueBytes > mostValueBytes)
    throw new TridcommError('E_LIMIT', `value of ${valueBytes} bytes, at most ${mostValueBytes}`);
  const contentBytes = 3 + nameBytes.length + valueBytes;
  const record = Buffer.alloc(recordHeadBytes + contentBytes);
  recordMagic.copy(record);
  record.writeUInt32BE(contentBytes, 2);
  record[recordHeadBytes] = value === undefined ? operations.delete : operations.put;
  record.writeUInt16BE(nameBytes.length, recordHeadBytes + 1);
  nameBytes.copy(record, recordHeadBytes + 3);
  if (value !== undefined) record.set(value, recordHeadBytes + 3 + nameBytes.length);
  const crc = checksum(salt8, at, record.subarray(2, 6), record.subarray(recordHeadBytes));
  record.writeUInt32BE(crc, 6);
  return record;
}

function checksum(salt8: Uint8Array, at: number, length: Uint8Array, content: Uint8Array): number {
  const place = Buffer.alloc(8 + 6);
  place.set(salt8);
  place.writeUIntBE(at, 8, 6);
  return crc32(content, crc32(length, crc32(place)));
}

function readAll(file: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const count = readSync(file, bytes, at, length - at, at);
    if (count === 0) break;
    at += count;
  }
  return bytes.subarray(0, at);
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}

function writeFailure(path: string, cause: unknown): StoreError {
  return new StoreError(`${path} cannot be written`, { cause });
}

const magic = Buffer.from('TDCSTOR\u0001', 'latin1');
const headBytes = 16;
const recordMagic = Buffer.from('TR', 'latin1');
const recordHeadBytes = 10;
/** More than the largest key block. */
const mostValueBytes = 16 * 1024 * 1024;
const noFollow: number = constants.O_NOFOLLOW ?? 0;
