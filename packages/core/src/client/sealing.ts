import { actions } from '../codepoints/actions.gen.ts';
import { TridcommError } from '../errors.ts';
import { pubSubInput, splitMessages } from '../patterns/pub-sub.ts';
import { parseTopic, type Topic } from '../topics/grammar.ts';
import { tagPeriod } from '../topics/tags.ts';
import type { Message } from '../wire/records.ts';
import type { Carrier } from './carrier.ts';
import type { Group } from './group.ts';
import type { Holdings } from './holdings.ts';
import type { OpenEpoch } from './open-epoch.ts';
import { PublishError } from './publish-error.ts';
import { publishedKind } from './purpose.ts';
import { routeSecretAt } from './route-secrets.ts';
import type { RuleIndex } from './rule-index.ts';
import type { Sealers } from './sealers.ts';
import type { View } from './view.ts';

/** What was sealed and handed to the carrier. */
export interface Published {
  readonly groupId16: Uint8Array;
  readonly epoch: number;
  readonly headSeq: number;
  /** More than one where the messages did not fit one. */
  readonly envelopes: readonly Uint8Array[];
}

/** What one call of `publish` seals with. */
interface Prepared {
  readonly topic: Topic;
  readonly group: Group;
  readonly view: View;
  readonly epoch: OpenEpoch;
  readonly tag16: Uint8Array;
  readonly patternKind: number;
  /** In a group with topic_chains. */
  readonly chain: Uint8Array | undefined;
}

/** The sending side of a member. */
export class Sealing {
  readonly #holdings: Holdings;
  readonly #carrier: Carrier;
  readonly #rules: RuleIndex;
  readonly #sealers: Sealers;

  constructor(holdings: Holdings, carrier: Carrier, rules: RuleIndex, sealers: Sealers) {
    this.#holdings = holdings;
    this.#carrier = carrier;
    this.#rules = rules;
    this.#sealers = sealers;
  }

  /** @throws TridcommError `E_ENCODING`, `E_LIMIT` for what is no topic */
  groupOf(topic: string): Group | undefined {
    return this.#rules.find(parseTopic(topic));
  }

  /**
   * What there is to seal with for a topic now.
   *
   * @throws TridcommError the refusal
   * @spec principals.29, principals.32, groups.25
   */
  prepare(topic: string, nowMs: number): Prepared {
    const { keyId32 } = this.#holdings;
    const parsed = parseTopic(topic);
    const group = this.#rules.find(parsed);
    if (group === undefined) throw new TridcommError('E_POLICY', 'topic that no group of our own has a rule for');
    const view = this.#viewToSeal(group, nowMs);
    const { topicChains, periodMs, purpose } = view.record;
    const patternKind = publishedKind(purpose);
    if (patternKind === undefined) throw new TridcommError('E_POLICY', 'topic of a group that nothing is published to');
    const period = tagPeriod(nowMs, periodMs);
    const secret32 = routeSecretAt(view.block.private.routeSecrets, period);
    if (secret32 === undefined) throw new TridcommError('E_EPOCH', `no route secret for period ${period}`);
    const { tag16, chain } = group.tags.tagOf(secret32, period, parsed);
    const ownChain = topicChains ? chain : undefined;
    if (!view.writers.allowsEnvelope(keyId32, actions.publish, nowMs, tag16, ownChain)) {
      throw new TridcommError('E_POLICY', 'topic that the writers do not let us write');
    }
    const epoch = group.sealingEpoch(nowMs);
    // Who came with the epoch of the view has no right in the one before, and receivers ask both (groups.27): better no than lost.
    const ofEpoch = group.writers(epoch.block.header.policyRoot32);
    if (
      ofEpoch !== view.writers &&
      ofEpoch?.allowsEnvelope(keyId32, actions.publish, nowMs, tag16, ownChain) !== true
    ) {
      throw new TridcommError('E_EPOCH', 'epoch that began before our right to write');
    }
    return { topic: parsed, group, view, epoch, tag16, patternKind, chain: ownChain };
  }

  /** @spec patterns.1, patterns.2, patterns.7, principals.31 */
  publish(topic: string, payloads: readonly Uint8Array[], nowMs: number): Published {
    const { group, view, epoch, tag16, patternKind, ...fields } = this.prepare(topic, nowMs);
    const { headSeq } = view.head;
    const sealer = this.#sealers.of(group.id, epoch, tag16, patternKind);
    const messages = payloads.map((payload): Message => ({ timestampMs: nowMs, payload }));
    const runs = splitMessages(messages, view.record.topicChains);
    const envelopes = runs.map((run) => {
      const unsigned = sealer.seal(pubSubInput({ ...fields, headSeq, timestampMs: nowMs }, run));
      return unsigned.finish(this.#holdings.identity.key.sign(unsigned.signInput));
    });
    this.#send(envelopes, runs);
    return { groupId16: group.groupId16, epoch: epoch.number, headSeq, envelopes };
  }

  #send(envelopes: readonly Uint8Array[], runs: readonly (readonly Message[])[]): void {
    let sentMessages = 0;
    for (const [i, envelope] of envelopes.entries()) {
      try {
        this.#carrier.publish(envelope);
      } catch (error) {
        throw i === 0 ? error : new PublishError(envelopes.slice(0, i), sentMessages, error);
      }
      sentMessages += runs[i]!.length;
    }
  }

  /** The view to seal by. @spec principals.29, principals.32, groups.28 */
  #viewToSeal(group: Group, nowMs: number): View {
    const { view } = group;
    if (view === undefined || !group.isFresh(nowMs)) throw new TridcommError('E_STALE', 'view of the group');
    if (group.isBehindBlock(nowMs)) throw new TridcommError('E_STALE', 'block of a later epoch is held');
    if (this.#holdings.knownHeads.isBehind(group.id, view.head.headSeq, nowMs)) {
      throw new TridcommError('E_STALE', `view with head ${view.head.headSeq}, a higher one is known`);
    }
    return view;
  }
}
