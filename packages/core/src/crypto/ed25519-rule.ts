/**
 * The Ed25519 rule as far as bytes alone decide it; engines differ on exactly these inputs (chapter 06).
 *
 * ```
 * public key   y, 255 bits little-endian │ sign of x, 1 bit
 * signature    R, 32 bytes as a public key ‖ S, 32 bytes little-endian
 * ```
 *
 * All of it is public data, so comparisons stop at the first byte that decides.
 */
import { TridcommError } from '../errors.ts';

/**
 * Refuses a public key that must not be used; whether it decodes to a point is left to the verification.
 *
 * @param publicKey - as received; not changed, not kept
 * @throws {@link TridcommError} `E_KEY`
 * @spec suites.4, suites.6
 */
export function checkEd25519PublicKey(publicKey: Uint8Array): void {
  if (publicKey.length !== 32)
    throw new TridcommError('E_KEY', `Ed25519 public key of ${publicKey.length} bytes, not 32`);
  if (!isCanonical(publicKey)) throw new TridcommError('E_KEY', 'Ed25519 public key with y not below 2^255 - 19');
  if (isSmallOrder(publicKey)) throw new TridcommError('E_KEY', 'Ed25519 public key of small order');
}

/**
 * Whether a signature has 64 bytes, a canonical R that is not of small order, and S < L.
 *
 * @param signature - as received; not changed, not kept
 * @spec suites.7
 */
export function isEd25519SignatureForm(signature: Uint8Array): boolean {
  return signature.length === 64 && isCanonical(signature) && !isSmallOrder(signature) && isScalar(signature, 32);
}

/** The y of the points whose order divides 8, sign bit clear: 0, 1, p − 1, and the two roots of d·y⁴ + 2y² = 1. */
export const smallOrderYs: readonly Uint8Array[] = [
  littleEndian('0000000000000000000000000000000000000000000000000000000000000000'),
  littleEndian('0000000000000000000000000000000000000000000000000000000000000001'),
  littleEndian('7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec'),
  littleEndian('05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826'),
  littleEndian('7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7'),
];

/** L = 2^252 + 27742317777372353535851937790883648493, the order of the base point. */
const groupOrder = littleEndian('1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed');

/** Whether y < p = 2^255 − 19, for the first 32 bytes. */
function isCanonical(bytes: Uint8Array): boolean {
  if ((bytes[31] ?? 0) << 25 !== 0x7f << 25) return true;
  for (let i = 30; i > 0; i--) if (bytes[i] !== 0xff) return true;
  return (bytes[0] ?? 0) < 0xed;
}

function isSmallOrder(bytes: Uint8Array): boolean {
  return smallOrderYs.some((y) => {
    for (let i = 0; i < 31; i++) if (bytes[i] !== y[i]) return false;
    return ((bytes[31] ?? 0) & 0x7f) === y[31];
  });
}

/** Whether the 32 bytes from `offset` are a number below L. */
function isScalar(bytes: Uint8Array, offset: number): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = (bytes[offset + i] ?? 0) - (groupOrder[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** The 32 bytes, least significant first, of a number written as people write it. */
function littleEndian(hex: string): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(hex.slice(62 - 2 * i, 64 - 2 * i), 16));
}
