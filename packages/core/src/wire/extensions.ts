import { readU16, readU32, readU64, writeU16, writeU32 } from '../bytes/bytes.ts';
import { extensions } from '../codepoints/extensions.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';

/* extension = u16 type ‖ u16 len ‖ value          type = criticality (bit 15) ‖ number (bits 0 to 14) */

/** One extension, as received. */
export interface Extension {
  readonly number: number;
  readonly critical: boolean;
  /** A view of the bytes received. */
  readonly value: Uint8Array;
}

/** What extension 1 says. */
export interface MerkleExtension {
  readonly root32: Uint8Array;
  readonly leafCount: number;
  readonly jobsPerLeaf: number;
}

/** The extensions of one envelope, in the order of their numbers. */
export class Extensions {
  readonly all: readonly Extension[];

  constructor(all: readonly Extension[]) {
    this.all = all;
  }

  /** The value of an extension; undefined where it is absent. */
  value(number: number): Uint8Array | undefined {
    for (const extension of this.all) if (extension.number === number) return extension.value;
    return undefined;
  }

  get merkle(): MerkleExtension | undefined {
    const value = this.value(extensions.merkle);
    if (value === undefined) return undefined;
    return { root32: value.subarray(0, 32), leafCount: readU32(value, 32), jobsPerLeaf: readU16(value, 36) };
  }

  /** Time in ms after which the envelope is refused. */
  get expiryMs(): number | undefined {
    const value = this.value(extensions.expiry);
    return value === undefined ? undefined : readU64(value, 0);
  }
}

/** Where an envelope stands that its extensions are judged by. */
export interface ExtensionSite {
  readonly merkle: boolean;
  readonly seq: number;
}

/**
 * Decodes the extension area: step 5 of chapter 03.
 *
 * @param area - all of it; values are views of it
 * @throws TridcommError `E_EXT`, `E_LIMIT`
 * @spec envelope.10, envelope.11, envelope.12, envelope.13, envelope.14, envelope.15, envelope.36
 */
export function decodeExtensions(area: Uint8Array, site: ExtensionSite): Extensions {
  if (area.length === 0 && !site.merkle) return noExtensions;
  const all: Extension[] = [];
  let last = 0;
  for (let offset = 0; offset < area.length;) {
    if (area.length - offset < 4) throw new TridcommError('E_EXT', 'extension head overruns ext_len');
    const type = readU16(area, offset);
    const end = offset + 4 + readU16(area, offset + 2);
    if (end > area.length) throw new TridcommError('E_EXT', 'extension value overruns ext_len');
    const number = type & 0x7fff;
    if (number <= last) throw new TridcommError('E_EXT', `extension ${number} after ${last}`);
    if (all.length === limits.extensionsCount) throw new TridcommError('E_LIMIT', 'more than 32 extensions');
    const extension = { number, critical: type >= 0x8000, value: area.subarray(offset + 4, end) };
    judge(extension, site);
    all.push(extension);
    last = number;
    offset = end;
  }
  if (site.merkle && all[0]?.number !== extensions.merkle) {
    throw new TridcommError('E_EXT', 'Merkle batch without extension 1');
  }
  return new Extensions(all);
}

/** An extension that a sender writes; the registry gives its criticality. */
export interface ExtensionInput {
  readonly number: number;
  readonly value: Uint8Array;
}

/**
 * Encodes extensions, sorted by number.
 *
 * @returns the extension area, the caller's
 * @throws TridcommError `E_USAGE` for an unknown or repeated number or a value of a wrong length, `E_LIMIT` for too many bytes, too many, or a u64 above 2^53−1
 * @spec envelope.7, envelope.8, envelope.9
 */
export function encodeExtensions(inputs: readonly ExtensionInput[], site: ExtensionSite): Uint8Array {
  for (const { number } of inputs) {
    if (!rules.has(number)) throw new TridcommError('E_USAGE', `extension ${number} is not known`);
  }
  const sorted = inputs.toSorted((a, b) => a.number - b.number);
  let length = 0;
  for (const { value } of sorted) length += 4 + value.length;
  if (length > limits.extensionsBytes) throw new TridcommError('E_LIMIT', `extensions of ${length} bytes`);
  const out = new Uint8Array(length);
  let offset = 0;
  for (const { number, value } of sorted) {
    writeU16(out, offset, rules.get(number)?.critical === true ? number | 0x8000 : number);
    writeU16(out, offset + 2, value.length);
    out.set(value, offset + 4);
    offset += 4 + value.length;
  }
  try {
    // One set of rules for both directions: what a receiver would refuse is not written.
    decodeExtensions(out, site);
  } catch (error) {
    if (error instanceof TridcommError && error.code === 'E_LIMIT') throw error;
    throw new TridcommError('E_USAGE', 'extensions that no receiver takes', { cause: error });
  }
  return out;
}

/** The value of extension 1. */
export function encodeMerkleExtension(root32: Uint8Array, leafCount: number, jobsPerLeaf: number): Uint8Array {
  const value = new Uint8Array(38);
  value.set(root32);
  writeU32(value, 32, leafCount);
  writeU16(value, 36, jobsPerLeaf);
  return value;
}

function judge(extension: Extension, site: ExtensionSite): void {
  const { number, critical, value } = extension;
  const rule = rules.get(number);
  if (rule === undefined) {
    if (critical) throw new TridcommError('E_EXT', `unknown critical extension ${number}`);
    return;
  }
  if (critical !== rule.critical) throw new TridcommError('E_EXT', `extension ${number} with the wrong criticality`);
  if (!rule.fits(value)) throw new TridcommError('E_EXT', `extension ${number} of ${value.length} bytes`);
  if (number === extensions.merkle && !site.merkle) {
    throw new TridcommError('E_EXT', 'extension 1 outside a Merkle batch');
  }
  if (number === extensions.prevEnvelope && site.seq === 1) {
    throw new TridcommError('E_EXT', 'extension 3 in the first envelope of a stream');
  }
  if (rule.u64At !== undefined && readU64(value, rule.u64At) > limits.safeInteger) {
    throw new TridcommError('E_LIMIT', `extension ${number} holds a u64 above 2^53-1`);
  }
}

interface ExtensionRule {
  readonly critical: boolean;
  fits(value: Uint8Array): boolean;
  /** Offset of a u64 in the value. */
  readonly u64At?: number;
}

const exactly = (lengthBytes: number) => (value: Uint8Array) => value.length === lengthBytes;

const rules: ReadonlyMap<number, ExtensionRule> = new Map<number, ExtensionRule>([
  [extensions.merkle, { critical: true, fits: exactly(38) }],
  [
    extensions.survey,
    { critical: true, fits: (value) => value.length >= 30 && value.length === 30 + readU16(value, 28), u64At: 16 },
  ],
  [extensions.prevEnvelope, { critical: false, fits: exactly(32) }],
  [extensions.expiry, { critical: true, fits: exactly(8), u64At: 0 }],
  [extensions.compactionTag, { critical: false, fits: exactly(16) }],
  [extensions.trace, { critical: false, fits: exactly(32) }],
  [extensions.idempotencyKey, { critical: true, fits: exactly(16) }],
  [extensions.headSeq, { critical: false, fits: exactly(8), u64At: 0 }],
  [
    extensions.topicChain,
    { critical: false, fits: ({ length }) => length > 0 && length <= 16 * limits.topicSegments && length % 16 === 0 },
  ],
  [extensions.replyRoute, { critical: true, fits: exactly(16) }],
  [extensions.recordCommit, { critical: true, fits: exactly(32) }],
  [
    extensions.routing,
    // u32 epoch ‖ ct ‖ tag16
    { critical: true, fits: ({ length }) => length >= 4 + 16 && length <= 4 + 16 + limits.routingDataBytes },
  ],
]);

const noExtensions = new Extensions([]);
