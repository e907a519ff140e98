import { createHash } from 'node:crypto';

/**
 * The 128 bytes that everything in a log starts with: 96 of fields and a hash over them.
 *
 * @spec storage.6
 */
export const blockBytes = 128;

/** Where the hash stands. */
export const checkOffset = 96;

/**
 * H(prefix ‖ block[0..96]).
 *
 * @param prefix - what the hash is bound to, such as the log's id
 */
export function checkOf(prefix: Uint8Array, block: Uint8Array): Buffer {
  return createHash('sha256').update(prefix).update(block.subarray(0, checkOffset)).digest();
}

/** Whether 128 bytes carry the hash of their fields. */
export function isSound(prefix: Uint8Array, block: Buffer): boolean {
  return block.length === blockBytes && block.compare(checkOf(prefix, block), 0, 32, checkOffset, blockBytes) === 0;
}

/** Big-endian u64 as a number; above 2^53−1 it comes out as some number above 2^53−1. */
export function readU64(block: Buffer, offset: number): number {
  return block.readUInt32BE(offset) * 0x1_0000_0000 + block.readUInt32BE(offset + 4);
}

/** Writes 0 to 2^53−1 as a big-endian u64. */
export function writeU64(block: Buffer, offset: number, value: number): void {
  block.writeUInt32BE(Math.floor(value / 0x1_0000_0000), offset);
  block.writeUInt32BE(value % 0x1_0000_0000, offset + 4);
}
