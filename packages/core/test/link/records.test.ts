import { describe, expect, it } from 'vitest';
import { concat } from '../../src/bytes/bytes.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { RecordReader, RecordWriter } from '../../src/link/records.ts';
import type { NoiseCipher } from '../../src/noise/cipher.ts';
import { codeOf, filled } from '../keys/support.ts';
import { cases, newSessions } from '../noise/support.ts';
import { piecesOf } from './support.ts';

const largest = limits.recordPlaintextBytes;

/** All that a reader gives for bytes in pieces. */
function readAll(reader: RecordReader, pieces: Iterable<Uint8Array>): Uint8Array {
  const out: Uint8Array[] = [];
  for (const piece of pieces) {
    reader.take(piece);
    for (let next = reader.next(); next !== undefined; next = reader.next()) out.push(next);
  }
  return concat(...out);
}

describe.each(cases)('records with $aead of $name', ({ provider, aead }) => {
  const both = (recordsPerRekey?: number, ofReader = recordsPerRekey) => {
    const { initiator, responder } = newSessions(provider, aead);
    return {
      writer: new RecordWriter(initiator.send, recordsPerRekey),
      reader: new RecordReader(responder.receive, ofReader),
    };
  };

  it.each([1, 17, largest - 1, largest, largest + 1, 2 * largest + 1])(
    'link.16 %i bytes come out in as many records as they need, and back in',
    (length) => {
      const plaintext = filled(length, 9);
      const { writer, reader } = both();
      const chunks = writer.write([plaintext]);
      const sizes = chunks.flatMap((chunk, i) => (i % 2 === 1 ? [chunk.length - 16] : []));
      expect(sizes.reduce((sum, size) => sum + size)).toBe(length);
      expect(sizes).toHaveLength(Math.ceil(length / largest));
      expect(Math.max(...sizes)).toBeLessThanOrEqual(largest);
      // Not `toEqual`, which takes its time with large arrays.
      expect(Buffer.compare(readAll(reader, [concat(...chunks)]), plaintext)).toBe(0);
    },
  );

  it.each([1, 2, 3, 100])('come in pieces of %i', (length) => {
    const { writer, reader } = both();
    const bytes = concat(...[1, 20, 300].flatMap((size) => writer.write([filled(size, size)])));
    const expected = concat(filled(1, 1), filled(20, 20), filled(300, 300));
    expect(readAll(reader, piecesOf(length)(bytes))).toEqual(expected);
    expect(reader.isInside).toBe(false);
  });

  it.each([
    [0, 'E_LENGTH'],
    [16, 'E_LENGTH'],
    [17, 'E_AEAD'],
  ])('link.17 a record of %i bytes that is none is %s', (length, code) => {
    const { reader } = both();
    expect(codeOf(() => readAll(reader, [Uint8Array.of(0, length), filled(length, 1)]))).toBe(code);
  });

  it('link.17 a length below 17 is refused before anything follows it', () => {
    const { reader } = both();
    expect(codeOf(() => readAll(reader, [Uint8Array.of(0), Uint8Array.of(16)]))).toBe('E_LENGTH');
  });

  it('link.17 nothing is taken that was changed, left out, swapped, repeated or reflected', () => {
    const damaged = (damage: (records: Uint8Array[]) => Uint8Array[]) => {
      const { writer, reader } = both();
      const records = [1, 2, 3].map((n) => concat(...writer.write([filled(5, n)])));
      return codeOf(() => readAll(reader, damage(records)));
    };
    expect(damaged((records) => records)).toBe('ok');
    expect(damaged(([a, b, c]) => [a!, c!, b!])).toBe('E_AEAD');
    expect(damaged(([, b, c]) => [b!, c!])).toBe('E_AEAD');
    expect(damaged(([a, b]) => [a!, a!, b!])).toBe('E_AEAD');
    for (let at = 2; at < 23; at++) {
      const flip = ([a]: Uint8Array[]) => [a!.map((byte, i) => (i === at ? byte ^ 1 : byte))];
      expect(damaged(flip)).toBe('E_AEAD');
    }
    const { initiator } = newSessions(provider, aead);
    const own = new RecordWriter(initiator.send).write([filled(5, 1)]);
    expect(codeOf(() => readAll(new RecordReader(initiator.receive), own))).toBe('E_AEAD');
  });

  it('link.18 both directions change their key after so many records, and go on counting', () => {
    const { initiator, responder } = newSessions(provider, aead);
    const writer = new RecordWriter(initiator.send, 3);
    const sent = Array.from({ length: 10 }, (_, n) => writer.write([filled(4, n)])[1]!);
    // The same by hand: a rekey behind records 3, 6 and 9.
    for (const [n, record] of sent.entries()) {
      expect(responder.receive.decrypt(record)).toEqual(filled(4, n));
      if ((n + 1) % 3 === 0) responder.receive.rekey();
    }
    expect(responder.receive.count).toBe(10);
    const back = new RecordReader(initiator.receive, 3);
    const answers = Array.from({ length: 7 }, (_, n) => {
      const record = responder.send.encrypt(filled(4, n));
      if ((n + 1) % 3 === 0) responder.send.rekey();
      return concat(Uint8Array.of(0, record.length), record);
    });
    expect(readAll(back, answers)).toHaveLength(28);
  });

  it('link.18 a reader that changes its key one record later opens no more', () => {
    const { writer, reader } = both(3, 4);
    const records = [1, 2, 3, 4].map((n) => concat(...writer.write([filled(4, n)])));
    expect(readAll(reader, records.slice(0, 3))).toHaveLength(12);
    expect(codeOf(() => readAll(reader, records.slice(3)))).toBe('E_AEAD');
  });

  it('opens nothing after its end', () => {
    const { writer, reader } = both();
    const record = concat(...writer.write([filled(4, 1)]));
    writer.erase();
    reader.erase();
    expect(codeOf(() => readAll(reader, [record]))).toBe('E_CLOSED');
    expect(codeOf(() => writer.write([filled(4, 1)]))).toBe('E_CLOSED');
  });
});

it('link.18 changes the key after 2^20 records where nothing else is said', () => {
  const rekeyedAt: number[] = [];
  const cipher = {
    count: 2 ** 20 - 2,
    encrypt: (plaintext: Uint8Array) => {
      cipher.count++;
      return filled(plaintext.length + 16, 0);
    },
    decrypt: (record: Uint8Array) => {
      cipher.count++;
      return filled(record.length - 16, 0);
    },
    rekey: () => void rekeyedAt.push(cipher.count),
  };
  const writer = new RecordWriter(cipher as unknown as NoiseCipher);
  for (let n = 0; n < 4; n++) writer.write([filled(1, 1)]);
  expect(rekeyedAt.splice(0)).toEqual([2 ** 20]);
  cipher.count = 2 ** 21 - 2;
  const reader = new RecordReader(cipher as unknown as NoiseCipher);
  for (let n = 0; n < 4; n++) readAll(reader, [Uint8Array.of(0, 17), filled(17, 1)]);
  expect(rekeyedAt).toEqual([2 ** 21]);
});
