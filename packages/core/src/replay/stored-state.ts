import { writeU32, writeU64 } from '../bytes/bytes.ts';
import { TridcommError } from '../errors.ts';

/** (sender, epoch, topic_tag): the streams that count together. */
export interface GroupName {
  /** The sender's key id, or its first 16 bytes. */
  readonly senderId: Uint8Array;
  readonly epoch: number;
  /** 16 bytes. */
  readonly topicTag: Uint8Array;
}

/** One stream of a group. */
export interface StreamName extends GroupName {
  /** 8 bytes. */
  readonly streamId: Uint8Array;
}

/** What a durable receiver must have stored before it accepts an envelope: {@link ReplayGuard.pendingWrites}. */
export interface ReplayWrites {
  /** Of the envelope's stream: no number above it is accepted before a higher one is stored. */
  readonly floor: number;
  /** Of the envelope's stream: no timestamp above it is accepted before a higher one is stored. */
  readonly boundMs: number;
  /** The new `evict_ts` of the envelope's group, where it has to rise. */
  readonly evictTs?: number;
}

/** The floor of one stream, as an earlier life stored it. */
export interface StoredFloor {
  readonly stream: StreamName;
  readonly floor: number;
  /** After the restart it counts as the stream's highest accepted timestamp. */
  readonly boundMs: number;
}

/** The `evict_ts` of one group, as an earlier life stored it. */
export interface StoredEviction {
  readonly group: GroupName;
  readonly evictTs: number;
}

/**
 * A header that names a stream and, where they are given, one of its envelopes; 96 bytes, the caller's. All other fields are 0.
 *
 * @throws TridcommError `E_USAGE` for fields of wrong lengths
 */
export function headerOfStream(name: GroupName & Partial<StreamName>, seq = 0, timestampMs = 0): Uint8Array {
  const { senderId, epoch, topicTag, streamId = new Uint8Array(8) } = name;
  if (senderId.length < 16 || topicTag.length !== 16 || streamId.length !== 8) {
    const lengths = `${senderId.length}, ${topicTag.length}, ${streamId.length} bytes`;
    throw new TridcommError('E_USAGE', `sender, tag and stream of ${lengths}, not 16 or 32, 16, 8`);
  }
  const header = new Uint8Array(96);
  header.set(topicTag, 8);
  writeU32(header, 24, epoch);
  header.set(senderId.subarray(0, 16), 32);
  header.set(streamId, 48);
  writeU64(header, 56, seq);
  writeU64(header, 64, timestampMs);
  return header;
}
