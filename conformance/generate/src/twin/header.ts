/** The 96 bytes of chapter 03. */
import { cat, number, text, u16, u32, u64, u8, type Bytes } from './bytes.ts';

export interface Header {
  patternKind: number;
  suite: number;
  flags: number;
  topicTag: Bytes;
  epoch: number;
  count: number;
  senderId: Bytes;
  streamId: Bytes;
  seq: bigint;
  timestamp: bigint;
  salt: Bytes;
  extLen: number;
  keyinfoLen: number;
  bodyLen: number;
}

/** Offsets of the fields, for mutations. */
export const AT = {
  magic: 0,
  version: 2,
  patternKind: 3,
  suite: 4,
  flags: 6,
  topicTag: 8,
  epoch: 24,
  count: 28,
  senderId: 32,
  streamId: 48,
  seq: 56,
  timestamp: 64,
  salt: 72,
  extLen: 88,
  keyinfoLen: 90,
  bodyLen: 92,
} as const;

export const BATCH = 1;
export const MERKLE = 2;
export const PADDED = 16;

export function encodeHeader(h: Header): Bytes {
  const out = cat(
    text('TD'),
    u8(1),
    u8(h.patternKind),
    u16(h.suite),
    u16(h.flags),
    h.topicTag,
    u32(h.epoch),
    u32(h.count),
    h.senderId,
    h.streamId,
    u64(h.seq),
    u64(h.timestamp),
    h.salt,
    u16(h.extLen),
    u16(h.keyinfoLen),
    u32(h.bodyLen),
  );
  if (out.length !== 96) throw new Error(`a header of ${out.length} bytes`);
  return out;
}

/** Reads the fields without any check. */
export function readHeader(bytes: Bytes): Header {
  const int = (at: number, width: number): number => Number(number(bytes.slice(at, at + width)));
  return {
    patternKind: int(3, 1),
    suite: int(4, 2),
    flags: int(6, 2),
    topicTag: bytes.slice(8, 24),
    epoch: int(24, 4),
    count: int(28, 4),
    senderId: bytes.slice(32, 48),
    streamId: bytes.slice(48, 56),
    seq: number(bytes.slice(56, 64)),
    timestamp: number(bytes.slice(64, 72)),
    salt: bytes.slice(72, 88),
    extLen: int(88, 2),
    keyinfoLen: int(90, 2),
    bodyLen: int(92, 4),
  };
}
