import { checkWidth, equalBytes } from '../bytes/bytes.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { linkModes, type LinkMode } from '../codepoints/link-modes.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { suites as knownSuites } from '../codepoints/suites.gen.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { TridcommError } from '../errors.ts';
import { allowsSuite, decodePrincipalRecord, type PrincipalRecord } from '../keys/principal-record.ts';
import { parseObject } from '../keys/signed-object.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import type { Trust } from '../keys/trust.ts';
import type { LinkSide } from './forms.ts';

/** What one end of a link brings. */
export interface LinkOptions {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  /** The node's clock, asked once for each opening. */
  readonly now: () => number;
  readonly side: LinkSide;
  /** One of the registry of link modes. */
  readonly mode: number;
  /** The node's identity key. */
  readonly key: SigningKey;
  /** Its newest own principal record. */
  readonly principalRecord: Uint8Array;
  /** What the node holds: authority records and principal records of the peer that pass are taken into it, whatever becomes of the link. */
  readonly trust: Trust;
  /** The authority records after a serial that the node holds, in order. */
  readonly authorityRecords: (afterSerial: number) => readonly Uint8Array[];
  /** Whether the node knows a principal, under a record with this serial, to be revoked. */
  readonly isRevoked?: (keyId32: Uint8Array, serial: number) => boolean;
  /** N: suites to offer, or to choose from, the best first; default those of the own record, AES first. */
  readonly suites?: readonly number[];
  /** 1,048,584 to 16,777,216; default 8,388,624 for an initiator, 16,777,216 for a responder. */
  readonly frameCapBytes?: number;
  /** Bytes of envelopes that the peer may send before it gets more credit; default 0. */
  readonly creditBytes?: number;
  /** Initiator, required: the name that the responder's record must have. */
  readonly expectedName?: string;
  /** T, required: the exporter of the connection, and the URI names of the peer's certificate. */
  readonly tls?: { readonly exporter32: Uint8Array; readonly certificateNames: readonly string[] };
}

/** Options that were checked, with what follows from them. */
export interface LinkSetup extends Required<Omit<LinkOptions, 'isRevoked' | 'expectedName' | 'tls'>> {
  readonly mode: LinkMode;
  readonly isRevoked: LinkOptions['isRevoked'];
  readonly expectedName: LinkOptions['expectedName'];
  readonly tls: LinkOptions['tls'];
  readonly own: OwnTerms;
}

/** What of the own principal record a link goes by. A node has many links, so none keeps all of the record. */
export interface OwnTerms {
  readonly authorityId32: Uint8Array;
  readonly maxVersion: number;
}

/**
 * Checks what the caller gave.
 *
 * @throws TridcommError `E_USAGE`, with the reason as its cause where the own principal record is not one
 * @spec link.1
 */
export function setupOf(options: LinkOptions): LinkSetup {
  const { provider, random, now, side, mode, key, principalRecord, trust, authorityRecords } = options;
  const { isRevoked, expectedName, tls, creditBytes = 0 } = options;
  const frameCapBytes = options.frameCapBytes ?? defaultCapBytes[side];
  if (mode !== linkModes.tls && mode !== linkModes.noise) throw new TridcommError('E_USAGE', `link mode ${mode}`);
  if ((mode === linkModes.tls) !== (tls !== undefined)) {
    throw new TridcommError('E_USAGE', 'TLS exporter and certificate names are for mode T, and needed there');
  }
  if (tls !== undefined) checkWidth('TLS exporter', tls.exporter32, 32);
  if ((side === 'initiator') !== (expectedName !== undefined)) {
    throw new TridcommError('E_USAGE', 'the expected name is for an initiator, and needed there');
  }
  if (
    !(Number.isInteger(frameCapBytes) && frameCapBytes >= limits.storedBytes) ||
    frameCapBytes > limits.frameHardCapBytes
  ) {
    throw new TridcommError('E_USAGE', `frame cap ${frameCapBytes}`);
  }
  if (!Number.isSafeInteger(creditBytes) || creditBytes < 0)
    throw new TridcommError('E_USAGE', `credit ${creditBytes}`);
  const record = readOwnRecord(options);
  if (!equalBytes(record.key.keyId32, key.keyId32)) {
    throw new TridcommError('E_USAGE', 'principal record of another key than that of the link');
  }
  const suites = options.suites ?? preferredSuites.filter((suite) => allowsSuite(record, suite));
  const isKnown = suites.every((suite, i) => aeadOfSuite(suite) && suites.indexOf(suite) === i);
  if (mode === linkModes.noise && (suites.length === 0 || !isKnown)) {
    throw new TridcommError('E_USAGE', `suites ${suites.join(', ')}`);
  }
  const own = { authorityId32: record.object.authorityId32, maxVersion: record.maxVersion };
  const terms = { suites, frameCapBytes, creditBytes, isRevoked, expectedName, tls, own };
  return { provider, random, now, side, mode, key, principalRecord, trust, authorityRecords, ...terms };
}

/** Only its form: whether it still holds is for the peer to say. */
function readOwnRecord({ provider, principalRecord }: LinkOptions): PrincipalRecord {
  try {
    return decodePrincipalRecord(provider, parseObject(provider, principalRecord, objectKinds.principalRecord));
  } catch (cause) {
    throw new TridcommError('E_USAGE', 'own principal record', { cause });
  }
}

const preferredSuites = [knownSuites.x25519Aes256GcmEd25519, knownSuites.x25519ChaCha20Poly1305Ed25519];
/** The largest of what either side is sent: objects, and bundles. */
const defaultCapBytes = { initiator: limits.objectFrameBytes, responder: limits.frameHardCapBytes };
