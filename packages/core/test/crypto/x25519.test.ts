import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkX25519PublicKey, checkX25519Result } from '../../src/crypto/x25519-rule.ts';
import { nodeProvider } from '../../src/node/index.ts';
import { codeOf, hex, littleEndian32, lowOrder, providers, toHex } from './support.ts';

const p = 2n ** 255n - 19n;

/** RFC 7748 section 5.2. */
const vectors = [
  [
    'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  ],
  [
    '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  ],
] as const;

/** RFC 7748 section 6.1. */
const alice = '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a';
const alicePublic = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
const bob = '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb';
const bobPublic = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f';
const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';

const withTopBit = (u: Uint8Array) => u.map((byte, i) => (i === 31 ? byte | 0x80 : byte));

describe.each(providers)('X25519 of $name', (provider) => {
  it.each(vectors)('suites.5 multiplies as in RFC 7748 5.2: %s', (scalar, u, result) => {
    expect(toHex(provider.x25519(hex(scalar), hex(u)))).toBe(result);
  });

  it('suites.5 agrees as in RFC 7748 6.1', () => {
    expect(toHex(provider.publicKey('x25519', hex(alice)))).toBe(alicePublic);
    expect(toHex(provider.publicKey('x25519', hex(bob)))).toBe(bobPublic);
    expect(toHex(provider.x25519(hex(alice), hex(bobPublic)))).toBe(shared);
    expect(toHex(provider.x25519(hex(bob), hex(alicePublic)))).toBe(shared);
  });

  it('suites.5 refuses every low-order u, with either top bit', () => {
    for (const u of lowOrder) {
      for (const key of [u, withTopBit(u)]) expect(codeOf(() => provider.x25519(hex(alice), key))).toBe('E_KEY');
    }
  });

  it('suites.5 refuses keys of any length but 32', () => {
    for (const length of [0, 31, 33]) {
      expect(codeOf(() => provider.x25519(hex(alice), new Uint8Array(length).fill(9)))).toBe('E_KEY');
      expect(codeOf(() => provider.x25519(new Uint8Array(length).fill(9), hex(bobPublic)))).toBe('E_KEY');
      expect(codeOf(() => provider.publicKey('x25519', new Uint8Array(length)))).toBe('E_USAGE');
    }
  });

  it('suites.5 makes key pairs that every provider takes', () => {
    const { secretKey, publicKey } = provider.generateKeyPair('x25519');
    expect(codeOf(() => checkX25519PublicKey(publicKey))).toBeUndefined();
    for (const other of providers) {
      expect(toHex(other.publicKey('x25519', secretKey))).toBe(toHex(publicKey));
      expect(toHex(other.x25519(secretKey, hex(bobPublic)))).toBe(toHex(provider.x25519(hex(bob), publicKey)));
    }
  });
});

describe('X25519', () => {
  it('suites.5 multiplies 1 and 1,000 times over as in RFC 7748 5.2 (node alone, for time)', () => {
    let k: Uint8Array = hex(`09${'00'.repeat(31)}`);
    let u = k;
    for (let i = 1; i <= 1_000; i++) {
      [k, u] = [nodeProvider.x25519(k, u), k];
      if (i === 1) expect(toHex(k)).toBe('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079');
    }
    expect(toHex(k)).toBe('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51');
  });

  it('suites.5 gives the same result, or refusal, by both providers for any keys', () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const peer = fc.oneof({ weight: 3, arbitrary: key }, { weight: 1, arbitrary: fc.constantFrom(...lowOrder) });
    fc.assert(
      fc.property(key, peer, (secret, u) => {
        const results = providers.map((provider) => {
          let result = '';
          return codeOf(() => (result = toHex(provider.x25519(secret, u)))) ?? result;
        });
        expect(new Set(results).size).toBe(1);
      }),
      { numRuns: 40 },
    );
  });

  it('suites.5 refuses a result of 32 zero bytes and passes any other on', () => {
    expect(codeOf(() => checkX25519Result(new Uint8Array(32)))).toBe('E_KEY');
    for (const at of [0, 15, 31]) {
      const result = new Uint8Array(32).with(at, 1);
      expect(checkX25519Result(result)).toBe(result);
    }
  });

  it('suites.4 takes canonical public keys alone for key ids', () => {
    for (const u of [0n, 9n, p - 1n, p - (1n << 8n), p - (1n << 248n)]) {
      expect(codeOf(() => checkX25519PublicKey(littleEndian32(u)))).toBeUndefined();
      expect(codeOf(() => checkX25519PublicKey(withTopBit(littleEndian32(u))))).toBe('E_KEY');
    }
    for (let u = p; u < 2n ** 255n; u++) expect(codeOf(() => checkX25519PublicKey(littleEndian32(u)))).toBe('E_KEY');
    for (const length of [0, 31, 33]) {
      expect(codeOf(() => checkX25519PublicKey(new Uint8Array(length)))).toBe('E_KEY');
    }
  });
});
