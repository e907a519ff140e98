import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, flipped, hex, littleEndian32, providers, toHex, utf8 } from './support.ts';

const { Point } = ed25519;

/** RFC 8032 section 7.1. */
const vectors = [
  {
    name: 'TEST 1',
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155' +
      '5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    name: 'TEST 2',
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    name: 'TEST 3',
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac' +
      '18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
  {
    name: 'TEST SHA(abc)',
    seed: '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    publicKey: 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    message:
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
      '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    signature:
      'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589' +
      '09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  },
] as const;

const torsion = Point.fromBytes(hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
const { scalar, point, pointBytes } = ed25519.utils.getExtendedPublicKey(hex(vectors[0].seed));

/** k of suites.8. */
function challenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  const digest = sha512.create().update(r).update(publicKey).update(message).digest();
  return Point.Fn.create(BigInt(`0x${toHex(digest.toReversed())}`));
}

/** A signature over any R that the equation of the rule, or its cofactored relative, may accept: S = r + k·a. */
function signatureWith(r: Uint8Array, nonce: bigint, publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const s = Point.Fn.create(nonce + challenge(r, publicKey, message) * scalar);
  return new Uint8Array([...r, ...littleEndian32(s)]);
}

describe.each(providers)('Ed25519 of $name', (provider) => {
  it.each(vectors)('suites.8 signs and verifies RFC 8032 $name', ({ seed, publicKey, message, signature }) => {
    expect(toHex(provider.publicKey('ed25519', hex(seed)))).toBe(publicKey);
    expect(toHex(provider.ed25519Sign(hex(seed), hex(message)))).toBe(signature);
    expect(provider.ed25519Verify(hex(publicKey), hex(message), hex(signature))).toBe(true);
  });

  it.each(vectors)('suites.8 refuses one flipped bit of RFC 8032 $name', ({ publicKey, message, signature }) => {
    for (const bit of [0, 7, 100, 254, 255, 256, 400, 504, 511]) {
      expect(provider.ed25519Verify(hex(publicKey), hex(message), flipped(hex(signature), bit))).toBe(false);
      if (bit < 256)
        expect(provider.ed25519Verify(flipped(hex(publicKey), bit), hex(message), hex(signature))).toBe(false);
    }
    expect(provider.ed25519Verify(hex(publicKey), hex(`${message}00`), hex(signature))).toBe(false);
  });

  it('suites.6 refuses a small-order key under which a signature would hold', () => {
    const identity = Point.ZERO.toBytes();
    const signature = signatureWith(Point.BASE.multiply(7n).toBytes(), 7n, identity, utf8('m'));
    signature.set(littleEndian32(7n), 32);
    expect(codeOf(() => provider.ed25519Verify(identity, utf8('m'), signature))).toBe('E_KEY');
  });

  it('suites.7 refuses a small-order R for which the equation holds', () => {
    const signature = signatureWith(Point.ZERO.toBytes(), 0n, pointBytes, utf8('m'));
    expect(provider.ed25519Verify(pointBytes, utf8('m'), signature)).toBe(false);
  });

  it('suites.7 refuses S + L in place of S', () => {
    const signature = provider.ed25519Sign(hex(vectors[0].seed), utf8('m'));
    const s = BigInt(`0x${toHex(signature.slice(32).toReversed())}`) + Point.Fn.ORDER;
    signature.set(littleEndian32(s), 32);
    expect(provider.ed25519Verify(pointBytes, utf8('m'), signature)).toBe(false);
  });

  it('suites.8 refuses what only the cofactored equation accepts', () => {
    const r = Point.BASE.multiply(7n).add(torsion).toBytes();
    const signature = signatureWith(r, 7n, pointBytes, utf8('m'));
    expect(ed25519.verify(signature, utf8('m'), pointBytes, { zip215: false })).toBe(true);
    expect(provider.ed25519Verify(pointBytes, utf8('m'), signature)).toBe(false);
  });

  it('suites.8 accepts a key of mixed order exactly where the equation holds', () => {
    const mixed = point.add(torsion).toBytes();
    const r = Point.BASE.multiply(7n).toBytes();
    const seen = new Set<boolean>();
    for (let i = 0; i < 24 || seen.size < 2; i++) {
      const message = utf8(`message ${i}`);
      const holds = challenge(r, mixed, message) % 8n === 0n;
      expect(provider.ed25519Verify(mixed, message, signatureWith(r, 7n, mixed, message))).toBe(holds);
      seen.add(holds);
    }
  });

  it('suites.8 refuses, without an error, a key that is no point', () => {
    const ys = Array.from({ length: 20 }, (_, i) => littleEndian32(BigInt(i) + 2n)).filter((y) => !isPoint(y));
    expect(ys.length).toBeGreaterThan(3);
    for (const y of ys) {
      expect(provider.ed25519Verify(y, utf8('m'), signatureWith(pointBytes, 7n, y, utf8('m')))).toBe(false);
    }
  });

  it('suites.8 signs with a seed of 32 bytes only', () => {
    for (const length of [0, 31, 33, 64]) {
      expect(codeOf(() => provider.ed25519Sign(new Uint8Array(length), utf8('m')))).toBe('E_USAGE');
      expect(codeOf(() => provider.publicKey('ed25519', new Uint8Array(length)))).toBe('E_USAGE');
    }
  });

  it('suites.8 makes key pairs that every provider takes', () => {
    const { secretKey, publicKey } = provider.generateKeyPair('ed25519');
    expect([secretKey.length, publicKey.length]).toEqual([32, 32]);
    for (const other of providers) {
      expect(toHex(other.publicKey('ed25519', secretKey))).toBe(toHex(publicKey));
      expect(other.ed25519Verify(publicKey, utf8('m'), provider.ed25519Sign(secretKey, utf8('m')))).toBe(true);
    }
    expect(toHex(provider.generateKeyPair('ed25519').secretKey)).not.toBe(toHex(secretKey));
  });
});

describe('both providers', () => {
  const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });

  it('suites.8 sign to the same bytes and give the same verdict on changed ones', () => {
    fc.assert(
      fc.property(seed, fc.uint8Array({ maxLength: 300 }), fc.nat(511), (key, message, bit) => {
        const signatures = providers.map((provider) => toHex(provider.ed25519Sign(key, message)));
        expect(new Set(signatures).size).toBe(1);
        const signature = hex(signatures[0] ?? '');
        for (const provider of providers) {
          const publicKey = provider.publicKey('ed25519', key);
          expect(provider.ed25519Verify(publicKey, message, signature)).toBe(true);
          expect(provider.ed25519Verify(publicKey, message, flipped(signature, bit))).toBe(false);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('suites.6 and suites.8 give the same verdict on any key', () => {
    fc.assert(
      fc.property(seed, fc.uint8Array({ minLength: 64, maxLength: 64 }), (key, signature) => {
        const verdicts = providers.map((provider) => {
          let accepted: boolean | undefined;
          const code = codeOf(() => (accepted = provider.ed25519Verify(key, key, signature)));
          return code ?? accepted;
        });
        expect(new Set(verdicts).size).toBe(1);
      }),
    );
  });
});

function isPoint(bytes: Uint8Array): boolean {
  try {
    Point.fromBytes(bytes);
    return true;
  } catch {
    return false;
  }
}
