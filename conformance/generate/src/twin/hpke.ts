/** HPKE of RFC 9180, mode Base, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256: one message for each key, or exports. */
import * as aead from './aead.ts';
import { cat, text, u16, u8, zeros, type Bytes } from './bytes.ts';
import { hkdfExpand, hkdfExtract } from './hash.ts';
import { refuse } from './refusal.ts';
import { x25519, x25519Public } from './x25519.ts';

const KEM_ID = 0x0020;
const KDF_ID = 0x0001;
/** The number that RFC 9180 gives the AEAD of a suite. */
const AEAD_ID: Readonly<Record<number, number>> = { 1: 0x0003, 2: 0x0002 };

const KEM_SUITE: Bytes = cat(text('KEM'), u16(KEM_ID));

function hpkeSuite(suite: number): Bytes {
  const id = AEAD_ID[suite];
  if (id === undefined) throw new Error(`no AEAD for suite ${suite}`);
  return cat(text('HPKE'), u16(KEM_ID), u16(KDF_ID), u16(id));
}

function labeledExtract(suiteId: Bytes, salt: Bytes, label: string, ikm: Bytes): Bytes {
  return hkdfExtract(salt, cat(text('HPKE-v1'), suiteId, text(label), ikm));
}

function labeledExpand(suiteId: Bytes, prk: Bytes, label: string, info: Bytes, length: number): Bytes {
  return hkdfExpand(prk, cat(u16(length), text('HPKE-v1'), suiteId, text(label), info), length);
}

/** §7.1.3 */
export function deriveSecretKey(ikm: Bytes): Bytes {
  const prk = labeledExtract(KEM_SUITE, zeros(0), 'dkp_prk', ikm);
  return labeledExpand(KEM_SUITE, prk, 'sk', zeros(0), 32);
}

/** ExtractAndExpand of §4.1 */
function sharedSecret(dh: Bytes, enc: Bytes, publicKey: Bytes): Bytes {
  const prk = labeledExtract(KEM_SUITE, zeros(0), 'eae_prk', dh);
  return labeledExpand(KEM_SUITE, prk, 'shared_secret', cat(enc, publicKey), 32);
}

export interface HpkeKey {
  key: Bytes;
  nonce: Bytes;
  /** Export of §5.3 */
  exports: (context: Bytes, length: number) => Bytes;
}

/** §5.1, mode Base */
function keySchedule(suite: number, shared: Bytes, info: Bytes): HpkeKey {
  const id = hpkeSuite(suite);
  const context = cat(
    u8(0),
    labeledExtract(id, zeros(0), 'psk_id_hash', zeros(0)),
    labeledExtract(id, zeros(0), 'info_hash', info),
  );
  const secret = labeledExtract(id, shared, 'secret', zeros(0));
  const exporter = labeledExpand(id, secret, 'exp', context, 32);
  return {
    key: labeledExpand(id, secret, 'key', context, 32),
    nonce: labeledExpand(id, secret, 'base_nonce', context, 12),
    exports: (label, length) => labeledExpand(id, exporter, 'sec', label, length),
  };
}

/** What a sender gets; `drawn` makes the ephemeral. */
export function senderKey(suite: number, publicKey: Bytes, info: Bytes, drawn: Bytes): HpkeKey & { enc: Bytes } {
  const ephemeral = deriveSecretKey(drawn);
  const enc = x25519Public(ephemeral);
  return { enc, ...keySchedule(suite, sharedSecret(x25519(ephemeral, publicKey), enc, publicKey), info) };
}

export function sealBase(
  suite: number,
  publicKey: Bytes,
  info: Bytes,
  aad: Bytes,
  plaintext: Bytes,
  drawn: Bytes,
): { enc: Bytes; ct: Bytes } {
  const k = senderKey(suite, publicKey, info, drawn);
  return { enc: k.enc, ct: aead.seal(suite, k.key, k.nonce, aad, plaintext) };
}

export function receiverKey(suite: number, secret: Bytes, enc: Bytes, info: Bytes): HpkeKey {
  return keySchedule(suite, sharedSecret(x25519(secret, enc), enc, x25519Public(secret)), info);
}

/** An `enc` that X25519 cannot use opens nothing either: E_AEAD. */
export function decapsulated(suite: number, secret: Bytes, enc: Bytes, info: Bytes): HpkeKey {
  try {
    return receiverKey(suite, secret, enc, info);
  } catch {
    return refuse('E_AEAD', 'enc of small order');
  }
}

export function openBase(suite: number, secret: Bytes, enc: Bytes, info: Bytes, aad: Bytes, ct: Bytes): Bytes {
  const k = decapsulated(suite, secret, enc, info);
  return aead.open(suite, k.key, k.nonce, aad, ct);
}
