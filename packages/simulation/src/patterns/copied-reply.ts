import { parseEnvelope, type CryptoProvider } from '@tridcomm/core';
import { signInput, type SigningKey } from '@tridcomm/core/internal';
import { ascii, concat } from '../bytes.ts';

/** The reply of somebody to a survey, as it is, under the name and the signature of somebody else who may reply. */
export function copySurveyReply(provider: CryptoProvider, envelope: Uint8Array, key: SigningKey): Uint8Array {
  const out = new Uint8Array(envelope);
  out.set(key.keyId32.subarray(0, senderIdBytes), senderIdAt);
  const { protectedHeader, keyinfo, body, header } = parseEnvelope(out);
  const suite = Uint8Array.of(header.suite >> 8, header.suite & 0xff);
  // As chapter 09 says of the info of a reply, for the one who signs.
  const info = concat(ascii('tdc1 survey\0'), suite, keyinfo.subarray(0, 32), key.keyId32);
  const signed = signInput(provider, key.keyId32, provider.sha256(info), protectedHeader, keyinfo, body);
  out.set(key.sign(signed), out.length - signatureBytes);
  return out;
}

const senderIdAt = 32;
const senderIdBytes = 16;
const signatureBytes = 64;
