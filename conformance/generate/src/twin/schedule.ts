/** Key ids and the key schedule of chapter 06. */
import { cat, put, text, u16, u8, vec16, zeros, type Bytes } from './bytes.ts';
import { checkPublicKey, fromLittleEndian, P } from './ed25519.ts';
import { extensionSpans } from './extensions.ts';
import { H, hkdfExtract, hmac, xp } from './hash.ts';
import { refuse } from './refusal.ts';

export const ED25519 = 0x0001;
export const X25519 = 0x0020;

/** The formula alone, without the check of suites.4. */
export function rawKeyId(alg: number, publicKey: Bytes): Bytes {
  return H(text('tdc1 keyid'), u8(0), u16(alg), vec16(publicKey));
}

/** key_id32, suites.4 */
export function keyId(alg: number, publicKey: Bytes): Bytes {
  if (alg === ED25519) checkPublicKey(publicKey);
  else if (alg === X25519) {
    if (publicKey.length !== 32 || fromLittleEndian(publicKey) >= P) refuse('E_KEY', 'suites.4');
  } else refuse('E_KEY', 'suites.4: alg');
  return rawKeyId(alg, publicKey);
}

export function hedgeSecret(processRandom: Bytes, localSecret: Bytes): Bytes {
  return xp(hkdfExtract(processRandom, localSecret), 'hedge', zeros(0), 32);
}

/** PHS: PH with salt, root32 of extension 1, the value of extension 11, and that of 12 but for its first 4 bytes, replaced by zeros. */
function saltHeader(ph: Bytes): Bytes {
  let out = put(ph, 72, zeros(16));
  for (const span of extensionSpans(ph.slice(96))) {
    if (span.number === 1) out = put(out, 96 + span.start, zeros(32));
    if (span.number === 11) out = put(out, 96 + span.start, zeros(32));
    if (span.number === 12) out = put(out, 96 + span.start + 4, zeros(Math.max(0, span.length - 4)));
  }
  return out;
}

/** AADH: PH with root32 of extension 1 replaced by zeros. */
export function aadHeader(ph: Bytes): Bytes {
  let out = ph;
  for (const span of extensionSpans(ph.slice(96))) if (span.number === 1) out = put(out, 96 + span.start, zeros(32));
  return out;
}

export function salt16(hedge: Bytes, random: Bytes, ph: Bytes, bind: Bytes, plaintexts: readonly Bytes[]): Bytes {
  return hmac(hedge, cat(random, H(saltHeader(ph), bind), H(...plaintexts))).slice(0, 16);
}

export interface RecordKey {
  streamSecret: Bytes;
  key: Bytes;
  nonce: Bytes;
  recordCommit: Bytes;
}

export function recordKey(
  sourceSecret: Bytes,
  groupCtx: Bytes,
  senderKeyId: Bytes,
  streamId: Bytes,
  salt: Bytes,
): RecordKey {
  const streamSecret = xp(sourceSecret, 'stream', cat(groupCtx, senderKeyId, streamId), 32);
  const both = xp(streamSecret, 'record', salt, 44);
  const key = both.slice(0, 32);
  const nonce = both.slice(32);
  return { streamSecret, key, nonce, recordCommit: H(text('tdc1 rc'), u8(0), key, nonce) };
}

/** SIGIN; `body` is empty for a Merkle batch. */
export function signInput(signerKeyId: Bytes, bind: Bytes, ph: Bytes, keyinfo: Bytes, body: Bytes): Bytes {
  return cat(text('tdc1 sig '), text('envelope'), u8(0), signerKeyId, bind, H(ph), H(keyinfo, body));
}

export function id32(sigin: Bytes): Bytes {
  return H(text('tdc1 id'), u8(0), sigin);
}
