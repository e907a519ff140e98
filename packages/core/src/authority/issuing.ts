import { checkWidth } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { principalRoles } from '../codepoints/principal-roles.gen.ts';
import { suites as suiteNumbers } from '../codepoints/suites.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { TridcommError } from '../errors.ts';
import { readProposal, type ReadProposal, type RecordProposal } from '../keys/principal-proposal.ts';
import { decodePrincipalRecord, encodePrincipalRecordBody, type PrincipalRecord } from '../keys/principal-record.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { encodeObject, parseObject } from '../keys/signed-object.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import type { PrincipalFields } from './options.ts';
import { isNarrower, type Principal } from './principals.ts';
import type { Revocation } from './revocations.ts';

/**
 * The record that a principal is to sign.
 *
 * @throws TridcommError `E_LIMIT`, `E_USAGE`, `E_ENCODING` for what a record cannot say
 */
export function composeProposal(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  key: PublicKey,
  serial: number,
  fields: PrincipalFields,
  nowMs: number,
): RecordProposal {
  const body = encodePrincipalRecordBody({
    key,
    serial,
    notBeforeMs: nowMs,
    notAfterMs: fields.notAfterMs ?? nowMs + limits.principalRecordMs,
    name: fields.name,
    tenant: fields.tenant,
    roles: fields.roles ?? principalRoles.member,
    suites: fields.suites ?? knownSuites,
    suiteFloor: fields.suiteFloor ?? 1,
    maxVersion: wireVersion,
  });
  const { signInput } = readProposal(provider, authorityId32, body);
  return { body, signInput };
}

/**
 * A proposal, read, with the signature of its subject.
 *
 * @throws TridcommError `E_SIG` for a signature that is not the subject's; `E_USAGE` for one of another width
 */
export function checkSubject(provider: CryptoProvider, proposal: ReadProposal, signature64: Uint8Array): void {
  checkWidth('signature', signature64, 64);
  const { publicKey32 } = proposal.record.key;
  if (!provider.ed25519Verify(publicKey32, proposal.signInput, signature64)) {
    throw new TridcommError('E_SIG', 'signature of the subject of a principal record');
  }
}

/** The record, signed by its subject and then by the issuer. */
export function counterSign(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  { body, record }: ReadProposal,
  signature64: Uint8Array,
  issuer: SigningKey,
): PrincipalRecord {
  const kind = objectKinds.principalRecord;
  const bytes = encodeObject(provider, kind, authorityId32, body, [
    { label: labels.principalRecord, key: { ...record.key, sign: () => signature64 } },
    { label: labels.issuer, key: issuer },
  ]);
  return decodePrincipalRecord(provider, parseObject(provider, bytes, kind));
}

/**
 * What ends the records before one that allows less than they do, while any of them may still count; undefined where there is nothing to end.
 *
 * @spec principals.24
 */
export function endOfEarlier(
  before: Principal | undefined,
  record: PrincipalRecord,
  skewMs: number,
  nowMs: number,
): Revocation | undefined {
  if (before === undefined || !isNarrower(record, before.record)) return undefined;
  const neededUntilMs = before.lastRecordEndsMs + 2 * skewMs;
  if (nowMs > neededUntilMs) return undefined;
  return { keyId32: record.key.keyId32, minSerial: record.serial, neededUntilMs };
}

const knownSuites: readonly number[] = Object.values(suiteNumbers).filter((suite) => aeadOfSuite(suite) !== undefined);
const wireVersion = 1;
