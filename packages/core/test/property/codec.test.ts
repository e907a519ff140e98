import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TridcommError } from '@tridcomm/core';
import { readVarint, varintLength, writeVarint } from '../../src/bytes/varint.ts';
import { frameTypes } from '../../src/codepoints/frame-types.gen.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { FrameDecoder } from '../../src/wire/frame-decoder.ts';
import { checkPreface, encodeFrame, encodePreface, type Frame } from '../../src/wire/frame.ts';
import { decodeExtensions, encodeExtensions } from '../../src/wire/extensions.ts';
import { definedPatternKinds, HeaderView, writeHeader, type HeaderFields } from '../../src/wire/header.ts';
import { decodeRecords, encodeRecords, padmeLength } from '../../src/wire/records.ts';
import { nowMs } from '../envelope/parties.ts';
import { bytes, extended, extensionInputs, flip, messages, refusedWith, useSeed } from './support.ts';

useSeed();

describe('varint', () => {
  const numbers = fc.oneof(fc.maxSafeInteger().map(Math.abs), fc.integer({ min: 0, max: 300 }));
  const encode = (value: number) => {
    const out = new Uint8Array(varintLength(value));
    expect(writeVarint(out, 0, value)).toBe(out.length);
    return out;
  };

  it('conventions.1 conventions.2 reads what it writes, and nothing shorter', () => {
    fc.assert(
      fc.property(numbers, bytes(0, 9), (value, rest) => {
        const encoded = encode(value);
        const cursor = { bytes: Buffer.concat([encoded, rest]), offset: 0 };
        expect(readVarint(cursor, encoded.length)).toBe(value);
        expect(cursor.offset).toBe(encoded.length);
        for (let end = 0; end < encoded.length; end++) {
          const early = { bytes: cursor.bytes, offset: 0 };
          expect(refusedWith(() => readVarint(early, end))).toBe('E_ENCODING');
          expect(early.offset).toBe(0);
        }
      }),
    );
  });

  it('conventions.2 takes one encoding of each value', () => {
    fc.assert(
      fc.property(bytes(1, 10), (input) => {
        const cursor = { bytes: input, offset: 0 };
        let value: number;
        try {
          value = readVarint(cursor, input.length);
        } catch (error) {
          expect(error).toBeInstanceOf(TridcommError);
          return;
        }
        expect(encode(value)).toEqual(input.slice(0, cursor.offset));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('link', () => {
  const frames = fc.array(
    fc.record({
      type: fc.constantFrom(...Object.values(frameTypes)),
      channel: fc.integer({ min: 0, max: 0xffff }),
      body: bytes(0, 200),
    }),
    { maxLength: 6 },
  );
  const encode = (list: readonly Frame[]) =>
    new Uint8Array(Buffer.concat(list.map(({ type, channel, body }) => encodeFrame(type, channel, body))));

  it('framing.1 framing.2 framing.3 takes one preface', () => {
    const preface = encodePreface();
    expect(refusedWith(() => checkPreface(preface))).toBeUndefined();
    for (let bit = 0; bit < 32; bit++) {
      expect(refusedWith(() => checkPreface(flip(preface, bit)))).toBe(bit < 24 ? 'E_ENCODING' : 'E_VERSION');
    }
  });

  it('framing.12 framing.13 gives the same frames in any pieces, and ends only between frames', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(50), { minLength: 1 }), fc.nat(), (list, cuts, lost) => {
        const link = encode(list);
        const decoder = new FrameDecoder();
        const decoded: Frame[] = [];
        for (let at = 0, i = 0; at < link.length; i++) {
          const length = 1 + (cuts[i % cuts.length] ?? 0);
          decoded.push(...decoder.push(link.subarray(at, at + length)));
          at += length;
        }
        decoder.end();
        expect(decoded.map((frame) => ({ ...frame, body: new Uint8Array(frame.body) }))).toEqual(list);

        const short = link.subarray(0, lost % (link.length + 1));
        const starts = list.map((_, i) => encode(list.slice(0, i)).length);
        const truncated = new FrameDecoder();
        const before = [...truncated.push(short)];
        expect(refusedWith(() => truncated.end())).toBe(
          short.length === link.length || starts.includes(short.length) ? undefined : 'E_LENGTH',
        );
        expect(before.length).toBeLessThanOrEqual(list.length);
      }),
    );
  });

  it('framing.7 framing.9 framing.14 refuses one flipped bit of type, flags or length, or reads another frame', () => {
    fc.assert(
      fc.property(fc.nat(63), bytes(3, 30), (bit, body) => {
        const frame = encodeFrame(0x10, 7, body);
        const decoder = new FrameDecoder(64);
        let got: Frame[] = [];
        const code = refusedWith(() => {
          got = [...decoder.push(flip(frame, bit))];
          decoder.end();
        });
        if (code === undefined) expect(got.length !== 1 || got[0]?.type !== 0x10 || got[0].channel !== 7).toBe(true);
        if (bit >= 8 && bit < 16) expect(code).toBe('E_ENCODING');
        if (code !== 'E_LENGTH' && code !== undefined) {
          expect(refusedWith(() => [...decoder.push(body)])).toBe('E_CLOSED');
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([limits.frameHardCapBytes + 1, -1, 0.5, Number.NaN])('framing.8 has no cap of %d', (cap) => {
    expect(refusedWith(() => new FrameDecoder(cap))).toBe('E_USAGE');
  });
});

describe('header', () => {
  const fields = fc.record({
    patternKind: fc.constantFrom(...definedPatternKinds),
    suite: fc.constantFrom(1, 2),
    flags: fc.constantFrom(0, 1, 3, 0x11, 0x13),
    topicTag: bytes(16),
    epoch: fc.integer({ min: 0, max: 0xffff_ffff }),
    count: fc.integer({ min: 1, max: limits.recordsCount }),
    senderId: bytes(16),
    streamId: bytes(8),
    seq: fc.integer({ min: 1, max: limits.streamSeq }),
    timestampMs: fc.integer({ min: 0, max: limits.safeInteger }),
    salt: bytes(16),
    extensionsLengthBytes: fc.integer({ min: 0, max: limits.extensionsBytes }),
    keyinfoLengthBytes: fc.integer({ min: 0, max: limits.keyinfoBytes }),
    bodyLengthBytes: fc.integer({ min: 0, max: limits.bodyBytes }),
  });

  it('envelope.1 reads every field that it writes, and what is read is written the same', () => {
    fc.assert(
      fc.property(fields, (written) => {
        const out = new Uint8Array(96);
        writeHeader(out, written);
        const read = new HeaderView(out);
        for (const [name, value] of Object.entries(written)) expect(read[name as keyof HeaderFields]).toEqual(value);
        const again = new Uint8Array(96);
        writeHeader(again, read);
        expect(again).toEqual(out);
      }),
      { numRuns: 300 },
    );
  });
});

describe('extensions', () => {
  const site = { merkle: false, seq: 2 };

  it('envelope.7 envelope.10 reads what it writes; what is cut off is refused, or a whole extension', () => {
    fc.assert(
      fc.property(extensionInputs, fc.nat(), (inputs, cut) => {
        const area = encodeExtensions(inputs, site);
        const decoded = decodeExtensions(area, site).all;
        const sorted = inputs.toSorted((a, b) => a.number - b.number);
        expect(decoded.map(({ number, value }) => ({ number, value: new Uint8Array(value) }))).toEqual(
          sorted.map(({ number, value }) => ({ number, value: new Uint8Array(value) })),
        );
        const end = cut % (area.length + 1);
        const ends = [0, ...decoded.map(({ value }) => value.byteOffset - area.byteOffset + value.length)];
        expect(refusedWith(() => decodeExtensions(area.subarray(0, end), site))).toBe(
          ends.includes(end) ? undefined : 'E_EXT',
        );
        expect(refusedWith(() => decodeExtensions(extended(area, cut), site))).toBe('E_EXT');
      }),
      { numRuns: 300 },
    );
  });

  it('envelope.10 envelope.13 refuses any two of them in the other order, and any with the other criticality', () => {
    fc.assert(
      fc.property(extensionInputs, fc.nat(), (inputs, picked) => {
        const { all } = decodeExtensions(encodeExtensions(inputs, site), site);
        const parts = all.map((one) => encodeExtensions([one], site));
        const i = picked % Math.max(1, parts.length);
        const part = parts[i];
        if (part === undefined) return;
        const others = parts.filter((_, j) => j !== i);
        if (others.length > 0) {
          const rotated = i === 0 ? [...others, part] : [part, ...others];
          expect(refusedWith(() => decodeExtensions(Buffer.concat(rotated), site))).toBe('E_EXT');
        }
        expect(refusedWith(() => decodeExtensions(Buffer.concat([part, part]), site))).toBe('E_EXT');
        expect(refusedWith(() => decodeExtensions(flip(part, 7), site))).toBe('E_EXT');
      }),
    );
  });
});

describe('records', () => {
  it('envelope.16 envelope.17 envelope.19 envelope.20 reads what it writes, and nothing shorter or longer', () => {
    fc.assert(
      fc.property(messages, fc.boolean(), fc.nat(), (list, padded, chance) => {
        const plaintext = encodeRecords(list, 0, list.length, nowMs, padded);
        const decode = (input: Uint8Array, count = list.length) => decodeRecords(input, count, nowMs, padded);
        expect([...decode(plaintext)].map((one) => ({ ...one, payload: new Uint8Array(one.payload) }))).toEqual(list);
        const { length } = encodeRecords(list, 0, list.length, nowMs, false);
        expect(plaintext.length).toBe(padded ? padmeLength(length) : length);
        expect(refusedWith(() => decode(plaintext.subarray(0, chance % length)))).toBe('E_ENCODING');
        expect(refusedWith(() => decode(extended(plaintext, padded ? 1 + (chance % 255) : chance)))).toBe('E_ENCODING');
        expect(refusedWith(() => decode(plaintext.subarray(0, length), list.length + 1))).toBe('E_ENCODING');
      }),
    );
  });

  it('envelope.17 pads by at most 12 in a hundred, and a padded length stays as it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: limits.plaintextBytes }), (length) => {
        const padded = padmeLength(length);
        expect(padded).toBeGreaterThanOrEqual(length);
        expect(padded).toBeLessThanOrEqual(length + length * 0.12);
        expect(padmeLength(padded)).toBe(padded);
      }),
      { numRuns: 1_000 },
    );
  });
});
