/** A name for maps, of bytes that are no secret. */
export function nameOf(...parts: readonly Uint8Array[]): string {
  return parts.map((part) => String.fromCharCode(...part)).join('');
}
