/** Preface and frames of chapter 02. */
import { cat, number, u16, u32, u8, type Bytes } from './bytes.ts';
import { refuse } from './refusal.ts';

/** registries/frame-types.json, status "defined". */
export const FRAME_TYPES: readonly number[] = [
  0x01, 0x02, 0x03, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x20, 0x21, 0x22, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36,
  0x37, 0x3e, 0x3f,
];
/** 0x0A, 0x1A, ... 0xFA. */
export const GREASE_TYPES: readonly number[] = Array.from({ length: 16 }, (_, i) => 16 * i + 10);

export interface Frame {
  type: number;
  channel: number;
  body: Bytes;
}

export function encodeFrame(frame: Frame): Bytes {
  return cat(u8(frame.type), u8(0), u16(frame.channel), u32(frame.body.length), frame.body);
}

/** The eight header bytes with any values. */
export function rawFrameHeader(type: number, flags: number, channel: number, length: number): Bytes {
  return cat(u8(type), u8(flags), u16(channel), u32(length));
}

export function decodePreface(bytes: Bytes): number {
  if (bytes[0] !== 0x54 || bytes[1] !== 0x44 || bytes[2] !== 0x43) refuse('E_ENCODING', 'framing.2');
  if (bytes[3] !== 1) refuse('E_VERSION', 'framing.3');
  return 1;
}

/** A whole stream at once: by framing.13 the pieces do not matter. */
export function decodeFrames(stream: Bytes, cap: number): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  while (at < stream.length) {
    if (stream.length - at < 8) refuse('E_LENGTH', 'ends inside a frame header');
    const type = Number(number(stream.slice(at, at + 1)));
    const flags = Number(number(stream.slice(at + 1, at + 2)));
    const channel = Number(number(stream.slice(at + 2, at + 4)));
    const length = Number(number(stream.slice(at + 4, at + 8)));
    if (length > cap) refuse('E_LIMIT', 'framing.7');
    if (flags !== 0) refuse('E_ENCODING', 'framing.9');
    const grease = GREASE_TYPES.includes(type);
    if (!grease && !FRAME_TYPES.includes(type)) refuse('E_ENCODING', 'framing.11');
    if (stream.length - at - 8 < length) refuse('E_LENGTH', 'ends inside a frame body');
    if (!grease) frames.push({ type, channel, body: stream.slice(at + 8, at + 8 + length) });
    at += 8 + length;
  }
  return frames;
}
