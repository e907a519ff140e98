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
import type { View } from './view.ts';

/** Where the tag of an envelope leads. */
export interface Route {
  readonly group: Group;
  /** The topic, in a group without topic_chains; in others the envelope says it. */
  readonly topic: Topic | undefined;
}

/** Times that decide which tags a member routes by. */
export interface RouteTimes {
  readonly maxAgeMs: number;
  readonly skewMs: number;
}

/** What one group puts into the table. */
interface GroupRoutes {
  readonly names: readonly string[];
  /** What the broker has to match, by name. */
  readonly matches: ReadonlyMap<string, TopicMatch>;
}

/**
 * The tags that a member routes by, for every period that counts now: what its subscriptions and the rules of its groups have in common,
 * as their views have them. The broker matches the whole rule, as the edge list has it.
 *
 * @spec topics.10
 */
export class RouteTable {
  readonly #provider: CryptoProvider;
  readonly #times: RouteTimes;
  readonly #routes = new Map<string, Route>();
  readonly #groups = new Map<Group, GroupRoutes>();
  #fromMs = 0;
  #untilMs = Infinity;

  constructor(provider: CryptoProvider, times: RouteTimes) {
    this.#provider = provider;
    this.#times = times;
  }

  /** What the broker has to match for a group, by name. */
  matchesOf(group: Group): ReadonlyMap<string, TopicMatch> {
    return this.#groups.get(group)?.matches ?? noMatches;
  }

  /** Whether the same periods count at another time. */
  holdsAt(nowMs: number): boolean {
    return this.#fromMs <= nowMs && nowMs < this.#untilMs;
  }

  /** Forgets everything: other periods count, or other subscriptions. */
  clear(): void {
    this.#routes.clear();
    this.#groups.clear();
    this.#fromMs = 0;
    this.#untilMs = Infinity;
  }

  /** Step 7. */
  find({ header, extensions }: EnvelopeView): Route | undefined {
    const exact = this.#routes.get(matchName({ matchKind: matchKinds.exact, level: 0, match16: header.topicTag }));
    if (exact !== undefined) return exact;
    const chain = extensions.value(numbers.topicChain);
    if (chain === undefined) return undefined;
    for (let level = 0; level < chain.length / 16; level++) {
      const match16 = chain.subarray(16 * level, 16 * level + 16);
      const route = this.#routes.get(matchName({ matchKind: matchKinds.prefix, level, match16 }));
      if (route !== undefined) return route;
    }
    return undefined;
  }

  /** Takes a group as it is now. */
  update(group: Group, subscriptions: readonly TopicPattern[], nowMs: number): void {
    for (const name of this.#groups.get(group)?.names ?? []) this.#routes.delete(name);
    this.#groups.delete(group);
    const { view, patterns } = group;
    const pairs = patterns.flatMap((rule) =>
      subscriptions
        .filter((pattern) => overlaps(pattern, rule))
        .map((pattern) => ({ rule, narrower: narrower(pattern, rule) })),
    );
    if (view !== undefined && pairs.length > 0) this.#groups.set(group, this.#routesOf(group, view, pairs, nowMs));
  }

  #routesOf(
    group: Group,
    { record }: View,
    pairs: readonly { readonly rule: TopicPattern; readonly narrower: TopicPattern }[],
    nowMs: number,
  ): GroupRoutes {
    const { periodMs, topicChains } = record;
    const { maxAgeMs, skewMs } = this.#times;
    const periods = routedPeriods(nowMs, { periodMs, maxAgeMs, skewMs });
    const [first, last] = [periods[0]!, periods.at(-1)!];
    this.#fromMs = Math.max(this.#fromMs, last * periodMs - skewMs);
    this.#untilMs = Math.min(this.#untilMs, (last + 1) * periodMs - skewMs, (first + 1) * periodMs + maxAgeMs);
    const names: string[] = [];
    const matches = new Map<string, TopicMatch>();
    for (const period of periods) {
      for (const secret32 of group.routeSecrets(period)) {
        for (const { rule, narrower: own } of pairs) {
          const name = matchName(matchOf(this.#provider, secret32, group.groupId16, period, own));
          names.push(name);
          this.#routes.set(name, { group, topic: topicChains ? undefined : parseTopic(rule.text) });
          const match = matchOf(this.#provider, secret32, group.groupId16, period, rule);
          matches.set(matchName(match), match);
        }
      }
    }
    return { names, matches };
  }
}

/** One name for a match. */
export function matchName({ matchKind, level, match16 }: TopicMatch): string {
  return `${matchKind}${level}${hexOf(match16)}`;
}

/** What a subscription and a rule that overlap have in common, as far as tags show it: a rule has no segment `*`. */
function narrower(pattern: TopicPattern, rule: TopicPattern): TopicPattern {
  const isExact = rule.literals === rule.segments.length;
  return isExact || rule.literals > pattern.literals ? rule : pattern;
}

const noMatches: ReadonlyMap<string, TopicMatch> = new Map();
