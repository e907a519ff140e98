import { actions } from '../codepoints/actions.gen.ts';
import { TridcommError } from '../errors.ts';
import { pubSubInput, splitMessages } from '../patterns/pub-sub.ts';
import { parseTopic, type Topic } from '../topics/grammar.ts';
import type { Message } from '../wire/records.ts';
import type { Carrier } from './carrier.ts';
import type { Group } from './group.ts';
import type { Holdings } from './holdings.ts';
import type { OpenEpoch } from './open-epoch.ts';
import { publishedKind } from './purpose.ts';
import type { RuleIndex } from './rule-index.ts';
import { tagToSeal, viewToSeal } from './seal-view.ts';
import type { Sealers } from './sealers.ts';
import { sendAll } from './sending.ts';
import type { View } from './view.ts';

/** What was sealed and handed to the carrier. */
export interface Published {
  readonly groupId16: Uint8Array;
  readonly epoch: number;
  readonly headSeq: number;
  /** More than one where the messages did not fit one. */
  readonly envelopes: readonly Uint8Array[];
}

/** What one call seals with. */
export interface Prepared {
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
   * @param kindOf - pattern and kind of what is sealed for a group, by its purpose; undefined where nothing is
   * @throws TridcommError the refusal
   * @spec groups.25
   */
  prepare(topic: string, nowMs: number, kindOf: (purpose: number) => number | undefined = publishedKind): Prepared {
    const { keyId32 } = this.#holdings;
    const parsed = parseTopic(topic);
    const group = this.#rules.find(parsed);
    if (group === undefined) throw new TridcommError('E_POLICY', 'topic that no group of our own has a rule for');
    const view = viewToSeal(this.#holdings, group, nowMs);
    const patternKind = kindOf(view.record.purpose);
    if (patternKind === undefined) throw new TridcommError('E_POLICY', 'topic of a group that has no such messages');
    const { tag16, chain } = tagToSeal(this.#holdings, group, view, parsed, nowMs);
    const epoch = group.sealingEpoch(nowMs);
    // Who came with the epoch of the view has no right in the one before, and receivers ask both (groups.27): better no than lost.
    const ofEpoch = group.writers(epoch.block.header.policyRoot32);
    if (ofEpoch !== view.writers && ofEpoch?.allowsEnvelope(keyId32, actions.publish, nowMs, tag16, chain) !== true) {
      throw new TridcommError('E_EPOCH', 'epoch that began before our right to write');
    }
    return { topic: parsed, group, view, epoch, tag16, patternKind, chain };
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
    sendAll(this.#carrier, envelopes, runs);
    return { groupId16: group.groupId16, epoch: epoch.number, headSeq, envelopes };
  }
}
