import { ascii, checkWidth, concat, equalBytes, readU16, readU32, writeU32 } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { signInputOf } from './sign-input.ts';
import type { SigningKey } from './signing-key.ts';

/*
 * object = prefix44 ‖ body ‖ u8 sig_count ‖ sig_count × ( signer_key_id32 ‖ signature64 )
 */

/** An object as received: views of its bytes, of which nothing is verified yet. */
export interface SignedObject {
  readonly bytes: Uint8Array;
  readonly kind: number;
  readonly authorityId32: Uint8Array;
  readonly prefix44: Uint8Array;
  readonly body: Uint8Array;
  /** `object_hash32`; of prefix and body as received, never of signatures. */
  readonly hash32: Uint8Array;
  readonly signatures: readonly ObjectSignature[];
}

/** One signature of an object, with the key id that it claims. */
export interface ObjectSignature {
  readonly signerKeyId32: Uint8Array;
  readonly signature64: Uint8Array;
}

/** Who signs an object, as what. */
export interface ObjectSigner {
  /** One of the registry of labels. */
  readonly label: string;
  readonly key: SigningKey;
}

/**
 * Steps 1 to 3 of an object.
 *
 * @param bytes - the object, exactly; kept, and what comes out are views of it
 * @param expectedKind - a defined kind of the registry
 * @throws TridcommError `E_LENGTH`, `E_LIMIT`, `E_ENCODING`, `E_VERSION`
 * @spec principals.8, principals.9
 */
export function parseObject(provider: CryptoProvider, bytes: Uint8Array, expectedKind: number): SignedObject {
  if (bytes.length < prefixBytes + 1) throw new TridcommError('E_LENGTH', `object of ${bytes.length} bytes`);
  checkLimit('object bytes', bytes.length, limits.objectBytes);
  if (!equalBytes(bytes.subarray(0, 4), magic)) throw new TridcommError('E_ENCODING', 'not the magic of an object');
  if (bytes[4] !== 1) throw new TridcommError('E_VERSION', `object version ${bytes[4]}`);
  const kind = bytes[5]!;
  if (!definedKinds.has(kind) || kind !== expectedKind) {
    throw new TridcommError('E_ENCODING', `object kind ${kind}, expected ${expectedKind}`);
  }
  if (readU16(bytes, 6) !== 0) throw new TridcommError('E_ENCODING', 'bytes of an object that must be 0');
  const bodyEnd = prefixBytes + readU32(bytes, 40);
  if (bodyEnd >= bytes.length) throw new TridcommError('E_LENGTH', 'body of an object ends behind it');
  const count = bytes[bodyEnd]!;
  if (bytes.length !== bodyEnd + 1 + count * signatureBytes) {
    throw new TridcommError('E_LENGTH', `object of ${bytes.length} bytes with ${count} signatures`);
  }
  checkLimit('signatures', count, limits.objectSignatures);
  const prefix44 = bytes.subarray(0, prefixBytes);
  const body = bytes.subarray(prefixBytes, bodyEnd);
  const signatures: ObjectSignature[] = [];
  for (let at = bodyEnd + 1; at < bytes.length; at += signatureBytes) {
    signatures.push({
      signerKeyId32: bytes.subarray(at, at + 32),
      signature64: bytes.subarray(at + 32, at + signatureBytes),
    });
  }
  const authorityId32 = bytes.subarray(8, 40);
  return { bytes, kind, authorityId32, prefix44, body, hash32: objectHash(provider, prefix44, body), signatures };
}

/**
 * Signs a body: the whole object; the caller's.
 *
 * @param body - in the one form of its kind
 * @param signers - in the order that the kind asks for
 * @throws TridcommError `E_LIMIT` for an object, or a number of signers, above its limit; `E_USAGE` for a kind that is not defined
 */
export function encodeObject(
  provider: CryptoProvider,
  kind: number,
  authorityId32: Uint8Array,
  body: Uint8Array,
  signers: readonly ObjectSigner[],
): Uint8Array {
  checkWidth('authority id', authorityId32, 32);
  if (!definedKinds.has(kind)) throw new TridcommError('E_USAGE', `object kind ${kind}`);
  checkLimit('signatures', signers.length, limits.objectSignatures);
  checkLimit('object bytes', prefixBytes + body.length + 1 + signers.length * signatureBytes, limits.objectBytes);
  const prefix44 = new Uint8Array(prefixBytes);
  prefix44.set(magic);
  prefix44[4] = 1;
  prefix44[5] = kind;
  prefix44.set(authorityId32, 8);
  writeU32(prefix44, 40, body.length);
  const parts = [prefix44, body, Uint8Array.of(signers.length)];
  for (const { label, key } of signers) {
    parts.push(key.keyId32, key.sign(signInputOf(provider, label, key.keyId32, authorityId32, prefix44, body)));
  }
  return concat(...parts);
}

/**
 * Whether a signature of an object verifies.
 *
 * @param publicKey32 - the key whose id the signature names
 * @throws TridcommError `E_KEY` for a key that must not be used
 * @spec principals.9
 */
export function isSignedBy(
  provider: CryptoProvider,
  object: SignedObject,
  label: string,
  { signerKeyId32, signature64 }: ObjectSignature,
  publicKey32: Uint8Array,
): boolean {
  const { authorityId32, prefix44, body } = object;
  const signed = signInputOf(provider, label, signerKeyId32, authorityId32, prefix44, body);
  return provider.ed25519Verify(publicKey32, signed, signature64);
}

function objectHash(provider: CryptoProvider, prefix44: Uint8Array, body: Uint8Array): Uint8Array {
  return provider.sha256(hashPrefix, prefix44, body);
}

const prefixBytes = 44;
const signatureBytes = 32 + 64;
const magic = ascii('TDOB');
const hashPrefix = ascii(`${labels.objectHash}\0`);

/** The others of the registry are reserved. */
const definedKinds: ReadonlySet<number> = new Set([
  objectKinds.authorityRecord,
  objectKinds.principalRecord,
  objectKinds.keyRecord,
  objectKinds.policy,
  objectKinds.groupRecord,
  objectKinds.poolRecord,
]);
