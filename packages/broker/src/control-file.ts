import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { TridcommError } from '@tridcomm/core';
import { decodeBundle, encodeBundle, type AddressedObject } from '@tridcomm/core/internal';

/*
 * file   = "TDBC" ‖ u8 1 ‖ 3 zero bytes ‖ entries
 * entry  = u32 length ‖ u32 crc32 ‖ u64 kept_ms ‖ bundle, length bytes          crc32 over kept_ms and bundle
 */

/** Objects that were kept together, and when. */
export interface KeptObjects {
  readonly keptMs: number;
  readonly objects: readonly AddressedObject[];
}

/** What was found in a file. */
export interface Found {
  readonly kept: readonly KeptObjects[];
  /** The file has an end that was not written wholly, or was changed: from there on nothing counts. */
  readonly isDamaged: boolean;
}

/**
 * The file in which a broker keeps what it retains of its authority, for its next life. It grows by what comes, and is written anew when
 * most of it is out of date. It holds no secret, and nothing of it is believed: everything is verified again.
 *
 * @spec principals.28
 */
export class ControlFile {
  readonly #path: string;
  readonly #objects: () => readonly AddressedObject[];
  #file: FileHandle;
  #bytes: number;
  /** What it took when it was last written anew. */
  #freshBytes: number;
  #turn: Promise<void> = Promise.resolve();
  #failure: unknown;

  private constructor(path: string, objects: () => readonly AddressedObject[], file: FileHandle, bytes: number) {
    this.#path = path;
    this.#objects = objects;
    this.#file = file;
    this.#bytes = bytes;
    this.#freshBytes = bytes;
  }

  /**
   * Opens the file, or makes one.
   *
   * @param objects - everything that is retained now, for when it is written anew
   * @throws TridcommError `E_TRANSPORT` where the disk does not answer; `E_ENCODING` for a file of something else, `E_VERSION`
   */
  static async open(
    path: string,
    objects: () => readonly AddressedObject[],
  ): Promise<{ readonly file: ControlFile; readonly found: Found }> {
    const handle = await disk(open(path, constants.O_RDWR | constants.O_CREAT, 0o600));
    try {
      return await ControlFile.#opened(path, objects, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  static async #opened(
    path: string,
    objects: () => readonly AddressedObject[],
    handle: FileHandle,
  ): Promise<{ readonly file: ControlFile; readonly found: Found }> {
    const bytes = await disk(handle.readFile());
    if (bytes.length === 0) {
      await disk(writeWhole(handle, header, 0));
      await disk(handle.sync());
      await disk(syncFolder(dirname(path)));
      const file = new ControlFile(path, objects, handle, header.length);
      return { file, found: { kept: [], isDamaged: false } };
    }
    const { kept, end } = read(bytes);
    // What is written next must not stand behind what cannot be read.
    if (end < bytes.length) await disk(handle.truncate(end));
    const file = new ControlFile(path, objects, handle, end);
    return { file, found: { kept, isDamaged: end < bytes.length } };
  }

  /**
   * Keeps objects: they outlive power when it resolves.
   *
   * @throws TridcommError `E_TRANSPORT` where the disk does not take them; ever after, as nobody knows what it has
   */
  async keep(objects: readonly AddressedObject[], nowMs: number): Promise<void> {
    const turn = this.#turn.then(async () => await this.#keep(objects, nowMs));
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#file.close();
  }

  async #keep(objects: readonly AddressedObject[], nowMs: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      const entry = encode(objects, nowMs);
      await writeWhole(this.#file, entry, this.#bytes);
      await this.#file.datasync();
      this.#bytes += entry.length;
      if (this.#bytes > 2 * this.#freshBytes + slackBytes) await this.#writeAnew(entry, nowMs);
    } catch (cause) {
      this.#failure = new TridcommError('E_TRANSPORT', 'file of the authority’s objects', { cause });
      throw this.#failure;
    }
  }

  /** Writes what counts to another file, which then takes the place of this one. @param last - what does not count yet */
  async #writeAnew(last: Uint8Array, nowMs: number): Promise<void> {
    const path = `${this.#path}.new`;
    await rm(path, { force: true });
    const fresh = await open(path, 'wx+', 0o600);
    let bytes = header.length;
    await writeWhole(fresh, header, 0);
    for (const entry of [...Array.from(inBundles(this.#objects()), (objects) => encode(objects, nowMs)), last]) {
      await writeWhole(fresh, entry, bytes);
      bytes += entry.length;
    }
    await fresh.sync();
    await rename(path, this.#path);
    await syncFolder(dirname(this.#path));
    await this.#file.close();
    this.#file = fresh;
    this.#bytes = bytes;
    this.#freshBytes = bytes;
  }
}

/** The entries of a file, as far as they are whole. @throws TridcommError */
function read(bytes: Buffer): { kept: KeptObjects[]; end: number } {
  if (bytes.length < header.length || !bytes.subarray(0, 4).equals(header.subarray(0, 4))) {
    throw new TridcommError('E_ENCODING', 'file of the authority’s objects: it is another one');
  }
  if (bytes[4] !== 1) throw new TridcommError('E_VERSION', `file of the authority’s objects: version ${bytes[4]}`);
  const kept: KeptObjects[] = [];
  let end = header.length;
  while (end + entryHeadBytes <= bytes.length) {
    const length = bytes.readUInt32BE(end);
    const next = end + entryHeadBytes + length;
    if (next > bytes.length || crc32(bytes.subarray(end + 8, next)) !== bytes.readUInt32BE(end + 4)) break;
    try {
      const keptMs = Number(bytes.readBigUInt64BE(end + 8));
      kept.push({ keptMs, objects: decodeBundle(bytes.subarray(end + entryHeadBytes, next)) });
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      break;
    }
    end = next;
  }
  return { kept, end };
}

function encode(objects: readonly AddressedObject[], nowMs: number): Buffer {
  const bundle = encodeBundle(objects);
  const entry = Buffer.alloc(entryHeadBytes + bundle.length);
  entry.writeUInt32BE(bundle.length, 0);
  entry.writeBigUInt64BE(BigInt(nowMs), 8);
  entry.set(bundle, entryHeadBytes);
  entry.writeUInt32BE(crc32(entry.subarray(8)), 4);
  return entry;
}

/** In pieces that are each a bundle. */
function* inBundles(objects: readonly AddressedObject[]): Generator<readonly AddressedObject[], void, undefined> {
  let piece: AddressedObject[] = [];
  let bytes = 0;
  for (const object of objects) {
    if (piece.length === mostObjects || (bytes + object.bytes.length > mostBytes && piece.length > 0)) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(object);
    bytes += object.bytes.length;
  }
  if (piece.length > 0) yield piece;
}

async function writeWhole(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** Makes a name durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function disk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new TridcommError('E_TRANSPORT', 'file of the authority’s objects', { cause });
  }
}

const header = Buffer.from([0x54, 0x44, 0x42, 0x43, 1, 0, 0, 0]);
const entryHeadBytes = 16;
const mostObjects = 4_096;
/** One object takes 8 MiB at most, so a bundle of this and one more stays below its limit. */
const mostBytes = 4 * 1024 * 1024;
const slackBytes = 1024 * 1024;
