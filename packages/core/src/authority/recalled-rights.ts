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
 * Where there are answers, entries tell of other rights than their action says: see {@link actionsBehind}.
 *
 * @param purpose - of the group
 */
export function rightsOf({ entries }: AccessList, purpose: number): ReadonlySet<string> {
  const hasAnswers = purpose === purposes.front || purpose === purposes.survey;
  if (!hasAnswers) return new Set(entries.map(({ keyId32, actions: action }) => rightName(keyId32, action)));
  const own = new Map<string, AccessEntry[]>();
  for (const entry of entries) {
    const held = own.get(hexOf(entry.keyId32));
    if (held === undefined) own.set(hexOf(entry.keyId32), [entry]);
    else held.push(entry);
  }
  return new Set(
    [...own.values()].flatMap((of) => actionsBehind(of).map((action) => rightName(of[0]!.keyId32, action))),
  );
}

/**
 * The rights of one principal where there are answers. Topics are whole there, so an exact entry to publish is of a topic, and shows the right
 * to; who may subscribe publishes by prefix, under the root of the answers. So does who routes, and who asks or routes has entries to subscribe of
 * its own: that it may subscribe as well shows at the topics that it routes, as who may reads all topics of the group.
 */
function actionsBehind(entries: readonly AccessEntry[]): number[] {
  const matchesOf = (action: number, kind: number): Set<string> => {
    const of = entries.filter(({ actions: one, matchKind }) => one === action && matchKind === kind);
    return new Set(of.map(({ match16 }) => hexOf(match16)));
  };
  const routed = matchesOf(actions.route, matchKinds.exact);
  const subscribed = matchesOf(actions.subscribe, matchKinds.exact);
  const maySubscribe =
    routed.size === 0
      ? matchesOf(actions.publish, matchKinds.prefix).size > 0
      : [...routed].some((match) => subscribed.has(match));
  return [
    ...(matchesOf(actions.publish, matchKinds.exact).size > 0 ? [actions.publish] : []),
    ...(maySubscribe ? [actions.subscribe] : []),
    ...(routed.size > 0 ? [actions.route] : []),
  ];
}
