import { readU32 } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { TridcommError } from '../errors.ts';
import { StreamHash } from './stream-hash.ts';

/** Adjusts a {@link StreamRate}. */
export interface StreamRateOptions {
  /** 16 random bytes, drawn anew for each process; copied. */
  readonly hashKey16: Uint8Array;
  /** Streams that may start at once; default 64. */
  readonly burst?: number;
  /** Time in which one more may start; default 1,000. */
  readonly intervalMs?: number;
  /** Pairs of sender and tag that are remembered, those that started a stream last; default 65,536. Who is forgotten starts afresh. */
  readonly maxSenders?: number;
}

/**
 * How fast senders start streams, as a broker sees it: a token bucket for each sender and topic tag.
 *
 * The broker remembers the 64 streams of a sender and tag that it saw last, by epoch and stream_id. This saves bandwidth only:
 * nothing in a header is authenticated here, and the receiver decides for itself.
 *
 * @spec replay.18
 */
export class StreamRate {
  readonly #hash: StreamHash;
  readonly #fullMs: number;
  readonly #intervalMs: number;
  readonly #maxSenders: number;
  readonly #buckets = new Map<number, Bucket>();

  constructor(options: StreamRateOptions) {
    const { burst = limits.newStreamsBurst, intervalMs = limits.newStreamsIntervalMs } = options;
    this.#hash = new StreamHash(options.hashKey16);
    this.#intervalMs = intervalMs;
    this.#fullMs = burst * intervalMs;
    this.#maxSenders = options.maxSenders ?? 65_536;
  }

  /**
   * Takes note of an envelope; a stream that is new costs a token.
   *
   * @param header - 96 bytes or more; read only
   * @param nowMs - the broker's clock; one that goes back gains nothing
   * @throws TridcommError `E_LIMIT` for a new stream while there is no token; it stays new
   */
  check(header: Uint8Array, nowMs: number): void {
    this.#hash.update(header, false);
    const key = this.#hash.groupNumber;
    const bucket = this.#buckets.get(key) ?? this.#create(key, nowMs);
    if (bucket.touch(header)) return;
    if (!bucket.take(nowMs, this.#fullMs, this.#intervalMs))
      throw new TridcommError('E_LIMIT', 'new streams of a sender');
    bucket.remember(header);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
  }

  #create(key: number, nowMs: number): Bucket {
    if (this.#buckets.size >= this.#maxSenders) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    const bucket = new Bucket(nowMs, this.#fullMs);
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

/** The tokens of one sender and tag, and its streams from the most to the least recently seen: 3 words each. */
class Bucket {
  #streams: Int32Array = new Int32Array(4 * 3);
  #count = 0;
  /** Tokens as the time that they take to come. */
  #creditMs: number;
  #atMs: number;

  constructor(nowMs: number, creditMs: number) {
    this.#atMs = nowMs;
    this.#creditMs = creditMs;
  }

  /** Whether the stream is remembered; it is then the one seen last. */
  touch(header: Uint8Array): boolean {
    const streams = this.#streams;
    const id0 = readU32(header, 48) | 0;
    const id1 = readU32(header, 52) | 0;
    const epoch = readU32(header, 24) | 0;
    for (let at = 0; at < this.#count * 3; at += 3) {
      if (streams[at] !== id0 || streams[at + 1] !== id1 || streams[at + 2] !== epoch) continue;
      streams.copyWithin(3, 0, at);
      streams[0] = id0;
      streams[1] = id1;
      streams[2] = epoch;
      return true;
    }
    return false;
  }

  /** Takes a token if there is one. */
  take(nowMs: number, fullMs: number, intervalMs: number): boolean {
    if (nowMs > this.#atMs) {
      this.#creditMs = Math.min(fullMs, this.#creditMs + nowMs - this.#atMs);
      this.#atMs = nowMs;
    }
    if (this.#creditMs < intervalMs) return false;
    this.#creditMs -= intervalMs;
    return true;
  }

  /** Puts a stream first; the 65th is forgotten. */
  remember(header: Uint8Array): void {
    if (this.#count < limits.streamsPerSender) this.#count++;
    if (this.#count * 3 > this.#streams.length) {
      const grown = new Int32Array(this.#streams.length * 2);
      grown.set(this.#streams);
      this.#streams = grown;
    }
    this.#streams.copyWithin(3, 0, (this.#count - 1) * 3);
    this.#streams[0] = readU32(header, 48);
    this.#streams[1] = readU32(header, 52);
    this.#streams[2] = readU32(header, 24);
  }
}
