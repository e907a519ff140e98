/*
 * Two slots, at 0 and 4,096, of 128 bytes:
 *   0       4       6       8               16              24              32              40
 *   +-------+-------+-------+---------------+---------------+---------------+---------------+---------------+----------
 *   |"TDCM" |version| closed|    serial     |oldest position|newest segment |     floor     |  log id16 (40 to 55)
 *   +-------+-------+-------+---------------+---------------+---------------+---------------+---------------+----------
 *   56: 40 zero bytes   96: H(of bytes 0 to 95)
 */
import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import { blockBytes, checkOf, checkOffset, isSound, readU64, writeU64 } from './checked-block.ts';
import type { LogFile, LogFiles } from './files.ts';

/** What a log knows of itself without its segments, so that one that is gone is missed. */
export interface ManifestState {
  readonly logId16: Uint8Array;
  /** First position that is retained. */
  readonly oldestPosition: number;
  /** First position of the newest segment. */
  readonly newestSegment: number;
  /** The log's next position was at least this; exactly this where it was closed. */
  readonly floorPosition: number;
  readonly isClosed: boolean;
}

/**
 * The file `manifest`: its state is written to the slot that holds the older one, so one is always whole, and no room is needed on a
 * disk that is full.
 *
 * @spec storage.5, storage.10, storage.11
 */
export class Manifest {
  readonly #file: LogFile;
  #serial: number;
  /** As it was found; undefined where no slot is sound. */
  readonly found: ManifestState | undefined;
  /** Whether a slot was written and is not sound: then {@link found} may be older than what was written last. */
  readonly isDamaged: boolean;

  private constructor(file: LogFile, slots: readonly Slot[]) {
    this.#file = file;
    const sound = slots.filter(({ state }) => state !== undefined).sort((a, b) => b.serial - a.serial);
    this.found = sound[0]?.state;
    this.#serial = sound[0]?.serial ?? 0;
    this.isDamaged = slots.some(({ state, isEmpty }) => state === undefined && !isEmpty);
  }

  /**
   * Opens the manifest, or makes an empty one.
   *
   * @throws TridcommError `E_VERSION` for one of another version; what `files` rejects with
   */
  static async open(files: LogFiles, names: readonly string[]): Promise<Manifest> {
    if (names.includes(manifestName)) {
      const file = await files.open(manifestName, 'write');
      try {
        const slots = [await file.read(0, blockBytes), await file.read(slotBytes, blockBytes)];
        return new Manifest(file, slots.map(decodeSlot));
      } catch (error) {
        await file.close();
        throw error;
      }
    }
    const file = await files.open(manifestName, 'create');
    await file.write(new Uint8Array(2 * slotBytes), 0);
    await file.sync();
    await files.syncDirectory();
    return new Manifest(file, []);
  }

  /** Replaces the state; it outlives a power cut when this resolves. */
  async write(state: ManifestState): Promise<void> {
    const serial = this.#serial + 1;
    await this.#file.write(encodeSlot(serial, state), (serial % 2) * slotBytes);
    await this.#file.datasync();
    this.#serial = serial;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

interface Slot {
  readonly serial: number;
  readonly state: ManifestState | undefined;
  readonly isEmpty: boolean;
}

function encodeSlot(serial: number, state: ManifestState): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(magic, 0, 'latin1');
  block.writeUInt16BE(version, 4);
  block.writeUInt16BE(state.isClosed ? 1 : 0, 6);
  writeU64(block, 8, serial);
  writeU64(block, 16, state.oldestPosition);
  writeU64(block, 24, state.newestSegment);
  writeU64(block, 32, state.floorPosition);
  block.set(state.logId16, 40);
  block.set(checkOf(noPrefix, block), checkOffset);
  return block;
}

function decodeSlot(block: Buffer): Slot {
  const damaged = { serial: 0, state: undefined, isEmpty: block.every((byte) => byte === 0) };
  if (!isSound(noPrefix, block) || block.toString('latin1', 0, 4) !== magic) return damaged;
  const found = block.readUInt16BE(4);
  if (found !== version) throw new TridcommError('E_VERSION', `log of version ${found}, not ${version}`);
  const numbers = [8, 16, 24, 32].map((offset) => readU64(block, offset));
  if (numbers.some((number) => number < 1 || number > limits.safeInteger)) return damaged;
  const [serial, oldestPosition, newestSegment, floorPosition] = numbers as [number, number, number, number];
  const isClosed = block.readUInt16BE(6) === 1;
  const logId16 = block.subarray(40, 56);
  return { serial, state: { logId16, oldestPosition, newestSegment, floorPosition, isClosed }, isEmpty: false };
}

/** Of the file. */
const manifestName = 'manifest';
const magic = 'TDCM';
const version = 1;
const slotBytes = 4_096;
const noPrefix = new Uint8Array(0);
