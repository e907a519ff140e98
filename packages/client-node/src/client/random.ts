import { randomBytes } from 'node:crypto';
import type { RandomSource } from '@tridcomm/core';

/** Random bytes of the platform. */
export const random: RandomSource = (length) => new Uint8Array(randomBytes(length));
