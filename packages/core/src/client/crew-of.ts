import { actions } from '../codepoints/actions.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { Crew } from '../patterns/crew.ts';
import { SourcedReplay } from '../replay/sourced-replay.ts';
import type { Group } from './group.ts';
import type { Pools, WorkEpoch } from './pools.ts';

/**
 * A member of the crew of a front, for one epoch: the sender is judged by the view of the front alone, the epoch by the crew's blocks.
 *
 * @spec patterns.17, groups.26
 */
export function crewOf(provider: CryptoProvider, pools: Pools, front: Group, { crew, open, pool }: WorkEpoch): Crew {
  return new Crew({
    provider,
    replay: new SourcedReplay(open.guard, 'work'),
    setups: pools.setups,
    // Who asks has found the front by the tag.
    isOfFront: () => true,
    epoch: (_number, { header }, nowMs) => {
      crew.checkEpoch(open, header.timestampMs, nowMs);
      return pool;
    },
    checkView: (nowMs) => void front.viewToOpen(nowMs),
    findSender: (senderId16, nowMs) => front.findSender(senderId16, nowMs),
    mayPublish: ({ keyId32 }, { timestampMs, topicTag }, extensions) => {
      const chain = extensions.value(numbers.topicChain);
      return front.view?.writers.allowsEnvelope(keyId32, actions.publish, timestampMs, topicTag, chain) === true;
    },
  });
}
