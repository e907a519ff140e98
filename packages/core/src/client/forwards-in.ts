import { actions } from '../codepoints/actions.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { beginForward, forwardedOf, type Forwarded, type ForwardReceiver } from '../patterns/forwards.ts';
import { refusal } from '../patterns/refusal.ts';
import { SourcedReplay } from '../replay/sourced-replay.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import type { Group } from './group.ts';
import type { Holdings } from './holdings.ts';
import type { OpenEpoch } from './open-epoch.ts';
import { openSealed, storeAhead } from './open-steps.ts';

/**
 * Opens a forward in a front.
 *
 * @returns the envelopes in it, each to be taken as one that came by itself; views
 * @throws TridcommError the refusal
 * @spec patterns.40, patterns.41, replay.35
 */
export function openForward(
  holdings: Holdings,
  front: Group,
  carries: Forwarded,
  view: EnvelopeView,
  nowMs: number,
): Uint8Array[] {
  const pending = beginForward(forwardsOf(holdings, front), carries, view, nowMs);
  openSealed(holdings, front, pending, view, nowMs);
  storeAhead(pending, openEpochOf(front, view.header.epoch, view, nowMs), view);
  return forwardedOf(pending.commit());
}

/**
 * An epoch of a front, for an envelope of now.
 *
 * @throws TridcommError `E_EPOCH`
 * @spec groups.26
 */
export function openEpochOf(
  front: Group,
  number: number,
  { header }: EnvelopeView | JobView,
  nowMs: number,
): OpenEpoch {
  const epoch = front.epoch(number);
  if (epoch === undefined) throw refusal('E_EPOCH', `epoch ${number} of the front`);
  front.checkEpoch(epoch, header.timestampMs, nowMs);
  return epoch;
}

function forwardsOf({ provider }: Holdings, front: Group): ForwardReceiver {
  return {
    provider,
    epoch: (number, view, nowMs) => {
      const { keySource, guard } = openEpochOf(front, number, view, nowMs);
      // An earlier life may have taken it, and what is in it says for itself whether it did.
      return { keySource, replay: new SourcedReplay(guard, 'work') };
    },
    checkView: (nowMs) => void front.viewToOpen(nowMs),
    findSender: (senderId16, nowMs) => front.findSender(senderId16, nowMs),
    mayRoute: ({ keyId32 }, { timestampMs, topicTag }, extensions) => {
      const chain = extensions.value(numbers.topicChain);
      return front.view?.writers.allowsEnvelope(keyId32, actions.route, timestampMs, topicTag, chain) === true;
    },
  };
}
