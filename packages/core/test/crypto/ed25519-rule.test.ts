import { describe, expect, it } from 'vitest';
import { checkEd25519PublicKey, isEd25519SignatureForm, smallOrderYs } from '../../src/crypto/ed25519-rule.ts';
import { codeOf, littleEndian32, providers, toHex } from './support.ts';

const p = 2n ** 255n - 19n;
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const signBit = 2n ** 255n;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let e = exponent, b = ((base % p) + p) % p; e > 0n; e >>= 1n, b = (b * b) % p)
    if (e & 1n) result = (result * b) % p;
  return result;
}

const inverse = (a: bigint) => power(a, p - 2n);

/** Both square roots modulo p = 5 mod 8; none where a is no square. */
function squareRoots(a: bigint): bigint[] {
  const square = ((a % p) + p) % p;
  const candidate = power(square, (p + 3n) / 8n);
  const root = [candidate, (candidate * power(2n, (p - 1n) / 4n)) % p].find((r) => (r * r) % p === square);
  return root === undefined ? [] : [root, p - root];
}

/**
 * The y of every point whose order divides 8 on −x² + y² = 1 + d·x²·y².
 *
 * Order 1 and 2 are (0, ±1), order 4 has y = 0. Twice a point of order 8 has order 4, so the numerator y² + x² of its y is 0;
 * with x² = −y² the curve says d·y⁴ + 2y² = 1.
 */
function smallOrderYsOfTheCurve(): bigint[] {
  const d = -121665n * inverse(121666n);
  const squares = squareRoots(1n + d).map((root) => (root - 1n) * inverse(d));
  return [0n, 1n, p - 1n, ...squares.flatMap(squareRoots)];
}

const publicKey = (y: bigint) => codeOf(() => checkEd25519PublicKey(littleEndian32(y)));
const signature = (r: bigint, s: bigint) =>
  isEd25519SignatureForm(new Uint8Array([...littleEndian32(r), ...littleEndian32(s)]));

describe('Ed25519 rule', () => {
  it('suites.6 has the small-order values that the curve gives', () => {
    const computed = smallOrderYsOfTheCurve().map(littleEndian32).map(toHex);
    expect(computed).toHaveLength(5);
    expect(computed.toSorted()).toEqual(smallOrderYs.map(toHex).toSorted());
  });

  it('suites.6 refuses small-order keys with either sign bit', () => {
    for (const y of smallOrderYsOfTheCurve())
      for (const sign of [0n, signBit]) expect(publicKey(y + sign)).toBe('E_KEY');
  });

  it('suites.6 refuses keys with y from p to 2^255 − 1 with either sign bit', () => {
    for (let y = p; y < signBit; y++) for (const sign of [0n, signBit]) expect(publicKey(y + sign)).toBe('E_KEY');
  });

  it('suites.6 refuses keys of any length but 32', () => {
    for (const length of [0, 1, 31, 33, 64]) {
      expect(codeOf(() => checkEd25519PublicKey(new Uint8Array(length).fill(3)))).toBe('E_KEY');
    }
  });

  it('suites.6 passes the neighbours of refused keys', () => {
    const neighbours = [2n, p - 2n, p - (1n << 8n), p - (1n << 240n), p - (1n << 248n)];
    for (const y of smallOrderYsOfTheCurve().filter((y) => y > 1n && y < p - 1n)) neighbours.push(y - 1n, y + 1n);
    for (const y of neighbours) for (const sign of [0n, signBit]) expect(publicKey(y + sign)).toBeUndefined();
  });

  it('suites.7 refuses R that is not canonical or of small order, with either sign bit', () => {
    for (const y of [...smallOrderYsOfTheCurve(), p, p + 1n, signBit - 1n]) {
      for (const sign of [0n, signBit]) expect(signature(y + sign, 1n)).toBe(false);
    }
  });

  it('suites.7 refuses S from L on', () => {
    for (const s of [order, order + 1n, order + (1n << 128n), 2n * order, 2n ** 253n, 2n ** 255n, 2n ** 256n - 1n]) {
      expect(signature(2n, s)).toBe(false);
    }
  });

  it('suites.7 passes S below L', () => {
    for (const s of [0n, 1n, order - 1n, order - (1n << 64n), order - (1n << 128n), 2n ** 252n, 2n ** 252n - 1n]) {
      expect(signature(2n, s)).toBe(true);
    }
  });

  it('suites.7 refuses signatures of any length but 64', () => {
    for (const length of [0, 32, 63, 65, 96])
      expect(isEd25519SignatureForm(new Uint8Array(length).fill(3))).toBe(false);
  });

  it.each(providers)('suites.6 is decided before suites.7 by $name', (provider) => {
    const message = new Uint8Array(3);
    for (const key of [new Uint8Array(31), new Uint8Array(32), littleEndian32(p)]) {
      for (const length of [0, 64]) {
        expect(codeOf(() => provider.ed25519Verify(key, message, new Uint8Array(length)))).toBe('E_KEY');
      }
    }
  });
});
