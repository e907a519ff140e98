import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AeadAlgorithm } from '../../src/crypto/provider.ts';
import { codeOf, flipped, hex, providers, toHex, utf8 } from './support.ts';

const algorithms = ['chacha20-poly1305', 'aes-256-gcm'] as const;

interface Vector {
  readonly name: string;
  readonly algorithm: AeadAlgorithm;
  readonly key: string;
  readonly nonce: string;
  readonly aad: string;
  readonly plaintext: string;
  readonly ciphertext: string;
  readonly tag: string;
}

const gcmKey = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308';
const gcmNonce = 'cafebabefacedbaddecaf888';
const gcmPlaintext =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
  '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
const gcmCiphertext =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
  '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad';

/** RFC 8439 section 2.8.2; McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 13 to 16. */
const vectors: readonly Vector[] = [
  {
    name: 'RFC 8439 2.8.2',
    algorithm: 'chacha20-poly1305',
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    nonce: '070000004041424344454647',
    aad: '50515253c0c1c2c3c4c5c6c7',
    plaintext: toHex(
      utf8(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
      ),
    ),
    ciphertext:
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6' +
      '3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36' +
      '92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
      '3ff4def08e4b7a9de576d26586cec64b6116',
    tag: '1ae10b594f09e26a7e902ecbd0600691',
  },
  {
    name: 'GCM test case 13',
    algorithm: 'aes-256-gcm',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    aad: '',
    plaintext: '',
    ciphertext: '',
    tag: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    name: 'GCM test case 14',
    algorithm: 'aes-256-gcm',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    aad: '',
    plaintext: '00'.repeat(16),
    ciphertext: 'cea7403d4d606b6e074ec5d3baf39d18',
    tag: 'd0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    name: 'GCM test case 15',
    algorithm: 'aes-256-gcm',
    key: gcmKey,
    nonce: gcmNonce,
    aad: '',
    plaintext: gcmPlaintext,
    ciphertext: gcmCiphertext,
    tag: 'b094dac5d93471bdec1a502270e3cc6c',
  },
  {
    name: 'GCM test case 16',
    algorithm: 'aes-256-gcm',
    key: gcmKey,
    nonce: gcmNonce,
    aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    plaintext: gcmPlaintext.slice(0, 120),
    ciphertext: gcmCiphertext.slice(0, 120),
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
];

/** Around block sizes, and around the size at which the node provider changes engines. */
const size = fc.oneof(
  fc.constantFrom(0, 1, 15, 16, 17, 63, 64, 65, 1_023, 1_024, 1_025, 4_096, 70_000),
  fc.integer({ min: 0, max: 2_100 }),
);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const body = size.chain(bytes);

describe.each(providers)('AEAD of $name', (provider) => {
  it.each(vectors)('suites.13 seals and opens $name', ({ algorithm, ciphertext, tag, ...rest }) => {
    const [key, nonce, aad, plaintext] = [rest.key, rest.nonce, rest.aad, rest.plaintext].map(hex) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    expect(toHex(provider.aeadSeal(algorithm, key, nonce, aad, plaintext))).toBe(ciphertext + tag);
    const opened = provider.aeadOpen(algorithm, key, nonce, aad, hex(ciphertext + tag));
    expect(opened && toHex(opened)).toBe(rest.plaintext);
  });

  it.each(vectors)(
    'suites.14 gives nothing out for one flipped bit of $name',
    ({ algorithm, ciphertext, tag, ...rest }) => {
      const fields = [rest.key, rest.nonce, rest.aad, ciphertext + tag].map(hex);
      for (const [at, field] of fields.entries()) {
        for (const bit of [0, field.length * 4, field.length * 8 - 1]) {
          if (field.length === 0) continue;
          const [key, nonce, aad, sealed] = fields.with(at, flipped(field, bit)) as [
            Uint8Array,
            Uint8Array,
            Uint8Array,
            Uint8Array,
          ];
          expect(provider.aeadOpen(algorithm, key, nonce, aad, sealed)).toBeUndefined();
        }
      }
    },
  );

  it.each(algorithms)(
    'suites.14 gives nothing out for every truncation, and for a byte too many, of %s',
    (algorithm) => {
      const [key, nonce, aad] = [new Uint8Array(32), new Uint8Array(12), utf8('aad')] as const;
      const sealed = provider.aeadSeal(algorithm, key, nonce, aad, utf8('twenty bytes of text'));
      for (let length = 0; length < sealed.length; length++) {
        expect(provider.aeadOpen(algorithm, key, nonce, aad, sealed.subarray(0, length))).toBeUndefined();
      }
      expect(provider.aeadOpen(algorithm, key, nonce, aad, Uint8Array.of(...sealed, 0))).toBeUndefined();
    },
  );

  it.each(algorithms)('suites.13 refuses a key that is not 32 bytes, or a nonce that is not 12, of %s', (algorithm) => {
    const data = new Uint8Array(40);
    for (const [key, nonce] of [
      [0, 12],
      [16, 12],
      [31, 12],
      [33, 12],
      [32, 0],
      [32, 8],
      [32, 11],
      [32, 13],
      [32, 24],
    ] as const) {
      const inputs = [algorithm, new Uint8Array(key), new Uint8Array(nonce), data, data] as const;
      expect(codeOf(() => provider.aeadSeal(...inputs))).toBe('E_USAGE');
      expect(codeOf(() => provider.aeadOpen(...inputs))).toBe('E_USAGE');
    }
  });

  it.each(algorithms)('suites.13 leaves its inputs as they are and hands out plain arrays, %s', (algorithm) => {
    const inputs = () =>
      [new Uint8Array(32).fill(1), new Uint8Array(12).fill(2), utf8('aad'), new Uint8Array(2_000)] as const;
    const [key, nonce, aad, plaintext] = inputs();
    const sealed = provider.aeadSeal(algorithm, key, nonce, aad, plaintext);
    const copy = sealed.slice();
    const opened = provider.aeadOpen(algorithm, key, nonce, aad, sealed);
    expect([key, nonce, aad, plaintext]).toEqual(inputs());
    expect(sealed).toEqual(copy);
    for (const output of [sealed, opened]) expect(Object.getPrototypeOf(output)).toBe(Uint8Array.prototype);
  });

  it.each(algorithms)(
    'suites.13 seals into memory that it is given, also where the plaintext lies in it, %s',
    (algorithm) => {
      fc.assert(
        fc.property(bytes(32), bytes(12), body, (key, nonce, plaintext) => {
          const sealed = provider.aeadSeal(algorithm, key, nonce, nonce, plaintext);
          const around = new Uint8Array(plaintext.length + 16 + 2).fill(0xee);
          const out = around.subarray(1, around.length - 1);
          out.set(plaintext);
          const given = provider.aeadSeal(algorithm, key, nonce, nonce, out.subarray(0, plaintext.length), out);
          expect(toHex(given)).toBe(toHex(sealed));
          expect([around[0], around.at(-1)]).toEqual([0xee, 0xee]);
        }),
      );
    },
  );
});

describe('both providers', () => {
  const [one, other] = providers as [(typeof providers)[0], (typeof providers)[0]];

  it.each(algorithms)('suites.14 open what the other sealed, %s', (algorithm) => {
    fc.assert(
      fc.property(bytes(32), bytes(12), fc.uint8Array({ maxLength: 300 }), body, (key, nonce, aad, plaintext) => {
        const sealed = one.aeadSeal(algorithm, key, nonce, aad, plaintext);
        expect(toHex(other.aeadSeal(algorithm, key, nonce, aad, plaintext))).toBe(toHex(sealed));
        for (const provider of providers) {
          const opened = provider.aeadOpen(algorithm, key, nonce, aad, sealed);
          expect(opened && toHex(opened)).toBe(toHex(plaintext));
        }
      }),
    );
  });

  it.each(algorithms)('suites.14 refuse the same changed bytes, %s', (algorithm) => {
    fc.assert(
      fc.property(bytes(32), bytes(12), body, fc.nat(), (key, nonce, plaintext, at) => {
        const sealed = one.aeadSeal(algorithm, key, nonce, nonce, plaintext);
        const changed = flipped(sealed, at % (sealed.length * 8));
        for (const provider of providers) {
          expect(provider.aeadOpen(algorithm, key, nonce, nonce, changed)).toBeUndefined();
        }
      }),
    );
  });
});
