/** Ed25519 with BigInt, slow and readable: RFC 8032 signing, the verification rule of chapter 06, and points for forgeries. */
import { cat, same, zeros, type Bytes } from './bytes.ts';
import { sha512 } from './hash.ts';
import { refuse } from './refusal.ts';

export const P: bigint = 2n ** 255n - 19n;
export const L: bigint = 2n ** 252n + 27742317777372353535851937790883648493n;

export function mod(a: bigint, m: bigint): bigint {
  const r = a % m;
  return r < 0n ? r + m : r;
}

export function power(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n;
  let b = mod(base, m);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * b) % m;
    b = (b * b) % m;
  }
  return result;
}

function invert(a: bigint): bigint {
  return power(a, P - 2n, P);
}

const D: bigint = mod(-121665n * invert(121666n), P);
const SQRT_M1: bigint = power(2n, (P - 1n) / 4n, P);

/** Projective point (X : Y : Z), x = X/Z, y = Y/Z, on -x^2 + y^2 = 1 + d x^2 y^2. */
export interface Point {
  X: bigint;
  Y: bigint;
  Z: bigint;
}

export const IDENTITY: Point = { X: 0n, Y: 1n, Z: 1n };

/** The complete addition law of the twisted Edwards curve with a = -1, in projective coordinates. */
export function add(p: Point, q: Point): Point {
  const a = mod(p.Z * q.Z, P);
  const b = mod(a * a, P);
  const c = mod(p.X * q.X, P);
  const d = mod(p.Y * q.Y, P);
  const e = mod(D * c * d, P);
  const f = mod(b - e, P);
  const g = mod(b + e, P);
  return {
    X: mod(a * f * ((p.X + p.Y) * (q.X + q.Y) - c - d), P),
    Y: mod(a * g * (d + c), P),
    Z: mod(f * g, P),
  };
}

export function negate(p: Point): Point {
  return { X: mod(-p.X, P), Y: p.Y, Z: p.Z };
}

export function multiply(scalar: bigint, p: Point): Point {
  let result = IDENTITY;
  let q = p;
  for (let s = scalar; s > 0n; s >>= 1n) {
    if (s & 1n) result = add(result, q);
    q = add(q, q);
  }
  return result;
}

function affine(p: Point): { x: bigint; y: bigint } {
  const i = invert(p.Z);
  return { x: mod(p.X * i, P), y: mod(p.Y * i, P) };
}

export function littleEndian(value: bigint, length: number): Bytes {
  const out = zeros(length);
  let rest = value;
  for (let i = 0; i < length; i++) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  if (rest !== 0n) throw new Error('does not fit');
  return out;
}

export function fromLittleEndian(bytes: Bytes): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}

/** 32 bytes from the low 255 bits y (also y >= p) and the sign bit. */
export function encodeY(y: bigint, sign: number): Bytes {
  return littleEndian(y | (BigInt(sign) << 255n), 32);
}

export function encodePoint(p: Point): Bytes {
  const { x, y } = affine(p);
  return encodeY(y, Number(x & 1n));
}

/** The low 255 bits of an encoding. */
function yOf(bytes: Bytes): bigint {
  return fromLittleEndian(bytes) & ((1n << 255n) - 1n);
}

/** RFC 8032 §5.1.3; undefined when there is no such point. */
export function decodePoint(bytes: Bytes): Point | undefined {
  const sign = fromLittleEndian(bytes) >> 255n;
  const y = yOf(bytes);
  if (y >= P) return undefined;
  const u = mod(y * y - 1n, P);
  const v = mod(D * y * y + 1n, P);
  const x2 = mod(u * invert(v), P);
  let x = power(x2, (P + 3n) / 8n, P);
  if (mod(x * x - x2, P) !== 0n) x = mod(x * SQRT_M1, P);
  if (mod(x * x - x2, P) !== 0n) return undefined;
  if (x === 0n && sign === 1n) return undefined;
  if ((x & 1n) !== sign) x = P - x;
  return { X: x, Y: y, Z: 1n };
}

function basePoint(): Point {
  const p = decodePoint(encodeY(mod(4n * invert(5n), P), 0));
  if (p === undefined) throw new Error('no base point');
  return p;
}
export const B: Point = basePoint();

/** The eight points of order dividing 8, as multiples of one of order 8. */
function torsionPoints(): Point[] {
  for (let y = 2n; ; y++) {
    const p = decodePoint(encodeY(y, 0));
    if (p === undefined) continue;
    const t = multiply(L, p);
    const four = affine(multiply(4n, t));
    if (four.x === 0n && four.y === P - 1n) return Array.from({ length: 8 }, (_, i) => multiply(BigInt(i), t));
  }
}
export const TORSION: readonly Point[] = torsionPoints();
/** The five y of suites.6 and suites.7. */
export const SMALL_ORDER_Y: readonly bigint[] = [...new Set(TORSION.map((t) => affine(t).y))].sort((a, b) =>
  a < b ? -1 : 1,
);

/** The secret scalar and prefix of a seed, RFC 8032 §5.1.5. */
export function expandSeed(seed: Bytes): { scalar: bigint; prefix: Bytes } {
  const h = sha512(seed);
  const low = h.slice(0, 32);
  low[0] = (low[0] ?? 0) & 0xf8;
  low[31] = ((low[31] ?? 0) & 0x7f) | 0x40;
  return { scalar: fromLittleEndian(low), prefix: h.slice(32) };
}

const publicKeys: Map<string, Bytes> = new Map();

export function publicKeyOf(seed: Bytes): Bytes {
  const name = Buffer.from(seed).toString('hex');
  const known = publicKeys.get(name);
  if (known !== undefined) return known;
  const made = encodePoint(multiply(expandSeed(seed).scalar, B));
  publicKeys.set(name, made);
  return made;
}

/** k of suites.8. */
export function challenge(R: Bytes, A: Bytes, message: Bytes): bigint {
  return fromLittleEndian(sha512(R, A, message)) % L;
}

const signatures: Map<string, Bytes> = new Map();

/** RFC 8032 §5.1.6. What was signed before is remembered: it is slow. */
export function sign(seed: Bytes, message: Bytes): Bytes {
  const name = Buffer.from(sha512(seed, message)).toString('hex');
  const made = signatures.get(name) ?? signAnew(seed, message);
  signatures.set(name, made);
  return made;
}
function signAnew(seed: Bytes, message: Bytes): Bytes {
  const { scalar, prefix } = expandSeed(seed);
  const A = publicKeyOf(seed);
  const r = fromLittleEndian(sha512(prefix, message)) % L;
  const R = encodePoint(multiply(r, B));
  return cat(R, littleEndian((r + challenge(R, A, message) * scalar) % L, 32));
}

/** suites.6 */
export function checkPublicKey(A: Bytes): void {
  if (A.length !== 32) refuse('E_KEY', 'not 32 bytes');
  if (yOf(A) >= P) refuse('E_KEY', 'y >= p');
  if (SMALL_ORDER_Y.includes(yOf(A))) refuse('E_KEY', 'small-order y');
}

/** suites.6, then suites.7, then suites.8. */
export function verify(A: Bytes, message: Bytes, signature: Bytes): void {
  checkPublicKey(A);
  if (signature.length !== 64) refuse('E_SIG', 'not 64 bytes');
  const R = signature.slice(0, 32);
  const S = fromLittleEndian(signature.slice(32));
  if (yOf(R) >= P) refuse('E_SIG', 'R has y >= p');
  if (SMALL_ORDER_Y.includes(yOf(R))) refuse('E_SIG', 'R has a small-order y');
  if (S >= L) refuse('E_SIG', 'S >= L');
  const point = decodePoint(A);
  if (point === undefined) refuse('E_SIG', 'A is no point');
  const k = challenge(R, A, message);
  if (!same(encodePoint(add(multiply(S, B), negate(multiply(k, point)))), R)) refuse('E_SIG', 'suites.8');
}

/** What a cofactored verifier without any other rule accepts: [8]([S]B - [k]A - R) = 0. Only to prove that a case is sharp. */
export function cofactoredAccepts(A: Bytes, message: Bytes, signature: Bytes): boolean {
  const R = signature.slice(0, 32);
  const a = decodePoint(A);
  const r = decodePoint(R);
  if (a === undefined || r === undefined) return false;
  const S = fromLittleEndian(signature.slice(32));
  const k = challenge(R, A, message);
  const difference = add(add(multiply(S, B), negate(multiply(k, a))), negate(r));
  const { x, y } = affine(multiply(8n, difference));
  return x === 0n && y === 1n;
}
