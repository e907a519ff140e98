import { nobleProvider } from '../../src/crypto/noble.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { TridcommError, type ErrorCode } from '../../src/errors.ts';
import { nodeProvider } from '../../src/node/index.ts';

/** Every provider of the package: each vector runs through each of them. */
export const providers: readonly CryptoProvider[] = [nobleProvider, nodeProvider];

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The code of the error that the call ends in; `undefined` where it returns. */
export function codeOf(call: () => unknown): ErrorCode | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
}

/** A number as 32 bytes, least significant first. */
export function littleEndian32(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, '0')).toReversed();
}

/** The same bytes with one bit of one of them changed. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  return bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
}

/** Every u below 2^255 of a point of small order, on the curve or its twist: 0, 1, the two of order 8, −1, and 0, 1 as p, p + 1. */
export const lowOrder: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(hex);
