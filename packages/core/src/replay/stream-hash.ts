import { readU32 } from '../bytes/bytes.ts';
import { TridcommError } from '../errors.ts';

/**
 * Keyed hashes of the stream that a header names, under a key that nobody outside the process knows: who chooses headers
 * cannot choose collisions.
 *
 * The group's hash is HalfSipHash-1-3 with its state widened to a key of 128 bits, over topic_tag ‖ epoch ‖ sender_id. The
 * stream's is a cheap mix of the group's final state and stream_id: it spreads the 64 streams of one group, no more, and whoever
 * uses it compares stream_id itself. Results are left in the fields, all of them int32 so that no engine has to box them.
 */
export class StreamHash {
  /** Of (sender, epoch, topic_tag): 32 bits. */
  group = 0;
  /** Of the same: another 12 bits. */
  groupExtra = 0;
  /** Of the stream: 32 bits. */
  stream = 0;
  readonly #key: Int32Array;

  /**
   * @param hashKey16 - 16 random bytes, drawn anew for each process; copied
   * @throws TridcommError `E_USAGE` for another length
   */
  constructor(hashKey16: Uint8Array) {
    if (hashKey16.length !== 16) {
      throw new TridcommError('E_USAGE', `hash key of ${hashKey16.length} bytes, not 16`);
    }
    this.#key = Int32Array.from(initial, (word, i) => word ^ readU32(hashKey16, 4 * i));
  }

  /** The group's 44 bits as one number. */
  get groupNumber(): number {
    return (this.group >>> 0) * 0x1000 + this.groupExtra;
  }

  /**
   * Hashes what the 96 bytes of a header say; allocates nothing.
   *
   * @param header - an envelope or job from its start; read only
   * @param withEpoch - false takes the epoch out of the group
   */
  update(header: Uint8Array, withEpoch: boolean): void {
    const key = this.#key;
    let v0 = key[0] as number;
    let v1 = key[1] as number;
    let v2 = key[2] as number;
    let v3 = key[3] as number;
    // One loop for absorbing and one for finishing: the round stands twice, since a call would pass its state through memory.
    for (let at = 8; at < 48; at += 4) {
      if (at === 28) continue;
      const word = at !== 24 || withEpoch ? readU32(header, at) | 0 : 0;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    v2 ^= 0xff;
    for (let round = 0; round < 3; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.group = v1 ^ v3;
    this.groupExtra = (v0 ^ v2) & 0xfff;
    const mix = Math.imul(v0 ^ readU32(header, 48), 0x85ebca6b) ^ v2 ^ readU32(header, 52);
    this.stream = Math.imul(mix ^ (mix >>> 15), 0xc2b2ae35);
  }
}

/** The constants of HalfSipHash in the state words that hold no key there. */
const initial = [0, 0, 0x6c796765, 0x74656462];
