import { keyAlgorithms } from '../codepoints/key-algorithms.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { suites, suiteStrengths } from '../codepoints/suites.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { decodeBody, encodeBody } from './body.ts';
import { checkInterval } from './interval.ts';
import { keyBody, publicKeyOf, type PublicKey } from './public-key.ts';
import type { SignedObject } from './signed-object.ts';

/** Who a key belongs to, and what its owner can use. */
export interface PrincipalRecord {
  readonly object: SignedObject;
  /** Identity key, Ed25519. */
  readonly key: PublicKey;
  readonly serial: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly name: string;
  readonly tenant: string | undefined;
  /** Bits of the registry of principal roles. */
  readonly roles: number;
  /** Ascending. */
  readonly suites: readonly number[];
  /** Lowest strength that it accepts. */
  readonly suiteFloor: number;
  /** Highest wire version that it speaks. */
  readonly maxVersion: number;
}

/** What a principal record says. */
export interface PrincipalRecordFields {
  readonly key: Pick<PublicKey, 'alg' | 'publicKey32'>;
  readonly serial: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly name: string;
  readonly tenant?: string | undefined;
  readonly roles: number;
  /** In any order. */
  readonly suites: readonly number[];
  readonly suiteFloor: number;
  readonly maxVersion: number;
}

/**
 * Step 5 of a principal record.
 *
 * @param object - of kind 2; what comes out holds views of it
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`, `E_KEY`
 * @spec principals.8
 */
export function decodePrincipalRecord(provider: CryptoProvider, object: SignedObject): PrincipalRecord {
  const body = decodeBody('PrincipalRecord', object.body);
  const { key, serial, not_before_ms: notBeforeMs, not_after_ms: notAfterMs, name, tenant, roles } = body;
  if (key.alg !== keyAlgorithms.ed25519) throw new TridcommError('E_ENCODING', `identity key algorithm ${key.alg}`);
  for (const [i, suite] of body.suites.entries()) {
    if (i > 0 && body.suites[i - 1]! >= suite) throw new TridcommError('E_ENCODING', 'suites out of order');
  }
  checkInterval(notBeforeMs, notAfterMs, limits.principalRecordMs);
  return {
    object,
    key: publicKeyOf(provider, key.alg, key.public_key),
    serial,
    notBeforeMs,
    notAfterMs,
    name,
    tenant,
    roles,
    suites: body.suites,
    suiteFloor: body.suite_floor,
    maxVersion: body.max_version,
  };
}

/**
 * The body of a principal record; the caller's.
 *
 * @throws TridcommError `E_USAGE`, `E_LIMIT` for what the form does not allow
 * @spec principals.1
 */
export function encodePrincipalRecordBody(fields: PrincipalRecordFields): Uint8Array {
  const { key, serial, notBeforeMs, notAfterMs, name, tenant, roles, suiteFloor, maxVersion } = fields;
  return encodeBody('PrincipalRecord', {
    key: keyBody(key),
    serial,
    not_before_ms: notBeforeMs,
    not_after_ms: notAfterMs,
    name,
    tenant,
    roles,
    suites: fields.suites.toSorted((a, b) => a - b),
    suite_floor: suiteFloor,
    max_version: maxVersion,
  });
}

/**
 * Whether something may be protected for a principal with a suite. Who gets false refuses with `E_POLICY`.
 *
 * @spec principals.15
 */
export function allowsSuite(
  record: { readonly suites: readonly number[]; readonly suiteFloor: number },
  suite: number,
): boolean {
  const strength = strengths.get(suite);
  return strength !== undefined && strength >= record.suiteFloor && record.suites.includes(suite);
}

const strengths: ReadonlyMap<number, number> = new Map<number, number>(
  Object.entries(suites).map(([name, suite]) => [suite, suiteStrengths[name as keyof typeof suites]]),
);
