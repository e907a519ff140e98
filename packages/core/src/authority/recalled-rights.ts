import { hexOf } from '../client/hex.ts';
import { actions } from '../codepoints/actions.gen.ts';
import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import { purposes } from '../codepoints/purposes.gen.ts';
import type { AccessEntry, AccessList } from '../keys/access-list.ts';

/** What a right is called among {@link rightsOf}. */
export function rightName(keyId32: Uint8Array, action: number): string {
  return `${hexOf(keyId32)}, ${action}`;
}

/**
 * Who has what right by an edge list, each by its {@link rightName}: what no right of a principal is behind, none of its grants is either.
 *
 * Where there are answers, entries tell of other rights than their action says. Topics are whole there, so an exact entry to publish is of a
 * topic, and one to publish by prefix is of the answers of who may subscribe; an entry to subscribe may be of either, and shows nothing.
 *
 * @param purpose - of the group
 */
export function rightsOf({ entries }: AccessList, purpose: number): ReadonlySet<string> {
  const hasAnswers = purpose === purposes.front || purpose === purposes.survey;
  return new Set(
    entries.flatMap((entry) => {
      const action = hasAnswers ? actionBehind(entry) : entry.actions;
      return action === undefined ? [] : [rightName(entry.keyId32, action)];
    }),
  );
}

function actionBehind({ actions: action, matchKind }: AccessEntry): number | undefined {
  if (action !== actions.publish) return undefined;
  return matchKind === matchKinds.exact ? actions.publish : actions.subscribe;
}
