import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import { matchOf } from '../keys/compile-policy.ts';
import { parseTopic, type Topic, type TopicPattern } from '../topics/grammar.ts';
import { routedPeriods } from '../topics/tags.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Group } from './group.ts';
import { hexOf } from './hex.ts';
import { overlaps } from './pattern-overlap.ts';

/** Where the tag of an envelope leads. */
export interface Route {
  readonly group: Group;
  /** The topic, in a group without topic_chains; in others the envelope says it. */
  readonly topic: Topic | undefined;
}

/** A subscription as the broker gets it. */
export interface RoutedMatch {
  readonly name: string;
  readonly group: Group;
  readonly match: TopicMatch;
}

/** Times that decide which tags a member routes by. */
export interface RouteTimes {
  readonly maxAgeMs: number;
  readonly skewMs: number;
}

/**
 * The tags that a member routes by, for every period that counts now: what its subscriptions and the rules of its groups have in common.
 * The broker matches the whole rule, as the edge list has it.
 *
 * @spec topics.10
 */
export class RouteTable {
  readonly #routes = new Map<string, Route>();
  readonly #matches = new Map<string, RoutedMatch>();
  #fromMs = 0;
  #untilMs = Infinity;

  constructor(
    provider: CryptoProvider,
    groups: Iterable<Group>,
    subscriptions: readonly TopicPattern[],
    nowMs: number,
    times: RouteTimes,
  ) {
    for (const group of groups) this.#addGroup(provider, group, subscriptions, nowMs, times);
  }

  /** What the broker has to match. */
  get matches(): readonly RoutedMatch[] {
    return [...this.#matches.values()];
  }

  /** Whether the same periods count at another time. */
  holdsAt(nowMs: number): boolean {
    return this.#fromMs <= nowMs && nowMs < this.#untilMs;
  }

  /** Step 7. */
  find({ header, extensions }: EnvelopeView): Route | undefined {
    const exact = this.#routes.get(nameOf({ matchKind: matchKinds.exact, level: 0, match16: header.topicTag }));
    if (exact !== undefined) return exact;
    const chain = extensions.value(numbers.topicChain);
    if (chain === undefined) return undefined;
    for (let level = 0; level < chain.length / 16; level++) {
      const match16 = chain.subarray(16 * level, 16 * level + 16);
      const route = this.#routes.get(nameOf({ matchKind: matchKinds.prefix, level, match16 }));
      if (route !== undefined) return route;
    }
    return undefined;
  }

  #addGroup(
    provider: CryptoProvider,
    group: Group,
    subscriptions: readonly TopicPattern[],
    nowMs: number,
    { maxAgeMs, skewMs }: RouteTimes,
  ): void {
    const { record, patterns } = group;
    const pairs = patterns.flatMap((rule) =>
      subscriptions
        .filter((pattern) => overlaps(pattern, rule))
        .map((pattern) => ({ rule, narrower: narrower(pattern, rule) })),
    );
    if (record === undefined || pairs.length === 0) return;
    const { periodMs, topicChains } = record;
    const periods = routedPeriods(nowMs, { periodMs, maxAgeMs, skewMs });
    const [first, last] = [periods[0]!, periods.at(-1)!];
    this.#fromMs = Math.max(this.#fromMs, last * periodMs - skewMs);
    this.#untilMs = Math.min(this.#untilMs, (last + 1) * periodMs - skewMs, (first + 1) * periodMs + maxAgeMs);
    for (const period of periods) {
      for (const secret32 of group.routeSecrets(period)) {
        for (const pair of pairs) {
          const route = { group, topic: topicChains ? undefined : parseTopic(pair.rule.text) };
          const own = matchOf(provider, secret32, group.groupId16, period, pair.narrower);
          this.#routes.set(nameOf(own), route);
          const match = matchOf(provider, secret32, group.groupId16, period, pair.rule);
          this.#matches.set(nameOf(match), { name: nameOf(match), group, match });
        }
      }
    }
  }
}

/** What a subscription and a rule that overlap have in common, as far as tags show it: a rule has no segment `*`. */
function narrower(pattern: TopicPattern, rule: TopicPattern): TopicPattern {
  const isExact = rule.literals === rule.segments.length;
  return isExact || rule.literals > pattern.literals ? rule : pattern;
}

function nameOf({ matchKind, level, match16 }: TopicMatch): string {
  return `${matchKind}${level}${hexOf(match16)}`;
}
