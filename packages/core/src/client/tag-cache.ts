import type { CryptoProvider } from '../crypto/provider.ts';
import type { Topic } from '../topics/grammar.ts';
import { deriveRouteKey, tagTopic, type TopicTag } from '../topics/tags.ts';
import { hexOf } from './hex.ts';

/** Tags of topics that were used lately, so that a hash for each segment is taken once for a topic and period. */
export class TagCache {
  readonly #provider: CryptoProvider;
  readonly #groupId16: Uint8Array;
  readonly #routeKeys = new Map<string, Uint8Array>();
  readonly #tags = new Map<string, TopicTag>();

  constructor(provider: CryptoProvider, groupId16: Uint8Array) {
    this.#provider = provider;
    this.#groupId16 = groupId16;
  }

  /** Tag and chain of a topic; not to be changed. */
  tagOf(routeSecret32: Uint8Array, period: number, topic: Topic): TopicTag {
    const route = `${period}/${hexOf(routeSecret32)}`;
    const name = `${route}/${topic.text}`;
    const held = this.#tags.get(name);
    if (held !== undefined) return held;
    let routeKey32 = this.#routeKeys.get(route);
    if (routeKey32 === undefined) {
      routeKey32 = deriveRouteKey(this.#provider, routeSecret32, this.#groupId16, period);
      if (this.#routeKeys.size >= mostRouteKeys) this.clear();
      this.#routeKeys.set(route, routeKey32);
    }
    if (this.#tags.size >= mostTags) this.#tags.clear();
    const tag = tagTopic(this.#provider, routeKey32, period, topic);
    this.#tags.set(name, tag);
    return tag;
  }

  /** Forgets all: secrets of the group have changed or are to go. */
  clear(): void {
    for (const key of this.#routeKeys.values()) key.fill(0);
    this.#routeKeys.clear();
    this.#tags.clear();
  }
}

const mostRouteKeys = 64;
const mostTags = 4096;
