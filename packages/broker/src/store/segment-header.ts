/*
 *   0       4       6       8               16              24
 *   +-------+-------+-------+---------------+---------------+------
 *   |"TDCS" |version|   0   |first position |   created ms  | log id16
 *   +-------+-------+-------+---------------+---------------+------
 *   40: previous32   72: 24 zero bytes   96: H(of bytes 0 to 95)
 */
import { limits } from '@tridcomm/core/internal';
import { blockBytes, checkOf, checkOffset, isSound, readU64, writeU64 } from './checked-block.ts';

/** What the first 128 bytes of a segment say. */
export interface SegmentHeader {
  readonly firstPosition: number;
  readonly createdMs: number;
  readonly logId16: Uint8Array;
  /** Check of the batch before the first one of this segment; zeros where there is none. */
  readonly previous32: Uint8Array;
}

/** 128 bytes, the caller's. @spec storage.5 */
export function encodeSegmentHeader({ firstPosition, createdMs, logId16, previous32 }: SegmentHeader): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(magic, 0, 'latin1');
  block.writeUInt16BE(version, 4);
  writeU64(block, 8, firstPosition);
  writeU64(block, 16, createdMs);
  block.set(logId16, 24);
  block.set(previous32, 40);
  block.set(checkOf(noPrefix, block), checkOffset);
  return block;
}

/** The header that a file starts with; undefined where it is damaged, or none that this code writes. @spec storage.6 */
export function decodeSegmentHeader(block: Buffer): SegmentHeader | undefined {
  if (!isSound(noPrefix, block)) return undefined;
  if (block.toString('latin1', 0, 4) !== magic || block.readUInt16BE(4) !== version) return undefined;
  const firstPosition = readU64(block, 8);
  const createdMs = readU64(block, 16);
  if (firstPosition < 1 || firstPosition > limits.safeInteger || createdMs > limits.safeInteger) return undefined;
  return { firstPosition, createdMs, logId16: block.subarray(24, 40), previous32: block.subarray(40, 72) };
}

/** File name of the segment that starts at a position: 16 digits, so that names sort as positions do. */
export function segmentName(firstPosition: number): string {
  return `${String(firstPosition).padStart(16, '0')}.segment`;
}

/** The position in a segment's file name; undefined for other names. */
export function positionInName(name: string): number | undefined {
  const digits = /^(\d{16})\.segment$/.exec(name)?.[1];
  const position = Number(digits);
  return position >= 1 && position <= limits.safeInteger ? position : undefined;
}

const magic = 'TDCS';
const version = 1;
const noPrefix = new Uint8Array(0);
