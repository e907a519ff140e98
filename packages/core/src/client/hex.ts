/** Lower-case hex of a few bytes: a name for maps and stores. */
export function hexOf(bytes: Uint8Array): string {
  // In one go: text that grows piece by piece stays a tree of its pieces, ten times as large.
  const codes: number[] = [];
  for (const byte of bytes) codes.push(digits[byte >> 4]!, digits[byte & 0xf]!);
  return String.fromCharCode(...codes);
}

/** The bytes of what {@link hexOf} gave. */
export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

const digits = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
