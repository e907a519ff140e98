import { outwardCode, type ErrorCode } from '@tridcomm/core';
import type { Operation } from './values.ts';

/** The operation of feature `errors`. */
export const errorOperations: Record<string, Operation> = {
  'error.outward': (input) => ({ outward: outwardCode(input.text('code') as ErrorCode) }),
};
