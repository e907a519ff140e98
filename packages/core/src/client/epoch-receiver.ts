import { actions } from '../codepoints/actions.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import type { KeySource } from '../envelope/key-source.ts';
import type { Receiver, SenderKey, TopicKeys } from '../envelope/open.ts';
import { topicOfRecords } from '../patterns/pub-sub.ts';
import type { ReplayState } from '../replay/sourced-replay.ts';
import type { Topic } from '../topics/grammar.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import type { Extensions } from '../wire/extensions.ts';
import type { HeaderView } from '../wire/header.ts';
import type { Records } from '../wire/records.ts';
import type { Group } from './group.ts';
import type { OpenEpoch } from './open-epoch.ts';
import { checkForm } from './purpose.ts';

/** Steps 8, 9 and 14 for envelopes of one epoch of a group. */
export class EpochReceiver implements Receiver, TopicKeys {
  readonly provider: Receiver['provider'];
  readonly replay: Receiver['replay'];
  readonly #group: Group;
  readonly #epoch: OpenEpoch;
  readonly #topics = new WeakMap<EnvelopeView | JobView, Topic>();

  constructor(provider: Receiver['provider'], group: Group, epoch: OpenEpoch, replay: ReplayState) {
    this.provider = provider;
    this.replay = replay;
    this.#group = group;
    this.#epoch = epoch;
  }

  /** Who asks has found the group by the tag. */
  findTopic(): TopicKeys {
    return this;
  }

  /** @spec groups.26, principals.30, patterns.3, patterns.8, patterns.28, storage.1 */
  keySource(_number: number, view: EnvelopeView | JobView, nowMs: number): KeySource {
    this.#group.checkEpoch(this.#epoch, view.header.timestampMs, nowMs);
    const { record } = this.#group.viewToOpen(nowMs);
    checkForm(view, record);
    return this.#epoch.keySource;
  }

  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined {
    return this.#group.findSender(senderId16, nowMs);
  }

  /** @spec groups.27 */
  mayWrite({ keyId32 }: SenderKey, header: HeaderView, extensions: Extensions): boolean {
    const { view } = this.#group;
    const ofEpoch = this.#group.writers(this.#epoch.block.header.policyRoot32);
    if (view === undefined || ofEpoch === undefined) return false;
    const { timestampMs, topicTag } = header;
    const chain = extensions.value(numbers.topicChain);
    const lists = ofEpoch === view.writers ? [ofEpoch] : [ofEpoch, view.writers];
    return lists.every((list) => list.allowsEnvelope(keyId32, actions.publish, timestampMs, topicTag, chain));
  }

  /** @spec patterns.4 */
  checkRecords(view: EnvelopeView | JobView, records: Records): void {
    const record = this.#group.view?.record;
    if (record?.topicChains !== true) return;
    const { timestampMs } = view.header;
    const topic = topicOfRecords(view, records, this.#group.patterns, (one) =>
      this.#group.tagsAt(timestampMs, record.periodMs, one),
    );
    this.#topics.set(view, topic);
  }

  /** What the records said, in a group with topic_chains, once they were checked; undefined where they were no good. */
  topicOf(view: EnvelopeView): Topic | undefined {
    return this.#topics.get(view);
  }
}
