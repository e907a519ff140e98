import type { GroupFields } from '@tridcomm/core';
import { decodeGroupRecord, objectKinds, parseObject, purposes, type AuthorityMemory } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';

/** What a group can be added for. */
export type GroupPurpose = NonNullable<GroupFields['purpose']>;

/** In the order in which people read them. */
export const groupPurposes: readonly GroupPurpose[] = ['pubSub', 'bus', 'survey', 'front'];

/** A group of an authority, as it was added: a crew is a part of its front. */
export interface RememberedGroup {
  readonly groupId16: Uint8Array;
  readonly purpose: GroupPurpose;
  readonly patterns: readonly string[];
  readonly generation: number;
  readonly epoch: number;
  /** Of a front. */
  readonly crewId16: Uint8Array | undefined;
}

/** The groups that were added to an authority. */
export function groupsOf({ groups }: AuthorityMemory): readonly RememberedGroup[] {
  return groups.flatMap(({ record, patterns, generation, epoch }) => {
    const object = parseObject(nodeProvider, record, objectKinds.groupRecord);
    const { groupId16, crewId16, purpose: number } = decodeGroupRecord(nodeProvider, object);
    const purpose = groupPurposes.find((name) => purposes[name] === number);
    return purpose === undefined ? [] : [{ groupId16, purpose, patterns, generation, epoch, crewId16 }];
  });
}
