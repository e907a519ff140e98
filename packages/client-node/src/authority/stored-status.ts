import { hexOf, readSnapshot } from '@tridcomm/core/internal';
import { groupsOf, type GroupPurpose } from './group-memory.ts';
import { StateDirectory } from './state-directory.ts';
import type { StateSecret } from './state-secret.ts';

/** What the state of an authority that does not run says; JSON. */
export interface StoredStatus {
  readonly [name: string]: unknown;
  readonly authorityId: string;
  readonly headSeq: number;
  /** Whether anything was ever given to anybody. */
  readonly isHandedOut: boolean;
  readonly principals: number;
  readonly grants: number;
  readonly groups: readonly {
    readonly groupId: string;
    readonly purpose: GroupPurpose;
    readonly patterns: readonly string[];
    readonly epoch: number;
  }[];
}

/**
 * Reads the state of a directory; begins no life, and changes nothing.
 *
 * @throws TridcommError those of `StateDirectory.open`
 */
export async function readStoredStatus(path: string, secret: StateSecret): Promise<StoredStatus> {
  const { directory, content } = await StateDirectory.open(path, secret);
  directory.release();
  const memory = readSnapshot(content.snapshot);
  const { authorityId32, headSeq, principals, grants } = memory;
  return {
    authorityId: hexOf(authorityId32),
    headSeq,
    isHandedOut: content.handedOutSeq > 0,
    principals: principals.length,
    grants: grants.length,
    groups: groupsOf(memory).map(({ groupId16, purpose, patterns, epoch }) => {
      return { groupId: hexOf(groupId16), purpose, patterns, epoch };
    }),
  };
}
