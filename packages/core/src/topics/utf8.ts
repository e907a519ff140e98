/**
 * Strict UTF-8 (RFC 3629, Unicode table 3-7).
 *
 * @param bytes - not changed, not kept
 * @returns the text, a byte order mark included; undefined for bytes that are not well-formed
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const units = new Uint16Array(bytes.length);
  let count = 0;
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at++] as number;
    if (first < 0x80) {
      units[count++] = first;
      continue;
    }
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    if (more === 0) return undefined;
    let point = first & (0x3f >> more);
    for (let i = 0; i < more; i++) {
      // Bytes past the end read as 0, which continues nothing.
      const next = bytes[at++] ?? 0;
      if ((next & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (next & 0x3f);
    }
    if (point < (minOfLength[more] ?? 0) || point > 0x10_ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
    if (point < 0x1_0000) units[count++] = point;
    else {
      units[count++] = 0xd7c0 + (point >>> 10);
      units[count++] = 0xdc00 + (point & 0x3ff);
    }
  }
  let text = '';
  for (let at = 0; at < count; at += chunkUnits) {
    // A call with the array itself: spreading it would walk it by its iterator, at ten times the cost.
    const chunk = units.subarray(at, Math.min(count, at + chunkUnits)) as unknown as number[];
    text += Reflect.apply(String.fromCharCode, undefined, chunk);
  }
  return text;
}

/**
 * The UTF-8 bytes of a text; the caller's.
 *
 * @param text - without lone surrogates
 */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) as number;
    if (point < 0x80) bytes[at++] = point;
    else {
      if (point < 0x800) bytes[at++] = 0xc0 | (point >>> 6);
      else {
        if (point < 0x1_0000) bytes[at++] = 0xe0 | (point >>> 12);
        else {
          bytes[at++] = 0xf0 | (point >>> 18);
          bytes[at++] = 0x80 | ((point >>> 12) & 0x3f);
          i++;
        }
        bytes[at++] = 0x80 | ((point >>> 6) & 0x3f);
      }
      bytes[at++] = 0x80 | (point & 0x3f);
    }
  }
  return bytes;
}

/** Bytes of a text in UTF-8; −1 where it has a lone surrogate. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length++;
    else if (unit < 0x800) length += 2;
    else if (unit < 0xd800 || unit > 0xdfff) length += 3;
    else {
      const next = text.charCodeAt(i + 1);
      if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return -1;
      length += 4;
      i++;
    }
  }
  return length;
}

/** The lowest code point that may take so many bytes after the first. */
const minOfLength = [0, 0x80, 0x800, 0x1_0000];

/** Arguments of one call, well below what any engine's stack takes. */
const chunkUnits = 4096;
