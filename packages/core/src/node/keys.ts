/**
 * Raw keys as the KeyObjects of node:crypto, and back.
 *
 * µs measured on Node 20.20 / 24.21:
 *
 * | step                   |          | step                        |         |
 * | ---------------------- | -------- | --------------------------- | ------- |
 * | public key in, JWK     | 6 / 23   | public key from secret, JWK | 4 / 2   |
 * | public key in, SPKI    | 76 / 27  | new pair, as JWK            | 42 / 35 |
 * | secret key in, PKCS #8 | 355 / 57 | SHA-256 of a key            | 1 / 1   |
 * | secret key in, JWK     | 37 / 51  |                             |         |
 *
 * A secret key of the caller goes in as PKCS #8 all the same: a JWK must name the public half, which is not at hand and
 * which Node does not compare, and holds the secret as a string, which nobody can wipe.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { KeyAlgorithm, KeyPair } from '../crypto/provider.ts';
import { sha256 } from './hash.ts';
import { LruCache } from './lru-cache.ts';

/** A public key of 32 bytes as a KeyObject; the most recent ones are remembered by value. */
export function publicKeyObject(algorithm: KeyAlgorithm, publicKey32: Uint8Array): KeyObject {
  const cache = publicKeys[algorithm];
  const id = latin1(publicKey32);
  let key = cache.get(id);
  if (key === undefined) {
    const x = bufferOn(publicKey32).toString('base64url');
    key = createPublicKey({ key: { kty: 'OKP', crv: jwkCurves[algorithm], x }, format: 'jwk' });
    cache.set(id, key);
  }
  return key;
}

/**
 * A seed or secret of 32 bytes as a KeyObject.
 *
 * Remembered with the caller's own array and no longer than it: an epoch key or an ephemeral that its owner gives up must
 * not live on here. The array may be overwritten, so its hash is compared each time.
 */
export function secretKeyObject(algorithm: KeyAlgorithm, secretKey32: Uint8Array): KeyObject {
  const cache = secretKeys[algorithm];
  const id = latin1(sha256(secretKey32));
  const known = cache.get(secretKey32);
  if (known?.id === id) return known.key;
  const der = new Uint8Array(48);
  der.set(pkcs8Prefixes[algorithm]);
  der.set(secretKey32, 16);
  const key = createPrivateKey({ key: bufferOn(der), format: 'der', type: 'pkcs8' });
  der.fill(0);
  cache.set(secretKey32, { id, key });
  return key;
}

/** The 32 bytes of the public half of a secret key, for keys that were imported. */
export function rawPublicKey(secretKey: KeyObject): Uint8Array {
  const { x = '' } = createPublicKey(secretKey).export({ format: 'jwk' });
  return fromBase64url(x);
}

/**
 * A new key pair of OpenSSL's making; its secret half needs no import when it is used.
 *
 * The pair must leave `generateKeyPairSync` as a JWK. A KeyObject of it shares a lock with the finished job, and Node 20 comes
 * to a standstill when the garbage collector meets that job while such a KeyObject is exported.
 */
export function freshKeyPair(algorithm: KeyAlgorithm): KeyPair {
  const jwk = generate(algorithm, asJwk).privateKey;
  const secretKey = fromBase64url(jwk.d ?? '');
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  secretKeys[algorithm].set(secretKey, { id: latin1(sha256(secretKey)), key });
  return { secretKey, publicKey: fromBase64url(jwk.x ?? '') };
}

/** 32 bytes of their own: `Buffer.from` would leave a copy in the pool that all of Node shares. */
function fromBase64url(text: string): Uint8Array {
  const bytes = new Uint8Array(32);
  bufferOn(bytes).write(text, 'base64url');
  return bytes;
}

function latin1(bytes: Uint8Array): string {
  return bufferOn(bytes).toString('latin1');
}

function bufferOn(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** At most about 1.1 KB each: senders whose signatures are checked, and peers' keys that are seldom seen twice. */
const publicKeys = { ed25519: new LruCache<KeyObject>(4_096), x25519: new LruCache<KeyObject>(256) } as const;

type SecretKeys = WeakMap<Uint8Array, { readonly id: string; readonly key: KeyObject }>;
const secretKeys: Record<KeyAlgorithm, SecretKeys> = { ed25519: new WeakMap(), x25519: new WeakMap() };

const asJwk = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } } as const;

// Node documents JWK as an encoding here; its types do not know it.
type Generate = (algorithm: KeyAlgorithm, encodings: typeof asJwk) => { readonly privateKey: JsonWebKey };
const generate = generateKeyPairSync as unknown as Generate;

const jwkCurves = { ed25519: 'Ed25519', x25519: 'X25519' } as const;

/** PKCS #8 of RFC 8410 up to the 32 bytes of the key: the object identifiers are 1.3.101.112 and 1.3.101.110. */
const pkcs8Prefixes = {
  ed25519: Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20),
  x25519: Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20),
} as const;
