import { concat, copyOf, readU32, writeU32 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';
import { nodeKeyBytes } from './complete-subtree.ts';

/*
 * What a durable member stores, in a form of this implementation alone:
 *
 * state     = "TDMK" ‖ u8 1 ‖ u8 parts ‖ [block] ‖ [last enrolment] ‖ enrolments
 * block     = u32 generation ‖ u32 epoch ‖ hash32                 parts bit 0; bit 1: it is forked
 * last      = u32 generation ‖ u32 epoch ‖ hash32                 parts bit 2
 * enrolment = u32 generation ‖ u32 epoch ‖ u32 height ‖ u32 leaf ‖ (height + 1) × key32      as many as parts bits 3 and 4 say
 */

/** A place in the order of blocks or enrolments, and what stands there. */
export interface EnrolmentPlace {
  readonly generation: number;
  readonly epoch: number;
  readonly hash32: Uint8Array;
}

/** The newest block that a member accepted. */
export interface BlockPlace extends EnrolmentPlace {
  /** A second block of its epoch was seen. */
  readonly forked: boolean;
}

/** A leaf with its node keys. */
export interface HeldEnrolment {
  readonly generation: number;
  /** To which the keys have been stepped. */
  readonly epoch: number;
  readonly height: number;
  readonly leaf: number;
  /** (height + 1) × 32 bytes, from the leaf to the root. */
  readonly nodeKeys: Uint8Array;
}

/** All that a member holds of one group. */
export interface MemberState {
  readonly block: BlockPlace | undefined;
  readonly lastEnrolment: EnrolmentPlace | undefined;
  /** At most two. */
  readonly enrolments: readonly HeldEnrolment[];
}

/** The bytes of a member's state, secrets among them; the caller's. */
export function writeMemberState({ block, lastEnrolment, enrolments }: MemberState): Uint8Array {
  const parts =
    (block === undefined ? 0 : hasBlock) |
    (block?.forked === true ? isForked : 0) |
    (lastEnrolment === undefined ? 0 : hasLast) |
    (enrolments.length << countShift);
  return concat(
    magic,
    Uint8Array.of(formatVersion, parts),
    block === undefined ? none : placeBytes(block),
    lastEnrolment === undefined ? none : placeBytes(lastEnrolment),
    ...enrolments.flatMap(({ generation, epoch, height, leaf, nodeKeys }) => [
      numbers(generation, epoch, height, leaf),
      nodeKeys,
    ]),
  );
}

/**
 * Reads what {@link writeMemberState} wrote; everything is a copy.
 *
 * @throws TridcommError `E_LENGTH`, `E_ENCODING`, `E_VERSION` for anything else
 */
export function readMemberState(bytes: Uint8Array): MemberState {
  const reader = new Reader(bytes);
  if (!reader.take(magic.length).every((byte, i) => byte === magic[i])) {
    throw new TridcommError('E_ENCODING', 'not the state of a member');
  }
  const [version = 0, parts = 0] = reader.take(2);
  if (version !== formatVersion) throw new TridcommError('E_VERSION', `member state version ${version}`);
  if ((parts & (hasBlock | isForked)) === isForked) throw new TridcommError('E_ENCODING', 'a fork without a block');
  const count = parts >>> countShift;
  if (count > 2) throw new TridcommError('E_ENCODING', `${count} enrolments in the state of a member`);
  const block = (parts & hasBlock) === 0 ? undefined : { ...reader.place(), forked: (parts & isForked) !== 0 };
  const lastEnrolment = (parts & hasLast) === 0 ? undefined : reader.place();
  const enrolments = Array.from({ length: count }, () => reader.enrolment());
  reader.end();
  return { block, lastEnrolment, enrolments };
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new TridcommError('E_LENGTH', 'state of a member ends early');
    const taken = copyOf(this.#bytes, this.#at, end);
    this.#at = end;
    return taken;
  }

  place(): EnrolmentPlace {
    const head = this.take(8);
    return { generation: readU32(head, 0), epoch: readU32(head, 4), hash32: this.take(32) };
  }

  enrolment(): HeldEnrolment {
    const head = this.take(16);
    const height = readU32(head, 8);
    const leaf = readU32(head, 12);
    if (height > limits.treeHeight || leaf >= 2 ** height) {
      throw new TridcommError('E_ENCODING', `leaf ${leaf} in a tree of height ${height}`);
    }
    const nodeKeys = this.take((height + 1) * nodeKeyBytes);
    return { generation: readU32(head, 0), epoch: readU32(head, 4), height, leaf, nodeKeys };
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new TridcommError('E_LENGTH', 'bytes behind the state of a member');
  }
}

function placeBytes({ generation, epoch, hash32 }: EnrolmentPlace): Uint8Array {
  return concat(numbers(generation, epoch), hash32);
}

function numbers(...values: readonly number[]): Uint8Array {
  const out = new Uint8Array(4 * values.length);
  for (const [i, value] of values.entries()) writeU32(out, 4 * i, value);
  return out;
}

const none: Uint8Array = new Uint8Array(0);
const magic = Uint8Array.of(0x54, 0x44, 0x4d, 0x4b);
const formatVersion = 1;
const hasBlock = 0x01;
const isForked = 0x02;
const hasLast = 0x04;
const countShift = 3;
