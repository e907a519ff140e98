import { ascii } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';

/**
 * What the sender of an envelope signs: SIGIN of chapter 03; 146 bytes, the caller's.
 *
 * The bulk is hashed once, and the hash serves the signature and the identity.
 *
 * @param signerKeyId32 - the full key id, so that a key made to fit a signature does not pass
 * @param bind32 - of the key source
 * @param protectedHeader - header and extensions as sent or received
 * @param body - empty for a Merkle batch, whose root is in the protected header
 * @spec suites.17, suites.18
 */
export function signInput(
  provider: CryptoProvider,
  signerKeyId32: Uint8Array,
  bind32: Uint8Array,
  protectedHeader: Uint8Array,
  keyinfo: Uint8Array,
  body: Uint8Array,
): Uint8Array {
  const out = new Uint8Array(prefix.length + 4 * 32);
  out.set(prefix);
  out.set(signerKeyId32, prefix.length);
  out.set(bind32, prefix.length + 32);
  out.set(provider.sha256(protectedHeader), prefix.length + 64);
  out.set(keyinfo.length === 0 ? provider.sha256(body) : provider.sha256(keyinfo, body), prefix.length + 96);
  return out;
}

/**
 * The identity of an envelope, from what its sender signed; 32 bytes, the caller's.
 *
 * Never of signature or path bytes: the same content signed again is the same envelope.
 *
 * @spec envelope.37
 */
export function envelopeId(provider: CryptoProvider, signed: Uint8Array): Uint8Array {
  return provider.sha256(idPrefix, signed);
}

const prefix = ascii(`tdc1 sig ${labels.envelope}\0`);
const idPrefix = ascii(`${labels.envelopeId}\0`);
