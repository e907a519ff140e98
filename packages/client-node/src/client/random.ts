import { randomBytes } from 'node:crypto';
import type { RandomSource } from '@tridcomm/core';

/** Random bytes of the platform. */
export const random: RandomSource = (length) => new Uint8Array(randomBytes(length));

/** An integer from 0 to 2^47 − 1. */
export function randomToken(source: RandomSource): number {
  const bytes = Buffer.from(source(6));
  return bytes.readUIntBE(0, 6) % 2 ** 47;
}

/** A number from 0 up to, not including, 1. */
export function randomShare(source: RandomSource): number {
  return randomToken(source) / 2 ** 47;
}
