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
 * @param topics - rules of the group: where there are answers, each is a whole topic
 */
export function rightsOf({ entries }: AccessList, purpose: number, topics: number): ReadonlySet<string> {
  const hasAnswers = purpose === purposes.front || purpose === purposes.survey;
  if (!hasAnswers) return new Set(entries.map(({ keyId32, actions: action }) => rightName(keyId32, action)));
  const own = new Map<string, AccessEntry[]>();
  for (const entry of entries) {
    const held = own.get(hexOf(entry.keyId32));
    if (held === undefined) own.set(hexOf(entry.keyId32), [entry]);
    else held.push(entry);
  }
  return new Set(
    [...own.values()].flatMap((of) => actionsBehind(of, topics).map((action) => rightName(of[0]!.keyId32, action))),
  );
}

/**
 * The rights of one principal where there are answers. Topics are whole there, so an exact entry to publish is of a topic, and shows the right
 * to; who may subscribe publishes by prefix, under the root of the answers. Who routes does so too, and subscribes by prefix as nobody else
 * does. Whether it may subscribe as well then shows in the number of its exact subs alone: its inbox comes to its topics, as its answer tag
 * does where it may publish.
 */
function actionsBehind(entries: readonly AccessEntry[], topics: number): number[] {
  const countOf = (action: number, kind: number): number => {
    const of = entries.filter(({ actions: one, matchKind }) => one === action && matchKind === kind);
    return new Set(of.map(({ level, match16 }) => `${level} ${hexOf(match16)}`)).size;
  };
  const mayPublish = countOf(actions.publish, matchKinds.exact) > 0;
  // One in each period that the list serves.
  const routed = countOf(actions.subscribe, matchKinds.prefix);
  const exact = countOf(actions.subscribe, matchKinds.exact);
  const maySubscribe =
    routed === 0 ? countOf(actions.publish, matchKinds.prefix) > 0 : exact > (topics + (mayPublish ? 1 : 0)) * routed;
  return [
    ...(mayPublish ? [actions.publish] : []),
    ...(maySubscribe ? [actions.subscribe] : []),
    ...(routed > 0 ? [actions.route] : []),
  ];
}
