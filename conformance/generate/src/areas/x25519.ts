/** x25519.json: RFC 7748 and the refusal of suites.5. */
import { VectorFile } from '../cases.ts';
import { hex, seeded, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { littleEndian, mod, P, power } from '../twin/ed25519.ts';
import { x25519 as dh, x25519Public } from '../twin/x25519.ts';

export function x25519(): VectorFile {
  const file = new VectorFile('x25519');
  const g = file.group('dh', 'x25519', 'x25519', 'key');
  const good = (id: string, comment: string, secret: Bytes, publicKey: Bytes, expected?: string): void => {
    const shared = hex(dh(secret, publicKey));
    if (expected !== undefined && shared !== expected) throw new Error(`${id}: not the RFC's value`);
    g.valid(id, {
      comment,
      in: { secret: hex(secret), publicKey: hex(publicKey) },
      out: { shared },
      spec: ['suites.5'],
    });
  };
  good(
    'rfc7748-5-2',
    'RFC 7748 §5.2, first value',
    unhex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
    unhex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
    'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  );
  const aliceSecret = seeded('x25519 alone', 32);
  const secretA = seeded('x25519 a', 32);
  const secretB = seeded('x25519 b', 32);
  good('base-point', 'the public key of a secret: u = 9', aliceSecret, littleEndian(9n, 32));
  good('a-with-b', 'two parties, seen from a', secretA, x25519Public(secretB));
  good('b-with-a', 'the same, seen from b: equal', secretB, x25519Public(secretA));
  good(
    'unclamped',
    'a secret of ones is clamped as RFC 7748 says',
    new Uint8Array(32).fill(255),
    x25519Public(secretB),
  );
  good('secret-zero', 'a secret of zeros is clamped to 2^254', zeros(32), x25519Public(secretB));
  good('u-p-minus-2', 'u = p - 2, on the twist', secretA, littleEndian(P - 2n, 32));

  // The points of order dividing 8 of curve and twist: u = 0, 1, p - 1 and the two of order 8.
  const low: [string, bigint][] = [
    ['0', 0n],
    ['1', 1n],
    ['p-minus-1', P - 1n],
  ];

  for (const u of orderEight()) low.push([`order-8-${low.length - 3}`, u]);
  low.push(['p', P], ['p-plus-1', P + 1n]);
  for (const [name, u] of low) {
    g.invalid(`low-order-${name}`, {
      comment: `u = ${name}: the result is 32 zero bytes`,
      in: { secret: hex(secretA), publicKey: hex(littleEndian(u, 32)) },
      error: 'E_KEY',
      spec: ['suites.5'],
      from: 'a-with-b',
      flags: ['SmallOrder', 'KeyUse'],
    });
  }
  return file;
}

/**
 * The u with a double of u = 1 (order 4). Doubling on By^2 = x^3 + Ax^2 + x is (u^2 - 1)^2 / (4u(u^2 + Au + 1)),
 * so u^4 - 4u^3 - (4A + 2)u^2 - 4u + 1 = 0; with w = u + 1/u that is w^2 - 4w - (4A + 4) = 0.
 */
function orderEight(): bigint[] {
  const A = 486662n;
  const found: bigint[] = [];
  for (const w of roots(-4n, -(4n * A + 4n))) for (const u of roots(-w, 1n)) found.push(u);
  if (found.length !== 2) throw new Error(`${found.length} points of order 8`);
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/** Roots of x^2 + bx + c modulo p. */
function roots(b: bigint, c: bigint): bigint[] {
  const disc = mod(b * b - 4n * c, P);
  let r = power(disc, (P + 3n) / 8n, P);
  if (mod(r * r - disc, P) !== 0n) r = mod(r * power(2n, (P - 1n) / 4n, P), P);
  if (mod(r * r - disc, P) !== 0n) return [];
  const half = power(2n, P - 2n, P);
  return [mod((-b + r) * half, P), mod((-b - r) * half, P)];
}
