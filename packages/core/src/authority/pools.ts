import { hexOf } from '../client/hex.ts';
import { actions } from '../codepoints/actions.gen.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { keyBlockKinds } from '../codepoints/key-block-kinds.gen.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import type { Grant } from '../keys/compile-policy.ts';
import type { GroupRecord, GroupRecordFields } from '../keys/group-record.ts';
import { keyBlockFlags, type KeyBlockHeader } from '../keys/key-block-format.ts';
import type { MadeBlock } from '../keys/key-block.ts';
import { derivePoolKeyPair } from '../keys/pool-key.ts';
import { encodePoolRecordBody } from '../keys/pool-record.ts';
import { encodeObject } from '../keys/signed-object.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import type { TopicPattern } from '../topics/grammar.ts';
import type { Outgoing } from './outgoing.ts';

/*
 * A pool is two groups: a front, which rules and grants name, and a crew, which follows from them. The crew has the settings of its front, and a
 * seat for everybody who may subscribe to it.
 */

/** A block that was published. */
export interface PublishedBlock {
  readonly bytes: Uint8Array;
  readonly blockHash32: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Of a crew: what its front is told of the block. */
  readonly poolRecord: Uint8Array | undefined;
}

/**
 * Refuses what a purpose does not go with.
 *
 * @throws TridcommError `E_POLICY` for a `**` where there are exact topics only; `E_USAGE` for a pool with a pre-shared key: whoever asks would have
 * the one of who works
 */
export function checkPurpose(purpose: number, patterns: readonly TopicPattern[], blockKind: number): void {
  const isExact = patterns.every(({ literals, segments }) => literals === segments.length);
  if (!isExact && (purpose === purposes.front || purpose === purposes.survey)) {
    throw new TridcommError('E_POLICY', 'a front or a group for surveys has whole topics, and no **');
  }
  if (purpose === purposes.front && blockKind === keyBlockKinds.psk) {
    throw new TridcommError('E_USAGE', 'a front is no group of kind psk');
  }
}

/** What the record of a crew says: what that of its front does, but for who it is. */
export function crewFieldsOf(front: GroupRecordFields, crewId16: Uint8Array): GroupRecordFields {
  return { ...front, groupId16: crewId16, purpose: purposes.crew, crewId16: undefined };
}

/** Whether a grant gives a seat in the crew of a front that it reaches. */
export function isForCrew({ action }: Grant): boolean {
  return (action & actions.subscribe) !== 0;
}

/** The id of a group, in hex, and with a front that of its crew. */
export function poolIdsOf({ groupId16, crewId16 }: GroupRecord): readonly string[] {
  return crewId16 === undefined ? [hexOf(groupId16)] : [hexOf(groupId16), hexOf(crewId16)];
}

/**
 * What a front is told of a block of its crew: the public key that its members derive.
 *
 * @param made - its epoch secret is not kept
 * @returns the caller's
 */
export function makePoolRecord(
  provider: CryptoProvider,
  authorityId32: Uint8Array,
  key: SigningKey,
  frontId16: Uint8Array,
  { groupId16: crewId16, generation, epoch, suite, notBeforeMs, notAfterMs, flags }: KeyBlockHeader,
  { blockHash32, epochSecret32, groupContext32 }: MadeBlock,
): Uint8Array {
  const { publicKey: publicKey32, secretKey } = derivePoolKeyPair(provider, epochSecret32, groupContext32);
  secretKey.fill(0);
  const body = encodePoolRecordBody({
    groupId16: frontId16,
    crewId16,
    generation,
    epoch,
    blockHash32,
    suite,
    publicKey32,
    notBeforeMs,
    notAfterMs,
    revokes: (flags & keyBlockFlags.revocation) !== 0,
  });
  return encodeObject(provider, objectKinds.poolRecord, authorityId32, body, [{ label: labels.pool, key }]);
}

/**
 * Adds a block to what goes out, and with one of a crew its pool record: but not one that is over, for which a broker would refuse the whole
 * bundle.
 *
 * @spec patterns.9
 */
export function sendBlock(
  groupId16: Uint8Array,
  frontId16: Uint8Array | undefined,
  { bytes, poolRecord, notAfterMs }: PublishedBlock,
  nowMs: number,
  out: Outgoing,
): void {
  out.add(addressTypes.keyBlock, groupId16, bytes);
  if (frontId16 === undefined || poolRecord === undefined || nowMs > notAfterMs) return;
  out.add(addressTypes.poolRecord, frontId16, poolRecord);
}
