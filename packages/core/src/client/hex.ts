/** Lower-case hex: a name for maps and stores. */
export function hexOf(bytes: Uint8Array): string {
  if (bytes.length <= pieceBytes) return hexOfPiece(bytes);
  let text = '';
  for (let at = 0; at < bytes.length; at += pieceBytes) text += hexOfPiece(bytes.subarray(at, at + pieceBytes));
  return text;
}

/** In one go: text that grows byte by byte stays a tree of its pieces, ten times as large. */
function hexOfPiece(bytes: Uint8Array): string {
  const codes: number[] = [];
  for (const byte of bytes) codes.push(digits[byte >> 4]!, digits[byte & 0xf]!);
  return String.fromCharCode(...codes);
}

/** The bytes of what {@link hexOf} gave. */
export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

const digits = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** A call does not take arguments without end. */
const pieceBytes = 4_096;
