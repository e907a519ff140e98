import { describe, expect, it } from 'vitest';
import { concat, writeU64 } from '../../src/bytes/bytes.ts';
import { frameTypes, type FrameType } from '../../src/codepoints/frame-types.gen.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { encodeBody } from '../../src/keys/body.ts';
import { decodeMessage, encodeMessage, type LinkMessage } from '../../src/link/messages.ts';
import {
  decodeAuth,
  decodeHello,
  encodeAuth,
  encodeHello,
  type Auth,
  type Hello,
} from '../../src/link/opening-bodies.ts';
import type { LinkSide } from '../../src/link/forms.ts';
import { codeOf, filled } from '../keys/support.ts';

const most = limits.frameHardCapBytes;
const { safeInteger } = limits;
const match16 = filled(16, 7);
const address16 = filled(16, 8);
const some = Uint8Array.of(1, 2, 3);
const i = 'initiator';
const r = 'responder';

const u64 = (...values: readonly number[]): Uint8Array => {
  const out = new Uint8Array(values.length * 8);
  for (const [at, value] of values.entries()) writeU64(out, at * 8, value);
  return out;
};
const tooLarge = Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0);
const sub = (kind = 1, level = 0, from = u64(0)) => concat(Uint8Array.of(kind, level), match16, from);

/** One of each, with the frame that it is. */
const samples: readonly (readonly [LinkSide, LinkMessage, FrameType, number, Uint8Array])[] = [
  [i, { type: 'envelope', durability: 2, envelope: some }, frameTypes.envelope, 2, some],
  [r, { type: 'envelope', durability: 0, envelope: some }, frameTypes.envelope, 0, some],
  [
    r,
    { type: 'stored', sub: 0xffff, position: safeInteger, envelope: some },
    frameTypes.stored,
    0xffff,
    concat(u64(safeInteger), some),
  ],
  [r, { type: 'object', address16, object: some }, frameTypes.object, 0, concat(address16, some)],
  [i, { type: 'bundle', bundle: some }, frameTypes.bundle, 0, some],
  [i, { type: 'watch', keeps: false, addresses: [address16] }, frameTypes.watch, 0, address16],
  [i, { type: 'watch', keeps: true, addresses: [address16, match16] }, frameTypes.watch, 1, concat(address16, match16)],
  [i, { type: 'sub', sub: 1, match: { matchKind: 1, level: 0, match16 }, from: 0 }, frameTypes.sub, 1, sub()],
  [
    i,
    { type: 'sub', sub: 9, match: { matchKind: 2, level: 7, match16 }, from: safeInteger },
    frameTypes.sub,
    9,
    sub(2, 7, u64(safeInteger)),
  ],
  [i, { type: 'unsub', sub: 9 }, frameTypes.unsub, 9, new Uint8Array(0)],
  [i, { type: 'credit', bytes: 300 }, frameTypes.credit, 0, u64(300)],
  [r, { type: 'ack', number: 301 }, frameTypes.ack, 0, u64(301)],
  [i, { type: 'ping', answers: false, token: 4, timeMs: 5 }, frameTypes.ping, 0, u64(4, 5)],
  [r, { type: 'ping', answers: true, token: 4, timeMs: 5 }, frameTypes.ping, 1, u64(4, 5)],
  [
    r,
    { type: 'reject', about: 'sub', number: 7, code: 'E_LIMIT', retryMs: 0 },
    frameTypes.reject,
    0,
    encodeBody('Reject', { about: 2, number: 7, code: 'E_LIMIT' }),
  ],
  [
    r,
    { type: 'reject', about: 'watch', number: 1, code: 'E_REFUSED', retryMs: 2000 },
    frameTypes.reject,
    0,
    encodeBody('Reject', { about: 3, number: 1, code: 'E_REFUSED', retry_ms: 2000 }),
  ],
  [i, { type: 'close', code: undefined, retryMs: 0 }, frameTypes.close, 0, new Uint8Array(0)],
  [
    r,
    { type: 'close', code: 'E_LIMIT', retryMs: 5 },
    frameTypes.close,
    0,
    encodeBody('Close', { code: 'E_LIMIT', retry_ms: 5 }),
  ],
];

describe.each(samples)('of the %s: %o', (from, message, type, channel, body) => {
  const bytes = concat(...encodeMessage(from, message, most));

  it('messages.1 is written as chapter 04 says', () => {
    expect([bytes[0], bytes[1], (bytes[2]! << 8) | bytes[3]!]).toEqual([type, 0, channel]);
    expect(new DataView(bytes.buffer).getUint32(4)).toBe(body.length);
    expect(bytes.subarray(8)).toEqual(body);
  });

  it('messages.2 comes back as it was', () => {
    expect(decodeMessage(from, type, channel, bytes.subarray(8))).toEqual(message);
  });

  it('messages.10 keeps to the cap of the peer', () => {
    expect(codeOf(() => encodeMessage(from, message, body.length))).toBe('ok');
    if (body.length > 0) expect(codeOf(() => encodeMessage(from, message, body.length - 1))).toBe('E_LIMIT');
  });
});

it('messages.7 is sent by one side or both, as the table says', () => {
  const both = new Set<FrameType>([frameTypes.envelope, frameTypes.ping, frameTypes.close]);
  for (const [from, message, type, channel, body] of samples) {
    if (both.has(type)) continue;
    const other = from === i ? r : i;
    expect([type, codeOf(() => decodeMessage(other, type, channel, body))]).toEqual([type, 'E_ENCODING']);
    expect([type, codeOf(() => encodeMessage(other, message, most))]).toEqual([type, 'E_USAGE']);
  }
});

it.each([frameTypes.hello, frameTypes.auth, frameTypes.pair, frameTypes.blob, frameTypes.job, frameTypes.proof])(
  'messages.7 type %i is none of an open link',
  (type) => {
    for (const from of [i, r] as const) expect(codeOf(() => decodeMessage(from, type, 0, some))).toBe('E_ENCODING');
  },
);

it('messages.8 hands out views, and looks at nothing inside', () => {
  const chunk = new Uint8Array(100).fill(0x3f);
  const seen = [
    decodeMessage(i, frameTypes.envelope, 1, chunk),
    decodeMessage(i, frameTypes.bundle, 0, chunk),
    decodeMessage(r, frameTypes.stored, 1, concat(u64(1), chunk)),
  ];
  expect(seen.map(({ type }) => type)).toEqual(['envelope', 'bundle', 'stored']);
  for (const message of seen.slice(0, 2)) {
    const bytes = message.type === 'envelope' ? message.envelope : message.type === 'bundle' && message.bundle;
    expect(bytes && bytes.buffer).toBe(chunk.buffer);
  }
});

it('sends what it is given, without a copy', () => {
  const envelope = new Uint8Array(1000);
  const [head, rest, ...others] = encodeMessage(i, { type: 'envelope', durability: 0, envelope }, most);
  expect(head).toHaveLength(8);
  expect(rest).toBe(envelope);
  expect(others).toEqual([]);
});

const reject = (fields: { about?: number; number?: number; code?: string; retry_ms?: number }) =>
  encodeBody('Reject', { about: 1, number: 1, code: 'E_LIMIT', ...fields });

it.each<[string, LinkSide, FrameType, number, Uint8Array, string]>([
  // Channels (messages.4).
  ['envelope of an initiator', i, frameTypes.envelope, 4, some, 'E_ENCODING'],
  ['envelope of a responder', r, frameTypes.envelope, 1, some, 'E_ENCODING'],
  ['stored', r, frameTypes.stored, 0, concat(u64(1), some), 'E_ENCODING'],
  ['object', r, frameTypes.object, 1, concat(address16, some), 'E_ENCODING'],
  ['bundle', i, frameTypes.bundle, 1, some, 'E_ENCODING'],
  ['watch', i, frameTypes.watch, 2, address16, 'E_ENCODING'],
  ['sub', i, frameTypes.sub, 0, sub(), 'E_ENCODING'],
  ['unsub', i, frameTypes.unsub, 0, new Uint8Array(0), 'E_ENCODING'],
  ['credit', i, frameTypes.credit, 1, u64(1), 'E_ENCODING'],
  ['ack', r, frameTypes.ack, 256, u64(1), 'E_ENCODING'],
  ['ping', i, frameTypes.ping, 2, u64(1, 1), 'E_ENCODING'],
  ['close', i, frameTypes.close, 1, new Uint8Array(0), 'E_ENCODING'],
  ['reject', r, frameTypes.reject, 1, reject({}), 'E_ENCODING'],
  // Lengths (messages.3).
  ['stored without an envelope', r, frameTypes.stored, 1, u64(1), 'E_LENGTH'],
  ['stored that is cut', r, frameTypes.stored, 1, u64(1).subarray(1), 'E_LENGTH'],
  ['object without bytes', r, frameTypes.object, 0, address16, 'E_LENGTH'],
  ['watch of nothing', i, frameTypes.watch, 0, new Uint8Array(0), 'E_LENGTH'],
  ['watch of an odd length', i, frameTypes.watch, 0, filled(17, 1), 'E_LENGTH'],
  ['sub that is short', i, frameTypes.sub, 1, sub().subarray(1), 'E_LENGTH'],
  ['sub that is long', i, frameTypes.sub, 1, concat(sub(), some), 'E_LENGTH'],
  ['unsub with a byte', i, frameTypes.unsub, 1, filled(1, 0), 'E_LENGTH'],
  ['credit that is short', i, frameTypes.credit, 0, u64(1).subarray(1), 'E_LENGTH'],
  ['ack that is long', r, frameTypes.ack, 0, concat(u64(1), some), 'E_LENGTH'],
  ['ping that is short', i, frameTypes.ping, 0, u64(1), 'E_LENGTH'],
  // Fields (messages.4, messages.5).
  ['match kind 0', i, frameTypes.sub, 1, sub(0), 'E_ENCODING'],
  ['match kind 3', i, frameTypes.sub, 1, sub(3), 'E_ENCODING'],
  ['exact with a level', i, frameTypes.sub, 1, sub(1, 1), 'E_ENCODING'],
  ['level 8', i, frameTypes.sub, 1, sub(2, 8), 'E_ENCODING'],
  ['from above 2^53-1', i, frameTypes.sub, 1, sub(1, 0, tooLarge), 'E_LIMIT'],
  ['position above 2^53-1', r, frameTypes.stored, 1, concat(tooLarge, some), 'E_LIMIT'],
  ['credit above 2^53-1', i, frameTypes.credit, 0, tooLarge, 'E_LIMIT'],
  ['ack above 2^53-1', r, frameTypes.ack, 0, tooLarge, 'E_LIMIT'],
  ['token above 2^53-1', i, frameTypes.ping, 0, concat(tooLarge, u64(1)), 'E_LIMIT'],
  ['time above 2^53-1', i, frameTypes.ping, 0, concat(u64(1), tooLarge), 'E_LIMIT'],
  // Bodies (messages.2).
  ['reject of nothing', r, frameTypes.reject, 0, new Uint8Array(0), 'E_ENCODING'],
  ['reject about 4', r, frameTypes.reject, 0, Uint8Array.of(8, 4, 16, 1, 26, 1, 0x45), 'E_ENCODING'],
  ['close with a default', r, frameTypes.close, 0, Uint8Array.of(16, 0), 'E_ENCODING'],
  ['close with a long code', r, frameTypes.close, 0, concat(Uint8Array.of(10, 33), filled(33, 0x45)), 'E_LIMIT'],
  // The first failure wins.
  ['channel before length', i, frameTypes.sub, 0, some, 'E_ENCODING'],
  ['length before fields', i, frameTypes.sub, 1, concat(sub(3), some), 'E_LENGTH'],
  ['kind before from', i, frameTypes.sub, 1, sub(3, 0, tooLarge), 'E_ENCODING'],
  ['a million tags in a sub', i, frameTypes.sub, 1, filled(16_000_000, 0), 'E_LIMIT'],
  ['size before channel', i, frameTypes.credit, 1, filled(4097, 0), 'E_LIMIT'],
  ['size before side', r, frameTypes.credit, 0, filled(4097, 0), 'E_LIMIT'],
])('messages.3 messages.4 messages.5 refuses %s', (_name, from, type, channel, body, code) => {
  expect(codeOf(() => decodeMessage(from, type, channel, body))).toBe(code);
});

it.each([
  ['E_LIMIT', 'E_LIMIT'],
  ['E_REFUSED', 'E_REFUSED'],
  ['E_SOMETHING', 'E_REFUSED'],
  // One that is never sent as itself.
  ['E_AEAD', 'E_REFUSED'],
  ['', 'E_REFUSED'],
  ['toString', 'E_REFUSED'],
])('messages.6 takes a code %s as %s', (code, taken) => {
  if (code !== '') {
    expect(decodeMessage(r, frameTypes.reject, 0, reject({ code }))).toMatchObject({ code: taken });
    expect(decodeMessage(r, frameTypes.close, 0, encodeBody('Close', { code }))).toMatchObject({ code: taken });
  } else expect(decodeMessage(r, frameTypes.close, 0, new Uint8Array(0))).toMatchObject({ code: undefined });
});

it.each([
  ['E_POLICY', 'E_REFUSED'],
  ['E_LIMIT', 'E_LIMIT'],
] as const)('errors.3 sends %s as %s', (code, sent) => {
  const [head] = encodeMessage(r, { type: 'reject', about: 'numbered', number: 1, code, retryMs: 0 }, most);
  expect(decodeMessage(r, frameTypes.reject, 0, head!.subarray(8))).toMatchObject({ code: sent });
});

const match = { matchKind: 1, level: 0, match16 };
it.each<[string, LinkSide, LinkMessage, string]>([
  ['durability 4', i, { type: 'envelope', durability: 4, envelope: some }, 'E_USAGE'],
  ['durability 1.5', i, { type: 'envelope', durability: 1.5, envelope: some }, 'E_USAGE'],
  ['durability of a responder', r, { type: 'envelope', durability: 1, envelope: some }, 'E_USAGE'],
  ['a large envelope', i, { type: 'envelope', durability: 0, envelope: filled(1_048_577, 0) }, 'E_LIMIT'],
  ['sub 0', i, { type: 'sub', sub: 0, match, from: 0 }, 'E_USAGE'],
  ['sub 65536', i, { type: 'sub', sub: 0x10000, match, from: 0 }, 'E_LIMIT'],
  ['match kind 0', i, { type: 'sub', sub: 1, match: { ...match, matchKind: 0 }, from: 0 }, 'E_USAGE'],
  ['level 8', i, { type: 'sub', sub: 1, match: { ...match, matchKind: 2, level: 8 }, from: 0 }, 'E_LIMIT'],
  ['a short match', i, { type: 'sub', sub: 1, match: { ...match, match16: some }, from: 0 }, 'E_USAGE'],
  ['from above', i, { type: 'sub', sub: 1, match, from: 2 ** 53 }, 'E_LIMIT'],
  ['from below', i, { type: 'sub', sub: 1, match, from: -1 }, 'E_USAGE'],
  ['no address', i, { type: 'watch', keeps: true, addresses: [] }, 'E_USAGE'],
  ['a short address', i, { type: 'watch', keeps: true, addresses: [some] }, 'E_USAGE'],
  ['257 addresses', i, { type: 'watch', keeps: true, addresses: Array(257).fill(address16) }, 'E_LIMIT'],
  ['stored nothing', r, { type: 'stored', sub: 1, position: 1, envelope: new Uint8Array(0) }, 'E_USAGE'],
  ['an object of nothing', r, { type: 'object', address16, object: new Uint8Array(0) }, 'E_USAGE'],
  ['a credit that is no number', i, { type: 'credit', bytes: NaN }, 'E_USAGE'],
  ['an ack of half', r, { type: 'ack', number: 0.5 }, 'E_USAGE'],
  ['a reject of number 0', r, { type: 'reject', about: 'sub', number: 0, code: 'E_LIMIT', retryMs: 0 }, 'E_USAGE'],
  ['a late retry', r, { type: 'close', code: undefined, retryMs: 2 ** 32 }, 'E_LIMIT'],
  ['a code for nobody', r, { type: 'close', code: 'E_INTERNAL', retryMs: 0 }, 'E_USAGE'],
  ['an unknown code', r, { type: 'close', code: 'E_SOMETHING' as 'E_LIMIT', retryMs: 0 }, 'E_USAGE'],
])('does not write %s', (_name, from, message, code) => {
  expect(codeOf(() => encodeMessage(from, message, most))).toBe(code);
});

describe('hello and auth', () => {
  const hello: Hello = {
    versions: [1, 7],
    mode: 2,
    suites: [1, 2],
    nonce32: filled(32, 1),
    authorityId32: filled(32, 2),
    authoritySerial: 3,
    frameCapBytes: limits.storedBytes,
    creditBytes: 4,
  };
  const auth: Auth = { principalRecord: some, signature64: filled(64, 5), authorityRecords: [some, filled(300, 1)] };

  it.each([hello, { ...hello, suites: [], authoritySerial: 0, creditBytes: 0 }])(
    'come back as they were: %o',
    (one) => {
      expect(decodeHello(i, 0, encodeHello(one))).toEqual(one);
    },
  );

  it('auth comes back as it was', () => {
    expect(decodeAuth(r, 0, encodeAuth(auth))).toEqual(auth);
    expect(decodeAuth(r, 0, encodeAuth({ ...auth, authorityRecords: [] }))).toEqual({ ...auth, authorityRecords: [] });
  });

  it.each<[string, Partial<Hello>, string]>([
    ['versions out of order', { versions: [2, 1] }, 'E_USAGE'],
    ['no version', { versions: [] }, 'E_USAGE'],
    ['nine versions', { versions: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, 'E_LIMIT'],
    ['a suite twice', { suites: [1, 1] }, 'E_USAGE'],
    ['mode 3', { mode: 3 }, 'E_USAGE'],
    ['a small cap', { frameCapBytes: limits.storedBytes - 1 }, 'E_USAGE'],
    ['a large cap', { frameCapBytes: limits.frameHardCapBytes + 1 }, 'E_LIMIT'],
    ['a short nonce', { nonce32: some }, 'E_USAGE'],
  ])('messages.11 a hello is not written with %s', (_name, change, code) => {
    expect(codeOf(() => encodeHello({ ...hello, ...change }))).toBe(code);
  });

  it.each<[string, object, number, string]>([
    ['versions out of order', { versions: [2, 1] }, 0, 'E_ENCODING'],
    ['a version twice', { versions: [1, 1] }, 0, 'E_ENCODING'],
    ['suites out of order', { suites: [2, 1] }, 0, 'E_ENCODING'],
    ['channel 1', {}, 1, 'E_ENCODING'],
  ])('messages.4 a hello is refused with %s', (_name, change, channel, code) => {
    const fields = { versions: [1], mode: 1, nonce32: filled(32, 1), authority_id32: filled(32, 2), frame_cap: 9 };
    const body = encodeBody('Hello', { ...fields, ...change });
    expect(codeOf(() => decodeHello(i, channel, body))).toBe(code);
    expect(codeOf(() => decodeHello(i, 0, encodeBody('Hello', fields)))).toBe('ok');
  });

  it('messages.9 an auth has at most 49,152 bytes and 256 authority records', () => {
    const largest = { ...auth, authorityRecords: [filled(49_152 - 71 - 4, 1)] };
    expect(encodeAuth(largest)).toHaveLength(49_152);
    const larger = { ...auth, authorityRecords: [filled(49_152 - 71 - 3, 1)] };
    expect(codeOf(() => encodeAuth(larger))).toBe('E_LIMIT');
    expect(codeOf(() => encodeAuth({ ...auth, authorityRecords: Array(257).fill(some) }))).toBe('E_LIMIT');
    const many = concat(encodeAuth({ ...auth, authorityRecords: Array(256).fill(some) }), Uint8Array.of(26, 1, 1));
    expect(codeOf(() => decodeAuth(i, 0, many))).toBe('E_LIMIT');
    expect(codeOf(() => decodeAuth(i, 0, filled(49_153, 0)))).toBe('E_LIMIT');
  });
});
