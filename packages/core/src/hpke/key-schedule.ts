/** Modes Base and PSK of HPKE, from the shared secret to the keys of a context: RFC 9180 section 5.1. */
import { ascii, concat, writeU16 } from '../bytes/bytes.ts';
import type { AeadAlgorithm, CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { kemId } from './kem.ts';
import { labeledExpand, labeledExtract } from './labeled.ts';

/** A secret that both sides had before: makes the mode PSK. */
export interface PreSharedKey {
  /** 32 bytes or more, uniform: neither AEAD commits to its key, so a guessable one could be tried many at a time. */
  readonly psk: Uint8Array;
  /** Which one it is; 1 byte or more, not secret. */
  readonly pskId: Uint8Array;
}

/** What a context works with. */
export interface ContextKeys {
  readonly aead: AeadAlgorithm;
  /** `HPKE` ‖ KEM ‖ KDF ‖ AEAD, of 10 bytes: stands in every derivation. */
  readonly suiteId: Uint8Array;
  readonly key32: Uint8Array;
  readonly baseNonce12: Uint8Array;
  readonly exporterSecret32: Uint8Array;
}

/**
 * The keys of both sides of a context; fresh arrays.
 *
 * Source: RFC 9180 section 5.1, KeySchedule.
 *
 * @param sharedSecret32 - from the KEM; overwritten
 * @param info - of any length; not changed, not kept
 * @param preSharedKey - mode PSK with it, mode Base without; {@link checkPreSharedKey} has seen it
 */
export function deriveContextKeys(
  provider: CryptoProvider,
  aead: AeadAlgorithm,
  sharedSecret32: Uint8Array,
  info: Uint8Array,
  preSharedKey: PreSharedKey | undefined,
): ContextKeys {
  const suiteId = suiteIds[aead];
  const { psk, pskId } = preSharedKey ?? noPreSharedKey;
  const pskIdHash = labeledExtract(provider, suiteId, none, 'psk_id_hash', pskId);
  const infoHash = labeledExtract(provider, suiteId, none, 'info_hash', info);
  const context = concat(Uint8Array.of(preSharedKey === undefined ? modes.base : modes.psk), pskIdHash, infoHash);
  const secret = labeledExtract(provider, suiteId, sharedSecret32, 'secret', psk);
  sharedSecret32.fill(0);
  const keys: ContextKeys = {
    aead,
    suiteId,
    key32: labeledExpand(provider, suiteId, secret, 'key', context, 32),
    baseNonce12: labeledExpand(provider, suiteId, secret, 'base_nonce', context, 12),
    exporterSecret32: labeledExpand(provider, suiteId, secret, 'exp', context, 32),
  };
  secret.fill(0);
  return keys;
}

/**
 * Refuses what mode PSK must not be given; undefined, for mode Base, passes.
 *
 * Source: RFC 9180 section 5.1, VerifyPSKInputs, and section 5.1.2, which asks for 32 bytes.
 *
 * @throws TridcommError `E_USAGE` for a key below 32 bytes or an id of none
 */
export function checkPreSharedKey(preSharedKey: PreSharedKey | undefined): void {
  if (preSharedKey === undefined) return;
  const { psk, pskId } = preSharedKey;
  if (psk.length < 32) throw new TridcommError('E_USAGE', `HPKE pre-shared key of ${psk.length} bytes, at least 32`);
  if (pskId.length === 0) throw new TridcommError('E_USAGE', 'HPKE pre-shared key id of 0 bytes, at least 1');
}

function suiteIdOf(aeadId: number): Uint8Array {
  const id = concat(ascii('HPKE'), new Uint8Array(6));
  writeU16(id, 4, kemId);
  writeU16(id, 6, kdfId);
  writeU16(id, 8, aeadId);
  return id;
}

const none: Uint8Array = new Uint8Array(0);
const noPreSharedKey: PreSharedKey = { psk: none, pskId: none };

/** RFC 9180 section 5, table 1. */
const modes = { base: 0, psk: 1 } as const;

/** RFC 9180 sections 7.2 and 7.3. */
const kdfId = 0x0001;
const suiteIds: Readonly<Record<AeadAlgorithm, Uint8Array>> = {
  'aes-256-gcm': suiteIdOf(0x0002),
  'chacha20-poly1305': suiteIdOf(0x0003),
};
