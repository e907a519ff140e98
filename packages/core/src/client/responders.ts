import { actions } from '../codepoints/actions.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import type { SenderKey } from '../envelope/open.ts';
import type { Extensions } from '../wire/extensions.ts';
import type { HeaderView } from '../wire/header.ts';
import type { Group } from './group.ts';

/** Who may answer in a group, by the view of its member. */
export interface Responders {
  checkView(nowMs: number): void;
  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined;
  mayRespond(sender: SenderKey, header: HeaderView, extensions: Extensions): boolean;
}

/** @spec patterns.23, patterns.32, principals.30 */
export function respondersOf(group: Group): Responders {
  return {
    checkView: (nowMs) => void group.viewToOpen(nowMs),
    findSender: (senderId16, nowMs) => group.findSender(senderId16, nowMs),
    mayRespond: ({ keyId32 }, { timestampMs, topicTag }, extensions) => {
      const chain = extensions.value(numbers.topicChain);
      return group.view?.writers.allowsEnvelope(keyId32, actions.respond, timestampMs, topicTag, chain) === true;
    },
  };
}
