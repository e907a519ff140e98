import type { RecordName } from './work.ts';

/** A name for maps, of bytes that are no secret. */
export function nameOf(...parts: readonly Uint8Array[]): string {
  return parts.map((part) => String.fromCharCode(...part)).join('');
}

/** One name for a record. */
export function nameOfRecord({ id32, leaf, index }: RecordName): string {
  return `${nameOf(id32)}${leaf}/${index}`;
}
