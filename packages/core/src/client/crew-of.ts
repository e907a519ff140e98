import { actions } from '../codepoints/actions.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { SenderKey } from '../envelope/open.ts';
import { TridcommError } from '../errors.ts';
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
    findSender: (senderId16, nowMs) => findAsker(front, senderId16, nowMs),
    mayPublish: ({ keyId32 }, { timestampMs, topicTag }, extensions) => {
      const chain = extensions.value(numbers.topicChain);
      return front.view?.writers.allowsEnvelope(keyId32, actions.publish, timestampMs, topicTag, chain) === true;
    },
  });
}

/** Step 9 refused a sender by what this member holds of it: another of the crew, or another router, may hold a newer record of it, or of its issuer. */
export class SenderRefusal extends TridcommError {
  constructor(cause: TridcommError) {
    super(cause.code, 'the sender, as this member holds its record', { cause });
  }
}

/** Step 9 for what a broker leased. @throws SenderRefusal */
export function findAsker(front: Group, senderId16: Uint8Array, nowMs: number): SenderKey | undefined {
  try {
    return front.findSender(senderId16, nowMs);
  } catch (error) {
    throw error instanceof TridcommError ? new SenderRefusal(error) : error;
  }
}
