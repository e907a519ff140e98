import { stripVTControlCharacters } from 'node:util';

/** Text of an adapter on one line and without control characters: it must not move the cursor of the terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\p{Cc}/gu, ' ')
    .trimEnd();
}
