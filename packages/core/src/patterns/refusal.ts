import type { ErrorCode } from '../codepoints/errors.gen.ts';
import { TridcommError } from '../errors.ts';

/** A refusal of steps 7 to 15: whether the rules of a group apply depends on keys, so a peer learns nothing. @spec errors.7 */
export function refusal(code: ErrorCode, detail: string): TridcommError {
  return new TridcommError(code, detail, { outward: 'E_REFUSED' });
}
