/*
 * Header, 128 bytes:
 *   0               8       12      16              24              32
 *   +---------------+-------+-------+---------------+---------------+-----------
 *   |     sync8     |  body | count |first position |    time ms    | previous32
 *   +---------------+-------+-------+---------------+---------------+-----------
 *   64: body32 = H(body)   96: check32 = H(log id16 ‖ bytes 0 to 95)
 *
 * Body: for each envelope u32 length ‖ bytes; then 0 to 7 zero bytes up to a multiple of 8.
 */
import { createHash } from 'node:crypto';
import { limits } from '@tridcomm/core/internal';
import { blockBytes, checkOf, checkOffset, isSound, readU64, writeU64 } from './checked-block.ts';

/** What a batch is read by. */
export interface BatchHeader {
  readonly firstPosition: number;
  /** One more than the position of the last envelope. */
  readonly nextPosition: number;
  readonly bodyBytes: number;
  readonly timeMs: number;
  readonly previous32: Buffer;
  readonly body32: Buffer;
  readonly check32: Buffer;
}

/** What a batch says beside its envelopes. */
export interface BatchFields {
  readonly firstPosition: number;
  readonly timeMs: number;
  readonly previous32: Uint8Array;
}

/** Bytes that an envelope takes in a body, without the zeros at the end. */
export function storedBytes(envelope: Uint8Array): number {
  return 4 + envelope.length;
}

/**
 * Writes batches, one at a time, into a buffer of its own: one write and one hash each, however many envelopes there are.
 *
 * @spec storage.7, storage.8
 */
export class BatchWriter {
  readonly #logId16: Uint8Array;
  #buffer = Buffer.alloc(0);

  constructor(logId16: Uint8Array) {
    this.#logId16 = logId16;
  }

  /** The bytes of a batch, good until the next call. */
  encode({ firstPosition, timeMs, previous32 }: BatchFields, envelopes: readonly Uint8Array[]): Buffer {
    const bodyBytes = padded(envelopes.reduce((sum, envelope) => sum + storedBytes(envelope), 0));
    const batch = this.#room(blockBytes + bodyBytes);
    let at = blockBytes;
    for (const envelope of envelopes) {
      batch.writeUInt32BE(envelope.length, at);
      batch.set(envelope, at + 4);
      at += storedBytes(envelope);
    }
    batch.fill(0, at);
    batch.set(this.#logId16.subarray(0, 8), 0);
    batch.writeUInt32BE(bodyBytes, 8);
    batch.writeUInt32BE(envelopes.length, 12);
    writeU64(batch, 16, firstPosition);
    writeU64(batch, 24, timeMs);
    batch.set(previous32, 32);
    batch.set(bodyHash(batch.subarray(blockBytes)), 64);
    batch.set(checkOf(this.#logId16, batch), checkOffset);
    return batch;
  }

  /** The check of the batch that was written last; the caller's. */
  get check32(): Buffer {
    return Buffer.from(this.#buffer.subarray(checkOffset, blockBytes));
  }

  #room(length: number): Buffer {
    if (this.#buffer.length < length) this.#buffer = Buffer.alloc(2 ** Math.ceil(Math.log2(length)));
    return this.#buffer.subarray(0, length);
  }
}

/**
 * The header of a batch; undefined for bytes that are none of this log's.
 *
 * @param block - 128 bytes; the result is views of it
 * @spec storage.6
 */
export function decodeBatchHeader(logId16: Uint8Array, block: Buffer): BatchHeader | undefined {
  if (block.length !== blockBytes || block.compare(logId16, 0, 8, 0, 8) !== 0 || !isSound(logId16, block))
    return undefined;
  const bodyBytes = block.readUInt32BE(8);
  const count = block.readUInt32BE(12);
  const firstPosition = readU64(block, 16);
  const nextPosition = firstPosition + count;
  if (count === 0 || bodyBytes % 8 !== 0 || nextPosition > limits.safeInteger) return undefined;
  return {
    firstPosition,
    nextPosition,
    bodyBytes,
    timeMs: readU64(block, 24),
    previous32: block.subarray(32, 64),
    body32: block.subarray(64, 96),
    check32: block.subarray(96, 128),
  };
}

/**
 * Where the envelopes of a body end, each with its length before it; undefined where the body is not the one that was written.
 *
 * @spec storage.6
 */
export function decodeBody(
  { firstPosition, nextPosition, bodyBytes, body32 }: BatchHeader,
  body: Buffer,
): Uint32Array | undefined {
  if (body.length !== bodyBytes || !bodyHash(body).equals(body32)) return undefined;
  const ends = new Uint32Array(nextPosition - firstPosition);
  let at = 0;
  for (let i = 0; i < ends.length; i++) {
    if (at + 4 > body.length) return undefined;
    const length = body.readUInt32BE(at);
    at += 4 + length;
    if (length === 0 || length > limits.envelopeBytes || at > body.length) return undefined;
    ends[i] = at;
  }
  return padded(at) === body.length && body.subarray(at).every((byte) => byte === 0) ? ends : undefined;
}

function bodyHash(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest();
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}
