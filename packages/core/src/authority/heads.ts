import { addressTypes } from '../codepoints/address-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { compareBytes } from '../bytes/bytes.ts';
import { decodeHead, encodeGroupHeads, encodeGroupLeaf, encodeHead, type GroupLeaf, type Head } from '../keys/head.ts';
import type { Policy } from '../keys/policy.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import { treeHead } from '../keys/tree-head.ts';
import type { Outgoing } from './outgoing.ts';

/** What a head is about. */
export interface HeadContent {
  readonly policy: Pick<Policy, 'version' | 'object'>;
  readonly revokedHash32: Uint8Array;
  readonly leaves: readonly GroupLeaf[];
}

/** Where a chain of heads stands. */
export interface HeadPlace {
  readonly headSeq: number;
  readonly hash32: Uint8Array;
}

/**
 * The head that follows another.
 *
 * @param before - undefined for the first
 * @param freshMs - from its issue until it is no longer fresh
 * @throws TridcommError `E_LIMIT`, `E_USAGE` as `encodeHead`
 * @spec principals.26
 */
export function nextHead(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  key: SigningKey,
  before: HeadPlace | undefined,
  content: HeadContent,
  nowMs: number,
  freshMs: number,
): Head {
  const { policy, revokedHash32, leaves } = content;
  const bytes = encodeHead(provider, authorityId32, key, {
    headSeq: (before?.headSeq ?? 0) + 1,
    issuedMs: nowMs,
    freshUntilMs: nowMs + freshMs,
    policyVersion: policy.version,
    policyHash32: policy.object.hash32,
    groupsRoot32: treeHead(provider, sortedLeaves(leaves)),
    revokedHash32,
    prevHeadHash32: before?.hash32 ?? new Uint8Array(32),
  });
  return decodeHead(provider, bytes);
}

/** Adds a head, and what each group gets of it, to what goes out. */
export function sendHead(provider: CryptoProvider, out: Outgoing, head: Head, leaves: readonly GroupLeaf[]): void {
  const sorted = sortedLeaves(leaves);
  for (const [i, bytes] of encodeGroupHeads(provider, head.bytes, sorted).entries()) {
    out.add(addressTypes.groupHead, sorted[i]!.subarray(1, 17), bytes);
  }
  out.add(addressTypes.head, new Uint8Array(0), head.bytes);
}

/**
 * How long heads stay fresh.
 *
 * @throws TridcommError `E_USAGE` for what no receiver takes
 */
export function checkHeadTimes(freshMs: number, intervalMs: number): void {
  if (!(Number.isInteger(freshMs) && freshMs >= 1 && freshMs <= limits.headFreshMaxMs)) {
    throw new TridcommError('E_USAGE', `heads fresh for ${freshMs} ms`);
  }
  if (!(Number.isInteger(intervalMs) && intervalMs >= 1 && intervalMs <= limits.headIntervalMs)) {
    throw new TridcommError('E_USAGE', `${intervalMs} ms between heads, at most ${limits.headIntervalMs}`);
  }
}

function sortedLeaves(leaves: readonly GroupLeaf[]): readonly Uint8Array[] {
  return leaves.map(encodeGroupLeaf).sort(compareBytes);
}
