import { writeU64 } from '../bytes/bytes.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import type { ExtensionInput } from '../wire/extensions.ts';

/** Extension 8: the number of the head of the view that somebody seals by. @spec principals.31 */
export function headSeqExtension(headSeq: number): ExtensionInput {
  const value = new Uint8Array(8);
  writeU64(value, 0, headSeq);
  return { number: numbers.headSeq, value };
}
