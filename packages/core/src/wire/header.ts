import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from '../bytes/bytes.ts';
import { flags } from '../codepoints/flags.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import { suites } from '../codepoints/suites.gen.ts';
import { checkLimit, TridcommError } from '../errors.ts';

/*
 * off len field              off len field
 *   0   2 magic `TD`          32  16 sender_id
 *   2   1 version = 1         48   8 stream_id
 *   3   1 pattern, kind       56   8 seq
 *   4   2 suite               64   8 timestamp ms
 *   6   2 flags               72  16 salt
 *   8  16 topic tag           88   2 ext_len
 *  24   4 epoch               90   2 keyinfo_len
 *  28   4 count               92   4 body_len
 */

/** Bytes of the fixed header. */
export const headerBytes = 96;

/** Where the salt stands, which the sealer writes last. */
export const saltOffset = 72;

/** The values of the flags, as they stand in `flags`. */
export const flagBits: { readonly batch: number; readonly merkle: number; readonly padded: number } = {
  batch: 1 << flags.batch,
  merkle: 1 << flags.merkle,
  padded: 1 << flags.padded,
};

const allFlags = flagBits.batch | flagBits.merkle | flagBits.padded;

/** The suites that v1 defines; the registry's others are reserved. */
export const definedSuites: ReadonlySet<number> = new Set([
  suites.x25519ChaCha20Poly1305Ed25519,
  suites.x25519Aes256GcmEd25519,
]);

/** Whether no reserved flag is set, and flags 1 and 4 only beside flag 0. */
export function areFlagsDefined(value: number): boolean {
  const needsBatch = (value & (flagBits.merkle | flagBits.padded)) !== 0;
  return (value & ~allFlags) === 0 && (!needsBatch || (value & flagBits.batch) !== 0);
}

/** The pattern-and-kind bytes that v1 defines; the registry's other kinds are reserved. */
export const definedPatternKinds: ReadonlySet<number> = new Set([
  patternKinds.pubSub.data,
  patternKinds.reqRep.request,
  patternKinds.reqRep.reply,
  patternKinds.pipeline.push,
  patternKinds.survey.question,
  patternKinds.survey.reply,
  patternKinds.bus.data,
  patternKinds.routerDealer.message,
  patternKinds.routerDealer.reply,
  patternKinds.routerDealer.forward,
]);

/**
 * The fixed header, read in place.
 *
 * Fields are read from the bytes when asked for, so a view costs one object and copies nothing. Byte fields are views of the
 * bytes given, which belong to whoever gave them.
 */
export class HeaderView {
  /** The bytes that the header starts; 96 or more. */
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Pattern in the high nibble, kind in the low one. */
  get patternKind(): number {
    return this.bytes[3]!;
  }

  get suite(): number {
    return readU16(this.bytes, 4);
  }

  get flags(): number {
    return readU16(this.bytes, 6);
  }

  /** 16 bytes. */
  get topicTag(): Uint8Array {
    return this.bytes.subarray(8, 24);
  }

  get epoch(): number {
    return readU32(this.bytes, 24);
  }

  /** Records in the envelope. */
  get count(): number {
    return readU32(this.bytes, 28);
  }

  /** 16 bytes: the start of the sender's key id. */
  get senderId(): Uint8Array {
    return this.bytes.subarray(32, 48);
  }

  /** 8 bytes. */
  get streamId(): Uint8Array {
    return this.bytes.subarray(48, 56);
  }

  /** Number of the envelope in its stream, from 1. */
  get seq(): number {
    return readU64(this.bytes, 56);
  }

  /** Time of sealing, ms. */
  get timestampMs(): number {
    return readU64(this.bytes, 64);
  }

  /** 16 bytes. */
  get salt(): Uint8Array {
    return this.bytes.subarray(72, 88);
  }

  get extensionsLengthBytes(): number {
    return readU16(this.bytes, 88);
  }

  get keyinfoLengthBytes(): number {
    return readU16(this.bytes, 90);
  }

  get bodyLengthBytes(): number {
    return readU32(this.bytes, 92);
  }
}

/** The values of the fixed header, as a sender writes them. */
export interface HeaderFields {
  readonly patternKind: number;
  readonly suite: number;
  readonly flags: number;
  readonly topicTag: Uint8Array;
  readonly epoch: number;
  readonly count: number;
  readonly senderId: Uint8Array;
  readonly streamId: Uint8Array;
  readonly seq: number;
  readonly timestampMs: number;
  readonly salt: Uint8Array;
  readonly extensionsLengthBytes: number;
  readonly keyinfoLengthBytes: number;
  readonly bodyLengthBytes: number;
}

/**
 * Writes the 96 bytes at the start of `out`, which is large enough.
 *
 * Byte fields have the widths of the layout; whoever makes them sees to it.
 *
 * @throws TridcommError `E_USAGE`, `E_LIMIT` for what no receiver takes
 * @spec envelope.1, envelope.2, envelope.4, envelope.6
 */
export function writeHeader(out: Uint8Array, fields: HeaderFields): void {
  checkFields(fields);
  out[0] = 0x54;
  out[1] = 0x44;
  out[2] = 1;
  out[3] = fields.patternKind;
  writeU16(out, 4, fields.suite);
  writeU16(out, 6, fields.flags);
  out.set(fields.topicTag, 8);
  writeU32(out, 24, fields.epoch);
  writeU32(out, 28, fields.count);
  out.set(fields.senderId, 32);
  out.set(fields.streamId, 48);
  writeU64(out, 56, fields.seq);
  writeU64(out, 64, fields.timestampMs);
  out.set(fields.salt, 72);
  writeU16(out, 88, fields.extensionsLengthBytes);
  writeU16(out, 90, fields.keyinfoLengthBytes);
  writeU32(out, 92, fields.bodyLengthBytes);
}

function checkFields(fields: HeaderFields): void {
  const { patternKind, suite, count, seq, timestampMs } = fields;
  if (!definedSuites.has(suite)) throw new TridcommError('E_USAGE', `suite ${suite} is not known`);
  if (!areFlagsDefined(fields.flags)) throw new TridcommError('E_USAGE', `flags ${fields.flags} are not defined`);
  if (!definedPatternKinds.has(patternKind)) throw new TridcommError('E_USAGE', `pattern and kind ${patternKind}`);
  if (!(count >= 1)) throw new TridcommError('E_USAGE', `count ${count}, from 1`);
  if (!(seq >= 1)) throw new TridcommError('E_USAGE', `seq ${seq}, from 1`);
  checkLimit('count', count, limits.recordsCount);
  checkLimit('seq', seq, limits.streamSeq);
  checkLimit('timestamp', timestampMs, limits.safeInteger);
  checkLimit('ext_len', fields.extensionsLengthBytes, limits.extensionsBytes);
  checkLimit('keyinfo_len', fields.keyinfoLengthBytes, limits.keyinfoBytes);
  checkLimit('body_len', fields.bodyLengthBytes, limits.bodyBytes);
}
