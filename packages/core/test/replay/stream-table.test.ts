import { describe, expect, it } from 'vitest';
import { readU32, writeU32 } from '../../src/bytes/bytes.ts';
import { StreamHash } from '../../src/replay/stream-hash.ts';
import {
  readFloorLead,
  readHi,
  readRun,
  readTimestamp,
  recordWords,
  writeFloorLead,
  writeHi,
  writeRun,
  writeTimestamp,
} from '../../src/replay/stream-record.ts';
import { StreamTable } from '../../src/replay/stream-table.ts';
import { Windows } from '../../src/replay/window.ts';
import { chanceOf } from './chance.ts';
import { codeOf, headerOf, streamOf } from './steps.ts';

const hashKey16 = Uint8Array.from({ length: 16 }, (_, i) => i * 17);

function header(group: number, stream: number): Uint8Array {
  const bytes = headerOf({ stream: streamOf(0), seq: 1, timestampMs: 1 });
  writeU32(bytes, 32, group);
  writeU32(bytes, 52, stream);
  return bytes;
}

describe('StreamTable', () => {
  it('replay.1 takes 45 bytes or less for each of a million idle streams', () => {
    const table = new StreamTable(hashKey16, new Windows(1024), 64);
    const bytes = header(0, 0);
    for (let n = 0; n < 1_000_000; n++) {
      writeU32(bytes, 32, n >>> 3);
      writeU32(bytes, 52, n);
      if (table.find(bytes) >= 0) expect.fail(`stream ${n} is there already`);
      table.admit(bytes, -1, 1);
    }
    expect(table.count).toBe(1_000_000);
    expect(table.byteLength / 1_000_000).toBeLessThanOrEqual(45);
  });

  it('replay.1 finds each of its streams while it grows', () => {
    const table = new StreamTable(hashKey16, new Windows(64), 64);
    const streams = Array.from({ length: 20_000 }, (_, n) => header((n * 7) % 611, n));
    const entries = streams.map((bytes) => (table.find(bytes) < 0 ? table.admit(bytes, -1, 1) : -1));
    expect(streams.map((bytes) => table.find(bytes))).toEqual(entries);
    expect(table.find(header(1, 20_001))).toBe(-1);
  });

  it('replay.16 knows the order of admission however often the index grew', () => {
    const table = new StreamTable(hashKey16, new Windows(64), 5);
    const chance = chanceOf(1);
    const order: number[][] = Array.from({ length: 40 }, () => []);
    for (let stream = 0; stream < 3_000; stream++) {
      const group = chance(40);
      const bytes = header(group, stream);
      expect(table.find(bytes)).toBe(-1);
      const victim = table.victim();
      const held = order[group] ?? [];
      if (held.length === 5) expect(readU32(table.streamId(victim), 4)).toBe(held.shift());
      else expect(victim).toBe(-1);
      table.admit(bytes, victim, 9);
      held.push(stream);
      // Streams of other groups, so that the index grows all the while.
      const other = header(1_000 + stream, stream);
      table.find(other);
      table.admit(other, -1, 1);
    }
  });

  it('replay.16 a stream that is evicted gives its bitmap back', () => {
    const windows = new Windows(1024);
    const table = new StreamTable(hashKey16, windows, 1);
    for (let stream = 0; stream < 100; stream++) {
      const bytes = header(1, stream);
      table.find(bytes);
      const entry = table.admit(bytes, table.victim(), 1);
      for (const seq of [1, 300, 600]) windows.advance(table.words(entry), table.at(entry), seq);
      for (const seq of [1, 300, 600]) windows.mark(table.words(entry), table.at(entry), seq);
    }
    expect(table.count).toBe(1);
    expect(windows.byteLength).toBe(4 * 128);
  });

  it('replay.15 holds evict_ts for each group, and never lowers it', () => {
    const table = new StreamTable(hashKey16, new Windows(64), 1);
    table.find(header(1, 1));
    table.raiseEvictTs(7);
    table.raiseEvictTs(5);
    expect(table.evictTs).toBe(7);
    table.find(header(2, 1));
    expect(table.evictTs).toBe(0);
  });
});

describe('StreamHash', () => {
  it('replay.1 depends on every bit of the key and of what names the stream', () => {
    const read = (key: Uint8Array, bytes: Uint8Array): string => {
      const hash = new StreamHash(key);
      hash.update(bytes, true);
      return `${hash.groupNumber} ${hash.stream}`;
    };
    const bytes = headerOf({ stream: streamOf(3), seq: 1, timestampMs: 1 });
    const base = read(hashKey16, bytes);
    const flip = (from: Uint8Array, bit: number): Uint8Array => {
      const flipped = from.slice();
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      return flipped;
    };
    for (let bit = 8 * 8; bit < 56 * 8; bit++) {
      // Bytes 28 to 31 are the count, which names nothing.
      expect(read(hashKey16, flip(bytes, bit)) === base).toBe(bit >= 28 * 8 && bit < 32 * 8);
    }
    for (let bit = 0; bit < 128; bit++) expect(read(flip(hashKey16, bit), bytes)).not.toBe(base);
  });

  it('replay.18 leaves the epoch out where it is told to', () => {
    const hash = new StreamHash(hashKey16);
    const numbers = [1, 2].map((epoch) => {
      hash.update(headerOf({ stream: streamOf(1, 1, epoch), seq: 1, timestampMs: 1 }), false);
      return hash.groupNumber;
    });
    expect(numbers[0]).toBe(numbers[1]);
  });

  it.each([0, 15, 17, 32])('refuses a key of %i bytes', (length) => {
    expect(codeOf(() => typeof new StreamHash(new Uint8Array(length)))).toBe('E_USAGE');
  });
});

describe('record', () => {
  it('replay.1 keeps its fields apart at their limits', () => {
    const words = new Int32Array(recordWords * 3).fill(-1);
    const at = recordWords;
    for (const [hi, time, run, lead] of [
      [0, 0, 0, 0],
      [2 ** 40 + 64, 2 ** 53 - 1, 0x1fff, 0x7f],
      [1, 2 ** 32, 4032, 64],
    ] as const) {
      // prettier-ignore
      writeHi(words, at, hi);
      writeTimestamp(words, at, time);
      writeRun(words, at, run);
      writeFloorLead(words, at, lead);
      expect([readHi(words, at), readTimestamp(words, at), readRun(words, at), readFloorLead(words, at)]).toEqual([hi, time, run, lead]); // prettier-ignore
    }
    expect(words.subarray(0, at).every((word) => word === -1) && words.subarray(2 * at).every((word) => word === -1)).toBe(true); // prettier-ignore
  });
});
