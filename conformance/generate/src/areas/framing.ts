/** framing.json: varints of chapter 00, preface and frames of chapter 02. */
import { VectorFile } from '../cases.ts';
import type { Members } from '../json.ts';
import { cat, hex, seeded, u64, u8, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { encodeFrame, FRAME_TYPES, GREASE_TYPES, rawFrameHeader } from '../twin/frame.ts';
import { encodeVarint, stretchVarint } from '../twin/varint.ts';

const MAX_SAFE = (1n << 53n) - 1n;

function varints(file: VectorFile): void {
  const enc = file.group('varint-encode', 'varint.encode', 'codec', 'frame', false);
  const dec = file.group('varint-decode', 'varint.decode', 'codec', 'frame');
  const values: [string, bigint][] = [
    ['0', 0n],
    ['1', 1n],
    ['127', 127n],
    ['128', 128n],
    ['300', 300n],
    ['2p14-1', 16_383n],
    ['2p14', 16_384n],
    ['2p21-1', 2_097_151n],
    ['2p21', 2_097_152n],
    ['2p28', 268_435_456n],
    ['2p31', 2_147_483_648n],
    ['2p32-1', 4_294_967_295n],
    ['2p32', 4_294_967_296n],
    ['2p35', 34_359_738_368n],
    ['2p42', 1n << 42n],
    ['2p49-1', (1n << 49n) - 1n],
    ['2p49', 1n << 49n],
    ['2p53-1', MAX_SAFE],
  ];
  for (const [name, value] of values) {
    const bytes = hex(encodeVarint(value));
    const comment = `${value}: ${bytes.length / 2} bytes, seven bits each, least significant first`;
    const flags = value === MAX_SAFE ? ['Limit'] : [];
    enc.valid(name, { comment, in: { value: value.toString() }, out: { bytes }, spec: ['conventions.1'], flags });
    dec.valid(name, { comment, in: { bytes }, out: { value: value.toString() }, spec: ['conventions.2'], flags });
  }
  enc.invalid('2p53', {
    comment: 'a sender is asked for 2^53: a number above its limit',
    in: { value: (1n << 53n).toString() },
    error: ['E_LIMIT', 'E_USAGE'],
    spec: ['conventions.1', 'conventions.2'],
    from: '2p53-1',
    flags: ['Limit'],
  });
  const bad = (id: string, comment: string, bytes: Bytes, from: string, flags: string[]): void => {
    dec.invalid(id, {
      comment,
      in: { bytes: hex(bytes) },
      error: 'E_ENCODING',
      spec: flags.includes('NonMinimal') ? ['conventions.1', 'conventions.2'] : ['conventions.2'],
      from,
      flags,
    });
  };
  bad('overlong-0', 'zero in two bytes', unhex('8000'), '0', ['NonMinimal']);
  bad('overlong-1', 'one in two bytes', unhex('8100'), '1', ['NonMinimal']);
  bad('overlong-127', '127 in two bytes', stretchVarint(127n, 2), '127', ['NonMinimal']);
  bad('overlong-300', '300 in three bytes', stretchVarint(300n, 3), '300', ['NonMinimal']);
  bad('overlong-8-bytes', 'one in eight bytes', stretchVarint(1n, 8), '1', ['NonMinimal']);
  bad('too-large', '2^53: one above the limit', stretchVarint(1n << 53n, 8), '2p53-1', ['Limit']);
  bad('all-ones-8', '2^56 - 1 in eight bytes', unhex('ffffffffffffff7f'), '2p53-1', ['Limit']);
  bad('nine-bytes', 'nine bytes, minimal for 2^56', stretchVarint(1n << 56n, 9), '2p53-1', ['Limit']);
  bad('ten-bytes', '2^64 - 1 as protobuf writes it', stretchVarint((1n << 64n) - 1n, 10), '2p53-1', ['Limit']);
  bad('nine-continuations', 'eight bytes with bit 7 set, then one', unhex('808080808080808001'), '1', ['Limit']);
  bad('empty', 'no byte at all', zeros(0), '0', ['Truncated']);
  bad('ends-after-1', 'bit 7 of the last byte is set', unhex('80'), '128', ['Truncated']);
  bad('ends-after-7', 'seven bytes, bit 7 of the last is set', unhex('ffffffffffffff'), '2p53-1', ['Truncated']);
  bad('trailing', 'a byte after the varint', unhex('0500'), '1', ['Trailing']);
}

function preface(file: VectorFile): void {
  const g = file.group('preface', 'preface.decode', 'codec', 'frame');
  g.valid('v1', {
    comment: '54 44 43 01',
    in: { bytes: '54444301' },
    out: { version: 1 },
    spec: ['framing.1', 'framing.2', 'framing.3'],
  });
  const bad = (
    id: string,
    comment: string,
    bytes: string,
    error: string,
    spec: string[],
    flags: string[] = [],
  ): void => {
    g.invalid(id, { comment, in: { bytes }, error, spec, from: 'v1', flags, layer: 'frame' });
  };
  bad('first-byte', 'the first byte differs', '55444301', 'E_ENCODING', ['framing.1', 'framing.2']);
  bad('second-byte', 'the second byte differs', '54454301', 'E_ENCODING', ['framing.2']);
  bad('third-byte', 'the third byte differs: the magic of an envelope and no C', '54444201', 'E_ENCODING', [
    'framing.2',
  ]);
  bad('lower-case', 'tdc instead of TDC', '74646301', 'E_ENCODING', ['framing.2']);
  bad('http', 'somebody speaks HTTP: "GET "', '47455420', 'E_ENCODING', ['framing.2']);
  bad('tls', 'somebody speaks TLS', '16030100', 'E_ENCODING', ['framing.2']);
  bad('version-0', 'version 0', '54444300', 'E_VERSION', ['framing.3'], ['Downgrade']);
  bad('version-2', 'version 2', '54444302', 'E_VERSION', ['framing.3'], ['Downgrade']);
  bad('version-255', 'version 255', '544443ff', 'E_VERSION', ['framing.3'], ['Downgrade']);
  bad('version-ascii', 'the character 1 instead of the number', '54444331', 'E_VERSION', ['framing.3']);
}

interface Decoded {
  type: number;
  channel: number;
  body: Bytes;
}

const FIRST: Decoded = { type: 0x10, channel: 0, body: seeded('frame body', 5) };

function frames(file: VectorFile): void {
  const enc = file.group('frame-encode', 'frame.encode', 'codec', 'frame', false);
  const g = file.group('frame-decode', 'frame.decode', 'codec', 'frame');
  const body5 = seeded('frame body', 5);

  const plain: [string, number, number, Bytes, string][] = [
    ['empty-body', 0x3e, 0, zeros(0), 'a frame without a body'],
    ['envelope', 0x10, 0, body5, 'type envelope; the whole body is the envelope'],
    ['job', 0x13, 7, cat(u64(12), body5), 'type job; what follows the lease is the job, and framing passes both on'],
    ['leased', 0x15, 7, cat(u64(12), body5), 'type leased'],
    ['work', 0x36, 7, seeded('frame work', 20), 'type work'],
    ['settle', 0x37, 7, cat(u64(12), u8(1)), 'type settle'],
    ['channel', 0x30, 0x1234, body5, 'channel 0x1234, big-endian, is passed on'],
    ['channel-max', 0x30, 0xffff, zeros(1), 'channel 65,535'],
    ['body-300', 0x11, 1, seeded('frame body 300', 300), 'a length of two bytes'],
  ];
  for (const [id, type, channel, body, comment] of plain) {
    const spec = type === 0x10 || type === 0x13 ? ['framing.15'] : [];
    enc.valid(id, {
      comment,
      in: { type, channel, body: hex(body) },
      out: { bytes: hex(encodeFrame({ type, channel, body })) },
      spec: ['framing.4', 'framing.6', ...spec],
    });
  }
  // The caller's mistakes, by the end of chapter 14's rules.
  for (const type of [0x00, 0x04, 0x40, 0xff]) {
    enc.invalid(`type-${type.toString(16).padStart(2, '0')}`, {
      comment: 'a sender is asked for a type that is neither defined nor GREASE',
      in: { type, channel: 0, body: hex(body5) },
      error: 'E_USAGE',
      spec: ['framing.6'],
      from: 'envelope',
      flags: ['Reserved'],
    });
  }
  enc.valid('grease', {
    comment: 'a sender may write GREASE types',
    in: { type: 0x5a, channel: 0, body: hex(body5) },
    out: { bytes: hex(encodeFrame({ type: 0x5a, channel: 0, body: body5 })) },
    spec: ['framing.6'],
    flags: ['Grease'],
  });

  const out = (list: Decoded[]): Members => ({
    frames: list.map((f) => ({ type: f.type, channel: f.channel, body: hex(f.body) })),
  });
  const good = (
    id: string,
    comment: string,
    chunks: Bytes[],
    list: Decoded[],
    spec: string[],
    flags: string[] = [],
  ): string => g.valid(id, { comment, in: { chunks: chunks.map(hex) }, out: out(list), spec, flags });

  good('no-bytes', 'a stream that ends before any frame holds none', [], [], ['framing.12']);
  for (const [id, type, channel, body, comment] of plain) {
    const frame = { type, channel, body };
    const spec = type === 0x10 || type === 0x13 ? ['framing.9', 'framing.15'] : ['framing.9', 'framing.11'];
    good(id, comment, [encodeFrame(frame)], [frame], spec);
  }
  const every = FRAME_TYPES.map((type, i) => ({ type, channel: i, body: u8(type) }));
  good('every-defined-type', 'each type of the registry once, in one chunk', [cat(...every.map(encodeFrame))], every, [
    'framing.11',
  ]);

  // One short stream, cut everywhere.
  const three: Decoded[] = [
    FIRST,
    { type: 0x3e, channel: 2, body: zeros(0) },
    { type: 0x13, channel: 3, body: seeded('frame third', 3) },
  ];
  const stream = cat(...three.map(encodeFrame));
  good('whole', 'three frames in one chunk', [stream], three, ['framing.13']);
  good('byte-by-byte', 'the same in chunks of one byte', [...stream].map(u8), three, ['framing.13'], ['Chunking']);
  for (let at = 1; at < stream.length; at++) {
    const chunks = [stream.slice(0, at), stream.slice(at)];
    good(`split-${at}`, `the same, cut before byte ${at}`, chunks, three, ['framing.13'], ['Chunking']);
  }
  good(
    'empty-chunks',
    'the same between chunks of no bytes',
    [zeros(0), stream, zeros(0)],
    three,
    ['framing.13'],
    ['Chunking'],
  );
  const frameChunks = three.map(encodeFrame);
  good('frame-by-frame', 'the same, one chunk for each frame', frameChunks, three, ['framing.13'], ['Chunking']);

  // GREASE
  for (const type of GREASE_TYPES) {
    const name = type.toString(16).padStart(2, '0');
    const grease = encodeFrame({ type, channel: 7, body: body5 });
    good(
      `grease-${name}`,
      `a frame of GREASE type 0x${name} between two others is dropped`,
      [
        cat(
          encodeFrame({ type: 0x3e, channel: 0, body: zeros(0) }),
          grease,
          encodeFrame({ type: 0x3f, channel: 0, body: zeros(0) }),
        ),
      ],
      [
        { type: 0x3e, channel: 0, body: zeros(0) },
        { type: 0x3f, channel: 0, body: zeros(0) },
      ],
      ['framing.10'],
      ['Grease'],
    );
  }
  const greaseBytes = [...encodeFrame({ type: 0xfa, channel: 0, body: body5 }), ...encodeFrame(three[1] ?? FIRST)];
  good(
    'grease-byte-by-byte',
    'a GREASE frame in chunks of one byte',
    greaseBytes.map(u8),
    three.slice(1, 2),
    ['framing.10', 'framing.13'],
    ['Grease', 'Chunking'],
  );

  // Limits
  const cap = (id: string, comment: string, capBytes: number, chunks: Bytes[], list: Decoded[]): string =>
    g.valid(id, {
      comment,
      in: { chunks: chunks.map(hex), cap: capBytes },
      out: out(list),
      spec: ['framing.5', 'framing.7', ...(capBytes === 16_777_216 ? ['framing.8'] : [])],
      flags: ['Limit'],
    });
  const at5 = three.slice(0, 1);
  cap('cap-exact', 'a body of five bytes under a cap of five', 5, at5.map(encodeFrame), at5);
  cap('cap-0', 'a body of no bytes under a cap of none', 0, [encodeFrame(three[1] ?? FIRST)], three.slice(1, 2));

  cap('cap-hard', 'the highest cap that a receiver may have', 16_777_216, at5.map(encodeFrame), at5);

  const bad = (
    id: string,
    comment: string,
    chunks: Bytes[],
    error: string,
    spec: string[],
    more: { cap?: number; flags?: string[]; from?: string } = {},
  ): void => {
    const input: Members = { chunks: chunks.map(hex) };
    if (more.cap !== undefined) input['cap'] = more.cap;
    g.invalid(id, {
      comment,
      in: input,
      error,
      spec,
      from: more.from ?? 'envelope',
      flags: more.flags ?? [],
      layer: 'frame',
    });
  };
  const limit = { flags: ['Limit'] };
  bad('cap-plus-1', 'a length of six under a cap of five', [rawFrameHeader(0x10, 0, 0, 6)], 'E_LIMIT', ['framing.7'], {
    cap: 5,
    from: 'cap-exact',
    ...limit,
  });
  bad(
    'cap-0-plus-1',
    'a length of one under a cap of none',
    [rawFrameHeader(0x3e, 0, 0, 1)],
    'E_LIMIT',
    ['framing.7'],
    {
      cap: 0,
      from: 'cap-0',
      ...limit,
    },
  );
  bad(
    'default-cap-exact',
    'a length of 1,048,576 is allowed: the header passes, and then the stream ends',
    [rawFrameHeader(0x10, 0, 0, 1_048_576)],
    'E_LENGTH',
    ['framing.7', 'framing.12'],
    limit,
  );
  bad(
    'default-cap-plus-1',
    'a length of 1,048,577: refused by the header alone',
    [rawFrameHeader(0x10, 0, 0, 1_048_577)],
    'E_LIMIT',
    ['framing.5', 'framing.7'],
    limit,
  );
  bad(
    'hard-cap-exact',
    'a length of 16,777,216 under the highest cap: the header passes',
    [rawFrameHeader(0x10, 0, 0, 16_777_216)],
    'E_LENGTH',
    ['framing.8', 'framing.12'],
    { cap: 16_777_216, ...limit },
  );
  bad(
    'hard-cap-plus-1',
    'a length of 16,777,217 under the highest cap',
    [rawFrameHeader(0x10, 0, 0, 16_777_217)],
    'E_LIMIT',
    ['framing.7', 'framing.8'],
    { cap: 16_777_216, ...limit },
  );
  bad(
    'length-2p31',
    'a length of 2^31: negative where integers are signed',
    [rawFrameHeader(0x10, 0, 0, 2 ** 31)],
    'E_LIMIT',
    ['framing.7'],
    limit,
  );
  bad(
    'length-max',
    'a length of 2^32 - 1 (D01)',
    [rawFrameHeader(0x10, 0, 0, 2 ** 32 - 1)],
    'E_LIMIT',
    ['framing.7'],
    limit,
  );
  bad(
    'length-max-byte-by-byte',
    'the same in chunks of one byte',
    [...rawFrameHeader(0x10, 0, 0, 2 ** 32 - 1)].map(u8),
    'E_LIMIT',
    ['framing.7', 'framing.13'],
    { flags: ['Limit', 'Chunking'], from: 'byte-by-byte' },
  );
  bad(
    'second-frame-too-long',
    'a good frame, then one above the cap',
    [cat(encodeFrame(FIRST), rawFrameHeader(0x10, 0, 0, 2 ** 32 - 1))],
    'E_LIMIT',
    ['framing.7'],
    limit,
  );

  for (let bit = 0; bit < 8; bit++) {
    const bytes = cat(rawFrameHeader(0x10, 1 << bit, 0, 5), body5);
    bad(`flags-bit-${bit}`, `flags with bit ${bit} set`, [bytes], 'E_ENCODING', ['framing.9', 'framing.4'], {
      flags: ['Reserved'],
    });
  }
  for (const type of [0x00, 0x04, 0x0b, 0x0f, 0x16, 0x23, 0x38, 0x3d, 0x40, 0x80, 0xff]) {
    const name = type.toString(16).padStart(2, '0');
    const bytes = encodeFrame({ type, channel: 0, body: body5 });
    bad(
      `type-${name}`,
      `type 0x${name} is neither defined nor GREASE`,
      [bytes],
      'E_ENCODING',
      ['framing.11', 'framing.6'],
      { flags: ['Reserved'] },
    );
  }
  bad(
    'type-after-grease',
    'an undefined type after a GREASE frame',
    [cat(encodeFrame({ type: 0x0a, channel: 0, body: body5 }), encodeFrame({ type: 0x40, channel: 0, body: body5 }))],
    'E_ENCODING',
    ['framing.10', 'framing.11'],
    { from: 'grease-0a', flags: ['Grease'] },
  );

  // The order: length, flags, type; all on the header alone.
  const order = { flags: ['Order'] };
  bad(
    'order-length-flags',
    'too long, and flags set',
    [rawFrameHeader(0x10, 1, 0, 2 ** 32 - 1)],
    'E_LIMIT',
    ['framing.7', 'framing.9'],
    order,
  );
  bad(
    'order-length-type',
    'too long, and of an undefined type',
    [rawFrameHeader(0x40, 0, 0, 2 ** 32 - 1)],
    'E_LIMIT',
    ['framing.7', 'framing.11'],
    order,
  );
  bad(
    'order-length-grease',
    'a GREASE frame that is too long is refused, not dropped',
    [rawFrameHeader(0x0a, 0, 0, 1_048_577)],
    'E_LIMIT',
    ['framing.7', 'framing.10'],
    { flags: ['Order', 'Grease'], from: 'grease-0a' },
  );
  bad(
    'order-flags-grease',
    'a GREASE frame with flags set is refused, not dropped',
    [cat(rawFrameHeader(0x0a, 1, 0, 5), body5)],
    'E_ENCODING',
    ['framing.9', 'framing.10'],
    { flags: ['Order', 'Grease'], from: 'grease-0a' },
  );
  bad(
    'order-flags-before-body',
    'flags set, and the stream ends after the header',
    [rawFrameHeader(0x10, 1, 0, 5)],
    'E_ENCODING',
    ['framing.9'],
    order,
  );
  bad(
    'order-type-before-body',
    'an undefined type, and the stream ends after the header',
    [rawFrameHeader(0x40, 0, 0, 5)],
    'E_ENCODING',
    ['framing.11'],
    order,
  );

  // Truncation
  const short = encodeFrame(FIRST);
  for (let length = 1; length < short.length; length++) {
    bad(
      `truncated-${length}`,
      `the stream ends after ${length} of ${short.length} bytes`,
      [short.slice(0, length)],
      'E_LENGTH',
      ['framing.12'],
      {
        flags: ['Truncated'],
      },
    );
  }
  bad(
    'truncated-third',
    'two whole frames, and the third ends early',
    [stream.slice(0, stream.length - 1)],
    'E_LENGTH',
    ['framing.12'],
    {
      flags: ['Truncated'],
      from: 'whole',
    },
  );
  bad(
    'truncated-grease',
    'the stream ends inside a GREASE frame',
    [encodeFrame({ type: 0x1a, channel: 0, body: body5 }).slice(0, 10)],
    'E_LENGTH',
    ['framing.10', 'framing.12'],
    { flags: ['Truncated', 'Grease'], from: 'grease-1a' },
  );
  bad(
    'truncated-byte-by-byte',
    'the stream ends one byte early, in chunks of one byte',
    Array.from(short.slice(0, -1), u8),
    'E_LENGTH',
    ['framing.12', 'framing.13'],
    { flags: ['Truncated', 'Chunking'], from: 'byte-by-byte' },
  );

  // After a refusal
  const good5 = encodeFrame(FIRST);
  bad(
    'first-refusal-wins',
    'a refused chunk, then a good one: the answer is the first refusal',
    [rawFrameHeader(0x10, 1, 0, 0), good5],
    'E_ENCODING',
    ['framing.14'],
  );
  const closed = file.group('frame-closed', 'frame.closed', 'codec', 'frame', false);
  const after = (id: string, comment: string, chunks: Bytes[]): void => {
    closed.invalid(id, {
      comment,
      in: { chunks: chunks.map(hex) },
      error: 'E_CLOSED',
      spec: ['framing.14'],
      from: 'framing/frame-decode/whole',
    });
  };
  after('after-flags', 'a good frame after one with flags', [rawFrameHeader(0x10, 1, 0, 0), good5]);
  after('after-type', 'a good frame after one of an undefined type', [rawFrameHeader(0x40, 0, 0, 0), good5]);
  after('after-limit', 'a good frame after one above the cap', [rawFrameHeader(0x10, 0, 0, 2 ** 32 - 1), good5]);
  after('after-grease', 'even a GREASE frame', [
    rawFrameHeader(0x10, 1, 0, 0),
    encodeFrame({ type: 0x0a, channel: 0, body: body5 }),
  ]);
  after('after-good-and-bad', 'the refused frame stands behind a good one in the same chunk', [
    cat(good5, rawFrameHeader(0x40, 0, 0, 0)),
    good5,
  ]);
}

export function framing(): VectorFile {
  const file = new VectorFile('framing');
  varints(file);
  preface(file);
  frames(file);
  return file;
}
