import type { CryptoProvider } from '../crypto/provider.ts';
import type { Topic } from '../topics/grammar.ts';
import { deriveRouteKey, tagAnswers, tagInbox, tagTopic, type AnswerTags, type TopicTag } from '../topics/tags.ts';
import { hexOf } from './hex.ts';

/** What is derived from one route secret for one period. */
interface PeriodTags {
  readonly routeKey32: Uint8Array;
  readonly tags: Map<string, TopicTag>;
  /** By the key id of who asked. */
  readonly answers: Map<string, AnswerTags>;
  /** By the key id of who works. */
  readonly inboxes: Map<string, AnswerTags>;
}

/** Tags of topics that were used lately, so that a hash for each segment is taken once for a topic and period. */
export class TagCache {
  readonly #provider: CryptoProvider;
  readonly #groupId16: Uint8Array;
  /** By the secret itself, not by what is in it: so no name holds a secret. */
  readonly #secrets = new Map<Uint8Array, Map<number, PeriodTags>>();

  constructor(provider: CryptoProvider, groupId16: Uint8Array) {
    this.#provider = provider;
    this.#groupId16 = groupId16;
  }

  /** Tag and chain of a topic; not to be changed. */
  tagOf(routeSecret32: Uint8Array, period: number, topic: Topic): TopicTag {
    const { routeKey32, tags } = this.#tagsOf(routeSecret32, period);
    const held = tags.get(topic.text);
    if (held !== undefined) return held;
    if (tags.size >= mostTags) tags.clear();
    const tag = tagTopic(this.#provider, routeKey32, period, topic);
    tags.set(topic.text, tag);
    return tag;
  }

  /** Tags of the answers to who asked; not to be changed. */
  answersOf(routeSecret32: Uint8Array, period: number, askerKeyId32: Uint8Array): AnswerTags {
    const { routeKey32, answers } = this.#tagsOf(routeSecret32, period);
    return heldOr(answers, askerKeyId32, () => tagAnswers(this.#provider, routeKey32, period, askerKeyId32));
  }

  /** Tags of what is forwarded to who works; not to be changed. */
  inboxOf(routeSecret32: Uint8Array, period: number, workerKeyId32: Uint8Array): AnswerTags {
    const { routeKey32, inboxes } = this.#tagsOf(routeSecret32, period);
    return heldOr(inboxes, workerKeyId32, () => tagInbox(this.#provider, routeKey32, period, workerKeyId32));
  }

  /** Forgets all: secrets of the group have changed or are to go. */
  clear(): void {
    for (const periods of this.#secrets.values()) for (const { routeKey32 } of periods.values()) routeKey32.fill(0);
    this.#secrets.clear();
  }

  #tagsOf(routeSecret32: Uint8Array, period: number): PeriodTags {
    const held = this.#secrets.get(routeSecret32)?.get(period);
    if (held !== undefined) return held;
    if (this.#secrets.size >= mostSecrets) this.clear();
    const routeKey32 = deriveRouteKey(this.#provider, routeSecret32, this.#groupId16, period);
    const made: PeriodTags = { routeKey32, tags: new Map(), answers: new Map(), inboxes: new Map() };
    const periods = this.#secrets.get(routeSecret32) ?? new Map<number, PeriodTags>();
    this.#secrets.set(routeSecret32, periods);
    for (const [old, { routeKey32: oldKey32 }] of [...periods].slice(0, -mostPeriods)) {
      oldKey32.fill(0);
      periods.delete(old);
    }
    periods.set(period, made);
    return made;
  }
}

function heldOr(tags: Map<string, AnswerTags>, keyId32: Uint8Array, make: () => AnswerTags): AnswerTags {
  const name = hexOf(keyId32);
  const held = tags.get(name);
  if (held !== undefined) return held;
  if (tags.size >= mostTags) tags.clear();
  const made = make();
  tags.set(name, made);
  return made;
}

const mostSecrets = 16;
/** Of one secret, beside the one that is used now. */
const mostPeriods = 3;
/** Of one secret and period. */
const mostTags = 4096;
