import { equalBytes } from '../bytes/bytes.ts';
import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { decodeBody, encodeBody } from './body.ts';
import { checkInterval } from './interval.ts';
import { keyBody, publicKeyOf, type PublicKey } from './public-key.ts';
import type { SignedObject } from './signed-object.ts';

/** The keys by which secrets reach a principal. */
export interface KeyRecord {
  readonly object: SignedObject;
  readonly principalKeyId32: Uint8Array;
  /** Serial of the principal record that it was made under. */
  readonly principalSerial: number;
  readonly serial: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** 1 to 4, X25519; the first is the one to use. */
  readonly prekeys: readonly PublicKey[];
  /** X25519, for links. */
  readonly noiseStatic: PublicKey | undefined;
}

/** What a key record says. */
export interface KeyRecordFields {
  readonly principalKeyId32: Uint8Array;
  readonly principalSerial: number;
  readonly serial: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly prekeys: readonly Pick<PublicKey, 'alg' | 'publicKey32'>[];
  readonly noiseStatic?: Pick<PublicKey, 'alg' | 'publicKey32'> | undefined;
}

/**
 * Step 5 of a key record.
 *
 * @param object - of kind 3; what comes out holds views of it
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`, `E_KEY`
 * @spec principals.8, principals.18, suites.5
 */
export function decodeKeyRecord(provider: CryptoProvider, object: SignedObject): KeyRecord {
  const body = decodeBody('KeyRecord', object.body);
  const { not_before_ms: notBeforeMs, not_after_ms: notAfterMs, noise_static: noiseStatic } = body;
  const keys = noiseStatic === undefined ? body.prekeys : [...body.prekeys, noiseStatic];
  for (const [i, { alg, public_key }] of keys.entries()) {
    if (alg !== keyAlgorithms.x25519) throw new TridcommError('E_ENCODING', `prekey algorithm ${alg}`);
    if (keys.slice(0, i).some((other) => equalBytes(other.public_key, public_key))) {
      throw new TridcommError('E_ENCODING', 'a key that stands twice');
    }
  }
  checkInterval(notBeforeMs, notAfterMs, limits.keyRecordMs);
  const usable = ({ alg, public_key }: { readonly alg: number; readonly public_key: Uint8Array }) => {
    const key = publicKeyOf(provider, alg, public_key);
    // What gives no shared secret with one clamped secret gives none with any: who seals to it must not be the first to see that.
    provider.x25519(anySecret32, public_key);
    return key;
  };
  return {
    object,
    principalKeyId32: body.principal_key_id32,
    principalSerial: body.principal_serial,
    serial: body.serial,
    notBeforeMs,
    notAfterMs,
    prekeys: body.prekeys.map(usable),
    noiseStatic: noiseStatic === undefined ? undefined : usable(noiseStatic),
  };
}

/**
 * The body of a key record; the caller's.
 *
 * @param fields - prekeys in their order, the one to use first
 * @throws TridcommError `E_USAGE`, `E_LIMIT` for what the form does not allow
 * @spec principals.1
 */
export function encodeKeyRecordBody(fields: KeyRecordFields): Uint8Array {
  const { principalKeyId32, principalSerial, serial, notBeforeMs, notAfterMs, prekeys, noiseStatic } = fields;
  return encodeBody('KeyRecord', {
    principal_key_id32: principalKeyId32,
    principal_serial: principalSerial,
    serial,
    not_before_ms: notBeforeMs,
    not_after_ms: notAfterMs,
    prekeys: prekeys.map(keyBody),
    noise_static: noiseStatic === undefined ? undefined : keyBody(noiseStatic),
  });
}

const anySecret32 = new Uint8Array(32);
