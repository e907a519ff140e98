/**
 * The same bytes as a plain `Uint8Array`, since `Buffer` changes what `slice` and `toString` mean. node:crypto gives each
 * result memory of its own, never a slice of the shared pool, so nothing else is seen through the view.
 */
export function plainView(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
