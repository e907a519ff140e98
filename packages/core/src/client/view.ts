import { equalBytes } from '../bytes/bytes.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { TridcommError } from '../errors.ts';
import type { AccessList } from '../keys/access-list.ts';
import { privateHash } from '../keys/group-private.ts';
import type { GroupRecord } from '../keys/group-record.ts';
import type { GroupLeaf, Head } from '../keys/head.ts';
import type { OpenedBlock } from '../keys/member-keys.ts';
import { entryOf, type Policy } from '../keys/policy.ts';
import type { RevocationList } from '../keys/revocation-list.ts';
import type { Holdings } from './holdings.ts';

/** What a member's view of a group agrees on. */
export interface View {
  readonly head: Head;
  readonly leaf: GroupLeaf;
  readonly authoritySerial: number;
  readonly policy: Policy;
  readonly record: GroupRecord;
  readonly writers: AccessList;
  readonly revoked: RevocationList;
  readonly block: OpenedBlock;
}

/** Numbers of a view that no later one falls below, also after a restart. */
export interface ViewFloor {
  readonly policyVersion: number;
  readonly authoritySerial: number;
  readonly recordSerial: number;
}

/** What a group holds that may become part of a view. */
export interface ViewParts {
  writers(root32: Uint8Array): AccessList | undefined;
  block(blockHash32: Uint8Array): OpenedBlock | undefined;
}

/**
 * Puts together the view that a head names.
 *
 * @param leaf - proven to be of the head
 * @returns the view, or the address types of what is lacking
 * @throws TridcommError `E_POLICY` for a head that names what does not agree, `E_EPOCH` for one that leads back
 * @spec principals.34, principals.35, principals.36
 */
export function viewOf(
  { provider, policies, authoritySerials, groupRecords, revocationLists }: Holdings,
  parts: ViewParts,
  floor: ViewFloor,
  head: Head,
  leaf: GroupLeaf,
): View | number[] {
  if (head.policyVersion < floor.policyVersion)
    throw new TridcommError('E_EPOCH', `policy version ${head.policyVersion}`);
  const missing: number[] = [];
  const policy = policies.get(head.policyHash32);
  const block = parts.block(leaf.blockHash32);
  const revoked = revocationLists.named(head.revokedHash32);
  if (policy === undefined) missing.push(addressTypes.policy);
  if (block === undefined) missing.push(addressTypes.keyBlock);
  if (revoked === undefined) missing.push(addressTypes.revocationList);
  if (policy === undefined) return missing;
  if (policy.version !== head.policyVersion) throw new TridcommError('E_POLICY', 'head of another policy version');
  const entry = entryOf(policy, leaf.groupId16);
  if (entry === undefined) throw new TridcommError('E_POLICY', 'group that the policy does not have');
  if (block !== undefined)
    checkBlock(block, leaf, policy.version, entry.writersRoot32, (body) =>
      equalBytes(privateHash(provider, leaf.groupId16, body), entry.privateHash32),
    );
  const authoritySerial = authoritySerials.get(policy.authorityRecordHash32);
  const record = groupRecords.get(entry.groupRecordHash32);
  const writers = parts.writers(entry.writersRoot32);
  if (authoritySerial === undefined) missing.push(addressTypes.authorityRecord);
  if (record === undefined) missing.push(addressTypes.groupRecord);
  if (writers === undefined) missing.push(addressTypes.writers);
  if (authoritySerial === undefined || record === undefined || writers === undefined) return missing;
  if (authoritySerial < floor.authoritySerial)
    throw new TridcommError('E_EPOCH', `authority record ${authoritySerial}`);
  if (record.serial < floor.recordSerial) throw new TridcommError('E_EPOCH', `group record ${record.serial}`);
  if (block === undefined || revoked === undefined) return missing;
  return { head, leaf, authoritySerial, policy, record, writers, revoked, block };
}

/** @spec principals.35 */
function checkBlock(
  { header, private: own }: OpenedBlock,
  { generation, epoch }: GroupLeaf,
  policyVersion: number,
  writersRoot32: Uint8Array,
  isOwnPart: (body: Uint8Array) => boolean,
): void {
  if (header.generation !== generation || header.epoch !== epoch) {
    throw new TridcommError('E_POLICY', `leaf of epoch ${epoch} names the block of ${header.epoch}`);
  }
  if (!equalBytes(header.policyRoot32, writersRoot32)) throw new TridcommError('E_POLICY', 'block for other writers');
  if (header.policyVersion > policyVersion) throw new TridcommError('E_POLICY', 'block of a later policy');
  if (!isOwnPart(own.body)) throw new TridcommError('E_POLICY', 'own part that the policy does not state');
}
