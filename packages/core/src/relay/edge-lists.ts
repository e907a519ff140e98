import { actions } from '../codepoints/actions.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { hexOf } from '../client/hex.ts';
import type { AccessList, TopicMatch } from '../keys/access-list.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import { isForOne } from './units.ts';
import type { Takes } from './work.ts';

/** The edge lists of all groups, by the principals that they name: most are in few groups of many. */
export class EdgeLists {
  readonly #byGroup = new Map<string, AccessList>();
  readonly #byPrincipal = new Map<string, Set<AccessList>>();

  /** Takes the list of a group in place of the one before. */
  set(groupId: string, list: AccessList): void {
    this.delete(groupId);
    this.#byGroup.set(groupId, list);
    for (const keyId32 of list.keyIds) {
      const lists = this.#byPrincipal.get(hexOf(keyId32));
      if (lists === undefined) this.#byPrincipal.set(hexOf(keyId32), new Set([list]));
      else lists.add(list);
    }
  }

  /** The group is gone. */
  delete(groupId: string): void {
    const list = this.#byGroup.get(groupId);
    if (list === undefined) return;
    this.#byGroup.delete(groupId);
    for (const keyId of list.keyIds.map(hexOf)) {
      const lists = this.#byPrincipal.get(keyId);
      lists?.delete(list);
      if (lists?.size === 0) this.#byPrincipal.delete(keyId);
    }
  }

  /**
   * The list that lets a principal publish an envelope; a match is of one group, so it is of the group of the envelope. What is for one of many
   * asks for the whole topic: by a chain that is not of its tag, who may only answer would fill the queue of a topic.
   *
   * @param keyId - of the principal in hex, and as bytes
   * @spec principals.22
   */
  allowing(keyId: string, keyId32: Uint8Array, view: EnvelopeView): AccessList | undefined {
    const { timestampMs, topicTag } = view.header;
    const chain = isForOne(view) ? undefined : view.extensions.value(numbers.topicChain);
    for (const list of this.#byPrincipal.get(keyId) ?? []) {
      if (list.allowsEnvelope(keyId32, actions.publish, timestampMs, topicTag, chain)) return list;
    }
    return undefined;
  }

  /** @spec principals.22 */
  allowsSubscription(keyId: string, keyId32: Uint8Array, nowMs: number, match: TopicMatch): boolean {
    return this.#allows(keyId, keyId32, actions.subscribe, nowMs, match);
  }

  /** What a principal may take as work of an exact match; undefined where that is nothing. @spec delivery.21, delivery.22 */
  takesOf(keyId: string, keyId32: Uint8Array, nowMs: number, match: TopicMatch): Takes | undefined {
    if (this.#allows(keyId, keyId32, actions.subscribe, nowMs, match)) return 'everything';
    return this.#allows(keyId, keyId32, actions.route, nowMs, match) ? 'messages' : undefined;
  }

  #allows(keyId: string, keyId32: Uint8Array, action: number, nowMs: number, match: TopicMatch): boolean {
    for (const list of this.#byPrincipal.get(keyId) ?? []) {
      if (list.allowsSubscription(keyId32, action, nowMs, match)) return true;
    }
    return false;
  }
}
