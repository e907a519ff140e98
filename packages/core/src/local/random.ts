import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';

/**
 * Random bytes from a provider's own source: Ed25519 seeds, which are uniform.
 *
 * For this folder, where everything has to be at hand; a real node brings the platform's source.
 */
export function randomOf(provider: CryptoProvider): RandomSource {
  let rest = new Uint8Array(0);
  return (lengthBytes) => {
    const bytes = new Uint8Array(lengthBytes);
    for (let at = 0; at < lengthBytes;) {
      if (rest.length === 0) rest = Uint8Array.from(provider.generateKeyPair('ed25519').secretKey);
      const part = rest.subarray(0, lengthBytes - at);
      bytes.set(part, at);
      at += part.length;
      rest = rest.subarray(part.length);
    }
    return bytes;
  };
}
