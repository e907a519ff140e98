import { compareBytes } from '../bytes/bytes.ts';
import { TridcommError } from '../errors.ts';
import { decodeBody, encodeBody } from './body.ts';
import type { SignedObject } from './signed-object.ts';

/** What holds for each group, by hashes: no topic and no name. */
export interface Policy {
  readonly object: SignedObject;
  readonly version: number;
  /** `object_hash32` of the newest authority record. */
  readonly authorityRecordHash32: Uint8Array;
  /** Ascending by group id. */
  readonly groups: readonly GroupEntry[];
}

/** What a policy says of one group. */
export interface GroupEntry {
  readonly groupId16: Uint8Array;
  readonly groupRecordHash32: Uint8Array;
  readonly writersRoot32: Uint8Array;
  readonly edgeRoot32: Uint8Array;
  readonly privateHash32: Uint8Array;
}

/** What a policy says; its groups in any order. */
export type PolicyFields = Omit<Policy, 'object'>;

/**
 * Step 5 of a policy.
 *
 * @param object - of kind 4; what comes out holds views of it
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`
 * @spec principals.8
 */
export function decodePolicy(object: SignedObject): Policy {
  const { version, authority_record_hash32, groups = [] } = decodeBody('Policy', object.body);
  for (const [i, { group_id16 }] of groups.entries()) {
    if (i > 0 && compareBytes(groups[i - 1]!.group_id16, group_id16) >= 0) {
      throw new TridcommError('E_ENCODING', 'groups out of order');
    }
  }
  return {
    object,
    version,
    authorityRecordHash32: authority_record_hash32,
    groups: groups.map((entry) => ({
      groupId16: entry.group_id16,
      groupRecordHash32: entry.group_record_hash32,
      writersRoot32: entry.writers_root32,
      edgeRoot32: entry.edge_root32,
      privateHash32: entry.private_hash32,
    })),
  };
}

/**
 * The body of a policy; the caller's.
 *
 * @throws TridcommError `E_USAGE`, `E_LIMIT` for what the form does not allow
 * @spec principals.1
 */
export function encodePolicyBody({ version, authorityRecordHash32, groups }: PolicyFields): Uint8Array {
  return encodeBody('Policy', {
    version,
    authority_record_hash32: authorityRecordHash32,
    groups: groups
      .toSorted((a, b) => compareBytes(a.groupId16, b.groupId16))
      .map((entry) => ({
        group_id16: entry.groupId16,
        group_record_hash32: entry.groupRecordHash32,
        writers_root32: entry.writersRoot32,
        edge_root32: entry.edgeRoot32,
        private_hash32: entry.privateHash32,
      })),
  });
}

/** What a policy says of a group; undefined where it says nothing. */
export function entryOf(policy: Policy, groupId16: Uint8Array): GroupEntry | undefined {
  let low = 0;
  let high = policy.groups.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = policy.groups[middle]!;
    const order = compareBytes(entry.groupId16, groupId16);
    if (order === 0) return entry;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return undefined;
}
