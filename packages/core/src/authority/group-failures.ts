import type { ControlledGroup, GroupChange, GroupFoundation } from './controlled-group.ts';
import type { GroupFailure } from './options.ts';

/** A failure with what is still to be done to the group. */
export interface HeldFailure extends GroupFailure {
  readonly owed: OwedChange;
}

/** What a group that failed must not miss when it is tried again; all else is worked out anew then. */
export type OwedChange = Pick<GroupChange, 'grantsChanged' | 'revokes'>;

/**
 * The groups that could not be changed: each keeps its former state, is tried again with the next head, and holds up no other.
 *
 * @spec principals.43
 */
export class GroupFailures {
  readonly #held: Map<string, HeldFailure>;
  readonly #isStrict: boolean;

  /**
   * @param before - failures that nothing has healed yet, by group id in hex
   * @param isStrict - a failure goes to the caller, who can do without the change
   */
  constructor(before: ReadonlyMap<string, HeldFailure>, isStrict: boolean) {
    this.#held = new Map(before);
    this.#isStrict = isStrict;
  }

  /** By group id in hex. */
  get all(): ReadonlyMap<string, HeldFailure> {
    return this.#held;
  }

  /** A change together with what the group is still owed. */
  withOwed(id: string, change: GroupChange): GroupChange {
    const owed = this.#held.get(id)?.owed;
    if (owed === undefined) return change;
    const grantsChanged = isSet(change.grantsChanged, owed.grantsChanged);
    return { ...change, grantsChanged, revokes: isSet(change.revokes, owed.revokes) };
  }

  /** Does a part of a change; undefined where it failed. */
  attempt<T>(
    id: string,
    { record }: GroupFoundation | ControlledGroup,
    { grantsChanged, revokes }: GroupChange,
    work: () => T,
  ): T | undefined {
    try {
      return work();
    } catch (error) {
      if (this.#isStrict) throw error;
      const owed = { grantsChanged: isSet(grantsChanged), revokes: isSet(revokes) };
      this.#held.set(id, { groupId16: record.groupId16, error, owed });
      return undefined;
    }
  }

  /** Nothing is owed to the group any more. */
  heal(id: string): void {
    this.#held.delete(id);
  }
}

function isSet(...flags: readonly (boolean | undefined)[]): boolean {
  return flags.includes(true);
}
