/** X25519 of RFC 7748 §5, with BigInt. */
import { type Bytes } from './bytes.ts';
import { fromLittleEndian, littleEndian, mod, P, power } from './ed25519.ts';
import { refuse } from './refusal.ts';

function ladder(scalar: bigint, u: bigint): bigint {
  let x2 = 1n;
  let z2 = 0n;
  let x3 = u;
  let z3 = 1n;
  for (let t = 254n; t >= 0n; t--) {
    const bit = (scalar >> t) & 1n;
    if (bit) [x2, x3, z2, z3] = [x3, x2, z3, z2];
    const a = mod(x2 + z2, P);
    const aa = mod(a * a, P);
    const b = mod(x2 - z2, P);
    const bb = mod(b * b, P);
    const e = mod(aa - bb, P);
    const da = mod((x3 - z3) * a, P);
    const cb = mod((x3 + z3) * b, P);
    x3 = mod((da + cb) ** 2n, P);
    z3 = mod(u * (da - cb) ** 2n, P);
    x2 = mod(aa * bb, P);
    z2 = mod(e * (aa + 121665n * e), P);
    if (bit) [x2, x3, z2, z3] = [x3, x2, z3, z2];
  }
  return mod(x2 * power(z2, P - 2n, P), P);
}

const products: Map<string, bigint> = new Map();

/** The shared value; suites.5 refuses zero. What was computed before is remembered: it is slow. */
export function x25519(secret: Bytes, publicKey: Bytes): Bytes {
  const k = new Uint8Array(secret);
  k[0] = (k[0] ?? 0) & 0xf8;
  k[31] = ((k[31] ?? 0) & 0x7f) | 0x40;
  const u = mod(fromLittleEndian(publicKey) & ((1n << 255n) - 1n), P);
  const name = `${fromLittleEndian(k)}/${u}`;
  const shared = products.get(name) ?? ladder(fromLittleEndian(k), u);
  products.set(name, shared);
  if (shared === 0n) refuse('E_KEY', 'suites.5');
  return littleEndian(shared, 32);
}

export function x25519Public(secret: Bytes): Bytes {
  return x25519(secret, littleEndian(9n, 32));
}
