import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hkdfExpand, hkdfExtract } from '../../src/crypto/key-schedule.ts';
import { hex, providers, toHex, utf8 } from './support.ts';

/** FIPS 180-4, the examples of NIST for SHA-256. */
const digests: readonly (readonly [text: string, digest: string])[] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
];

/** RFC 4231 section 4; case 5 is of a truncated output, which v1 does not use. */
const macs = [
  [1, '0b'.repeat(20), toHex(utf8('Hi There')), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [
    2,
    toHex(utf8('Jefe')),
    toHex(utf8('what do ya want for nothing?')),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [3, 'aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
  [
    4,
    '0102030405060708090a0b0c0d0e0f10111213141516171819',
    'cd'.repeat(50),
    '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
  ],
  [
    6,
    'aa'.repeat(131),
    toHex(utf8('Test Using Larger Than Block-Size Key - Hash Key First')),
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
  [
    7,
    'aa'.repeat(131),
    toHex(
      utf8(
        'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
      ),
    ),
    '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
  ],
] as const;

/** RFC 5869 appendix A. */
const expansions = [
  {
    name: 'A.1',
    ikm: '0b'.repeat(22),
    salt: '000102030405060708090a0b0c',
    info: 'f0f1f2f3f4f5f6f7f8f9',
    prk: '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
    okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
  {
    name: 'A.2',
    ikm: consecutive(0x00, 0x4f),
    salt: consecutive(0x60, 0xaf),
    info: consecutive(0xb0, 0xff),
    prk: '06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244',
    okm:
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c' +
      '59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71' +
      'cc30c58179ec3e87c14c01d5c1f3434f1d87',
  },
  {
    name: 'A.3',
    ikm: '0b'.repeat(22),
    salt: '',
    info: '',
    prk: '19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04',
    okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  },
] as const;

describe.each(providers)('hashes of $name', (provider) => {
  it.each(digests)('suites.1 SHA-256 of "%s" (FIPS 180-4)', (text, digest) => {
    expect(toHex(provider.sha256(utf8(text)))).toBe(digest);
  });

  it('suites.1 SHA-256 of a million "a" (FIPS 180-4)', () => {
    const digest = 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0';
    expect(toHex(provider.sha256(new Uint8Array(1_000_000).fill(0x61)))).toBe(digest);
  });

  it('suites.1 SHA-256 of no part is that of no byte', () => {
    expect(toHex(provider.sha256())).toBe(digests[0]?.[1]);
  });

  it.each(macs)('suites.1 HMAC-SHA-256, RFC 4231 case %i', (_number, key, data, mac) => {
    expect(toHex(provider.hmacSha256(hex(key), hex(data)))).toBe(mac);
  });

  it.each(expansions)('suites.1 HKDF-SHA256, RFC 5869 $name', ({ ikm, salt, info, prk, okm }) => {
    expect(toHex(hkdfExtract(provider, hex(salt), hex(ikm)))).toBe(prk);
    expect(toHex(hkdfExpand(provider, hex(prk), hex(info), okm.length / 2))).toBe(okm);
  });

  it('suites.1 hands out plain arrays of their own', () => {
    for (const output of [provider.sha256(), provider.hmacSha256(utf8('k'))]) {
      expect(Object.getPrototypeOf(output)).toBe(Uint8Array.prototype);
      expect(output.buffer.byteLength).toBe(32);
    }
  });
});

describe('both providers', () => {
  /** Around the block size, and around what the node provider joins before it hashes. */
  const part = fc
    .oneof(
      fc.constantFrom(0, 1, 55, 56, 63, 64, 65, 959, 960, 961, 1_023, 1_024, 1_025),
      fc.integer({ min: 0, max: 700 }),
    )
    .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
  const parts = fc.array(part, { maxLength: 5 });

  it('suites.1 hash any parts to the same bytes as their concatenation', () => {
    fc.assert(
      fc.property(parts, (list) => {
        const digests = providers.flatMap((p) => [p.sha256(...list), p.sha256(Buffer.concat(list))]).map(toHex);
        expect(new Set(digests).size).toBe(1);
      }),
      { numRuns: 200 },
    );
  });

  it('suites.1 authenticate any parts to the same bytes as their concatenation', () => {
    fc.assert(
      fc.property(part, parts, (key, list) => {
        const all = providers.flatMap((p) => [p.hmacSha256(key, ...list), p.hmacSha256(key, Buffer.concat(list))]);
        expect(new Set(all.map(toHex)).size).toBe(1);
      }),
      { numRuns: 200 },
    );
  });
});

function consecutive(first: number, last: number): string {
  return toHex(Uint8Array.from({ length: last - first + 1 }, (_, i) => first + i));
}
