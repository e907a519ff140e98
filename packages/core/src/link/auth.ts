import { equalBytes } from '../bytes/bytes.ts';
import { varintLength } from '../bytes/varint.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { linkModes } from '../codepoints/link-modes.gen.ts';
import { messages } from '../codepoints/messages.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { principalRoles } from '../codepoints/principal-roles.gen.ts';
import { TridcommError } from '../errors.ts';
import { allowsSuite, type PrincipalRecord } from '../keys/principal-record.ts';
import { parseObject } from '../keys/signed-object.ts';
import { peerOf } from './forms.ts';
import { encodeAuth, type Auth } from './opening-bodies.ts';
import type { LinkSetup } from './options.ts';
import { linkSignInput } from './transcript.ts';

/** What both ends chose. */
export interface Chosen {
  readonly version: number;
  /** Undefined in T. */
  readonly suite: number | undefined;
}

/** What an auth is judged by, besides what the node holds. */
export interface AuthContext extends Chosen {
  /** What its signature must be bound to: {@link linkSignInput}. */
  readonly context32: Uint8Array;
  /** The serial that the own hello said. */
  readonly ownSerial: number;
}

/**
 * The body of the own auth; the caller's.
 *
 * @param context32 - what the signature is bound to: {@link linkSignInput}
 * @param peerSerial - of the newest authority record that the peer holds
 * @spec link.9
 */
export function makeAuth(setup: LinkSetup, context32: Uint8Array, peerSerial: number): Uint8Array {
  const { provider, mode, side, key, principalRecord } = setup;
  const signature64 = key.sign(linkSignInput(provider, mode, side, key.keyId32, context32, principalRecord));
  const authorityRecords = thatFit(setup.authorityRecords(peerSerial), principalRecord.length);
  return encodeAuth({ principalRecord, signature64, authorityRecords });
}

/** The first ones, as many as an auth has room for beside the rest of it. */
function thatFit(records: readonly Uint8Array[], principalRecordBytes: number): Uint8Array[] {
  let room = limits.authBytes - fieldBytes(principalRecordBytes) - fieldBytes(64);
  const fitting: Uint8Array[] = [];
  for (const record of records) {
    room -= fieldBytes(record.length);
    if (room < 0 || fitting.length === mostAuthorityRecords) break;
    fitting.push(record);
  }
  return fitting;
}

/** A field of bytes in a body: its tag, which takes one byte, its length, and its bytes. */
function fieldBytes(length: number): number {
  return 1 + varintLength(length) + length;
}

/**
 * Judges the peer's auth, whose form was checked. What passes of authority and principal records is held from then on, also where a
 * later check fails.
 *
 * @throws TridcommError the first that fails: what chapter 07 says of its records, `E_POLICY` for a suite that the principal does not
 *   take, `E_REVOKED`, `E_BINDING`, `E_HANDSHAKE`
 * @spec link.10
 */
export function checkAuth(setup: LinkSetup, auth: Auth, context: AuthContext): PrincipalRecord {
  const { provider, mode, side, trust, isRevoked } = setup;
  const { context32, suite, version } = context;
  const nowMs = setup.now();
  takeAuthorityRecords(setup, auth.authorityRecords, context.ownSerial, nowMs);
  trust.takePrincipalRecord(auth.principalRecord, nowMs);
  const { signatures } = parseObject(provider, auth.principalRecord, objectKinds.principalRecord);
  // The first signer is the subject, as was just checked.
  const peer = trust.principal(signatures[0]!.signerKeyId32)!;
  const { keyId32, publicKey32 } = peer.key;
  if (suite !== undefined && !allowsSuite(peer, suite)) {
    throw new TridcommError('E_POLICY', `suite ${suite} for a principal that does not take it`);
  }
  if (isRevoked?.(keyId32, peer.serial) === true) throw new TridcommError('E_REVOKED', 'peer of a link');
  checkCertificate(setup, keyId32);
  const signed = linkSignInput(provider, mode, peerOf(side), keyId32, context32, auth.principalRecord);
  if (!provider.ed25519Verify(publicKey32, signed, auth.signature64)) {
    throw new TridcommError(mode === linkModes.tls ? 'E_BINDING' : 'E_HANDSHAKE', 'signature over the link');
  }
  checkPeer(setup, peer, version);
  return peer;
}

/**
 * Those that came another way since the own hello asked for what is newer than `ownSerial` are known by now; `Trust`, which holds the
 * newest alone, would take them for old ones.
 *
 * @spec principals.10
 */
function takeAuthorityRecords(
  { trust, authorityRecords }: LinkSetup,
  records: readonly Uint8Array[],
  ownSerial: number,
  nowMs: number,
): void {
  const isBehind = (trust.authorityRecord?.serial ?? 0) > ownSerial;
  const held = isBehind ? authorityRecords(ownSerial) : [];
  for (const record of records) {
    if (!held.some((known) => equalBytes(known, record))) trust.takeAuthorityRecord(record, nowMs);
  }
}

/** The URI that a certificate for T names the key of its principal by. */
export function certificateNameOf(keyId32: Uint8Array): string {
  return certificatePrefix + Array.from(keyId32, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @spec link.15 */
function checkCertificate({ tls }: LinkSetup, keyId32: Uint8Array): void {
  if (tls === undefined) return;
  const names = tls.certificateNames.filter((name) => name.startsWith(certificatePrefix));
  if (names.length !== 1 || names[0] !== certificateNameOf(keyId32)) {
    throw new TridcommError('E_BINDING', 'certificate of another key than that of the auth');
  }
}

/** @spec link.11, link.12, link.13 */
function checkPeer({ side, key, own, expectedName }: LinkSetup, peer: PrincipalRecord, version: number): void {
  if (side === 'initiator') {
    if ((peer.roles & principalRoles.broker) === 0) throw refusal('the peer is no broker');
    if (peer.name !== expectedName) throw refusal('the peer has another name');
  }
  if (Math.min(peer.maxVersion, own.maxVersion) !== version) {
    throw refusal(`version ${version}, highest ${peer.maxVersion} of the peer and ${own.maxVersion} of this node`);
  }
  if (side === 'responder' && equalBytes(peer.key.keyId32, key.keyId32)) throw refusal('the peer has this key');
}

function refusal(detail: string): TridcommError {
  return new TridcommError('E_HANDSHAKE', detail);
}

const certificatePrefix = 'tdc:';
const mostAuthorityRecords = messages.Auth[2].maxCount;
