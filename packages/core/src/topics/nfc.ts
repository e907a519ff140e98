/**
 * Whether a well-formed text is in Unicode Normalization Form C, in time that is linear in its length.
 *
 * Normalizing puts combining marks in order by insertion, which is quadratic for a long run in the wrong order. Short windows
 * are normalized first, each of which shares a code point with the next: a pair of marks in the wrong order is in one of them, and
 * a part of a normalized text is normalized itself (UAX #15). What passes has its marks in order already.
 */
export function isNfc(text: string): boolean {
  if (!needsNormalizer.test(text)) return true;
  for (let start = 0; text.length - start > windowUnits;) {
    const end = start + windowUnits;
    const window = text.slice(start, isLowSurrogate(text, end) ? end + 1 : end);
    if (window !== window.normalize('NFC')) return false;
    const next = end - 1;
    start = isLowSurrogate(text, next) ? next - 1 : next;
  }
  return text === text.normalize('NFC');
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Below U+0300 every character is normalized, and composes with none before it. */
const needsNormalizer = /[\u0300-\uffff]/;

const windowUnits = 64;
