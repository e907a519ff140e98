import { resolve } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { messages } from '../../src/codepoints/messages.gen.ts';
import { decodeBody, encodeBody, type Body, type MessageName } from '../../src/keys/body.ts';
import { utf8Length } from '../../src/topics/utf8.ts';
import { useSeed } from '../property/support.ts';
import { codeOf, filled, times } from './support.ts';

useSeed();

const names = Object.keys(messages) as MessageName[];

interface Form {
  readonly number: number;
  readonly name: string;
  readonly type: 'uint32' | 'uint64' | 'bool' | 'bytes' | 'string' | 'message';
  readonly message?: MessageName;
  readonly required?: true;
  readonly repeated?: true;
  readonly maxCount?: number;
  readonly maxBytes?: number;
  readonly bytes?: number;
  readonly values?: readonly number[];
  readonly mask?: number;
}

/** What one value of a field may be; singular ones are never the default, which is written as nothing. */
function valueOf(field: Form): fc.Arbitrary<unknown> {
  const least = field.repeated === true ? 0 : 1;
  switch (field.type) {
    case 'message':
      return fieldsOf(field.message!);
    case 'bytes':
      // The upper bound only; a frame's worth of bytes would slow every run down.
      return fc.uint8Array({
        minLength: field.bytes ?? least,
        maxLength: field.bytes ?? Math.min(field.maxBytes!, 300),
      });
    case 'string':
      return fc
        .string({ unit: 'binary', minLength: least, maxLength: Math.floor(field.maxBytes! / 4) })
        .filter((text) => utf8Length(text) >= 0);
    case 'bool':
      return fc.constant(true);
    case 'uint32':
      if (field.values !== undefined) return fc.constantFrom(...field.values);
      return field.mask === undefined
        ? fc.integer({ min: least, max: 2 ** 32 - 1 })
        : fc.integer({ min: 1, max: field.mask });
    case 'uint64':
      break;
  }
  return fc.maxSafeNat().map((value) => Math.max(value, least));
}

function fieldsOf(message: MessageName): fc.Arbitrary<object> {
  const forms: readonly Form[] = messages[message];
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of forms) {
    const one = valueOf(field);
    const maxLength = Math.min(field.maxCount ?? 0, 20);
    model[field.name] = field.repeated === true ? fc.array(one, { minLength: 1, maxLength }) : one;
  }
  return fc.record(model, { requiredKeys: forms.filter(({ required }) => required).map(({ name }) => name) });
}

const anyBody = fc
  .constantFrom(...names)
  .chain((name) => fc.record({ name: fc.constant(name), fields: fieldsOf(name) }));

/** The type of a message for protobufjs, from the file that other people generate their code from. */
const root = protobuf.loadSync(resolve(import.meta.dirname, '../../../../spec/v1/proto/tridcomm.proto'));
root.resolveAll();
const typeOf = (name: MessageName): protobuf.Type => root.lookupType(`tridcomm.v1.${name}`);

/** Field names as this repository writes them, which protobufjs otherwise turns into its own. */
const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function renamed(value: unknown): unknown {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(renamed);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [camel(name), renamed(one)]));
}

/** Without buffers of Node, so that values compare. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

const encode = (name: MessageName, fields: object): Uint8Array => encodeBody(name, fields as Body<MessageName>);

describe('bodies', () => {
  it('principals.1 come back as they were', () => {
    fc.assert(
      fc.property(anyBody, ({ name, fields }) => {
        const bytes = encode(name, fields);
        const back = decodeBody(name, bytes);
        expect(plain(back)).toEqual(plain(fields));
        expect(encodeBody(name, back)).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('are what protobufjs writes and reads', () => {
    fc.assert(
      fc.property(anyBody, ({ name, fields }) => {
        const type = typeOf(name);
        const ours = encode(name, fields);
        const theirs = type.encode(type.fromObject(renamed(fields) as Record<string, unknown>)).finish();
        expect([...theirs]).toEqual([...ours]);
        const read = type.toObject(type.decode(ours), { longs: Number });
        expect(plain(read)).toEqual(plain(renamed(fields)));
        expect(plain(decodeBody(name, theirs))).toEqual(plain(fields));
      }),
      { numRuns: 300 },
    );
  });

  it('are refused with a code wherever they are cut', () => {
    fc.assert(
      fc.property(anyBody, ({ name, fields }) => {
        const bytes = encode(name, fields);
        for (let end = 0; end < Math.min(bytes.length, 400); end++) {
          const code = codeOf(() => decodeBody(name, bytes.subarray(0, end)));
          expect(['ok', 'E_ENCODING']).toContain(code);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('have one form: what still passes with a bit flipped is another body', () => {
    fc.assert(
      fc.property(anyBody, fc.nat(), ({ name, fields }, at) => {
        const bytes = encode(name, fields);
        // A message without required fields may have no byte to flip.
        fc.pre(bytes.length > 0);
        const flipped = bytes.slice();
        const bit = at % (8 * bytes.length);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const code = codeOf(() => {
          const back = decodeBody(name, flipped);
          expect(plain(back)).not.toEqual(plain(fields));
          if (!hasIgnoredField(flipped, name, back)) expect(encodeBody(name, back)).toEqual(flipped);
        });
        expect(['ok', 'E_ENCODING', 'E_LIMIT']).toContain(code);
      }),
      { numRuns: 2000 },
    );
  });

  it('take any bytes without harm', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 200 }), (name, bytes) => {
        expect(['ok', 'E_ENCODING', 'E_LIMIT']).toContain(codeOf(() => decodeBody(name, bytes)));
      }),
      { numRuns: 3000 },
    );
  });
});

/** A flipped tag may have made a field one that is ignored, and then the body is not written again with it. */
function hasIgnoredField(bytes: Uint8Array, name: MessageName, back: object): boolean {
  return encode(name, back).length !== bytes.length;
}

const tag = (number: number, wireType: number): number[] => varint(number * 8 + wireType);

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  return [...out, rest];
}

const bytes32 = [32, ...filled(32, 9)];
const key = [8, 1, 18, ...bytes32];
const read = (name: MessageName, ...parts: (number | readonly number[])[]): string =>
  codeOf(() => decodeBody(name, Uint8Array.from(parts.flat())));

describe('the form of a body', () => {
  const policy = [8, 3, 18, ...bytes32];

  it('principals.2 has tags that ascend, of two wire types', () => {
    expect(read('Policy', policy)).toBe('ok');
    for (const wireType of [1, 3, 4, 5, 6, 7])
      expect(read('Policy', policy, tag(1024, wireType), 0)).toBe('E_ENCODING');
    expect(read('Policy', [18, ...bytes32], [8, 3])).toBe('E_ENCODING');
    expect(read('Policy', policy, tag(0, 0), 1)).toBe('E_ENCODING');
    expect(read('Policy', policy, tag(536_870_911, 0), 1)).toBe('ok');
    expect(read('Policy', policy, tag(536_870_912, 0), 1)).toBe('E_ENCODING');
    expect(read('Policy', policy, tag(1024, 2), 1)).toBe('E_ENCODING');
    expect(read('Policy', [8, 0x83, 0], [18, ...bytes32])).toBe('E_ENCODING');
    expect(read('Policy', [8, ...varint(2 ** 53 - 1)], [18, ...bytes32])).toBe('ok');
    expect(read('Policy', [8, ...varint(2 ** 53)], [18, ...bytes32])).toBe('E_ENCODING');
  });

  it('principals.3 has what it must, once', () => {
    expect(read('Policy')).toBe('E_ENCODING');
    expect(read('Policy', [8, 3])).toBe('E_ENCODING');
    expect(read('Policy', [8, 3], [8, 3], [18, ...bytes32])).toBe('E_ENCODING');
    expect(read('Policy', [10, 1, 3], [18, ...bytes32])).toBe('E_ENCODING');
    expect(read('Policy', policy, tag(1023, 0), 1)).toBe('E_ENCODING');
    expect(read('Policy', policy, tag(4, 0), 1)).toBe('E_ENCODING');
    expect(read('Delegation', [10, 0], [16, 1], [24, 1], [32, 1])).toBe('E_ENCODING');
    expect(read('Delegation', [10, key.length, ...key], [16, 1], [24, 1], [32, 1])).toBe('ok');
  });

  it('principals.4 has no defaults, and nothing that is not defined', () => {
    expect(read('Policy', [8, 0], [18, ...bytes32])).toBe('E_ENCODING');
    expect(read('Policy', [8, 3], [18, 0])).toBe('E_ENCODING');
    expect(read('Key', [8, 2], [18, ...bytes32])).toBe('E_ENCODING');
    expect(read('Key', [8, 32], [18, ...bytes32])).toBe('ok');
    expect(read('Delegation', [10, key.length, ...key], [16, 8], [24, 1], [32, 1])).toBe('E_ENCODING');
    expect(read('RouteSecret', [8, ...varint(2 ** 32 - 1)], [18, ...bytes32])).toBe('ok');
    expect(read('RouteSecret', [8, ...varint(2 ** 32)], [18, ...bytes32])).toBe('E_ENCODING');
    const group = (stale: number): string =>
      read(
        'GroupRecord',
        [10, 16, ...filled(16, 1)],
        [16, 1],
        [24, 1],
        [32, 1],
        [40, 1],
        [50, key.length, ...key],
        [56, 1],
        [64, 1],
        [80, 1],
        [96, stale],
      );
    expect([group(1), group(0), group(2)]).toEqual(['ok', 'E_ENCODING', 'E_ENCODING']);
  });

  it('principals.5 principals.6 keeps its bounds', () => {
    const principal = (name: readonly number[], suites: readonly number[]): string =>
      read(
        'PrincipalRecord',
        [10, key.length, ...key],
        [16, 1],
        [24, 1],
        [32, 1],
        [42, ...varint(name.length), ...name],
        [56, 1],
        [66, suites.length, ...suites],
        [72, 1],
        [80, 1],
      );
    expect(principal([97], [1])).toBe('ok');
    expect(principal([0xff], [1])).toBe('E_ENCODING');
    expect(principal([], [1])).toBe('E_ENCODING');
    expect(principal(times(255, 97), [1])).toBe('ok');
    expect(principal(times(256, 97), [1])).toBe('E_LIMIT');
    expect(principal(times(256, 0xff), [1])).toBe('E_LIMIT');
    expect(principal([97], [])).toBe('E_ENCODING');
    // Elements may be 0, and a list may end only behind one.
    expect(principal([97], [0, 0])).toBe('ok');
    expect(principal([97], [0x80])).toBe('E_ENCODING');
    expect(principal([97], times(16, 1))).toBe('ok');
    expect(principal([97], times(17, 1))).toBe('E_LIMIT');
    // The element too many comes before its own bytes.
    expect(principal([97], [...times(16, 1), 0x80])).toBe('E_LIMIT');
    const secret = [18, ...bytes32];
    const one = [18, secret.length, ...secret];
    expect(read('GroupPrivate', [10, 0], one)).toBe('ok');
    expect(read('GroupPrivate', [10, 1, 97], ...times(8, one))).toBe('ok');
    expect(read('GroupPrivate', [10, 1, 97], ...times(9, one))).toBe('E_LIMIT');
    expect(read('GroupPrivate', [10, 1, 97], ...times(8, one), [18, 200])).toBe('E_LIMIT');
    expect(read('Key', [8, 1], [18, 31, ...filled(31, 1)])).toBe('E_ENCODING');
  });

  it('principals.7 has fields that are ignored', () => {
    expect(read('Policy', policy, tag(1024, 0), 1, tag(1025, 2), [2, 0, 0], tag(1025, 2), 0)).toBe('ok');
    // What repeats has wire type 2 in this form, and a number is never written as 0.
    expect(read('Policy', policy, tag(1024, 0), 1, tag(1024, 0), 1)).toBe('E_ENCODING');
    expect(read('Policy', policy, tag(1024, 0), 1, tag(1024, 2), 0)).toBe('E_ENCODING');
    expect(read('Policy', policy, tag(1024, 0), 0)).toBe('E_ENCODING');
    expect(read('Policy', policy, tag(1025, 0), 1, tag(1024, 0), 1)).toBe('E_ENCODING');
  });

  it('principals.1 is not written otherwise', () => {
    const write = (name: MessageName, fields: object): string => codeOf(() => encode(name, fields));
    expect(write('Key', { alg: 1 })).toBe('E_USAGE');
    expect(write('Key', { alg: 0, public_key: filled(32, 1) })).toBe('E_USAGE');
    expect(write('Key', { alg: 7, public_key: filled(32, 1) })).toBe('E_USAGE');
    expect(write('Key', { alg: 1, public_key: filled(31, 1) })).toBe('E_USAGE');
    const secret = (from_period: number) => write('RouteSecret', { from_period, secret32: filled(32, 1) });
    expect([secret(0), secret(2 ** 32), secret(-1), secret(1.5)]).toEqual(['ok', 'E_LIMIT', 'E_USAGE', 'E_USAGE']);
    const group = (patterns: readonly string[], count = 1): string =>
      write('GroupPrivate', { patterns, route_secrets: times(count, { secret32: filled(32, 1) }) });
    expect(group(['a'])).toBe('ok');
    expect(group([])).toBe('E_USAGE');
    expect(group(['\ud800'])).toBe('E_USAGE');
    expect(group(['a'.repeat(2048)])).toBe('E_LIMIT');
    expect(group(['a'], 9)).toBe('E_LIMIT');
  });
});
