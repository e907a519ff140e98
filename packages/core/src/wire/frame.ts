import { readU16, readU32, writeU16, writeU32 } from '../bytes/bytes.ts';
import { frameTypes, type FrameType } from '../codepoints/frame-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';

/*
 *  0       1       2       3       4       5       6       7       8
 * +-------+-------+---------------+-------------------------------+--------------...
 * | type  | flags |    channel    |            length             |  body, length bytes
 * +-------+-------+---------------+-------------------------------+--------------...
 */

/** Bytes of a frame before its body. */
export const frameHeaderBytes = 8;

/** One frame of a link. */
export interface Frame {
  readonly type: FrameType;
  /** 0 to 65,535; what it means belongs to the type. */
  readonly channel: number;
  readonly body: Uint8Array;
}

/** The first four bytes of each direction of a link; a fresh copy. */
export function encodePreface(): Uint8Array {
  return Uint8Array.of(0x54, 0x44, 0x43, 0x01);
}

/**
 * Checks the first four bytes of a link.
 *
 * @param bytes - exactly 4
 * @throws TridcommError `E_LENGTH`, `E_ENCODING`, `E_VERSION`
 * @spec framing.1, framing.2, framing.3
 */
export function checkPreface(bytes: Uint8Array): void {
  if (bytes.length !== 4) throw new TridcommError('E_LENGTH', `preface of ${bytes.length} bytes, not 4`);
  if (bytes[0] !== 0x54 || bytes[1] !== 0x44 || bytes[2] !== 0x43) {
    throw new TridcommError('E_ENCODING', 'preface does not start with 54 44 43');
  }
  if (bytes[3] !== 1) throw new TridcommError('E_VERSION', `preface says version ${bytes[3]}, not 1`);
}

/**
 * Encodes one frame.
 *
 * @param type - defined, or a GREASE code
 * @param capBytes - what the receiver takes; 1,048,576 until it announced another
 * @returns header and body in one array, the caller's
 * @throws TridcommError `E_LIMIT` for a body above the cap, `E_USAGE` for a channel or type out of range
 * @spec framing.4, framing.5, framing.6
 */
export function encodeFrame(
  type: number,
  channel: number,
  body: Uint8Array,
  capBytes: number = limits.frameCapBytes,
): Uint8Array {
  if (!definedTypes.has(type) && !isGrease(type))
    throw new TridcommError('E_USAGE', `frame type ${type} is not defined`);
  if (!Number.isInteger(channel) || channel < 0 || channel > 0xffff) {
    throw new TridcommError('E_USAGE', `channel ${channel} is not a u16`);
  }
  if (!(capBytes <= limits.frameHardCapBytes)) throw new TridcommError('E_USAGE', `frame cap ${capBytes}`);
  if (body.length > capBytes) throw new TridcommError('E_LIMIT', `frame body of ${body.length} bytes, cap ${capBytes}`);
  const out = new Uint8Array(frameHeaderBytes + body.length);
  out[0] = type;
  writeU16(out, 2, channel);
  writeU32(out, 4, body.length);
  out.set(body, frameHeaderBytes);
  return out;
}

/** What the eight header bytes say, once they are legal. */
export interface FrameHeader {
  readonly type: number;
  readonly channel: number;
  readonly lengthBytes: number;
  readonly grease: boolean;
}

/**
 * Decodes and judges eight header bytes.
 *
 * @param bytes - 8 or more from `offset` on; the rest is not looked at
 * @throws TridcommError `E_LIMIT`, `E_ENCODING`
 * @spec framing.7, framing.9, framing.10, framing.11
 */
export function decodeFrameHeader(bytes: Uint8Array, offset: number, capBytes: number): FrameHeader {
  const lengthBytes = readU32(bytes, offset + 4);
  // First, because it is the one field that costs memory.
  if (lengthBytes > capBytes) throw new TridcommError('E_LIMIT', `frame length ${lengthBytes}, cap ${capBytes}`);
  const flags = bytes[offset + 1]!;
  if (flags !== 0) throw new TridcommError('E_ENCODING', `frame flags ${flags}, not 0`);
  const type = bytes[offset]!;
  const grease = isGrease(type);
  if (!grease && !definedTypes.has(type)) throw new TridcommError('E_ENCODING', `frame type ${type} is not defined`);
  return { type, channel: readU16(bytes, offset + 2), lengthBytes, grease };
}

function isGrease(type: number): boolean {
  return (type & ~0xf0) === 0x0a;
}

const definedTypes: ReadonlySet<number> = new Set(Object.values(frameTypes));
