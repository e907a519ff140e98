/** records.json: record framing and Padmé. */
import { VectorFile } from '../cases.ts';
import { recordsJson } from '../check.ts';
import type { Members } from '../json.ts';
import { cat, hex, seeded, text, u8, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { frameRecord, frameRecords, padme, type Message } from '../twin/records.ts';
import { encodeVarint, stretchVarint } from '../twin/varint.ts';
import { messages, NOW, tiny } from '../world.ts';

function sizes(file: VectorFile): void {
  const g = file.group('padme', 'padme', 'codec', 'records');
  const stated: [number, number][] = [
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
    [5, 5],
    [6, 6],
    [7, 7],
    [8, 8],
    [9, 10],
    [10, 10],
    [11, 12],
    [15, 16],
    [16, 16],
    [17, 18],
    [31, 32],
    [32, 32],
    [33, 36],
    [63, 64],
    [100, 104],
    [255, 256],
    [256, 256],
    [257, 272],
    [1000, 1024],
    [1023, 1024],
    [1025, 1088],
    [65_535, 65_536],
    [65_536, 65_536],
    [65_537, 67_584],
    [100_000, 100_352],
    [966_657, 983_040],
    [983_039, 983_040],
    [983_040, 983_040],
  ];
  for (const [length, padded] of stated) {
    if (padme(length) !== padded) throw new Error(`Padmé(${length}) = ${padme(length)}, not ${padded}`);
    g.valid(String(length), {
      comment: length === 983_040 ? 'the largest plaintext is a Padmé length' : `Padmé(${length}) = ${padded}`,
      in: { length },
      out: { padded },
      spec: ['envelope.17'],
      flags: length === 983_040 ? ['Limit'] : [],
    });
  }
}

export function records(): VectorFile {
  const file = new VectorFile('records');
  sizes(file);
  const enc = file.group('encode', 'records.encode', 'codec', 'records', false);
  const dec = file.group('decode', 'records.decode', 'codec', 'records');
  const input = (bytes: Bytes, count: number, padded: boolean, timestamp = NOW): Members => ({
    bytes: hex(bytes),
    count,
    timestamp: timestamp.toString(),
    padded,
  });
  const round = (
    id: string,
    comment: string,
    list: Message[],
    padded: boolean,
    timestamp = NOW,
    flags: string[] = [],
  ): void => {
    const bytes = frameRecords(list, timestamp, padded);
    enc.valid(id, {
      comment,
      in: { records: recordsJson(list), timestamp: timestamp.toString(), padded },
      out: { bytes: hex(bytes) },
      spec: padded ? ['envelope.16', 'envelope.17'] : ['envelope.16'],
      flags,
    });
    dec.valid(id, {
      comment,
      in: input(bytes, list.length, padded, timestamp),
      out: { records: recordsJson(list) },
      spec: ['envelope.19', 'envelope.20'],
      flags,
    });
  };
  const m = (age: bigint, payload: Bytes, timestamp = NOW): Message => ({ timestamp: timestamp - age, payload });
  enc.invalid('from-the-future', {
    comment: 'a sender is asked for a record a millisecond later than the envelope',
    in: {
      records: recordsJson([{ timestamp: NOW + 1n, payload: text('a') }]),
      timestamp: NOW.toString(),
      padded: false,
    },
    error: 'E_USAGE',
    spec: ['envelope.19'],
    from: 'one',
  });
  round('one', 'one record, sealed at once', [m(0n, text('hello'))], false);
  round('one-empty', 'one record without a payload: three bytes', [m(0n, zeros(0))], false);
  round('three', 'three records that waited 0, 1 and 2 ms', messages(3), false);
  round('age-127', 'a record that waited 127 ms: one byte of age', [m(127n, text('a'))], false);
  round('age-128', '128 ms: two bytes', [m(128n, text('a'))], false);
  round('age-all', 'as old as can be: its time is 0', [m(NOW, text('a'))], false);
  round(
    'timestamp-max',
    'timestamp 2^53 - 1 and a record of time 0: an age of eight bytes',
    [m((1n << 53n) - 1n, text('a'), (1n << 53n) - 1n)],
    false,
    (1n << 53n) - 1n,
    ['Limit'],
  );
  round('timestamp-0', 'timestamp 0', [m(0n, text('a'), 0n)], false, 0n);
  round('len-127', 'a payload of 127 bytes', [m(0n, seeded('payload 127', 127))], false);
  round('len-128', 'a payload of 128 bytes: two bytes of len', [m(0n, seeded('payload 128', 128))], false);
  round(
    'order-kept',
    'records keep their order, whatever their times',
    [m(5n, text('b')), m(9n, text('a')), m(0n, text('c'))],
    false,
  );
  round('many', '200 records', tiny(200), false);
  round('padded-8', 'padded, but 8 bytes are a Padmé length: no zero follows', [m(0n, text('12345'))], true);
  round('padded-9', 'nine bytes are padded to ten', [m(0n, text('123456'))], true);
  round('padded-100', '100 bytes are padded to 104', [m(0n, seeded('payload 97', 97))], true);
  round('padded-many', '200 records, padded', tiny(200), true);
  round('padded-empty', 'one record without a payload, padded: three bytes', [m(0n, zeros(0))], true);

  const three = frameRecords(messages(3), NOW, false);
  dec.valid('padded-more', {
    comment: 'with flag 4 more zeros than Padmé asks for are zeros all the same; how many is a rule for senders',
    in: input(cat(three, zeros(50)), 3, true),
    out: { records: recordsJson(messages(3)) },
    spec: ['envelope.20'],
  });
  dec.valid('padded-none', {
    comment: 'with flag 4 and no zeros at all, where Padmé would add some',
    in: input(frameRecords([m(0n, text('123456'))], NOW, false), 1, true),
    out: { records: recordsJson([m(0n, text('123456'))]) },
    spec: ['envelope.20'],
  });

  const bad = (
    id: string,
    comment: string,
    bytes: Bytes,
    count: number,
    padded: boolean,
    spec: string[],
    from: string,
    flags: string[] = [],
    timestamp = NOW,
  ): void => {
    dec.invalid(id, { comment, in: input(bytes, count, padded, timestamp), error: 'E_ENCODING', spec, from, flags });
  };
  const s = ['envelope.19'];
  bad('one-less', 'four records expected, three there', three, 4, false, s, 'three');
  bad('one-more', 'two records expected, three there', three, 2, false, ['envelope.20'], 'three', ['Trailing']);
  bad('empty', 'no byte, one record expected', zeros(0), 1, false, s, 'one-empty', ['Truncated']);
  bad(
    'padding-is-no-record',
    'padded: two records expected, one and some zeros that stop in the middle of a second',
    cat(frameRecord(m(0n, text('123456')), NOW), zeros(2)),
    2,
    true,
    s,
    'padded-9',
  );
  const one = frameRecords([m(300n, seeded('payload 200', 200))], NOW, false);
  for (const length of [1, 2, 3, 4, 5, 100, one.length - 1]) {
    bad(
      `truncated-${length}`,
      `${length} of ${one.length} bytes of a record with two-byte age and len`,
      one.slice(0, length),
      1,
      false,
      ['envelope.19', 'conventions.2'],
      'len-128',
      ['Truncated'],
    );
  }
  const first = frameRecord(m(0n, text('hello')), NOW);
  for (let bit = 0; bit < 8; bit++) {
    bad(
      `rflags-bit-${bit}`,
      `rflags with bit ${bit} set`,
      cat(u8(1 << bit), first.slice(1)),
      1,
      false,
      ['envelope.19', 'envelope.16'],
      'one',
      ['Reserved'],
    );
  }
  bad(
    'rflags-second',
    'rflags of the second of two',
    cat(first, u8(1), first.slice(1)),
    2,
    false,
    ['envelope.19', 'envelope.16'],
    'three',
    ['Reserved'],
  );
  bad('len-plus-1', 'len one beyond the end (T52)', cat(u8(0), u8(0), u8(6), text('hello')), 1, false, s, 'one');
  bad(
    'len-max',
    'len 2^53 - 1 (T52)',
    cat(u8(0), u8(0), encodeVarint((1n << 53n) - 1n), text('hello')),
    1,
    false,
    s,
    'one',
    ['Limit'],
  );
  bad(
    'len-2p32',
    'len 2^32 + 5: five where 32 bits are kept',
    cat(u8(0), u8(0), encodeVarint((1n << 32n) + 5n), text('hello')),
    1,
    false,
    s,
    'one',
    ['Limit'],
  );
  bad(
    'len-minus-1',
    'len one short: a byte is left',
    cat(u8(0), u8(0), u8(4), text('hello')),
    1,
    false,
    ['envelope.20'],
    'one',
    ['Trailing'],
  );
  bad(
    'age-beyond',
    'an age of timestamp + 1',
    cat(u8(0), encodeVarint(NOW + 1n), u8(1), text('a')),
    1,
    false,
    s,
    'age-all',
  );
  bad(
    'age-beyond-0',
    'timestamp 0 and an age of 1',
    cat(u8(0), u8(1), u8(1), text('a')),
    1,
    false,
    s,
    'timestamp-0',
    [],
    0n,
  );
  const v = ['conventions.2', 'envelope.19'];
  bad(
    'age-overlong',
    'an age of 0 in two bytes (T46)',
    cat(u8(0), stretchVarint(0n, 2), u8(5), text('hello')),
    1,
    false,
    v,
    'one',
    ['NonMinimal'],
  );
  bad(
    'len-overlong',
    'a len of 5 in two bytes (T46)',
    cat(u8(0), u8(0), stretchVarint(5n, 2), text('hello')),
    1,
    false,
    v,
    'one',
    ['NonMinimal'],
  );
  bad(
    'age-9-bytes',
    'an age of nine bytes',
    cat(u8(0), unhex('808080808080808001'), u8(5), text('hello')),
    1,
    false,
    v,
    'one',
    ['NonMinimal'],
  );
  bad(
    'age-2p53',
    'an age of 2^53',
    cat(u8(0), stretchVarint(1n << 53n, 8), u8(5), text('hello')),
    1,
    false,
    v,
    'timestamp-max',
    ['Limit'],
    (1n << 53n) - 1n,
  );
  bad(
    'zero-after',
    'a zero after the last record without flag 4',
    cat(three, zeros(1)),
    3,
    false,
    ['envelope.20'],
    'three',
    ['Trailing'],
  );
  const padded = frameRecords([m(0n, seeded('payload 97', 97))], NOW, true);
  bad(
    'padding-not-flagged',
    'Padmé zeros without flag 4',
    padded,
    1,
    false,
    ['envelope.20', 'envelope.17'],
    'padded-100',
    ['Trailing'],
  );
  bad(
    'padding-first',
    'the first padding byte is not 0 (T53)',
    cat(padded.slice(0, 100), u8(1), zeros(3)),
    1,
    true,
    ['envelope.20', 'envelope.17'],
    'padded-100',
  );
  bad(
    'padding-last',
    'the last padding byte is not 0 (T53)',
    cat(padded.slice(0, 103), u8(0x80)),
    1,
    true,
    ['envelope.20', 'envelope.17'],
    'padded-100',
  );
  return file;
}
