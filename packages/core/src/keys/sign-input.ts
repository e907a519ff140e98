import { ascii, checkWidth } from '../bytes/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';

/**
 * What is signed everywhere outside the envelope, whose own form is in `envelope/identity.ts`: SIGIN; the caller's.
 *
 * ```
 * "tdc1 sig " ‖ label ‖ 0x00 ‖ signer_key_id32 ‖ context32 ‖ H(header) ‖ H(body)
 * ```
 *
 * @param label - one of the registry of labels
 * @param signerKeyId32 - the full key id, so that a key made to fit a signature does not pass
 * @param context32 - what the statement belongs to: an authority id, or the context of a key block
 * @param header - hashed here, as is the body
 * @throws TridcommError `E_USAGE` for ids of a wrong width
 */
export function signInputOf(
  provider: CryptoProvider,
  label: string,
  signerKeyId32: Uint8Array,
  context32: Uint8Array,
  header: Uint8Array,
  body: Uint8Array,
): Uint8Array {
  checkWidth('signer key id', signerKeyId32, 32);
  checkWidth('context', context32, 32);
  const prefix = ascii(`tdc1 sig ${label}\0`);
  const out = new Uint8Array(prefix.length + 4 * 32);
  out.set(prefix);
  out.set(signerKeyId32, prefix.length);
  out.set(context32, prefix.length + 32);
  out.set(provider.sha256(header), prefix.length + 64);
  out.set(provider.sha256(body), prefix.length + 96);
  return out;
}
